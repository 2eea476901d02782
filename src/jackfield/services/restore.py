"""Restoring a backup: verified whole beside the home's files, then put in their place by renames that can be resumed.

restoring.new/new/    being copied and verified; a restore that ends here has changed nothing
restoring/new/        verified: from this rename on the restore is decided, and any start finishes it
restoring/old/        the home's own files, moved out of the way, complete once the folder has this name
replaced-<time>/      what is left in the end: `old`
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jackfield.model.errors import HomeError, StoreTampered
from jackfield.store.files import flush_folder, make_private_folder, only_one
from jackfield.vault.folder import COPY_NAME, HEADER_NAME

if TYPE_CHECKING:
    from jackfield.services.backup import Manifest
    from jackfield.services.home import Home
    from jackfield.vault.costs import Costs
    from jackfield.vault.sources import KeySource

_STAGE: Final = "restoring.new"
_DECIDED: Final = "restoring"
_DATABASE: Final = "store.db"
_REPLACED: Final = (HEADER_NAME, COPY_NAME, _DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and the folder that keeps what was there before, if anything was."""

    manifest: "Manifest"
    kept: Path | None


def restore(home: "Home", backup: Path, source: "KeySource", *, floor: "Costs | None" = None) -> Restored:
    """Put what a backup holds in the place of the home's vault and store; those stay in a folder beside them.

    Raises Refused while the home is open anywhere, WrongPassphrase, StoreTampered, StoreTooNew or HomeError, each with
    nothing replaced.
    """
    from jackfield.services.presence import Presence

    home.prepare()
    presence = Presence(home.folder)
    stage = home.folder / _STAGE
    try:
        with presence.alone():
            shutil.rmtree(stage, ignore_errors=True)  # what a killed one left
            try:
                manifest = _stage(backup, stage, source, floor)
                stage.rename(home.folder / _DECIDED)
                flush_folder(home.folder)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
            kept = finish_restore(home.folder)
    except OSError as error:
        raise HomeError(f"The backup cannot be restored: {error.strerror}.", "Nothing was lost: make room.") from None
    finally:
        presence.end()
    return Restored(manifest, kept)


def finish_restore(folder: Path) -> Path | None:
    """Carry out a restore that was decided, from wherever it stands; gives the folder of what was replaced, if any.

    Does nothing when no restore was decided.
    """
    decided = folder / _DECIDED
    if not decided.is_dir():
        return None
    with only_one(folder):
        if not decided.is_dir():
            return None  # another process finished it meanwhile
        old, moving = decided / "old", decided / "old.part"
        if not old.is_dir():
            moving.mkdir(mode=0o700, exist_ok=True)
            for name in _REPLACED:
                if (folder / name).exists():
                    (folder / name).rename(moving / name)
            moving.rename(old)
            flush_folder(folder)
        new = decided / "new"
        for file in sorted(new.iterdir()) if new.is_dir() else ():
            file.rename(folder / file.name)
        flush_folder(folder)
        if new.is_dir():
            new.rmdir()
        kept = folder / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%S%f}" if any(old.iterdir()) else None
        if kept is not None:
            decided.rename(kept)
        else:
            shutil.rmtree(decided)
        flush_folder(folder)
    return kept


def _stage(backup: Path, stage: Path, source: "KeySource", floor: "Costs | None") -> "Manifest":
    """Copy and verify: the parts' digests, the manifest's seal, every page of the database, the trail's length."""
    from jackfield.services.backup import copy_part, opened_backup, require_genuine
    from jackfield.services.home import Home
    from jackfield.services.session import Session
    from jackfield.vault.costs import FLOOR
    from jackfield.vault.vault import Vault

    new = stage / "new"
    make_private_folder(stage)
    make_private_folder(new)
    with opened_backup(backup) as (manifest, mac, file):
        copy_part(file, manifest.header, new / HEADER_NAME)
        copy_part(file, manifest.database, new / _DATABASE)
    session = Session.open(Home(new), lambda: Vault.unlock_with(new, source, floor=floor or FLOOR))
    try:
        require_genuine(manifest, mac, session.vault)
        trail = session.audit.verify()
        whole = not session.store.damage() and trail.bad is None
        held = sum(session.connections.counts().values())
        if not whole or (held, trail.entries) != (manifest.connections, manifest.entries):
            raise StoreTampered("The backup does not hold what it says.", "Use another. Nothing was replaced.")
        session.audit.note("backup.restore", object_id=session.vault.store_id, name="", reason=manifest.created)
    finally:
        session.lock()
    for made in new.iterdir():  # by opening it
        if made.is_dir():
            shutil.rmtree(made)
        elif made.name not in _REPLACED:
            made.unlink()
    return manifest
