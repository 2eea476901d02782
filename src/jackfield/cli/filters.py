"""Filters kept under a name: listed, saved, forgotten. `connection list --saved` uses them."""

import click

from jackfield.cli.output import table
from jackfield.cli.program import Program, json_option


@click.command()
@click.option("--save", metavar="NAME", help="Keep FILTER under this name.")
@click.option("--drop", metavar="NAME", help="Forget the filter of this name.")
@click.argument("words", nargs=-1, metavar="[FILTER…]")
@json_option
@click.pass_obj
def filters(program: Program, save: str | None, drop: str | None, words: tuple[str, ...]) -> None:
    """List saved filters, or save or forget one."""
    from jackfield.services.filters import SavedFilters

    if bool(words) != bool(save):
        raise click.UsageError("A filter is saved by --save NAME FILTER…")
    with program.session() as session:
        saved = SavedFilters(session.store)
        if save:
            saved.save(save, " ".join(words))
        if drop:
            saved.drop(drop)
        found = saved.all()
    value = [{"name": one.name, "filter": one.text} for one in found]
    program.out.show(value, table(("NAME", "FILTER"), [(one.name, one.text) for one in found]) or ["No saved filter."])
