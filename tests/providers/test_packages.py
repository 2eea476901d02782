"""Providers of installed packages: nothing of one runs before it is trusted, and then only what was looked at."""

import hashlib
import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.model.errors import NotFound
from jackfield.providers.contract.packages import Standing, digest_of, find_offers
from jackfield.providers.contract.registry import Registry
from support.package import NETLIFY, Installed, installed, provider_yaml


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    with installed(tmp_path / "site", monkeypatch) as made:
        yield made


def trusting(registry: Registry) -> Registry:
    """With everything trusted that is offered now."""
    registry.trust({offer.name: offer.digest for offer in registry.offers})
    return registry


def test_an_offer_is_looked_at_and_nothing_of_it_is_imported(acme: Installed) -> None:
    registry = Registry()
    (offer,) = registry.offers
    assert (offer.name, offer.package, offer.distribution) == ("acme", "acme_jackfield", "acme-jackfield 1.2")
    assert sorted(offer.files) == ["__init__.py", "provider.py", "provider.yaml", "words.py"]
    assert registry.standing(offer) is Standing.UNTRUSTED
    assert "acme" not in registry.slugs()
    with pytest.raises(NotFound, match="is not used: not trusted"):
        registry.get("acme")
    assert (acme.imported, registry.problems) == ([], [])


def test_a_trusted_one_is_a_provider_whose_python_runs(acme: Installed) -> None:
    registry = trusting(Registry())
    assert registry.get("acme").name == "Acme Hosting"
    assert {line.slug: line.package for line in registry.summaries()}["acme"] == "acme-jackfield 1.2"
    assert acme.imported == []  # it is read as data until a test needs a function of it
    assert registry.function("acme", "read_local").__module__ == "acme_jackfield.provider"


def test_a_changed_file_is_named_and_the_provider_not_used(acme: Installed) -> None:
    registry = Registry()
    (offer,) = registry.offers
    acme.write("words.py", 'WORD = "eight"\n')
    registry.trust({"acme": offer.digest})
    assert registry.standing(registry.offers[0]) is Standing.CHANGED
    (problem,) = registry.problems
    assert "acme of acme-jackfield 1.2" in str(problem)
    assert "its files changed" in problem.reason
    assert "jackfield provider trust acme" in problem.reason
    assert "acme" not in registry.slugs()
    assert acme.imported == []


@pytest.mark.parametrize("change", ["a new module", "a file gone", "a file renamed", "a template"])
def test_every_file_of_the_package_counts(acme: Installed, change: str) -> None:
    before = find_offers()[0].digest
    match change:
        case "a new module":
            acme.write("more.py", "")
        case "a file gone":
            acme.folder.joinpath("words.py").unlink()
        case "a file renamed":
            acme.folder.joinpath("words.py").rename(acme.folder / "wordz.py")
        case _:
            acme.folder.joinpath("data").mkdir()
            acme.write("data/body.txt", "x")
    assert find_offers()[0].digest != before


def test_a_file_that_changes_after_it_was_looked_at_does_not_run(acme: Installed) -> None:
    """Between the look at the files and the import of one of them."""
    registry = trusting(Registry())
    acme.write("provider.py", "raise SystemExit('this must not run')\n")
    with pytest.raises(NotFound, match="changed since it was trusted"):
        registry.function("acme", "read_local")


def test_what_python_compiled_before_is_not_run(acme: Installed) -> None:
    """A planted cache that claims to be of the very source is what Python itself would take."""
    registry = trusting(Registry())
    cache = Path(importlib.util.cache_from_source(str(acme.folder / "words.py")))
    cache.parent.mkdir()
    source = acme.folder / "words.py"
    stamp = source.stat()
    acme.write("words.py", 'WORD = "spied"\n')  # of another length: the stamp is copied into the cache by hand
    import py_compile

    py_compile.compile(str(source), cfile=str(cache), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    acme.write("words.py", 'WORD = "seven"\n')
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    function = registry.function("acme", "read_local")
    assert function.__globals__["WORD"] == "seven"


def test_a_compiled_module_is_not_run(acme: Installed) -> None:
    acme.folder.joinpath("words.py").unlink()
    acme.folder.joinpath("words.pyc").write_bytes(b"anything")
    registry = trusting(Registry())
    with pytest.raises(NotFound, match="no Python source"):
        registry.function("acme", "read_local")


def test_what_is_trusted_no_more_is_gone(acme: Installed) -> None:
    registry = trusting(Registry())
    registry.function("acme", "read_local")
    registry.trust({})
    assert ("acme" in registry.slugs(), acme.imported) == (False, [])
    assert registry.name("acme") == "acme"


def test_the_digest_can_be_made_by_hand(acme: Installed) -> None:
    """With the command that the manual gives."""
    acme.folder.joinpath("data").mkdir()
    acme.write("data/é.txt", "x")
    acme.folder.joinpath("__pycache__").mkdir()
    acme.write("__pycache__/words.cpython-311.pyc", "not counted")
    command = (
        "find . -name __pycache__ -prune -o -type f -printf '%P\\n' | LC_ALL=C sort"
        " | xargs -d '\\n' sha256sum | sha256sum"
    )
    done = subprocess.run(["bash", "-c", command], cwd=acme.folder, capture_output=True, text=True, check=True)
    assert find_offers()[0].digest == done.stdout.split()[0]
    assert digest_of({}) == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("acme", "json", "not its own"),
        ("acme", "jackfield.providers.netlify", "not its own"),
        ("acme", "nowhere_at_all", "is not there"),
        ("acme", "../acme", "names no package"),
        ("Acme One", "acme_jackfield", "no slug"),
    ],
)
def test_an_odd_offer_says_why_it_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    with installed(tmp_path / "site", monkeypatch, name=name, value=value):
        registry = trusting(Registry())
        (offer,) = registry.offers
        assert words in offer.why_not
        assert registry.standing(offer) is Standing.UNUSABLE
        assert len(registry.problems) == 1


def test_two_packages_with_one_name_are_both_refused(acme: Installed) -> None:
    acme.offer("evil-jackfield", "acme", "evil_jackfield")
    assert {offer.why_not for offer in find_offers()} == {"more than one package offers a provider of this name"}


def test_a_link_inside_is_refused(acme: Installed, tmp_path: Path) -> None:
    acme.folder.joinpath("outside.py").symlink_to(tmp_path / "elsewhere.py")
    assert "neither a file nor a folder" in find_offers()[0].why_not


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (provider_yaml("github"), "about github"),
        (provider_yaml("acme").replace("category:", "aliases: [postgresql]\ncategory:", 1), "postgresql is already"),
        (provider_yaml("acme").replace("slug: acme", "slug: Acme", 1), "slug: "),
    ],
    ids=["slug", "alias", "no slug"],
)
def test_none_takes_the_place_of_another(acme: Installed, text: str, reason: str) -> None:
    acme.write("provider.yaml", text)
    registry = trusting(Registry())
    assert reason in registry.problems[0].reason
    assert reason in registry.why_not(registry.offers[0])
    assert (registry.get("postgresql").slug, registry.get("github").name) == ("postgres", "GitHub")


def test_a_file_of_the_users_own_does_not_take_the_place_of_another(tmp_path: Path) -> None:
    """Neither by its slug nor by an alias."""
    own = NETLIFY.replace("slug: netlify", "slug: mine", 1)
    tmp_path.joinpath("mine.yaml").write_text(own.replace("category:", "aliases: [github]\ncategory:", 1))
    registry = Registry(tmp_path)
    assert (registry.get("github").slug, "mine" in registry.slugs()) == ("github", False)
    assert "github is already a provider" in registry.problems[0].reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("name: Netlify", "name: GіtHub"), "name: GіtHub could be taken for GitHub"),
        (("name: Netlify", "name: Netl1fy"), "name: Netl1fy could be taken for Netlify"),
        (("https://api.netlify.com", "https://api.nеtlify.com"), "is not written in ASCII"),
    ],
)
def test_a_provider_that_could_be_taken_for_another_is_refused(
    tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    """By its name, or by the host it sends credentials to."""
    own = NETLIFY.replace("slug: netlify", "slug: mine", 1).replace("name: Netlify", "name: My own Netlify", 1)
    tmp_path.joinpath("mine.yaml").write_text(own)
    assert "mine" in Registry(tmp_path).slugs()
    own = NETLIFY.replace("slug: netlify", "slug: mine", 1).replace(*change, 1)
    tmp_path.joinpath("mine.yaml").write_text(own if "name" in change[0] else own.replace("Netlify", "Mine", 1))
    registry = Registry(tmp_path)
    assert ("mine" in registry.slugs(), reason in registry.problems[0].reason) == (False, True)
