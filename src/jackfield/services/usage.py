"""What uses which connection, which account at the vendor that is, and what would break if one of them went away."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from jackfield.model.connection import Connection, ConnectionSummary, Scope
from jackfield.model.errors import BlobTampered, InvalidField, NotFound
from jackfield.services.audit import Audit
from jackfield.services.testing import Tests
from jackfield.store import consumers, listing
from jackfield.store.consumers import Consumer
from jackfield.store.store import Store

if TYPE_CHECKING:
    from jackfield.providers.contract.registry import Registry

MOST_LINKS: Final = 500  # lines of one map; a larger place is looked at project by project
_KIND_LIMIT: Final = 40  # characters
_NAME_LIMIT: Final = 120


class Kind(StrEnum):
    """What a node of the map is."""

    PROJECT = "project"
    USE = "use"
    CONNECTION = "connection"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Node:
    """One thing on the map. Nodes of one kind with one `id` are the same thing, wherever they stand."""

    kind: Kind
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the map, from a project to the account; `use` is None for a connection that nothing uses."""

    project: Node
    use: Node | None
    connection: Node
    account: Node
    summary: ConnectionSummary
    times: int = 0

    @property
    def nodes(self) -> tuple[Node | None, ...]:
        """Left to right."""
        return self.project, self.use, self.connection, self.account


@dataclass(frozen=True, slots=True)
class UsageMap:
    """The lines by project and connection, those of unused connections last. `cut`: there are more than these."""

    links: tuple[Link, ...]
    cut: bool = False


class Usage:
    def __init__(self, store: Store, audit: Audit, registry: "Registry", tests: Tests) -> None:
        self._store = store
        self._audit = audit
        self._registry = registry
        self._tests = tests

    def note(self, connection: Connection, *, kind: str, name: str, project_id: str | None = None) -> None:
        """Note that something uses the connection, without counting a use. Raises InvalidField or NotFound."""
        _require_named(kind, name)
        with self._store.write() as tx:
            consumers.add(tx, connection.id, kind=kind, name=name, project_id=project_id)
            self._audit.append(tx, "use.note", object_id=connection.id, name=connection.name, reason=f"{kind} {name}")

    def forget(self, connection: Connection, *, kind: str, name: str, project_id: str | None = None) -> None:
        """Note that it uses the connection no longer. Raises NotFound."""
        with self._store.write() as tx:
            found = consumers.named(tx, connection.id, kind=kind, name=name, project_id=project_id)
            if found is None:
                raise NotFound(f"No use {kind} {name} is noted.", "jackfield connection uses lists them.")
            consumers.remove(tx, found)
            self._audit.append(tx, "use.forget", object_id=connection.id, name=connection.name, reason=f"{kind} {name}")

    def map(self, place: Scope | None, *, limit: int = MOST_LINKS) -> UsageMap:
        """The map of a place, or of everything. Opens what the last tests found: call it from a thread."""
        where = {"organization_id": place.organization_id, "project_id": place.project_id} if place else {}
        with self._store.read() as tx:
            users = consumers.of_place(tx, **where, limit=limit + 1)
            idle = consumers.unused(tx, **where, limit=limit + 1 - len(users))
            ids = dict.fromkeys([*(user.connection_id for user in users), *idle])
            found = {one: row for one in ids if (row := listing.summary(tx, one)) is not None}
        accounts = {one: self._account(row) for one, row in found.items()}
        links = [_used(user, found[user.connection_id], accounts[user.connection_id]) for user in users]
        links += [_unused(found[one], accounts[one]) for one in idle]
        return UsageMap(tuple(links[:limit]), cut=len(links) > limit)

    def _account(self, row: ConnectionSummary) -> Node:
        """Who the connection is at the vendor, as its last test found; the provider alone where that is not known."""
        provider = self._registry.name(row.provider)
        name = ""
        if runs := self._tests.history(row.id, limit=1):
            try:
                name = next(iter(self._tests.result(runs[0]).identity.values()), "")
            except BlobTampered:
                name = ""
        # An account that nobody knows is nobody else's.
        return Node(Kind.ACCOUNT, f"{row.provider} {name or row.id}", f"{provider} {name}".strip())


def _used(user: Consumer, row: ConnectionSummary, account: Node) -> Link:
    project = Node(Kind.PROJECT, user.project_id or row.scope.organization_id, user.project_name or "org")
    use = Node(Kind.USE, user.id, f"{user.kind} {user.name}")
    return Link(project, use, Node(Kind.CONNECTION, row.id, row.name), account, row, user.use_count)


def _unused(row: ConnectionSummary, account: Node) -> Link:
    project = Node(Kind.PROJECT, row.scope.project_id or row.scope.organization_id, row.scope_name)
    return Link(project, None, Node(Kind.CONNECTION, row.id, row.name), account, row)


def _require_named(kind: str, name: str) -> None:
    for field, text, limit in (("kind", kind, _KIND_LIMIT), ("name", name, _NAME_LIMIT)):
        if not text or len(text) > limit or not text.isprintable():
            raise InvalidField(
                field, f"The {field} of a use is 1 to {limit} printable characters.", "Such as sync:nightly."
            )


def losses(links: Iterable[Link], gone: Node) -> tuple[str, ...]:
    """What would stop working without this node, a line each; none when nothing would."""
    hit = [link for link in links if gone in link.nodes]
    match gone.kind:
        case Kind.USE:
            return ()
        case Kind.PROJECT:
            return tuple(f"{link.use.name} goes with it" for link in hit if link.use is not None)
        case Kind.CONNECTION:
            return tuple(_stops(hit))
        case Kind.ACCOUNT:
            fail = dict.fromkeys(link.connection.name for link in hit)
            return (*(f"connection {name} fails" for name in fail), *_stops(hit))


def _stops(links: Iterable[Link]) -> Iterator[str]:
    for link in links:
        if link.use is not None:
            yield f"{link.project.name} loses {link.use.name}"
