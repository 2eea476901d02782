"""How many examples a property is tried with."""

from typing import Any

from hypothesis import settings

LONG = 10_000


def examples(number: int, **more: Any) -> settings:
    """So many as a rule, for a property that takes its time; in the long run as many as any other."""
    return settings(max_examples=max(number, LONG) if settings.default.max_examples >= LONG else number, **more)
