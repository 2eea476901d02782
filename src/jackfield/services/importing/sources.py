"""The sources, and looking into them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jackfield.model.errors import NotFound, UsageError
from jackfield.providers.contract.paste import assignments
from jackfield.providers.contract.registry import Registry
from jackfield.services.importing import aws, environment, gh, glab, netrc, pg_service, pgpass
from jackfield.services.importing.finding import Candidate, Finding, candidate_of
from jackfield.services.importing.machine import RECORD_LIMIT, Machine, no_file, read_text, shown, too_many


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one tool, and how their texts are read. The environment has no file of its own."""

    name: str
    title: str
    places: Callable[[Machine], Sequence[Path]]
    read: Callable[[Sequence[str]], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a source, or one of its files, was not read."""

    source: str
    message: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What one source holds. `files` are those that were read."""

    source: str
    title: str
    files: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    @property
    def is_here(self) -> bool:
        return bool(self.files or self.candidates or self.troubles)


ENVIRONMENT: Final = Source(environment.SOURCE, "Environment variables", lambda _: (), lambda _: iter(()))
_PG_SERVICE: Final = Source("pg-service", "PostgreSQL services", pg_service.places, pg_service.read)
SOURCES: Final = (
    ENVIRONMENT,
    Source("aws", "AWS profiles", aws.places, aws.read),
    _PG_SERVICE,  # before the passwords alone, for a service says more
    Source("pgpass", "PostgreSQL passwords", pgpass.places, pgpass.read),
    Source("gh", "GitHub's gh", gh.places, gh.read),
    Source("glab", "GitLab's glab", glab.places, glab.read),
    Source("netrc", ".netrc", netrc.places, netrc.read),
)


def source(name: str) -> Source:
    """Raises NotFound."""
    for one in SOURCES:
        if one.name == name:
            return one
    raise NotFound("There is no such source.", f"There are {', '.join(one.name for one in SOURCES)}.")


def look(registry: Registry, machine: Machine, wanted: Source, file: Path | None = None) -> Looked:
    """Read one source: its files at their usual places, or `file` alone. What cannot be read is told in the result."""
    texts: dict[Path, str] = {}
    troubles: list[Trouble] = []
    for path in [file] if file is not None else wanted.places(machine):
        try:
            text = _read(machine, path, named=file is not None)
        except UsageError as error:
            troubles.append(Trouble(wanted.name, error.message, error.next_step))
        else:
            texts |= {} if text is None else {path: text}
    try:
        candidates = tuple(_candidates(registry, machine, wanted, texts, whole=file is None))
    except UsageError as error:
        files = ", ".join(map(shown, texts))
        troubles.append(Trouble(wanted.name, f"{files}: {error.message}", error.next_step))
        candidates = ()
    return Looked(wanted.name, wanted.title, tuple(map(shown, texts)), candidates, tuple(troubles))


def _read(machine: Machine, path: Path, *, named: bool) -> str | None:
    """Raises UsageError, for a named file also when there is none."""
    if not named:
        return machine.read(path)
    text = read_text(path)
    if text is None:
        raise no_file(path)
    return text


def _candidates(
    registry: Registry, machine: Machine, wanted: Source, texts: dict[Path, str], *, whole: bool
) -> Iterator[Candidate]:
    """Raises UsageError for a file that cannot be read, or holds too much."""
    if wanted is ENVIRONMENT:
        variables = dict(machine.environment) if whole else assignments("\n".join(texts.values()))
        if len(variables) > RECORD_LIMIT:
            raise too_many("variables")
        yield from environment.candidates(registry, variables)
        return
    findings = wanted.read(tuple(texts.values()))
    if wanted is _PG_SERVICE and whole:
        (passwords,) = (texts.pop(place, "") for place in pgpass.places(machine))
        findings = pg_service.read(tuple(texts.values()), passwords)
    for finding in tuple(findings):  # a source that holds too much gives nothing
        yield candidate_of(registry, wanted.name, finding)
