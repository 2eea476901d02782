"""The head of the trail, noted outside the home: so an older home that is put in the place of this one is noticed.

A file for each home, named after its store and a digest of its folder:

    jackfield-anchor 1
    {"heads":[{"at":…,"count":…,"mac":"…"}],"home":"…","store":"…"}
    hmac-sha256 <64 hex digits>     HMAC-SHA-256 of lines 1 and 2, line feeds included

Line 2 is JSON with its keys sorted, no spaces, ASCII; `at` is the last entry's time in microseconds since 1970. While a
restore is under way there are two heads, and either may be there. Whoever can put back this file, too, is not noticed,
unless the user asked that the note is kept in the system's keyring as well: there it is written at each start and lock.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jackfield.model.errors import HomeError, InvalidField, JackfieldError
from jackfield.services.home import Home
from jackfield.store import trail
from jackfield.store.columns import microseconds
from jackfield.store.files import flush_folder, make_private_folder, only_one
from jackfield.store.store import Store
from jackfield.store.trail import Head
from jackfield.vault.crockford import from_groups, to_groups
from jackfield.vault.folder import read_private, write_private

if TYPE_CHECKING:
    from jackfield.services.keyring_note import KeyringNote

_FIRST_LINE: Final = b"jackfield-anchor 1\n"
_SEAL: Final = b"hmac-sha256 "
_LIMIT: Final = 16 * 1024  # bytes
_MAC_SIZE: Final = 8  # bytes of a head's MAC in its code
_CHECKSUM_SIZE: Final = 2
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ACCEPT: Final = "If you put it back yourself: jackfield audit accept. If not, restore a newer backup."


@dataclass(frozen=True, slots=True)
class Noted:
    """A head of the trail, and the time of its last entry."""

    head: Head
    at: datetime

    def __str__(self) -> str:
        return f"{head_code(self.head)} of {self.at:%Y-%m-%d %H:%M:%S} UTC"


class Anchor:
    """What is noted of one home; `key` is 32 bytes from the key that the trail's own comes from.

    `warning` says what `compare` found. While there is one, nothing is noted until `accept`. `silence` says why the
    keyring, where it is asked, could not be.
    """

    def __init__(self, home: Home, store_id: str, key: bytes) -> None:
        self._home = str(home.folder.resolve())
        self._store_id = store_id
        self._key = key
        self._path = anchor_path(home, store_id)
        self._written = False
        self._in_keyring: KeyringNote | None = None
        self._last: Noted | None = None
        self.warning = ""
        self.silence = ""

    def use_keyring(self, note: "KeyringNote | None") -> None:
        """Compare with, and write, this note as well; None: no longer."""
        self._in_keyring = note

    @property
    def name(self) -> str:
        """What tells this home's note from others."""
        return self._path.name

    def compare(self, store: Store) -> None:
        """See whether the store's trail goes on from what is noted, and note how far it goes now."""
        try:
            heads = self._read()  # before the trail is: another process may be adding to both
            with store.read() as tx:
                last = trail.last(tx)
                known = not heads or any(trail.holds(tx, one.head) for one in heads)
            now = self._last = noted_of(last) if last is not None else None
            if not known:
                self.warning = _disagreement(heads[0], now)
            elif now is not None and heads != (now,):
                with self._alone():
                    self._write(now)
        except (HomeError, OSError) as error:
            cause = error.message if isinstance(error, JackfieldError) else f"{self._path}: {error.strerror}."
            self.warning = f"The head of the trail cannot be compared with its note. {cause}"
        if self._in_keyring is not None and not self.warning:
            self._compare_keyring(store, self._in_keyring)

    def _compare_keyring(self, store: Store, note: "KeyringNote") -> None:
        try:
            raw = note.read()
        except JackfieldError as error:
            self.silence = f"The head of the trail cannot be compared with the one in the keyring. {error.message}"
            return
        try:
            heads = self._heads_in(raw, "The head in the system's keyring")
        except HomeError as error:
            self.warning = f"{error.message} {_ACCEPT}"
            return
        with store.read() as tx:
            known = any(trail.holds(tx, one.head) for one in heads)
        if not heads:
            self.warning = f"The system's keyring has no head of this home's trail any more. {_ACCEPT}"
        elif not known:
            self.warning = _disagreement(heads[0], self._last)
        else:
            self._write_keyring()

    def _write_keyring(self) -> None:
        """Keep the last head that this process knows of, unless a later one is kept. What fails is told by a start."""
        if self._in_keyring is None or self._last is None:
            return
        with suppress(JackfieldError):
            raw = self._in_keyring.read()
            if not raw or all(one.head.count < self._last.head.count for one in self._heads_in(raw, "")):
                self._in_keyring.write(self.text_of(self._last))

    def note(self, entry: trail.Entry) -> None:
        """Note the entry that was just appended, unless a later one is noted. What fails is told by the next start."""
        if self.warning:
            return
        self._last = noted_of(entry)
        try:
            with self._alone():
                if all(one.head.count < entry.seq for one in self._read()):
                    self._write(noted_of(entry))
        except (HomeError, OSError):
            return

    def expect(self, noted: Noted) -> None:
        """Let another head be there, too. Without a true note, or when it cannot be written, do nothing."""
        try:
            if heads := self._read():
                with self._alone():
                    self._write(*heads[:1], noted)
                self._flush()
        except (HomeError, OSError):
            return

    def accept(self, noted: Noted) -> None:
        """Note this head in the place of whatever is noted. Raises HomeError, or Refused without the keyring."""
        try:
            with self._alone():
                self._write(noted)
            self._flush()
        except OSError as error:
            raise HomeError(f"{self._path} cannot be written: {error.strerror}.", "Check its folder.") from None
        self._last = noted
        if self._in_keyring is not None:
            self._in_keyring.write(self.text_of(noted))
        self.warning = ""

    def close(self) -> None:
        """Make what was noted last outlive a power loss, and keep it in the keyring where that is asked for."""
        if not self.warning:
            self._write_keyring()
        if self._written:
            try:
                self._flush()
            except OSError:
                return

    def _read(self) -> tuple[Noted, ...]:
        """What is noted; nothing where there is no note yet. Raises HomeError for a changed one."""
        raw = read_private(self._path, called=str(self._path), limit=_LIMIT)
        return self._heads_in(raw or b"", str(self._path))  # an empty one is what a power loss leaves of a new file

    def _heads_in(self, raw: bytes, called: str) -> tuple[Noted, ...]:
        """The heads that a note has, none in an empty one. Raises HomeError for a changed one."""
        if not raw:
            return ()
        body, _, seal = raw.rpartition(_SEAL)
        made = hmac.digest(self._key, body, "sha256").hex().encode() + b"\n"
        heads = _parse(body)
        if not hmac.compare_digest(seal, made) or not heads:
            raise HomeError(f"{called} was changed or damaged.", "Look at the trail, then: jackfield audit accept.")
        return heads

    def text_of(self, *heads: Noted) -> bytes:
        """The whole text of a note."""
        body = {
            "heads": [{"at": microseconds(o.at), "count": o.head.count, "mac": o.head.mac.hex()} for o in heads],
            "home": self._home,
            "store": self._store_id,
        }
        lines = _FIRST_LINE + json.dumps(body, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        seal = hmac.digest(self._key, lines, "sha256").hex().encode()
        return lines + _SEAL + seal + b"\n"

    def _write(self, *heads: Noted) -> None:
        """Replace the file, alone; not yet safe from a power loss."""
        new = self._path.with_name(f"{self._path.name}.new")
        new.unlink(missing_ok=True)  # left by a process that ended half-way
        write_private(new, self.text_of(*heads), durable=False)
        new.replace(self._path)
        self._written = True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        folder = self._path.parent
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_private_folder(folder, local=False)
        with only_one(folder):
            yield

    def _flush(self) -> None:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        flush_folder(self._path.parent)


def anchor_path(home: Home, store_id: str) -> Path:
    """The file that notes this home's trail."""
    digest = hashlib.sha256(os.fsencode(home.folder.resolve())).hexdigest()
    return home.anchors / f"{store_id}-{digest[:16]}"


def noted_of(entry: trail.Entry) -> Noted:
    """The head that an entry made."""
    return Noted(Head(entry.seq, entry.mac), entry.at)


def noted_at(path: Path) -> Noted | None:
    """What a note says, unverified, for want of a key; None where there is none that can be read."""
    try:
        raw = read_private(path, called="The note", limit=_LIMIT)
    except HomeError:
        return None
    heads = _parse(raw.rpartition(_SEAL)[0]) if raw else ()
    return heads[0] if heads else None


def noted_without_key(home: Home) -> Noted | None:
    """The same of a locked home; None, too, where there is no vault, or no header that can be read."""
    try:
        return noted_at(anchor_path(home, home.store_id()))
    except JackfieldError:
        return None


def head_code(head: Head) -> str:
    """A head to be written down: the number of entries, then 64 bits of the last one's MAC with a checksum."""
    mac = head.mac[:_MAC_SIZE]
    return f"{head.count}-{to_groups(mac + _checksum(head.count, mac))}"


def read_head_code(text: str) -> Head:
    """The head a code stands for, its MAC cut to 8 bytes. Raises InvalidField for a mistyped one."""
    count, _, groups = text.strip().partition("-")
    if not count.isascii() or not count.isdigit() or len(count) > 15:
        raise InvalidField("head", "A head begins with the number of entries.", "Type it as: jackfield audit head")
    size, step = _MAC_SIZE + _CHECKSUM_SIZE, "Compare it with your note."
    raw = from_groups(groups, size, field="head", called="head", next_step=step)
    head = Head(int(count), raw[:_MAC_SIZE])
    if raw[_MAC_SIZE:] != _checksum(head.count, head.mac):
        raise InvalidField("head", "The head is mistyped: its checksum does not match.", step)
    return head


def _checksum(count: int, mac: bytes) -> bytes:
    return hashlib.sha256(b"jackfield trail head 1" + count.to_bytes(8, "big") + mac).digest()[:_CHECKSUM_SIZE]


def _parse(body: bytes) -> tuple[Noted, ...]:
    """The heads in lines 1 and 2; none where they are not of that form."""
    first, _, second = body.partition(b"\n")
    try:
        if first + b"\n" != _FIRST_LINE:
            return ()
        return tuple(
            Noted(Head(int(one["count"]), bytes.fromhex(one["mac"])), _EPOCH + timedelta(microseconds=one["at"]))
            for one in json.loads(second)["heads"]
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return ()


def _disagreement(noted: Noted, now: Noted | None) -> str:
    """Both heads, how far they are apart, what may have happened and what to do."""
    held = now.head.count if now is not None else 0
    if held < noted.head.count:
        missing = noted.head.count - held
        what = f"{missing} entries are missing" if missing > 1 else "an entry is missing"
        cause = f"{what}: an older copy was put back, or the end was cut off"
    else:
        cause = f"entry {noted.head.count} is another one: the trail went on from an older copy"
    ends = f"at {now}" if now is not None else "before its first entry"
    return f"This is not the home that was closed here. Its trail ends {ends}; noted is {noted}: {cause}. {_ACCEPT}"
