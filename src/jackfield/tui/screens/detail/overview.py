"""What one connection is, as lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jackfield.model.check import CheckResult, ExpiryKnown, removed_words
from jackfield.model.connection import Connection
from jackfield.model.errors import JackfieldError, NotFound
from jackfield.providers.contract.provider_file import ProviderFileError
from jackfield.services.session import Session
from jackfield.services.settings import Settings
from jackfield.tui.symbols import state_mark
from jackfield.tui.times import ago, left
from jackfield.tui.widgets.lines import Line, Span
from jackfield.tui.widgets.prose import pairs, paragraph

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Provider

TLS_UNVERIFIED: Final = "TLS not verified: whoever sits between here and there could read the secret."
_HOW_KNOWN: Final = {
    ExpiryKnown.READ: "as the vendor says",
    ExpiryKnown.MATCHED: "found in the vendor's list",
    ExpiryKnown.TYPED: "as typed",
    ExpiryKnown.NEVER: "",
    ExpiryKnown.UNKNOWN: "",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """A connection with everything its pages say about it. `result` is the last test; `damage` says why it is not."""

    connection: Connection
    provider: "Provider | None"
    place: str
    result: CheckResult | None
    damage: str
    identity: str  # name of the source identity it starts from; empty when all fields are its own
    paused: bool = False  # nothing in this home is tested by itself

    @property
    def titles(self) -> dict[str, str]:
        """Use id → title, in the provider's order."""
        chosen = {use.use for use in self.connection.uses}
        if self.provider is None:
            return {use: use for use in sorted(chosen)}
        return {use.id: use.title for use in self.provider.uses if use.id in chosen}


def read_facts(session: Session, connection_id: str) -> Facts:
    """Raises NotFound when the connection is gone."""
    connection = session.connections.get(connection_id)
    place = session.organizations.get(connection.scope.organization_id).name
    if connection.scope.project_id is not None:
        place = f"{place} › {session.projects.get(connection.scope.project_id).name}"
    try:
        provider: Provider | None = session.registry.get(connection.provider)
    except (NotFound, ProviderFileError):
        provider = None
    try:
        result, damage = session.tests.latest(connection_id), ""
    except JackfieldError as error:
        result, damage = None, str(error)
    identity = session.identities.of_connection(connection_id)
    paused = not Settings(session.store).automatic_tests()
    return Facts(connection, provider, place, result, damage, identity.name if identity else "", paused)


def overview_lines(facts: Facts, width: int) -> Iterator[Line]:
    """Who it is, what it reached, until when; then what the user decided."""
    connection, result = facts.connection, facts.result
    paused = facts.paused and connection.test_every_minutes is not None
    mark = state_mark(connection.state, connection.failure_kind, connection.unverified)
    tested = f"tested {ago(connection.tested_at)} ago" if connection.tested_at else "never tested"
    yield (Span(f"{mark} ", mark.tone), Span(f"  {tested}", "muted"))
    if connection.tls_unverified:
        yield from paragraph(TLS_UNVERIFIED, width, "failed", sign="⚠ ")
    if connection.unverified:
        yield from paragraph(f"{connection.unverified} of its rights could not be verified.", width, "unproven")
    if connection.description:
        yield from paragraph(connection.description, width, "muted")
    yield ()
    yield from pairs(
        (
            *((label.capitalize(), value, "") for label, value in (result.identity if result else {}).items()),
            ("Reached", result.reached if result else "", ""),
            ("Certificate", _certificate(result), ""),
            ("Removed", removed_words(result.removed) if result else "", "muted"),
            ("Expires", *_expiry(connection)),
            ("Provider", f"{facts.provider.name if facts.provider else connection.provider} · {_method(facts)}", ""),
            ("Place", f"{facts.place}{'' if connection.scope.project_id else ' (every project)'}", ""),
            ("For", "; ".join(_uses(facts)), ""),
            ("Tested", _schedule(connection, paused=paused), "limited" if paused else ""),
            ("Stopped", connection.automatic_tests_stopped, "limited"),
            ("Starts from", f"source identity {facts.identity}" if facts.identity else "", ""),
            ("Secret", "managed by Jackfield" if connection.platform_managed else "", ""),
            ("Consents", _consents(connection), ""),
            ("Tags", ", ".join(connection.tags), ""),
            ("Connection id", connection.id, "muted"),
            ("Made", f"{ago(connection.created_at)} ago, changed {ago(connection.updated_at)} ago", "muted"),
        ),
        width,
        label=15,
    )
    if facts.damage:
        yield from paragraph(facts.damage, width, "failed", sign="✖ ")


def _certificate(result: CheckResult | None) -> str:
    if result is None or not result.certificate_issuer:
        return ""
    ends = f", ends in {left(result.certificate_ends)}" if result.certificate_ends else ""
    return f"{result.certificate_issuer}{ends}"


def _expiry(connection: Connection) -> tuple[str, str]:
    """The words and their tone."""
    if connection.expiry_known is ExpiryKnown.NEVER:
        return "never, as the vendor says", ""
    if connection.expires_at is None:
        return "not known", "muted"
    rest = left(connection.expires_at)
    when = f"{connection.expires_at:%Y-%m-%d}, {rest if rest == 'expired' else f'in {rest}'}"
    how = _HOW_KNOWN[connection.expiry_known]
    return ", ".join(filter(None, (when, how))), "failed" if rest == "expired" else ""


def _method(facts: Facts) -> str:
    methods = facts.provider.methods if facts.provider else ()
    return next((one.name for one in methods if one.id == facts.connection.method), facts.connection.method)


def _uses(facts: Facts) -> Iterator[str]:
    for use in facts.connection.uses:
        targets = " ".join(value for value in use.targets.values() if value)
        yield f"{facts.titles.get(use.use, use.use)} {targets}".strip()


def _schedule(connection: Connection, *, paused: bool) -> str:
    every = connection.test_every_minutes
    if every is None:
        return "only by hand"
    return f"by itself, every {every} minutes{'; ▲ paused for this whole home' if paused else ''}"


def _consents(connection: Connection) -> str:
    given = []
    if connection.private_address_allowed:
        given.append("private addresses")
    if connection.attempts_allowed:
        given.append("guarded attempts")
    return ", ".join(given)
