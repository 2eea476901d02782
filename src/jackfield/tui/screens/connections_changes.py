"""Changing the marked connections: what is asked for each change, and how it came out."""

from asyncio import to_thread
from collections.abc import Sequence
from typing import Final

from jackfield.model.connection import Scope
from jackfield.services.many import Outcome, read_tags
from jackfield.services.schedule import read_minutes
from jackfield.services.session import Session
from jackfield.tui.screens.connections_deletion import Deletion
from jackfield.tui.screens.connections_tests import Notice
from jackfield.tui.screens.form.places import places_of
from jackfield.tui.screens.form.save import SCHEDULES
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.picker import Item, Picker

TEST: Final = "test"
DELETE: Final = "delete"
_CHANGES: Final = (
    Item("tag", "Tag", "put tags on; those before stay"),
    Item("untag", "Untag", "take tags off"),
    Item("move", "Move", "to another organization or project"),
    Item("schedule", "Schedule", "how often they are tested by themselves"),
    Item(TEST, "Test", "now"),
    Item(DELETE, "Delete", "asks first"),
)
_OFF: Final = Item("off", "never by itself", "only when asked")


class Changes:
    """What is asked is asked over `screen`, from its tasks."""

    def __init__(self, session: Session, screen: WorkingScreen[None]) -> None:
        self._session = session
        self._screen = screen

    async def choose(self, number: int) -> str | None:
        """Which change is wanted; None: none."""
        what = "one connection" if number == 1 else f"{number} connections"
        return await self._screen.answer(Picker(f"Change {what}", _CHANGES))

    async def make(self, what: str, ids: Sequence[str]) -> Notice | None:
        """Ask what the change needs, and make it; None when the answer was to leave it. Raises JackfieldError."""
        match what:
            case "tag" | "untag":
                return await self._tag(ids, on=what == "tag")
            case "move":
                return await self._move(ids)
            case "schedule":
                return await self._schedule(ids)
            case _:
                return await self._delete(ids)

    async def _tag(self, ids: Sequence[str], *, on: bool) -> Notice | None:
        question = f"{'Put' if on else 'Take'} which tags {'on' if on else 'off'} {_number(ids)}?"
        many = self._session.many

        def change(typed: str) -> Outcome:
            tags = read_tags(typed)
            return many.tag(ids, add=tags) if on else many.tag(ids, remove=tags)

        note = "Several between spaces, such as: web nightly"
        outcome = await self._screen.ask_until_done(question, "", change, note=note)
        return None if outcome is None else _told(outcome, "Tagged" if on else "Untagged")

    async def _move(self, ids: Sequence[str]) -> Notice | None:
        places = await to_thread(places_of, self._session)
        items = [Item(place.id, place.words) for place in places]
        chosen = await self._screen.answer(Picker(f"Move {_number(ids)} where?", items))
        scope: Scope | None = next((place.scope for place in places if place.id == chosen), None)
        return None if scope is None else _told(await to_thread(self._session.many.move, ids, scope), "Moved")

    async def _schedule(self, ids: Sequence[str]) -> Notice | None:
        items = [*(Item(str(minutes), words) for minutes, words in SCHEDULES.items()), _OFF]
        chosen = await self._screen.answer(Picker(f"Test {_number(ids)} by itself how often?", items))
        if chosen is None:
            return None
        every = read_minutes(chosen)
        words = f"every {every} minutes" if every else "not any more"
        outcome = await to_thread(self._session.many.schedule, ids, every)
        return _told(outcome, f"Tested by itself {words}:")

    async def _delete(self, ids: Sequence[str]) -> Notice | None:
        if not await Deletion(self._session, self._screen.is_confirmed).delete(ids):
            return None
        return Notice(f"Deleted {_number(ids)}.", "u takes it back until the vault locks.")

    async def undo(self) -> Notice:
        """Take the last deletion back."""
        outcome = await to_thread(self._session.undo.undo)
        if outcome is None:
            return Notice("Nothing was deleted since the vault was opened.")
        return _told(outcome, "Put back")


def _number(ids: Sequence[str]) -> str:
    return "1 connection" if len(ids) == 1 else f"{len(ids)} connections"


def _told(outcome: Outcome, did: str) -> Notice:
    message, refusals = outcome.told(did)
    return Notice(message, refusals, "warning" if outcome.refused else "information")
