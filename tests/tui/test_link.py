"""How the line to the terminal is judged, and what is kept of that."""

from pathlib import Path

import pytest

from jackfield.model.errors import UsageError
from jackfield.services.link import Link, keep_link, kept_link
from jackfield.tui.link import RoundTrips, in_words


@pytest.mark.parametrize(("taken", "shortest"), [((0.3, 0.2, 0.4), 200), ((2.0, 0.01, 2.0), 10)])
def test_the_shortest_of_three_round_trips_counts(
    monkeypatch: pytest.MonkeyPatch, taken: tuple[float, ...], shortest: float
) -> None:
    """A busy machine makes some answers late; it makes none early. What comes unasked changes nothing."""
    clock, asked, told = [100.0], [0], []
    monkeypatch.setattr("jackfield.tui.link.monotonic", lambda: clock[0])

    def ask() -> None:
        asked[0] += 1

    trips = RoundTrips(ask, told.append)
    trips.answered(99.0)
    trips.begin()
    for seconds in taken:
        assert told == []
        clock[0] += seconds
        trips.answered(clock[0])
    trips.answered(clock[0])
    assert asked == [3]
    assert told == [pytest.approx(shortest)]


def test_the_choice_is_kept_and_nonsense_is_none(tmp_path: Path) -> None:
    """Measured, until something else was chosen that can be read."""
    assert kept_link(tmp_path) is Link.AUTO
    keep_link(tmp_path, Link.SLOW)
    assert kept_link(tmp_path) is Link.SLOW
    (tmp_path / "link").write_bytes(b"\xff\x00")
    assert kept_link(tmp_path) is Link.AUTO
    with pytest.raises(UsageError, match="The choice is not kept"):
        keep_link(tmp_path / "nowhere", Link.FAST)


def test_how_it_is_taken_is_told() -> None:
    assert in_words(Link.SLOW, 12.0) == "taken for slow"
    assert in_words(Link.AUTO, None) == "measured at the start"
    assert in_words(Link.AUTO, 151.0) == "measured at the start: 151 ms, slow"
    assert in_words(Link.AUTO, 20.4) == "measured at the start: 20 ms, not slow"
