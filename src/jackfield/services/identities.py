"""Source identities: sealed credentials that many connections start from, each kept and tested once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from jackfield.checks.request import CheckRequest, OnProgress
from jackfield.model.check import CheckResult, FailureKind, Outcome
from jackfield.model.errors import InvalidField
from jackfield.model.secret import FieldValue
from jackfield.net.network import Network
from jackfield.providers.contract.fields import complete
from jackfield.providers.contract.registry import Registry
from jackfield.services.audit import Audit
from jackfield.services.sealing import IDENTITIES_SCOPE, Sealer, fields_from_bytes, fields_to_bytes
from jackfield.store import connections, identities
from jackfield.store.identities import Identity, SealedFields
from jackfield.store.store import Store
from jackfield.store.transaction import Reading, Writing, new_id

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Provider, SourceIdentity

__all__ = ["Identities", "Identity", "Said"]

_TESTED: Final = "identity.test"
_REPLACED: Final = "fields replaced"


@dataclass(frozen=True, slots=True)
class Said:
    """What the last test of an identity's own fields found, as the trail has it; `failure` is the kind of it."""

    outcome: Outcome
    failure: FailureKind | None
    at: datetime


def _ignore(_: object) -> None:
    pass


class Identities:
    def __init__(self, store: Store, sealer: Sealer, audit: Audit, registry: Registry) -> None:
        self._store = store
        self._sealer = sealer
        self._audit = audit
        self._registry = registry

    def page(self, *, after: str = "", limit: int = 128) -> tuple[Identity, ...]:
        """By name, from the one that follows the name `after`."""
        with self._store.read() as tx:
            return identities.page(tx, after=after, limit=limit)

    def find(self, name: str) -> Identity:
        """By name or id. Raises NotFound."""
        with self._store.read() as tx:
            return identities.named(tx, name)

    def of_connection(self, connection_id: str) -> Identity | None:
        """The one that a connection starts from; None when it has all its fields itself."""
        with self._store.read() as tx:
            return identities.of_connection(tx, connection_id)

    def used_by(self, identity: Identity) -> tuple[str, ...]:
        """Names of the connections that start from it."""
        with self._store.read() as tx:
            return tuple(name for _, name in identities.connections_of(tx, identity.id))

    def last_said(self, identity: Identity) -> Said | None:
        """None when it was not tested since it has its fields."""
        before: int | None = None
        while entries := self._audit.page(about=identity.id, before=before):
            for entry in entries:
                event = entry.event
                if event.action == _TESTED:
                    failure = FailureKind(event.reason) if event.reason else None
                    return Said(Outcome(event.outcome), failure, entry.at)
                if event.action == "identity.edit" and event.reason == _REPLACED:
                    return None
            before = entries[-1].seq
        return None

    def fields(self, identity: Identity, *, reason: str) -> dict[str, FieldValue]:
        """Its opened fields, noted in the trail with the reason. Raises NotFound or BlobTampered."""
        with self._store.write() as tx:
            values = self._open(tx, identity)
            self._audit.append(tx, "identity.open", object_id=identity.id, name=identity.name, reason=reason)
        return values

    def create(self, name: str, provider: str, kind: str, fields: Mapping[str, FieldValue]) -> Identity:
        """Seal a new one. Raises NotFound for the provider, InvalidField."""
        vendor, method = self.provider_and_kind(provider, kind)
        values = complete(method, fields)
        with self._store.write() as tx:
            row_id = new_id()
            sealed = self._seal(tx, row_id, values, version=1)
            made = identities.create(tx, row_id, sealed, name=name, provider=vendor.slug, method=method.id)
            self._audit.append(tx, "identity.create", object_id=made.id, name=made.name)
        return made

    def rename(self, identity: Identity, name: str) -> Identity:
        """Raises NotFound, Conflict, InvalidField or BlobTampered."""
        with self._store.write() as tx:
            return self._replace(tx, identity, self._open(tx, identity), name=name, reason="renamed")

    def replace(self, identity: Identity, fields: Mapping[str, FieldValue]) -> Identity:
        """Give it other keys, typed whole; what tests said of connections that start from it is forgotten.

        Raises NotFound, Conflict or InvalidField.
        """
        values = complete(self._kind(identity), fields)
        with self._store.write() as tx:
            changed = self._replace(tx, identity, values, name=identity.name, reason=_REPLACED)
            for connection_id, name in identities.connections_of(tx, identity.id):
                connections.forget_result(tx, connection_id)
                self._audit.append(tx, "connection.edit", object_id=connection_id, name=name, reason="identity")
        self._store.empty_log()
        return changed

    def delete(self, identity: Identity) -> None:
        """Raises NotFound, Conflict, or InUse with the connections that start from it."""
        with self._store.write() as tx:
            identities.remove(tx, identity)
            self._audit.append(tx, "identity.delete", object_id=identity.id, name=identity.name)
        self._store.empty_log()

    async def test(
        self,
        identity: Identity,
        network: Network,
        on_progress: OnProgress = _ignore,
        *,
        private_allowed: bool = False,
    ) -> CheckResult:
        """The provider's own check of it, of which nothing is kept but its entry in the trail.

        Raises NotFound or BlobTampered.
        """
        fields = self.fields(identity, reason="test")
        result = await self.test_fields(
            identity.provider, identity.method, fields, network, on_progress, private_allowed=private_allowed
        )
        self.note_test(identity, result)
        return result

    def note_test(self, identity: Identity, result: CheckResult) -> None:
        """Keep what a test of its fields found: an entry in the trail."""
        reason = result.failure.kind.value if result.failure else ""
        self._audit.note(
            _TESTED, object_id=identity.id, name=identity.name, outcome=result.outcome.value, reason=reason
        )

    async def test_fields(
        self,
        provider: str,
        kind: str,
        fields: Mapping[str, FieldValue],
        network: Network,
        on_progress: OnProgress = _ignore,
        *,
        private_allowed: bool = False,
    ) -> CheckResult:
        """The same for one that is still being typed. Raises NotFound or InvalidField."""
        from jackfield.checks.run import run_check  # brings the HTTP client, which few commands need

        vendor, method = self.provider_and_kind(provider, kind)
        request = CheckRequest(
            provider=vendor,
            method=method,
            fields=complete(method, fields),
            uses=(),
            function=lambda name: self._registry.function(vendor.slug, name),
            private_allowed=private_allowed,
        )
        return await run_check(request, network, on_progress)

    def lent(self, tx: Reading, identity: Identity, provider: str, method: str) -> dict[str, FieldValue]:
        """The fields of a provider's method that the identity gives. Raises InvalidField when it gives none."""
        self.require_fit(identity, provider, method)
        values = self._open(tx, identity)
        return {name: values[own] for name, own in self._kind(identity).lends[method].items() if own in values}

    def require_fit(self, identity: Identity, provider: str, method: str) -> None:
        """Raises InvalidField where connections of this provider and method cannot start from it."""
        kind = self._kind(identity)
        if identity.provider != provider or method not in kind.lends:
            raise InvalidField(
                "identity",
                f"Connections of {provider} by {method} cannot start from {identity.name}.",
                f"It is for {identity.provider} by {', '.join(kind.lends)}.",
            )

    def start_of(self, tx: Reading, connection_id: str) -> Identity | None:
        """As `of_connection`, inside a transaction."""
        return identities.of_connection(tx, connection_id)

    def lenders(self, provider: str, method: str) -> tuple[Identity, ...]:
        """Those that connections of this provider and method can start from, by name."""
        kinds = {kind.id for kind in self._registry.get(provider).source_identities if method in kind.lends}
        found: list[Identity] = []
        after = ""
        while kinds and (page := self.page(after=after)):
            found += [one for one in page if one.provider == provider and one.method in kinds]
            after = page[-1].name
        return tuple(found)

    def lend(self, identity: Identity, provider: str, method: str, *, reason: str) -> dict[str, FieldValue]:
        """What it gives, noted in the trail with the reason. Raises NotFound, InvalidField or BlobTampered."""
        with self._store.write() as tx:
            values = self.lent(tx, identity, provider, method)
            self._audit.append(tx, "identity.open", object_id=identity.id, name=identity.name, reason=reason)
        return values

    def lent_to(self, tx: Reading, connection_id: str) -> dict[str, FieldValue]:
        """The fields that a connection has from an identity; none when it starts from none. Raises BlobTampered."""
        identity = identities.of_connection(tx, connection_id)
        if identity is None:
            return {}
        return self.lent(tx, identity, identity.provider, connections.get(tx, connection_id).method)

    def names_lent_to(self, tx: Reading, connection_id: str) -> frozenset[str]:
        """The names of those fields; no identity is opened for it."""
        identity = identities.of_connection(tx, connection_id)
        if identity is None:
            return frozenset()
        return frozenset(self._kind(identity).lends.get(connections.get(tx, connection_id).method, {}))

    def provider_and_kind(self, slug: str, kind: str) -> tuple["Provider", "SourceIdentity"]:
        """Raises NotFound for the provider, InvalidField for the kind."""
        provider = self._registry.get(slug)
        try:
            return provider, provider.source_identity(kind)
        except KeyError:
            known = ", ".join(one.id for one in provider.source_identities)
            raise InvalidField(
                "kind",
                f"{provider.name} has no source identity of the kind {kind[:40]}.",
                f"It has {known}." if known else "Its connections have all their fields themselves.",
            ) from None

    def _kind(self, identity: Identity) -> "SourceIdentity":
        return self.provider_and_kind(identity.provider, identity.method)[1]

    def _replace(
        self, tx: Writing, identity: Identity, values: Mapping[str, FieldValue], *, name: str, reason: str
    ) -> Identity:
        sealed = self._seal(tx, identity.id, values, version=identity.version + 1)
        changed = identities.replace(tx, identity, sealed, name=name)
        self._audit.append(tx, "identity.edit", object_id=changed.id, name=changed.name, reason=reason)
        return changed

    def _seal(self, tx: Writing, row_id: str, values: Mapping[str, FieldValue], *, version: int) -> SealedFields:
        sealed, key_id = self._sealer.seal(
            tx,
            fields_to_bytes(values),
            scope=IDENTITIES_SCOPE,
            table="identity",
            column="sealed",
            row_id=row_id,
            version=version,
        )
        return SealedFields(sealed, key_id)

    def _open(self, tx: Reading, identity: Identity) -> dict[str, FieldValue]:
        kept = identities.fields_of(tx, identity)
        data = self._sealer.open(
            tx,
            kept.sealed,
            key_id=kept.key_id,
            table="identity",
            column="sealed",
            row_id=identity.id,
            version=identity.version,
            left=(f"identity/{identity.id}",),
        )
        secrets = frozenset(field.name for field in self._kind(identity).fields if field.is_secret)
        return fields_from_bytes(data, secrets)
