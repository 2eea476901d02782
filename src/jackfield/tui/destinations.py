"""The screens that every other one leads to, by the name that the actions of Place.GO give: `app.go('map')`.

Each is imported when it is first gone to, so that none of them costs the start anything.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from textual.screen import Screen

if TYPE_CHECKING:
    from jackfield.services.engine import Engine
    from jackfield.services.session import Session

Opens = Callable[["Session", "Engine"], Screen[Any]]


def _map(session: "Session", engine: "Engine") -> Screen[Any]:
    from jackfield.tui.screens.map import MapScreen

    return MapScreen(session, engine)


def _expiry(session: "Session", engine: "Engine") -> Screen[Any]:
    from jackfield.tui.screens.expiry import ExpiryScreen

    return ExpiryScreen(session, engine)


def _audit(session: "Session", _: "Engine") -> Screen[Any]:
    from jackfield.tui.screens.audit import AuditScreen

    return AuditScreen(session)


DESTINATIONS: Final[Mapping[str, Opens]] = {"map": _map, "expiry": _expiry, "audit": _audit}
