"""dbt keeps the contract; what a token cannot ask about itself stays unread."""

import pytest

from jackfield.model.check import GrantState, Outcome
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.dbt.vendor import PERSONAL, Dbt

SETS = "permission set account_admin, security_admin or owner"


class TestDbt(ProviderContract):
    slug = "dbt"
    world = Dbt


async def test_a_token_without_a_name_leaves_its_sets_unread() -> None:
    """That the list of tokens answers proves seeing them, not making them."""
    with Dbt() as vendor:
        result = await check(
            vendor, REGISTRY.get("dbt"), "api-token", uses={"secret-rotation/service-tokens": {"tokenName": ""}}
        )

    assert rows(result)["secret-rotation/service-tokens", SETS] is GrantState.UNREADABLE


async def test_an_old_user_key_is_warned_of_and_its_licence_is_not_guessed() -> None:
    with Dbt() as vendor:
        vendor.vendor.answers("GET", "/api/v2/accounts/12345/", vendor._account(None))  # type: ignore[arg-type]
        fields = {**vendor.fields("api-token"), "apiToken": "0123456789abcdef0123456789abcdef01234567"}

        result = await check(vendor, REGISTRY.get("dbt"), "api-token", fields=fields, uses={"other/projects": {}})

    assert any("every account" in warning for warning in result.warnings)


async def test_an_account_of_another_number_in_the_answer_is_no_proof() -> None:
    """A host that answers for another account than the one asked for is not believed."""
    with Dbt() as vendor:
        answer = {"status": {"code": 200, "is_success": True}, "data": {"id": 777, "name": "Other"}}
        vendor.vendor.answers("GET", "/api/v2/accounts/12345/", answer)

        result = await check(vendor, REGISTRY.get("dbt"), "api-token")

    assert result.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("person", "licence", "states"),
    [
        ("Ada@example.com", "developer", (GrantState.GRANTED, GrantState.GRANTED)),
        ("ada@example.com", "read_only", (GrantState.GRANTED, GrantState.MISSING)),
        ("bob@example.com", "developer", (GrantState.MISSING, GrantState.MISSING)),
        ("eve@example.com", "developer", (GrantState.UNKNOWN, GrantState.UNKNOWN)),
        ("", "developer", (GrantState.UNREADABLE, GrantState.UNREADABLE)),
    ],
)
async def test_a_personal_token_is_judged_by_the_person_who_is_named(
    person: str, licence: str, states: tuple[GrantState, GrantState]
) -> None:
    use = "secret-rotation/service-tokens"
    with Dbt() as vendor:
        vendor.licence = licence
        fields = {**vendor.fields("api-token"), "apiToken": PERSONAL}

        result = await check(
            vendor, REGISTRY.get("dbt"), "api-token", fields=fields, uses={use: {"tokenName": "", "person": person}}
        )

    found = rows(result)
    assert (found[use, SETS], found[use, "Developer licence of the token's owner"]) == states
