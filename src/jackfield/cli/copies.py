"""Backups, and putting one back."""

from pathlib import Path

import click

from jackfield.cli.output import ago, instant, table
from jackfield.cli.program import Program, json_option
from jackfield.model.errors import UsageError


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--list", "listed", is_flag=True, help="List the copies there are, and how old they are, instead.")
@json_option
@click.pass_obj
def backup(program: Program, file: Path | None, listed: bool) -> None:
    """Copy everything into one new file.

    It opens with what opens the vault now.
    """
    from jackfield.services.backup import back_up

    if (file is None) is not listed:
        raise UsageError("Give the name of a new file, or --list.", "More: jackfield backup --help")
    if file is None:
        _list_copies(program)
        return
    with program.session() as session:
        made = back_up(session, file.absolute())
    value = {"file": str(file), "created": made.created, "connections": made.connections, "entries": made.entries}
    program.out.show(value, [f"Copied {made.connections} connections into {file}."])


def _list_copies(program: Program) -> None:
    """Every copy that the program made and knows of, the oldest first."""
    from jackfield.services.upkeep import old_copies

    with program.session() as session:
        found = old_copies(session)
    value = [
        {
            "file": str(one.path),
            "kind": str(one.kind),
            "made": instant(one.made_at),
            "there": one.there,
            "old_keys": one.old_keys,
        }
        for one in found
    ]
    rows = [
        (
            f"{one.made_at:%Y-%m-%d %H:%M}",
            ago(one.made_at),
            str(one.kind),
            "yes" if one.there else "not there",
            "replaced" if one.old_keys else "current",
            str(one.path),
        )
        for one in found
    ]
    program.out.show(value, table(("MADE (UTC)", "AGE", "WHAT", "THERE", "ROOT KEY", "WHERE"), rows))


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
