"""What the lists of organizations and of projects share."""

from asyncio import to_thread
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.app import ComposeResult

from jackfield.model.connection import Scope, State
from jackfield.model.errors import InUse, JackfieldError
from jackfield.services.session import Session
from jackfield.tui.keys import Place, bindings
from jackfield.tui.screens.place_form import PlaceForm
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Span
from jackfield.tui.widgets.paged_list import Column, PagedList
from jackfield.tui.widgets.refusal import Refusal
from jackfield.tui.widgets.rows import Rows
from jackfield.tui.widgets.title_bar import TitleBar

EVERY: Final = ""  # id of the row that stands for all of them
PAGE: Final = 256


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whose connections are to be listed; `scope` is None for all."""

    scope: Scope | None


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One organization or project. `need` is how many of its connections have not passed."""

    id: str
    name: str
    description: str
    connections: int
    need: int


class PlacesScreen(WorkingScreen[Chosen | None]):
    """Lists places; makes, renames and deletes them. What its subclasses say of themselves follows in the class data.

    The services are asked in threads, so the subclasses' methods for that must not touch the interface.
    """

    BINDINGS = [*bindings(Place.SCOPES), ("escape", "dismiss(None)")]
    AUTO_FOCUS = "PagedList"
    NOUN: ClassVar[str] = ""
    EMPTY: ClassVar[str] = ""

    def __init__(self, session: Session, highlight: str | None) -> None:
        """`highlight` is the id of the row to begin at."""
        super().__init__()
        self.session = session
        self._highlight = highlight

    # What a subclass says

    def path(self) -> Sequence[str]:
        """Where this is."""
        raise NotImplementedError

    def rows(self) -> Sequence[PlaceRow]:
        """All of them by name. Asks the store."""
        raise NotImplementedError

    def create(self, name: str, description: str) -> str:
        """Make one; gives its id. Raises JackfieldError."""
        raise NotImplementedError

    def edit(self, row_id: str, name: str, description: str) -> str:
        """Rename or describe one; gives its id. Raises JackfieldError."""
        raise NotImplementedError

    def delete(self, row_id: str) -> None:
        """Raises InUse with what it holds, and other JackfieldErrors."""
        raise NotImplementedError

    def open(self, row: PlaceRow) -> None:
        """Enter was pressed on it."""
        raise NotImplementedError

    # What they share

    def compose(self) -> ComposeResult:
        yield TitleBar(*self.path())
        yield PagedList[PlaceRow](
            (
                Column("Name", lambda row: Span(row.name, "strong" if row.id == EVERY else ""), share=2),
                Column("Description", lambda row: Span(row.description, "muted"), share=3, least=50),
                Column("Connections", lambda row: Span(f"{row.connections:,}".rjust(11)), width=11),
                Column("Need you", _need, width=8),
            ),
            row_id=lambda row: row.id,
            empty=self.EMPTY,
        )
        yield KeyBar("list.open", "scope.new", "scope.rename", "scope.delete", "app.back")

    @property
    def _list(self) -> PagedList[PlaceRow]:
        return self.query_one(PagedList)

    def on_mount(self) -> None:
        self.renew()

    def on_screen_resume(self) -> None:
        self.renew()

    def renew(self, highlight: str | None = None) -> None:
        """Read the list anew, and highlight the row of this id."""
        self._highlight = highlight or self._highlight
        self.work(self._read, group="rows", exclusive=True)

    async def _read(self) -> None:
        rows = await to_thread(self.rows)
        self._list.load(Rows(rows, lambda row: row.id), row_id=self._highlight)
        self._highlight = None

    def on_paged_list_activated(self, event: PagedList.Activated[PlaceRow]) -> None:
        event.stop()
        self.open(event.row)

    def action_new(self) -> None:
        self.app.push_screen(PlaceForm(f"New {self.NOUN}", self.create), self.renew)

    def action_rename(self) -> None:
        if (row := self._one()) is not None:
            form = PlaceForm(
                f"{self.NOUN.capitalize()} {row.name}",
                lambda name, description: self.edit(row.id, name, description),
                name=row.name,
                description=row.description,
            )
            self.app.push_screen(form, self.renew)

    def action_delete(self) -> None:
        if (row := self._one()) is not None:
            self.work(self._delete, row, group="ask", exclusive=True)

    async def _delete(self, row: PlaceRow) -> None:
        """Asked only where it can be done: what holds something is refused with the list of that."""
        question = Confirm(f"Delete the {self.NOUN} {row.name}?", yes="Delete")
        if row.connections or await self.is_confirmed(question):
            await to_thread(self.delete, row.id)
            self.renew()

    def after_error(self, error: JackfieldError) -> None:
        if isinstance(error, InUse):
            self.app.push_screen(Refusal(error))
        else:
            super().after_error(error)
            self.renew()

    def _one(self) -> PlaceRow | None:
        row = self._list.highlighted
        return row if row is not None and row.id != EVERY else None


def place_row(row_id: str, name: str, description: str, counts: Mapping[State, int]) -> PlaceRow:
    """A row with what its connections' states amount to."""
    total = sum(counts.values())
    return PlaceRow(row_id, name, description, total, total - counts[State.PASSED])


def _need(row: PlaceRow) -> Span:
    return Span(f"{row.need:,}".rjust(8), "limited") if row.need else Span("–".rjust(8), "muted")
