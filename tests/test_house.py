"""The rules of the house that no type checker and no linter keeps."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from textual.screen import Screen

from jackfield import tui
from support.screens import SCREENS

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "jackfield"
VENDOR_LIBRARIES = {
    *("psycopg", "asyncmy", "pytds", "oracledb", "pymongo", "redis", "boto3", "botocore", "google.auth"),
    *("ldap3", "asyncssh", "smbprotocol", "smbclient"),
}
# Written in two halves: this file is searched as well.
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "npmjs" + ".org", "npmjs" + ".com", "deb.debian" + ".org"]


def loaded_after(code: str) -> set[str]:
    """The modules of a fresh interpreter once it has run `code`."""
    report = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def files_of_the_tree() -> list[Path]:
    """Every file that is, or would be, checked in."""
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def functions(folder: Path, pattern: str = "*.py") -> Iterator[tuple[str, str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function below `folder`: where it stands, its first line, its tree."""
    for file in sorted(folder.rglob(pattern)):
        text = file.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                place = f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
                yield place, text.splitlines()[node.lineno - 1], node


def test_no_layer_reaches_above_its_own() -> None:
    """The import contracts of pyproject.toml hold."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_command_line_loads_no_screen_and_no_client() -> None:
    """What a command does not need is not paid for at its start."""
    loaded = loaded_after("import jackfield.cli")
    assert loaded & {"textual", "httpx", *VENDOR_LIBRARIES} == set()


def test_providers_and_their_forms_load_no_vendor_library() -> None:
    loaded = loaded_after("""
from jackfield.model.errors import InvalidField
from jackfield.providers.contract.fields import read_value
from jackfield.providers.contract.registry import Registry
registry = Registry()
assert registry.slugs()
for slug in registry.slugs():
    for method in registry.get(slug).methods:
        for field in method.fields:
            try:
                read_value(field, "1")
            except InvalidField:
                pass
""")
    assert "jackfield.providers.contract.registry" in loaded
    assert loaded & {"httpx", *VENDOR_LIBRARIES} == set()


@pytest.mark.parametrize(("folder", "limit"), [("src", 500), ("tests", 500), ("src/jackfield/tui/screens", 350)])
def test_a_file_can_be_read_in_one_sitting(folder: str, limit: int) -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines())
        for suffix in ("*.py", "*.tcss")
        for file in (ROOT / folder).rglob(suffix)
    }
    assert {name: length for name, length in lengths.items() if length > limit} == {}


def test_a_long_function_says_why() -> None:
    """A function of more than 50 lines has its reason in a comment on its first line."""
    long = [
        place
        for place, first_line, node in functions(SOURCE)
        if (node.end_lineno or node.lineno) - node.lineno >= 50 and "#" not in first_line
    ]
    assert long == []


def test_every_screen_is_walked_by_the_tests_of_all_screens() -> None:
    """A screen that `support/screens.py` does not lead to would have no picture and no run on a terminal.

    What others inherit is shown by those. A terminal that is too small is the one screen that no key leads to.
    """
    for module in walk_packages(tui.__path__, f"{tui.__name__}."):
        import_module(module.name)
    found = {each for each in _below(Screen) if each.__module__.startswith("jackfield.")}
    named = {one.screen for one in SCREENS}
    unnamed = {each.__name__ for each in found if not each.__subclasses__()} - named
    assert unnamed == {"TooSmall"}
    assert named <= {each.__name__ for each in found}


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def test_nothing_is_left_to_do() -> None:
    left = re.compile(r"\b(?:TODO|FIXME)\b")
    found = [str(file.relative_to(ROOT)) for file in SOURCE.rglob("*.py") if left.search(file.read_text("utf-8"))]
    assert found == []


def test_the_tree_names_no_package_registry() -> None:
    found = [
        str(file.relative_to(ROOT))
        for file in files_of_the_tree()
        if any(host.encode() in file.read_bytes() for host in REGISTRIES)
    ]
    assert found == []


def test_every_test_can_fail() -> None:
    """A test asserts, expects an exception, or calls something that fails when it does not come true."""
    idle = [
        place
        for place, _, node in functions(ROOT / "tests", "test_*.py")
        if node.name.startswith("test_") and not any(map(_judges, ast.walk(node)))
    ]
    assert idle == []


# Calls that fail the test themselves: pytest's own, and those that wait for something to be true or to be shown.
WAITS = {"raises", "warns", "fail", "until", "shows", "wait_for"}


def _judges(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in WAITS or name.startswith(("assert", "expect"))
    return isinstance(node, ast.Assert)


def test_the_lock_holds_versions_and_hashes_alone() -> None:
    line = re.compile(r"[a-z0-9.-]+==[a-z0-9.]+( ; [a-z_<>=!.0-9' ()]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", re.I)
    lock = (ROOT / "tests" / "requirements.lock").read_text()
    assert [text for text in lock.splitlines() if not line.fullmatch(text)] == []


def test_the_lock_satisfies_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [
        *project["project"]["dependencies"],
        *(one for extra in project["project"]["optional-dependencies"].values() for one in extra),
        *(one for group in project["dependency-groups"].values() for one in group),
    ]
    pinned: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "tests" / "requirements.lock").read_text(), re.M):
        pinned.setdefault(canonicalize_name(name), []).append(version)
    wanted = [one for one in map(Requirement, declared) if one.name != project["project"]["name"]]
    unmet = [
        str(one)
        for one in wanted
        if not any(
            one.specifier.contains(version, prereleases=True) for version in pinned.get(canonicalize_name(one.name), [])
        )
    ]
    assert unmet == []


def test_the_readme_tests_as_the_ci_does() -> None:
    """The last line of `.ci/run` is, word for word, a command of the README."""
    command = (ROOT / ".ci" / "run").read_text().splitlines()[-1]
    assert "pytest" in command
    assert command in (ROOT / "README.md").read_text()


@pytest.mark.parametrize(("ci", "line"), [("true", "1 failed, 1 xfailed, 1 error"), ("", "2 skipped, 1 xfailed")])
def test_the_ci_skips_nothing(tmp_path: Path, ci: str, line: str) -> None:
    """Where everything is installed a skip fails and says why; elsewhere it is a skip."""
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_in_the_test():\n    pytest.skip('not there')\n"
        "@pytest.mark.skipif(True, reason='not here')\ndef test_by_mark():\n    pass\n"
        "@pytest.mark.xfail\ndef test_expected_to_fail():\n    assert False\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={tmp_path}", tmp_path],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
    )
    assert line in done.stdout.splitlines()[-1], done.stdout + done.stderr
    assert ("skipped, which CI does not allow: Skipped: not there" in done.stdout) is (ci == "true")
