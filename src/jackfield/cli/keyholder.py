"""Where what opens the vault comes from: a file, a descriptor, the keyring, or the terminal. Never the environment."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from jackfield.model.errors import JackfieldError, LockedError, UsageError
from jackfield.model.secret import Secret

if TYPE_CHECKING:
    from jackfield.services.home import Home
    from jackfield.vault.sources import KeySource

_LIMIT: Final = 64 * 1024  # bytes read for one passphrase or key


@dataclass(frozen=True, slots=True)
class Keyholder:
    """What the options say: each names a file, `-` for standard input, or `fd:N` for an open descriptor."""

    passphrase_file: str | None = None
    recovery_key_file: str | None = None
    key_file: Path | None = None

    @property
    def is_named(self) -> bool:
        """Whether an option says how to open the vault, so that nothing has to be asked."""
        return any((self.passphrase_file, self.recovery_key_file, self.key_file))

    def sources(self, home: "Home") -> "Iterator[KeySource]":
        """What may open the vault of this home, one after the other: an option alone, or the keyring and then a person.

        Raises LockedError when nobody can be asked.
        """
        from jackfield.vault.sources import KeyFileSource, PassphraseSource, RecoverySource

        if self.passphrase_file is not None:
            yield PassphraseSource(read_first_line(self.passphrase_file))
        elif self.recovery_key_file is not None:
            yield RecoverySource(read_first_line(self.recovery_key_file))
        elif self.key_file is not None:
            yield KeyFileSource(self.key_file)
        else:
            yield from _from_keyring(home)
            yield PassphraseSource(ask("Passphrase: "))


def read_first_line(place: str) -> Secret:
    """The first line of a file, of standard input (`-`) or of a descriptor (`fd:N`, closed afterwards).

    Raises UsageError when it cannot be read or holds nothing.
    """
    text = read_bytes(place, "The passphrase file", _LIMIT).decode("utf-8", "surrogateescape")
    return Secret(text.split("\n")[0].removesuffix("\r"))


def read_bytes(place: str, called: str, limit: int) -> bytes:
    """Everything in a file, standard input (`-`) or a descriptor (`fd:N`), at most `limit` bytes. Raises UsageError."""
    try:
        if place == "-":
            data = sys.stdin.buffer.read(limit + 1)
        elif place.startswith("fd:"):
            with os.fdopen(_descriptor(place), "rb") as file:
                data = file.read(limit + 1)
        else:
            data = _read_file(Path(place).expanduser(), called, limit)
    except OSError as error:
        raise UsageError(f"{called} cannot be read: {error.strerror}.", "Check its name and rights.") from None
    if not data:
        raise UsageError(f"{called} is empty.", "Put the value into its first line.")
    if len(data) > limit:
        raise UsageError(f"{called} is larger than {limit:,} bytes.", "Give the right file.")
    return data


def _read_file(path: Path, called: str, limit: int) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            click.echo(f"jackfield: {called} can be read by other users of this machine: chmod 600 it.", err=True)
        return file.read(limit + 1)


def ask(prompt: str) -> Secret:
    """Ask on the terminal, without showing what is typed. Raises LockedError where there is none."""
    import getpass

    if not _has_terminal():
        raise LockedError("The vault is locked, and there is no terminal to ask at.", "Give --passphrase-file FILE.")
    return Secret(getpass.getpass(prompt))


def ask_new(what: str) -> Secret:
    """Ask twice for something new, and say how good it is. Raises UsageError when the two differ."""
    from jackfield.vault.passphrase import Strength, judge_passphrase

    first = ask(f"{what}: ")
    judgement = judge_passphrase(first)
    if judgement.strength in {Strength.WEAK, Strength.FAIR}:
        click.echo(f"This passphrase is {judgement.strength.value}. {judgement.reason}", err=True)
    if ask(f"{what}, again: ") != first:
        raise UsageError("The two were not the same.", "Type it again.")
    return first


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _descriptor(place: str) -> int:
    number = place.removeprefix("fd:")
    if not number.isdecimal() or len(number) > 4:
        raise UsageError("That is no descriptor.", "Write it as fd:3.")
    return int(number)


def _from_keyring(home: "Home") -> "Iterator[KeySource]":
    """The system's keyring, when the vault has a slot for it and it answers."""
    from jackfield.vault.keyrings import system_keyring
    from jackfield.vault.slots import SlotKind
    from jackfield.vault.sources import KeyringSource

    with suppress(JackfieldError):  # then the passphrase is asked for
        if SlotKind.KEYRING in home.ways_in():
            yield KeyringSource(system_keyring())
