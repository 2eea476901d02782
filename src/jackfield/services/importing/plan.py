"""The preview, and carrying it out: what each candidate would become in one place, and why some would not."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from jackfield.model.connection import Connection, Scope
from jackfield.model.errors import HomeError, InvalidField, JackfieldError, LockedError, UsageError
from jackfield.model.names import NAME_LIMIT
from jackfield.model.secret import Secret
from jackfield.providers.contract.fields import first_secret
from jackfield.services.importing.finding import Candidate
from jackfield.services.session import Session


class Standing(StrEnum):
    """What stands against making a connection of a candidate; all but NEW are made only when named by the user."""

    NEW = "new"
    UNCLEAR = "unclear"  # nobody knows which provider is meant
    STORED = "secret stored"  # a connection holds the same secret
    REPEATED = "repeated"  # an earlier candidate has the same secret
    NAMED = "name taken"  # a connection of this name is there
    UNUSABLE = "not usable"  # something is missing, or no provider is known


@dataclass(frozen=True, slots=True)
class Planned:
    """A candidate with the free name it would get. `why` says in words what stands against it; empty for NEW."""

    id: str
    candidate: Candidate
    name: str
    standing: Standing
    why: str = ""

    @property
    def is_possible(self) -> bool:
        return self.standing is not Standing.UNUSABLE


@dataclass(frozen=True, slots=True)
class Done:
    """How one of them ended: the connection that was made, or why none was."""

    planned: Planned
    connection: Connection | None
    error: JackfieldError | None = None


def plan(session: Session, candidates: Iterable[Candidate], scope: Scope) -> tuple[Planned, ...]:
    """What would become of each candidate in this place, what cannot be made last. Nothing is written."""
    planner = _Planner(session, scope)
    rows = [planner.planned(f"{one.source}-{number}", one) for number, one in enumerate(candidates)]
    return tuple(sorted(rows, key=lambda row: not row.is_possible))


def counts(rows: Iterable[Planned]) -> dict[Standing, int]:
    """How many stand how, in the order of Standing."""
    found = Counter(row.standing for row in rows)
    return {standing: found[standing] for standing in Standing if found[standing]}


def choose(rows: Iterable[Planned], only: Iterable[str] = ()) -> tuple[Planned, ...]:
    """Those that are made: the new ones, or those that are named, by the name they get.

    Raises UsageError for a name that none of them has, or one that cannot be made.
    """
    known = {row.name: row for row in rows if row.is_possible}
    refused = {row.name: row for row in rows if not row.is_possible}
    names = tuple(dict.fromkeys(only))
    for name in names:
        if name not in known and name in refused:
            raise UsageError(f"{name} cannot be imported: {refused[name].why}", "Leave it out.")
        if name not in known:
            raise UsageError(f"Nothing that was found is called {name[:NAME_LIMIT]}.", "Look with --dry-run.")
    return tuple(known[name] for name in names) or tuple(row for row in rows if row.standing is Standing.NEW)


def carry_out(session: Session, rows: Iterable[Planned], scope: Scope) -> Iterator[Done]:
    """Make the connections one after the other, each in a transaction of its own with its entry in the trail.

    Whoever stops asking stops it: what was made stays, and nothing is half made. Raises LockedError and HomeError;
    what is wrong with one connection is told in its place.
    """
    for row in rows:
        one = row.candidate
        if one.definition is None:
            continue
        definition = replace(one.definition, name=row.name)
        reason = f"import {one.source}"
        try:
            made = session.connections.create(scope, definition, one.fields, expires_at=one.expires_at, reason=reason)
        except (LockedError, HomeError):
            raise
        except JackfieldError as error:
            yield Done(row, None, error)
        else:
            yield Done(row, made)


class _Planner:
    """Remembers the names and secrets of the candidates before."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self._session = session
        self._scope = scope
        self._taken: set[str] = set()
        self._numbers: Counter[str] = Counter()  # name → the last number behind it
        self._holders: dict[str, str] = {}  # digest of a secret → name of its candidate

    def planned(self, row_id: str, one: Candidate) -> Planned:
        if one.why_not or one.definition is None:
            return Planned(row_id, one, one.name, Standing.UNUSABLE, one.why_not)
        standing, why = self._judge(one)
        name = self._free_name(one.name)
        if standing is Standing.NEW and not self._is_free(one.name):
            standing, why = Standing.NAMED, f"{one.name} is there already; this would be {name}."
        return Planned(row_id, one, name, standing, why)

    def _judge(self, one: Candidate) -> tuple[Standing, str]:
        secret = self._own_secret(one)
        if secret is not None:
            held = self._session.connections.with_secret(secret)
            if held:
                return Standing.STORED, f"{held[0].name} holds the same secret."
            digest = self._session.vault.digest(secret)
            if digest in self._holders:
                return Standing.REPEATED, f"{self._holders[digest]} has the same secret."
            if not one.unclear:
                self._holders[digest] = one.name
        return (Standing.UNCLEAR, one.unclear) if one.unclear else (Standing.NEW, "")

    def _own_secret(self, one: Candidate) -> Secret | None:
        """The secret by which two are the same; None where it is one that many connections may start from."""
        if one.definition is None:
            return None
        provider, method = self._session.connections.provider_and_method(one.definition.provider, one.definition.method)
        found = first_secret(method, one.fields)
        lent = {name for identity in provider.source_identities for name in identity.lends.get(method.id, {})}
        return None if found is None or found[0] in lent else found[1]

    def _free_name(self, name: str) -> str:
        """The name, or it with the first number that nothing has there; it is taken then."""
        free = name
        while free in self._taken or not self._is_free(free):
            self._numbers[name] += 1
            ending = f"-{self._numbers[name] + 1}"
            free = name[: NAME_LIMIT - len(ending)].rstrip("-") + ending
        self._taken.add(free)
        return free

    def _is_free(self, name: str) -> bool:
        try:
            self._session.connections.require_free(self._scope, name)
        except InvalidField:
            return False
        return True
