"""What every command is given: the home, how to open it, the way out, and where to speak."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jackfield.cli.keyholder import Keyholder
from jackfield.cli.output import Output
from jackfield.model.errors import NotFound, Refused, UsageError, WrongPassphrase

if TYPE_CHECKING:
    from jackfield.model.connection import Connection, Organization, Project
    from jackfield.net.network import Network
    from jackfield.services.engine import Engine
    from jackfield.services.home import Home
    from jackfield.services.identities import Identity
    from jackfield.services.session import Session
    from jackfield.vault.sources import KeySource

Result = TypeVar("Result")
Named = TypeVar("Named", bound="Organization | Project | Identity")
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class Program:
    """One run of the command line. `umask` is the one it was started with."""

    home: "Home"
    keyholder: Keyholder
    network: "Callable[[], Network] | None"
    out: Output
    umask: int
    opened_with: "KeySource | None" = field(default=None, init=False)

    @contextmanager
    def session(self) -> "Iterator[Session]":
        """The vault unlocked, until the command ends. Raises NotFound without a vault, or what unlocking raises."""
        session = self.unlock()
        try:
            yield session
        finally:
            session.lock()

    def unlock(self) -> "Session":
        """The vault unlocked; the caller locks it."""
        from jackfield.services.session import Session
        from jackfield.vault.vault import Vault

        if not self.home.has_vault():
            raise NotFound(f"There is no vault in {self.home.folder}.", "Make one with: jackfield init")

        def open_with(source: "KeySource") -> Session:
            return Session.open(self.home, lambda: Vault.unlock_with(self.home.folder, source))

        session = self.with_key(open_with)
        for warning in session.warnings:
            self.out.note(f"jackfield: {warning}")
        return session

    def with_key(self, action: "Callable[[KeySource], Result]") -> "Result":
        """Do what needs the vault's key, with what the options say, the keyring, or what a person types.

        A keyring that lost its entry or stays locked is passed over. Raises what `action` raises with the last.
        """
        from jackfield.vault.slots import SlotKind

        for source in self.keyholder.sources(self.home):
            self.opened_with = source
            try:
                return action(source)
            except (WrongPassphrase, Refused):
                if source.kind is not SlotKind.KEYRING:
                    raise
        raise AssertionError("the last source opens or raises")

    @contextmanager
    def engine(self, session: "Session") -> "Iterator[Engine]":
        """An engine for this session, which stops with it."""
        from jackfield.net.network import Network
        from jackfield.services.engine import Engine

        engine = Engine(session, network=self.network or Network)
        engine.start()
        try:
            yield engine
        finally:
            engine.stop()


def show_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.obj.out.json = True


json_option = click.option(
    "--json", is_flag=True, expose_value=False, callback=show_json, help="Print JSON instead of lines."
)
organization_option = click.option("-o", "--organization", metavar="ORG", help="The organization.")
project_option = click.option("-p", "--project", metavar="PROJECT", help="A project of the organization.")


def described(command: Command) -> Command:
    """A command about one connection: its name, or `organization/name`, or `organization/project/name`, or its id."""
    for decorate in (project_option, organization_option, click.argument("name", metavar="CONNECTION")):
        command = decorate(command)
    return command


def find_places(
    session: "Session", organization: str | None, project: str | None
) -> "tuple[Organization | None, Project | None]":
    """The named places. Raises NotFound, or UsageError when several organizations have a project of that name."""
    if organization is not None:
        place = session.organizations.named(organization)
        return place, None if project is None else session.projects.named(place.id, project)
    if project is None:
        return None, None
    found: list[tuple[Organization, Project]] = []
    for place in every(lambda after: session.organizations.page(after=after)):
        with suppress(NotFound):
            found.append((place, session.projects.named(place.id, project)))
    if not found:
        raise NotFound(f"There is no project {project}.", "List them with: jackfield project list -o ORG")
    if len(found) > 1:
        raise UsageError(f"{len(found)} organizations have a project {project}.", "Name one with -o ORG.")
    return found[0]


def every(page: "Callable[[str], tuple[Named, ...]]") -> "Iterator[Named]":
    """All there are, page after page by name."""
    after = ""
    while found := page(after):
        yield from found
        after = found[-1].name


def find_connection(session: "Session", name: str, organization: str | None, project: str | None) -> "Connection":
    """The connection a command means. Raises NotFound, or UsageError when several have the name."""
    *places, name = name.split("/", 2)
    if places:
        organization, project = places[0], places[1] if len(places) > 1 else project
    place, inner = find_places(session, organization, project)
    return session.connections.find(
        name, organization_id=place.id if place else None, project_id=inner.id if inner else None
    )


def started_umask() -> int:
    """The umask this process was started with; from here on nothing it makes is open to others."""
    return os.umask(0o077)
