"""Azure App Configuration keeps the contract, and its traps are told apart."""

from jackfield.model.check import CheckResult, EvidenceKind, GrantState, Outcome, StepName, StepOutcome
from providers.azure_app_configuration.vendor import ACTION, AppConfiguration
from providers.contract import REGISTRY, ProviderContract, check, rows

SLUG = "azure-app-configuration"
USE = "secret-sync/key-values"
STORE_ONLY = {USE: {"configurationUrl": "https://acme.azconfig.io", "deletion": "yes"}}


class TestAzureAppConfiguration(ProviderContract):
    slug = SLUG
    world = AppConfiguration


async def checked(world: AppConfiguration, method: str = "client-secret", **options: object) -> CheckResult:
    return await check(world, REGISTRY.get(SLUG), method, **options)


def reach(result: CheckResult) -> StepOutcome:
    return next(step.outcome for step in result.steps if step.name is StepName.REACH)


async def test_token_without_any_role_is_limited() -> None:
    """Entra gives a token to a principal without any role on the store."""
    with AppConfiguration() as world:
        world.rights = set()

        result = await checked(world)

    assert result.outcome is Outcome.LIMITED
    assert set(rows(result).values()) == {GrantState.MISSING}


async def test_without_the_resource_id_a_write_is_never_claimed() -> None:
    """Reading is probed and deleting nothing is allowed; a write that matches nothing is refused and grants nothing."""
    with AppConfiguration() as world:
        result = await checked(world, uses=STORE_ONLY)

        stored = list(world.stored)
    found = {grant.permission.removeprefix(ACTION): (grant.state, grant.evidence) for grant in result.grants}
    assert found["read"] == (GrantState.GRANTED, EvidenceKind.PROBED)
    assert found["write"] == (GrantState.UNKNOWN, None)
    assert found["delete"] == (GrantState.GRANTED, EvidenceKind.ATTEMPTED)
    assert stored == []


async def test_refused_attempts_show_missing_rights() -> None:
    """403 on a guarded write or deletion is a missing right, where the connection allows attempts."""
    with AppConfiguration() as world:
        world.rights = {"read"}
        allowed = rows(await checked(world, uses=STORE_ONLY))
        refused = rows(await checked(world, uses=STORE_ONLY, attempts=False))

    assert allowed[USE, ACTION + "write"] is allowed[USE, ACTION + "delete"] is GrantState.MISSING
    assert refused[USE, ACTION + "write"] is refused[USE, ACTION + "delete"] is GrantState.UNKNOWN


async def test_store_of_another_tenant_is_not_reached() -> None:
    """A login without a tenant lands in the person's own, which need not be the store's."""
    with AppConfiguration() as world:
        world.tenant = "0ther000-0000-4000-8000-000000000000"
        fields = {**world.fields("oauth"), "tenantId": ""}

        result = await checked(world, "oauth", fields=fields, uses=STORE_ONLY)

    assert reach(result) is StepOutcome.FAILED
    assert result.outcome is Outcome.LIMITED
    assert rows(result)[USE, ACTION + "read"] is GrantState.UNKNOWN
