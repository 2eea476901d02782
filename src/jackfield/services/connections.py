"""Connections: created, edited, deleted, listed, and their credentials sealed and opened."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from jackfield.model.connection import Connection, ConnectionSummary, Scope, State
from jackfield.model.errors import BlobTampered, InvalidField, NotFound, Refused, UsageError
from jackfield.model.secret import FieldInput, FieldValue, Secret, Stored
from jackfield.providers.contract.address import is_unverified
from jackfield.providers.contract.fields import all_names, complete, first_secret
from jackfield.providers.contract.registry import Registry
from jackfield.services.audit import Audit
from jackfield.services.identities import Identities, Identity
from jackfield.services.requirements import merged, refuse_lent, require_definition, secret_names, without
from jackfield.services.schedule import first_test_at
from jackfield.services.sealing import Sealer, fields_from_bytes, fields_to_bytes, scope_text
from jackfield.store import connections, consumers, credentials, keys, listing
from jackfield.store.connections import Definition
from jackfield.store.consumers import Consumer
from jackfield.store.credentials import SealedCredential, Status
from jackfield.store.filter import Filter
from jackfield.store.filter import parse as parse_filter
from jackfield.store.listing import ConnectionList, Sort
from jackfield.store.store import Store
from jackfield.store.transaction import Reading, Writing, new_id
from jackfield.text import cleaned

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Method, Provider

__all__ = ["Changes", "ConnectionList", "Connections", "Consumer", "Definition", "Filter", "Sort", "parse_filter"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What an edit says. Fields that are not named stay; a secret may be typed anew, kept or cleared."""

    definition: Definition
    fields: Mapping[str, FieldInput]
    identity: Identity | Literal[Stored.UNCHANGED] | None = Stored.UNCHANGED  # None: all fields are its own


class Connections:
    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        audit: Audit,
        registry: Registry,
        identities: Identities,
        digest: Callable[[Secret], str],
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._audit = audit
        self._registry = registry
        self._identities = identities
        self._digest = digest

    # --- reading --------------------------------------------------------------------------------------------------

    def count(self, wanted: ConnectionList) -> int:
        with self._store.read() as tx:
            return listing.count(tx, wanted)

    def page(
        self,
        wanted: ConnectionList,
        *,
        after: ConnectionSummary | None = None,
        before: ConnectionSummary | None = None,
        last: bool = False,
        skip: int = 0,
        limit: int = listing.PAGE,
    ) -> tuple[ConnectionSummary, ...]:
        """Rows in list order: the first ones, those next to a cursor, or the last ones."""
        with self._store.read() as tx:
            return listing.page(tx, wanted, after=after, before=before, last=last, skip=skip, limit=limit)

    def position(self, wanted: ConnectionList, connection_id: str) -> int | None:
        """How many rows come before this one; None when the list does not have it."""
        with self._store.read() as tx:
            return listing.position(tx, wanted, connection_id)

    def summary(self, connection_id: str) -> ConnectionSummary | None:
        """The line of one connection in any list; None when it is gone."""
        with self._store.read() as tx:
            return listing.summary(tx, connection_id)

    def counts(self, *, organization_id: str | None = None, project_id: str | None = None) -> dict[State, int]:
        with self._store.read() as tx:
            return listing.counts_by_state(tx, organization_id=organization_id, project_id=project_id)

    def get(self, connection_id: str) -> Connection:
        """Raises NotFound."""
        with self._store.read() as tx:
            return connections.get(tx, connection_id)

    def find(self, name: str, *, organization_id: str | None = None, project_id: str | None = None) -> Connection:
        """By name or id, in one organization or project when given. Raises NotFound, or UsageError for several."""
        with self._store.read() as tx:
            named = [connections.get(tx, one) for one in connections.ids_named(tx, name)]
        found = [
            one
            for one in named
            if organization_id in (None, one.scope.organization_id) and project_id in (None, one.scope.project_id)
        ]
        if not found:
            shown = cleaned(name, limit=80, lines=False)
            raise NotFound(f"There is no connection {shown} here.", "List them with: jackfield connection list")
        if len(found) > 1:
            raise UsageError(
                f"{len(found)} connections are called {name}.", "Name its organization and project, or use the id."
            )
        return found[0]

    def with_secret(self, secret: Secret) -> tuple[Connection, ...]:
        """The connections whose first secret field holds this value. No credential is opened for it."""
        with self._store.read() as tx:
            return tuple(connections.get(tx, one) for one in connections.with_secret(tx, self._digest(secret)))

    def holding(self, found: Filter, secret: Secret) -> Filter:
        """The filter, narrowed to connections whose first secret field holds this value. The value is not kept."""
        return replace(found, secret_digest=self._digest(secret))

    def used_by(self, connection_id: str) -> tuple[Consumer, ...]:
        with self._store.read() as tx:
            return consumers.of_connection(tx, connection_id)

    def fields(self, connection: Connection, *, reason: str) -> dict[str, FieldValue]:
        """The opened credential, noted in the trail with the reason. Raises NotFound or BlobTampered."""
        with self._store.write() as tx:
            values = self.open_credential(tx, connection, Status.CURRENT)
            self._audit.append(tx, "credential.open", object_id=connection.id, name=connection.name, reason=reason)
        return values

    def open_credential(self, tx: Reading, connection: Connection, status: Status) -> dict[str, FieldValue]:
        """As `fields`, inside a transaction that notes it, with what a source identity gives.

        Raises NotFound or BlobTampered.
        """
        return self._own_fields(tx, connection, status) | self._identities.lent_to(tx, connection.id)

    def _own_fields(self, tx: Reading, connection: Connection, status: Status) -> dict[str, FieldValue]:
        stored = credentials.get(tx, connection.id, status)
        if stored is None:
            raise NotFound(f"The connection {connection.name} has no credential.", "Edit it and type one.")
        data = self._sealer.open(
            tx,
            stored.sealed,
            key_id=stored.key_id,
            table="credential",
            column="sealed",
            row_id=stored.id,
            version=stored.version,
            left=(credentials.left_name(connection.id, status), connections.left_names(connection.id)[0]),
        )
        return fields_from_bytes(data, secret_names(self._method(connection)))

    def require_free(self, scope: Scope, name: str) -> None:
        """Raises InvalidField when the place has a connection of this name."""
        with self._store.read() as tx, contextlib.suppress(NotFound):
            connections.named(tx, scope, name)
            raise InvalidField("name", f"A connection {name} exists already here.", "Choose another name.")

    # --- writing --------------------------------------------------------------------------------------------------

    def create(
        self,
        scope: Scope,
        definition: Definition,
        fields: Mapping[str, FieldValue],
        *,
        expires_at: datetime | None = None,
        identity: Identity | None = None,
        reason: str = "",
    ) -> Connection:
        """Seal a new connection, which may start from a source identity. It is untested until a test is recorded.

        `reason` is for the trail. Raises NotFound, InvalidField, or BlobTampered for the identity.
        """
        provider, method = self.provider_and_method(definition.provider, definition.method)
        definition = replace(definition, provider=provider.slug, platform_managed=False)  # a takeover says otherwise
        require_definition(provider, method, definition)
        with self._store.write() as tx:
            lent = self._identities.lent(tx, identity, provider.slug, method.id) if identity is not None else {}
            refuse_lent(fields, lent)
            values = complete(method, {**fields, **lent})
            made = connections.create(
                tx,
                scope,
                definition,
                secret_digest=self._digest_of(method, without(values, lent)),
                next_test_at=first_test_at(tx.now, definition.test_every_minutes),
                identity_id=identity.id if identity is not None else None,
            )
            self._seal_new(tx, made, values)
            if expires_at is not None:
                connections.set_typed_expiry(tx, made.id, version=made.version, expires_at=expires_at)
            self._audit.append(tx, "connection.create", object_id=made.id, name=made.name, reason=reason)
            return connections.get(tx, made.id)

    def edit(self, connection: Connection, changes: Changes) -> Connection:
        """Replace the definition, the named fields and the identity it starts from. With what was tested, the state
        starts anew.

        Raises Conflict when it changed since it was read, TakenOverByPlatform for a managed secret, Refused while a
        takeover is not finished, InvalidField when the address changes and a stored secret would go there untyped, or
        when the identity does not fit, and BlobTampered.
        """
        provider, method = self.provider_and_method(connection.provider, connection.method)
        managed = connection.platform_managed and changes.definition.platform_managed
        definition = replace(changes.definition, platform_managed=managed)
        require_definition(provider, method, definition)
        with self._store.write() as tx:
            before = self._identities.start_of(tx, connection.id)
            start = before if isinstance(changes.identity, Stored) else changes.identity
            moved = (start and start.id) != (before and before.id)
            if (changes.fields or moved) and credentials.get(tx, connection.id, Status.PENDING) is not None:
                raise Refused("A change of this secret is not finished.", "Test the connection: that resolves it.")
            lent = self._identities.lent(tx, start, provider.slug, method.id) if start is not None else {}
            refuse_lent(changes.fields, lent)
            old = self._own_fields if moved else self.open_credential
            fields = self._replaced(tx, connection, method, changes.fields, old) if changes.fields or moved else {}
            changed = connections.edit(tx, connection.id, version=connection.version, definition=definition)
            if moved:
                identity_id = start.id if start is not None else None
                version = connections.set_identity(tx, changed.id, version=changed.version, identity_id=identity_id)
                changed = replace(changed, version=version)
            if changes.fields or moved:
                values = merged(
                    provider, method, fields, {**changes.fields, **lent}, managed=connection.platform_managed
                )
                if moved or fields_to_bytes(values) != fields_to_bytes(fields):
                    digest = self._digest_of(method, without(values, lent))
                    connections.set_secret_digest(tx, connection.id, version=changed.version, digest=digest)
                    self._seal_new(tx, changed, values)
            if definition.uses != connection.uses:
                connections.forget_result(tx, connection.id)
            due = first_test_at(tx.now, definition.test_every_minutes)
            connections.set_next_test(tx, connection.id, due)
            reason = "identity" if moved else ""
            self._audit.append(tx, "connection.edit", object_id=connection.id, name=definition.name, reason=reason)
            return connections.get(tx, connection.id)

    def set_expiry(self, connection: Connection, expires_at: datetime | None) -> Connection:
        """Keep what the user says about the end of the credential; None takes it back. Raises Conflict."""
        with self._store.write() as tx:
            connections.set_typed_expiry(tx, connection.id, version=connection.version, expires_at=expires_at)
            self._audit.append(tx, "connection.edit", object_id=connection.id, name=connection.name, reason="expiry")
            return connections.get(tx, connection.id)

    def move(self, connection: Connection, scope: Scope) -> Connection:
        """Give it another place, and seal all that is sealed of it with that place's key.

        Raises Conflict, NotFound for the place, InvalidField when the name is taken there, BlobTampered.
        """
        with self._store.write() as tx:
            moved = connections.move(tx, connection.id, scope, version=connection.version)
            for value, key_id in keys.sealed_of(tx, connection.id):
                self._sealer.reseal(tx, value, key_id=key_id, scope=scope_text(scope))
            self._audit.append(tx, "connection.move", object_id=moved.id, name=moved.name)
        return moved

    def renew_digests(self, *, after: str, limit: int) -> str:
        """Compute digests of secrets again, as after a change of the root key; the last id, empty at the end.

        A credential that does not open, or whose provider is gone, keeps none: it is not found by its secret.
        """
        with self._store.write() as tx:
            page = connections.ids(tx, after=after, limit=limit)
            for one in page:
                connections.renew_digest(tx, one, self.digest_now(tx, connections.get(tx, one)))
        return page[-1] if page else ""

    def show_unreadable(self, connection: Connection, reason: str) -> None:
        """Name a connection whose credential cannot be opened as such, and test it no more by itself."""
        with self._store.write() as tx:
            connections.show_state(tx, connection.id, State.UNREADABLE)
            connections.set_next_test(tx, connection.id, None)
            self._audit.append(
                tx, "connection.test", object_id=connection.id, name=connection.name, outcome="failed", reason=reason
            )

    def postpone(self, connection_id: str) -> None:
        """Let an automatic test that could not begin wait for the next one. Nothing happens when it is gone."""
        with contextlib.suppress(NotFound), self._store.write() as tx:
            every = connections.get(tx, connection_id).test_every_minutes
            connections.set_next_test(tx, connection_id, first_test_at(tx.now, every))

    def delete(self, connection: Connection, *, even_if_used: bool = False) -> None:
        """Raises InUse, listing what would break, or Conflict."""
        with self._store.write() as tx:
            connections.remove(tx, connection.id, version=connection.version, even_if_used=even_if_used)
            self._audit.append(tx, "connection.delete", object_id=connection.id, name=connection.name)
        self._store.empty_log()

    def record_use(self, connection: Connection, *, kind: str, name: str, project_id: str | None = None) -> None:
        """Count one use of the connection, by whom."""
        with self._store.write() as tx:
            consumers.record_use(tx, connection.id, kind=kind, name=name, project_id=project_id)
            self._audit.append(tx, f"connection.{kind}", object_id=connection.id, name=connection.name, reason=name)

    def seal_credential(
        self, tx: Writing, connection: Connection, values: Mapping[str, FieldValue], status: Status
    ) -> None:
        """Seal the fields as the connection's credential with this status, in the place of an earlier one.

        What its source identity gives is left out: it stays with the identity.
        """
        values = without(values, self._identities.names_lent_to(tx, connection.id))
        before = credentials.get(tx, connection.id, status)
        row_id, version = new_id(), (before.version + 1 if before else 1)
        sealed, key_id = self._sealer.seal(
            tx,
            fields_to_bytes(values),
            scope=scope_text(connection.scope),
            table="credential",
            column="sealed",
            row_id=row_id,
            version=version,
        )
        credentials.put(tx, SealedCredential(row_id, connection.id, status, sealed, key_id, version))

    def digest_of(self, connection: Connection, values: Mapping[str, FieldValue]) -> str | None:
        """A keyed digest of the first secret among a connection's fields, by which equal secrets are found."""
        return self._digest_of(self._method(connection), values)

    def provider_and_method(self, slug: str, method_id: str) -> tuple["Provider", "Method"]:
        """Raises NotFound for the provider, InvalidField for the method."""
        provider = self._registry.get(slug)
        try:
            return provider, provider.method(method_id)
        except KeyError:
            known = ", ".join(method.id for method in provider.methods)
            raise InvalidField(
                "method", f"{provider.name} has no method {method_id[:40]}.", f"It has {known}."
            ) from None

    def _replaced(
        self,
        tx: Reading,
        connection: Connection,
        method: "Method",
        fields: Mapping[str, FieldInput],
        open_fields: Callable[[Reading, Connection, Status], dict[str, FieldValue]],
    ) -> dict[str, FieldValue]:
        """The fields before an edit. A credential that does not open is worth nothing where every field is given."""
        try:
            return open_fields(tx, connection, Status.CURRENT)
        except BlobTampered:
            given = {name for name, value in fields.items() if not isinstance(value, Stored)}
            if {field.name for field in method.fields if field.required} <= given:
                return {}
            raise

    def _seal_new(self, tx: Writing, connection: Connection, values: Mapping[str, FieldValue]) -> None:
        """Seal fields that a user gave. Whether they leave the peer unverified stays marked, and is in the trail."""
        self.seal_credential(tx, connection, values, Status.CURRENT)
        provider, method = self.provider_and_method(connection.provider, connection.method)
        unverified = is_unverified(provider, all_names(method, values))
        if connections.mark_tls(tx, connection.id, unverified=unverified):
            action = "connection.tls-unverified" if unverified else "connection.tls-verified"
            self._audit.append(tx, action, object_id=connection.id, name=connection.name)

    def digest_now(self, tx: Reading, connection: Connection) -> str | None:
        """As `digest_of`, from the credential as it is stored; None for one that does not open."""
        try:
            return self.digest_of(connection, self._own_fields(tx, connection, Status.CURRENT))
        except (BlobTampered, NotFound, InvalidField):
            return None

    def _method(self, connection: Connection) -> "Method":
        return self.provider_and_method(connection.provider, connection.method)[1]

    def _digest_of(self, method: "Method", values: Mapping[str, FieldValue]) -> str | None:
        """A keyed digest of the first secret of the form, by which equal secrets are found."""
        found = first_secret(method, values)
        return None if found is None else self._digest(found[1])
