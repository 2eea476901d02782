"""Renaming, replacing and deleting a source identity: what is asked, and what is said of it."""

from asyncio import to_thread
from functools import partial

from jackfield.model.errors import NotFound
from jackfield.services.engine import Engine
from jackfield.services.identities import Identity
from jackfield.services.identity_form import IdentityForm, kinds_of
from jackfield.services.session import Session
from jackfield.tui.screens.identities.facts import Facts
from jackfield.tui.screens.identities.form import IdentityFormScreen
from jackfield.tui.screens.working import WorkingScreen
from jackfield.tui.widgets.confirm import Confirm
from jackfield.tui.widgets.lines import literal
from jackfield.tui.widgets.notice import tell
from jackfield.tui.widgets.picker import Item, Picker


class IdentityChanges:
    """Each change is a task for `WorkingScreen.work`; errors are raised to it."""

    def __init__(self, screen: WorkingScreen[None], session: Session, engine: Engine) -> None:
        self._screen = screen
        self._session = session
        self._engine = engine

    async def create(self) -> str | None:
        """Choose a kind and fill its form in; gives the new one's id."""
        kinds = {
            f"{one.provider.slug}|{one.kind.id}": one
            for one in await to_thread(lambda: list(kinds_of(self._session.registry)))
        }
        items = [Item(key, literal(one.provider.name), literal(one.kind.name)) for key, one in kinds.items()]
        chosen = await self._screen.app.push_screen_wait(Picker("Whose source identity is it?", items))
        if chosen is None:
            return None
        return await self._fill_in(IdentityForm.of_kind(kinds[chosen].provider, kinds[chosen].kind.id))

    async def replace(self, facts: Facts) -> str | None:
        """Type all its fields anew."""
        if facts.provider is None:
            raise NotFound(f"The provider {facts.identity.provider} is not here any more.", "Put its file back.")
        form = IdentityForm.of_kind(facts.provider, facts.identity.method, replaces=facts.identity)
        return await self._fill_in(form)

    async def _fill_in(self, form: IdentityForm) -> str | None:
        return await self._screen.app.push_screen_wait(IdentityFormScreen(self._session, self._engine, form))

    async def rename(self, identity: Identity) -> None:
        """Ask for the other name until it can be had."""
        await self._screen.ask_until_done(
            f"Rename {identity.name}",
            identity.name,
            partial(self._rename, identity),
            note="a-z, 0-9 and hyphens. What starts from it stays with it.",
        )

    def _rename(self, identity: Identity, name: str) -> None:
        if name != identity.name:
            self._session.identities.rename(identity, name)

    async def delete(self, facts: Facts) -> bool:
        """Delete it; whether that was done. Raises InUse with the connections that start from it."""
        identity = facts.identity
        question = Confirm(
            f"Delete the source identity {identity.name}?", ("No connection starts from it.",), yes="Delete"
        )
        if not facts.used_by and not await self._screen.is_confirmed(question):
            return False
        await to_thread(self._session.identities.delete, identity)
        tell(self._screen.app, f"{identity.name} was deleted.")
        return True
