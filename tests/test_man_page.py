"""The man page as its readers show it, and the command that each key has."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from jackfield.__main__ import _HELP, _INSTEAD
from jackfield.cli.commands import root
from jackfield.tui.keys import ACTIONS
from twins import TWINS
from write_manual import MANUAL

PAGE = MANUAL / "jackfield.1"
ROOT = Path(__file__).resolve().parents[1]


def commands(group: click.Group = root, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that reach it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def options(command: click.Command) -> set[str]:
    """Every spelling of every option."""
    found = [one for one in command.params if isinstance(one, click.Option)]
    return {name for one in found for name in (*one.opts, *one.secondary_opts)}


@pytest.fixture(scope="module")
def shown() -> str:
    """The page as `man` shows it, in lines too long to be broken."""
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("no man: install man-db and groff-base")
    environ = {"PATH": "/usr/bin:/bin", "MANWIDTH": "400", "LC_ALL": "C.UTF-8", "MANROFFOPT": "-c"}
    done = subprocess.run(["man", "-l", "--warnings", PAGE], env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return re.sub(".\b", "", done.stdout)


def test_another_reader_has_nothing_to_say() -> None:
    """Nothing but that it has no date: it is made anew with each change of a command."""
    if shutil.which("mandoc") is None:
        pytest.skip("no mandoc: install mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGE], capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert [line for line in said if "WARNING: missing date" not in line] == []
    assert len(said) == 1


def test_every_command_is_in_it_with_every_option(shown: str) -> None:
    """Each command has its own part, and its options stand in that part."""
    parts = dict(re.findall(r"^   (\S.*)\n((?:(?! {3}\S|\S).*\n)*)", shown, re.M))
    absent = {
        f"{path} {name}"
        for path, command in commands()
        for name in options(command)
        if not re.search(rf"^ +(?:\S+, )?{name}\b", parts.get(f"jackfield {path}", ""), re.M)
    }
    assert absent == set()
    assert {f"jackfield {path}" for path, _ in commands()} - set(parts) == set()
    assert options(root) - set(re.findall(r"--[a-z-]+", shown.partition("COMMANDS")[0])) == set()


def test_every_action_is_in_it(shown: str) -> None:
    assert [action.id for action in ACTIONS if f"{action.title} ({action.id})." not in shown] == []


def test_every_command_and_option_says_what_it_is() -> None:
    mute = {path for path, command in commands() if not command.help}
    mute |= {
        f"{path} {one.name}"
        for path, command in commands()
        for one in command.params
        if isinstance(one, click.Option) and not one.help
    }
    assert mute == set()


def test_it_comes_with_the_wheel(tmp_path: Path) -> None:
    """Installed, it lies where `man` looks beside the program."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        inside = next(name for name in wheel.namelist() if name.endswith(".data/data/share/man/man1/jackfield.1"))
        assert wheel.read(inside) == PAGE.read_bytes()


def test_every_action_has_a_command_or_says_why_not() -> None:
    """Everything that the palette offers; the commands and their options exist."""
    assert {action.id for action in ACTIONS if action.in_palette} - set(TWINS) == set()
    assert set(TWINS) - {action.id for action in ACTIONS} == set()
    assert [action_id for action_id, twin in TWINS.items() if bool(twin.commands) is bool(twin.why_none)] == []
    assert [words for twin in TWINS.values() for words in twin.commands if not exists(words)] == []


def test_what_the_start_names_is_there() -> None:
    """The short help lists every first word; what it offers in place of the interface can be run."""
    listed = _HELP.rpartition("commands:")[2].split()
    assert sorted(listed) == sorted(root.commands)
    offered = re.findall(r"^  jackfield ([a-z -]+?)(?: [A-Z]+)? {2}", _INSTEAD, re.M)
    assert len(offered) > 5
    assert [words for words in offered if not exists(words)] == []


def exists(words: str) -> bool:
    """Whether the words reach a command that has all the options among them."""
    command: click.Command = root
    wanted = words.split()
    while isinstance(command, click.Group) and wanted and not wanted[0].startswith("-"):
        if wanted[0] not in command.commands:
            return False
        command = command.commands[wanted.pop(0)]
    whole = command is root or not isinstance(command, click.Group)
    return whole and set(wanted) <= options(command) | {"--help"}
