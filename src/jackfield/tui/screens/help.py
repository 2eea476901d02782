"""What the keys do, made from the registry of actions."""

from collections.abc import Iterator, Set
from itertools import zip_longest

from textual.app import ComposeResult
from textual.screen import ModalScreen

from jackfield.tui.keys import ACTIONS, KeyMap, Place, key_shown, keys_of
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.prose import Prose, wrapped
from jackfield.tui.widgets.title_bar import TitleBar

_KEYS = 12
_TITLE = 25


class HelpScreen(ModalScreen[None]):
    """The actions of the screen below first, then all others; any place without an action there is left out."""

    BINDINGS = [("escape,question_mark,q", "dismiss(None)")]
    DEFAULT_CSS = "HelpScreen { background: $background; & > Prose { height: 1fr; padding: 1 1 0 1; } }"

    def __init__(self, places: Set[Place], key_map: KeyMap) -> None:
        super().__init__()
        self._places = places
        self._key_map = key_map

    def compose(self) -> ComposeResult:
        yield TitleBar("Help", facts=("the keys of where you were come first", "esc back"))
        yield Prose(self._drawn)
        yield KeyBar("app.back")

    def _drawn(self, width: int) -> Iterator[Line]:
        order = sorted(Place, key=lambda place: place not in self._places)
        for place in order:
            yield (Span(place.value, "strong"),)
            for each in ACTIONS:
                if each.place is place:
                    keys = " ".join(key_shown(key) for key in keys_of(each.id, self._key_map))
                    titles, helps = wrapped(each.title, _TITLE - 1), wrapped(each.help, width - _KEYS - _TITLE - 2)
                    for title, line in zip_longest(titles, helps, fillvalue=""):
                        yield (Span(f"  {keys:<{_KEYS}}", "accent"), Span(f"{title:<{_TITLE}}"), Span(line, "muted"))
                        keys = ""
            yield ()
