"""A short crash campaign, and what any campaign must notice."""

import subprocess
import sys
from pathlib import Path

import pytest

from campaigns.crash import differences, half_made
from campaigns.load import make_home, unlock
from jackfield.store.engine import connect

CAMPAIGN = Path(__file__).with_name("crash.py")


def test_nothing_is_lost_or_half_made_when_processes_are_killed() -> None:
    """In a process of its own: the campaign forks, which a process with threads must not do."""
    words = [sys.executable, str(CAMPAIGN), "--kills", "20", "--seed", "7"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "nothing was lost, nothing was half-made" in done.stdout


@pytest.mark.parametrize(
    ("harm", "noticed"),
    [
        ("UPDATE state_tally SET amount = amount + 1", "the tallies are not the counts"),
        ("DELETE FROM credential", "managed has 0 credentials"),
        ("UPDATE credential SET status = 'pending'", "a credential is still pending"),
        ("UPDATE credential SET connection_id = 'gone'", "credential refers to a missing connection"),
        ("DELETE FROM search WHERE rowid = 1", "managed is not found by its name"),
        ("DELETE FROM audit_event WHERE seq = 2", "the trail: entry 2, the entry is missing"),
        ("DELETE FROM audit_event WHERE seq = (SELECT max(seq) FROM audit_event)", "were acknowledged"),
    ],
)
def test_a_half_made_home_is_noticed(tmp_path: Path, harm: str, noticed: str) -> None:
    make_home(tmp_path)
    session = unlock(tmp_path)
    try:
        entries = session.audit.verify().entries
        assert list(half_made(session, {}, entries=entries)) == []
        raw = connect(session.store.path, session.vault.database_key())
        raw.execute("PRAGMA foreign_keys = off")
        raw.execute(harm)
        raw.close()
        assert any(noticed in fault for fault in half_made(session, {}, entries=entries))
    finally:
        session.lock()


def test_a_lost_or_mixed_change_is_noticed_and_one_under_way_may_be_either() -> None:
    old, new, mixed = {"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 1}
    assert list(differences({"x": new}, {"x": new}, {})) == []
    assert len(list(differences({"x": old}, {"x": new}, {}))) == 1
    assert len(list(differences({}, {"x": new}, {}))) == 1
    assert len(list(differences({"x": new}, {}, {}))) == 1
    for seen, faults in ((old, 0), (new, 0), (mixed, 1)):
        assert len(list(differences({"x": seen}, {"x": old}, {"x": new}))) == faults
