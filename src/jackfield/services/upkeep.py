"""What collects over time: copies that still open with the keys of their day, and pages that hold nothing any more."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from jackfield.services.home import Home
from jackfield.services.replacement import KEPT
from jackfield.services.session import Session
from jackfield.store.store import BACKUPS

_MOST: Final = 10_000  # entries of the trail that are looked through


class CopyKind(StrEnum):
    """What made a copy."""

    BACKUP = "backup"
    MIGRATION = "before a migration"
    RESTORE = "replaced by a restore"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of this home or of its database that the program made. `old_keys`: the root key was replaced since."""

    path: Path
    kind: CopyKind
    made_at: datetime
    there: bool
    old_keys: bool = False


def copies_inside(home: Home) -> tuple[Copy, ...]:
    """Those in the home folder itself, the oldest first; they are found without a key."""
    found = {home.folder / BACKUPS: ("store-*.db", CopyKind.MIGRATION), home.folder: (f"{KEPT}*", CopyKind.RESTORE)}
    copies = [
        Copy(path, kind, datetime.fromtimestamp(path.stat().st_mtime, UTC), there=True)
        for folder, (pattern, kind) in found.items()
        for path in folder.glob(pattern)
    ]
    return tuple(sorted(copies, key=lambda copy: copy.made_at))


def old_copies(session: Session) -> tuple[Copy, ...]:
    """Those in the home, and every backup that the trail knows of, the oldest first. One moved since is not `there`."""
    rotated = [one for one in session.audit.page(action="key.rotate", limit=_MOST) if one.event.object_name == "root"]
    changed_at = rotated[0].at if rotated else None
    backups: dict[Path, datetime] = {}
    for entry in session.audit.page(action="backup.create", limit=_MOST):
        if entry.event.outcome == "done":
            backups.setdefault(Path(entry.event.object_name), entry.at)
    found = [Copy(path, CopyKind.BACKUP, at, there=path.is_file()) for path, at in backups.items()]
    return tuple(
        Copy(one.path, one.kind, one.made_at, one.there, changed_at is not None and one.made_at < changed_at)
        for one in sorted([*copies_inside(session.home), *found], key=lambda copy: copy.made_at)
    )


def last_backup(session: Session) -> datetime | None:
    """When the latest backup was made, wherever it is now."""
    return max((one.made_at for one in old_copies(session) if one.kind is CopyKind.BACKUP), default=None)


def compact(session: Session) -> tuple[int, int]:
    """Write the database anew without what was deleted; its size before and after, in bytes. Raises HomeError."""
    with session.audit.around("store.compact", object_id=session.vault.store_id, name=""):
        return session.store.compact()
