"""Backups, and putting one back."""

from pathlib import Path

import click

from jackfield.cli.program import Program, json_option


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def backup(program: Program, file: Path) -> None:
    """Copy everything into one new file.

    It opens with what opens the vault now.
    """
    from jackfield.services.backup import back_up

    with program.session() as session:
        made = back_up(session, file.absolute())
    value = {"file": str(file), "created": made.created, "connections": made.connections, "entries": made.entries}
    program.out.show(value, [f"Copied {made.connections} connections into {file}."])


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def restore(program: Program, file: Path) -> None:
    """Put a backup back, once all of it is verified.

    The passphrase, recovery key or key file is the one from when the backup was made. What was in the home is kept in a
    folder beside.
    """
    from jackfield.services.restore import restore as put_back

    done = program.with_key(lambda source: put_back(program.home, file.absolute(), source))
    held = done.manifest
    value = {
        "home": str(program.home.folder),
        "created": held.created,
        "connections": held.connections,
        "kept": str(done.kept) if done.kept else None,
    }
    lines = [f"Restored {held.connections} connections as of {held.created}."]
    if done.kept:
        lines.append(f"What was there is in {done.kept}.")
    program.out.show(value, lines)
