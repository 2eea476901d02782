"""The values of rules and what may be done with them: plain data, and NOTHING for what is absent or does not fit.

A rule knows null, booleans, whole numbers, fractions, texts, lists, maps, times and durations. Whole numbers and
fractions compare by their value, null equals only itself, and any other two types do not compare: NOTHING, not false.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, Literal


class Nothing(Enum):
    NOTHING = "nothing"

    def __bool__(self) -> bool:
        return False


NOTHING: Final = Nothing.NOTHING
Verdict = bool | Literal[Nothing.NOTHING]

# A boolean is an int to Python, so it stands first.
_KINDS: Final[Mapping[type, type]] = {
    bool: bool,
    int: float,
    float: float,
    str: str,
    list: list,
    tuple: list,
    dict: dict,
    datetime: datetime,
    timedelta: timedelta,
    type(None): type(None),
}
_ORDERED: Final = frozenset({bool, float, str, datetime, timedelta})
WHOLE_NUMBERS: Final = range(-(2**63), 2**63)  # CEL's are of 64 bits


def kind(value: object) -> type | None:
    """What a rule takes a value for; float stands for every number, and None for what rules do not know."""
    known = _KINDS.get(type(value))
    return known or next((known for one, known in _KINDS.items() if isinstance(value, one)), None)


def equal(one: Any, other: Any) -> Verdict:
    """Whether two values are the same; lists and maps by what is in them."""
    if one is None or other is None:
        return one is other
    both = kind(one)
    if both is None or both is not kind(other):
        return NOTHING
    if both is list:
        return len(one) == len(other) and _all_equal(zip(one, other, strict=True))
    if both is dict:
        return one.keys() == other.keys() and _all_equal((one[key], other[key]) for key in one)
    if both is datetime:
        return _moment(one) == _moment(other)
    return bool(one == other)


def _all_equal(pairs: Iterable[tuple[object, object]]) -> Verdict:
    verdict: Verdict = True
    for one, other in pairs:
        same = equal(one, other)
        if same is False:
            return False
        verdict = verdict if same is True else NOTHING
    return verdict


def unequal(one: object, other: object) -> Verdict:
    return negated(equal(one, other))


def is_in(item: object, values: object) -> Verdict:
    """Whether a list holds a value, or a map a key. NOTHING when it is not found and one of them does not compare."""
    if not isinstance(values, list | tuple | dict):
        return NOTHING
    verdict: Verdict = False
    for each in values:
        same = equal(each, item)
        if same is True:
            return True
        verdict = verdict if same is False else NOTHING
    return verdict


def _ordering(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Verdict]:
    def compare(one: Any, other: Any) -> Verdict:
        both = kind(one)
        if both not in _ORDERED or both is not kind(other):
            return NOTHING
        return holds(_moment(one), _moment(other)) if both is datetime else holds(one, other)

    return compare


def _moment(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


# --- what is true ------------------------------------------------------------------------------------------------


def negated(value: object) -> Verdict:
    return not value if isinstance(value, bool) else NOTHING


def both_true(one: object, other: object) -> object:
    """`&&`: false when either side is, whatever the other one is; else what is not true, and NOTHING for two such."""
    if one is False or other is False:
        return False
    if one is True:
        return other
    return one if other is True else NOTHING


def either_true(one: object, other: object) -> object:
    """`||`: true when either side is, whatever the other one is; else what is not false, and NOTHING for two such."""
    if one is True or other is True:
        return True
    if one is False:
        return other
    return one if other is False else NOTHING


# --- arithmetic; raises TypeError, ValueError or ArithmeticError where there is no result ------------------------


def _add(one: Any, other: Any) -> object:
    match kind(one), kind(other):
        case (left, right) if left is list and right is list:
            return [*one, *other]
        case (left, right) if left is str and right is str:
            return one + other
        case (left, right) if timedelta in (left, right):
            return one + other
    return _number(operator.add, one, other)


def _subtract(one: Any, other: Any) -> object:
    if kind(one) is datetime and kind(other) is datetime:
        return _moment(one) - _moment(other)
    return one - other if isinstance(other, timedelta) else _number(operator.sub, one, other)


def _multiply(one: Any, other: Any) -> object:
    return _number(operator.mul, one, other)


def _divide(one: Any, other: Any) -> object:
    """A whole number is divided towards zero."""
    return _number(operator.truediv if isinstance(one, float) else _towards_zero, one, other)


def _towards_zero(one: int, other: int) -> int:
    return _sign(one, other) * (abs(one) // abs(other))


def _remainder(one: Any, other: Any) -> object:
    """Of whole numbers only; it has the sign of the first one."""
    if isinstance(one, float):
        raise TypeError
    return _number(lambda a, b: _sign(a, 1) * (abs(a) % abs(b)), one, other)


def _sign(one: int, other: int) -> int:
    return -1 if (one < 0) is not (other < 0) else 1


def _number(calculate: Callable[[Any, Any], Any], one: object, other: object) -> object:
    """Two whole numbers of 64 bits, or two fractions."""
    if isinstance(one, float) and isinstance(other, float):
        return calculate(one, other)
    if kind(one) is not float or kind(other) is not float or isinstance(one, float) or isinstance(other, float):
        raise TypeError
    result = calculate(one, other)
    if result not in WHOLE_NUMBERS:
        raise OverflowError
    return result


def negative(value: object) -> object:
    """`-`. NOTHING for what is no number."""
    if kind(value) is not float:
        return NOTHING
    assert isinstance(value, int | float)
    return -value if isinstance(value, float) or -value in WHOLE_NUMBERS else NOTHING


OPERATORS: Final[Mapping[str, Callable[[Any, Any], object]]] = {
    "relation_eq": equal,
    "relation_ne": unequal,
    "relation_in": is_in,
    "relation_lt": _ordering(operator.lt),
    "relation_le": _ordering(operator.le),
    "relation_gt": _ordering(operator.gt),
    "relation_ge": _ordering(operator.ge),
    "addition_add": _add,
    "addition_sub": _subtract,
    "multiplication_mul": _multiply,
    "multiplication_div": _divide,
    "multiplication_mod": _remainder,
}
