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
    **{f"ctrl+{letter}": bytes([ord(letter) & 0x1F]) for letter in "bglnopqrstuy"},
    **{f"f{number}": f"\x1bO{letter}".encode() for number, letter in enumerate("PQRS", 1)},
    **{f"f{number}": f"\x1b[{code}~".encode() for number, code in zip(range(5, 10), (15, 17, 18, 19, 20), strict=True)},
}


@dataclass(frozen=True, slots=True)
class Reached:
    """A screen, the keys to it from the one it comes after, and words in ASCII that it shows at every size.

    `screen` is the name of its class. What is not `pictured` is a step on the way, or looks as another one does.
    """

    screen: str
    name: str
    after: str
    keys: tuple[str, ...]
    shows: tuple[str, ...]
    pictured: bool = True


SCREENS: Final = (
    Reached("FirstRunScreen", NEW, "", (), ("a recovery key, shown once", "OS keyring")),
    Reached("FirstRunScreen", "both-typed", NEW, (*_TYPED, "tab", *_TYPED), ("Both are the same.",), pictured=False),
    Reached("RecoveryScreen", "recovery-key", "both-typed", ("enter",), ("Your recovery key",)),
    Reached("UnlockScreen", LOCKED, "", (), ("The vault is locked.", "f2 recovery key")),
    Reached(
        "ConnectionsScreen", LIST, LOCKED, (*_TYPED, "enter"), ("6 connections", "state:failed provider:aws", "o place")
    ),
    Reached("TypedConfirm", "delete", LIST, ("home", "down", "d"), ("stops working",)),
    Reached("ConnectionsScreen", "filter", LIST, ("/", *"state:green"), ("Use one of passed",)),
    Reached("AskSecret", "find-by-secret", LIST, ("p",), ("secret",)),
    Reached("ChooseMany", "columns", LIST, ("v",), ("Which columns?",)),
    Reached("Confirm", "test-all", LIST, ("T",), ("Test all 6 that are listed?",)),
    Reached("JumpScreen", "jump", LIST, ("ctrl+o",), ("atate:failed",)),  # the filter has the letter a
    Reached("Picker", "change", LIST, ("m",), ("Schedule",), pictured=False),
    Reached("Picker", "palette", LIST, ("ctrl+p",), ("What do you want to do?",)),
    Reached("ThemePicker", "themes", LIST, ("f9",), ("Choose a theme",)),
    Reached("Picker", "idle", LIST, ("f8",), ("After 60 minutes",), pictured=False),
    Reached("HelpScreen", "help", LIST, ("?",), ("In a list",)),
    Reached("DetailScreen", "overview", LIST, ("home", "down", "enter"), ("Overview", "limited-site")),
    Reached("ReadingScreen", "policy", "overview", ("y",), ("the least it needs",)),
    Reached("Ask", "file-of-policy", "policy", ("w",), ("Write it to which file?",)),
    Reached("ReadingScreen", "difference", "overview", ("x",), ("difference to the least",)),
    Reached("DetailScreen", "permissions", "overview", ("right",), ("of 2 held",)),
    Reached("ReadingScreen", "evidence", "permissions", ("down", "enter"), ("how it is known",)),
    Reached("DetailScreen", "used-by", "permissions", ("right",), ("nightly",)),
    Reached("DetailScreen", "history", "used-by", ("right",), ("1 test",)),
    Reached("ReadingScreen", "result", "history", ("enter",), ("a test", "authenticate")),
    Reached("DetailScreen", "trail-of-one", "history", ("right",), ("connection.create",)),
    Reached("OrganizationsScreen", "organizations", LIST, ("o",), ("Need you",)),
    Reached("PlaceForm", "new-organization", "organizations", ("n",), ("New organization",)),
    Reached("Refusal", "organization-in-use", "organizations", ("home", "down", "d"), ("is not empty",)),
    Reached("ProjectsScreen", "projects", "organizations", ("home", "down", "enter"), ("and what belongs to none",)),
    Reached("GalleryScreen", "gallery", LIST, ("n",), ("choose a provider",)),
    Reached(
        "GalleryScreen",
        "gallery-filtered",
        "gallery",
        tuple("netlify"),
        ("Netlify  Personal access token",),
        pictured=False,
    ),
    Reached("GalleryScreen", "gallery-login", "gallery", tuple("gitlab"), ("GitLab  Access token",), pictured=False),
    Reached("FormScreen", "login-access", "gallery-login", ("enter",), ("What is it for?",), pictured=False),
    Reached("FormScreen", "login-credentials", "login-access", ("ctrl+n",), ("At GitLab",), pictured=False),
    Reached("FormScreen", "login-connect", "login-credentials", ("ctrl+n",), ("glpat-",), pictured=False),
    Reached("FormScreen", "login-method", "login-connect", ("up", "right"), ("f6 logs in",), pictured=False),
    Reached("Picker", "login-ways", "login-method", ("f6",), ("How do you log in?",)),
    Reached("LoginScreen", "login", "login-ways", ("enter",), ("Application ID is needed.",)),
    Reached("FormScreen", "form-access", "gallery-filtered", ("enter",), ("What is it for?",)),
    Reached("AddressScreen", "form-page", "form-access", ("f3",), ("app.netlify.com/user",)),
    Reached("FormScreen", "form-credentials", "form-access", ("ctrl+n",), ("Generate the token",)),
    Reached("FormScreen", "form-connect", "form-credentials", ("ctrl+n",), ("Access token",)),
    Reached("FormScreen", "form-save", "form-connect", ("ctrl+n",), ("Description",)),
    Reached("MapScreen", "map", LIST, ("M",), ("uses of",)),
    Reached("ExpiryScreen", "expiry", LIST, ("E",), ("will end",)),
    Reached("AuditScreen", "audit", LIST, ("A",), ("audit trail", "connection.test")),
    Reached("ImportScreen", "import", LIST, ("I",), ("netlify-env",)),
    Reached("SettingsScreen", "settings", LIST, (",",), ("cannot be guessed", "This machine")),
    Reached("SettingsScreen", "this-machine", "settings", ("end",), ("This machine", "clock")),
    Reached("NewPassphraseForm", "new-passphrase", "settings", ("p",), ("Passphrase of now",)),
    Reached("RootKeyForm", "new-root-key", "settings", ("f6",), ("goes on, esc leaves it",)),
    Reached("IdentitiesScreen", "identities", "settings", ("i",), ("source identities", "aws-hub")),
    Reached("IdentityScreen", "identity", "identities", ("home", "enter"), ("Last said",)),
    Reached("Picker", "identity-kinds", "identities", ("n",), ("Source credentials",), pictured=False),
    Reached("IdentityFormScreen", "new-identity", "identity-kinds", ("enter",), ("Secret access key",)),
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
