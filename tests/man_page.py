"""The man page, made from the commands as click knows them and from the registry of actions."""

from collections.abc import Iterator

import click

from jackfield import __version__
from jackfield.cli.commands import root
from jackfield.tui.keys import ACTIONS, Action, Place, key_shown
from twins import TWINS

FILES = (
    ("the home", "--home, JACKFIELD_HOME or the platform's data folder; nobody but its owner may read it."),
    ("vault.jackfield", "The header: the ways in. The store beside it holds everything else, encrypted whole."),
    ("keys.yaml", "Keys of your own, one line an action: list.mark: space, x"),
    ("themes/", "Themes of your own, one YAML file each."),
    ("providers/", "Providers of your own, one YAML file each."),
)
ENVIRONMENT = (
    ("JACKFIELD_HOME", "The home, where --home does not say it."),
    ("NO_COLOR", "Any value: bold and reverse instead of colours."),
    ("TERM, COLORTERM", "What the terminal can do. On TERM=linux only ASCII is drawn."),
    ("LC_ALL, LC_CTYPE, LANG", "The first that is set decides; where it is not UTF-8, only ASCII is drawn."),
    ("TMUX, STY", "Inside tmux and screen, what is copied is wrapped so that it reaches the terminal."),
)
EXIT_STATUS = (
    ("0", "Done."),
    ("1", "A test failed, or something examined is not as it should be."),
    ("2", "The command was not understood."),
    ("3", "The vault is locked, or the passphrase or key is wrong."),
    ("4", "There is no such thing."),
    ("5", "Refused, with the reason."),
)


def man_page() -> str:
    """jackfield(1), in the man macros that groff and mandoc both know, in ASCII."""
    lines = [
        '.\\" Written by tests/write_manual.py from the commands and the registry of keys.',
        f'.TH JACKFIELD 1 "" "jackfield {__version__}" "User Commands"',
        *_section("Name", f"jackfield \\- {_roff('connections to other services: stored, sealed and tested')}"),
        *_section("Synopsis", ".B jackfield", ".RI [ options ]", ".br", ".B jackfield"),
        *(".RI [ options ]", ".I command", ".RI [ arguments ]"),
        *_section("Description", *_paragraphs(DESCRIPTION)),
        *_section("Options", *_options(root)),
        *_section("Commands", *_commands(root)),
        *_section("Keys", *_keys()),
    ]
    for title, entries in (("Files", FILES), ("Environment", ENVIRONMENT), ("Exit status", EXIT_STATUS)):
        lines += _section(title, *(line for name, said in entries for line in _entry(f"\\fB{_roff(name)}\\fR", said)))
    return "\n".join(lines) + "\n"


DESCRIPTION = """\
Without a command this is the full-screen interface. With one it prints plain lines, or JSON with --json, and never
enters the alternate screen.

Everything stays in one folder on this machine. The network is used to test a connection, to log in for one, and to ask
its vendor for the choices of a field."""


def _section(title: str, *lines: str) -> Iterator[str]:
    yield f".SH {title.upper()}"
    yield from lines


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _roff(" ".join(paragraph.split()))


def _entry(term: str, said: str) -> Iterator[str]:
    yield ".TP"
    yield term
    yield _roff(said) or "\\&"


def _options(command: click.Command) -> Iterator[str]:
    context = click.Context(command, **command.context_settings)
    for option in command.get_params(context) if command is root else command.params:
        if isinstance(option, click.Option):
            names = ", ".join(f"\\fB{_roff(name)}\\fR" for name in (*option.opts, *option.secondary_opts))
            value = "" if option.is_flag or option.count else f" \\fI{_roff(option.make_metavar(context))}\\fR"
            shown = option.show_default is True and option.default is not None
            said = " ".join(filter(None, (option.help or "", f"By default {option.default}." if shown else "")))
            yield from _entry(names + value, said)


def _commands(group: click.Group, path: str = "jackfield") -> Iterator[str]:
    """Every command below `group`, a subsection each, in the order of the help."""
    for name in group.list_commands(click.Context(group)):
        command = group.commands[name]
        whole = f"{path} {name}"
        if isinstance(command, click.Group):
            yield from _commands(command, whole)
            continue
        context = click.Context(command)
        words = [argument.make_metavar(context) for argument in command.params if isinstance(argument, click.Argument)]
        yield f'.SS "{_roff(whole)}"'
        yield f"\\fB{_roff(whole)}\\fR [\\fIoptions\\fR] \\fI{_roff(' '.join(words))}\\fR".removesuffix(" \\fI\\fR")
        yield ".PP"
        yield from _paragraphs(command.help or "")
        yield from _options(command)


def _keys() -> Iterator[str]:
    yield from _paragraphs(
        "The keys of the full-screen interface. keys.yaml in the home replaces them by the id that stands in brackets. "
        "Each action has a command, or the reason why it needs none."
    )
    for place in Place:
        yield f'.SS "{_roff(place.value)}"'
        for action in ACTIONS:
            if action.place is place:
                keys = ", ".join(_roff(key_shown(key)) for key in action.keys)
                yield from _entry(f"\\fB{keys}\\fR", _action(action))


def _action(action: Action) -> str:
    twin = TWINS.get(action.id)
    command = f"Command: {twin.told()}." if twin and twin.commands else twin.told() if twin else ""
    return " ".join(filter(None, (f"{action.title} ({action.id}).", action.help, command)))


def _roff(text: str) -> str:
    """Text as roff takes it: nothing in it is a request, and what is not ASCII is named by its number."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("`", "\\(ga")
    escaped = escaped.replace("^", "\\(ha").replace("~", "\\(ti")
    shown = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in escaped)
    return f"\\&{shown}" if shown.startswith((".", "'")) else shown
