"""The last line of a screen."""

from collections.abc import Mapping, Sequence

from textual.strip import Strip

from jackfield.tui.keys import KeyMap, action, key_shown, keys_of
from jackfield.tui.widgets.lines import LineView, strip_of, width_of

_ALWAYS = ("app.palette", "app.help")
_GAP = "  "


class KeyBar(LineView):
    """The keys that matter here, as far as they fit, and always the two that lead to all others."""

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

    def show_actions(self, *action_ids: str, words: Mapping[str, str] | None = None) -> None:
        """Show these actions; `words` gives one another word than its title in lower case."""
        if (action_ids, dict(words or {})) != (self._actions, self._words):
            self._actions, self._words = action_ids, dict(words or {})
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        accent = self.tone("accent", base)
        last = [self._item(action_id) for action_id in _ALWAYS]
        room = width - 2 - sum(width_of(key + word) + 1 + len(_GAP) for key, word in last)
        shown: list[tuple[str, str]] = []
        for action_id in self._actions:
            key, word = self._item(action_id)
            room -= width_of(key + word) + 1 + len(_GAP)
            if room < 0:
                break
            shown.append((key, word))
        pieces = [(" ", base)]
        for key, word in (*shown, *last):
            pieces += [(key, accent), (f" {word}{_GAP}", base)]
        return strip_of(pieces, width, base)

    def _item(self, action_id: str) -> tuple[str, str]:
        word = self._words.get(action_id) or action(action_id).title.lower()
        return key_shown(keys_of(action_id, self._key_map)[0]), word
