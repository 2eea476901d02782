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


@pytest.mark.parametrize("rule", ["has(found.filter(f, f.role == 'admin')[0].ends)", "found.filter(f, f.name)[0].name"])
def test_a_list_that_cannot_be_judged_is_not_taken_for_an_empty_one(rule: str) -> None:
    """No element with a role: `has` would say that there is no end, where nobody knows."""
    assert Expression(rule).evaluate({"found": [{"name": "x"}]}) is NOTHING


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("size('four')", 4),
        ("size([1, 2])", 2),
        ("size(fact.none)", 0),
        ("size(7)", NOTHING),
        ("string(7) + string(true) + string(1.5)", "7true1.5"),
        ("string(fact.none)", NOTHING),
        ("int('7') + int(2.9)", 9),
        ("int(fact.none)", NOTHING),
        ("int(9e30)", NOTHING),
        ("double('2.5') > double(1)", True),
        ("bool('true')", True),
        ("bool('yes')", NOTHING),
        ("'deploy:read'.matches('^deploy:.*$')", True),
        ("'x'.matches('(')", NOTHING),
        ("'x'.startsWith(['x'])", NOTHING),
        ("time('2026-01-02') + duration('1h30m') == timestamp('2026-01-02T01:30:00Z')", True),
        ("time('2026-01-03') - time('2026-01-02') > duration('23h')", True),
        ("timestamp('2026-01-02T03:04:05Z').getHours()", 3),
        ("timestamp('2026-01-02T23:04:05-02:00').getDayOfMonth()", 2),
        ("timestamp('2026-02-01T00:00:00Z').getDayOfYear()", 31),
        ("timestamp('2026-02-01T00:00:00Z').getDayOfWeek()", 0),
        ("duration('90m').getHours()", 1),
        ("timestamp('tomorrow')", NOTHING),
    ],
)
def test_functions_of_cel_take_what_they_are_for_and_nothing_else(rule: str, value: object) -> None:
    """Conversions, texts and times, which have no habits of Python's."""
    assert Expression(rule).evaluate(NAMES) == value


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 / 0", NOTHING),
        ("1.0 / 0.0", NOTHING),
        ("9223372036854775807 + 1", NOTHING),
        ("1 + 1.5", NOTHING),
        ("1 < 1.5 && 1 == 1.0", True),
        ("true == 1", NOTHING),
        ("[1, true] == [1, 1]", NOTHING),
        ("[1, true] == [2, 1]", False),
        ("[1][-1]", NOTHING),
        ("'admin' in 'administrator'", NOTHING),
        ("1 in ['1', 1]", True),
        ("1 in ['1']", NOTHING),
    ],
)
def test_numbers_and_comparisons_are_cels(rule: str, value: object) -> None:
    """Whole numbers have 64 bits, and two types do not compare."""
    assert Expression(rule).evaluate({}) == value
