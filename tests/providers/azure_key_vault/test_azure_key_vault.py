"""Azure Key Vault keeps the contract under every method, and its traps are told apart."""

import pytest

from jackfield.model.check import CheckResult, ExpiryKnown, GrantState, Outcome, StepName, StepOutcome
from jackfield.model.errors import InvalidField
from jackfield.providers.contract.microsoft import allows
from providers.azure_key_vault.vendor import KeyVault
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields
from support.microsoft import KEY_ID, MANAGEMENT, TENANT

SLUG = "azure-key-vault"
SYNC = "secret-sync/secrets"
VAULT_ONLY = {SYNC: {"vaultBaseUrl": "https://acme.vault.azure.net", "deletion": "yes"}}


class TestAzureKeyVault(ProviderContract):
    slug = SLUG
    world = KeyVault


class VaultWithAccessPolicies(KeyVault):
    def declare(self, vendor):
        super().declare(vendor)
        self.by_roles = False


class TestAzureKeyVaultWithAccessPolicies(ProviderContract):
    slug = SLUG
    world = VaultWithAccessPolicies


async def checked(world: KeyVault, method: str = "client-secret", **options: object) -> CheckResult:
    return await check(world, REGISTRY.get(SLUG), method, **options)


def state(result: CheckResult, right: str) -> GrantState:
    return next(grant.state for grant in result.grants if grant.permission.startswith(f"{right} ="))


def reach(result: CheckResult) -> StepOutcome:
    return next(step.outcome for step in result.steps if step.name is StepName.REACH)


async def test_token_alone_grants_nothing() -> None:
    """Entra gives a token to a principal without any right: the check is limited and every readable row is missing."""
    with KeyVault() as world:
        world.rights = set()

        result = await checked(world)

    assert result.outcome is Outcome.LIMITED
    assert set(rows(result).values()) == {GrantState.MISSING}


async def test_without_the_resource_id_only_probed_rights_are_told() -> None:
    """With the vault's URL alone, listing and reading are probed, writing is unreadable, and 404 grants no deletion."""
    with KeyVault() as world:
        result = await checked(world, uses=VAULT_ONLY)

        hosts = {request.headers["host"] for request in world.vendor.requests}
    assert state(result, "secrets/list") is GrantState.GRANTED
    assert state(result, "secrets/get") is GrantState.GRANTED
    assert state(result, "secrets/set") is GrantState.UNREADABLE
    assert state(result, "secrets/recover") is GrantState.UNKNOWN
    assert state(result, "secrets/delete") is GrantState.UNKNOWN
    assert "management.azure.com" not in hosts


async def test_refused_attempts_show_missing_rights_without_the_resource_id() -> None:
    """A deletion or recovery that the vault forbids is missing, when the connection allows attempts."""
    with KeyVault() as world:
        world.rights -= {"secrets/delete", "secrets/recover"}
        allowed = await checked(world, uses=VAULT_ONLY)
        refused = await checked(world, uses=VAULT_ONLY, attempts=False)

    assert state(allowed, "secrets/delete") is state(allowed, "secrets/recover") is GrantState.MISSING
    assert state(refused, "secrets/delete") is state(refused, "secrets/recover") is GrantState.UNKNOWN


async def test_settings_that_may_not_be_read_leave_writing_unread() -> None:
    """Roles say nothing while nobody knows whether the vault goes by them."""
    with KeyVault() as world:
        world.reads_settings = False

        result = await checked(world)

    assert state(result, "secrets/set") is GrantState.UNREADABLE
    assert state(result, "secrets/list") is GrantState.GRANTED


async def test_login_without_consent_for_the_management_leaves_writing_unread() -> None:
    """A person's login may reach the vault and not Azure's management."""
    with KeyVault() as world:
        world.entra.unconsented = {MANAGEMENT}

        result = await checked(world, "oauth")

    assert result.outcome is Outcome.PASSED
    assert state(result, "secrets/set") is GrantState.UNREADABLE


async def test_policies_of_others_alone_decide_nothing() -> None:
    """A policy may be of a group the principal is in: it is neither granted nor missing by the list alone."""
    with KeyVault() as world:
        world.by_roles = False
        settings = world._settings(None)
        for policy in settings["properties"]["accessPolicies"]:
            policy["objectId"] = "9009"
        world._settings = lambda _: settings
        world.vendor.answers("GET", settings["id"], settings)

        result = await checked(world)

    assert state(result, "secrets/set") is GrantState.UNKNOWN
    assert state(result, "secrets/list") is GrantState.GRANTED


async def test_firewall_is_not_a_missing_right() -> None:
    """A vault that refuses this machine's address says so with the status of a missing right."""
    with KeyVault() as world:
        world.firewall = True

        result = await checked(world)

    assert result.outcome is Outcome.LIMITED
    assert reach(result) is StepOutcome.FAILED
    assert GrantState.MISSING not in rows(result).values()


async def test_vault_of_another_tenant_is_not_reached() -> None:
    """A login without a tenant lands in the person's own, which need not be the vault's."""
    with KeyVault() as world:
        world.tenant = "0ther000-0000-4000-8000-000000000000"

        result = await checked(world, "oauth", fields={**world.fields("oauth"), "tenantId": ""}, uses=VAULT_ONLY)

        paths = {request.path for request in world.vendor.requests}
    assert "/common/oauth2/v2.0/token" in paths
    assert f"/{TENANT}/oauth2/v2.0/token" not in paths
    assert result.outcome is Outcome.LIMITED
    assert reach(result) is StepOutcome.FAILED
    assert GrantState.GRANTED not in rows(result).values()


async def test_end_of_the_secret_is_found_by_its_first_characters() -> None:
    """Without the secret's ID its hint is enough; an app that may not read itself leaves the end unknown."""
    with KeyVault() as world:
        fields = {name: text for name, text in world.fields("client-secret").items() if text != KEY_ID}
        known = await checked(world, fields=fields, uses={})
        world.entra.reads_itself = False
        unknown = await checked(world, fields=fields, uses={})

    assert known.expires_at is not None
    assert unknown.outcome is Outcome.PASSED
    assert unknown.expiry_known is ExpiryKnown.UNKNOWN


def test_id_of_the_secret_is_refused_in_the_form() -> None:
    """The usual mistake is told before anything is sent."""
    with pytest.raises(InvalidField, match="Copy its Value"):
        typed_fields(REGISTRY.get(SLUG).method("client-secret"), {"clientSecret": KEY_ID})


async def test_nothing_is_sent_with_a_key_that_does_not_fit() -> None:
    """Certificate and key are compared here first."""
    with KeyVault() as world:
        await checked(world, "certificate", fields=world.fail("certificate-mismatch", "certificate"))

        assert world.vendor.requests == []


@pytest.mark.parametrize(
    ("role", "held"),
    [
        ({"dataActions": ["Microsoft.KeyVault/vaults/*"]}, True),
        ({"dataActions": ["microsoft.keyvault/vaults/SECRETS/setsecret/action"]}, True),
        ({"dataActions": ["*"], "notDataActions": ["Microsoft.KeyVault/vaults/secrets/*"]}, False),
        ({"actions": ["*"], "dataActions": None}, False),
        ({"dataActions": ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]}, False),
    ],
)
def test_roles_are_matched_as_azure_does(role: dict[str, list[str]], held: bool) -> None:
    """Wildcards count, letter case does not, what a role takes away it does not give, and actions are not data."""
    assert allows([role], "Microsoft.KeyVault/vaults/secrets/setSecret/action", data=True) is held


def test_what_one_role_takes_away_another_still_gives() -> None:
    """Exclusions are of one role, not of the principal."""
    roles = [{"dataActions": ["*"], "notDataActions": ["*"]}, {"dataActions": ["*/setSecret/action"]}]

    assert allows(roles, "Microsoft.KeyVault/vaults/secrets/setSecret/action", data=True)
