"""Forms that were begun and left: which there are, and how one is taken up again."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jackfield.model.connection import Connection
from jackfield.model.errors import NotFound
from jackfield.services.drafts import SavedDraft
from jackfield.services.form import Form
from jackfield.services.session import Session
from jackfield.services.trial import stored_form
from jackfield.store.transaction import new_id

_PARTS: Final = (
    "uses",
    "name",
    "description",
    "tags",
    "every_minutes",
    "expires",
    "private_allowed",
    "attempts_allowed",
    "identity",
    "unverified_host",
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A form that can be taken up again. `name` is the connection's, empty as long as none was given."""

    draft: SavedDraft
    provider: str  # slug
    provider_name: str
    name: str
    edits: bool  # it edits a stored connection

    @property
    def left_at(self) -> datetime:
        return self.draft.updated_at


def draft_id_for(connection: Connection | None) -> str:
    """The id under which a form's draft is kept: the edited connection's own, or a new one."""
    return connection.id if connection is not None else new_id()


def begun_forms(session: Session) -> tuple[Begun, ...]:
    """The latest first; drafts of providers that are gone are left out."""
    return tuple(_begun(session))


def _begun(session: Session) -> Iterator[Begun]:
    for draft in session.drafts.all():
        try:
            provider = session.registry.get(str(draft.content.get("provider", "")))
        except NotFound:
            continue
        name = str(draft.content.get("name", ""))
        edited = _edited(session, draft)
        yield Begun(draft, provider.slug, provider.name, edited.name if edited else name, edits=edited is not None)


def resume(session: Session, draft: SavedDraft) -> Form:
    """The form as it was left. Raises NotFound when its provider is gone."""
    kept = Form.from_content(session.registry.get(str(draft.content.get("provider", ""))), draft.content)
    with suppress(NotFound):  # one that is gone by now gives nothing
        kept.identity = session.identities.find(str(draft.content.get("identity", "")))
    if not kept.lent:
        kept.identity = None
    connection = _edited(session, draft)
    if connection is None:
        return kept
    form = stored_form(session, connection)
    form.texts |= kept.texts
    form.stored = {name: stored for name, stored in form.stored.items() if not kept.texts.get(name)}
    for part in _PARTS:
        setattr(form, part, getattr(kept, part))
    return form


def _edited(session: Session, draft: SavedDraft) -> Connection | None:
    """The stored connection that a draft edits; None for a new one, or when it was deleted meanwhile."""
    try:
        return session.connections.get(draft.id)
    except NotFound:
        return None
