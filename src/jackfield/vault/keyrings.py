"""The keyring of the operating system, when there is one that keeps a key safe.

Backends are taken from a list of classes and never from `PYTHON_KEYRING_BACKEND`, keyring's own configuration file or
its plug-ins: those can name one that stores nothing, or stores in plain text.
"""

import importlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from jackfield.model.errors import Refused

ALLOWED_BACKENDS: Final = {
    "keyring.backends.SecretService.Keyring": "Secret Service",
    "keyring.backends.libsecret.Keyring": "libsecret",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
}


class Keyring(Protocol):
    """The part of a keyring backend the vault uses. Its failures are `keyring.errors.KeyringError`."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a slot can be kept in a keyring here; `reason` says why or why not, `backend` which."""

    usable: bool
    reason: str
    backend: str


def keyring_availability(classes: Iterable[type] | None = None) -> Availability:
    """Look for a keyring, without reading from it or writing to it. `classes` defaults to those allowed."""
    return _choose(classes)[0]


def system_keyring(classes: Iterable[type] | None = None) -> Keyring:
    """The keyring `keyring_availability` speaks of. Raises Refused when there is none that is allowed."""
    availability, keyring = _choose(classes)
    if keyring is None:
        raise Refused(f"No keyring can be used: {availability.reason}.", "Unlock with the passphrase.")
    return keyring


def _choose(classes: Iterable[type] | None) -> tuple[Availability, Keyring | None]:
    best: tuple[float, str, Keyring] | None = None
    refused: list[str] = []
    for candidate in _allowed_classes() if classes is None else classes:
        name = f"{candidate.__module__}.{candidate.__qualname__}"
        if name not in ALLOWED_BACKENDS:
            refused.append(name)
            continue
        try:
            priority = float(candidate.priority)  # type: ignore[attr-defined]  # every keyring backend has it
            keyring: Keyring = candidate()
        except Exception:  # noqa: BLE001, S112  # a backend that cannot start is not there, whatever its reason
            continue
        if best is None or priority > best[0]:
            best = priority, ALLOWED_BACKENDS[name], keyring
    if best:
        return Availability(usable=True, reason=f"{best[1]} answers", backend=best[1]), best[2]
    if refused:
        reason = f"{', '.join(refused)} is not one that keeps a key safe"
    elif sys.platform.startswith("linux") and "DBUS_SESSION_BUS_ADDRESS" not in os.environ:
        reason = "no D-Bus session (over SSH that is usual)"
    else:
        reason = "none of " + ", ".join(sorted(ALLOWED_BACKENDS.values())) + " answers"
    return Availability(usable=False, reason=reason, backend=""), None


def _allowed_classes() -> Iterable[type]:
    for name in ALLOWED_BACKENDS:
        module, _, class_name = name.rpartition(".")
        try:
            yield getattr(importlib.import_module(module), class_name)
        except (ImportError, AttributeError):
            continue  # this system's keyring package does not have that backend
