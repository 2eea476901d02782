"""Every screen of the interface and the keys that lead to it, for whatever must hold on all of them.

Tests of pictures walk it by a pilot, tests of bytes on a pseudo-terminal. A screen more is a line in SCREENS.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import Final

from jackfield.model.secret import FieldValue, Secret
from jackfield.vault.costs import Costs
from support.stage import CHEAP, PASSPHRASE
from support.terminal import KEYS, Terminal
from support.whole import Filling

NEW: Final = "first-run"
LOCKED: Final = "unlock"
LIST: Final = "connections"
TOKEN: Final = "canary-of-the-environment"
_WAIT: Final = 60.0  # seconds for a screen to show, on a machine that does much else
_TYPED: Final = tuple("space" if key == " " else key for key in PASSPHRASE.reveal())
_BYTES: Final = KEYS | {
    "escape": b"\x1b[27u",  # as terminals send it that leave nothing to guess from the time between two keys
    **{f"ctrl+{letter}": bytes([ord(letter) & 0x1F]) for letter in "bglnpqrstuy"},
    **{f"f{number}": f"\x1bO{letter}".encode() for number, letter in enumerate("PQRS", 1)},
    **{f"f{number}": f"\x1b[{code}~".encode() for number, code in zip(range(5, 10), (15, 17, 18, 19, 20), strict=True)},
}


@dataclass(frozen=True, slots=True)
class Reached:
    """A screen, the keys to it from the one it comes after, and words in ASCII that it shows at every size.

    What is not `pictured` is a step on the way, or looks as another one does.
    """

    name: str
    after: str
    keys: tuple[str, ...]
    shows: tuple[str, ...]
    pictured: bool = True


SCREENS: Final = (
    Reached(NEW, "", (), ("a recovery key, shown once", "OS keyring")),
    Reached("both-typed", NEW, (*_TYPED, "tab", *_TYPED), ("Both are the same.",), pictured=False),
    Reached("recovery-key", "both-typed", ("enter",), ("Your recovery key",)),
    Reached(LOCKED, "", (), ("The vault is locked.", "f2 recovery key")),
    Reached(LIST, LOCKED, (*_TYPED, "enter"), ("6 connections", "state:failed provider:aws", "o place")),
    Reached("delete", LIST, ("home", "down", "d"), ("stops working",)),
    Reached("filter", LIST, ("/", *"state:green"), ("Use one of passed",)),
    Reached("find-by-secret", LIST, ("p",), ("secret",)),
    Reached("change", LIST, ("m",), ("Schedule",), pictured=False),
    Reached("palette", LIST, ("ctrl+p",), ("What do you want to do?",)),
    Reached("themes", LIST, ("f9",), ("Choose a theme",)),
    Reached("idle", LIST, ("f8",), ("After 60 minutes",), pictured=False),
    Reached("help", LIST, ("?",), ("In a list",)),
    Reached("overview", LIST, ("home", "down", "enter"), ("Overview", "limited-site")),
    Reached("policy", "overview", ("y",), ("the least it needs",)),
    Reached("difference", "overview", ("x",), ("difference to the least",)),
    Reached("permissions", "overview", ("right",), ("of 2 held",)),
    Reached("evidence", "permissions", ("down", "enter"), ("how it is known",)),
    Reached("used-by", "permissions", ("right",), ("nightly",)),
    Reached("history", "used-by", ("right",), ("1 test",)),
    Reached("result", "history", ("enter",), ("a test", "authenticate")),
    Reached("trail-of-one", "history", ("right",), ("connection.create",)),
    Reached("organizations", LIST, ("o",), ("Need you",)),
    Reached("new-organization", "organizations", ("n",), ("New organization",)),
    Reached("projects", "organizations", ("home", "down", "enter"), ("and what belongs to no",)),
    Reached("gallery", LIST, ("n",), ("choose a provider",)),
    Reached("gallery-filtered", "gallery", ("/", *"netlify"), ("Netlify  Personal access token",), pictured=False),
    Reached("form-access", "gallery-filtered", ("enter",), ("What is it for?",)),
    Reached("form-page", "form-access", ("f3",), ("app.netlify.com/user",)),
    Reached("form-credentials", "form-access", ("ctrl+n",), ("Generate the token",)),
    Reached("form-connect", "form-credentials", ("ctrl+n",), ("Access token",)),
    Reached("form-save", "form-connect", ("ctrl+n",), ("Description",)),
    Reached("map", LIST, ("M",), ("uses of",)),
    Reached("expiry", LIST, ("E",), ("will end",)),
    Reached("audit", LIST, ("A",), ("audit trail", "connection.test")),
    Reached("import", LIST, ("I",), ("netlify-env",)),
    Reached("settings", LIST, (",",), ("cannot be guessed", "This machine")),
    Reached("this-machine", "settings", ("end",), ("This machine", "clock")),
    Reached("new-passphrase", "settings", ("p",), ("Passphrase of now",)),
    Reached("new-root-key", "settings", ("f6",), ("goes on, esc leaves it",)),
    Reached("identities", "settings", ("i",), ("source identities", "aws-hub")),
    Reached("identity", "identities", ("home", "enter"), ("Last said",)),
    Reached("identity-kinds", "identities", ("n",), ("Source credentials",), pictured=False),
    Reached("new-identity", "identity-kinds", ("enter",), ("Secret access key",)),
)
_BY_NAME: Final = {one.name: one for one in SCREENS}


def way_to(name: str) -> tuple[Reached, ...]:
    """The screens on the way from the start to one, itself the last."""
    one = _BY_NAME[name]
    return (*(way_to(one.after) if one.after else ()), one)


def begin(start: str) -> tuple[str, ...]:
    """The screens that a program reaches which starts there, in an order of few keys."""
    return tuple(one.name for one in SCREENS if way_to(one.name)[0].name == start)


def furnish(
    folder: Path, now: datetime | None = None, *, costs: Costs = CHEAP, days: tuple[int, int] = (23, -2)
) -> Filling:
    """A home in `folder` in which no screen is empty: each state, uses, identities; the caller locks its session.

    In so many `days` two of the connections end.
    """
    made = Filling.of(folder, costs)
    filled = made.one_of_each(now, days)
    web = made.scopes["web"].project_id
    for _ in range(2):
        made.session.connections.record_use(filled["limited"], kind="exec", name="deploy.sh", project_id=web)
    made.session.usage.note(filled["limited"], kind="sync", name="nightly", project_id=web)
    made.session.usage.note(filled["passed"], kind="rotation", name="tokens")
    keys: dict[str, FieldValue] = {"accessKeyId": "AKIA" + "X" * 16, "secretAccessKey": Secret("x" * 40)}
    for name in ("aws-hub", "spare"):
        made.session.identities.create(name, "aws", "access-key", keys)
    return made


def furnish_user(folder: Path) -> Path:
    """A user's own home folder with what other tools keep in it."""
    for name, text in (
        (".pgpass", "db.example.com:5432:app:bob:canary\n*:*:*:*:x\n"),
        (".netrc", "machine api.heroku.com login a password HRKU-canary\n"),
    ):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
    return folder


class Walk:
    """Goes about a running program on a pseudo-terminal, from its first screen on."""

    def __init__(self, terminal: Terminal, start: str) -> None:
        self.terminal = terminal
        self.here = start
        self.see()

    def see(self) -> None:
        """Wait for what the screen shows, and until nothing more comes."""
        self.terminal.wait_for(*_BY_NAME[self.here].shows, seconds=_WAIT)
        self.terminal.settle(0.1)

    def resize(self, columns: int, lines: int, *shown: str) -> None:
        """Make the terminal another size, and wait until it is drawn anew, or shows `shown`."""
        self.terminal.blank()
        self.terminal.resize(columns, lines)
        self.terminal.wait_for(*(shown or _BY_NAME[self.here].shows), seconds=_WAIT)

    def visit(self, name: str) -> None:
        """Go there, back to the list first when it is not on the way from here."""
        way = [one.name for one in way_to(name)]
        if self.here not in way:
            self._leave()
        for step in way_to(name)[way.index(self.here) + 1 :]:
            for typed, keys in groupby(step.keys, lambda key: len(key) == 1 or key == "space"):
                for sent in ["".join(" " if key == "space" else key for key in keys)] if typed else keys:
                    self.terminal.send(_BYTES.get(sent, sent))
                    self.terminal.settle(0.05)
            self.here = step.name
            self.see()

    def _leave(self) -> None:
        """Press escape until the list is there and nothing that lay over it."""
        over = way_to(self.here)[len(way_to(LIST)) :]
        end = monotonic() + _WAIT
        while not self._on(_BY_NAME[LIST]) or any(map(self._on, over)):
            assert monotonic() < end, f"no way back from {self.here}:\n{self.terminal.text}"
            self.terminal.send(_BYTES["escape"])
            self.terminal.settle(0.1)
        self.here = LIST

    def _on(self, one: Reached) -> bool:
        return all(text in self.terminal.text for text in one.shows)
