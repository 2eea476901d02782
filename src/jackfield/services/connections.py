"""Connections: created, edited, deleted, listed, and their credentials sealed and opened."""

import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from jackfield.model.connection import Connection, ConnectionSummary, IntendedUse, Scope, State
from jackfield.model.errors import BlobTampered, InvalidField, NotFound, Refused, TakenOverByPlatform, UsageError
from jackfield.model.names import require_slug
from jackfield.model.secret import FieldInput, FieldValue, Secret, Stored
from jackfield.net.address import Verdict, judge
from jackfield.providers.contract.expression import Template
from jackfield.providers.contract.fields import complete, defaults, first_secret, is_shown
from jackfield.providers.contract.registry import Registry
from jackfield.providers.contract.snippet import missing_targets
from jackfield.providers.contract.spec import Method, Provider
from jackfield.services.audit import Audit
from jackfield.services.identities import Identities, Identity
from jackfield.services.schedule import SHORTEST_MINUTES, first_test_at
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

__all__ = ["Changes", "ConnectionList", "Connections", "Consumer", "Definition", "Filter", "Sort", "parse_filter"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What an edit says. Fields that are not named stay; a secret may be typed anew, kept or cleared."""

    definition: Definition
    fields: Mapping[str, FieldInput]


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
            _refuse_lent(fields, lent)
            values = complete(method, {**fields, **lent})
            made = connections.create(
                tx,
                scope,
                definition,
                secret_digest=self._digest_of(method, _without(values, lent)),
                next_test_at=first_test_at(tx.now, definition.test_every_minutes),
                identity_id=identity.id if identity is not None else None,
            )
            self.seal_credential(tx, made, values, Status.CURRENT)
            if expires_at is not None:
                connections.set_typed_expiry(tx, made.id, version=made.version, expires_at=expires_at)
            self._audit.append(tx, "connection.create", object_id=made.id, name=made.name, reason=reason)
            return connections.get(tx, made.id)

    def edit(self, connection: Connection, changes: Changes) -> Connection:
        """Replace the definition and the named fields. What was tested changes with them: the state starts anew.

        Raises Conflict when it changed since it was read, TakenOverByPlatform for a managed secret, Refused while a
        takeover is not finished, InvalidField when the address changes and a stored secret would go there untyped.
        """
        provider, method = self.provider_and_method(connection.provider, connection.method)
        managed = connection.platform_managed and changes.definition.platform_managed
        definition = replace(changes.definition, platform_managed=managed)
        require_definition(provider, method, definition)
        with self._store.write() as tx:
            if changes.fields and credentials.get(tx, connection.id, Status.PENDING) is not None:
                raise Refused("A change of this secret is not finished.", "Test the connection: that resolves it.")
            lent = self._identities.lent_to(tx, connection.id)
            _refuse_lent(changes.fields, lent)
            old = self._replaced(tx, connection, method, changes.fields)
            changed = connections.edit(tx, connection.id, version=connection.version, definition=definition)
            if changes.fields:
                values = merged(provider, method, old, {**changes.fields, **lent}, managed=connection.platform_managed)
                if _plain(values) != _plain(old):
                    digest = self._digest_of(method, _without(values, lent))
                    connections.set_secret_digest(tx, connection.id, version=changed.version, digest=digest)
                    self.seal_credential(tx, changed, values, Status.CURRENT)
            if definition.uses != connection.uses:
                connections.forget_result(tx, connection.id)
            due = first_test_at(tx.now, definition.test_every_minutes)
            connections.set_next_test(tx, connection.id, due)
            self._audit.append(tx, "connection.edit", object_id=connection.id, name=definition.name)
            return connections.get(tx, connection.id)

    def start_from(
        self, connection: Connection, identity: Identity | None, fields: Mapping[str, FieldInput] | None = None
    ) -> Connection:
        """Let it start from another source identity, or, with None, from `fields` of its own. Its state starts anew.

        Raises Conflict, InvalidField where the identity does not fit or a field is missing, or BlobTampered.
        """
        provider, method = self.provider_and_method(connection.provider, connection.method)
        given = dict(fields or {})
        with self._store.write() as tx:
            own = self._own_fields(tx, connection, Status.CURRENT)
            lent = self._identities.lent(tx, identity, provider.slug, method.id) if identity is not None else {}
            _refuse_lent(given, lent)
            values = merged(provider, method, own, {**given, **lent}, managed=connection.platform_managed)
            identity_id = identity.id if identity is not None else None
            connections.set_identity(tx, connection.id, version=connection.version, identity_id=identity_id)
            connections.renew_digest(tx, connection.id, self._digest_of(method, _without(values, lent)))
            self.seal_credential(tx, connection, values, Status.CURRENT)
            self._audit.append(tx, "connection.edit", object_id=connection.id, name=connection.name, reason="identity")
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
        values = _without(values, self._identities.names_lent_to(tx, connection.id))
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

    def provider_and_method(self, slug: str, method_id: str) -> tuple[Provider, Method]:
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
        self, tx: Reading, connection: Connection, method: Method, fields: Mapping[str, FieldInput]
    ) -> dict[str, FieldValue]:
        """The fields before an edit. A credential that does not open is worth nothing where every field is given."""
        if not fields:
            return {}
        try:
            return self.open_credential(tx, connection, Status.CURRENT)
        except BlobTampered:
            given = {name for name, value in fields.items() if not isinstance(value, Stored)}
            if {field.name for field in method.fields if field.required} <= given:
                return {}
            raise

    def digest_now(self, tx: Reading, connection: Connection) -> str | None:
        """As `digest_of`, from the credential as it is stored; None for one that does not open."""
        try:
            return self.digest_of(connection, self._own_fields(tx, connection, Status.CURRENT))
        except (BlobTampered, NotFound, InvalidField):
            return None

    def _method(self, connection: Connection) -> Method:
        return self.provider_and_method(connection.provider, connection.method)[1]

    def _digest_of(self, method: Method, values: Mapping[str, FieldValue]) -> str | None:
        """A keyed digest of the first secret of the form, by which equal secrets are found."""
        found = first_secret(method, values)
        return None if found is None else self._digest(found[1])


def secret_names(method: Method) -> frozenset[str]:
    return frozenset(field.name for field in method.fields if field.is_secret)


def require_definition(provider: Provider, method: Method, definition: Definition) -> None:
    """Raises InvalidField for tags that are no slugs, tests too often, or uses the provider does not have."""
    for tag in definition.tags:
        require_slug(tag, field="tag")
    every = definition.test_every_minutes
    if every is not None and every < SHORTEST_MINUTES:
        raise InvalidField("every", f"Tests run every {SHORTEST_MINUTES} minutes at the most.", "Choose a longer time.")
    require_uses(provider, method, definition.uses)


def require_uses(provider: Provider, method: Method, uses: tuple[IntendedUse, ...]) -> None:
    """Raises InvalidField for a use the provider or method does not have, or one whose target value is missing."""
    for intended in uses:
        try:
            use = provider.use(intended.use)
        except KeyError:
            known = ", ".join(use.id for use in provider.uses)
            raise InvalidField("use", f"{provider.name} has no use {intended.use[:60]}.", f"It has {known}.") from None
        if use.methods and method.id not in use.methods:
            raise InvalidField("use", f"{use.title} does not work with {method.name}.", "Choose another method or use.")
        for name, target in missing_targets(use, intended.targets):
            raise InvalidField(
                f"target.{name}",
                f"{use.title} needs {target.label}.",
                f"Such as {target.example}" if target.example else "",
            )


def address_fields(provider: Provider, method: Method) -> frozenset[str]:
    """Fields that decide where the credential is sent, and how safely."""
    texts: list[Template] = []
    if isinstance(provider.base_url, tuple):
        texts += [address.url for address in provider.base_url]
    elif provider.base_url is not None:
        texts.append(provider.base_url)
    if provider.endpoint is not None:
        texts += [provider.endpoint.host, provider.endpoint.port]
    reads = frozenset().union(*(text.reads for text in texts))
    for rule in (provider.tls.used, provider.tls.verified, provider.tls.ca):
        reads |= rule.reads if rule is not None else frozenset()
    for address in provider.base_url if isinstance(provider.base_url, tuple) else ():
        reads |= address.when.reads
    return reads & {field.name for field in method.fields if not field.is_secret}


def near_address(provider: Provider, method: Method, values: Mapping[str, FieldInput]) -> str:
    """The loopback or private address, or `localhost`, that the fields name outright; empty when they name none."""
    for name in sorted(address_fields(provider, method)):
        value = values.get(name)
        if isinstance(value, str):
            host = (urlsplit(value).hostname or "") if "://" in value else value
            try:
                near = host.lower().rstrip(".") == "localhost" or judge(host).verdict is Verdict.ASK
            except ValueError:
                continue  # a name: only looking it up tells where it leads
            if near:
                return host
    return ""


def merged(
    provider: Provider, method: Method, old: Mapping[str, FieldValue], new: Mapping[str, FieldInput], *, managed: bool
) -> dict[str, FieldValue]:
    """The fields after an edit. Raises InvalidField or TakenOverByPlatform."""
    secrets = secret_names(method)
    values: dict[str, FieldValue] = dict(old)
    for name, value in new.items():
        if value is Stored.UNCHANGED:
            continue
        if managed and name in secrets:
            raise TakenOverByPlatform("Jackfield manages this secret and changes it by itself.", "Give it back first.")
        if value is Stored.CLEARED or value == "":
            values.pop(name, None)
        elif not isinstance(value, Stored):
            values[name] = value
    done = complete(method, values)
    moved = [name for name in address_fields(provider, method) if done.get(name) != old.get(name)]
    kept = [name for name in sorted(secrets & set(done)) if isinstance(new.get(name, Stored.UNCHANGED), Stored)]
    if moved and kept:
        raise InvalidField(
            kept[0],
            f"The address changed ({', '.join(sorted(moved))}), so the stored secret does not go along.",
            "Type it again for the new address.",
        )
    return done


def _refuse_lent(given: Mapping[str, FieldInput], lent: Mapping[str, FieldValue]) -> None:
    """Raises InvalidField for a typed value where the source identity gives another."""
    for name, value in given.items():
        if name in lent and not isinstance(value, Stored) and value != lent[name]:
            raise InvalidField(
                name,
                "The source identity of this connection gives this field.",
                "Leave it out, or give fields of its own.",
            )


def _without(values: Mapping[str, FieldValue], names: Collection[str]) -> dict[str, FieldValue]:
    return {name: value for name, value in values.items() if name not in names}


def _plain(values: Mapping[str, FieldValue]) -> bytes:
    return fields_to_bytes(values)


def asked_fields(method: Method, values: Mapping[str, FieldInput]) -> tuple[str, ...]:
    """Names of the fields a form asks for now."""
    known = {**defaults(method), **values}
    return tuple(field.name for field in method.fields if is_shown(field, method.id, known))
