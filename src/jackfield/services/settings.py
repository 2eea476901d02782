"""What a user has set for this home; sealed with everything else, for a place has names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jackfield.model.connection import Scope
from jackfield.services.audit import Audit
from jackfield.services.list_view import ListView
from jackfield.store import settings
from jackfield.store.store import Store

IDLE_MINUTES: Final = 5
_IDLE: Final = "idle_minutes"
_NEVER: Final = 0
_HEAD: Final = "head_in_keyring"
_AUTOMATIC_TESTS: Final = "automatic_tests"
_PLACE: Final = "place"
_LIST: Final = "connection_list"
_BACKUP: Final = "last_backup"


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The backup that was made last, and where it was put then."""

    made_at: datetime
    file: str


class Settings:
    def __init__(self, store: Store) -> None:
        self._store = store

    def idle_minutes(self) -> int | None:
        """Minutes without a key after which the vault locks by itself; None: never."""
        with self._store.read() as tx:
            kept = settings.get(tx, _IDLE)
        minutes = kept if isinstance(kept, int) and kept >= 0 else IDLE_MINUTES
        return None if minutes == _NEVER else minutes

    def keep_idle_minutes(self, minutes: int | None, audit: Audit) -> None:
        """Keep it, with an entry in the trail: a vault that never locks is the first thing an intruder wants."""
        with self._store.write() as tx:
            settings.put(tx, _IDLE, _NEVER if minutes is None else minutes)
            said = "never" if minutes is None else f"after {minutes} minutes"
            audit.append(tx, "settings.idle", object_id="idle", name="locks by itself", reason=said)

    def head_in_keyring(self) -> bool:
        """Whether the head of the trail is kept in the system's keyring, too."""
        with self._store.read() as tx:
            return settings.get(tx, _HEAD) is True

    def keep_head_in_keyring(self, audit: Audit, *, wanted: bool) -> None:
        with self._store.write() as tx:
            settings.put(tx, _HEAD, wanted or None)
            said = "kept there" if wanted else "not kept there"
            audit.append(tx, "settings.keyring", object_id="keyring", name="head of the trail", reason=said)

    def automatic_tests(self) -> bool:
        """Whether anything is tested by itself; False while that is paused for the whole home."""
        with self._store.read() as tx:
            return settings.get(tx, _AUTOMATIC_TESTS) is not False

    def keep_automatic_tests(self, audit: Audit, *, on: bool) -> None:
        """Pause them or let them go on, with an entry in the trail: while they are paused nobody hears of a fault."""
        with self._store.write() as tx:
            settings.put(tx, _AUTOMATIC_TESTS, on)
            audit.append(
                tx, "settings.tests", object_id="automatic-tests", name="automatic tests",
                reason="on" if on else "paused",
            )  # fmt: skip

    def place(self) -> Scope | None:
        """The organization, or project of one, that was last looked at; None: all, or it is gone."""
        with self._store.read() as tx:
            kept = settings.get(tx, _PLACE)
        match kept:
            case [str(organization_id), str() | None as project_id]:
                return Scope(organization_id, project_id)
        return None

    def keep_place(self, place: Scope | None) -> None:
        with self._store.write() as tx:
            settings.put(tx, _PLACE, [place.organization_id, place.project_id] if place else None)

    def list_view(self) -> ListView:
        """How the list of connections was looked at last."""
        with self._store.read() as tx:
            return ListView.of_kept(settings.get(tx, _LIST))

    def keep_list_view(self, view: ListView) -> None:
        with self._store.write() as tx:
            settings.put(tx, _LIST, view.as_kept())

    def last_backup(self) -> LastBackup | None:
        """None when none was made from this home."""
        with self._store.read() as tx:
            kept = settings.get(tx, _BACKUP)
        match kept:
            case [str(made), str(file)]:
                return LastBackup(datetime.fromisoformat(made), file)
        return None

    def keep_last_backup(self, last: LastBackup) -> None:
        with self._store.write() as tx:
            settings.put(tx, _BACKUP, [last.made_at.isoformat(), last.file])
