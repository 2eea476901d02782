"""Azure client secrets keep the contract, for owned apps and for any, and their traps are told apart."""

from jackfield.model.check import CheckResult, EvidenceKind, GrantState, Outcome, StepName, StepOutcome
from providers.azure_client_secrets.vendor import ALL, OWNED_BY, TARGET, AnyClientSecrets, ClientSecrets
from providers.contract import REGISTRY, ProviderContract, check, rows
from support.microsoft import GRAPH, PERSON

SLUG = "azure-client-secrets"
USE = "secret-rotation/client-secrets"


class TestAzureClientSecrets(ProviderContract):
    slug = SLUG
    world = ClientSecrets


class TestAzureClientSecretsOfAnyApp(ProviderContract):
    slug = SLUG
    world = AnyClientSecrets


async def checked(world: ClientSecrets, method: str = "client-secret", **options: object) -> CheckResult:
    return await check(world, REGISTRY.get(SLUG), method, **options)


def reach(result: CheckResult) -> StepOutcome:
    return next(step.outcome for step in result.steps if step.name is StepName.REACH)


async def test_token_without_any_permission_is_limited() -> None:
    """Graph always gives a token; one without roles holds nothing."""
    with ClientSecrets() as world:
        world.entra.roles[GRAPH] = []

        result = await checked(world)

    assert result.outcome is Outcome.LIMITED
    assert rows(result) == {(USE, f"{OWNED_BY} (application)"): GrantState.MISSING}


async def test_wider_role_implies_the_narrow_one_and_stands_in_excess() -> None:
    """Application.ReadWrite.All does for an owned app, and is more than it takes."""
    with ClientSecrets() as world:
        world.entra.roles[GRAPH] = [ALL]

        result = await checked(world)

    assert rows(result) == {(USE, f"{OWNED_BY} (application)"): GrantState.IMPLIED, ("", ALL): GrantState.EXCESS}


async def test_owned_by_without_ownership_is_not_enough() -> None:
    """The permission is held, the app is not owned: it is not reached."""
    with ClientSecrets() as world:
        world.owners = world.owners[:1]

        result = await checked(world)

    assert rows(result)[USE, f"{OWNED_BY} (application)"] is GrantState.GRANTED
    assert reach(result) is StepOutcome.FAILED
    assert result.outcome is Outcome.LIMITED


async def test_person_without_ownership_is_not_called_able() -> None:
    """A delegated scope reaches as far as the person does; an unknown role of that person is not guessed."""
    with ClientSecrets() as world:
        world.owners = [owner for owner in world.owners if owner["id"] != PERSON]

        result = await checked(world, "oauth")

    assert reach(result) is StepOutcome.UNKNOWN


async def test_other_app_is_not_reached() -> None:
    """An Application ID in place of the Object ID names no app."""
    with ClientSecrets() as world:
        target = {"application": TARGET.replace("1111", "2222"), "ownership": "owned"}

        result = await checked(world, uses={USE: target})

    assert reach(result) is StepOutcome.FAILED


async def test_opaque_token_falls_back_to_the_list_of_assigned_roles() -> None:
    """Graph's tokens need not be readable; the roles are then asked for, and if they are not told, stay unknown."""
    with ClientSecrets() as world:
        issue = world.entra.issue
        world.entra.issue = lambda *names, **options: issue(*names, **options).replace(".", "~")
        world.entra.accepted = lambda token: token.replace("~", ".")
        listed = await checked(world)
        world.lists_assignments = False
        unlisted = await checked(world)

    row = next(grant for grant in listed.grants if grant.use)
    assert (row.state, row.evidence) == (GrantState.GRANTED, EvidenceKind.ANSWERED)
    assert rows(unlisted)[USE, f"{OWNED_BY} (application)"] is GrantState.UNKNOWN


async def test_no_secret_is_ever_made() -> None:
    """Adding a secret cannot be tried: nothing but the token request is posted."""
    with ClientSecrets() as world:
        await checked(world)

        posted = {request.path for request in world.vendor.requests if request.method != "GET"}
    assert all(path.endswith("/oauth2/v2.0/token") for path in posted)
