"""DigitalOcean keeps the contract, and its own traps are told apart."""

from typing import Any

import pytest

from jackfield.model.check import EvidenceKind, ExpiryKnown, GrantState, Outcome
from jackfield.model.errors import InvalidField
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields
from providers.digital_ocean.vendor import DigitalOcean

PROVIDER = REGISTRY.get("digital-ocean")
USE = "secret-sync/app-platform"


class TestDigitalOcean(ProviderContract):
    slug = "digital-ocean"
    world = DigitalOcean


async def judged(world: DigitalOcean, **targets: str) -> Any:
    return await check(world, PROVIDER, "api-token", uses={USE: {**world.uses[USE], **targets}})


async def test_narrow_token_passes_without_the_usual_whoami() -> None:
    """A token without account:read is a good one: /account, which would refuse it, is not asked."""
    with DigitalOcean() as vendor:
        vendor.scopes.remove("account:read")
        vendor.scopes.remove("project:read")

        result = await judged(vendor, details="no")

        assert result.outcome is Outcome.PASSED
        assert [one.path for one in vendor.vendor.requests if one.path == "/v2/account"] == []
        assert result.identity["owner"] == "1234567"


@pytest.mark.parametrize(
    ("scopes", "update"), [(["read", "write"], GrantState.IMPLIED), (["read"], GrantState.MISSING)]
)
async def test_coarse_scopes_mean_everything(scopes: list[str], update: GrantState) -> None:
    """An old token reads all with read, and changes all with write; both are wider than needed."""
    with DigitalOcean() as vendor:
        vendor.scopes = scopes

        result = await judged(vendor)

    assert rows(result)[USE, "app:read"] is GrantState.IMPLIED
    assert rows(result)[USE, "app:update"] is update
    assert rows(result)["", "read"] is GrantState.EXCESS


async def test_scope_of_a_kind_nobody_knows_leaves_rows_unknown() -> None:
    """How full access is spelled is not documented: another word is neither a right nor the lack of one."""
    with DigitalOcean() as vendor:
        vendor.scopes = ["full_access"]

        result = await judged(vendor)

    assert rows(result)[USE, "app:update"] is GrantState.UNKNOWN


async def test_scopes_that_cannot_be_read_are_probed() -> None:
    """Without the token's own word its reads are tried; whether it may write stays unknown."""
    with DigitalOcean() as vendor:
        vendor.tells_scopes = False
        vendor.scopes.remove("sizes:read")

        result = await judged(vendor)

    found = rows(result)
    assert found[USE, "app:read"] is GrantState.GRANTED
    assert found[USE, "sizes:read"] is GrantState.MISSING
    assert found[USE, "app:update"] is GrantState.UNKNOWN
    assert {one.evidence for one in result.grants if one.permission == "app:read"} == {EvidenceKind.PROBED}


async def test_token_of_another_team_does_not_reach_the_app() -> None:
    """A token belongs to one team: the check names the team it is of, and that the app is not there."""
    with DigitalOcean() as vendor:
        result = await judged(vendor, app="99999999-0000-4000-8000-000000000000")

    assert result.outcome is Outcome.LIMITED
    assert result.identity["team"] == "Acme"
    assert any("team" in step.detail for step in result.steps if step.name == "reach")


@pytest.mark.parametrize("status", ["locked", "warning"])
async def test_account_in_trouble_is_warned_of(status: str) -> None:
    """Its token is accepted all the same."""
    with DigitalOcean() as vendor:
        vendor.status = status

        result = await judged(vendor)

    assert result.failure is None
    assert len(result.warnings) == 1


@pytest.mark.parametrize("seconds", [None, 0])
async def test_token_without_an_end_never_expires(seconds: int | None) -> None:
    """Both ways of saying so count."""
    with DigitalOcean() as vendor:
        vendor.expires_in = seconds

        assert (await judged(vendor)).expiry_known is ExpiryKnown.NEVER


async def test_end_is_counted_from_now() -> None:
    """The vendor says how long the token lives, not until when."""
    with DigitalOcean() as vendor:
        result = await judged(vendor)

    assert result.expires_at is not None
    assert abs((result.expires_at - result.started_at).total_seconds() - 2_592_000) < 60


async def test_app_without_databases_needs_no_right_to_them() -> None:
    """The row for databases is there only where the spec has some."""
    with DigitalOcean() as vendor:
        vendor.databases = []

        result = await judged(vendor)

    assert (USE, "database:update") not in rows(result)


def test_refresh_token_is_refused_in_the_form() -> None:
    """It begins alike and is of no use to the API."""
    with pytest.raises(InvalidField, match="refresh token"):
        typed_fields(PROVIDER.method("api-token"), {"apiToken": f"dor_v1_{'5a' * 32}"})
