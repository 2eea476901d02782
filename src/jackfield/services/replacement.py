"""Putting a verified home in the place of another by renames, which any start finishes from wherever they stand.

restoring/new/        what comes in, verified: once the folder has this name, the replacement is decided
restoring/old/        the home's own files, moved out of the way, complete once the folder has this name
replaced-<time>/      what is left in the end: `old`
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jackfield.store.files import flush_folder, only_one
from jackfield.vault.folder import COPY_NAME, HEADER_NAME

DECIDED: Final = "restoring"
DATABASE: Final = "store.db"
REPLACED: Final = (HEADER_NAME, COPY_NAME, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm")
KEPT: Final = "replaced-"  # and the time, in the name of a folder


def finish_replacement(folder: Path) -> Path | None:
    """Carry out a replacement that was decided; gives the folder of what was replaced, if anything was.

    Does nothing when none was decided.
    """
    decided = folder / DECIDED
    if not decided.is_dir():
        return None
    with only_one(folder):
        if not decided.is_dir():
            return None  # another process finished it meanwhile
        old, moving = decided / "old", decided / "old.part"
        if not old.is_dir():
            moving.mkdir(mode=0o700, exist_ok=True)
            for name in REPLACED:
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
        kept = folder / f"{KEPT}{datetime.now(UTC):%Y%m%dT%H%M%S%f}" if any(old.iterdir()) else None
        if kept is not None:
            decided.rename(kept)
        else:
            shutil.rmtree(decided)
        flush_folder(folder)
    return kept
