"""GitLab keeps the contract, and its own traps are told apart."""

from datetime import UTC, datetime

import pytest

from jackfield.model.check import CheckResult, ExpiryKnown, FailureKind, GrantState, Outcome
from jackfield.providers.contract.fields import normalise
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.gitlab.vendor import PERSONAL, SESSION, GitLab
from support.vendor import Answer

MAINTAINER = ("secret-sync/project", "Maintainer (40) on the project")


class TestGitLab(ProviderContract):
    slug = "gitlab"
    world = GitLab


async def checked(world: GitLab, method: str = "access-token", **fields: str) -> CheckResult:
    return await check(world, REGISTRY.get("gitlab"), method, fields={**world.fields(method), **fields})


async def test_instance_under_a_path_prefix_is_asked_there() -> None:
    """A self-managed GitLab may live under a path; everything is asked below it."""
    with GitLab() as gitlab:
        result = await checked(gitlab, instanceUrl="https://git.example.com/gitlab")

        paths = [request.path for request in gitlab.vendor.requests]
    assert result.outcome is Outcome.PASSED
    assert all(path.startswith("/gitlab/api/v4/") for path in paths)


async def test_session_token_is_no_private_token() -> None:
    """A token of an OAuth login is refused in the header of access tokens."""
    with GitLab() as gitlab:
        result = await checked(gitlab, accessToken=SESSION)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED


async def test_redirect_is_not_followed_with_the_token() -> None:
    """Public data behind a redirect would look like success: the token goes nowhere else."""
    with GitLab() as gitlab:
        moved = Answer(301, headers={"location": "https://git.example.com/api/v4/personal_access_tokens/self"})
        gitlab.vendor.answers("GET", "/api/v4/personal_access_tokens/self", moved)

        result = await checked(gitlab)

        hosts = {request.headers["host"] for request in gitlab.vendor.requests}
    assert result.outcome is Outcome.FAILED
    assert hosts == {"gitlab.com"}


async def test_older_instance_is_proven_by_the_person_alone() -> None:
    """Before 15.5 nothing is told of a token: the check passes, its scopes and end stay unknown."""
    with GitLab() as gitlab:
        gitlab.old = True

        result = await checked(gitlab)

    assert result.failure is None
    assert result.identity["account"] == "ada"
    assert result.expiry_known is ExpiryKnown.UNKNOWN
    assert rows(result)["secret-sync/project", "api"] is GrantState.UNKNOWN
    assert rows(result)[MAINTAINER] is GrantState.GRANTED


async def test_older_instance_still_tells_a_role_that_is_missing() -> None:
    """Without the list of associations, the project's own answer decides."""
    with GitLab() as gitlab:
        gitlab.old, gitlab.project_level = True, 30

        result = await checked(gitlab)

    assert rows(result)[MAINTAINER] is GrantState.MISSING


async def test_role_held_through_a_shared_group_is_found_in_the_associations() -> None:
    """The project states no level, the token's own list does."""
    with GitLab() as gitlab:
        gitlab.project_level = None

        result = await checked(gitlab)

    assert rows(result)[MAINTAINER] is GrantState.GRANTED


async def test_token_without_the_scope_to_say_who_it_is_still_passes() -> None:
    """/user wants a scope that a scanning token may lack: the token is good all the same, and its row is missing."""
    with GitLab() as gitlab:
        gitlab.scopes = ["read_repository"]

        result = await checked(gitlab)

    assert result.failure is None
    assert "account" not in result.identity
    assert rows(result)["secret-scanning/project", "api"] is GrantState.MISSING
    assert rows(result)["secret-scanning/project", "read_repository"] is GrantState.GRANTED


async def test_wider_repository_scope_is_implied() -> None:
    """write_repository serves where read_repository is wanted, and stands in excess."""
    with GitLab() as gitlab:
        gitlab.scopes = ["api", "write_repository"]

        result = await checked(gitlab)

    assert rows(result)["secret-scanning/project", "read_repository"] is GrantState.IMPLIED
    assert rows(result)["", "write_repository"] is GrantState.EXCESS


@pytest.mark.parametrize(
    ("bot", "kind", "warned"), [(True, "personal", 1), (False, "project", 1), (True, "project", 0)]
)
async def test_token_of_the_other_type_is_warned_of(bot: bool, kind: str, warned: int) -> None:
    """A project's bot passes for a person; what the form says is held against it."""
    with GitLab() as gitlab:
        gitlab.bot = bot

        result = await checked(gitlab, accessTokenType=kind)

    assert result.outcome is Outcome.PASSED
    assert len(result.warnings) == warned


async def test_ends_of_token_and_session_are_read() -> None:
    """A token ends at midnight of a date; a session says for how long it still lives."""
    with GitLab() as gitlab:
        token = await checked(gitlab)
        session = await checked(gitlab, "oauth")

    assert token.expires_at == datetime(2026, 12, 31, tzinfo=UTC)
    assert session.expires_at is not None
    assert 7190 <= (session.expires_at - session.started_at).total_seconds() <= 7200


async def test_project_by_number_and_in_other_case_is_found() -> None:
    """A project is named by its number or its path."""
    with GitLab() as gitlab:
        gitlab.project_level = None
        uses = {"secret-sync/project": {"project": "7"}}

        result = await check(gitlab, REGISTRY.get("gitlab"), "access-token", uses=uses)

    assert rows(result)[MAINTAINER] is GrantState.GRANTED


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("git.example.com", "https://git.example.com"),
        ("https://git.example.com/gitlab/api/v4/", "https://git.example.com/gitlab"),
        ("https://git.example.com/users/sign_in", "https://git.example.com"),
    ],
)
def test_pasted_address_becomes_the_address_of_the_instance(typed: str, kept: str) -> None:
    """What a browser shows or an API client uses is cut down to the instance."""
    field = next(one for one in REGISTRY.get("gitlab").method("access-token").fields if one.name == "instanceUrl")

    assert normalise(field, typed).text == kept


async def test_values_of_variables_are_never_asked_for() -> None:
    """The list of variables would answer with their values in clear: no check reads it."""
    with GitLab() as gitlab:
        await checked(gitlab)

        asked = [request.path for request in gitlab.vendor.requests]
    assert not [path for path in asked if "variables" in path]
    assert PERSONAL not in str(asked)
