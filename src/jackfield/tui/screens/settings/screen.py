"""Settings and security, in one list of sections."""

import json
from asyncio import to_thread
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult

from jackfield.services.backup import back_up
from jackfield.services.engine import Engine
from jackfield.services.session import Session
from jackfield.services.sources import typed_path
from jackfield.tui.keys import ACTIONS, KeyMap, Place, bindings, keys_of
from jackfield.tui.screens.identities.screen import IdentitiesScreen
from jackfield.tui.screens.reading import ReadingScreen
from jackfield.tui.screens.settings.changes import VaultChanges
from jackfield.tui.screens.settings.rows import SettingRow, Shown, examined, headed, read_rows
from jackfield.tui.screens.working import Task, WorkingScreen
from jackfield.tui.widgets.key_bar import KeyBar
from jackfield.tui.widgets.lines import Line, Span, width_of
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.paged_list import Column, PagedList
from jackfield.tui.widgets.prose import Prose, code, paragraph, wrapped
from jackfield.tui.widgets.rows import Rows
from jackfield.tui.widgets.title_bar import TitleBar


class SettingsScreen(WorkingScreen[None]):
    """Enter does what the highlighted line is about; under the list stands what that is."""

    BINDINGS = [*bindings(Place.SETTINGS), ("escape", "dismiss(None)")]
    AUTO_FOCUS = "PagedList"
    CSS_PATH: ClassVar[Path] = Path(__file__).parents[2] / "styles" / "settings.tcss"

    def __init__(self, session: Session, engine: Engine) -> None:
        super().__init__()
        self._session = session
        self._engine = engine
        self._changes = VaultChanges(self, session, engine)
        self._rows: tuple[SettingRow, ...] = ()
        self._machine: tuple[SettingRow, ...] = ()

    def compose(self) -> ComposeResult:
        yield TitleBar("Jackfield", "settings")
        yield PagedList[SettingRow](
            (
                Column("", lambda row: Span(row.section, "muted"), width=12),
                Column("", lambda row: Span(row.title), width=23),
                Column("", lambda row: Span(row.value, row.tone or "muted"), share=1),
            ),
            row_id=lambda row: row.id,
            empty="The settings are being read.",
        )
        yield Prose(id="about", can_focus=False)
        yield KeyBar()

    @property
    def _list(self) -> PagedList[SettingRow]:
        return self.query_one(PagedList)

    # Reading

    def on_mount(self) -> None:
        self.action_look()

    def on_screen_resume(self) -> None:
        self._renew()

    def action_look(self) -> None:
        """Read everything anew, this machine included."""
        self._machine = ()
        self._renew()

    def _renew(self) -> None:
        self.work(self._read, group="rows", exclusive=True)

    async def _read(self) -> None:
        rows = await to_thread(read_rows, self._session, self._shown())
        self._show(rows)
        if not self._machine:  # takes a moment, so it is not waited for
            self._machine = await to_thread(examined, self._session.home)
            self._show(rows)

    def _show(self, rows: tuple[SettingRow, ...]) -> None:
        self._rows = (*rows, *self._machine)
        self._list.load(Rows(tuple(headed(self._rows)), lambda row: row.id))

    def _shown(self) -> Shown:
        key_map = self._key_map
        replaced = f"{len(key_map)} action{'s' * (len(key_map) != 1)} with keys of yours" if key_map else ""
        there = (self._session.home.folder / "keys.yaml").exists()
        return Shown(
            theme=self.app.theme,
            link=getattr(self.app, "link_in_words", ""),
            keys=replaced or ("keys.yaml is empty" if there else "as shipped: there is no keys.yaml"),
        )

    @property
    def _key_map(self) -> KeyMap:
        return getattr(self.app, "key_map", {})

    # The highlighted line

    def on_paged_list_highlighted(self, event: PagedList.Highlighted[SettingRow]) -> None:
        event.stop()
        self.query_one("#about", Prose).show(self._about)
        row = event.row
        can_open = ("list.open",) if row is not None and row.does else ()
        can_remove = ("settings.remove",) if row is not None and row.slot is not None else ()
        words = {"settings.add": "add a way in", "settings.remove": "remove", "settings.next": "next section"}
        self.query_one(KeyBar).show_actions(
            *can_open, *can_remove, "settings.next", "settings.add", "settings.backup", "app.back", words=words
        )

    def _about(self, width: int) -> Iterator[Line]:
        row = self._list.highlighted
        if row is None:
            return
        title = f"{row.title.removesuffix(' …')}  "
        for line in wrapped(row.value, width - width_of(title)):
            yield (Span(title, "strong"), Span(line, row.tone or "muted"))
            title = " " * width_of(title)
        if row.about:
            yield from paragraph(row.about, width)

    async def on_paged_list_activated(self, event: PagedList.Activated[SettingRow]) -> None:
        event.stop()
        if event.row.does:
            await self.run_action(event.row.does)

    def action_section(self, by: int) -> None:
        """To the first line of the next section, or of this one and then the one before."""
        starts = [number for number, row in enumerate(headed(self._rows)) if row.section]
        here = self._list.cursor
        if by > 0:
            self._list.cursor = next((start for start in starts if start > here), here)
        else:
            self._list.cursor = next((start for start in reversed(starts) if start < here), 0)

    # What can be done

    def action_add(self) -> None:
        self._change(self._changes.add)

    def action_remove(self) -> None:
        row = self._list.highlighted
        if row is not None and row.slot is not None:
            self._change(self._changes.remove, row.slot)
        else:
            tell(self, "Choose the passphrase, recovery key, key file or keyring to remove.")

    def action_passphrase(self) -> None:
        self._change(self._changes.change_passphrase)

    def action_root_key(self) -> None:
        self._change(self._changes.replace_root_key)

    def action_reseal(self) -> None:
        self._change(self._changes.reseal)

    def _change(self, task: Task, *arguments: object) -> None:
        async def changed() -> None:
            await task(*arguments)
            self._renew()

        self.work(changed, group="change")

    def action_automatic_tests(self) -> None:
        self._change(self._changes.pause_or_resume_tests)

    def action_package(self) -> None:
        row = self._list.highlighted
        if row is not None and row.offer is not None:
            self._change(self._changes.trust_or_not, row.offer)

    def action_identities(self) -> None:
        self.app.push_screen(IdentitiesScreen(self._session, self._engine))

    def action_key_map(self) -> None:
        """The keys as they are, in the form that keys.yaml has."""
        lines = [f"{each.id}: {json.dumps(keys_of(each.id, self._key_map))}" for each in ACTIONS]
        text = "\n".join(lines)
        self.app.push_screen(
            ReadingScreen("Settings", "key map", make=lambda width: code(text, width), text=text, file="keys.yaml")
        )

    def action_backup(self) -> None:
        self.work(self._back_up, group="change")

    async def _back_up(self) -> None:
        done = await self.ask_until_done(
            "Put the backup into which file?",
            f"~/jackfield-{datetime.now(UTC).date().isoformat()}.backup",
            self._copy_into,
            note="A file that exists is not replaced.",
        )
        if done:
            tell(self, done)
            self._renew()

    def _copy_into(self, name: str) -> str:
        target = typed_path(name)
        made = back_up(self._session, target)
        return f"Done: {made.connections:,} connections are in {target}."
