"""The vault's keys: what opens it, and changing what everything is sealed with."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jackfield.cli.completing import complete_files
from jackfield.cli.keyholder import ask_new, read_first_line
from jackfield.cli.output import table
from jackfield.cli.program import Program, json_option
from jackfield.model.secret import Secret

if TYPE_CHECKING:
    from jackfield.vault.slots import Slot
    from jackfield.vault.sources import KeySource

new_passphrase_option = click.option(
    "--new-passphrase-file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Read the new passphrase from a file's first line, - or fd:N.",
)


@click.group()
def key() -> None:
    """See and change the ways into the vault."""


@key.command()
@json_option
@click.pass_obj
def slots(program: Program) -> None:
    """The ways into the vault."""
    with program.session() as session:
        found = session.vault.list_slots()
    rows = [(slot.id, str(slot.kind), slot.created.isoformat(), slot.cost_of_a_guess) for slot in found]
    program.out.show([_slot(slot) for slot in found], table(("ID", "KIND", "CREATED", "COST OF A GUESS"), rows))


@key.group()
def add() -> None:
    """Add a way into the vault."""


@add.command("passphrase")
@new_passphrase_option
@json_option
@click.pass_obj
def add_passphrase(program: Program, new_passphrase_file: str | None) -> None:
    """A further passphrase."""
    from jackfield.vault.sources import PassphraseSource

    _add(program, lambda: PassphraseSource(_new_passphrase(new_passphrase_file)))


@add.command("recovery")
@json_option
@click.pass_obj
def add_recovery(program: Program) -> None:
    """A recovery key, shown this once."""
    from jackfield.vault.recovery import new_recovery_key
    from jackfield.vault.sources import RecoverySource

    made = new_recovery_key()
    _add(program, lambda: RecoverySource(made), recovery=made)


@add.command("keyring")
@json_option
@click.pass_obj
def add_keyring(program: Program) -> None:
    """The keyring of this system: whoever is logged in here opens the vault without being asked."""
    from jackfield.vault.keyrings import system_keyring
    from jackfield.vault.sources import KeyringSource

    _add(program, lambda: KeyringSource(system_keyring()))


@add.command("key-file")
@click.argument("path", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def add_key_file(program: Program, path: Path) -> None:
    """A key file; one that is not there is made."""
    from jackfield.vault.sources import KeyFileSource

    _add(program, lambda: KeyFileSource(path.absolute()))


def _add(program: Program, make: "Callable[[], KeySource]", *, recovery: Secret | None = None) -> None:
    from jackfield.services.slots import add_slot

    with program.session() as session:
        slot = add_slot(session, make())
    shown = recovery.reveal() if recovery else None
    program.out.show(
        {**_slot(slot), "recovery_key": shown}, [f"Added {slot.kind} slot {slot.id}.", *_recovery_lines(shown)]
    )


@key.command()
@click.argument("slot_id", metavar="ID")
@json_option
@click.pass_obj
def remove(program: Program, slot_id: str) -> None:
    """Take a way into the vault away; never the last.

    An old copy of the vault's header still has it.
    """
    from jackfield.services.slots import remove_slot
    from jackfield.vault.keyrings import keyring_availability, system_keyring

    with program.session() as session:
        keyring = system_keyring() if keyring_availability().usable else None
        remove_slot(session, slot_id, keyring=keyring)
    program.out.show({"id": slot_id}, [f"Removed slot {slot_id}."])


@key.command()
@new_passphrase_option
@json_option
@click.pass_obj
def passphrase(program: Program, new_passphrase_file: str | None) -> None:
    """Change the passphrase.

    Opened with a recovery key or a key file, it replaces every passphrase.
    """
    from jackfield.services.slots import change_passphrase

    with program.session() as session:
        change_passphrase(session, program.opened_with, _new_passphrase(new_passphrase_file))
    program.out.show({"changed": True}, ["Changed the passphrase. The one before opens nothing any more."])


@key.command()
@click.option(
    "--also-passphrase-file",
    "others",
    multiple=True,
    metavar="FILE",
    shell_complete=complete_files,
    help="Another passphrase of the vault.",
)
@click.option("--also-key-file", "files", multiple=True, type=click.Path(path_type=Path), help="A key file of it.")
@click.option(
    "--data-keys", is_flag=True, help="Seal every stored value anew, too. It may be cut off and called again."
)
@json_option
@click.pass_obj
def rotate(program: Program, others: tuple[str, ...], files: tuple[Path, ...], data_keys: bool) -> None:
    """Replace the root key, and the recovery key with it.

    Whatever opens the vault must be given. Backups made before still open with the old keys: delete those you do not
    need.
    """
    from jackfield.services.rotation import rotate_data_keys, rotate_root
    from jackfield.vault.keyrings import keyring_availability, system_keyring
    from jackfield.vault.sources import KeyFileSource, KeyringSource, PassphraseSource

    with program.session() as session:
        sources: list[KeySource] = [source for source in (program.opened_with,) if source is not None]
        sources += [PassphraseSource(read_first_line(place)) for place in others]
        sources += [KeyFileSource(path.absolute()) for path in files]
        if keyring_availability().usable:
            sources.append(KeyringSource(system_keyring()))
        recovery = rotate_root(session, *sources)
        sealed = rotate_data_keys(session) if data_keys else None
    shown = recovery.reveal() if recovery else None
    said = "" if sealed is None else f" Sealed {sealed} values anew."
    program.out.show(
        {"recovery_key": shown, "sealed_anew": sealed}, [f"Replaced the root key.{said}", *_recovery_lines(shown)]
    )


@key.command()
@json_option
@click.pass_obj
def reseal(program: Program) -> None:
    """Seal every stored value with fresh data keys.

    The root key stays. It may be cut off and called again.
    """
    from jackfield.services.rotation import rotate_data_keys

    with program.session() as session:
        number = rotate_data_keys(session, lambda done: program.out.note(f"{done} values sealed anew"))
    program.out.show({"sealed_anew": number}, [f"Sealed {number} values with fresh data keys."])


def _new_passphrase(place: str | None) -> Secret:
    return ask_new("New passphrase") if place is None else read_first_line(place)


def _recovery_lines(key: str | None) -> list[str]:
    if key is None:
        return []
    return ["", f"Recovery key:  {key}", "", "Write it down and keep it apart: it is not shown again."]


def _slot(slot: "Slot") -> dict[str, object]:
    return {"id": slot.id, "kind": str(slot.kind), "created": slot.created.isoformat()}
