"""Connections: what a user defines of them, and the state that checks leave behind."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from jackfield.model.check import ExpiryKnown, FailureKind, Outcome
from jackfield.model.connection import Connection, IntendedUse, Scope, State
from jackfield.model.errors import InUse, InvalidField, NotFound
from jackfield.model.names import require_description, require_slug
from jackfield.store import consumers, credentials, tables
from jackfield.store.transaction import (
    AnyRow,
    Reading,
    Writing,
    change,
    new_id,
    not_found,
    require_row,
    require_version,
)

_table = tables.connection
_c = _table.c


@dataclass(frozen=True, slots=True)
class Definition:
    """All that a user decides about a connection but its place and its secrets."""

    name: str
    provider: str
    method: str
    description: str = ""
    uses: tuple[IntendedUse, ...] = ()
    tags: tuple[str, ...] = ()
    test_every_minutes: int | None = None
    platform_managed: bool = False
    attempts_allowed: bool = False
    private_address_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A connection whose next automatic test has come."""

    connection_id: str
    version: int
    due_at: datetime
    test_every_minutes: int
    failures_in_row: int


def create(
    tx: Writing,
    scope: Scope,
    definition: Definition,
    *,
    connection_id: str | None = None,
    secret_digest: str | None = None,
    next_test_at: datetime | None = None,
    identity_id: str | None = None,
) -> Connection:
    """Make an untested connection. Raises NotFound for its place, InvalidField when the name is taken or no slug."""
    require_vacant(tx, scope, definition.name)
    row_id = connection_id or new_id()
    tx.run(
        insert(_table).values(
            id=row_id,
            organization_id=scope.organization_id,
            project_id=scope.project_id,
            **_defined(definition),
            **_untested(),
            expires_at=None,
            expiry_known=ExpiryKnown.UNKNOWN,
            next_test_at=next_test_at,
            identity_id=identity_id,
            tls_unverified=False,
            secret_digest=secret_digest,
            created_at=tx.now,
            updated_at=tx.now,
            version=1,
        )
    )
    _write_lists(tx, row_id, definition)
    tx.touch(*left_names(row_id))
    tally(tx, scope, State.UNTESTED, 1)
    return get(tx, row_id)


def get(tx: Reading, connection_id: str) -> Connection:
    """Raises NotFound."""
    row = tx.first(select(_table).where(_c.id == connection_id))
    if row is None:
        raise not_found("connection")
    use, tag = tables.intended_use.c, tables.tag.c
    uses = tx.all(select(use.use, use.targets).where(use.connection_id == connection_id).order_by(use.position))
    tags = tx.all(select(tag.tag).where(tag.connection_id == connection_id).order_by(tag.tag))
    return _connection(row, tuple(IntendedUse(u.use, u.targets) for u in uses), tuple(t.tag for t in tags))


def require_vacant(tx: Writing, scope: Scope, name: str) -> None:
    """Raises NotFound when the place is gone, InvalidField when it has a connection of this name."""
    _require_place(tx, scope)
    _require_free(tx, scope, name)


def named(tx: Reading, scope: Scope, name: str) -> Connection:
    """The connection of exactly this place. Raises NotFound."""
    row_id = tx.value(select(_c.id).where(*_in(scope), _c.name == name))
    if row_id is None:
        raise NotFound(f"There is no connection {name} here.", "List them with: jackfield connection list")
    return get(tx, row_id)


def ids_named(tx: Reading, name: str) -> tuple[str, ...]:
    """Every connection of this name, in whatever place, or the one with this id."""
    organizations = select(tables.organization.c.id)
    found = select(_c.id).where((_c.organization_id.in_(organizations) & (_c.name == name)) | (_c.id == name))
    return tuple(row.id for row in tx.all(found.order_by(_c.seq)))


def edit(tx: Writing, connection_id: str, *, version: int, definition: Definition) -> Connection:
    """Replace the definition; automatic tests that were stopped may start again.

    Verdicts on uses that are no longer meant are dropped. Raises NotFound, Conflict or InvalidField.
    """
    require_version(tx, _table, connection_id, version, "connection")
    _require_free(tx, get(tx, connection_id).scope, definition.name, but=connection_id)
    values = {**_defined(definition), "automatic_tests_stopped": "", "failures_in_row": 0}
    change(tx, _table, connection_id, version, "connection", values)
    _write_lists(tx, connection_id, definition)
    verdict = tables.grant_verdict
    meant = ["", *(use.use for use in definition.uses)]
    tx.run(delete(verdict).where(verdict.c.connection_id == connection_id, verdict.c.use.not_in(meant)))
    tx.touch(f"result/{connection_id}")
    return get(tx, connection_id)


def set_secret_digest(tx: Writing, connection_id: str, *, version: int, digest: str | None) -> int:
    """Note that the secret was replaced: what tests said of the old one is forgotten. Returns the new version."""
    new_version = change(tx, _table, connection_id, version, "connection", {"secret_digest": digest})
    forget_result(tx, connection_id)
    return new_version


def renew_digest(tx: Writing, connection_id: str, digest: str | None) -> None:
    """Keep the same secret's digest under another key: nothing that was known about the secret changes."""
    tx.run(update(_table).where(_c.id == connection_id).values(secret_digest=digest))


def ids(tx: Reading, *, after: str = "", limit: int = 256) -> tuple[str, ...]:
    """Every connection's id, in pages from the one that follows the id `after`."""
    return tuple(row.id for row in tx.all(select(_c.id).where(_c.id > after).order_by(_c.id).limit(limit)))


def move(tx: Writing, connection_id: str, scope: Scope, *, version: int) -> Connection:
    """Give a connection another place. Raises NotFound, Conflict, or InvalidField when its name is taken there."""
    _require_place(tx, scope)
    require_version(tx, _table, connection_id, version, "connection")
    moved = get(tx, connection_id)
    _require_free(tx, scope, moved.name, but=connection_id)
    tally(tx, moved.scope, moved.state, -1)
    tally(tx, scope, moved.state, 1)
    place = {"organization_id": scope.organization_id, "project_id": scope.project_id}
    change(tx, _table, connection_id, version, "connection", place)
    return get(tx, connection_id)


def set_tags(tx: Writing, connection_id: str, *, version: int, tags: Collection[str]) -> int:
    """Replace the tags and nothing else. Returns the new version. Raises NotFound or Conflict."""
    new_version = change(tx, _table, connection_id, version, "connection", {})
    _write_tags(tx, connection_id, tags)
    return new_version


def set_schedule(
    tx: Writing, connection_id: str, *, version: int, every_minutes: int | None, due: datetime | None
) -> int:
    """Say how often it is tested by itself, and when first. Returns the new version. Raises NotFound or Conflict."""
    values = {"test_every_minutes": every_minutes, "next_test_at": due}
    return change(tx, _table, connection_id, version, "connection", values)


def set_typed_expiry(tx: Writing, connection_id: str, *, version: int, expires_at: datetime | None) -> int:
    """Keep what the user says about the end of the credential; None takes it back. Returns the new version."""
    known = ExpiryKnown.UNKNOWN if expires_at is None else ExpiryKnown.TYPED
    values = {"expires_at": expires_at, "expiry_known": known}
    return change(tx, _table, connection_id, version, "connection", values)


def set_identity(tx: Writing, connection_id: str, *, version: int, identity_id: str | None) -> int:
    """Say which source identity it starts from: what tests said is forgotten. Returns the new version."""
    new_version = change(tx, _table, connection_id, version, "connection", {"identity_id": identity_id})
    forget_result(tx, connection_id)
    return new_version


def mark_tls(tx: Writing, connection_id: str, *, unverified: bool) -> bool:
    """Mark whether the peer's certificate goes unverified; True when that is news."""
    changed = update(_table).where(_c.id == connection_id, _c.tls_unverified.is_not(unverified))
    is_news = bool(tx.run(changed.values(tls_unverified=unverified)))
    if is_news:
        tx.touch(f"connection/{connection_id}")
    return is_news


def set_next_test(tx: Writing, connection_id: str, at: datetime | None) -> None:
    """Say when the next automatic test is due; None: never."""
    tx.run(update(_table).where(_c.id == connection_id).values(next_test_at=at))


def forget_result(tx: Writing, connection_id: str) -> None:
    """Make a connection untested, as after a change of what was tested."""
    show_state(tx, connection_id, State.UNTESTED)
    tx.run(update(_table).where(_c.id == connection_id).values(**_untested()))
    verdict = tables.grant_verdict
    tx.run(delete(verdict).where(verdict.c.connection_id == connection_id))
    tx.touch(f"result/{connection_id}")


def show_state(tx: Writing, connection_id: str, state: State) -> None:
    """Set what a list shows, and keep the tally. Raises NotFound."""
    row = tx.first(select(_c.state, _c.organization_id, _c.project_id).where(_c.id == connection_id))
    if row is None:
        raise not_found("connection")
    if row.state is not state:
        scope = Scope(row.organization_id, row.project_id)
        tally(tx, scope, row.state, -1)
        tally(tx, scope, state, 1)
        tx.run(update(_table).where(_c.id == connection_id).values(state=state))
        tx.touch(f"result/{connection_id}")


def remove(tx: Writing, connection_id: str, *, version: int, even_if_used: bool = False) -> None:
    """Delete a connection with all that hangs on it. Raises NotFound, Conflict, or InUse with the list of its uses."""
    require_version(tx, _table, connection_id, version, "connection")
    used_by = consumers.of_connection(tx, connection_id)
    if used_by and not even_if_used:
        uses = tuple(
            f"{use.kind} {use.name}" + (f" of {use.project_name}" if use.project_name else "") for use in used_by
        )
        raise InUse("The connection is in use.", "Take it out of use first, or say that it shall go anyway.", uses=uses)
    gone = get(tx, connection_id)
    tally(tx, gone.scope, gone.state, -1)
    for status in credentials.Status:
        credentials.drop(tx, connection_id, status)
    tx.run(delete(_table).where(_c.id == connection_id))
    tx.touch(*left_names(connection_id))


def due(tx: Reading, *, limit: int = 64) -> tuple[Due, ...]:
    """Connections whose automatic test is due, the longest waiting first; none whose tests were stopped."""
    found = (
        select(_c.id, _c.version, _c.next_test_at, _c.test_every_minutes, _c.failures_in_row)
        .where(_c.next_test_at <= tx.now, _c.automatic_tests_stopped == "", _c.test_every_minutes.is_not(None))
        .order_by(_c.next_test_at)
        .limit(limit)
    )
    return tuple(
        Due(row.id, row.version, row.next_test_at, row.test_every_minutes, row.failures_in_row) for row in tx.all(found)
    )


def next_due(tx: Reading) -> datetime | None:
    """When the next automatic test is due; None when none is."""
    found = select(_c.next_test_at).where(
        _c.next_test_at.is_not(None), _c.automatic_tests_stopped == "", _c.test_every_minutes.is_not(None)
    )
    at: datetime | None = tx.value(found.order_by(_c.next_test_at).limit(1))
    return at


def failures_in_row(tx: Reading, connection_id: str) -> int:
    """How many tests failed since the last one that did not."""
    return int(tx.value(select(_c.failures_in_row).where(_c.id == connection_id)) or 0)


def with_secret(tx: Reading, digest: str) -> tuple[str, ...]:
    """Ids of the connections that hold the secret with this keyed digest."""
    return tuple(row.id for row in tx.all(select(_c.id).where(_c.secret_digest == digest).order_by(_c.seq)))


def left_names(connection_id: str) -> tuple[str, str]:
    """What the trail calls the row of a connection with its lists, and what tests found of it."""
    return f"connection/{connection_id}", f"result/{connection_id}"


def tally(tx: Writing, scope: Scope, state: State, by: int) -> None:
    """Add `by` to the number of connections that a place has in a state."""
    t = tables.state_tally
    key = {"organization_id": scope.organization_id, "project_id": scope.project_id or "", "state": state}
    same = [t.c[name] == value for name, value in key.items()]
    if not tx.run(update(t).where(*same).values(amount=t.c.amount + by)):
        tx.run(insert(t).values(**key, amount=by))


def _defined(definition: Definition) -> dict[str, Any]:
    return {
        "name": require_slug(definition.name),
        "description": require_description(definition.description),
        "provider": definition.provider,
        "method": definition.method,
        "test_every_minutes": definition.test_every_minutes,
        "platform_managed": definition.platform_managed,
        "attempts_allowed": definition.attempts_allowed,
        "private_address_allowed": definition.private_address_allowed,
    }


def _untested() -> dict[str, Any]:
    return {
        "state": State.UNTESTED,
        "failure_kind": None,
        "last_outcome": None,
        "tested_at": None,
        "failures_in_row": 0,
        "unverified": 0,
        "automatic_tests_stopped": "",
    }


def _write_lists(tx: Writing, connection_id: str, definition: Definition) -> None:
    tx.run(delete(tables.intended_use).where(tables.intended_use.c.connection_id == connection_id))
    tx.run_many(
        insert(tables.intended_use),
        [
            {"connection_id": connection_id, "position": position, "use": use.use, "targets": use.targets}
            for position, use in enumerate(definition.uses)
        ],
    )
    _write_tags(tx, connection_id, definition.tags)


def _write_tags(tx: Writing, connection_id: str, tags: Collection[str]) -> None:
    tx.run(delete(tables.tag).where(tables.tag.c.connection_id == connection_id))
    rows = [{"connection_id": connection_id, "tag": tag} for tag in sorted(set(tags))]
    tx.run_many(insert(tables.tag), rows)


def _in(scope: Scope) -> tuple[Any, Any]:
    here = _c.project_id.is_(None) if scope.project_id is None else _c.project_id == scope.project_id
    return _c.organization_id == scope.organization_id, here


def _require_place(tx: Reading, scope: Scope) -> None:
    require_row(tx, tables.organization, scope.organization_id, "organization")
    if scope.project_id is not None:
        project = tables.project.c
        if not tx.first(
            select(project.id).where(project.id == scope.project_id, project.organization_id == scope.organization_id)
        ):
            raise not_found("project")


def _require_free(tx: Writing, scope: Scope, name: str, *, but: str = "") -> None:
    if tx.first(select(_c.id).where(*_in(scope), _c.name == name, _c.id != but)):
        raise InvalidField("name", f"A connection {name} exists already here.", "Choose another name.")


def _connection(row: AnyRow, uses: tuple[IntendedUse, ...], tags: tuple[str, ...]) -> Connection:
    return Connection(
        id=row.id,
        name=row.name,
        description=row.description,
        provider=row.provider,
        method=row.method,
        scope=Scope(row.organization_id, row.project_id),
        uses=uses,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        state=row.state,
        failure_kind=FailureKind(row.failure_kind) if row.failure_kind else None,
        last_outcome=Outcome(row.last_outcome) if row.last_outcome else None,
        unverified=row.unverified,
        tested_at=row.tested_at,
        expires_at=row.expires_at,
        expiry_known=ExpiryKnown(row.expiry_known),
        test_every_minutes=row.test_every_minutes,
        automatic_tests_stopped=row.automatic_tests_stopped,
        platform_managed=row.platform_managed,
        attempts_allowed=row.attempts_allowed,
        private_address_allowed=row.private_address_allowed,
        tls_unverified=row.tls_unverified,
        tags=tags,
    )
