"""Sealing and opening what is stored, with one data key for each organization and each project."""

import json
from collections.abc import Mapping, Sequence

from jackfield.model.connection import Scope
from jackfield.model.errors import BlobTampered, NotFound
from jackfield.model.secret import FieldValue, Secret
from jackfield.services.audit import Audit
from jackfield.store import keys
from jackfield.store.store import Store
from jackfield.store.transaction import Reading, Writing
from jackfield.vault.envelope import Place, open_sealed, seal
from jackfield.vault.keys import DataKey
from jackfield.vault.vault import Vault

FORMS_SCOPE = "forms"  # drafts belong to no organization yet
IDENTITIES_SCOPE = "identities"  # source identities belong to none either


def scope_text(scope: Scope) -> str:
    """Whose data key seals what belongs to this scope."""
    return f"project:{scope.project_id}" if scope.project_id else f"organization:{scope.organization_id}"


def place_text(scope: str) -> str:
    """What kind of place a scope is of, in a word."""
    return scope.partition(":")[0]


class Sealer:
    """Holds the data keys in use while the vault is open.

    `audit` is there as soon as its own key is made: what is sealed is opened only as the trail says it was left.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._open: dict[str, DataKey] = {}
        self.audit: Audit | None = None

    def seal(
        self, tx: Writing, plaintext: bytes, *, scope: str, table: str, column: str, row_id: str, version: int
    ) -> tuple[bytes, str]:
        """The envelope and the id of the key that opens it. The scope's first sealing makes its key."""
        key = self._key_of(tx, scope)
        place = Place(self._vault.store_id, table, row_id, column, scope, version)
        return seal(plaintext, key, place), key.id

    def open(
        self,
        tx: Reading,
        blob: bytes,
        *,
        key_id: str,
        table: str,
        column: str,
        row_id: str,
        version: int,
        left: Sequence[str],
    ) -> bytes:
        """What was sealed there. `left` is what the trail calls the rows that it depends on.

        Raises BlobTampered, as RowReplaced where one of them, or its key, is not as the trail says.
        """
        try:
            wrapped = keys.get(tx, key_id)
        except NotFound:
            raise BlobTampered("The key of a sealed value is gone.", "Enter it again, or restore a backup.") from None
        if self.audit is not None:
            self.audit.require_left(tx, *left, keys.left_name(wrapped.scope))
        place = Place(self._vault.store_id, table, row_id, column, wrapped.scope, version)
        return open_sealed(blob, self._opened(wrapped), place)

    def mac_key(self, store: Store, scope: str, purpose: str) -> bytes:
        """A 32-byte key that stays the same when the root key changes: derived from the data key of its scope."""
        with store.read() as tx:
            wrapped = keys.current(tx, scope)
        if wrapped is not None:
            return self._opened(wrapped).derive_key(purpose.encode())
        with store.write() as tx:
            return self._key_of(tx, scope).derive_key(purpose.encode())

    def renew_key(self, tx: Writing, scope: str) -> None:
        """Make a fresh key for a scope, with its entry in the trail; the one before still opens what it sealed."""
        key = self._vault.new_data_key()
        keys.add(tx, key.id, scope=scope, wrapped=self._vault.wrap_data_key(key, scope=scope))
        if self.audit is not None:
            self.audit.append(tx, "key.create", object_id=key.id, name=place_text(scope))

    def reseal(self, tx: Writing, value: keys.SealedValue, *, key_id: str, scope: str | None = None) -> None:
        """Seal a stored value anew with the current key of its scope, or of another. Raises BlobTampered."""
        table, column, row_id = value.table, value.column, value.row_id
        data = self.open(
            tx,
            value.sealed,
            key_id=key_id,
            table=table,
            column=column,
            row_id=row_id,
            version=value.version,
            left=(value.left,),
        )
        sealed, new_id = self.seal(
            tx,
            data,
            scope=scope or keys.get(tx, key_id).scope,
            table=table,
            column=column,
            row_id=row_id,
            version=value.version + 1,
        )
        keys.reseal(tx, value, sealed=sealed, key_id=new_id)

    def _key_of(self, tx: Writing, scope: str) -> DataKey:
        """The scope's current key, made when there is none."""
        wrapped = keys.current(tx, scope)
        if self.audit is not None:
            self.audit.require_left(tx, keys.left_name(scope))
        if wrapped is not None:
            return self._opened(wrapped)
        self.renew_key(tx, scope)
        return self._key_of(tx, scope)

    def _opened(self, wrapped: keys.WrappedKey) -> DataKey:
        if wrapped.id not in self._open:
            self._open[wrapped.id] = self._vault.unwrap_data_key(wrapped.wrapped, scope=wrapped.scope)
        return self._open[wrapped.id]


def fields_to_bytes(fields: Mapping[str, FieldValue]) -> bytes:
    """The fields of a credential as they are sealed; which of them are secret the provider says, not the blob."""
    plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in fields.items()}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def fields_from_bytes(data: bytes, secret_names: frozenset[str]) -> dict[str, FieldValue]:
    """The opposite; fields that are not among `secret_names` come back plain. Raises BlobTampered for other shapes."""
    try:
        plain = json.loads(data)
    except ValueError:
        plain = None
    if not isinstance(plain, dict):
        raise BlobTampered("The stored credential is not of the form it was written in.", "Type it again.")
    return {
        name: Secret(value) if name in secret_names and isinstance(value, str) else value
        for name, value in plain.items()
    }
