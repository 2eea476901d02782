"""A home folder, costs that take no time, and a vault made with them."""

from pathlib import Path

import pytest

from jackfield.model.secret import Secret
from jackfield.vault.costs import Costs
from jackfield.vault.vault import Vault


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def cheap() -> Costs:
    return Costs(memory_kib=16, passes=1, lanes=1)


@pytest.fixture
def passphrase() -> Secret:
    return Secret("a garden of seven gates")


@pytest.fixture
def made(home: Path, passphrase: Secret, cheap: Costs) -> tuple[Vault, Secret]:
    """A new vault and its recovery key."""
    vault, recovery = Vault.create(home, passphrase, costs=cheap, floor=cheap)
    assert recovery is not None
    return vault, recovery
