"""Times as the screens say them: relative, in the largest unit that fits."""

from datetime import UTC, datetime


def ago(moment: datetime | None, *, now: datetime | None = None) -> str:
    """`4m`, `2d`; a dash for never."""
    return "–" if moment is None else _span(((now or datetime.now(UTC)) - moment).total_seconds())


def left(moment: datetime | None, *, now: datetime | None = None) -> str:
    """`23d` until then, `expired` for a time that has passed; a dash for none."""
    if moment is None:
        return "–"
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return "expired" if seconds <= 0 else _span(seconds)


def took(ms: float) -> str:
    """`41 ms`, `1.9 s`."""
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"
