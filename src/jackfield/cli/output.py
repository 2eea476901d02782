"""What a command says: results on standard output, as lines or as JSON, and everything else on standard error."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click

from jackfield.text import cleaned

_BROKEN_PIPE: Final = 141  # 128 and the number of SIGPIPE


class Output:
    """Lines are literal and cleaned of whatever steers a terminal; JSON is ASCII. With `json`, results are JSON."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json

    def show(self, value: object, lines: Iterable[str]) -> None:
        """One result: `value` as JSON, or `lines`."""
        if self.json:
            _write(json.dumps(value, indent=2))
        else:
            for line in lines:
                _write(cleaned(line))

    def text(self, text: str) -> None:
        """A result that is text to be pasted, whatever its form."""
        _write(cleaned(text, limit=1 << 20))

    def note(self, text: str) -> None:
        """Something a person should know, that is no result."""
        click.echo(cleaned(text), err=True)


def _write(text: str) -> None:
    """One result. A reader that went away ends the command, as the system's signal would."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left in the buffer
        raise click.exceptions.Exit(_BROKEN_PIPE) from None


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows under a header, their columns aligned; no rows, no lines."""
    found = [tuple(cleaned(cell, lines=False) for cell in row) for row in rows]
    if not found:
        return []
    widths = [max(map(len, column)) for column in zip(header, *found, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (tuple(header), *found)
    ]


def pairs(entries: Iterable[tuple[str, Any]]) -> list[str]:
    """Name and value, one line each, values aligned; those without a value are left out."""
    found = [(name, str(value)) for name, value in entries if value not in (None, "", ())]
    width = max((len(name) for name, _ in found), default=0)
    return [f"{name.ljust(width)}  {value}" for name, value in found]


def instant(moment: datetime | None) -> str | None:
    """A time for JSON: ISO 8601 in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def ago(moment: datetime | None, *, now: datetime | None = None) -> str:
    """How long ago, in the largest unit that fits; `never` for none."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    return f"{_span(max(0.0, seconds))} ago"


def until(moment: datetime | None, *, now: datetime | None = None) -> str:
    """How long from now; a dash for none, `expired` for a time that has passed."""
    if moment is None:
        return "-"
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return "expired" if seconds <= 0 else _span(seconds)


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"
