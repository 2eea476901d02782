"""OCI keeps the contract; what it hides is never taken for a right, nor what its policies leave open."""

import pytest

from jackfield.checks.picking import list_picks
from jackfield.checks.request import CheckRequest
from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, World, check, rows, typed_fields
from providers.oci.vendor import APPS, HIDDEN, KEY, METHOD, PROD, TENANCY, USER, VAULT, Oci, SelfReadingOci, key, pem

PROVIDER = REGISTRY.get("oci")
USE = "secret-sync/vault"
SECRETS = (USE, "manage secret-family in compartment")


class TestOci(ProviderContract):
    slug = "oci"
    world = Oci


class TestSelfReadingOci(TestOci):
    world = SelfReadingOci


async def test_without_policies_a_listing_proves_no_right() -> None:
    """Every user may read itself, and may see an empty list: no row is green for it."""
    with Oci() as vendor:
        result = await check(vendor, PROVIDER, METHOD)

    assert set(rows(result).values()) == {GrantState.UNREADABLE}


async def test_hidden_secrets_are_a_missing_right() -> None:
    with Oci() as vendor:
        vendor.rights.clear()

        result = await check(vendor, PROVIDER, METHOD)

    assert rows(result)[SECRETS] is GrantState.MISSING
    assert result.outcome is Outcome.LIMITED


@pytest.mark.parametrize(
    ("statement", "place", "state"),
    [
        ("Allow group kms to manage all-resources in compartment Apps", TENANCY, GrantState.IMPLIED),
        ("Allow any-user to manage secret-family in tenancy", TENANCY, GrantState.GRANTED),
        ("ALLOW GROUP KMS TO MANAGE SECRET-FAMILY IN COMPARTMENT apps", APPS, GrantState.GRANTED),
        ("Allow group kms to use secret-family in tenancy", TENANCY, GrantState.MISSING),
        ("Allow group kms to manage secret-family in compartment Other", TENANCY, GrantState.UNKNOWN),
        ("Allow group 'Partners'/'kms' to manage secret-family in tenancy", TENANCY, GrantState.UNKNOWN),
        ("Allow group kms-admins to manage secret-family in tenancy", TENANCY, GrantState.MISSING),
        ("Allow dynamic-group kms to manage secret-family in tenancy", TENANCY, GrantState.MISSING),
        ("Allow group kms to manage secrets in tenancy", TENANCY, GrantState.UNKNOWN),
        ("Allow group kms to {SECRET_CREATE} in tenancy", TENANCY, GrantState.UNKNOWN),
        (
            "Allow group kms to manage secret-family in tenancy where target.vault.id = 'x'",
            TENANCY,
            GrantState.UNKNOWN,
        ),
        ("Deny group kms to manage secret-family in tenancy", TENANCY, GrantState.UNKNOWN),
    ],
)
async def test_policies_are_read_to_the_letter(statement: str, place: str, state: GrantState) -> None:
    """A wider grant implies, another's counts for nothing, and a condition or a denial leaves the right open."""
    with SelfReadingOci() as vendor:
        vendor.rights.remove("manage secret-family")
        vendor.more = [(statement, place)]
        vendor.vendor.answers("GET", "/20180608/secrets", [])

        result = await check(vendor, PROVIDER, METHOD)

    assert rows(result)[SECRETS] is state


async def test_denial_takes_the_green_from_what_is_allowed() -> None:
    with SelfReadingOci() as vendor:
        vendor.more = [("Deny any-user to manage secret-family in compartment Apps", TENANCY)]

        result = await check(vendor, PROVIDER, METHOD)

    assert GrantState.GRANTED not in {state for row, state in rows(result).items() if row == SECRETS}


async def test_label_line_and_written_line_ends_of_a_pasted_key_do_no_harm() -> None:
    """The console's file may end with OCI_API_KEY, and a key out of an environment file holds backslash n."""
    with Oci() as vendor:
        for text in (pem(key()) + "OCI_API_KEY\n", pem(key()).replace("\n", "\\n")):
            result = await check(vendor, PROVIDER, METHOD, fields={**vendor.fields(METHOD), "privateKey": text})

            assert result.failure is None


async def test_user_that_may_not_read_itself_is_known_by_its_keys() -> None:
    """GetUser may need a policy; the user's own list of keys proves the same."""
    with Oci() as vendor:
        vendor.vendor.answers("GET", f"/20160918/users/{USER}", HIDDEN)

        result = await check(vendor, PROVIDER, METHOD, uses={})

    assert result.outcome is Outcome.PASSED


async def test_keys_are_asked_for_at_oracle_only() -> None:
    """The address of a vault's keys comes out of an answer: a signed request goes to no other domain."""
    with Oci() as vendor:
        vendor.management = "https://keys.example.net"

        result = await check(vendor, PROVIDER, METHOD)

    assert rows(result)[USE, "use keys in compartment"] is GrantState.UNKNOWN
    assert result.failure is None


async def test_vault_of_another_realm_is_not_reached() -> None:
    with Oci() as vendor:
        targets = {"compartment": PROD, "vault": VAULT.replace("oc1", "oc2")}

        result = await check(vendor, PROVIDER, METHOD, uses={USE: targets})

    assert result.outcome is Outcome.LIMITED
    assert any("another realm" in step.detail for step in result.steps)


async def test_pickers_read_a_listing_to_its_end() -> None:
    """The root compartment, which no listing names, can be chosen too."""
    with Oci() as vendor:
        target = {"compartment": PROD, "vault": VAULT}

        assert await offered(vendor, METHOD, "compartments", {}) == [APPS, PROD, TENANCY]
        assert await offered(vendor, METHOD, "vaults", target) == [VAULT]
        assert await offered(vendor, METHOD, "keys", target) == [KEY]


async def offered(world: World, method: str, picker: str, target: dict[str, str]) -> list[str]:
    """What one picker offers."""
    chosen = PROVIDER.method(method)
    request = CheckRequest(
        provider=PROVIDER,
        method=chosen,
        fields=typed_fields(chosen, world.fields(method)),
        uses=(),
        function=lambda name: REGISTRY.function(PROVIDER.slug, name),
        private_allowed=world.private_allowed,
    )
    return [one.value for one in await list_picks(request, PROVIDER.pickers[picker], target, world.network())]
