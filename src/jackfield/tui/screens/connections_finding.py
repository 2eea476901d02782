"""Narrowing the list by more than what is typed: saved filters, and a secret that connections hold."""

from asyncio import to_thread
from typing import Final

from jackfield.services.connections import Filter
from jackfield.services.filters import SavedFilter, SavedFilters
from jackfield.services.session import Session
from jackfield.tui.screens.connections_filter import FilterLine
from jackfield.tui.screens.connections_list import ConnectionTable
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.ask_secret import AskSecret
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.picker import Item, Picker

_SAVE: Final = "+"  # ids that are no name of a filter
_DROP: Final = "-"


class Finding:
    """What is asked is asked over `screen`, from its tasks; what is found shows in the line and in the table."""

    def __init__(self, session: Session, screen: WorkingScreen[None], line: FilterLine, table: ConnectionTable) -> None:
        self._session = session
        self._saved = SavedFilters(session.store)
        self._screen = screen
        self._line = line
        self._table = table

    async def by_secret(self) -> None:
        """Ask for a secret, and list those that hold it."""
        note = "The first secret field of each is compared, by keyed digest; none is opened. esc lists all again."
        secret = await self._screen.answer(AskSecret("Which secret shall they hold?", note=note))
        if secret is not None:
            self._table.holding = self._session.connections.holding(Filter(), secret).secret_digest
            self._table.read(keep=False)

    async def by_saved(self) -> None:
        """Offer the saved filters, to save the present one, and to forget one."""
        saved = await to_thread(self._saved.all)
        items = _items(saved)
        if text := self._line.text:
            items.append(Item(_SAVE, "Save this filter …", text))
        if saved:
            items.append(Item(_DROP, "Forget one …"))
        if not items:
            tell(self._screen, "No filter is saved yet.", next_step="/ filters; then this key saves the filter.")
            return
        match await self._screen.answer(Picker("Saved filters", items)):
            case None:
                return
            case "+":
                await self._save(text)
            case "-":
                await self._forget(saved)
            case name:
                self._line.put(next(one.text for one in saved if one.name == name))

    async def _save(self, text: str) -> None:
        note = "a-z, 0-9 and hyphens; a filter of that name is replaced"
        kept = await self._screen.ask_until_done(
            "Under which name?", "", lambda name: self._saved.save(name, text), note=note
        )
        if kept is not None:
            tell(self._screen, f"Saved as {kept.name}.")

    async def _forget(self, saved: tuple[SavedFilter, ...]) -> None:
        name = await self._screen.answer(Picker("Forget which filter?", _items(saved)))
        if name is not None:
            await to_thread(self._saved.drop, name)
            tell(self._screen, f"Forgot the filter {name}.")


def _items(saved: tuple[SavedFilter, ...]) -> list[Item]:
    return [Item(one.name, one.name, one.text) for one in saved]
