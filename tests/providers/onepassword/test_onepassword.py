"""1Password Connect keeps the contract; an answer that anybody gets, or a number nobody knows, proves nothing."""

from typing import Any

import pytest

from jackfield.model.check import ExpiryKnown, GrantState, Outcome
from jackfield.model.errors import InvalidField
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields
from providers.onepassword.vendor import METHOD, READ, VAULT, WRITE, OnePassword, PlainOnePassword, token
from support.vendor import Answer

PROVIDER = REGISTRY.get("1password")
READING, WRITING = ("secret-sync/vault", "vault: read items"), ("secret-sync/vault", "vault: write items")


class TestOnePassword(ProviderContract):
    slug = "1password"
    world = OnePassword


@pytest.mark.parametrize("grant", [READ, WRITE, 49152])
@pytest.mark.parametrize("attempts", [True, False])
async def test_writing_is_never_green(grant: int, attempts: bool) -> None:
    """Neither an undocumented number in the token nor a refused body shows that a token may write."""
    with OnePassword() as vendor:
        vendor.grants[VAULT] = grant

        result = await check(vendor, PROVIDER, METHOD, attempts=attempts)

    refused = GrantState.UNREADABLE if grant == WRITE else GrantState.MISSING
    assert rows(result)[WRITING] is (refused if attempts else GrantState.UNKNOWN)


async def test_refused_body_is_no_proof_of_a_right() -> None:
    """A server that looks at the body first answers 400 to everybody."""
    with OnePassword() as vendor:
        vendor.grants[VAULT] = READ
        vendor.asks_body_first = True

        result = await check(vendor, PROVIDER, METHOD)

    assert rows(result)[WRITING] is GrantState.UNREADABLE
    assert result.failure is None


async def test_vault_that_is_refused_once_is_asked_again() -> None:
    with OnePassword() as vendor:
        vendor.flaky = 1

        result = await check(vendor, PROVIDER, METHOD, uses={"secret-sync/vault": {"vault": VAULT}})

    assert rows(result)[READING] is GrantState.GRANTED


async def test_vault_out_of_reach_is_limited() -> None:
    with OnePassword() as vendor:
        other = "a" * 26

        result = await check(vendor, PROVIDER, METHOD, uses={"secret-sync/vault": {"vault": other}})

    assert result.outcome is Outcome.LIMITED
    assert rows(result)[READING] is GrantState.MISSING
    assert rows(result)[WRITING] is not GrantState.GRANTED


async def test_token_without_an_end_never_expires() -> None:
    with OnePassword() as vendor:
        fields = {**vendor.fields(METHOD), "apiToken": token(vendor.grants, exp=None)}

        result = await check(vendor, PROVIDER, METHOD, fields=fields, uses={})

    assert result.expiry_known is ExpiryKnown.NEVER


@pytest.mark.parametrize(
    "answer",
    [
        {"name": "1Password Connect API", "version": "1.8.1"},
        {"vaults": [{"id": VAULT}]},
        [{"name": "no id"}],
        ["text"],
    ],
)
async def test_answer_that_is_no_list_of_vaults_is_never_green(answer: Any) -> None:
    """/health answers everybody, and other servers answer 200 to anything."""
    with OnePassword() as vendor:
        vendor.instead = Answer(json=answer)

        result = await check(vendor, PROVIDER, METHOD, uses={})

    assert result.outcome is Outcome.FAILED


@pytest.mark.parametrize(("world", "warned"), [(PlainOnePassword, True), (OnePassword, False)])
async def test_token_that_travels_unencrypted_is_warned_about(world: type[OnePassword], warned: bool) -> None:
    with world() as vendor:
        result = await check(vendor, PROVIDER, METHOD)

    assert result.outcome is Outcome.PASSED
    assert any("unencrypted" in text for text in result.warnings) is warned


@pytest.mark.parametrize("text", ["ops_eyJzaWduSW5BZGRyZXNzIjoi", "eyJhbGciOi", f"ops_{token({VAULT: READ})}"])
def test_service_account_token_is_refused_in_the_form(text: str) -> None:
    with pytest.raises(InvalidField) as raised:
        typed_fields(PROVIDER.method(METHOD), {"instanceUrl": "http://127.0.0.1:8080", "apiToken": text})

    assert text not in str(raised.value)
