"""A machine of its own to look at, with files as the tools write them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.providers.contract.registry import Registry
from jackfield.services.importing.finding import Candidate
from jackfield.services.importing.machine import Machine
from jackfield.services.importing.sources import Looked, look, source

Write = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    home = tmp_path / "user"
    home.mkdir()
    return Machine(home, {})


@pytest.fixture
def write(machine: Machine) -> Write:
    """Writes a private file below the user's home."""

    def put(name: str, text: str) -> Path:
        file = machine.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o600)
        return file

    return put


Look = Callable[[str], Looked]


@pytest.fixture
def looked(registry: Registry, machine: Machine) -> Look:
    """Reads one source of the machine."""
    return lambda name: look(registry, machine, source(name))


def by_name(found: Looked) -> dict[str, Candidate]:
    """The candidates, each name once."""
    assert found.troubles == ()
    names = {one.name: one for one in found.candidates}
    assert len(names) == len(found.candidates)
    return names


def plain(one: Candidate) -> dict[str, object]:
    """Its fields in clear."""
    assert one.why_not == ""
    return {name: getattr(value, "reveal", lambda value=value: value)() for name, value in one.fields.items()}
