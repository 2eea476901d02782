"""The root of the commands, and how a command ends: its exit code, and its errors in one or two lines."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from jackfield import __version__
from jackfield.cli.audit import audit
from jackfield.cli.completing import complete_files
from jackfield.cli.connection import connection
from jackfield.cli.copies import backup, restore
from jackfield.cli.demo import demo
from jackfield.cli.exchange import export, import_
from jackfield.cli.identity import identity
from jackfield.cli.key import key
from jackfield.cli.keyholder import Keyholder
from jackfield.cli.output import Output
from jackfield.cli.overviews import expiry, map_
from jackfield.cli.packages import distrust, packages, trust
from jackfield.cli.places import organization, project
from jackfield.cli.program import Program, started_umask
from jackfield.cli.provider import provider
from jackfield.cli.running import exec_, worker
from jackfield.cli.settings import settings
from jackfield.cli.vault import doctor, init, lock, status
from jackfield.model.errors import InUse, JackfieldError
from jackfield.services.home import Home
from jackfield.text import cleaned
from jackfield.vault.process import harden_process

if TYPE_CHECKING:
    from jackfield.net.network import Network

_INTERRUPTED = 130  # as a shell says it
_REFUSED = 5
_FAULT = "Jackfield met an error of its own ({})."


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done, 1 a test failed, 2 usage, 3 locked or wrong passphrase, 4 not found, 5 refused.",
)
@click.version_option(__version__, message="jackfield %(version)s")
@click.option("--home", type=click.Path(path_type=Path), help="The folder that holds everything (JACKFIELD_HOME).")
@click.option(
    "--passphrase-file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Read the passphrase from a file's first line, - or fd:N.",
)
@click.option(
    "--recovery-key-file",
    metavar="FILE",
    shell_complete=complete_files,
    help="Open the vault with the recovery key, read likewise.",
)
@click.option("--key-file", type=click.Path(path_type=Path), help="Open the vault with a key file.")
@click.option("--json", is_flag=True, help="Print JSON instead of lines.")
@click.option(
    "--plain", is_flag=True, help="Plain lines, never the full-screen interface; commands print nothing else."
)
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal in the full-screen interface.")
@click.option("--slow-link/--no-slow-link", default=None, help="Draw less there, or never; else the line is measured.")
@click.pass_context
def root(
    context: click.Context,
    home: Path | None,
    passphrase_file: str | None,
    recovery_key_file: str | None,
    key_file: Path | None,
    json: bool,
    plain: bool,
    no_mouse: bool,
    slow_link: bool | None,
) -> None:
    """Connections to other services: stored, sealed and tested."""
    del plain, no_mouse, slow_link
    network, umask = context.obj
    place = Home.default() if home is None else Home(home.expanduser().absolute())
    keyholder = Keyholder(passphrase_file, recovery_key_file, key_file)
    context.obj = Program(place, keyholder, network, Output(json=json), umask)


for _command in (
    *(init, lock, status, doctor, organization, project, provider, identity, connection),
    *(import_, export, map_, expiry, exec_, worker, audit, key, backup, restore, settings, demo),
):
    root.add_command(_command)
for _command in (packages, trust, distrust):
    provider.add_command(_command)


@root.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that makes the shell complete commands, options, providers and their uses.

    In ~/.bashrc: eval "$(jackfield completion bash)"

    In ~/.zshrc, after compinit: eval "$(jackfield completion zsh)"

    In ~/.config/fish/config.fish: jackfield completion fish | source
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    if complete is not None:
        click.echo(complete(root, {}, "jackfield", "_JACKFIELD_COMPLETE").source())


def run(arguments: Sequence[str], network: "Callable[[], Network] | None") -> int:
    """Run a command and give its exit code. No traceback leaves it for anything a user can bring about."""
    umask = started_umask()
    harden_process()
    for stream in (sys.stdout, sys.stderr):
        _never_fail(stream)
    try:
        code = root.main(list(arguments), prog_name="jackfield", standalone_mode=False, obj=(network, umask))
    except JackfieldError as error:
        return _fail(error.message, *_uses(error), error.next_step, code=error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "jackfield"
        return _fail(error.format_message(), f"More: {path} --help", code=error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("Interrupted.", code=_INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last line: a traceback could show what its frames hold
        return _fail(_FAULT.format(type(error).__name__), "If it stays so, please report it.", code=_REFUSED)
    except SystemExit as ended:  # a request of the shell's completion, or a help text that nobody read to its end
        code = ended.code
    return code if isinstance(code, int) else 0


def _uses(error: JackfieldError) -> tuple[str, ...]:
    return tuple(f"  {use}" for use in error.uses) if isinstance(error, InUse) else ()


def _fail(message: str, *more: str, code: int) -> int:
    lines = (f"jackfield: {message}", *filter(None, more))
    click.echo("\n".join(cleaned(line) for line in lines), err=True)
    return code


def _never_fail(stream: TextIO) -> None:
    """A character the terminal's encoding does not have is written as its number."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
