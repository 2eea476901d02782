"""Providers that installed packages offer: which there are, and which of them may run."""

import sys
from typing import TYPE_CHECKING

import click

from jackfield.cli.output import pairs, table
from jackfield.cli.program import Program, json_option
from jackfield.model.errors import Refused, UsageError

if TYPE_CHECKING:
    from jackfield.services.packages import Offer


@click.command()
@json_option
@click.pass_obj
def packages(program: Program) -> None:
    """What installed packages offer, and whether it is trusted.

    Nothing of a package runs before it is.
    """
    with program.session() as session:
        found = [(one, str(session.packages.standing(one))) for one in session.packages.offers()]
        gone = sorted(session.packages.trusted().keys() - {one.name for one, _ in found})
    rows = [_shown(one) | {"standing": standing, "reason": one.why_not or None} for one, standing in found]
    rows += [{"name": name, "standing": "trusted, and not installed"} for name in gone]
    lines = [
        *table(
            ("NAME", "OFFERED BY", "STANDING", "DIGEST"),
            [(one.name, one.distribution, standing, one.digest[:16]) for one, standing in found]
            + [(name, "", "trusted, and not installed", "") for name in gone],
        ),
        *(f"{one.name} cannot be used: {one.why_not}." for one, _ in found if one.why_not),
    ]
    program.out.show(rows, lines or ["No installed package offers a provider."])


@click.command()
@click.argument("name")
@click.option("--digest", metavar="DIGEST", help="Trust just this digest, without asking.")
@json_option
@click.pass_obj
def trust(program: Program, name: str, digest: str | None) -> None:
    """Let a provider of an installed package run, as long as its files stay as they are.

    It shows what it is and asks. Its Python runs in this program, with all that the program can do.
    """
    with program.session() as session:
        if digest is None:
            digest = _agreed(program, session.packages.offered(name))
        offer = session.packages.trust(name, digest)
    program.out.show(_shown(offer), [f"The provider {name} of {offer.distribution} is used from now on."])


@click.command()
@click.argument("name")
@json_option
@click.pass_obj
def distrust(program: Program, name: str) -> None:
    """Let a provider of a package run no more. Its connections stay, and cannot be tested."""
    with program.session() as session:
        session.packages.distrust(name)
    program.out.show({"name": name}, [f"The provider {name} is not used any more."])


def _agreed(program: Program, offer: "Offer") -> str:
    """The digest, once a person said yes to it. Raises UsageError where nobody can be asked, Refused for a no."""
    for line in pairs(
        [
            ("provider", offer.name),
            ("offered by", offer.distribution),
            ("package", offer.package),
            ("folder", offer.folder),
            ("files", len(offer.files)),
            ("digest", offer.digest),
        ]
    ):
        program.out.note(line)
    program.out.note("Its Python would run in this program, with all that the program can do.")
    if program.out.json or not sys.stdin.isatty():
        raise UsageError(
            "Nothing was trusted: nobody can be asked here.", "Look at its files, then give --digest DIGEST."
        )
    if not click.confirm("Trust it?", err=True):
        raise Refused("Nothing was trusted.", "Until it is, nothing of the package runs.")
    return offer.digest


def _shown(offer: "Offer") -> dict[str, object]:
    return {
        "name": offer.name,
        "offered_by": offer.distribution,
        "package": offer.package,
        "folder": str(offer.folder) if offer.digest else None,
        "files": len(offer.files),
        "digest": offer.digest or None,
    }
