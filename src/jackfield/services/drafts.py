"""Forms that were begun and not saved: sealed as they are typed, offered again later."""

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jackfield.model.errors import BlobTampered, JackfieldError
from jackfield.services.audit import Audit
from jackfield.services.sealing import FORMS_SCOPE, Sealer
from jackfield.store import drafts
from jackfield.store.store import Store
from jackfield.store.transaction import Writing


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """What a form held, as the form itself wrote it (JSON-like), and when."""

    id: str
    content: dict[str, Any]
    updated_at: datetime
    version: int


class Drafts:
    """The trail notes a draft when it is begun, as it is when the vault locks, and when it is let go."""

    def __init__(self, store: Store, sealer: Sealer, audit: Audit) -> None:
        self._store = store
        self._sealer = sealer
        self._audit = audit

    def save(self, draft_id: str, content: dict[str, Any], *, version: int) -> None:
        """Keep what a form holds, secrets included, in the place of an earlier version."""
        data = json.dumps(content, ensure_ascii=False).encode()
        with self._store.write() as tx:
            sealed, key_id = self._sealer.seal(
                tx, data, scope=FORMS_SCOPE, table="draft", column="sealed", row_id=draft_id, version=version
            )
            drafts.put(tx, draft_id, sealed=sealed, key_id=key_id, version=version)
            if version == 1:
                self._append(tx, "draft.begin", draft_id)

    def discard(self, draft_id: str) -> None:
        with self._store.write() as tx:
            if drafts.remove(tx, draft_id):
                self._append(tx, "draft.discard", draft_id)

    def note(self) -> None:
        """Note the drafts that are newer than the trail says. The vault locks now, so what fails is not told."""
        with contextlib.suppress(JackfieldError):
            with self._store.read() as looking:
                newer = drafts.newer_than_noted(looking)
            for draft_id in newer:
                with self._store.write() as tx:
                    self._append(tx, "draft.keep", draft_id)

    def _append(self, tx: Writing, action: str, draft_id: str) -> None:
        tx.touch(drafts.left_name(draft_id))
        self._audit.append(tx, action, object_id=draft_id, name="")

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
                        left=(drafts.left_name(one.id),),
                    )
                    found.append(SavedDraft(one.id, json.loads(data), one.updated_at, one.version))
                except (BlobTampered, ValueError):
                    continue
        return tuple(found)
