"""Replacing the root key and the data keys, cut off at every point."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update

from jackfield.model.errors import Refused, WrongPassphrase
from jackfield.model.secret import Secret
from jackfield.services import new_root, rotation
from jackfield.services.home import Home
from jackfield.services.rotation import rotate_data_keys, rotate_root
from jackfield.services.session import Session
from jackfield.store import keys, tables
from jackfield.store.store import Store
from jackfield.vault.sources import PassphraseSource
from jackfield.vault.vault import Vault
from providers.netlify.vendor import GOOD

from .conftest import CHEAP, PASSPHRASE, Make
from .test_connections import break_credential

SOURCE = PassphraseSource(PASSPHRASE, CHEAP)


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


def die(*_: Any, **__: Any) -> Any:
    raise Killed


def expect_whole(session: Session, number: int) -> None:
    """Every connection opens and is found by its secret, and the trail is unbroken."""
    found = session.connections.with_secret(Secret(GOOD))
    assert len(found) == number
    for one in found:
        assert session.connections.fields(one, reason="test") == {"accessToken": Secret(GOOD)}
    assert session.audit.verify().bad is None
    assert session.vault.previous is None
    assert session.store.damage() == ()


def test_everything_opens_after_the_root_key_was_replaced(
    session: Session, make: Make, home: Home, reopen: Callable[[], Session]
) -> None:
    for number in range(3):
        make(f"c-{number}")
    before = session.vault.database_key()
    recovery = rotate_root(session, SOURCE)
    expect_whole(session, 3)
    assert session.vault.database_key() != before
    session.lock()
    expect_whole(reopen(), 3)
    assert recovery is not None
    again = Session.open(home, lambda: Vault.unlock_with_recovery(home.folder, recovery, floor=CHEAP))
    again.lock()


def test_the_old_recovery_key_opens_nothing_any_more(home: Home) -> None:
    session, old = Session.create(home, PASSPHRASE, costs=CHEAP, floor=CHEAP)
    assert old is not None
    rotate_root(session, SOURCE)
    session.lock()
    with pytest.raises(WrongPassphrase):
        Session.open(home, lambda: Vault.unlock_with_recovery(home.folder, old, floor=CHEAP))


def test_the_root_key_is_not_replaced_under_another_session(session: Session, reopen: Callable[[], Session]) -> None:
    reopen()
    before = session.vault.database_key()
    with pytest.raises(Refused, match="has this home open"):
        rotate_root(session, SOURCE)
    assert session.vault.database_key() == before


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Store, "rekey"),
        (rotation, "finish_new_root"),
        (new_root, "_wrap_again"),
        (Store, "empty_log"),
        (Vault, "finish_rotation"),
    ],
)
def test_a_change_of_root_that_was_cut_off_is_finished_by_the_next_start(
    session: Session,
    make: Make,
    reopen: Callable[[], Session],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
) -> None:
    make("one")
    make("two")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, die)
        with pytest.raises(Killed):
            rotate_root(session, SOURCE)
    session.lock()
    again = reopen()
    expect_whole(again, 2)
    again.lock()
    expect_whole(reopen(), 2)


def test_a_start_that_is_cut_off_while_it_finishes_is_finished_by_the_one_after(
    session: Session, make: Make, reopen: Callable[[], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    make("one")
    for owner, name in ((Store, "rekey"), (new_root, "_wrap_again"), (Vault, "finish_rotation")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, die)
            with pytest.raises(Killed):
                rotate_root(session, SOURCE) if not session.locked else reopen()
        session.lock()
    expect_whole(reopen(), 1)


def test_nobody_opens_a_half_moved_store_while_another_is_there(
    session: Session, make: Make, home: Home, reopen: Callable[[], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    make("one")
    with monkeypatch.context() as patch:
        patch.setattr(Store, "rekey", die)
        with pytest.raises(Killed):
            rotate_root(session, SOURCE)
    with pytest.raises(Refused, match="has this home open"):
        reopen()
    session.lock()
    expect_whole(reopen(), 1)


def test_a_damaged_data_key_costs_its_own_rows_alone(
    session: Session, make: Make, reopen: Callable[[], Session]
) -> None:
    make("one")
    other = session.organizations.create("other")
    with session.store.write() as tx:
        session.sealer.renew_key(tx, f"organization:{other.id}")
        here = tables.data_key.c.scope == f"organization:{other.id}"
        tx.run(update(tables.data_key).where(here).values(wrapped=bytes(77)))
    rotate_root(session, SOURCE)
    expect_whole(session, 1)


def generations(session: Session) -> int:
    with session.store.read() as tx:
        return len({one.id for one in keys.all_keys(tx)})


def test_data_keys_are_replaced_and_the_old_ones_forgotten(
    session: Session, make: Make, reopen: Callable[[], Session]
) -> None:
    for number in range(5):
        make(f"c-{number}")
    session.drafts.save("draft", {"texts": {"accessToken": GOOD}}, version=1)
    with session.store.read() as tx:
        before = {one.id: one.scope for one in keys.all_keys(tx)}
    assert rotate_data_keys(session) == 6
    with session.store.read() as tx:
        after = {one.id: one.scope for one in keys.all_keys(tx)}
    assert sorted(before.values()) == sorted(after.values())
    assert {before[one] for one in before.keys() & after.keys()} == {"audit"}
    session.lock()
    again = reopen()
    expect_whole(again, 5)
    assert again.drafts.all()[0].content == {"texts": {"accessToken": GOOD}}


def test_a_change_of_data_keys_goes_on_where_it_was_cut_off(
    session: Session, make: Make, reopen: Callable[[], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both generations open in the middle, and the second call makes no third."""
    monkeypatch.setattr(rotation, "BATCH", 2)
    for number in range(6):
        make(f"c-{number}")
    number_of_keys = generations(session)
    for _ in range(2):
        with pytest.raises(Killed):
            rotate_data_keys(session, die)
        session.lock()
        session = reopen()
        expect_whole(session, 6)
    assert generations(session) > number_of_keys
    assert rotate_data_keys(session) == 2
    assert generations(session) == number_of_keys
    expect_whole(session, 6)


def test_a_value_that_does_not_open_stops_nothing(session: Session, make: Make) -> None:
    make("whole")
    break_credential(session, make("broken", "nfp_another"))
    assert rotate_data_keys(session) == 1
    expect_whole(session, 1)
    assert rotate_data_keys(session) == 1


def test_no_key_seals_a_value_it_is_not_named_for(session: Session, make: Make) -> None:
    """After a change every sealed row names a key that is still there."""
    make("one")
    rotate_data_keys(session)
    with session.store.read() as tx:
        named = select(tables.data_key.c.id)
        lost = select(func.count()).where(tables.credential.c.key_id.not_in(named))
        assert tx.value(lost) == 0


def test_two_rotations_at_once_finish_each_other(
    session: Session, make: Make, reopen: Callable[[], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins after the first batch of the first, and is through before its next."""
    monkeypatch.setattr(rotation, "BATCH", 1)
    for number in range(3):
        make(f"c-{number}")
    other = reopen()
    batches: list[int] = []

    def cross(done: int) -> None:
        batches.append(done)
        if len(batches) == 1:
            assert rotate_data_keys(other) == 2

    rotate_data_keys(session, cross)

    expect_whole(session, 3)
    assert not session.audit.replaced()
    with session.store.read() as tx:
        assert all(key.retired_at is None for key in keys.all_keys(tx))
