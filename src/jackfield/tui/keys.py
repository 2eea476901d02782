"""The keys of the actions, as shipped and as the user maps them.

`keys.yaml` in the home folder replaces keys by action id:

    list.mark: space, x
    connection.test: t
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from textual.binding import Binding, BindingType
from textual.keys import Keys

from jackfield.model.errors import UsageError
from jackfield.text import clean
from jackfield.tui.actions import ACTIONS, Action, Place

__all__ = [
    "ACTIONS",
    "BETWEEN_FIELDS",
    "Action",
    "KeyMap",
    "Place",
    "action",
    "bindings",
    "joined",
    "key_shown",
    "keys_of",
    "read_key_map",
    "require_no_clash",
]

# Places that are live together with one place, so that one key cannot mean two things there.
_TOGETHER: Final[dict[Place, tuple[Place, ...]]] = {
    Place.DOOR: (Place.EVERYWHERE, Place.FIELD),
    Place.FIRST_RUN: (Place.EVERYWHERE, Place.FIELD),
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
    Place.IMPORT: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.SETTINGS: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.IDENTITIES: (Place.EVERYWHERE, Place.LIST, Place.GO),
    Place.GO: (Place.EVERYWHERE, Place.LIST),
}
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


# Between fields, before anything that a field or what is around it would do with these keys.
BETWEEN_FIELDS: Final[tuple[BindingType, ...]] = (
    Binding("tab", "app.focus_next", show=False, priority=True),
    Binding("shift+tab", "app.focus_previous", show=False, priority=True),
)


def bindings(*places: Place) -> list[BindingType]:
    """Textual's bindings for what applies in these places. A key map replaces their keys by id (`App.set_keymap`)."""
    return [
        Binding(
            joined(action.keys),
            action.does,
            action.title,
            show=False,
            id=action.id,
            priority=action.in_dialogs or action.at_once,
        )
        for action in ACTIONS
        if action.place in places
    ]


def joined(keys: Iterable[str]) -> str:
    """Keys as Textual takes several: between commas, so that the comma itself goes by its name."""
    return ",".join("comma" if key == "," else key for key in keys)


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
        values = value if isinstance(value, list) else _between_commas(str(value))
        keys = tuple(str(key).strip() for key in values if str(key).strip())
        if not keys:
            raise UsageError(f"{file}: {name} has no key.", "Give it one, or remove the line to keep its own.")
        for key in keys:
            _require_possible(key, name, file)
        yield name, keys


def _between_commas(text: str) -> list[str]:
    return [","] if text.strip() == "," else text.split(",")


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
