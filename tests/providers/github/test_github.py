"""GitHub keeps the contract with every kind of token, and its traps are told apart."""

from datetime import UTC, datetime

import pytest

from jackfield.model.check import CheckResult, ExpiryKnown, FailureKind, GrantState, Outcome
from jackfield.model.errors import InvalidField
from jackfield.providers.contract.fields import read_value
from jackfield.providers.github.provider import signed_assertion
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.github.vendor import APP_ID, REPOSITORY, FineGrainedGitHub, GitHub, new_key, no, pem, verified_claims
from support.vendor import Answer


class TestGitHub(ProviderContract):
    slug = "github"
    world = GitHub


class TestGitHubWithUnlistedPermissions(ProviderContract):
    slug = "github"
    world = FineGrainedGitHub


async def checked(world: GitHub, method: str, **fields: str) -> CheckResult:
    return await check(world, REGISTRY.get("github"), method, fields={**world.fields(method), **fields})


@pytest.mark.parametrize("method", ["pat", "github-app"])
@pytest.mark.parametrize(
    ("fields", "root"),
    [
        ({}, "/app"),
        ({"instanceType": "server", "host": "ghe.example.com"}, "/api/v3/app"),
        ({"host": "octo.ghe.com"}, "/app"),
    ],
)
async def test_each_kind_of_instance_is_asked_at_its_own_address(
    method: str, fields: dict[str, str], root: str
) -> None:
    """github.com, an Enterprise Server and a data residency host have API roots of their own, for apps too."""
    with GitHub() as github:
        result = await checked(github, method, **fields)

        hosts = {request.headers["host"] for request in github.vendor.requests}
        paths = [request.path for request in github.vendor.requests]
    assert result.outcome is Outcome.PASSED
    expected = {"": "api.github.com", "octo.ghe.com": "api.octo.ghe.com"}.get(fields.get("host", ""), "ghe.example.com")
    assert hosts == {expected}
    assert all(path.startswith(root.removesuffix("/app")) for path in paths)


async def test_token_expiry_is_read_from_the_header_and_its_absence_means_never() -> None:
    """A personal token says in each answer when it ends; one without an end says nothing."""
    with GitHub() as github:
        ends = await checked(github, "pat")
        github.expires = ""
        never = await checked(github, "pat")

    assert ends.expires_at == datetime(2027, 3, 1, 8, tzinfo=UTC)
    assert never.expiry_known is ExpiryKnown.NEVER


async def test_public_repository_proves_no_right() -> None:
    """What anyone may read of a public repository never becomes a granted row of a fine-grained token."""
    with FineGrainedGitHub() as github:
        github.private = False
        del github.permissions["contents"]

        result = await checked(github, "pat")

    found = rows(result)
    assert found["secret-scanning/repository", "contents: read"] is GrantState.UNREADABLE
    assert found["secret-sync/environment", "actions: read"] is GrantState.UNREADABLE


async def test_write_access_of_a_fine_grained_token_is_never_claimed() -> None:
    """GitHub lists no token's permissions: that secrets can be listed does not make the write row green."""
    with FineGrainedGitHub() as github:
        result = await checked(github, "pat")

    assert rows(result)["secret-sync/repository", "secrets: write"] is GrantState.UNREADABLE
    assert GrantState.EXCESS not in rows(result).values()


async def test_rate_limit_in_the_middle_is_no_missing_right() -> None:
    """403 with no request left says nothing about a permission: the row stays unknown."""
    with FineGrainedGitHub() as github:
        spent = no(403, "API rate limit exceeded", **{"x-ratelimit-remaining": "0"})
        github.vendor.answers("GET", "/repos/{owner}/{name}/actions/secrets", spent)

        result = await checked(github, "pat")

    assert rows(result)["secret-sync/repository", "secrets: write"] is GrantState.UNKNOWN


async def test_wider_permission_of_an_app_is_implied_and_in_excess() -> None:
    """Write where read is enough: the row says held through a wider right, and the list says what to lower."""
    with GitHub() as github:
        github.permissions["contents"] = github.asked_by_app["contents"] = "write"

        result = await checked(github, "github-app")

    assert rows(result)["secret-scanning/repository", "contents: read"] is GrantState.IMPLIED
    assert rows(result)["", "contents: write"] is GrantState.EXCESS


async def test_permissions_the_owner_has_not_accepted_yet_are_warned_of() -> None:
    """An app that asks for more than its installation holds keeps working with the old rights, and says so."""
    with GitHub() as github:
        github.asked_by_app["variables"] = "write"

        result = await checked(github, "github-app")

    assert result.outcome is Outcome.PASSED
    assert any("review the request" in warning for warning in result.warnings)


async def test_installation_without_repositories_is_warned_of() -> None:
    """Every right and no repository: the credential works and is of no use."""
    with GitHub() as github:
        github.installed = []

        result = await checked(github, "github-app")

    assert result.outcome is Outcome.LIMITED
    assert any("no repository" in warning for warning in result.warnings)


async def test_organizations_hidden_by_sso_are_warned_of() -> None:
    """A listing with holes answers 200; its header tells of them."""
    with GitHub() as github:
        github.hidden = "partial-results; organizations=21955855"

        result = await checked(github, "pat")

    assert any("SSO" in warning for warning in result.warnings)


async def test_repository_behind_sso_is_not_reached_and_says_what_to_do() -> None:
    """The token is good, its organization wants SSO: the step names the page, never the one-time address."""
    with GitHub() as github:
        url = "required; url=https://github.com/orgs/acme/sso?authorization_request=AZSCKtL4U8"
        github.vendor.answers("GET", f"/repos/{REPOSITORY}", no(403, "SAML", **{"x-github-sso": url}))

        result = await checked(github, "pat")

    said = next(step.detail for step in result.steps if step.name == "reach")
    assert result.outcome is Outcome.LIMITED
    assert "Configure SSO" in said
    assert "AZSCKtL4U8" not in str(result)


async def test_person_who_may_only_read_does_not_reach_the_repository() -> None:
    """The scope is there, the role is not: the check is limited and names the role to give."""
    with GitHub() as github:
        github.role = {"admin": False, "push": False, "pull": True}

        result = await checked(github, "pat")

    assert result.outcome is Outcome.LIMITED
    assert "role Admin" in next(step.detail for step in result.steps if step.name == "reach")


async def test_key_that_is_no_rsa_key_is_named() -> None:
    """A key GitHub never made is told before anything is asked of the vendor."""
    with GitHub() as github:
        certificate = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----"

        result = await checked(github, "github-app", privateKey=certificate)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.MISCONFIGURED
    assert "RSA" in result.failure.message
    assert github.vendor.requests == []


async def test_refused_installation_is_asked_once() -> None:
    """A wrong key is tried once: no token is minted and nothing else is asked after the first refusal."""
    with GitHub() as github:
        await check(github, REGISTRY.get("github"), "github-app", fields=github.wrong_fields("github-app"))

    assert len(github.vendor.requests) == 1


async def test_answer_of_another_installation_is_no_proof() -> None:
    """The body must name the installation asked for: a 200 alone is not enough."""
    with GitHub() as github:
        github.vendor.answers("GET", "/app/installations/{id}", Answer(json={"id": 1, "suspended_at": None}))

        result = await checked(github, "github-app")

    assert result.outcome is Outcome.FAILED


@pytest.mark.parametrize("token", ["ghs_installation", "gho_oauth", "ghu_user"])
def test_tokens_of_other_methods_are_refused_by_the_form(token: str) -> None:
    """A token that ends soon or comes from a login is sent to the method where it belongs."""
    field = next(field for field in REGISTRY.get("github").method("pat").fields if field.name == "personalAccessToken")

    with pytest.raises(InvalidField, match="Choose the method"):
        read_value(field, token)


def test_assertion_is_signed_and_short_lived() -> None:
    """RS256 over issuer, a backdated start and an end within GitHub's ten minutes."""
    key = new_key("app")

    claims = verified_claims(signed_assertion(APP_ID, pem(key), 1_000_000), key.public_key())

    assert claims == {"iss": APP_ID, "iat": 999_940, "exp": 1_000_300}
