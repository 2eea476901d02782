"""The registry of providers: what the gallery shows is known without parsing a file, and is what the files say."""

import pytest

from jackfield.providers.contract import registry
from jackfield.providers.contract.registry import Registry, Summary


def test_list_of_providers_parses_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """51 files take longer to parse than a screen may take to open."""
    monkeypatch.setattr(registry, "load_provider", lambda file: pytest.fail(f"{file} was parsed"))

    assert len(Registry().summaries()) == 51


def test_list_says_what_the_files_say() -> None:
    every = Registry()
    parsed = [every.get(slug) for slug in every.slugs()]

    expected = {Summary(one.slug, one.name, one.category, own=False) for one in parsed}
    assert set(every.summaries()) == expected
    assert all(summary.category for summary in expected)
