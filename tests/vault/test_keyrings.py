"""The system's keyring is used when it is one that keeps a key safe, and never is the only way in."""

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import ClassVar

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringLocked, PasswordDeleteError

from jackfield.model.errors import LockedError, Refused, WrongPassphrase
from jackfield.model.secret import Secret
from jackfield.vault.costs import Costs
from jackfield.vault.keyrings import keyring_availability, system_keyring
from jackfield.vault.slots import SlotKind
from jackfield.vault.sources import KeyringSource, PassphraseSource
from jackfield.vault.vault import Vault

Made = tuple[Vault, Secret]


class MemoryKeyring(KeyringBackend):
    """A keyring backend that keeps its entries as long as the object lives."""

    priority: ClassVar[float] = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring leaves it without types
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("no such entry")


class LockedKeyring(MemoryKeyring):
    """One whose owner dismissed the prompt."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("canary: vendor's own words")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("canary: vendor's own words")


class ForgetfulKeyring(MemoryKeyring):
    """One that takes everything and keeps nothing, as keyring's null backend does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class _OutOfReach:
    """A rank that cannot be given, as a backend's is when it has nothing to talk to."""

    def __get__(self, _: object, owner: type) -> float:
        raise RuntimeError("canary: nothing to talk to")


def named(qualified: str, *, rank: float | None = 5) -> type:
    """A backend class of that name; without a rank it cannot start here."""
    module, _, name = qualified.rpartition(".")
    body: dict[str, object] = {
        "priority": _OutOfReach() if rank is None else rank,
        "__module__": module,
        "__qualname__": name,
    }
    return types.new_class(name, (MemoryKeyring,), exec_body=lambda namespace: namespace.update(body))


def test_a_keyring_opens_the_vault(home: Path, made: Made, cheap: Costs) -> None:
    """The entry holds an unlock key of its own, not the root key, and opens its vault only."""
    keyring, vault = MemoryKeyring(), made[0]
    slot = vault.add_slot(KeyringSource(keyring))
    assert Vault.unlock_with_keyring(home, keyring, floor=cheap).database_key() == vault.database_key()
    ((service, username),) = keyring.entries
    assert (service, username) == ("jackfield", f"{vault.store_id}/{slot.id}")
    assert keyring.entries[service, username] != bytes(vault._root._bytes).hex()
    with pytest.raises(WrongPassphrase, match="keyring holds no key"):
        Vault.unlock_with_keyring(home, MemoryKeyring(), floor=cheap)
    keyring.entries[service, username] = "not hex"
    with pytest.raises(WrongPassphrase):
        Vault.unlock_with_keyring(home, keyring, floor=cheap)


def test_the_keyring_is_never_the_only_way_in(made: Made) -> None:
    """Removing the other slots stops at the last that is not a keyring's."""
    vault = made[0]
    vault.add_slot(KeyringSource(MemoryKeyring()))
    one, other, _ = vault.list_slots()
    vault.remove_slot(one.id)
    with pytest.raises(Refused, match="besides the keyring"):
        vault.remove_slot(other.id)


def test_removing_the_slot_removes_the_entry(home: Path, made: Made, cheap: Costs) -> None:
    """The entry goes with its slot; without the keyring at hand, what stays opens nothing."""
    keyring, vault = MemoryKeyring(), made[0]
    vault.remove_slot(vault.add_slot(KeyringSource(keyring)).id, keyring=keyring)
    assert not keyring.entries
    vault.remove_slot(vault.add_slot(KeyringSource(keyring)).id)
    assert keyring.entries
    with pytest.raises(LockedError, match="no keyring slot"):
        Vault.unlock_with_keyring(home, keyring, floor=cheap)


def test_a_new_root_key_rewrites_the_entry(home: Path, made: Made, passphrase: Secret, cheap: Costs) -> None:
    """The keyring goes on opening the vault with a new entry, and the old one is gone."""
    keyring, vault = MemoryKeyring(), made[0]
    vault.add_slot(KeyringSource(keyring))
    before = dict(keyring.entries)
    vault.rotate_root(PassphraseSource(passphrase), KeyringSource(keyring))
    assert len(keyring.entries) == 1
    assert not before.keys() & keyring.entries.keys()
    assert not set(before.values()) & set(keyring.entries.values())
    assert Vault.unlock_with_keyring(home, keyring, floor=cheap).database_key() == vault.database_key()


@pytest.mark.parametrize("backend", [LockedKeyring, ForgetfulKeyring, null.Keyring, fail.Keyring])
def test_a_keyring_that_does_not_keep_makes_no_slot(made: Made, backend: type) -> None:
    """Locked, forgetful, null and failing keyrings are Refused, in our words, with no slot left behind."""
    vault = made[0]
    with pytest.raises(Refused) as caught:
        vault.add_slot(KeyringSource(backend()))
    assert "canary" not in str(caught.value)
    assert SlotKind.KEYRING not in [slot.kind for slot in vault.list_slots()]


def test_a_locked_keyring_is_told_from_a_wrong_key(home: Path, made: Made, cheap: Costs) -> None:
    """Unlocking with a keyring that does not answer is Refused, and the passphrase is the next step."""
    made[0].add_slot(KeyringSource(MemoryKeyring()))
    with pytest.raises(Refused) as caught:
        Vault.unlock_with_keyring(home, LockedKeyring(), floor=cheap)
    assert "passphrase" in caught.value.next_step


@pytest.mark.parametrize(
    "backend",
    [null.Keyring, fail.Keyring, chainer.ChainerBackend, MemoryKeyring, named("keyrings.alt.file.PlaintextKeyring")],
)
def test_other_backends_are_refused_by_name(backend: type) -> None:
    """Null, failing, chaining, unknown and plain-text backends are not used, and the reason names them."""
    availability = keyring_availability([backend])
    assert not availability.usable
    assert backend.__qualname__ in availability.reason
    with pytest.raises(Refused, match=backend.__qualname__):
        system_keyring([backend])


def test_the_best_allowed_backend_is_taken() -> None:
    """Of those that can start, the one of highest rank; refused and broken ones do not get in the way."""
    classes = [
        null.Keyring,
        named("keyring.backends.libsecret.Keyring", rank=4.8),
        named("keyring.backends.SecretService.Keyring", rank=5),
        named("keyring.backends.kwallet.DBusKeyring", rank=None),
    ]
    availability = keyring_availability(classes)
    assert (availability.usable, availability.backend) == (True, "Secret Service")
    assert isinstance(system_keyring(classes), classes[2])


def test_nothing_that_can_start_has_a_reason_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over SSH the missing D-Bus session is named; otherwise, what was looked for."""
    classes = [named("keyring.backends.SecretService.Keyring", rank=None)]
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    assert keyring_availability(classes).reason == "no D-Bus session (over SSH that is usual)"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    reason = keyring_availability(classes).reason
    assert "Secret Service" in reason
    assert "canary" not in reason


def test_the_environment_does_not_choose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither PYTHON_KEYRING_BACKEND nor keyring's configuration file makes a null keyring usable."""
    (tmp_path / "python_keyring").mkdir()
    chosen = "[backend]\ndefault-keyring=keyring.backends.null.Keyring\n"
    (tmp_path / "python_keyring" / "keyringrc.cfg").write_text(chosen)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nowhere")
    if sys.platform == "linux":
        assert not keyring_availability().usable


SESSION = """
gnome-keyring-daemon --foreground --unlock --components=secrets < "$1/login" >"$1/daemon" 2>&1 & daemon=$!
trap 'kill $daemon' EXIT
"$2" -c "$3" "$1"
"""
ROUND_TRIP = """
import sys
import types
from pathlib import Path
from jackfield.model.secret import Secret
from jackfield.vault.costs import Costs
from jackfield.vault.keyrings import keyring_availability, system_keyring
from jackfield.vault.sources import KeyringSource
from jackfield.vault.vault import Vault

# The daemon is up when it answers; asking starts nothing and the bus waits for it.
while not keyring_availability().usable:
    pass
cheap, home = Costs(16, 1, 1), Path(sys.argv[1]) / "home"
vault, _ = Vault.create(home, Secret("a real passphrase"), costs=cheap, floor=cheap)
slot = vault.add_slot(KeyringSource(system_keyring()))
assert Vault.unlock_with_keyring(home, floor=cheap).database_key() == vault.database_key()
vault.remove_slot(slot.id, keyring=system_keyring())
assert system_keyring().get_password("jackfield", f"{vault.store_id}/{slot.id}") is None
print(keyring_availability().backend)
"""


@pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")),
    reason="gnome-keyring-daemon and dbus-run-session are not installed",
)
def test_a_real_secret_service_keeps_the_key(home: Path, tmp_path: Path) -> None:
    """A slot is made, used and removed in a keyring daemon of its own, chosen despite the environment."""
    (tmp_path / "login").write_text("login passphrase")
    places = {name: str(tmp_path) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")}
    tmp_path.chmod(0o700)
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", SESSION, "sh", tmp_path, sys.executable, ROUND_TRIP],
        env={**os.environ, **places, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.strip(), done.returncode) == ("Secret Service", 0), done.stderr
