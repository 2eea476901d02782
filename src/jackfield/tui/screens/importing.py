"""Import: what other tools keep on this machine, what each would become, and where it goes."""

from asyncio import to_thread
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from textual.app import ComposeResult

from jackfield.model.connection import Scope
from jackfield.model.secret import MASK, FieldValue, Secret
from jackfield.services.engine import Engine
from jackfield.services.importing.finding import Candidate
from jackfield.services.importing.machine import Machine
from jackfield.services.importing.plan import Done, Planned, Standing, carry_out, choose, plan
from jackfield.services.importing.sources import SOURCES, Looked, Trouble, look
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.tui.keys import Place, bindings
from jackfield.tui.screens.connections_place import NOWHERE, describe
from jackfield.tui.screens.organizations import OrganizationsScreen
from jackfield.tui.screens.places import Chosen
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, Span, literal
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.paged_list import Column, PagedList
from jackfield.tui.widgets.prose import Prose, paragraph
from jackfield.tui.widgets.rows import Rows
from jackfield.tui.widgets.title_bar import TitleBar

_MARKS: Final = {
    Standing.NEW: ("+", "accent"),
    Standing.UNCLEAR: ("?", "unproven"),
    Standing.STORED: ("=", "muted"),
    Standing.REPEATED: ("=", "muted"),
    Standing.NAMED: ("▲", "limited"),
    Standing.UNUSABLE: ("–", "muted"),
}
_LOOKING: Final = "Looking at what is on this machine …"
_NOTHING: Final = "Nothing to import was found on this machine."
_NO_PLACE: Final = "Choose first where it goes: o lists the organizations."


class ImportScreen(WorkingScreen[None]):
    """Lists what was found; enter makes connections of what is marked, and offers to test them."""

    BINDINGS = [*bindings(Place.IMPORT), ("escape", "leave")]
    AUTO_FOCUS = "PagedList"
    CSS_PATH = "../styles/import.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]

    def __init__(self, session: Session, engine: Engine, machine: Machine | None = None) -> None:
        super().__init__()
        self._session = session
        self._engine = engine
        self._machine = machine or Machine.here()
        self._place = NOWHERE
        self._looked: tuple[Looked, ...] = ()
        self._rows: tuple[Planned, ...] = ()
        self._importing = False
        self._stopped = False

    def compose(self) -> ComposeResult:
        yield TitleBar("Import", id="title")
        yield PagedList[Planned](
            (
                Column("Name", lambda row: Span(row.name), share=3),
                Column("Provider", self._provider, share=2),
                Column("Found in", lambda row: Span(row.candidate.origin, "muted"), share=3, least=70),
                Column("Standing", _standing, width=16),
            ),
            row_id=lambda row: row.id,
            multiple=True,
            empty=_LOOKING,
        )
        yield Prose(self._about, id="about", can_focus=False)
        yield KeyBar(
            *("list.open", "list.mark", "import.place", "import.all", "import.again", "app.back"),
            words={"list.open": "import", "list.mark": "choose", "import.all": "all", "app.back": "back"},
        )

    @property
    def _list(self) -> PagedList[Planned]:
        return self.query_one(PagedList)

    def _provider(self, row: Planned) -> Span:
        definition = row.candidate.definition
        return Span(self._session.registry.name(definition.provider) if definition else "not known", "muted")

    # What was found

    def on_mount(self) -> None:
        self.action_again()

    def action_again(self) -> None:
        self.work(self._read, group="read", exclusive=True)

    async def _read(self) -> None:
        self._looked = await to_thread(self._look)
        await self._plan(None)

    async def _plan(self, scope: Scope | None) -> None:
        """Say what would become of it in this place, or in the one before."""
        wanted = scope or self._place.scope or await to_thread(Settings(self._session.store).place)
        self._place = await to_thread(describe, self._session, wanted)
        here = self._place.scope
        found = [one for source in self._looked for one in source.candidates]
        self._rows = () if here is None else await to_thread(plan, self._session, found, here)
        self._list.mark_only(row.id for row in choose(self._rows))
        empty = _NOTHING if here is not None or not found else _NO_PLACE
        self._list.load(Rows(self._rows, lambda row: row.id), empty=empty)
        self._show_facts()

    def _look(self) -> tuple[Looked, ...]:
        return tuple(look(self._session.registry, self._machine, source) for source in SOURCES)

    def _show_facts(self, said: str = "") -> None:
        facts = (f"{len(self._rows):,} found", f"{len(self._list.marked):,} chosen")
        self.query_one("#title", TitleBar).show_place("Import", *self._place.words, facts=(said,) if said else facts)

    # Choosing

    def on_paged_list_marked(self, event: PagedList.Marked) -> None:
        """What cannot be imported stays unmarked."""
        event.stop()
        self._list.mark_only(event.ids & {row.id for row in self._rows if row.is_possible})
        self._show_facts()

    def action_all(self) -> None:
        new = {row.id for row in choose(self._rows)}
        self._list.mark_only(() if new <= self._list.marked else new | self._list.marked)

    def action_place(self) -> None:
        self.app.push_screen(OrganizationsScreen(self._session, self._place.scope), self._chose_place)

    def _chose_place(self, chosen: Chosen | None) -> None:
        if chosen is not None and chosen.scope is None:
            tell(self, "What is imported belongs to one organization.", next_step="Choose one of them.")
        elif chosen is not None:
            self.work(self._plan, chosen.scope, group="read", exclusive=True)

    # The highlighted one

    def on_paged_list_highlighted(self, event: PagedList.Highlighted[Planned]) -> None:
        event.stop()
        self.query_one("#about", Prose).show(self._about)

    def _about(self, width: int) -> Iterator[Line]:
        """What the highlighted one would become, and what could not be read."""
        row = self._list.highlighted
        if row is not None:
            one = row.candidate
            if row.why:
                yield from paragraph(row.why, width, "limited", sign="▲ ")
            yield from paragraph(f"{self._kind(one)}, from {one.origin}", width, "muted")
            fields = " · ".join(self._fields(one))
            if fields:
                yield from paragraph(fields, width)
            for note in one.notes:
                yield from paragraph(note, width, "muted", sign="– ")
        for trouble in self._troubles():
            yield from paragraph(f"{trouble.message} {trouble.next_step}", width, "failed", sign="✖ ")

    def _troubles(self) -> tuple[Trouble, ...]:
        return tuple(trouble for one in self._looked for trouble in one.troubles)

    def _kind(self, one: Candidate) -> str:
        if one.definition is None:
            return "Not known"
        provider, method = self._session.connections.provider_and_method(one.definition.provider, one.definition.method)
        return f"{provider.name}, {method.name}"

    def _fields(self, one: Candidate) -> Iterator[str]:
        if one.definition is None:
            return
        method = self._session.connections.provider_and_method(one.definition.provider, one.definition.method)[1]
        for field in method.fields:
            if field.name in one.fields:
                yield f"{field.label} {_shown(one.fields[field.name])}"

    # Importing

    def on_paged_list_activated(self, event: PagedList.Activated[Planned]) -> None:
        event.stop()
        marked = self._list.marked
        chosen = [row for row in self._rows if row.id in marked]
        if not chosen and event.row.is_possible:
            chosen = [event.row]
        if not chosen:
            tell(self, event.row.why or "Nothing is chosen.", next_step="space chooses what can be imported.")
        elif not self._importing:
            self.work(self._import, chosen, group="import")

    async def _import(self, chosen: Sequence[Planned]) -> None:
        """Ask, make them one after the other until done or left, and offer to test them."""
        scope = self._place.scope
        question = Confirm(
            f"Import {_number(len(chosen))} into {' › '.join(self._place.words)}?",
            [f"{row.name}  {row.candidate.origin}" for row in chosen],
            yes="Import",
        )
        if scope is None or not await self.is_confirmed(question):
            return
        done: list[Done] = []
        steps = carry_out(self._session, chosen, scope)
        self._set_importing(on=True)
        try:
            while not self._stopped and (one := await to_thread(next, steps, None)) is not None:
                done.append(one)
                self._show_facts(f"{len(done):,} of {len(chosen):,} imported; esc stops")
        finally:
            self._set_importing(on=False)
            self._tell_done(done, len(chosen))
        await self._plan(scope)
        await self._offer_tests([one.connection.id for one in done if one.connection is not None])

    def _set_importing(self, *, on: bool) -> None:
        """While it runs, escape stops it, and nothing else leads away."""
        self._importing, self._stopped = on, False
        self.LEADS_ON = not on  # type: ignore[misc]  # of this screen alone

    def action_leave(self) -> None:
        if self._importing:
            self._stopped = True
        else:
            self.dismiss(None)

    def _tell_done(self, done: Sequence[Done], wanted: int) -> None:
        failed = [one for one in done if one.error is not None]
        made = len(done) - len(failed)
        said = f"Imported {_number(made)}, untested." if made == wanted else f"Imported {made:,} of {wanted:,}."
        why = "\n".join(f"{one.planned.name}: {one.error}" for one in failed[:3])
        tell(self.app, said, next_step=why, severity="warning" if failed else "information")

    async def _offer_tests(self, ids: Iterable[str]) -> None:
        made = list(ids)
        question = Confirm(
            f"Test {'it' if len(made) == 1 else f'all {len(made):,}'} now?",
            ("Each goes to its own service with its secret, and to no other.", "Uses can be chosen later: e edits."),
            yes="Test",
            no="Later",
        )
        if made and await self.is_confirmed(question):
            for one in made:
                self._engine.test(one)
            self.dismiss(None)


def _standing(row: Planned) -> Span:
    symbol, tone = _MARKS[row.standing]
    return Span(f"{symbol} {row.standing.value}", tone)


def _shown(value: FieldValue) -> str:
    if isinstance(value, Secret):
        return MASK
    return ("yes" if value else "no") if isinstance(value, bool) else literal(str(value))


def _number(count: int) -> str:
    return "1 connection" if count == 1 else f"{count:,} connections"
