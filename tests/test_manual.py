"""The manual says what the program does."""

from jackfield.providers.contract.registry import Registry
from write_manual import MANUAL, providers_page


def test_the_providers_page_is_the_one_the_providers_make() -> None:
    """Run `python tests/write_manual.py` after a change of a provider."""
    assert MANUAL.joinpath("providers.md").read_text("utf-8") == providers_page(Registry())
