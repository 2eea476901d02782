"""The list of source identities."""

from asyncio import to_thread
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult

from jackfield.model.errors import InUse, JackfieldError
from jackfield.services.engine import Engine
from jackfield.services.session import Session
from jackfield.tui.keys import Place, bindings
from jackfield.tui.screens.identities.changes import IdentityChanges
from jackfield.tui.screens.identities.detail import IdentityScreen
from jackfield.tui.screens.identities.facts import Facts, all_facts
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Span
from jackfield.tui.widgets.paged_list import Column, PagedList
from jackfield.tui.widgets.refusal import Refusal
from jackfield.tui.widgets.rows import Rows
from jackfield.tui.widgets.title_bar import TitleBar


class IdentitiesScreen(WorkingScreen[None]):
    """Lists them; makes, tests, renames and deletes them, and gives them other keys."""

    BINDINGS = [*bindings(Place.IDENTITIES), ("escape", "dismiss(None)")]
    AUTO_FOCUS = "PagedList"
    CSS_PATH: ClassVar[Path] = Path(__file__).parents[2] / "styles" / "settings.tcss"

    def __init__(self, session: Session, engine: Engine) -> None:
        super().__init__()
        self._session = session
        self._engine = engine
        self._changes = IdentityChanges(self, session, engine)

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", "settings", "source identities")
        yield PagedList[Facts](
            (
                Column("Name", lambda one: Span(one.identity.name), share=3),
                Column("Provider", lambda one: Span(one.provider_name), width=12),
                Column("Kind", lambda one: Span(one.kind_name, "muted"), share=4, least=50),
                Column("Used by", lambda one: Span(f"{len(one.used_by):,}".rjust(7)), width=7),
                Column("Last said", lambda one: Span(str(one.mark), one.mark.tone), width=14),
                Column("Tested", lambda one: Span(one.said_ago, "muted"), width=6),
            ),
            row_id=lambda one: one.identity.id,
            empty="None yet: n keeps keys once that many connections start from.",
        )
        yield KeyBar(
            "list.open", "identity.new", "identity.test", "identity.replace", "identity.rename", "identity.delete",
            "app.back",
        )  # fmt: skip

    @property
    def _list(self) -> PagedList[Facts]:
        return self.query_one(PagedList)

    def on_mount(self) -> None:
        self._renew()

    def on_screen_resume(self) -> None:
        self._renew()

    def _renew(self, highlight: str | None = None) -> None:
        self.work(self._read, highlight, group="rows", exclusive=True)

    async def _read(self, highlight: str | None) -> None:
        rows = await to_thread(lambda: tuple(all_facts(self._session)))
        self._list.load(Rows(rows, lambda one: one.identity.id), row_id=highlight)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "cancel_test"

    # What can be done

    def on_paged_list_activated(self, event: PagedList.Activated[Facts]) -> None:
        event.stop()
        self.app.push_screen(IdentityScreen(self._session, self._engine, event.row))

    def action_test(self) -> None:
        if (facts := self._list.highlighted) is not None:
            self.app.push_screen(IdentityScreen(self._session, self._engine, facts, testing=True))

    def action_new(self) -> None:
        self.work(self._create, group="change", exclusive=True)

    async def _create(self) -> None:
        self._renew(await self._changes.create())

    def action_rename(self) -> None:
        if (facts := self._list.highlighted) is not None:
            self.work(self._rename, facts, group="change", exclusive=True)

    async def _rename(self, facts: Facts) -> None:
        await self._changes.rename(facts.identity)
        self._renew()

    def action_replace(self) -> None:
        if (facts := self._list.highlighted) is not None:
            self.work(self._replace, facts, group="change", exclusive=True)

    async def _replace(self, facts: Facts) -> None:
        self._renew(await self._changes.replace(facts))

    def action_delete(self) -> None:
        if (facts := self._list.highlighted) is not None:
            self.work(self._delete, facts, group="change", exclusive=True)

    async def _delete(self, facts: Facts) -> None:
        await self._changes.delete(facts)
        self._renew()

    def after_error(self, error: JackfieldError) -> None:
        if isinstance(error, InUse):
            self.app.push_screen(Refusal(error))
        else:
            super().after_error(error)
