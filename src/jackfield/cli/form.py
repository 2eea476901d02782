"""Making and editing connections: the guided form, filled from the words of a command."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from jackfield.cli.completing import complete_uses
from jackfield.cli.login import log_in_form, needs_login, way_option
from jackfield.cli.program import (
    Program,
    described,
    find_connection,
    find_places,
    json_option,
    project_option,
)
from jackfield.cli.provider import method_of, method_option, slug_argument
from jackfield.cli.testing import teller
from jackfield.cli.values import SET_HELP, read_fields, read_uses
from jackfield.cli.views import connection_value, result_lines, result_value
from jackfield.model.check import CheckResult, Outcome
from jackfield.model.connection import Connection, Scope
from jackfield.model.errors import InvalidField, NotFound, UsageError
from jackfield.model.secret import Stored

if TYPE_CHECKING:
    from jackfield.services.engine import Engine
    from jackfield.services.form import Form
    from jackfield.services.identities import Identity
    from jackfield.services.session import Session

Command = TypeVar("Command", bound=Callable[..., Any])

_NONE: Final = "none"  # in the place of a source identity


def form_options(command: Command) -> Command:
    """What may be said both when a connection is made and when it is edited; what is not said is None or empty."""
    options = (
        click.option(
            "--use",
            "uses",
            multiple=True,
            metavar="ID",
            shell_complete=complete_uses,
            help="What the connection is for; several times.",
        ),
        click.option("--target", "targets", multiple=True, metavar="USE.NAME=VALUE", help="A target value of a use."),
        click.option("--set", "fields", multiple=True, metavar="NAME=VALUE", help=SET_HELP),
        click.option("--identity", metavar="IDENTITY|none", help="The source identity that it starts from."),
        click.option("--description", help="At most 256 characters."),
        click.option(
            "--tag", "tags", multiple=True, metavar="TAG", help="A tag; several times. Replaces those before."
        ),
        click.option("--every", metavar="MINUTES|off", help="How often it is tested by itself."),
        click.option("--expires", metavar="DATE", help="The end of the credential, as 2027-03-31; none takes it back."),
        click.option(
            "--accept-unverified", "unverified", is_flag=True, help="Agree to a peer whose certificate is not verified."
        ),
        click.option("--allow-private/--forbid-private", "private", default=None, help="Loopback, private addresses."),
        click.option(
            "--allow-attempts/--forbid-attempts", "attempts", default=None, help="Calls that must be refused."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@slug_argument
@click.option("-o", "--organization", metavar="ORG", required=True, help="The organization.")
@project_option
@click.option("--name", required=True, help="Its name: a-z, 0-9 and hyphens.")
@method_option
@form_options
@click.option("--like", metavar="CONNECTION", help="Take what is not said from another one; never its secrets.")
@way_option
@click.option("--untested", is_flag=True, help="Save it without a test.")
@click.option("--platform-managed", is_flag=True, help="Take its secret over at once: only Jackfield knows it then.")
@json_option
@click.pass_obj
def create(
    program: Program,
    /,
    slug: str | None,
    organization: str | None,
    project: str | None,
    name: str,
    method: str | None,
    like: str | None,
    way: str | None,
    untested: bool,
    platform_managed: bool,
    **said: Any,
) -> int:
    """Make a connection: test what is given, then save it.

    It is not saved when the test fails; --untested saves it without one. Where the method has a login and no token is
    given, you log in first.
    """
    from jackfield.services.trial import Trial, save_form

    with program.session() as session:
        place, inner = find_places(session, organization, project)
        form = _new_form(session, slug, method, like)
        if place is not None:
            form.scope = Scope(place.id, inner.id if inner else None)
        if form.scope is None:
            raise NotFound("There is no such organization.", "List them with: jackfield organization list")
        form.name = name
        if said["identity"] is not None:
            form.identity = _identity_for(session, form, said["identity"])
        _fill(program, form, said)
        _require_whole(form)
        session.connections.require_free(form.scope, form.definition().name)  # before a login is spent on it
        with program.engine(session) as engine:
            log_in_form(program, session, engine, form, way)
            result = None if untested else _tested(program, session, engine, form)
            if result is not None and result.outcome is Outcome.FAILED:
                program.out.show(
                    {"connection": None, "test": result_value(name, result)},
                    [*result_lines(name, result), "Not saved. Mend it, or save it anyway with --untested."],
                )
                return 1
            made = save_form(session, form, None if result is None else Trial.of(form, result))
            if platform_managed:
                _, result = engine.take_over(made).future.result()
        _show_saved(program, session, form, session.connections.get(made.id), result)
    return 0


@click.command()
@click.argument("like", metavar="CONNECTION")
@click.option("-o", "--organization", metavar="ORG", help="Where the new one belongs; left out, where the other does.")
@project_option
@click.option("--name", required=True, help="The name of the new one: a-z, 0-9 and hyphens.")
@form_options
@way_option
@click.option("--untested", is_flag=True, help="Save it without a test.")
@json_option
@click.pass_context
def clone(context: click.Context, /, **said: Any) -> int:
    """Make a connection like another one.

    It has everything of that but its name, its secrets and the end of its credential: give secrets with --set.
    """
    code: int = context.invoke(create, slug=None, method=None, platform_managed=False, **said)
    return code


@click.command()
@described
@click.option("--name", "new_name", metavar="NEW", help="Another name.")
@click.option("--clear", "cleared", multiple=True, metavar="FIELD", help="Empty a field; several times.")
@form_options
@json_option
@click.pass_obj
def edit(
    program: Program,
    /,
    name: str,
    organization: str | None,
    project: str | None,
    new_name: str | None,
    cleared: tuple[str, ...],
    **said: Any,
) -> None:
    """Change what is said and leave the rest.

    A new address needs the secret again. Nothing is tested.
    """
    from jackfield.services.connections import Changes

    with program.session() as session:
        found = find_connection(session, name, organization, project)
        touched = bool(said["fields"] or cleared or said["identity"] is not None)
        form = _edited_form(session, found, opened=touched)
        form.name = new_name or found.name
        if said["identity"] is not None:
            form.identity = _identity_for(session, form, said["identity"])
        _fill(program, form, said)
        for field in cleared:
            _clear(form, field)
        if touched and (unconfirmed := form.unconfirmed()) is not None:
            raise unconfirmed
        changed = session.connections.edit(
            found,
            Changes(form.definition(), form.inputs(), form.identity) if touched else Changes(form.definition(), {}),
        )
        if said["expires"] is not None:
            changed = session.connections.set_expiry(changed, form.expires_at())
        _show_saved(program, session, form, changed, None)


def _identity_for(session: "Session", form: "Form", said: str) -> "Identity | None":
    """The one that is said; None for none. Raises NotFound, or InvalidField where the form cannot start from it."""
    if said == _NONE:
        return None
    identity = session.identities.find(said)
    session.identities.require_fit(identity, form.provider.slug, form.method_id)
    return identity


def _new_form(session: "Session", slug: str | None, method: str | None, like: str | None) -> "Form":
    """An empty form, or one that starts from another connection without its secrets."""
    from jackfield.services.form import Form
    from jackfield.services.trial import cloned_form

    model = None if like is None else find_connection(session, like, None, None)
    provider = session.registry.get(slug or (model.provider if model is not None else ""))
    form = Form.new(provider)
    if model is not None:
        if model.provider != provider.slug:
            raise UsageError(f"{model.name} is a {model.provider} connection.", f"Make a {model.provider} one like it.")
        form = cloned_form(session, model)
    elif method is None:
        method = method_of(provider, None).id
    if method is not None:
        form.choose_method(method_of(provider, method).id)
    return form


def _edited_form(session: "Session", connection: Connection, *, opened: bool) -> "Form":
    """The form of a stored connection; its credential is opened only where one of its fields changes."""
    from jackfield.services.form import Form
    from jackfield.services.trial import stored_form

    if opened:
        return stored_form(session, connection)
    return Form.of(session.registry.get(connection.provider), connection, {})


def _fill(program: Program, form: "Form", said: dict[str, Any]) -> None:
    """Put into the form what was said. Raises InvalidField or UsageError."""
    from jackfield.services.requirements import near_address, require_uses
    from jackfield.services.schedule import read_minutes

    if said["uses"] or said["targets"]:
        chosen = said["uses"] or tuple(form.uses)
        for intended in read_uses(form.provider, chosen, said["targets"]):
            kept = {} if said["uses"] else form.uses.get(intended.use, {})
            form.uses[intended.use] = kept | intended.targets
        form.uses = {use: targets for use, targets in form.uses.items() if use in chosen}
        require_uses(form.provider, form.method, form.intended())
    for name, text in read_fields(form.method, said["fields"]).items():
        if form.identity is not None and name in form.lent:
            raise InvalidField(
                name,
                f"The source identity {form.identity.name} gives this field.",
                "Leave it out, or say --identity none.",
            )
        typed = form.type(name, text)
        if typed.changes:
            program.out.note(f"{name}: {', '.join(typed.changes)}")
    form.description = form.description if said["description"] is None else said["description"]
    form.tags = said["tags"] or form.tags
    form.every_minutes = form.every_minutes if said["every"] is None else read_minutes(said["every"])
    form.expires = "" if said["expires"] in (None, "none") else said["expires"]
    form.attempts_allowed = form.attempts_allowed if said["attempts"] is None else said["attempts"]
    form.private_allowed = form.private_allowed if said["private"] is None else said["private"]
    near = near_address(form.provider, form.method, form.readable()) if said["private"] is None else ""
    if near and said["fields"] and not form.private_allowed:
        form.private_allowed = True
        program.out.note(f"{near} is private or this machine itself: allowed, since you named it.")
    if said["unverified"]:
        form.accept_unverified()


def _require_whole(form: "Form") -> None:
    """Raise InvalidField for the first thing that is wrong, or for a field that these values leave unused.

    What a login will fill may be missing.
    """
    obtained = {field.name for field in form.obtained()}
    filled_later = obtained if needs_login(form) else frozenset()
    for problem in form.problems():
        if problem.field not in filled_later:
            raise problem
    asked = {field.name for field in form.asked()} | obtained
    for field in form.method.fields:
        if form.texts.get(field.name) and field.name not in asked and field.default is None:
            raise InvalidField(field.name, f"{field.label} is not used with these other values.", "Leave it out.")


def _clear(form: "Form", name: str) -> None:
    field = next((one for one in form.method.fields if one.name == name), None)
    if field is None:
        known = ", ".join(one.name for one in form.method.fields)
        raise InvalidField(name, f"{form.method.name} has no field {name[:40]}.", f"Its fields are {known}.")
    form.set_stored(name, Stored.CLEARED)


def _tested(program: Program, session: "Session", engine: "Engine", form: "Form") -> CheckResult:
    from jackfield.services.trial import draft_to_test

    result: CheckResult = engine.test_draft(draft_to_test(session, form), teller(program)).future.result()
    return result


def _show_saved(
    program: Program, session: "Session", form: "Form", made: Connection, result: CheckResult | None
) -> None:
    from jackfield.services.trial import ready_commands

    lines = [] if result is None else list(result_lines(made.name, result))
    lines.append(f"Saved {made.name} ({made.id}), {made.state.value}.")
    lines += [f"  {command.line}   {command.does}" for command in ready_commands(form, made)]
    value = connection_value(session, made) | {"test": result_value(made.name, result) if result else None}
    program.out.show(value, lines)
