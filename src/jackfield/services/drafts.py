"""Forms that were begun and not saved: sealed as they are typed, offered again later."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jackfield.model.errors import BlobTampered
from jackfield.services.sealing import FORMS_SCOPE, Sealer
from jackfield.store import drafts
from jackfield.store.store import Store


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """What a form held, as the form itself wrote it (JSON-like), and when."""

    id: str
    content: dict[str, Any]
    updated_at: datetime
    version: int


class Drafts:
    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    def save(self, draft_id: str, content: dict[str, Any], *, version: int) -> None:
        """Keep what a form holds, secrets included, in the place of an earlier version."""
        data = json.dumps(content, ensure_ascii=False).encode()
        with self._store.write() as tx:
            sealed, key_id = self._sealer.seal(
                tx, data, scope=FORMS_SCOPE, table="draft", column="sealed", row_id=draft_id, version=version
            )
            drafts.put(tx, draft_id, sealed=sealed, key_id=key_id, version=version)

    def discard(self, draft_id: str) -> None:
        with self._store.write() as tx:
            drafts.remove(tx, draft_id)

    def all(self) -> tuple[SavedDraft, ...]:
        """Every draft that opens, the latest first; one that does not is left out and stays where it is."""
        found: list[SavedDraft] = []
        with self._store.read() as tx:
            for one in drafts.all_drafts(tx):
                try:
                    data = self._sealer.open(
                        tx,
                        one.sealed,
                        key_id=one.key_id,
                        table="draft",
                        column="sealed",
                        row_id=one.id,
                        version=one.version,
                    )
                    found.append(SavedDraft(one.id, json.loads(data), one.updated_at, one.version))
                except (BlobTampered, ValueError):
                    continue
        return tuple(found)
