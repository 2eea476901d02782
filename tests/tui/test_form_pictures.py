"""How the gallery, the form and the detail look at 80×24 and 120×40, with what they show held still."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from jackfield.model.check import (
    CheckResult,
    EvidenceKind,
    ExpiryKnown,
    Failure,
    FailureKind,
    Grant,
    GrantState,
    Outcome,
    Step,
    StepName,
    StepOutcome,
)
from jackfield.model.connection import IntendedUse
from jackfield.model.secret import FieldValue, Secret
from jackfield.net.network import Network
from jackfield.services.connections import Definition
from jackfield.services.form import Form
from jackfield.services.logins import Prompt, Show, Way
from jackfield.services.trial import Trial
from jackfield.store import connections
from jackfield.tui import times
from jackfield.tui.screens.detail.screen import DetailScreen
from jackfield.tui.screens.form import login
from jackfield.tui.screens.form.login import LoginScreen
from jackfield.tui.screens.form.rows import FormRow
from jackfield.tui.screens.form.screen import FormScreen
from providers.netlify.vendor import Netlify
from support.stage import Inside, Stage, opened, shows
from support.still import standing_at

Compare = Callable[..., bool]
Ready = Callable[[Pilot[Any]], Any]
NOW: Final = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
SIZES: Final = {"80x24": (80, 24), "120x40": (120, 40)}
USE: Final = "secret-sync/repository"
GRANTS: Final = (
    Grant(USE, "metadata: read", GrantState.GRANTED, EvidenceKind.ANSWERED, why="find the repository", facts=("i",)),
    Grant(USE, "secrets: write", GrantState.MISSING, EvidenceKind.ANSWERED, "Repository permissions › Secrets"),
    Grant(USE, "contents: read", GrantState.UNREADABLE, None, "GitHub lists no token's permissions."),
    Grant("", "administration: write", GrantState.EXCESS, EvidenceKind.ANSWERED, "lower it to Read-only, or remove it"),
)
STEPS: Final = tuple(
    Step(name, StepOutcome.PASSED, ms, detail)
    for name, ms, detail in (
        (StepName.RESOLVE, 3, "203.0.113.7"),
        (StepName.CONNECT, 18, "203.0.113.7 port 443"),
        (StepName.TLS, 41, "TLSv1.3, issued by Example CA, valid until 2027-03-01"),
        (StepName.AUTHENTICATE, 88, ""),
        (StepName.IDENTITY, 1, "octo-bot"),
        (StepName.REACH, 52, "repository acme/app"),
    )
)
LIMITED: Final = CheckResult(
    Outcome.LIMITED, NOW - timedelta(minutes=2), 212.0, identity={"account": "octo-bot", "app": "acme-bot"},
    steps=(*STEPS, Step(StepName.PERMISSIONS, StepOutcome.FAILED, 60, "1 of 3 held, 1 in excess")), grants=GRANTS,
    expires_at=NOW + timedelta(days=23, hours=2), expiry_known=ExpiryKnown.READ, certificate_issuer="Example CA",
    certificate_ends=NOW + timedelta(days=50), reached="203.0.113.7:443",
)  # fmt: skip
REJECTED: Final = CheckResult(
    Outcome.FAILED, NOW - timedelta(minutes=2), 90.0,
    Failure(
        FailureKind.REJECTED, "GitHub does not accept this credential.",
        "The token was revoked, has expired or was copied in part; a token of github.com is also refused by another "
        "host. Make a new one (step 1).",
    ),
    steps=(*STEPS[:3], Step(StepName.AUTHENTICATE, StepOutcome.FAILED, 88, "GitHub does not accept this credential.")),
)  # fmt: skip


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    monkeypatch.setattr(times, "datetime", standing_at(NOW))
    monkeypatch.setattr(login, "datetime", standing_at(NOW))
    monkeypatch.setattr(connections, "new_id", lambda: "f" * 32)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Netlify() as world, opened(tmp_path, world.network) as vault:
        yield vault


def github(inside: Inside) -> Form:
    """A GitHub form with a use, a target and a token."""
    form = Form.new(inside.session.registry.get("github"), inside.scope)
    form.choose_method("pat")
    form.choose_use(USE, wanted=True)
    form.set_target(USE, "repository", "acme/app")
    form.type("personalAccessToken", "github_pat_" + "x" * 40)
    return form


def form_at(*keys: str, result: CheckResult | None = None, wait: str) -> Callable[[Inside], tuple[Stage, Ready]]:
    """The GitHub form after these keys, with this as its last test."""

    def show(inside: Inside) -> tuple[Stage, Ready]:
        form = github(inside)
        screen = FormScreen(inside.session, inside.engine, form)
        screen._test.last = Trial.of(form, result) if result is not None else None

        async def ready(pilot: Pilot[Any]) -> None:
            await shows(pilot, "What is it for?")
            await pilot.press(*keys)
            await shows(pilot, wait)
            await pilot.pause()

        return Stage(inside, lambda _: screen), ready

    return show


def detail_at(*keys: str, wait: str) -> Callable[[Inside], tuple[Stage, Ready]]:
    """A connection that was tested three times, after these keys."""

    def show(inside: Inside) -> tuple[Stage, Ready]:
        uses = (IntendedUse(USE, {"repository": "acme/app"}),)
        definition = Definition("ci-deploys", "github", "pat", description="deploys of the web shop", uses=uses)
        made = inside.session.connections.create(
            inside.scope, definition, {"personalAccessToken": Secret("github_pat_x")}
        )
        for minutes, result in ((40, LIMITED), (30, REJECTED), (2, LIMITED)):
            assert inside.session.tests.record(made, replace(result, started_at=NOW - timedelta(minutes=minutes)))
        screen = DetailScreen(inside.session, inside.engine, made.id)

        async def ready(pilot: Pilot[Any]) -> None:
            await shows(pilot, "deploys of the web shop")
            for key in keys:
                await pilot.press(key)
                await pilot.app.workers.wait_for_complete()
                await pilot.pause()
            await shows(pilot, wait)
            await pilot.pause()

        return Stage(inside, lambda _: screen), ready

    return show


def role_at(*, lent: bool) -> Callable[[Inside], tuple[Stage, Ready]]:
    """Step 3 of a role at AWS that starts from an identity, or from its own fields where there is none."""

    def show(inside: Inside) -> tuple[Stage, Ready]:
        form = Form.new(inside.session.registry.get("aws"), inside.scope)
        form.type("roleArn", "arn:aws:iam::123456789012:role/jackfield")
        if lent:
            fields: dict[str, FieldValue] = {"accessKeyId": "AKIA" + "X" * 16, "secretAccessKey": Secret("x" * 40)}
            form.identity = inside.session.identities.create("hub-account", "aws", "access-key", fields)

        async def ready(pilot: Pilot[Any]) -> None:
            await shows(pilot, "What is it for?")
            await pilot.press("ctrl+n", "ctrl+n")
            await shows(pilot, "Starts from")
            (row,) = [row for row in pilot.app.screen.query(FormRow) if row.key == "identity|"]
            row.editor.focus()
            await shows(pilot, "source identity")
            await pilot.pause()

        return Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form)), ready

    return show


def unverified(inside: Inside) -> tuple[Stage, Ready]:
    """The question before TLS goes unverified."""
    form = Form.new(inside.session.registry.get("postgres"), inside.scope)
    for name, text in (("host", "db.internal"), ("sslRejectUnauthorized", "false")):
        form.type(name, text)

    async def ready(pilot: Pilot[Any]) -> None:
        await shows(pilot, "What is it for?")
        await pilot.press("ctrl+n", "ctrl+n")
        await shows(pilot, "Verify the certificate")
        await pilot.press("ctrl+t")
        await shows(pilot, "Type  db.internal")
        await pilot.pause()

    return Stage(inside, lambda vault: FormScreen(vault.session, vault.engine, form)), ready


def login_at(way: Way, url: str, code: str) -> Callable[[Inside], tuple[Stage, Ready]]:
    """A login under way."""

    async def begin(_: Network, show: Show, __: Awaitable[str]) -> None:
        show(Prompt(way, url, code, url, NOW + timedelta(minutes=14, seconds=30)))
        await asyncio.Event().wait()

    def show(inside: Inside) -> tuple[Stage, Ready]:
        async def ready(pilot: Pilot[Any]) -> None:
            await shows(pilot, "It holds for 15 minutes")
            await pilot.pause()

        return Stage(inside, lambda vault: LoginScreen("Vendor", vault.engine, begin)), ready

    return show


SHOWN: Final = {
    "access": form_at(wait="Least it needs"),
    "credentials": form_at("ctrl+n", wait="Generate new token"),
    "connect": form_at("ctrl+n", "ctrl+n", wait="Personal access token"),
    "connect-limited": form_at("ctrl+n", "ctrl+n", result=LIMITED, wait="MISSING"),
    "connect-failed": form_at("ctrl+n", "ctrl+n", result=REJECTED, wait="rejected"),
    "difference": form_at("ctrl+n", "ctrl+n", "f5", result=LIMITED, wait="Remove:"),
    "save": form_at("ctrl+n", "ctrl+n", "ctrl+n", result=LIMITED, wait="Description"),
    "overview": detail_at(wait="acme-bot"),
    "permissions": detail_at("right", wait="of 3 held"),
    "history": detail_at("left", "left", wait="3 tests"),
    "identity": role_at(lent=True),
    "identity-none": role_at(lent=False),
    "unverified": unverified,
    "login-code": login_at(Way.DEVICE, "https://vendor.example/device", "WDJB-MJHT"),
    "login-browser": login_at(Way.BROWSER, "https://vendor.example/authorize?" + "state=" + "x" * 180, ""),
    "qr": form_at("f3", wait="personal-access-tokens"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_it_looks_as_it_did(name: str, size: str, inside: Inside, snap_compare: Compare) -> None:
    """The picture is the one that was looked at."""
    stage, ready = SHOWN[name](inside)
    assert snap_compare(stage, terminal_size=SIZES[size], run_before=ready)
