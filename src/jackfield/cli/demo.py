"""The demo, for one command; the full-screen interface on it starts in `__main__`."""

import click

from jackfield.cli.program import Program
from jackfield.model.errors import UsageError


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def demo(context: click.Context, command: tuple[str, ...]) -> None:
    """Try everything in a throw-away home.

    Two organizations with connections of every kind, and miniature vendors on this machine that answer their tests. No
    packet leaves it, no credential is needed, and nothing is kept. Without a COMMAND the full-screen interface opens;
    with one, as in `jackfield demo -- connection list`, that is run and the demo ends.
    """
    program: Program = context.obj
    if not command:
        raise UsageError(
            "The demo opens the full-screen interface, which takes no options here.",
            "Run jackfield demo by itself, or a command in it: jackfield demo -- connection list",
        )
    if "exec" in command:
        raise UsageError("exec would end the demo that it runs in.", "Try it in a home of your own.")
    from jackfield.demo.home import demo as started

    with started() as made:
        options = ["--home", str(made.home.folder), "--passphrase-file", str(made.passphrase_file)]
        if program.out.json:
            options.append("--json")
        root = context.find_root().command
        given = (made.network, program.umask)
        code = root.main([*options, *command], prog_name="jackfield", standalone_mode=False, obj=given)
    context.exit(code if isinstance(code, int) else 0)
