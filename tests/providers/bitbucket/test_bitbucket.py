"""Bitbucket keeps the contract; what a token holds is read from a refusal, and never guessed."""

import pytest

from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from jackfield.model.errors import InvalidField
from jackfield.providers.contract.fields import read_value
from providers.bitbucket.vendor import Bitbucket
from providers.contract import REGISTRY, ProviderContract, check, rows
from support.vendor import Answer

SYNC = "secret-sync/repository"


class TestBitbucket(ProviderContract):
    slug = "bitbucket"
    world = Bitbucket


async def checked(world: Bitbucket, uses: dict[str, dict[str, str]] | None = None) -> CheckResult:
    return await check(world, REGISTRY.get("bitbucket"), "api-token", uses=uses)


async def test_token_that_may_not_say_who_it_is_is_still_proven() -> None:
    """Refused with the list of its scopes, the token is known: nobody is named, and its rows are judged."""
    with Bitbucket() as bitbucket:
        bitbucket.scopes.remove("read:user:bitbucket")

        result = await checked(bitbucket)

    assert result.outcome is Outcome.LIMITED
    assert result.identity == {}
    assert rows(result)[SYNC, "read:user:bitbucket"] is GrantState.MISSING
    assert rows(result)[SYNC, "admin:pipeline:bitbucket"] is GrantState.GRANTED


async def test_refusal_without_a_list_proves_nothing() -> None:
    """403 alone could come from anything in between."""
    with Bitbucket() as bitbucket:
        bitbucket.vendor.answers("GET", "/2.0/user", Answer(403, json={"type": "error", "error": {"message": "no"}}))

        result = await checked(bitbucket)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.FORBIDDEN


async def test_second_miss_serves_where_the_first_is_no_miss() -> None:
    """A token that may read snippets is asked for issues instead."""
    with Bitbucket() as bitbucket:
        bitbucket.scopes.append("read:snippet:bitbucket")

        result = await checked(bitbucket)

    assert rows(result)[SYNC, "admin:pipeline:bitbucket"] is GrantState.GRANTED


async def test_token_that_misses_nothing_asked_for_is_unreadable() -> None:
    """Where no refusal lists the scopes, no row is green by guess."""
    with Bitbucket() as bitbucket:
        bitbucket.scopes += ["read:snippet:bitbucket", "read:issue:bitbucket"]

        result = await checked(bitbucket)

    assert rows(result)[SYNC, "admin:pipeline:bitbucket"] is GrantState.UNREADABLE
    assert rows(result)[SYNC, "read:user:bitbucket"] is GrantState.GRANTED


async def test_write_does_not_give_read() -> None:
    """Scopes of API tokens do not imply each other: they are compared name by name."""
    with Bitbucket() as bitbucket:
        bitbucket.scopes.remove("read:pipeline:bitbucket")

        result = await checked(bitbucket)

    assert rows(result)[SYNC, "read:pipeline:bitbucket"] is GrantState.MISSING
    assert rows(result)[SYNC, "write:pipeline:bitbucket"] is GrantState.GRANTED


async def test_person_who_is_no_admin_does_not_reach_the_repository() -> None:
    """The person's own rights cap the token: all scopes, and no use."""
    with Bitbucket() as bitbucket:
        bitbucket.admin = False

        result = await checked(bitbucket)

    assert result.outcome is Outcome.LIMITED
    assert "role Admin" in next(step.detail for step in result.steps if step.name == "reach")


async def test_workspace_settings_are_asked_for_only_when_wanted() -> None:
    """The scope of the KMS guide is a switch, off by default; held without it, it is in excess."""
    with Bitbucket() as bitbucket:
        result = await checked(bitbucket, {SYNC: {"workspace": "acme", "repository": "app"}})

    assert (SYNC, "admin:workspace:bitbucket") not in rows(result)
    assert rows(result)["", "admin:workspace:bitbucket"] is GrantState.EXCESS


async def test_token_without_scopes_is_refused_like_a_wrong_one() -> None:
    """A plain Atlassian token works in Jira and gives 401 here: the next step names both causes."""
    with Bitbucket() as bitbucket:
        bitbucket.scopes = []

        result = await checked(bitbucket)

    assert result.failure is not None
    assert "without scopes" in result.failure.next_step


@pytest.mark.parametrize(
    ("name", "text"), [("apiToken", "ATBBxyz"), ("apiToken", "ATCTT3xFf"), ("email", "ada"), ("email", "")]
)
def test_what_cannot_be_right_is_refused_by_the_form(name: str, text: str) -> None:
    """App passwords, tokens of repositories and user names in place of an email are told apart before any test."""
    field = next(field for field in REGISTRY.get("bitbucket").method("api-token").fields if field.name == name)

    with pytest.raises(InvalidField):
        read_value(field, text)
