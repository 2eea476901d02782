"""What is set for this home."""

import click

from jackfield.cli.output import pairs
from jackfield.cli.program import Program, json_option
from jackfield.model.errors import UsageError

_NEVER = "never"
_PAUSED = "paused: nothing is tested by itself"
_MOST = 24 * 60  # minutes


@click.group()
def settings() -> None:
    """See and change what is set for this home."""


@settings.command()
@json_option
@click.pass_obj
def show(program: Program) -> None:
    """What is set, and when the last backup was made."""
    from jackfield.services.link import kept_link
    from jackfield.services.settings import Settings

    line = kept_link(program.home.folder)
    with program.session() as session:
        kept = Settings(session.store)
        minutes, last, view = kept.idle_minutes(), kept.last_backup(), kept.list_view()
        in_keyring = kept.head_in_keyring()
        automatic = kept.automatic_tests()
        identities = len(session.identities.page(limit=10_000))
        trusted = session.packages.trusted()
    backup = {"made_at": last.made_at.isoformat(), "file": last.file} if last else None
    lines = pairs(
        [
            ("locks by itself", f"after {minutes} minutes without a key" if minutes else _NEVER),
            ("head of the trail", "in a file and the system's keyring" if in_keyring else "in a file"),
            ("automatic tests", "on" if automatic else _PAUSED),
            ("line to the terminal", line.value),
            ("columns of the list", ", ".join(view.columns)),
            ("order of the list", f"by {view.sort.value}{', descending' if view.descending else ''}"),
            ("last backup", f"{backup['made_at']}: {backup['file']}" if backup else "none was made from this home"),
            ("source identities", identities),
            ("trusted packages", ", ".join(f"{name} {digest[:16]}" for name, digest in sorted(trusted.items()))),
            ("organizations", "not kept apart: whoever unlocks this vault reads all of them"),
        ]
    )
    value = {
        "idle_minutes": minutes,
        "head_in_keyring": in_keyring,
        "automatic_tests": automatic,
        "link": line.value,
        "list": {"columns": list(view.columns), "sort": view.sort.value, "descending": view.descending},
        "last_backup": backup,
        "source_identities": identities,
        "trusted_providers": trusted,
    }
    program.out.show(value, lines)


@settings.command()
@click.argument("minutes")
@json_option
@click.pass_obj
def idle(program: Program, minutes: str) -> None:
    """Minutes without a key after which the full-screen interface locks, or never.

    One that is open already keeps what it was opened with.
    """
    from jackfield.services.settings import Settings

    number = _minutes(minutes)
    with program.session() as session:
        Settings(session.store).keep_idle_minutes(number, session.audit)
    said = f"after {number} minutes without a key" if number else _NEVER
    program.out.show({"idle_minutes": number}, [f"Locks by itself: {said}."])


@settings.command("head-in-keyring")
@click.argument("choice", type=click.Choice(["on", "off"]))
@json_option
@click.pass_obj
def head_in_keyring(program: Program, choice: str) -> None:
    """Whether the head of the trail is kept in the system's keyring as well, to notice an older home.

    It is compared at every start and kept there at every lock, so each start asks the keyring.
    """
    with program.session() as session:
        session.keep_head_in_keyring(wanted=choice == "on")
    said = "kept in the system's keyring, too" if choice == "on" else "not kept in the system's keyring"
    program.out.show({"head_in_keyring": choice == "on"}, [f"The head of the trail: {said}."])


@settings.command("automatic-tests")
@click.argument("choice", type=click.Choice(["on", "paused"]))
@json_option
@click.pass_obj
def automatic_tests(program: Program, choice: str) -> None:
    """Whether anything in this home is tested by itself: on, or paused.

    Every Jackfield that has the home open, workers too, follows within ten seconds; a test under way is finished.
    Schedules stay as they are, and tests by hand go on.
    """
    from jackfield.services.settings import Settings

    on = choice == "on"
    with program.session() as session:
        Settings(session.store).keep_automatic_tests(session.audit, on=on)
    program.out.show({"automatic_tests": on}, [f"Automatic tests: {'on' if on else _PAUSED}."])


@settings.command()
@click.argument("choice", type=click.Choice(["auto", "slow", "fast"]))
@json_option
@click.pass_obj
def link(program: Program, choice: str) -> None:
    """Whether the full-screen interface draws less: always (slow), never (fast), or as the line is measured (auto).

    The vault need not be open. --slow-link and --no-slow-link say it for one time.
    """
    from jackfield.services.link import Link, keep_link

    keep_link(program.home.folder, Link(choice))
    program.out.show({"link": choice}, [f"The line to the terminal: {choice}."])


def _minutes(text: str) -> int | None:
    """Raises UsageError."""
    if text == _NEVER:
        return None
    if not text.isdecimal() or not 1 <= int(text[:6]) <= _MOST:
        raise UsageError("That is no number of minutes.", f"Write 1 to {_MOST}, or never.")
    return int(text)
