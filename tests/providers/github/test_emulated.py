"""GitHub Apps against an emulator that verifies what they sign and mints the tokens of their installations."""

import time
from typing import Any

import pytest

from jackfield.model.check import CheckResult, ExpiryKnown, GrantState, Outcome
from jackfield.providers.github.provider import signed_assertion
from providers.contract import REGISTRY, check, rows, told
from providers.github.emulated import EmulatedApps
from providers.github.vendor import GitHub, new_key, pem
from providers.github_radar.vendor import GitHubRadar
from support.servers.emulate import APP, NARROW_APP, NARROW_INSTALLATION, EmulatedGitHub

METHOD = "github-app"


async def checked(world: GitHub, slug: str = "github", **changed: str) -> CheckResult:
    with world:
        return await check(world, REGISTRY.get(slug), METHOD, fields={**world.fields(METHOD), **changed})


async def test_installed_app_passes_with_the_rights_its_installation_states(emulated_github: EmulatedGitHub) -> None:
    result = await checked(EmulatedApps(emulated_github))

    assert result.outcome is Outcome.PASSED
    assert (result.identity["account"], result.identity["app"]) == ("acme", f"sync-{APP}")
    assert result.expiry_known is ExpiryKnown.NEVER
    assert set(rows(result).values()) == {GrantState.GRANTED}


async def test_narrower_app_lacks_exactly_that_row(emulated_github: EmulatedGitHub) -> None:
    """An app that may only read secrets cannot write them; everything else it has."""
    whole = rows(await checked(EmulatedApps(emulated_github)))

    result = await checked(EmulatedApps(emulated_github, NARROW_APP, NARROW_INSTALLATION))

    assert result.outcome is Outcome.LIMITED
    found = rows(result)
    changed = {row: found[row] for row in whole if found[row] is not whole[row]}
    assert changed == {("secret-sync/repository", "secrets: write"): GrantState.MISSING}


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        ({"privateKey": pem(new_key("of another app"))}, "bad-key"),
        ({"appId": "9999"}, "bad-key"),
        ({"installationId": "999"}, "other-app"),
        ({"installationId": str(NARROW_INSTALLATION)}, "other-app"),
    ],
    ids=["key", "app", "no such installation", "installation of another app"],
)
async def test_what_is_not_this_apps_is_refused(
    changed: dict[str, str], failure: str, emulated_github: EmulatedGitHub
) -> None:
    result = await checked(EmulatedApps(emulated_github), **changed)

    assert result.failure is not None
    assert result.failure.rule == failure
    secret = changed.get("privateKey", emulated_github.key)
    assert all(line not in told(result) for line in secret.splitlines()[1:-1])


async def test_assertion_that_has_ended_is_refused(
    emulated_github: EmulatedGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The emulator looks at the end that the app signed, as GitHub does."""
    long_ago = int(time.time()) - 3600
    signed_then = signed_assertion(str(APP), emulated_github.key, long_ago)
    monkeypatch.setattr("jackfield.providers.github.provider.signed_assertion", lambda *_: signed_then)

    result = await checked(EmulatedApps(emulated_github))

    assert result.failure is not None
    assert result.failure.rule == "bad-key"


async def test_radar_app_proves_itself_by_the_same_signature(emulated_github: EmulatedGitHub) -> None:
    class EmulatedRadar(EmulatedApps, GitHubRadar):
        def fields(self, method: str) -> dict[str, Any]:
            return {**super().fields(method), "webhookSecret": "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}

    good = await checked(EmulatedRadar(emulated_github), "github-radar")
    wrong = await checked(EmulatedRadar(emulated_github), "github-radar", privateKey=pem(new_key("of another app")))

    assert good.failure is None
    assert good.identity["account"] == "acme"
    assert wrong.outcome is Outcome.FAILED
