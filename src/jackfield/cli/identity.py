"""Source identities: credentials kept once that many connections start from."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from jackfield.cli.completing import complete_slugs
from jackfield.cli.output import instant, pairs, table
from jackfield.cli.program import Program, every, json_option
from jackfield.cli.testing import teller
from jackfield.cli.values import SET_HELP, read_fields
from jackfield.cli.views import result_lines, result_value
from jackfield.model.check import CheckResult, Outcome
from jackfield.model.errors import InvalidField

if TYPE_CHECKING:
    from jackfield.model.secret import FieldValue
    from jackfield.providers.contract.spec import Method
    from jackfield.services.identities import Identity, Said
    from jackfield.services.session import Session

set_option = click.option("--set", "fields", multiple=True, metavar="NAME=VALUE", help=SET_HELP)
name_argument = click.argument("name", metavar="IDENTITY")


@click.group()
def identity() -> None:
    """Keep credentials that many connections start from.

    IDENTITY is a name or an id. A connection starts from one by --identity.
    """


@identity.command("list")
@json_option
@click.pass_obj
def list_identities(program: Program) -> None:
    """Every source identity, by name."""
    with program.session() as session:
        values = [_value(session, one) for one in every(lambda after: session.identities.page(after=after))]
    rows = [
        (one["name"], one["provider"], one["kind"], str(len(one["used_by"])), _in_words(one["last_test"]))
        for one in values
    ]
    heads = ("NAME", "PROVIDER", "KIND", "CONNECTIONS", "LAST SAID")
    program.out.show(values, table(heads, rows) or ["No source identity."])


@identity.command()
@click.argument("name")
@click.option("--provider", "slug", metavar="SLUG", required=True, shell_complete=complete_slugs, help="Its provider.")
@click.option("--kind", metavar="KIND", help="What it is; may be left out where the provider has one kind alone.")
@set_option
@json_option
@click.pass_obj
def create(program: Program, name: str, slug: str, kind: str | None, fields: tuple[str, ...]) -> None:
    """Keep a new source identity. Nothing is tested."""
    with program.session() as session:
        vendor, method = session.identities.provider_and_kind(slug, kind or _only_kind(session, slug))
        made = session.identities.create(name, vendor.slug, method.id, _typed(program, method, fields))
        value = _value(session, made)
    lines = [f"Saved {made.name} ({made.id}).", f"  jackfield identity test {made.name}   test it"]
    program.out.show(value, lines)


@identity.command()
@name_argument
@click.option("--fields", is_flag=True, help="Open it and show its fields that are no secrets.")
@json_option
@click.pass_obj
def show(program: Program, name: str, fields: bool) -> None:
    """Show what a source identity is, and which connections start from it."""
    from jackfield.model.secret import Secret

    with program.session() as session:
        found = session.identities.find(name)
        value = _value(session, found)
        opened = session.identities.fields(found, reason="show") if fields else {}
    plain = {field: one for field, one in opened.items() if not isinstance(one, Secret)}
    lines = [
        *pairs((key.replace("_", " "), _shown(key, one)) for key, one in value.items()),
        *(f"  {field} = {one}" for field, one in plain.items()),
    ]
    program.out.show(value | ({"fields": plain} if fields else {}), lines)


@identity.command()
@name_argument
@click.argument("new")
@json_option
@click.pass_obj
def rename(program: Program, name: str, new: str) -> None:
    """Give a source identity another name."""
    with program.session() as session:
        found = session.identities.find(name)
        value = _value(session, session.identities.rename(found, new))
    program.out.show(value, [f"Renamed {found.name} to {new}."])


@identity.command()
@name_argument
@set_option
@json_option
@click.pass_obj
def replace(program: Program, name: str, fields: tuple[str, ...]) -> None:
    """Give a source identity other fields, all of them.

    The connections that start from it use them at once; what tests said of those is forgotten.
    """
    with program.session() as session:
        found = session.identities.find(name)
        _, method = session.identities.provider_and_kind(found.provider, found.method)
        changed = session.identities.replace(found, _typed(program, method, fields))
        value = _value(session, changed)
    lines = [f"Replaced the fields of {changed.name}."]
    if value["used_by"]:
        lines.append(f"Test what starts from it: {', '.join(value['used_by'])}.")
    program.out.show(value, lines)


@identity.command("test")
@name_argument
@click.option("--allow-private", "private", is_flag=True, help="Loopback, private addresses.")
@json_option
@click.pass_obj
def test_identity(program: Program, name: str, private: bool) -> int:
    """Test a source identity by itself; the exit code is 1 when it does not pass."""
    with program.session() as session, program.engine(session) as engine:
        found = session.identities.find(name)
        tell = teller(program)
        job = engine.run(lambda network: session.identities.test(found, network, tell, private_allowed=private))
        result: CheckResult = job.future.result()
    told = result_value(found.name, result)
    value = {"source_identity": told.pop("connection"), **told}
    program.out.show(value, result_lines(found.name, result))
    return 0 if result.outcome is Outcome.PASSED else 1


@identity.command()
@name_argument
@json_option
@click.pass_obj
def delete(program: Program, name: str) -> None:
    """Delete a source identity that no connection starts from."""
    with program.session() as session:
        gone = session.identities.find(name)
        session.identities.delete(gone)
    program.out.show({"id": gone.id, "name": gone.name}, [f"Deleted {gone.name}."])


def _only_kind(session: "Session", slug: str) -> str:
    """Raises NotFound for the provider, InvalidField where it has several kinds; empty where it has none."""
    kinds = [kind.id for kind in session.registry.get(slug).source_identities]
    if len(kinds) > 1:
        raise InvalidField("kind", f"There are {len(kinds)} kinds of it.", f"Choose with --kind: {', '.join(kinds)}.")
    return kinds[0] if kinds else ""


def _typed(program: Program, method: "Method", entries: Iterable[str]) -> "dict[str, FieldValue]":
    """The fields that were said, normalised. Raises UsageError or InvalidField."""
    from jackfield.providers.contract.fields import normalise, read_value

    known = {field.name: field for field in method.fields}
    values: dict[str, FieldValue] = {}
    for name, text in read_fields(method, entries).items():
        typed = normalise(known[name], text)
        if typed.changes:
            program.out.note(f"{name}: {', '.join(typed.changes)}")
        if typed.text:
            values[name] = read_value(known[name], typed.text)
    return values


def _shown(key: str, value: Any) -> Any:
    if key == "last_test":
        return _in_words(value)
    return ", ".join(value) if key == "used_by" else value


def _said(said: "Said | None") -> dict[str, Any] | None:
    """What the last test of its own fields found; None when they were not tested."""
    if said is None:
        return None
    return {"outcome": said.outcome.value, "failure": said.failure and said.failure.value, "at": instant(said.at)}


def _in_words(last: Mapping[str, Any] | None) -> str:
    return f"{last['failure'] or last['outcome']}, {last['at']}" if last else "untested"


def _value(session: "Session", one: "Identity") -> dict[str, Any]:
    """Everything about a source identity but its fields, as JSON. Others rely on its shape."""
    return {
        "id": one.id,
        "name": one.name,
        "provider": one.provider,
        "kind": one.method,
        "used_by": list(session.identities.used_by(one)),
        "last_test": _said(session.identities.last_said(one)),
        "created_at": instant(one.created_at),
        "updated_at": instant(one.updated_at),
    }
