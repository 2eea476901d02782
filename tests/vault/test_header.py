"""The header is read strictly, costs first, and every change to it is noticed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf import argon2
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jackfield.model.errors import HeaderTampered, StoreTooNew, UsageError, WrongPassphrase
from jackfield.model.secret import Secret
from jackfield.vault.costs import CEILING, FLOOR, Costs
from jackfield.vault.folder import COPY_NAME, HEADER_NAME
from jackfield.vault.header import SIZE_LIMIT, encode, parse
from jackfield.vault.keys import RootKey
from jackfield.vault.vault import Vault

GOLDEN = Path(__file__).with_name("golden.jackfield")
GOLDEN_PASSPHRASE = Secret("a golden passphrase")
GOLDEN_ROOT = bytes(range(32))


def redigested(body: bytes, *, mac: bytes = b"0" * 64, magic: bytes = b"jackfield-vault 1\n") -> bytes:
    """A header whose digest is right, as someone who changed it on purpose would write it."""
    sealed = magic + body + b"\n"
    return sealed + b"sha256 " + hashlib.sha256(sealed).hexdigest().encode() + b"\nhmac-sha256 " + mac + b"\n"


def golden_body() -> dict[str, Any]:
    body: dict[str, Any] = json.loads(GOLDEN.read_bytes().splitlines()[1])
    return body


def canonical(body: object) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def place_header(home: Path, raw: bytes) -> None:
    for name in (HEADER_NAME, COPY_NAME):
        (home / name).unlink(missing_ok=True)
        (home / name).touch(mode=0o600)
        (home / name).write_bytes(raw)


@pytest.fixture
def no_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any use of Argon2id fails the test."""

    def refuse(**costs: int) -> None:
        pytest.fail(f"derived with {costs}")

    monkeypatch.setattr(argon2, "Argon2id", refuse)


def test_a_stranger_can_open_a_header_from_its_description() -> None:
    """A reader that knows only the written format unwraps the golden root key and checks the MAC."""

    def pack(*fields: str | bytes | int) -> bytes:
        texts = [field.encode() if isinstance(field, str) else field for field in fields]
        raws = [text.to_bytes(8, "big") if isinstance(text, int) else text for text in texts]
        return b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)

    lines = GOLDEN.read_bytes().splitlines(keepends=True)
    assert lines[2] == b"sha256 " + hashlib.sha256(b"".join(lines[:2])).hexdigest().encode() + b"\n"
    body = json.loads(lines[1])
    slot = body["slots"][0]
    costs, salt, wrapped = slot["costs"], base64.b64decode(slot["salt"]), base64.b64decode(slot["wrapped"])
    key = Argon2id(
        salt=salt, length=32, iterations=costs["passes"], lanes=costs["lanes"], memory_cost=costs["memory_kib"]
    ).derive(b"a golden passphrase")
    numbers = costs["memory_kib"], costs["passes"], costs["lanes"]
    associated = pack("jackfield slot 1", body["store"], slot["id"], slot["kind"], salt, *numbers)
    root = AESGCM(key).decrypt(wrapped[:12], wrapped[12:], associated)
    assert root == GOLDEN_ROOT
    info = pack("jackfield 1", "header mac")
    mac = hmac.digest(HKDF(SHA256(), 32, None, info).derive(root), b"".join(lines[:3]), "sha256")
    assert lines[3] == b"hmac-sha256 " + mac.hex().encode() + b"\n"


def test_vaults_of_earlier_builds_open(home: Path, cheap: Costs) -> None:
    """The golden header opens, gives the same keys as ever, and is written again as the same bytes."""
    place_header(home, GOLDEN.read_bytes())
    vault = Vault.unlock(home, GOLDEN_PASSPHRASE, floor=cheap)
    assert vault.database_key().hex() == "b9dd01ca25c7e473690b84a28390595b2f3ba8833187139321f581af8626da42"
    assert vault.derive("audit").hex() == "335a0acc60ecc0e21b0ac9fafaf0b2a87ad1892580bc975b9872c44301f2ae50"
    assert vault.digest(Secret("equal")) == "22917e2e3ec91007e8b73ebf5fd69128fd4293c12115ec4d639a7376a28ef0a2"
    root = RootKey(GOLDEN_ROOT, vault.store_id)
    assert encode(parse(GOLDEN.read_bytes(), floor=cheap).verify(root), root) == GOLDEN.read_bytes()


def test_every_changed_byte_is_named_as_tampering(home: Path, cheap: Costs) -> None:
    """Each byte flipped in turn, in header and copy alike, is HeaderTampered; never a wrong passphrase."""
    raw = GOLDEN.read_bytes()
    for at in range(len(raw)):
        for bit in (0x01, 0x80):
            changed = bytearray(raw)
            changed[at] ^= bit
            place_header(home, bytes(changed))
            with pytest.raises(HeaderTampered):
                Vault.unlock(home, GOLDEN_PASSPHRASE, floor=cheap)


def test_damage_is_found_before_anything_is_derived(home: Path, cheap: Costs, no_derivation: None) -> None:
    """A byte changed above the MAC line, and any shorter file, is found by form or digest alone."""
    raw = GOLDEN.read_bytes()
    for at in range(raw.rindex(b"hmac-sha256")):
        place_header(home, raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        with pytest.raises(HeaderTampered):
            Vault.unlock(home, GOLDEN_PASSPHRASE, floor=cheap)
        place_header(home, raw[:at])
        with pytest.raises(HeaderTampered):
            Vault.unlock(home, GOLDEN_PASSPHRASE, floor=cheap)


@pytest.mark.parametrize(
    "costs",
    [
        {"memory_kib": FLOOR.memory_kib - 1, "passes": 3, "lanes": 4},
        {"memory_kib": FLOOR.memory_kib, "passes": 2, "lanes": 4},
        {"memory_kib": FLOOR.memory_kib, "passes": 3, "lanes": 1},
        {"memory_kib": CEILING.memory_kib + 1, "passes": 3, "lanes": 4},
        {"memory_kib": 2**31, "passes": 3, "lanes": 4},
        {"memory_kib": 10**400, "passes": 3, "lanes": 4},
        {"memory_kib": FLOOR.memory_kib, "passes": 17, "lanes": 4},
        {"memory_kib": FLOOR.memory_kib, "passes": 3, "lanes": 17},
        {"memory_kib": -1, "passes": 3, "lanes": 4},
        {"memory_kib": True, "passes": 3, "lanes": 4},
        {"memory_kib": 65536.0, "passes": 3, "lanes": 4},
        {"memory_kib": "65536", "passes": 3, "lanes": 4},
    ],
)
def test_costs_are_judged_before_they_are_spent(home: Path, costs: dict[str, object], no_derivation: None) -> None:
    """A header that was changed on purpose, digest and all, to costs outside the limits derives nothing."""
    body = golden_body()
    body["slots"][0]["costs"] = costs
    place_header(home, redigested(canonical(body)))
    with pytest.raises(HeaderTampered):
        Vault.unlock(home, GOLDEN_PASSPHRASE)


def _without(*path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        target: Any = body
        for key in path[:-1]:
            target = target[key]
        del target[path[-1]]

    return change


def _with(value: object, *path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        target: Any = body
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _with("x", "unknown"),
        _with("x", "slots", 0, "unknown"),
        _with(1, "slots", 0, "costs", "unknown"),
        _without("previous"),
        _without("slots", 0, "salt"),
        _without("slots", 0, "costs", "lanes"),
        _with([], "slots"),
        _with({}, "slots"),
        _with([golden_body()["slots"][0]] * 2, "slots"),
        _with([golden_body()["slots"][0]] * 17, "slots"),
        _with(["slot"], "slots"),
        _with("AA" * 16, "store"),
        _with(7, "store"),
        _with("", "previous"),
        _with("token", "slots", 0, "kind"),
        _with("keyring", "slots", 0, "kind"),
        _with(None, "slots", 0, "costs"),
        _with("20250131", "slots", 0, "created"),
        _with("yesterday", "slots", 0, "created"),
        _with("AAAA", "slots", 0, "salt"),
        _with("!" * 24, "slots", 0, "salt"),
        _with("é" * 24, "slots", 0, "salt"),
        _with(5, "slots", 0, "wrapped"),
    ],
)
def test_whatever_is_not_the_format_is_refused(
    change: Callable[[dict[str, Any]], None], cheap: Costs, no_derivation: None
) -> None:
    """Unknown and missing fields, wrong types, sizes and forms are HeaderTampered."""
    body = golden_body()
    change(body)
    with pytest.raises(HeaderTampered):
        parse(redigested(canonical(body)), floor=cheap)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{",
        b"[" * 60_000,
        b'{"slots":' + b"9" * 5000 + b"}",
        b"\xff",
        json.dumps(golden_body(), sort_keys=True).encode(),
        json.dumps(golden_body(), separators=(",", ":"), sort_keys=True).encode().replace(b"{", b'{"store":"",', 1),
    ],
)
def test_json_in_any_other_form_is_refused(body: bytes, cheap: Costs) -> None:
    """Broken, deep, huge, spaced and doubled JSON is HeaderTampered."""
    with pytest.raises(HeaderTampered):
        parse(redigested(body), floor=cheap)


def test_a_later_format_is_told_from_damage(cheap: Costs) -> None:
    """A whole header of a later format is StoreTooNew; a damaged one that looks like it is HeaderTampered."""
    later = redigested(b"anything", magic=b"jackfield-vault 2\n")
    with pytest.raises(StoreTooNew):
        parse(later, floor=cheap)
    with pytest.raises(HeaderTampered):
        parse(GOLDEN.read_bytes().replace(b"vault 1", b"vault 2", 1), floor=cheap)
    for magic in (b"jackfield-vault 0\n", b"jackfield-vault 01\n"):
        with pytest.raises(HeaderTampered):
            parse(redigested(GOLDEN.read_bytes().splitlines()[1], magic=magic), floor=cheap)


def test_a_large_file_is_not_read(home: Path, cheap: Costs) -> None:
    """One byte over 64 KiB is refused."""
    place_header(home, b" " * (SIZE_LIMIT + 1))
    with pytest.raises(HeaderTampered, match="too large"):
        Vault.unlock(home, GOLDEN_PASSPHRASE, floor=cheap)


def test_a_slot_changed_on_purpose_is_not_used(home: Path, cheap: Costs) -> None:
    """A slot taken from a second vault of the same passphrase into this one does not open it."""
    other = home / "other"
    other.mkdir()
    Vault.create(other, GOLDEN_PASSPHRASE, costs=cheap, floor=cheap)
    body = golden_body()
    body["slots"][0] = json.loads((other / HEADER_NAME).read_bytes().splitlines()[1])["slots"][0]
    place_header(home, redigested(canonical(body)))
    with pytest.raises(WrongPassphrase):
        Vault.unlock(home, GOLDEN_PASSPHRASE, floor=cheap)


def test_a_header_replaced_by_another_vaults_under_the_same_passphrase_gives_other_keys(
    home: Path, made: tuple[Vault, Secret], passphrase: Secret, cheap: Costs
) -> None:
    """A whole foreign header opens as what it is: another store, with another id and other keys."""
    vault, _ = made
    other = home / "other"
    other.mkdir()
    Vault.create(other, passphrase, costs=cheap, floor=cheap)
    place_header(home, (other / HEADER_NAME).read_bytes())
    foreign = Vault.unlock(home, passphrase, floor=cheap)
    assert foreign.store_id != vault.store_id
    assert foreign.database_key() != vault.database_key()


def test_a_slot_that_opens_under_two_passphrases_is_refused(home: Path, cheap: Costs) -> None:
    """AES-GCM lets one ciphertext open under two keys; the MAC holds for one root only, so the other is tampering."""
    body = golden_body()
    slot, salt = body["slots"][0], bytes(16)
    known, victim = b"the attacker's own", b"the victim's own one"
    keys = [
        Argon2id(salt=salt, length=32, iterations=1, lanes=1, memory_cost=16).derive(one) for one in (known, victim)
    ]
    nonce = bytes(12)
    fields = ("jackfield slot 1", body["store"], slot["id"], "passphrase", salt, 16, 1, 1)
    raws = [f if isinstance(f, bytes) else f.encode() if isinstance(f, str) else f.to_bytes(8, "big") for f in fields]
    associated = b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)
    wrapped = nonce + _ciphertext_of_two_keys(keys, nonce, associated)
    roots = [AESGCM(key).decrypt(nonce, wrapped[12:], associated) for key in keys]
    assert roots[0] != roots[1]

    slot |= {"costs": {"lanes": 1, "memory_kib": 16, "passes": 1}, "salt": base64.b64encode(salt).decode()}
    slot["wrapped"] = base64.b64encode(wrapped).decode()
    unsigned = redigested(canonical(body))
    mac = RootKey(roots[0], body["store"]).header_mac(unsigned[: unsigned.rindex(b"hmac-sha256")])
    place_header(home, redigested(canonical(body), mac=mac.hex().encode()))

    assert Vault.unlock(home, Secret(known.decode()), floor=cheap).store_id == body["store"]
    with pytest.raises(HeaderTampered, match="seal"):
        Vault.unlock(home, Secret(victim.decode()), floor=cheap)


def test_a_previous_root_key_that_does_not_open_is_tampering(home: Path, cheap: Costs) -> None:
    """The sealed previous root is checked at unlock, even under a right MAC."""
    root = RootKey(GOLDEN_ROOT, golden_body()["store"])
    header = parse(GOLDEN.read_bytes(), floor=cheap).header
    place_header(home, encode(replace(header, previous=bytes(60)), root))
    with pytest.raises(HeaderTampered, match="previous"):
        Vault.unlock(home, GOLDEN_PASSPHRASE, floor=cheap)


def test_costs_outside_the_limits_make_no_vault(home: Path, cheap: Costs, no_derivation: None) -> None:
    """Cheap costs need a lower floor, said aloud; the ceiling has no exception."""
    with pytest.raises(UsageError):
        Vault.create(home, GOLDEN_PASSPHRASE, costs=cheap)
    with pytest.raises(UsageError):
        Vault.create(home, GOLDEN_PASSPHRASE, costs=replace(CEILING, passes=17), floor=cheap)
    assert not Vault.exists(home)


def _ciphertext_of_two_keys(keys: list[bytes], nonce: bytes, associated: bytes) -> bytes:
    """Two blocks and a tag that AES-GCM takes under both keys: the tags agree for one choice of the second block."""
    first = b"any first block!"
    hashed, masks, powers = [], [], []
    for key in keys:
        h = int.from_bytes(_aes(key, bytes(16)), "big")
        hashed.append(_ghash_without_second(h, associated, first))
        masks.append(int.from_bytes(_aes(key, nonce + b"\0\0\0\x01"), "big"))
        powers.append(_multiply(h, h))
    difference = hashed[0] ^ hashed[1] ^ masks[0] ^ masks[1]
    second = _multiply(difference, _invert(powers[0] ^ powers[1]))
    tag = hashed[0] ^ _multiply(second, powers[0]) ^ masks[0]
    return first + second.to_bytes(16, "big") + tag.to_bytes(16, "big")


def _aes(key: bytes, block: bytes) -> bytes:
    """One block of AES: what GCM makes its hash key and its mask of."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


def _ghash_without_second(h: int, associated: bytes, first: bytes) -> int:
    padded = associated + bytes(-len(associated) % 16)
    lengths = (8 * len(associated)).to_bytes(8, "big") + (8 * 32).to_bytes(8, "big")
    data, y = padded + first + bytes(16) + lengths, 0
    for at in range(0, len(data), 16):
        y = _multiply(y ^ int.from_bytes(data[at : at + 16], "big"), h)
    return y


def _multiply(x: int, y: int) -> int:
    """In the field of GCM, whose bits run the other way."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
    return product


def _invert(x: int) -> int:
    """x to the power 2^128 - 2."""
    result, square = 1 << 127, x
    for _ in range(127):
        square = _multiply(square, square)
        result = _multiply(result, square)
    return result
