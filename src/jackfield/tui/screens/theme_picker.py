"""Choosing a theme, each of which is shown while it is highlighted."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from textual.timer import Timer

from jackfield.model.errors import JackfieldError
from jackfield.tui.themes import Palette, read_theme, shipped_folder, theme_files
from jackfield.tui.widgets.paged_list import PagedList
from jackfield.tui.widgets.picker import Item, Picker

SHOW_AFTER: Final = 0.08  # seconds a theme is highlighted before it is shown: going past one must cost nothing


class ThemePicker(Picker):
    """Gives the name of a theme, or None. What is highlighted is given to `show`; whoever asked puts the old one back.

    Of a file that is no theme the reason stands under the list, and `show` is given the theme of now.
    """

    DEFAULT_CSS = """
    ThemePicker { background: transparent; & #about { height: auto; max-height: 3; color: $state-limited; } }
    """

    def __init__(self, home: Path, now: Palette, show: Callable[[Palette], None]) -> None:
        files = theme_files(home)
        self._themes: Mapping[str, Palette | JackfieldError] = {name: _read(path) for name, path in files.items()}
        self._now = now
        self._show = show
        self._timer: Timer | None = None
        items = [_item(name, theme, files[name], is_now=name == now.name) for name, theme in self._themes.items()]
        super().__init__("Choose a theme", items, chosen=now.name)

    def on_paged_list_highlighted(self, event: PagedList.Highlighted[Item]) -> None:
        event.stop()
        theme = self._themes[event.row.id] if event.row is not None else self._now
        if self._timer is not None:
            self._timer.stop()
        shown = theme if isinstance(theme, Palette) else self._now
        self._timer = self.set_timer(SHOW_AFTER, partial(self._preview, shown))

    def about(self, item: Item | None) -> str:
        theme = self._themes[item.id] if item is not None else None
        return str(theme) if isinstance(theme, JackfieldError) else ""

    def _preview(self, theme: Palette) -> None:
        if self.is_current:  # else it was answered meanwhile
            self._show(theme)


def _read(path: Path) -> Palette | JackfieldError:
    try:
        return read_theme(path)
    except JackfieldError as error:
        return error


def _item(name: str, theme: Palette | JackfieldError, file: Path, *, is_now: bool) -> Item:
    aside, yours = "now" * is_now, ", yours" * (file.parent != shipped_folder())
    if not isinstance(theme, Palette):
        return Item(name, name.replace("-", " ").capitalize(), f"not usable{yours}", aside)
    kind = "the terminal's own colours" if theme.ansi else "dark" if theme.dark else "light"
    return Item(name, theme.title, f"{kind}{yours}", aside)
