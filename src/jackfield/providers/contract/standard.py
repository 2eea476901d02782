"""The functions that CEL itself has, on plain data. An argument of another kind raises, which decides nothing."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from jackfield.providers.contract.values import WHOLE_NUMBERS, is_in, kind

# What each part is of a time in UTC; months and days of the month count from 0, as CEL has them.
_PARTS_OF_TIMES: Final[Mapping[str, Callable[[datetime], int]]] = {
    "getDate": lambda time: time.day,
    "getDayOfMonth": lambda time: time.day - 1,
    "getDayOfWeek": lambda time: time.isoweekday() % 7,
    "getDayOfYear": lambda time: time.timetuple().tm_yday - 1,
    "getFullYear": lambda time: time.year,
    "getHours": lambda time: time.hour,
    "getMilliseconds": lambda time: time.microsecond // 1000,
    "getMinutes": lambda time: time.minute,
    "getMonth": lambda time: time.month - 1,
    "getSeconds": lambda time: time.second,
}


def size(value: Any) -> int:
    """How much there is of it; null, as which vendors send an empty list, counts as empty."""
    return 0 if value is None else len(value)


def contains(values: Any, item: Any) -> object:
    """Whether a text contains a text, a list a value, or a map a key."""
    return item in values if isinstance(values, str) else is_in(item, values)


def starts_with(text: str, start: str) -> bool:
    return text.startswith(_text(start))


def ends_with(text: str, end: str) -> bool:
    return text.endswith(_text(end))


def matches(text: str, pattern: str) -> bool:
    """Whether an RE2 pattern, which always takes linear time, is found in a text."""
    import re2  # type: ignore[import-untyped]  # it has no stubs; cel-python brings it

    try:
        return re2.search(_text(pattern), _text(text)) is not None
    except re2.error:
        raise ValueError(pattern) from None


def as_boolean(value: Any) -> bool:
    """A boolean from one, or from the word for it."""
    return {"true": True, "false": False}[value] if isinstance(value, str) else _one_of(value, bool)


def as_fraction(value: Any) -> float:
    return float(_one_of(value, float, str))


def as_whole(value: Any) -> int:
    """A whole number from a number, cut towards zero, from its text, or from a time: seconds since 1970."""
    whole = int(value.timestamp() if isinstance(value, datetime) else _one_of(value, float, str))
    if whole not in WHOLE_NUMBERS:
        raise OverflowError
    return whole


def as_text(value: Any) -> str:
    """A text from a number, a boolean or a text."""
    return str(value).lower() if isinstance(value, bool) else str(_one_of(value, float, str))


def as_duration(value: Any) -> timedelta:
    """A duration from text such as `1h30m`, or from seconds."""
    from celpy.celtypes import DurationType

    read = DurationType(_one_of(value, float, str, timedelta))
    return timedelta(read.days, read.seconds, read.microseconds)


def as_time(value: Any) -> datetime:
    """A point in time from RFC 3339 text."""
    return datetime.fromtimestamp(_celpy_time(_one_of(value, str, datetime)).timestamp(), UTC)


def _part_of_time(name: str) -> Callable[..., int]:
    def part(value: Any, *zone: str) -> int:
        if isinstance(value, datetime) and not zone:
            return _PARTS_OF_TIMES[name](value.astimezone(UTC) if value.tzinfo else value)
        from celpy.celtypes import DurationType

        return int(getattr(DurationType(value) if isinstance(value, timedelta) else _celpy_time(value), name)(*zone))

    return part


def _celpy_time(value: Any) -> Any:
    from celpy.celtypes import TimestampType

    return TimestampType(value)


def _one_of(value: Any, *kinds: type) -> Any:
    if kind(value) not in kinds:
        raise TypeError
    return value


def _text(value: Any) -> str:
    """The text that a value must be; `startswith` would take a tuple for alternatives."""
    return str(_one_of(value, str))


STANDARD: Final[Mapping[str, Callable[..., object]]] = {
    **{name: _part_of_time(name) for name in _PARTS_OF_TIMES},
    "bool": as_boolean,
    "contains": contains,
    "double": as_fraction,
    "duration": as_duration,
    "endsWith": ends_with,
    "int": as_whole,
    "matches": matches,
    "size": size,
    "startsWith": starts_with,
    "string": as_text,
    "timestamp": as_time,
}
