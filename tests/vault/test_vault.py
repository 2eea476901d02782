"""A vault opens with each of its slots, keeps at least one, and forgets everything when it is locked."""

import threading
from pathlib import Path

import pytest

from jackfield.model.errors import (
    BlobTampered,
    HomeError,
    InvalidField,
    LockedError,
    NotFound,
    Refused,
    WrongPassphrase,
)
from jackfield.model.secret import Secret
from jackfield.vault.costs import Costs
from jackfield.vault.keys import DataKey
from jackfield.vault.recovery import new_recovery_key
from jackfield.vault.slots import SlotKind
from jackfield.vault.sources import KeyFileSource, PassphraseSource, RecoverySource
from jackfield.vault.vault import Vault

NEW = Secret("another good one")
Made = tuple[Vault, Secret]


def kinds(vault: Vault) -> list[SlotKind]:
    return [slot.kind for slot in vault.list_slots()]


def test_the_passphrase_opens_the_same_vault(home: Path, made: Made, passphrase: Secret, cheap: Costs) -> None:
    """Keys, digests and the id are the same after unlocking."""
    vault, _ = made
    again = Vault.unlock(home, passphrase, floor=cheap)
    assert again.store_id == vault.store_id
    assert again.database_key() == vault.database_key()
    assert again.digest(Secret("x")) == vault.digest(Secret("x"))
    assert len(again.database_key()) == 32


@pytest.mark.parametrize("wrong", ["a garden of seven gate", "A garden of seven gates", "", "\N{SNOWMAN}"])
def test_a_wrong_passphrase_is_called_that(home: Path, made: Made, cheap: Costs, wrong: str) -> None:
    """It is WrongPassphrase, never tampering, and the message repeats nothing."""
    with pytest.raises(WrongPassphrase, match="passphrase is wrong") as caught:
        Vault.unlock(home, Secret(wrong), floor=cheap)
    assert not wrong or wrong not in str(caught.value)


def test_a_short_passphrase_makes_no_vault(home: Path, cheap: Costs) -> None:
    """Under eight characters nothing is written."""
    with pytest.raises(InvalidField):
        Vault.create(home, Secret("seven c"), costs=cheap, floor=cheap)
    assert not Vault.exists(home)


def test_the_recovery_key_opens_the_vault(home: Path, made: Made, cheap: Costs) -> None:
    """As shown, and as people type it."""
    vault, recovery = made
    for typed in (recovery, Secret(recovery.reveal().lower().replace("-", " "))):
        assert Vault.unlock_with_recovery(home, typed, floor=cheap).database_key() == vault.database_key()


def test_a_mistyped_recovery_key_is_told_from_a_wrong_one(home: Path, made: Made, cheap: Costs) -> None:
    """A typo is InvalidField; another vault's key is WrongPassphrase."""
    text = made[1].reveal()
    with pytest.raises(InvalidField):
        Vault.unlock_with_recovery(home, Secret(("7" if text[0] != "7" else "8") + text[1:]), floor=cheap)
    with pytest.raises(WrongPassphrase, match="recovery key"):
        Vault.unlock_with_recovery(home, new_recovery_key(), floor=cheap)


def test_recovery_can_be_declined(home: Path, passphrase: Secret, cheap: Costs) -> None:
    """Then there is no recovery slot, and asking for one says so."""
    vault, recovery = Vault.create(home, passphrase, costs=cheap, declined_recovery=True, floor=cheap)
    assert recovery is None
    assert kinds(vault) == [SlotKind.PASSPHRASE]
    with pytest.raises(LockedError, match="no recovery slot"):
        Vault.unlock_with_recovery(home, new_recovery_key(), floor=cheap)


def test_a_forgotten_passphrase_is_reset_after_recovery(
    home: Path, made: Made, passphrase: Secret, cheap: Costs
) -> None:
    """Opened with the recovery key, the vault takes a new passphrase and forgets the old."""
    vault = Vault.unlock_with_recovery(home, made[1], floor=cheap)
    vault.reset_passphrase(NEW, costs=cheap)
    assert kinds(vault) == [SlotKind.PASSPHRASE, SlotKind.RECOVERY]
    assert Vault.unlock(home, NEW, floor=cheap).database_key() == made[0].database_key()
    with pytest.raises(WrongPassphrase):
        Vault.unlock(home, passphrase, floor=cheap)


def test_changing_the_passphrase(home: Path, made: Made, passphrase: Secret, cheap: Costs) -> None:
    """The new one opens the same keys, the old one nothing; a wrong old or short new one changes nothing."""
    vault, recovery = made
    for old, new, error in ((NEW, NEW, WrongPassphrase), (passphrase, Secret("short"), InvalidField)):
        with pytest.raises(error):
            vault.change_passphrase(old, new, costs=cheap)
    vault.change_passphrase(passphrase, NEW, costs=cheap)
    for opened in (Vault.unlock(home, NEW, floor=cheap), Vault.unlock_with_recovery(home, recovery, floor=cheap)):
        assert opened.database_key() == vault.database_key()
    with pytest.raises(WrongPassphrase):
        Vault.unlock(home, passphrase, floor=cheap)


def test_several_passphrases_open_one_vault(home: Path, made: Made, passphrase: Secret, cheap: Costs) -> None:
    """Each has its own slot, and removing one leaves the other."""
    vault, _ = made
    slot = vault.add_slot(PassphraseSource(NEW, cheap))
    assert Vault.unlock(home, NEW, floor=cheap).store_id == vault.store_id
    assert Vault.unlock(home, passphrase, floor=cheap).store_id == vault.store_id
    vault.remove_slot(slot.id)
    with pytest.raises(WrongPassphrase):
        Vault.unlock(home, NEW, floor=cheap)


def test_a_key_file_opens_the_vault(home: Path, made: Made, cheap: Costs, tmp_path: Path) -> None:
    """A file of 32 bytes, and only the right one."""
    path, other = tmp_path / "key", tmp_path / "other"
    made[0].add_slot(KeyFileSource(path))
    assert len(path.read_bytes()) == 32
    assert Vault.unlock_with_key_file(home, path, floor=cheap).database_key() == made[0].database_key()
    other.touch(mode=0o600)
    other.write_bytes(bytes(32))
    with pytest.raises(WrongPassphrase, match="key file"):
        Vault.unlock_with_key_file(home, other, floor=cheap)


@pytest.mark.parametrize(
    ("size", "mode", "named"), [(31, 0o600, "32 bytes"), (33, 0o600, "32 bytes"), (32, 0o644, "open")]
)
def test_what_is_no_key_file_is_refused(
    home: Path, made: Made, cheap: Costs, tmp_path: Path, size: int, mode: int, named: str
) -> None:
    """A file of another size or open to others neither opens a vault nor becomes a slot."""
    path = tmp_path / "key"
    path.write_bytes(bytes(size))
    path.chmod(mode)
    made[0].add_slot(KeyFileSource(tmp_path / "real"))
    with pytest.raises(HomeError, match=named):
        Vault.unlock_with_key_file(home, path, floor=cheap)
    with pytest.raises(HomeError, match=named):
        made[0].add_slot(KeyFileSource(path))


def test_a_missing_or_linked_key_file_is_refused(home: Path, made: Made, cheap: Costs, tmp_path: Path) -> None:
    """Neither a file that is gone nor a link to one opens the vault; a link is not written through."""
    made[0].add_slot(KeyFileSource(tmp_path / "key"))
    with pytest.raises(HomeError, match="not there"):
        Vault.unlock_with_key_file(home, tmp_path / "gone", floor=cheap)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    (tmp_path / "dangling").symlink_to(tmp_path / "target")
    with pytest.raises(HomeError, match="link"):
        Vault.unlock_with_key_file(home, tmp_path / "link", floor=cheap)
    with pytest.raises(HomeError):
        made[0].add_slot(KeyFileSource(tmp_path / "dangling"))
    assert not (tmp_path / "target").exists()


def test_the_last_slot_stays(made: Made) -> None:
    """All but one can be removed; an unknown one is NotFound."""
    vault, _ = made
    vault.remove_slot(vault.list_slots()[0].id)
    (last,) = vault.list_slots()
    with pytest.raises(Refused):
        vault.remove_slot(last.id)
    assert vault.list_slots() == (last,)
    with pytest.raises(NotFound):
        vault.remove_slot("0" * 16)


def test_slots_have_a_limit(home: Path, made: Made, cheap: Costs, passphrase: Secret) -> None:
    """A seventeenth slot is refused, and the vault with sixteen still opens."""
    vault, _ = made
    for _ in range(14):
        vault.add_slot(RecoverySource(new_recovery_key()))
    with pytest.raises(Refused):
        vault.add_slot(RecoverySource(new_recovery_key()))
    assert len(Vault.unlock(home, passphrase, floor=cheap).list_slots()) == 16


def test_data_keys_come_back_for_their_scope_only(home: Path, made: Made, passphrase: Secret, cheap: Costs) -> None:
    """A wrapped data key opens after unlocking, for its scope and in its vault."""
    vault, _ = made
    key = vault.new_data_key()
    blob = vault.wrap_data_key(key, scope="org-1")
    again = Vault.unlock(home, passphrase, floor=cheap).unwrap_data_key(blob, scope="org-1")
    assert (again.id, again.derive_key(b"x")) == (key.id, key.derive_key(b"x"))
    with pytest.raises(BlobTampered):
        vault.unwrap_data_key(blob, scope="org-2")
    (home / "other").mkdir()
    other, _ = Vault.create(home / "other", passphrase, costs=cheap, floor=cheap)
    with pytest.raises(BlobTampered):
        other.unwrap_data_key(blob, scope="org-1")


def test_every_changed_byte_of_a_wrapped_data_key_is_noticed(made: Made) -> None:
    """Flipped, cut or lengthened, it is BlobTampered."""
    vault, _ = made
    blob = vault.wrap_data_key(vault.new_data_key(), scope="org-1")
    assert len(blob) == 77
    changed = [blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :] for at in range(len(blob))]
    for wrong in (*changed, blob[:-1], blob + b"\0", b""):
        with pytest.raises(BlobTampered):
            vault.unwrap_data_key(wrong, scope="org-1")


def test_purposes_do_not_share_keys(made: Made) -> None:
    """No two purposes have the same key, and a caller cannot name one the vault uses itself."""
    vault, _ = made
    keys = {vault.derive(purpose) for purpose in ("audit", "backup", "database", "header mac", "")}
    assert len(keys | {vault.database_key()}) == 6


def test_digests_are_equal_for_equal_secrets_only(made: Made) -> None:
    """Also for text that UTF-8 does not allow."""
    vault, _ = made
    assert vault.digest(Secret("one")) == vault.digest(Secret("one")) != vault.digest(Secret("two"))
    assert len(vault.digest(Secret("\udcff"))) == 64


def test_a_new_root_key_shuts_out_the_old_ways(home: Path, made: Made, passphrase: Secret, cheap: Costs) -> None:
    """The passphrase goes on, the old recovery key does not, and an old header opens nothing that is new."""
    vault, old_recovery = made
    old_database, old_header = vault.database_key(), (home / "vault.jackfield").read_bytes()
    new_recovery = vault.rotate_root(PassphraseSource(passphrase))
    assert new_recovery is not None
    vault.finish_rotation()
    assert vault.database_key() != old_database
    assert kinds(vault) == [SlotKind.PASSPHRASE, SlotKind.RECOVERY]
    for opened in (
        Vault.unlock(home, passphrase, floor=cheap),
        Vault.unlock_with_recovery(home, new_recovery, floor=cheap),
    ):
        assert opened.database_key() == vault.database_key()
        assert opened.previous is None
    with pytest.raises(WrongPassphrase):
        Vault.unlock_with_recovery(home, old_recovery, floor=cheap)
    (home / "vault.jackfield").write_bytes(old_header)
    assert Vault.unlock_with_recovery(home, old_recovery, floor=cheap).database_key() == old_database


def test_a_change_of_root_cut_short_can_be_finished(home: Path, made: Made, passphrase: Secret, cheap: Costs) -> None:
    """Between the two steps, a new session opens what either root key made."""
    vault, _ = made
    key = vault.new_data_key()
    old_blob, old_database = vault.wrap_data_key(key, scope="org-1"), vault.database_key()
    vault.rotate_root(PassphraseSource(passphrase))
    new_blob = vault.wrap_data_key(key, scope="org-1")
    vault.lock()

    resumed = Vault.unlock(home, passphrase, floor=cheap)
    assert resumed.previous is not None
    assert resumed.previous.database_key() == old_database
    assert resumed.previous.unwrap_data_key(old_blob, scope="org-1").id == key.id
    assert resumed.unwrap_data_key(new_blob, scope="org-1").id == key.id
    with pytest.raises(BlobTampered):
        resumed.unwrap_data_key(old_blob, scope="org-1")
    with pytest.raises(Refused):
        resumed.rotate_root(PassphraseSource(passphrase))
    resumed.finish_rotation()
    assert Vault.unlock(home, passphrase, floor=cheap).previous is None


def test_a_change_of_root_shuts_nobody_out_unasked(
    home: Path, made: Made, passphrase: Secret, cheap: Costs, tmp_path: Path
) -> None:
    """A slot that nothing given opens stops it before anything is written; with its source it goes on."""
    vault, _ = made
    vault.add_slot(KeyFileSource(tmp_path / "key"))
    before = (home / "vault.jackfield").read_bytes()
    for sources in ((), (PassphraseSource(passphrase),), (PassphraseSource(NEW), KeyFileSource(tmp_path / "key"))):
        with pytest.raises(Refused):
            vault.rotate_root(*sources)
    assert (home / "vault.jackfield").read_bytes() == before
    vault.rotate_root(PassphraseSource(passphrase), KeyFileSource(tmp_path / "key"))
    opened = Vault.unlock_with_key_file(home, tmp_path / "key", floor=cheap)
    assert opened.database_key() == vault.database_key()


def test_a_locked_vault_does_nothing(made: Made, passphrase: Secret, cheap: Costs, tmp_path: Path) -> None:
    """Every call that needs a key raises LockedError, also on the keys it handed out."""
    vault, _ = made
    vault.rotate_root(PassphraseSource(passphrase))
    previous, key = vault.previous, vault.new_data_key()
    assert previous is not None
    blob = vault.wrap_data_key(key, scope="s")
    opened = vault.unwrap_data_key(blob, scope="s")
    vault.lock()
    vault.lock()
    assert vault.locked
    calls = (
        vault.database_key,
        vault.new_data_key,
        vault.list_slots,
        vault.finish_rotation,
        previous.database_key,
        lambda: vault.previous,
        lambda: vault.derive("audit"),
        lambda: vault.digest(Secret("x")),
        lambda: vault.wrap_data_key(DataKey.random(), scope="s"),
        lambda: vault.unwrap_data_key(blob, scope="s"),
        lambda: vault.add_slot(KeyFileSource(tmp_path / "key")),
        lambda: vault.remove_slot("0" * 16),
        lambda: vault.change_passphrase(passphrase, NEW, costs=cheap),
        lambda: vault.reset_passphrase(NEW, costs=cheap),
        lambda: vault.rotate_root(PassphraseSource(passphrase)),
        lambda: key.derive_key(b"x"),
        lambda: opened.derive_key(b"x"),
    )
    for call in calls:
        with pytest.raises(LockedError):
            call()


def test_locking_zeroes_the_keys(made: Made) -> None:
    """The bytes that were held are zeros, not only unreachable."""
    vault, _ = made
    key = vault.new_data_key()
    held = (vault._root._bytes, key._bytes)
    assert all(any(one) for one in held)
    vault.lock()
    assert not any(any(one) for one in held)


def test_nothing_shows_a_key(made: Made) -> None:
    """The repr of vault, keys and slots holds no key bytes."""
    vault, recovery = made
    key = vault.new_data_key()
    shown = repr((vault, vault._root, key, vault.list_slots(), PassphraseSource(Secret("canary one")), recovery))
    for secret in (vault._root._bytes, key._bytes, vault.database_key()):
        assert bytes(secret).hex() not in shown
        assert repr(bytes(secret))[2:-1] not in shown
    assert "canary" not in shown
    assert recovery.reveal() not in shown


def test_deriving_leaves_other_threads_running(home: Path, passphrase: Secret) -> None:
    """While a passphrase is being derived in a thread, this one gets to run; the default costs are real ones."""
    worker = threading.Thread(target=Vault.create, args=(home, passphrase), kwargs={"costs": Costs(64 * 1024, 3, 4)})
    turns = 0
    worker.start()
    while worker.is_alive():
        turns += 1
    assert turns > 1000
    assert Vault.exists(home)
