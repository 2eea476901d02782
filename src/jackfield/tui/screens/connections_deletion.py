"""Deleting connections: what would break is said first, and has to be typed where anything would."""

from asyncio import to_thread
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

from textual.screen import Screen

from jackfield.model.connection import Connection
from jackfield.model.errors import InUse
from jackfield.services.session import Session
from jackfield.services.undo import Removal
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.typed_confirm import TypedConfirm


class Deletion:
    """`ask` puts a question and waits for the answer."""

    def __init__(self, session: Session, ask: Callable[[Screen[bool]], Awaitable[bool]]) -> None:
        self._session = session
        self._ask = ask

    async def delete(self, ids: Iterable[str]) -> bool:
        """Ask and delete; False when the answer was no. Raises NotFound or Conflict, with the ones before gone."""
        doomed = [await to_thread(self._session.connections.get, one) for one in ids]
        uses = [line for one in doomed for line in await to_thread(self._uses, one)]
        if not await self._is_sure(doomed, uses):
            return False
        into = self._session.undo.begin()
        for one in doomed:
            await self._delete(into, one, even_if_used=bool(uses))
        return True

    async def _delete(self, into: Removal, connection: Connection, *, even_if_used: bool) -> None:
        delete = partial(self._session.undo.delete, into, connection)
        try:
            await to_thread(delete, even_if_used=even_if_used)
        except InUse as error:  # since it was asked about
            if await self._is_sure([connection], error.uses):
                await to_thread(delete, even_if_used=True)

    async def _is_sure(self, doomed: Sequence[Connection], uses: Sequence[str]) -> bool:
        """What is in use goes only when its name, or how many they are, is typed."""
        named = doomed[0].name if len(doomed) == 1 else f"{len(doomed)} connections"
        if uses:
            lines = [f"{use} stops working" for use in uses]
            return await self._ask(TypedConfirm(f"Delete {named}, although it is in use?", lines, word=named))
        nothing = f"Nothing uses {'it' if len(doomed) == 1 else 'them'}. Until the vault locks, u takes it back."
        return await self._ask(Confirm(f"Delete {named}?", [nothing], yes="Delete"))

    def _uses(self, connection: Connection) -> list[str]:
        found = self._session.connections.used_by(connection.id)
        return [f"{use.project_name or 'org'}: {use.kind} {use.name}" for use in found]
