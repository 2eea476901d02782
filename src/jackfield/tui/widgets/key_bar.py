"""The last line of a screen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from textual.keys import key_to_character
from textual.strip import Strip

from jackfield.tui.keys import KeyMap, action, key_shown, keys_of
from jackfield.tui.widgets.lines import LineView, strip_of, width_of

_ALWAYS = ("app.palette", "app.help")
_GAP = "  "
_EDITING = frozenset({"delete", "backspace", "left", "right", "home", "end"})


class KeyBar(LineView):
    """The keys that matter here, as far as they fit, and always the two that lead to all others.

    Where a field has the focus, keys that are typed into it are not among them.
    """

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $panel; color: $text-muted; }
    """

    def __init__(
        self,
        *action_ids: str,
        words: Mapping[str, str] | None = None,
        key_map: KeyMap | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._actions: Sequence[str] = action_ids
        self._words = dict(words or {})
        self._key_map = key_map or {}

    def on_mount(self) -> None:
        self._key_map = self._key_map or getattr(self.app, "key_map", {})
        self.watch(self.screen, "focused", self._on_focus_moved, init=False)

    def _on_focus_moved(self) -> None:
        self.refresh()

    def show_actions(self, *action_ids: str, words: Mapping[str, str] | None = None) -> None:
        """Show these actions; `words` gives one another word than its title in lower case."""
        if (action_ids, dict(words or {})) != (self._actions, self._words):
            self._actions, self._words = action_ids, dict(words or {})
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        accent = self.tone("accent", base)
        last = list(self._items(_ALWAYS))
        room = width - 2 - sum(width_of(key + word) + 1 + len(_GAP) for key, word in last)
        shown: list[tuple[str, str]] = []
        for key, word in self._items(self._actions):
            room -= width_of(key + word) + 1 + len(_GAP)
            if room < 0:
                break
            shown.append((key, word))
        pieces = [(" ", base)]
        for key, word in (*shown, *last):
            pieces += [(key, accent), (f" {word}{_GAP}", base)]
        return strip_of(pieces, width, base)

    def _items(self, action_ids: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The first key of each that has one now, and its word."""
        for action_id in action_ids:
            for key in keys_of(action_id, self._key_map):
                if not self._is_for_field(key):
                    yield key_shown(key), self._words.get(action_id) or action(action_id).title.lower()
                    break

    def _is_for_field(self, key: str) -> bool:
        """Whether the focus is where that key types or edits."""
        focused = self.screen.focused
        if focused is None or not focused.check_consume_key("a", "a"):
            return False
        return key in _EDITING or (key_to_character(key) or "\n").isprintable()
