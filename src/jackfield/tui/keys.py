"""Every action of the interface: what it is called, what it does, its keys, and where it applies.

Key bindings, the key bar, the palette and the help screen are all made from ACTIONS; `keys.yaml` in the home folder
replaces keys by action id:

    list.mark: space, x
    connection.test: t
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from textual.binding import Binding, BindingType
from textual.keys import Keys

from jackfield.model.errors import UsageError
from jackfield.text import clean


class Place(StrEnum):
    """Where an action applies; the value is the heading in the help."""

    EVERYWHERE = "Everywhere"
    DOOR = "Before the vault is open"
    LIST = "In a list"
    CHOICE = "In a choice"
    OPTION = "In a line of options"
    FIELD = "In a secret field"
    CONFIRM = "In a question"
    CONNECTIONS = "Connections"
    CONNECTION = "One connection"
    SCOPES = "Organizations and projects"
    GALLERY = "Providers"
    FORM = "New connection"
    READING = "In a text"
    MAP = "Map"
    AUDIT = "Audit trail"
    GO = "Go to"


# Places that are live together with one place, so that one key cannot mean two things there.
_TOGETHER: Final[dict[Place, tuple[Place, ...]]] = {
    Place.DOOR: (Place.EVERYWHERE, Place.FIELD),
    Place.LIST: (Place.EVERYWHERE,),
    Place.CHOICE: (Place.EVERYWHERE, Place.FORM),
    Place.OPTION: (Place.EVERYWHERE, Place.FORM),
    Place.FIELD: (Place.EVERYWHERE, Place.FORM),
    Place.CONNECTIONS: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.CONNECTION: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.SCOPES: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.GALLERY: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.FORM: (Place.EVERYWHERE,),
    Place.READING: (Place.EVERYWHERE,),
    Place.MAP: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.AUDIT: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.GO: (Place.EVERYWHERE, Place.LIST),
}


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do. `does` is the Textual action that runs on the widget or screen of its place.

    `in_dialogs` reaches it from everywhere, over questions and fields too.
    """

    id: str
    place: Place
    title: str
    does: str
    keys: tuple[str, ...]
    help: str = ""
    in_palette: bool = True
    in_dialogs: bool = False


def _moves(name: str, title: str, does: str, *keys: str) -> Action:
    return Action(f"list.{name}", Place.LIST, title, does, keys, in_palette=False)


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        "app.palette",
        Place.EVERYWHERE,
        "All actions",
        "app.palette",
        ("ctrl+p",),
        "Find any action by its name.",
        in_palette=False,
    ),
    Action("app.help", Place.EVERYWHERE, "Help", "app.help", ("?", "f1"), "What the keys do here."),
    Action(
        "app.theme",
        Place.EVERYWHERE,
        "Choose a theme",
        "app.theme",
        ("f9",),
        "Light, dark, sixteen colours, high contrast, and more.",
    ),
    Action(
        "app.idle",
        Place.EVERYWHERE,
        "Lock by itself after …",
        "app.idle",
        ("f8",),
        "How long the vault stays open while nobody touches a key.",
    ),
    Action(
        "app.lock",
        Place.EVERYWHERE,
        "Lock",
        "app.lock",
        ("ctrl+l",),
        "Close the vault; nothing is readable until it is opened again.",
        in_dialogs=True,
    ),
    Action("app.quit", Place.EVERYWHERE, "Quit", "app.quit", ("ctrl+q",), "Lock and leave.", in_dialogs=True),
    Action("app.back", Place.EVERYWHERE, "Back", "app.back", ("escape",), in_palette=False),
    Action(
        "door.recovery",
        Place.DOOR,
        "Use the recovery key",
        "recovery",
        ("f2",),
        "For a forgotten passphrase; again for the passphrase.",
    ),
    Action("door.keyring", Place.DOOR, "Use the OS keyring", "keyring", ("f3",), "Where it holds a key of this vault."),
    _moves("up", "Up", "move(-1)", "up", "k"),
    _moves("down", "Down", "move(1)", "down", "j"),
    _moves("page-up", "Page up", "page(-1)", "pageup"),
    _moves("page-down", "Page down", "page(1)", "pagedown"),
    _moves("first", "First", "first", "home", "g"),
    _moves("last", "Last", "last", "end", "G"),
    _moves("open", "Open", "activate", "enter"),
    _moves("mark", "Mark", "mark", "space"),
    Action("choice.up", Place.CHOICE, "Up", "move(-1)", ("up", "k"), in_palette=False),
    Action("choice.down", Place.CHOICE, "Down", "move(1)", ("down", "j"), in_palette=False),
    Action("choice.choose", Place.CHOICE, "Choose", "choose", ("space",), in_palette=False),
    Action("choice.accept", Place.CHOICE, "Choose and go on", "accept", ("enter",), in_palette=False),
    Action("option.previous", Place.OPTION, "Previous", "choose(-1)", ("left", "h"), in_palette=False),
    Action("option.next", Place.OPTION, "Next", "choose(1)", ("right", "l", "space"), in_palette=False),
    Action("option.accept", Place.OPTION, "Go on", "accept", ("enter",), in_palette=False),
    Action(
        "secret.reveal",
        Place.FIELD,
        "Reveal",
        "reveal",
        ("ctrl+r",),
        "Show what is in the field for ten seconds.",
        in_palette=False,
    ),
    Action(
        "secret.clear",
        Place.FIELD,
        "Empty, keep or clear",
        "clear",
        ("ctrl+u",),
        "Empty what was typed; then keep or clear what is stored.",
        in_palette=False,
    ),
    Action("confirm.yes", Place.CONFIRM, "Yes", "answer(True)", ("y",), in_palette=False),
    Action("confirm.no", Place.CONFIRM, "No", "answer(False)", ("n", "escape"), in_palette=False),
    Action("connection.new", Place.CONNECTIONS, "New", "new", ("n",), "Make a connection, guided in four steps."),
    Action(
        "connection.test",
        Place.CONNECTIONS,
        "Test",
        "test",
        ("t",),
        "Test the highlighted or the marked connections now.",
    ),
    Action(
        "connection.test-all",
        Place.CONNECTIONS,
        "Test all that are listed",
        "test_all",
        ("T",),
        "Every connection of the list as it is filtered now; asks first.",
    ),
    Action(
        "connection.cancel-tests",
        Place.CONNECTIONS,
        "Cancel the tests",
        "cancel_tests",
        ("c",),
        "Stop every test that was started here.",
    ),
    Action(
        "connection.filter",
        Place.CONNECTIONS,
        "Filter",
        "filter",
        ("/",),
        "state:failed provider:aws expires:<30d, or any words.",
    ),
    Action(
        "connection.sort", Place.CONNECTIONS, "Sort", "sort", ("s",), "By name, state, expiry, last test or provider."
    ),
    Action("connection.reverse", Place.CONNECTIONS, "Reverse the order", "reverse", ("S",)),
    Action("connection.edit", Place.CONNECTIONS, "Edit", "edit", ("e",), "Change its fields, uses or schedule."),
    Action(
        "connection.delete",
        Place.CONNECTIONS,
        "Delete",
        "delete",
        ("d", "delete"),
        "Asks first, and says what would break.",
    ),
    Action(
        "connection.copy-id",
        Place.CONNECTIONS,
        "Copy id",
        "copy_id",
        ("y",),
        "To the clipboard.",
    ),
    Action(
        "connection.scope",
        Place.CONNECTIONS,
        "Organization and project",
        "scope",
        ("o",),
        "Choose whose connections are listed.",
    ),
    Action("detail.next", Place.CONNECTION, "Next page", "tab(1)", ("right", "l"), in_palette=False),
    Action("detail.previous", Place.CONNECTION, "Previous page", "tab(-1)", ("left", "h"), in_palette=False),
    Action("detail.test", Place.CONNECTION, "Test", "test", ("t",), "Test this connection now."),
    Action("detail.edit", Place.CONNECTION, "Edit", "edit", ("e",), "Change its fields, uses or schedule."),
    Action(
        "detail.delete", Place.CONNECTION, "Delete", "delete", ("d", "delete"), "Asks first, and says what would break."
    ),
    Action(
        "detail.policy",
        Place.CONNECTION,
        "Copy the minimal policy",
        "policy",
        ("y",),
        "The least that its chosen uses need.",
    ),
    Action(
        "detail.difference",
        Place.CONNECTION,
        "Difference to what is granted",
        "difference",
        ("x",),
        "What to add, what to remove.",
    ),
    Action(
        "detail.take-over",
        Place.CONNECTION,
        "Let Jackfield manage the secret",
        "take_over",
        ("m",),
        "It is replaced at the vendor; only Jackfield knows the new one.",
    ),
    Action("detail.log-in", Place.CONNECTION, "Log in again", "log_in", ("f6",), "Where its tokens come from a login."),
    Action("detail.copy-id", Place.CONNECTION, "Copy id", "copy_id", ("i",), "To the clipboard."),
    Action("detail.cancel-test", Place.CONNECTION, "Cancel the test", "cancel_test", ("c",)),
    Action("scope.new", Place.SCOPES, "New", "new", ("n",), "Make an organization or a project."),
    Action("scope.rename", Place.SCOPES, "Rename or describe", "rename", ("r",)),
    Action("scope.delete", Place.SCOPES, "Delete", "delete", ("d", "delete"), "Refused while it holds connections."),
    Action("gallery.filter", Place.GALLERY, "Filter", "filter", ("/",), "Type a part of a name or a category."),
    Action("gallery.discard", Place.GALLERY, "Discard a draft", "discard", ("d", "delete"), "Forget what was begun."),
    Action("form.next", Place.FORM, "Next step", "next", ("ctrl+n", "pagedown"), in_palette=False),
    Action("form.previous", Place.FORM, "Previous step", "previous", ("ctrl+b", "pageup"), in_palette=False),
    Action(
        "form.test", Place.FORM, "Test", "test", ("ctrl+t", "t"), "Test with what is in the form; nothing is stored."
    ),
    Action("form.cancel-test", Place.FORM, "Cancel the test", "cancel_test", ("ctrl+g", "c")),
    Action("form.save", Place.FORM, "Save", "save", ("ctrl+s",), "Seal it in the vault."),
    Action(
        "form.copy",
        Place.FORM,
        "Copy",
        "copy",
        ("ctrl+y", "y"),
        "The policy, the vendor's address or the commands: what the step shows.",
    ),
    Action("form.write", Place.FORM, "Write to a file", "write", ("f2", "w"), "The policy for the chosen uses."),
    Action("form.qr", Place.FORM, "Vendor's page as QR", "qr", ("f3", "o"), "For a browser on another device."),
    Action("form.pick", Place.FORM, "Choose from a list", "pick", ("f4",), "What the vendor or the field offers."),
    Action(
        "form.difference",
        Place.FORM,
        "Difference to what is granted",
        "difference",
        ("f5", "x"),
        "What to add, what to remove.",
    ),
    Action("form.login", Place.FORM, "Log in", "log_in", ("f6",), "Where the method gets its token by a login."),
    Action("reading.copy", Place.READING, "Copy", "copy", ("y",), "To the clipboard."),
    Action("reading.write", Place.READING, "Write to a file", "write", ("w",)),
    Action("map.left", Place.MAP, "Left", "across(-1)", ("left", "h"), in_palette=False),
    Action("map.right", Place.MAP, "Right", "across(1)", ("right", "l"), in_palette=False),
    Action("audit.verify", Place.AUDIT, "Verify the trail", "verify", ("v",), "Walk it whole, entry by entry."),
    Action(
        "go.map",
        Place.GO,
        "Map",
        "app.go('map')",
        ("M",),
        "What uses which connection, and what would break without it.",
    ),
    Action("go.expiry", Place.GO, "Expiry calendar", "app.go('expiry')", ("E",), "Which credentials end, and when."),
    Action(
        "go.audit", Place.GO, "Audit trail", "app.go('audit')", ("A",), "Who did what, and every opening of a secret."
    ),
)
_BY_ID: Final = {action.id: action for action in ACTIONS}

# Terminals send these as another key, so an action bound to one could never be reached, or would take that key away.
_IMPOSSIBLE: Final = {
    "ctrl+i": "tab",
    "ctrl+j": "enter",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
    "ctrl+[": "escape",
    "ctrl+left_square_bracket": "escape",
}
_NAMED: Final = {key.value for key in Keys if not key.value.startswith(("<", "ctrl-"))} | {"ctrl+@", "ctrl+space"}
_SHOWN: Final = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "↵",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "delete": "del",
    "backspace": "⌫",
}

KeyMap = Mapping[str, tuple[str, ...]]
"""Action id → the keys that replace its own."""


def bindings(*places: Place) -> list[BindingType]:
    """Textual's bindings for what applies in these places. A key map replaces their keys by id (`App.set_keymap`)."""
    return [
        Binding(",".join(action.keys), action.does, action.title, show=False, id=action.id, priority=action.in_dialogs)
        for action in ACTIONS
        if action.place in places
    ]


def action(action_id: str) -> Action:
    """The action of that id; KeyError when there is none."""
    return _BY_ID[action_id]


def keys_of(action_id: str, key_map: KeyMap) -> tuple[str, ...]:
    """The keys that reach an action under `key_map`."""
    return tuple(key_map.get(action_id) or _BY_ID[action_id].keys)


def key_shown(key: str) -> str:
    """A key as the key bar and the help write it."""
    return _SHOWN.get(key, key)


def read_key_map(path: Path) -> KeyMap:
    """The user's key map; empty when there is no such file. Raises UsageError naming file, action and reason."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{path.name} cannot be read: {reason}.", "Mend or remove the file.") from None
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UsageError(
            f"{path.name}{line}: this is not YAML.", "Write one line an action: list.mark: space, x"
        ) from None
    key_map = dict(_entries(data, path.name))
    require_no_clash(key_map, path.name)
    return key_map


def _entries(data: object, file: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    if data is None:
        return
    if not isinstance(data, dict):
        raise UsageError(f"{file} must map action ids to keys.", "Write one line an action: list.mark: space, x")
    for action_id, value in data.items():
        name = clean(str(action_id), limit=60, lines=False).text
        if action_id not in _BY_ID:
            raise UsageError(f"{file}: there is no action {name}.", "The help lists the actions with their ids.")
        values = value if isinstance(value, list) else str(value).split(",")
        keys = tuple(str(key).strip() for key in values if str(key).strip())
        if not keys:
            raise UsageError(f"{file}: {name} has no key.", "Give it one, or remove the line to keep its own.")
        for key in keys:
            _require_possible(key, name, file)
        yield name, keys


def _require_possible(key: str, name: str, file: str) -> None:
    shown = clean(key, limit=30, lines=False).text
    if (really := _IMPOSSIBLE.get(key.lower())) is not None:
        raise UsageError(
            f"{file}: {name} cannot have {shown}: a terminal sends {really} for it.", "Choose another key."
        )
    if key not in _NAMED and not (len(key) == 1 and key.isprintable()):
        raise UsageError(
            f"{file}: {name} has {shown}, which is no key.", "Write keys as t, T, ?, f5, ctrl+t or pageup."
        )


def require_no_clash(key_map: KeyMap, file: str) -> None:
    """Raise UsageError when one key would mean two things in one place."""
    for place in Place:
        live = {place, *_TOGETHER.get(place, ())}
        taken: dict[str, Action] = {}
        for candidate in ACTIONS:
            if candidate.place not in live:
                continue
            for key in keys_of(candidate.id, key_map):
                other = taken.setdefault(key, candidate)
                if other is not candidate and place in (other.place, candidate.place):
                    raise UsageError(
                        f"{file}: {key} would be both {other.id} and {candidate.id} ({place.value.lower()}).",
                        "Give one of them another key.",
                    )
