"""Rules: what decides, and what stays nothing because something is not there."""

import pytest

from jackfield.providers.contract.expression import Expression
from jackfield.providers.contract.values import NOTHING

NAMES = {"fact": {"number": 7, "none": None, "map": {"a": "read", "b": "write"}, "list": ["push"]}}


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("fact.number == null", False),
        ("fact.number != null", True),
        ("fact.map != null", True),
        ("fact.none == null", True),
        ("null != fact.none", False),
    ],
)
def test_anything_may_be_held_against_null(rule: str, value: bool) -> None:
    """A vendor's optional value is null or not, whatever its type."""
    assert Expression(rule).evaluate(NAMES) is value


@pytest.mark.parametrize("rule", ["absent.x == null", "fact.missing != null", "fact.none.deeper == null"])
def test_what_is_not_there_is_not_null(rule: str) -> None:
    """A fact that could not be had, or a key that is missing, decides nothing."""
    assert Expression(rule).evaluate(NAMES) is NOTHING


def test_texts_and_lists_are_joined_by_plus() -> None:
    """What `+` gives is plain data like everything else."""
    rule = Expression("fact.map.map(k, k + ': ' + fact.map[k]) + fact.list.map(e, 'event ' + e)")

    assert rule.evaluate(NAMES) == ["a: read", "b: write", "event push"]


def test_name_bound_by_a_macro_is_not_read() -> None:
    """The variable of exists, all, map and filter is no fact, however its condition begins."""
    assert Expression("fact.map.exists(k, !(k in other) || fact.map[k] != x)").reads == {"fact", "other", "x"}


@pytest.mark.parametrize("macro", ["exists", "all"])
def test_a_long_list_that_cannot_be_judged_decides_nothing(macro: str) -> None:
    """Errors of a rule's elements do not pile up, whatever a vendor lists."""
    names: dict[str, object] = {"found": [{"name": "x"}] * 500}

    assert Expression(f"found.{macro}(one, one.role == 'admin')").decide(names) is NOTHING
