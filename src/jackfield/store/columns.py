"""How values lie in columns: times as microseconds since 1970, states as numbers in the order a list shows them."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Dialect, Integer, TypeDecorator

from jackfield.model.connection import State

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FAR: Final = 1 << 62  # after every date
_STATE_CODES: Final = {
    State.UNTESTED: 10,
    State.FAILED: 20,
    State.UNREADABLE: 30,
    State.UNPROVEN: 40,
    State.LIMITED: 50,
    State.PASSED: 60,
}
_STATES: Final = {code: state for state, code in _STATE_CODES.items()}


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a stored time needs a zone")
    return (moment - _EPOCH) // _MICROSECOND


class Moment(TypeDecorator[datetime]):
    """A time with a zone."""

    impl = BigInteger
    cache_ok = True
    absent: int | None = None  # what stands for None

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  SQLAlchemy's
        return self.absent if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None or value == self.absent else _EPOCH + timedelta(microseconds=value)


class Expiry(Moment):
    """A time that sorts last when there is none, so that pages by key need no nulls."""

    cache_ok = True
    absent = _FAR


class Tested(Moment):
    """A time that sorts first when there is none."""

    cache_ok = True
    absent = 0


class StateCode(TypeDecorator[State]):
    """A state as a number: what needs a human sorts first."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: State | None, dialect: Dialect) -> int | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else _STATE_CODES[value]

    def process_result_value(self, value: int | None, dialect: Dialect) -> State | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else _STATES[value]
