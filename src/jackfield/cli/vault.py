"""The vault as a whole: made, looked at, locked, and the machine it lives on examined."""

import os
from pathlib import Path

import click

from jackfield.cli.keyholder import ask_new, read_first_line
from jackfield.cli.output import ago, instant, pairs, table
from jackfield.cli.program import Program, json_option
from jackfield.model.errors import HomeError, Refused, StoreTampered, UsageError


@click.command()
@click.option("--recovery-key-file", type=click.Path(path_type=Path), help="Write the recovery key to this new file.")
@click.option(
    "--no-recovery-key",
    is_flag=True,
    help="Make none. A forgotten passphrase can then be recovered by nobody: there is no back door.",
)
@json_option
@click.pass_obj
def init(program: Program, recovery_key_file: Path | None, no_recovery_key: bool) -> None:
    """Make a vault.

    A passphrase opens it, and a recovery key on the day when that is forgotten.
    """
    from jackfield.services.session import Session

    if no_recovery_key and recovery_key_file:
        raise UsageError("A recovery key is either written or not made.", "Leave one of the two options out.")
    if program.home.has_vault():
        raise Refused(f"There is a vault in {program.home.folder} already.", "Choose another folder with --home.")
    if recovery_key_file and os.path.lexists(recovery_key_file):
        raise Refused(f"There is a file {recovery_key_file} already.", "Choose another name.")
    given = program.keyholder.passphrase_file
    passphrase = ask_new("New passphrase") if given is None else read_first_line(given)
    session, recovery = Session.create(program.home, passphrase, declined_recovery=no_recovery_key)
    session.lock()
    key = None if recovery is None else recovery.reveal()
    if key is not None and recovery_key_file:
        _write_key(recovery_key_file, key)
    shown = None if recovery_key_file else key
    lines = [f"Made a vault in {program.home.folder}."]
    if shown:
        lines += ["", f"Recovery key:  {shown}", "", "Write it down and keep it apart: it is not shown again."]
    program.out.show(
        {
            "home": str(program.home.folder),
            "recovery_key": shown,
            "recovery_key_file": str(recovery_key_file) if key and recovery_key_file else None,
        },
        lines,
    )


def _write_key(path: Path, key: str) -> None:
    from jackfield.vault.folder import write_private

    try:
        write_private(path, f"{key}\n".encode())
    except OSError as error:
        message = f"The vault was made, but its recovery key could not be written: {error.strerror}."
        raise HomeError(message, "Make another with: jackfield key add recovery") from None


@click.command()
@json_option
@click.pass_obj
def status(program: Program) -> None:
    """Say whether there is a vault.

    With an option that opens it, also what is in it.
    """
    from jackfield.services.settings import Settings
    from jackfield.services.upkeep import last_backup

    home = program.home
    found = home.has_vault() if home.folder.is_dir() else False
    value: dict[str, object] = {"home": str(home.folder), "vault": "locked" if found else "none"}
    if not found:
        program.out.show(value, [*pairs(value.items()), "Make one with: jackfield init"])
        return
    value["ways_in"] = [str(kind) for kind in home.ways_in()]
    lines = pairs([("home", home.folder), ("vault", "locked"), ("ways in", ", ".join(home.ways_in()))])
    if program.keyholder.is_named:
        with program.session() as session:
            counts = {str(state): number for state, number in session.connections.counts().items()}
            places = session.organizations.page(limit=10_000)
            backed_up = last_backup(session)
            automatic = Settings(session.store).automatic_tests()
        value |= {"vault": "opens", "organizations": len(places), "connections": counts}
        value |= {"automatic_tests": automatic, "last_backup": instant(backed_up)}
        lines = pairs(
            [
                *(
                    ("home", home.folder),
                    ("vault", "opens with what was given"),
                    ("ways in", ", ".join(home.ways_in())),
                ),
                *(("organizations", len(places)), ("connections", sum(counts.values()))),
                *((f"  {state}", number) for state, number in counts.items() if number),
                ("automatic tests", "on" if automatic else "paused: nothing is tested by itself"),
                ("last backup", ago(backed_up)),
            ]
        )
    program.out.show(value, lines)


@click.command()
@json_option
@click.pass_obj
def lock(program: Program) -> None:
    """Ask every open Jackfield to lock.

    Commands open the vault for themselves and close it when they end, so there is nothing else to lock.
    """
    from jackfield.services.anchor import head_code, noted_without_key
    from jackfield.services.presence import ask_to_lock

    asked = ask_to_lock(program.home.folder)
    lines = ["Asked: every open Jackfield locks within ten seconds." if asked else "No Jackfield has this home open."]
    noted = noted_without_key(program.home)
    if noted is not None:
        lines.append(f"Head of the trail: {noted}")
    program.out.show({"asked": asked, "head": head_code(noted.head) if noted else None}, lines)


@click.command()
@click.option("--compact", "compacted", is_flag=True, help="Also write the database anew, without what was deleted.")
@json_option
@click.pass_obj
def doctor(program: Program, compacted: bool) -> int:
    """Examine this machine and this home.

    With an option that opens it, also every page of the database, the trail and the backups. Says what to do about what
    is wrong; the exit code is 1 when anything is.
    """
    from jackfield.services.doctor import Finding, examine, examine_inside
    from jackfield.services.upkeep import compact

    found = list(examine(program.home))
    if compacted or (program.keyholder.is_named and program.home.has_vault()):
        try:
            with program.session() as session:
                found += examine_inside(session)
                if compacted:
                    before, after = compact(session)
                    found.append(Finding("compacted", ok=True, cause=f"{before:,} bytes to {after:,}"))
        except StoreTampered as error:  # met before, or after, every page was looked at
            found.append(Finding("database", ok=False, cause=error.message, next_step=error.next_step))
    value = [{"name": one.name, "ok": one.ok, "cause": one.cause, "next_step": one.next_step} for one in found]
    rows = [("ok" if one.ok else "!", one.name, f"{one.cause}  {one.next_step}".strip()) for one in found]
    program.out.show(value, table(("", "WHAT", "FOUND"), rows))
    return 0 if all(one.ok for one in found) else 1
