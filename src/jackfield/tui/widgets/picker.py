"""Finding one of many by typing a part of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from jackfield.tui.widgets.filtering import FilteringScreen
from jackfield.tui.widgets.lines import Span, literal, width_of
from jackfield.tui.widgets.paged_list import Column, PagedList
from jackfield.tui.widgets.text_input import TextInput

_NOTE: Final = 38  # cells that a note has beside its title


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to pick: `note` stands muted behind it, `aside` at the right end."""

    id: str
    title: str
    note: str = ""
    aside: str = ""


class ItemSource:
    """The items that match what was typed, best first; all of them when nothing was."""

    def __init__(self, items: Sequence[Item], typed: str = "") -> None:
        self._items = tuple(items) if not typed.strip() else _matching(items, typed)

    def count(self) -> int:
        return len(self._items)

    def page(self, start: int, limit: int) -> Sequence[Item]:
        return self._items[start : start + limit]

    def position(self, row_id: str) -> int | None:
        return next((number for number, item in enumerate(self._items) if item.id == row_id), None)


def _matching(items: Sequence[Item], typed: str) -> tuple[Item, ...]:
    """Items in which every typed word occurs; those whose title begins with it first."""
    words = typed.casefold().split()
    scored: list[tuple[int, int, Item]] = []
    for number, item in enumerate(items):
        title, all_text = item.title.casefold(), f"{item.title} {item.note} {item.id}".casefold()
        if all(word in all_text for word in words):
            rank = 0 if title.startswith(words[0]) else 1 if all(word in title for word in words) else 2
            scored.append((rank, number, item))
    return tuple(item for _, _, item in sorted(scored, key=lambda entry: entry[:2]))


class Picker(FilteringScreen[str | None], ModalScreen[str | None]):
    """A filter line over a list; enter gives the id of the highlighted item, escape gives None.

    The item whose id is `chosen` is highlighted first. Where notes are long, that of the highlighted item stands whole
    under the list.
    """

    BINDINGS = [("escape", "dismiss(None)")]
    DEFAULT_CSS = """
    Picker {
        align: center top; background: $background 60%;
        &:ansi { background: transparent; }
        & > Vertical {
            width: 76; max-width: 96%; height: 18; max-height: 90%; margin-top: 2; padding: 0 1;
            background: $panel; border: round $accent;
        }
        & #about { display: none; height: 2; padding: 0 2; color: $text-muted; }
        & PagedList { background: $panel; height: 1fr; overflow-y: auto; }
        &:ansi > Vertical, &:ansi PagedList { background: ansi_default; }
    }
    """

    def __init__(
        self,
        title: str,
        items: Sequence[Item],
        *,
        chosen: str | None = None,
        empty: str = "Nothing matches what you typed.",
    ) -> None:
        super().__init__()
        self._first = chosen
        self._title = title
        self._items = tuple(items)
        self._empty = empty
        self._explains = any(width_of(item.note) > _NOTE for item in self._items)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield TextInput(placeholder=self._title)
            yield PagedList[Item](tuple(self._columns()), row_id=lambda item: item.id, empty=self._empty)
            yield Static("", id="about", markup=False)

    def _columns(self) -> Iterator[Column[Item]]:
        """A column for what any of the items has."""
        yield Column("", lambda item: Span(item.title), share=3)
        if any(item.note for item in self._items):
            yield Column("", lambda item: Span(item.note, "muted"), share=4, least=50)
        if any(item.aside for item in self._items):
            yield Column("", lambda item: Span(item.aside, "accent"), width=8)

    def on_mount(self) -> None:
        self._list.load(ItemSource(self._items), row_id=self._first)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._list.load(ItemSource(self._items, event.value), keep=False)

    def on_paged_list_highlighted(self, event: PagedList.Highlighted[Item]) -> None:
        event.stop()
        text, line = self.about(event.row), self.query_one("#about", Static)
        line.display = bool(text)
        line.update(Content(literal(text)))

    def about(self, item: Item | None) -> str:
        """What stands under the list about the highlighted item."""
        return item.note if item is not None and self._explains else ""

    def on_paged_list_activated(self, event: PagedList.Activated[Item]) -> None:
        event.stop()
        self.dismiss(event.row.id)
