"""Where the program starts. Without a command it is the full-screen interface, which loads no command line library."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jackfield import __version__
from jackfield.model.errors import JackfieldError, UsageError

if TYPE_CHECKING:
    from jackfield.services.link import Link

_HELP: Final = """\
usage: jackfield [options]               the full-screen interface
       jackfield [options] COMMAND …     one command; `jackfield COMMAND --help` says more

options:
  --home DIR            the folder that holds everything (JACKFIELD_HOME; the platform's data folder)
  --passphrase-file F   read the vault's passphrase from the first line of F
  --no-mouse            leave the mouse to the terminal
  --slow-link           draw less; --no-slow-link never does. Otherwise the line to the terminal is measured.
  --plain               plain lines, never the full-screen interface
  --version, --help

commands:
  init  lock  status  doctor  organization  project  provider  connection  identity  import  export
  map  expiry  exec  worker  audit  backup  restore  key  settings
  completion  demo
"""
INTERRUPTED: Final = 130  # as a shell says it
_INSTEAD: Final = """\
Plain lines come from commands. In place of the full-screen interface there are:

  jackfield init                          make a vault
  jackfield connection list               the connections, filtered and sorted
  jackfield connection show CONNECTION    one of them, with its last test
  jackfield connection create PROVIDER    make one; `jackfield provider show PROVIDER` is the guide
  jackfield connection test --all         test them
  jackfield map                           what uses which connection
  jackfield expiry                        what ends, and when
  jackfield audit list                    what was done
  jackfield worker                        test in the background

`jackfield --help` lists every command, `jackfield COMMAND --help` says more, and the manual (man jackfield) names the
command for each key.
"""
_FLAGS: Final = {
    "--no-mouse": "no_mouse",
    "--plain": "plain",
    "--version": "version",
    "--help": "help",
    "-h": "help",
    "--slow-link": "slow_link",
    "--no-slow-link": "no_slow_link",
}
_VALUES: Final = {"--home": "home", "--passphrase-file": "passphrase_file"}


@dataclass(slots=True)
class Options:
    """What stands before the command."""

    home: Path | None = None
    passphrase_file: Path | None = None
    no_mouse: bool = False
    slow_link: bool = False
    no_slow_link: bool = False
    plain: bool = False
    version: bool = False
    help: bool = False


def read_options(arguments: Sequence[str]) -> tuple[Options, list[str]]:
    """The options of the full-screen interface, and the rest from the first word on that is none. Raises UsageError."""
    options, rest = Options(), list(arguments)
    while rest and rest[0].startswith("-"):
        name, given, value = rest[0].partition("=")
        if name not in _FLAGS and name not in _VALUES:
            break
        rest.pop(0)
        if name in _FLAGS and not given:
            setattr(options, _FLAGS[name], True)
        elif name in _VALUES:
            if not given and not rest:
                raise UsageError(f"{name} needs a value.", "jackfield --help lists the options.")
            setattr(options, _VALUES[name], Path(value if given else rest.pop(0)))
        else:
            raise UsageError(f"{name} takes no value.", "jackfield --help lists the options.")
    return options, rest


def _said_link(options: Options) -> "Link | None":
    """What the options say of the line to the terminal. Raises UsageError when they say both."""
    from jackfield.services.link import Link

    if options.slow_link and options.no_slow_link:
        raise UsageError("The line to the terminal is slow or it is not.", "Leave one of the two options out.")
    return Link.SLOW if options.slow_link else Link.FAST if options.no_slow_link else None


def main() -> int:
    """Run what the arguments ask for; gives the exit code."""
    try:
        options, rest = read_options(sys.argv[1:])
        if options.version:
            print(f"jackfield {__version__}")
            return 0
        if not rest and (options.help or options.plain):
            print(_HELP if options.help else _INSTEAD, end="")
            return 0 if options.help else UsageError.exit_code
        shows_demo = rest == ["demo"] and not options.plain
        if (rest and not shows_demo) or options.passphrase_file is not None or "_JACKFIELD_COMPLETE" in os.environ:
            from jackfield import cli

            return cli.main(sys.argv[1:])
        if not (sys.stdin.isatty() and sys.__stderr__ is not None and sys.__stderr__.isatty()):
            raise UsageError("The full-screen interface needs a terminal.", "Give a command: jackfield --help.")
        from jackfield import tui
        from jackfield.services.home import Home

        if shows_demo:
            return tui.run_demo(mouse=not options.no_mouse, link=_said_link(options))
        home = Home(options.home.expanduser().absolute()) if options.home else Home.default()
        return tui.run(home, mouse=not options.no_mouse, link=_said_link(options))
    except JackfieldError as error:
        print(f"jackfield: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # while the demo is made: the interface takes the key for itself
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
