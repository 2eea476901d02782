"""From a filled form to a saved connection: what a test of it is made of, and saving it with what the test found."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from jackfield.model.check import CheckResult, ExpiryKnown
from jackfield.model.connection import Connection
from jackfield.model.errors import BlobTampered, InvalidField
from jackfield.model.secret import FieldValue, Stored
from jackfield.providers.contract.address import address_fields
from jackfield.providers.contract.kinds import Effect
from jackfield.services.connections import Changes
from jackfield.services.form import Form
from jackfield.services.requirements import merged
from jackfield.services.session import Session
from jackfield.services.testing import Draft

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import PlatformManaged, Provider

Subject = tuple[object, ...]
"""Everything in a form that the result of a test depends on; it holds secrets, as the form does."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A finished test of a form, and what it was a test of."""

    subject: Subject
    result: CheckResult

    @classmethod
    def of(cls, form: Form, result: CheckResult) -> Self:
        return cls(subject_of(form), result)

    def speaks_of(self, form: Form) -> bool:
        """Whether nothing that matters was changed in the form since."""
        return self.subject == subject_of(form)


def subject_of(form: Form) -> Subject:
    """What a test of the form would be a test of, as it is now."""
    return (
        form.method_id,
        {name: text for name, text in form.texts.items() if text},
        dict(form.stored),
        {use: dict(targets) for use, targets in form.uses.items()},
        form.scope.organization_id if form.scope else "",
        form.attempts_allowed,
        form.private_allowed,
        form.identity,
    )


def stored_form(session: Session, connection: Connection, *, reason: str = "edit") -> Form:
    """The form of a stored connection; a credential that does not open counts as empty and is typed anew."""
    fields: dict[str, FieldValue] = {}
    try:
        fields = session.connections.fields(connection, reason=reason)
    except BlobTampered:
        fields = {}
    identity = session.identities.of_connection(connection.id)
    form = Form.of(session.registry.get(connection.provider), connection, fields, identity)
    if connection.expires_at is not None and connection.expiry_known is ExpiryKnown.TYPED:
        form.expires = connection.expires_at.date().isoformat()
    return form


def cloned_form(session: Session, connection: Connection) -> Form:
    """The form of a new connection like this one: everything but its name, its secrets and what was said of its end."""
    form = stored_form(session, connection, reason="copy")
    form.connection, form.platform_managed = None, False
    form.name = form.expires = ""
    form.stored.clear()
    return form


def draft_to_test(session: Session, form: Form) -> Draft:
    """What a test needs; kept secrets of an edited connection and its identity are opened for it.

    A secret does not follow to another address: it has to be typed again. Raises InvalidField, and NotFound or
    BlobTampered for the identity.
    """
    for problem in form.problems():
        raise problem
    return _draft(session, form)


def draft_to_ask(session: Session, form: Form) -> Draft:
    """The same for a question to the vendor that needs the credential alone: targets may still be empty."""
    for field in (*form.asked(), *form.obtained()):
        if problem := form.problem(field.name):
            raise problem
    return _draft(session, form)


def _draft(session: Session, form: Form) -> Draft:
    lent: dict[str, FieldValue] = {}
    if form.identity is not None:
        lent = session.identities.lend(form.identity, form.provider.slug, form.method_id, reason="test")
    if form.connection is None:
        draft = form.draft()
        return replace(draft, fields={**draft.fields, **lent})
    old: dict[str, FieldValue] = {}
    try:
        old = session.connections.fields(form.connection, reason="test")
    except BlobTampered:
        old = {}
    given = {**form.inputs(), **lent}
    values = merged(form.provider, form.method, old, given, managed=form.connection.platform_managed)
    tokens_kept = any(form.stored.get(one.name) is Stored.UNCHANGED for one in form.obtained())
    return Draft(
        form.provider.slug,
        form.method_id,
        values,
        form.intended(),
        form.connection.scope.organization_id,
        form.name,
        form.attempts_allowed,
        form.private_allowed,
        tokens_of=form.connection if tokens_kept else None,
    )


def save_form(session: Session, form: Form, trial: Trial | None) -> Connection:
    """Create or edit the connection, and keep the test's result if it still speaks of what is saved.

    Raises InvalidField, Conflict when the connection changed meanwhile, and what creating and editing raise.
    """
    if form.scope is None:
        raise InvalidField("scope", "A connection belongs to an organization or a project.", "Choose one.")
    for problem in form.problems():
        raise problem
    definition, expires_at = form.definition(), form.expires_at()
    if form.connection is None:
        saved = session.connections.create(
            form.scope, definition, form.values(), expires_at=expires_at, identity=form.identity
        )
    else:
        typed = form.connection.expiry_known is ExpiryKnown.TYPED
        saved = session.connections.edit(form.connection, Changes(definition, form.inputs(), form.identity))
        if form.scope != saved.scope:
            saved = session.connections.move(saved, form.scope)
        if (expires_at is not None or typed) and expires_at != saved.expires_at:
            saved = session.connections.set_expiry(saved, expires_at)
    if trial is not None and trial.speaks_of(form):
        session.tests.record(saved, trial.result)
    return session.connections.get(saved.id)


def asks_for_private(form: Form) -> bool:
    """Whether fields decide where the credential goes, so that it may be an address of the user's own network."""
    return bool(address_fields(form.provider, form.method))


def asks_for_attempts(form: Form) -> bool:
    """Whether the provider can verify something of a use only by a guarded attempt."""
    return bool(form.possible_uses()) and any(fact.effect is Effect.ATTEMPT for fact in form.provider.facts.values())


def management_of(provider: "Provider", method_id: str) -> "PlatformManaged | None":
    """How Jackfield takes this kind of credential over; None when it cannot."""
    managed = provider.platform_managed
    return None if managed is None or (managed.methods and method_id not in managed.methods) else managed


@dataclass(frozen=True, slots=True)
class ReadyCommand:
    """A command line for the connection, and what it does."""

    does: str
    line: str


def ready_commands(form: Form, connection: Connection) -> tuple[ReadyCommand, ...]:
    """What to do with a connection next, on a command line."""
    found = [ReadyCommand("test it", f"jackfield connection test {connection.name}")]
    if form.method.environment:
        variables = ", ".join(form.method.environment)
        found.insert(0, ReadyCommand(f"a command with {variables}", f"jackfield exec {connection.name} -- COMMAND"))
    return tuple(found)
