"""The manual says what the program does."""

import ast
from pathlib import Path

from asks import ASKS
from jackfield.providers.contract.registry import Registry
from man_page import man_page
from threats import THREATS, Built
from write_manual import MANUAL, asks_page, keys_page, providers_page, threats_page

TESTS = Path(__file__).parent


def test_the_providers_page_is_the_one_the_providers_make() -> None:
    """Run `python tests/write_manual.py` after a change of a provider."""
    assert MANUAL.joinpath("providers.md").read_text("utf-8") == providers_page(Registry())


def test_the_threats_page_is_the_one_the_threats_make() -> None:
    """Run `python tests/write_manual.py` after a change of `threats.yaml`."""
    assert MANUAL.joinpath("threats.md").read_text("utf-8") == threats_page(THREATS)


def test_the_asks_page_is_the_one_the_asks_make() -> None:
    """Run `python tests/write_manual.py` after a change of `asks.yaml`."""
    assert MANUAL.joinpath("asks.md").read_text("utf-8") == asks_page(ASKS)


def test_the_keys_page_and_the_man_page_are_those_the_program_makes() -> None:
    """Run `python tests/write_manual.py` after a change of a command, an option, a key or `twins.yaml`."""
    assert MANUAL.joinpath("keys.md").read_text("utf-8") == keys_page()
    assert MANUAL.joinpath("jackfield.1").read_text("utf-8") == man_page()


def test_every_threat_has_its_row() -> None:
    """T-01 to T-35 in order; what is built has a test, and what is not says why."""
    assert [threat.id for threat in THREATS] == [f"T-{number:02}" for number in range(1, 36)]
    assert [threat.id for threat in THREATS if bool(threat.tests) is (threat.built is Built.NO)] == []
    assert [threat.id for threat in THREATS if threat.built is not Built.YES and not threat.limits] == []


def test_every_ask_has_its_row() -> None:
    """In order, each with a test; what is met in part says what is not."""
    assert [ask.id for ask in ASKS] == [f"A-{number:02}" for number in range(1, 25)]
    assert [ask.id for ask in ASKS if not ask.tests] == []
    assert [ask.id for ask in ASKS if ask.built is not Built.YES and not ask.limits] == []


def test_every_named_test_exists() -> None:
    """Each file that is named is read, not run."""
    named = {test for row in (*THREATS, *ASKS) for test in row.tests}
    found = {test for file in {test.partition("::")[0] for test in named} for test in names_in(file)}
    assert sorted(named - found) == []


def test_the_manual_promises_no_walls_between_organizations() -> None:
    """Under what is not promised, in so many words."""
    page = " ".join(MANUAL.joinpath("security.md").read_text("utf-8").split())
    not_promised = page.partition("## What is not promised")[2].partition(" ## ")[0]
    assert "whoever unlocks the vault reads all of it" in not_promised
    assert "No release is signed" in page


def names_in(file: str) -> set[str]:
    """The node ids of a file's tests."""
    found: set[str] = set()
    for node in ast.parse(TESTS.joinpath(file).read_text("utf-8")).body:
        inside = node.body if isinstance(node, ast.ClassDef) else [node]
        before = f"{file}::{node.name}::" if isinstance(node, ast.ClassDef) else f"{file}::"
        functions = (one for one in inside if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
        found |= {before + one.name for one in functions if one.name.startswith("test_")}
    return found
