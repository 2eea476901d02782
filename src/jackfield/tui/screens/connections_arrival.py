"""What is worth saying when the vault was opened: forms that were begun, and credentials that end."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from jackfield.services.session import Session
from jackfield.tui.screens.connections_tests import Notice
from jackfield.tui.times import left

_NAMED: Final = 3  # connections in one notice


def greetings(session: Session) -> Iterator[Notice]:
    """One notice for each thing. Asks the store."""
    if begun := len(session.drafts.all()):
        forms = "A form was" if begun == 1 else f"{begun} forms were"
        yield Notice(f"{forms} begun and not saved.", "n offers to go on.")
    if soon := session.expiry.soon(now=datetime.now(UTC)):
        named = ", ".join(f"{row.name} {_when(left(row.expires_at))}" for row in soon[:_NAMED])
        more = f" and {len(soon) - _NAMED} more" if len(soon) > _NAMED else ""
        yield Notice(f"Credentials end: {named}{more}.", "E shows all by date.", "warning")


def _when(span: str) -> str:
    return span if span == "expired" else f"in {span}"
