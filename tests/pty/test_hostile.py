"""Every screen on a real terminal, in a home where whatever can come from outside tries to steer it."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import pytest
import yaml
from textual.screen import Screen

from jackfield import tui
from jackfield.model.check import (
    EvidenceKind,
    Exchange,
    Failure,
    FailureKind,
    Grant,
    GrantState,
    Step,
    StepName,
    StepOutcome,
)
from jackfield.model.connection import IntendedUse, Scope
from jackfield.model.secret import Secret
from jackfield.services.connections import Definition
from jackfield.services.home import Home
from jackfield.services.session import Session
from jackfield.vault.costs import FLOOR
from support.stage import PASSPHRASE
from support.terminal import Terminal
from support.vendor import MiniatureVendor, Request
from support.whole import USE, result_of

WAIT = 30.0
CTRL: Final = {letter: bytes([ord(letter) & 0x1F]) for letter in "bclnopqst"}
F1, F3, F6, F8, F9 = b"\x1bOP", b"\x1bOR", b"\x1b[17~", b"\x1b[19~", b"\x1b[20~"
ESC = b"\x1b[27u"  # as terminals send it that leave nothing to guess from the time between two keys

# Strings of every kind in 7 and 8 bits, a sequence that we never write, a reset, what turns or hides text, markup.
STEERS: Final = (
    "\x1b]52;c;QUJD\x07\x1b]0;own\x1b\\\x1bPq\x1b\\\x1b_x\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\\x1bc\x1b[7777;7H"
    "\x9d0;own\x9c\x90q\x9c\x9fx\x9c\x9ex\x9c\x98x\x9c\x9b7777m\x08\x7f\u202eevil\u2066\U000e0041[@click=app.quit]q[/]"
)
HOSTILE: Final = f"seen {STEERS}"
NAMED: Final = STEERS.replace("/", "")  # as a file may be called

# What drawing needs: modes, colours, moves, clearing, and the questions asked of a terminal at the start.
OURS: Final = re.compile(
    "\x1b\\[(?:"
    "[0-9;:]*m|[0-9;]*[HABCDJKXG]|[0-9]*P|\\?(?:1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2031|2048|25|7)[hl]"
    "|\\?(?:2026|2048)\\$p|[>=<][0-9;]*u|\\?u|c|6n"
    ")"
)
STEERING: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)

# The program as it starts, but it writes down which screens it shows, and what the wall before the terminal refused.
NOTING = """
import sys
from pathlib import Path
from jackfield import tui
from jackfield.services.home import Home
from jackfield.tui.app import JackfieldApp
from jackfield.tui.terminal import TerminalDriver
noted = open(sys.argv[2], "a", buffering=1)
def note(name):
    shown = getattr(JackfieldApp, name)
    def show(app, screen, *rest, **named):
        print(type(screen).__name__, file=noted)
        return shown(app, screen, *rest, **named)
    setattr(JackfieldApp, name, show)
note("push_screen")
note("switch_screen")
stop = TerminalDriver.stop_application_mode
def stopped(driver):
    stop(driver)
    print("refused", driver.outlet.refused, file=noted)
TerminalDriver.stop_application_mode = stopped
sys.exit(tui.run(Home(Path(sys.argv[1]))))
"""


@pytest.fixture
def login() -> Iterator[MiniatureVendor]:
    """A vendor that logs somebody in by a code, and tells what is hostile where and how."""
    with MiniatureVendor(tls=False) as vendor:

        @vendor.post("/device")
        def start(_: Request) -> object:
            page = f"https://example.com/{STEERS}"
            return {"device_code": "d", "user_code": HOSTILE, "verification_uri": page, "interval": 600}

        yield vendor


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A vault in a folder of a hostile name, with what is hostile wherever the store does not refuse it."""
    folder = tmp_path / f"home {NAMED}"
    home = Home(folder)
    home.prepare()
    home.providers.mkdir(mode=0o700)
    (home.providers / "own.yaml").write_text(own_provider(), "utf-8")
    (home.providers / "login.yaml").write_text(login_provider(), "utf-8")
    (home.providers / f"broken{NAMED}.yaml").write_text("slug: [", "utf-8")
    (folder / "themes").mkdir(mode=0o700)
    (folder / "themes" / f"{NAMED}.yaml").write_text("title: [", "utf-8")
    session, _ = Session.create(home, PASSPHRASE, costs=FLOOR)
    acme = session.organizations.create("acme", HOSTILE[:256])
    session.organizations.create("empty", HOSTILE[:256])
    scope = Scope(acme.id, session.projects.create(acme.id, "web", HOSTILE[:256]).id)
    uses = (IntendedUse(USE, {"team": HOSTILE}),)
    for name in ("limited", "failed"):
        definition = Definition(name, "own", "access-token", description=HOSTILE[:256], uses=uses)
        made = session.connections.create(scope, definition, {"accessToken": Secret("nfp_canary")})
        session.connections.record_use(made, kind=HOSTILE, name=HOSTILE, project_id=scope.project_id)
        assert session.tests.record(made, found(name))
    session.identities.create("keys", "own", "own-keys", {"accessToken": Secret("nfp_canary")})
    yield session
    session.lock()


def own_provider() -> str:
    """A provider file whose every text that is shown is hostile."""
    whole = yaml.safe_load(Path("src/jackfield/providers/netlify/provider.yaml").read_text("utf-8"))
    whole |= {"slug": "own", "name": HOSTILE, "category": HOSTILE, "limits": HOSTILE, "unsure": [HOSTILE]}
    whole |= {"guide": [HOSTILE], "excess_unreadable": HOSTILE, "expiry_unreadable": HOSTILE}
    whole["documentation"] = dict.fromkeys(whole["documentation"], f"https://example.com/{STEERS}")
    whole["methods"][0]["name"] = HOSTILE
    whole["methods"][0]["fields"][0] |= {"label": HOSTILE, "help": HOSTILE, "example": HOSTILE}
    use = whole["uses"][0]
    use |= {"title": HOSTILE, "no_snippet": HOSTILE}
    use["target"]["team"] |= {"label": HOSTILE, "help": HOSTILE, "example": HOSTILE}
    for permission in use["permissions"]:
        permission.update({name: HOSTILE for name in ("name", "why", "grant") if name in permission})
    field = {"name": "accessToken", "label": HOSTILE, "kind": "secret", "required": True, "help": HOSTILE}
    identity = {"id": "own-keys", "name": HOSTILE, "fields": [field], "guide": [HOSTILE], "note": HOSTILE}
    whole["source_identities"] = [identity | {"lends": {"access-token": {"accessToken": "accessToken"}}}]
    return yaml.safe_dump(whole)


def login_provider() -> str:
    """A provider whose tokens come from a login at an address that is typed."""
    whole = yaml.safe_load(own_provider()) | {"slug": "login", "name": f"Login{STEERS}", "base_url": "{url}"}
    del whole["source_identities"]
    (method,) = whole["methods"]
    method["fields"][0]["obtained"] = True
    method["fields"].insert(0, {"name": "url", "label": "URL", "kind": "url", "required": True})
    device = {"start": "{url}/device", "poll": "{url}/token", "client_id": "terminal"}
    method["oauth"] = {"device": device, "stores": {"accessToken": "answer.access_token"}}
    del method["environment"]
    return yaml.safe_dump(whole)


def found(name: str) -> object:
    """A result as no check of ours makes it: nothing in it was cleaned."""
    result = result_of(name, datetime.now(UTC), grants=[
        Grant(USE, HOSTILE, GrantState.MISSING, EvidenceKind.ANSWERED, HOSTILE, HOSTILE, ("me",)),
        Grant("", HOSTILE, GrantState.EXCESS, EvidenceKind.STATED, HOSTILE),
    ])  # fmt: skip
    return replace(
        result,
        identity={"account": HOSTILE, HOSTILE: HOSTILE},
        failure=Failure(FailureKind.REJECTED, HOSTILE, HOSTILE) if name == "failed" else None,
        steps=tuple(Step(step, StepOutcome.PASSED, 4, HOSTILE) for step in StepName),
        exchanges=(Exchange("me", "GET", HOSTILE, HOSTILE, 4),),
        warnings=(HOSTILE,),
        certificate_issuer=HOSTILE,
        reached=HOSTILE,
        removed=37,
    )


def screens() -> set[str]:
    """The names of all screens that the interface has, but those that only stand under others."""
    for module in pkgutil.walk_packages(tui.__path__, "jackfield.tui."):
        importlib.import_module(module.name)

    def below(kind: type[Screen[object]]) -> Iterator[type[Screen[object]]]:
        for one in kind.__subclasses__():
            yield from below(one)
            yield one

    return {
        one.__name__
        for one in below(Screen)
        if one.__module__.startswith("jackfield.tui.")
        and not any(other.__module__.startswith("jackfield.tui.") for other in one.__subclasses__())
    }


def start(home: Path, noted: Path) -> Terminal:
    return Terminal([sys.executable, "-c", NOTING, str(home), str(noted)], columns=100, lines=32)


def walk(terminal: Terminal, *steps: tuple[bytes | str, str]) -> None:
    """Press each key, and wait for what it brings; what one key brought must be gone after escape."""
    brought = ""
    for key, text in steps:
        before = terminal.text
        terminal.send(key)
        terminal.wait_for(text, seconds=WAIT)
        if key == ESC and brought:
            wait_until_gone(terminal, brought)
        terminal.settle(0.1)
        brought = text if key != ESC and text not in before else ""


def wait_until_gone(terminal: Terminal, text: str) -> None:
    """A window over a screen leaves what is beside it where it was: the next key must not be meant for the window."""
    end = monotonic() + WAIT
    while text in terminal.text:
        assert monotonic() < end, f"{text} stays on the screen:\n{terminal.text}"
        terminal.read(end - monotonic())


def test_no_screen_lets_anything_steer_the_terminal(session: Session, tmp_path: Path, login: MiniatureVendor) -> None:
    """All screens, by keys: every sequence is one of drawing, and not one had to be refused on the way out."""
    noted = tmp_path / "noted"
    with start(session.home.folder, noted) as terminal:
        terminal.wait_for("The vault is locked.", seconds=WAIT)
        terminal.press(PASSPHRASE.reveal())
        walk(
            terminal,
            ("enter", "2 connections"),
            *(("down", "limited"), ("up", "failed")),
            *((CTRL["p"], "What do you want to do?"), (ESC, "failed")),
            *((F1, "Everywhere"), (ESC, "2 connections")),
            *(("v", "Which columns?"), (ESC, "2 connections"), (CTRL["o"], " s "), (ESC, "2 connections")),
            *((F9, "Choose a theme"), ("7777", "7777"), ("enter", "is not usable")),
            *((F8, "no key is touched"), (ESC, "2 connections")),
            *(("/", "state:"), (f"seen {STEERS}"[:5], "seen"), (ESC, "seen"), (ESC, "2 connections")),
            *(("d", "stops working"), (ESC, "2 connections")),
        )
        walk(
            terminal,
            *(("M", "uses of"), ("enter", "Removed"), (ESC, "uses of"), (ESC, "2 connections")),
            *(("I", "import"), (ESC, "2 connections"), ("p", "secret"), (ESC, "2 connections")),
            *(("E", "› expiry"), (ESC, "2 connections"), ("A", "audit trail"), (ESC, "2 connections")),
        )
        _pages_of(terminal)
        _places(terminal)
        _forms(terminal)
        _settings(terminal)
        _login(terminal, login)
        terminal.resize(40, 10)
        terminal.wait_for("Jackfield needs 60 columns")
        terminal.resize(100, 32)
        terminal.wait_for("2 connections")
        terminal.send(CTRL["q"])
        assert terminal.wait(60) == 0
        harmless(terminal)
    empty = tmp_path / f"new {NAMED}"
    with start(empty, noted) as terminal:
        terminal.wait_for("a recovery key, shown once", seconds=WAIT)
        terminal.press(PASSPHRASE.reveal())
        terminal.press("tab")
        terminal.press(PASSPHRASE.reveal())
        walk(terminal, ("enter", "Your recovery key"))
        terminal.send(CTRL["q"])
        assert terminal.wait(60) == 0
        harmless(terminal)
    lines = noted.read_text().splitlines()
    assert {line for line in lines if line.startswith("refused")} == {"refused 0"}
    assert screens() - set(lines) == set()
    assert not (session.home.folder / "crashes").exists()


def _pages_of(terminal: Terminal) -> None:
    """The pages of the connection that has grants, and what opens from them."""
    walk(
        terminal,
        ("down", "MISSING"),
        ("enter", "Removed"),
        ("y", "the least it needs"),
        *(("w", "Write"), (ESC, "the least it needs"), (ESC, "Removed")),
        *(("x", "difference to the least"), (ESC, "Removed")),
        *(("right", "0 of 1 held"), ("down", "MISSING"), ("enter", "how it is known"), (ESC, "0 of 1 held")),
        *(("right", "Times"), ("right", "1 test,"), ("enter", "taken out of what"), (ESC, "1 test,")),
        *(("right", "connection.create"), (ESC, "2 connections")),
    )


def _places(terminal: Terminal) -> None:
    """Organizations and projects: made, refused, asked about."""
    walk(
        terminal,
        *(("o", "organizations"), ("n", "New organization"), (ESC, "Need you")),
        *(("home", "all organizations"), ("down", "acme"), ("r", "Organization acme"), (ESC, "Need you")),
        *(("d", "holds"), (ESC, "Need you")),
        *(("end", "empty"), ("d", "Delete the organization empty?"), (ESC, "Need you")),
        *(("up", "acme"), ("enter", "projects"), ("end", "web"), ("enter", "2 connections")),
    )


def _forms(terminal: Terminal) -> None:
    """The gallery, and every step of the form."""
    walk(
        terminal,
        *(("n", "choose a provider"), ("/", "choose a provider"), ("seen", "evil"), ("enter", "What is it for?")),
        *((F3, "example.com"), (ESC, "What is it for?"), ("space", "evil"), (CTRL["n"], "evil")),
        *((CTRL["n"], "evil"), (CTRL["n"], "Description")),
        *((ESC, "ctrl+t test"), (ESC, "copy the address"), (ESC, "What is it for?")),
        *((ESC, "choose a provider"), (ESC, "OpenRouter"), (ESC, "2 connections")),
    )


def _settings(terminal: Terminal) -> None:
    """The forms for a passphrase and a root key, and source identities: one that is there, and a new one."""
    walk(
        terminal,
        *((",", "This machine"), ("p", "Passphrase of now"), (ESC, "This machine")),
        *((F6, "Everything that opens the vault"), (ESC, "This machine")),
        *(("i", "Used by"), ("enter", "no connection yet"), (ESC, "Used by")),
        *(("n", "Whose source identity"), ("seen", "QUJD"), ("enter", "source identities › new")),
        *((ESC, "Used by"), (ESC, "This machine"), (ESC, "2 connections")),
    )


def _login(terminal: Terminal, login: MiniatureVendor) -> None:
    """A login by a code, up to the page that says what to do; then back out of all of it."""
    walk(
        terminal,
        *(("n", "choose a provider"), ("/", "choose a provider"), ("Login", "evil"), ("enter", "What is it for?")),
        *((CTRL["n"], "evil"), (CTRL["n"], "f6 logs in")),
        *((f"http://127.0.0.1:{login.port}", str(login.port)), ("down", "Private addresses")),
        *(("right", "(•) yes"), (F6, "It holds for")),
        *((ESC, "f6 logs in"), (ESC, "copy the address"), (ESC, "What is it for?")),
        *((ESC, "choose a provider"), (ESC, "OpenRouter"), (ESC, "2 connections")),
    )


def harmless(terminal: Terminal) -> None:
    """Whatever was written is text and the sequences of drawing."""
    raw = bytes(terminal.raw).decode("utf-8")
    rest = OURS.sub("", raw)
    assert "\x1b" not in rest, rest[max(0, rest.index("\x1b") - 40) :][:120]
    assert not STEERING.search(rest)
    assert "\x1b[7777" not in raw
