"""Restoring a backup: copied and verified whole in `restoring.new/new`, and from there put in the home's place.

A restore that ends before it is decided has changed nothing.
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jackfield.model.errors import HomeError, StoreTampered
from jackfield.services.anchor import Anchor, Noted, noted_of
from jackfield.services.backup import Manifest, copy_part, opened_backup, require_genuine
from jackfield.services.home import Home
from jackfield.services.presence import Presence
from jackfield.services.replacement import DATABASE, DECIDED, REPLACED, finish_replacement
from jackfield.services.session import Session
from jackfield.store.files import flush_folder, make_private_folder
from jackfield.vault.costs import FLOOR, Costs
from jackfield.vault.folder import HEADER_NAME
from jackfield.vault.sources import KeySource
from jackfield.vault.vault import Vault

_STAGE: Final = "restoring.new"


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, and the folder that keeps what was there before, if anything was."""

    manifest: Manifest
    kept: Path | None


@dataclass(frozen=True, slots=True)
class _Staged:
    """A backup that was verified: where its trail ends now, and what notes that outside the home."""

    manifest: Manifest
    head: Noted
    anchor: Anchor


def restore(home: Home, backup: Path, source: KeySource, *, floor: Costs = FLOOR) -> Restored:
    """Put what a backup holds in the place of the home's vault and store; those stay in a folder beside them.

    Raises Refused while the home is open anywhere, WrongPassphrase, StoreTampered, StoreTooNew or HomeError, each with
    nothing replaced.
    """
    home.prepare()
    presence = Presence(home.folder)
    stage = home.folder / _STAGE
    try:
        with presence.alone():
            shutil.rmtree(stage, ignore_errors=True)  # what a killed one left
            try:
                staged = _stage(backup, stage, source, floor, home)
                staged.anchor.expect(staged.head)
                stage.rename(home.folder / DECIDED)
                flush_folder(home.folder)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
            kept = finish_replacement(home.folder)
            with suppress(HomeError):  # told by the next start, which finds that it cannot be noted
                staged.anchor.accept(staged.head)
    except OSError as error:
        raise HomeError(f"The backup cannot be restored: {error.strerror}.", "Nothing was lost: make room.") from None
    finally:
        presence.end()
    return Restored(staged.manifest, kept)


def _stage(backup: Path, stage: Path, source: KeySource, floor: Costs, home: Home) -> _Staged:
    """Copy and verify: the parts' digests, the manifest's seal, every page of the database, the trail's length."""
    new = stage / "new"
    make_private_folder(stage)
    make_private_folder(new)
    with opened_backup(backup) as (manifest, mac, file):
        copy_part(file, manifest.header, new / HEADER_NAME)
        copy_part(file, manifest.database, new / DATABASE)
    inside = Home(new, state=stage / "state")
    session = Session.open(inside, lambda: Vault.unlock_with(new, source, floor=floor))
    try:
        require_genuine(manifest, mac, session.vault)
        trail = session.audit.verify()
        whole = not session.store.damage() and trail.bad is None
        held = sum(session.connections.counts().values())
        if not whole or (held, trail.entries) != (manifest.connections, manifest.entries):
            raise StoreTampered("The backup does not hold what it says.", "Use another. Nothing was replaced.")
        done = session.audit.note("backup.restore", object_id=session.vault.store_id, name="", reason=manifest.created)
        anchor = session.anchor_of(home)
    finally:
        session.lock()
    shutil.rmtree(stage / "state", ignore_errors=True)
    for made in new.iterdir():  # by opening it
        if made.is_dir():
            shutil.rmtree(made)
        elif made.name not in REPLACED:
            made.unlink()
    return _Staged(manifest, noted_of(done), anchor)
