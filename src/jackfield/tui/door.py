"""The way to the vault, and the door of a home folder, which is a session of the services.

What opens it is imported when it is first needed.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from jackfield.model.errors import JackfieldError, LockedError
from jackfield.model.secret import Secret
from jackfield.services.home import Home

if TYPE_CHECKING:
    from jackfield.net.network import Network
    from jackfield.services.engine import Engine
    from jackfield.services.session import Session
    from jackfield.vault.costs import Costs
    from jackfield.vault.sources import KeySource

# Asking the vault itself would import it before the first screen is painted.
HEADER_FILES: Final = ("vault.jackfield", "vault.jackfield.copy")


@dataclass(frozen=True, slots=True)
class Ways:
    """What opens a vault besides its passphrase, and what is worth saying before it is opened, one line each."""

    recovery: bool = False
    keyring: bool = False
    notes: tuple[str, ...] = ()


class Door(Protocol):
    """The way to the vault. What may take a second is called in a thread: `ways`, `create`, `unlock…` and `warm`."""

    idle_minutes: int | None
    """Minutes without a key after which an open door closes by itself; None: never, or it is closed."""

    def exists(self) -> bool:
        """Whether there is a vault to open."""

    def ways(self) -> Ways:
        """What opens it besides the passphrase, and what is wrong already."""

    def create(self, passphrase: Secret) -> Secret | None:
        """Make the vault; gives the recovery key, to be shown once. Raises JackfieldError."""

    def decline_recovery(self) -> None:
        """Do without the recovery key that was just made. Raises JackfieldError."""

    def unlock(self, passphrase: Secret) -> None:
        """Open the vault. Raises WrongPassphrase and other JackfieldErrors."""

    def unlock_with_recovery(self, key: Secret) -> None:
        """As `unlock`, with the recovery key."""

    def unlock_with_keyring(self) -> None:
        """As `unlock`, with what the OS keyring holds."""

    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the vault and did not keep it from opening."""

    def keep_idle_minutes(self, minutes: int | None) -> None:
        """Set `idle_minutes` for good. Raises JackfieldError."""

    def lock(self) -> None:
        """Cancel what runs and forget the keys. Never raises, and may be called when it is closed."""

    def warm(self) -> None:
        """Load what opening will need, while the passphrase is typed."""


class SessionDoor:
    """Opens and closes the vault of one home folder; it holds the session and its engine while it is open.

    `network` is what tests of connections go through; `costs` and `floor` are those of a vault's keys; `hint` is said
    to whoever stands before the closed door.
    """

    def __init__(
        self,
        home: Home,
        *,
        network: "Callable[[], Network] | None" = None,
        costs: "Costs | None" = None,
        floor: "Costs | None" = None,
        hint: str = "",
    ) -> None:
        self._hint = hint
        self._home = home
        self._network = network
        self._costs = costs
        self._floor = floor
        self._guard = Lock()  # over what follows: doors are opened in threads
        self._turn = 0  # counts lockings
        self._inside: tuple[Session, Engine] | None = None
        self.idle_minutes: int | None = None

    def exists(self) -> bool:
        """Whether there is a vault to open."""
        return any((self._home.folder / name).exists() for name in HEADER_FILES)

    def inside(self) -> "tuple[Session, Engine]":
        """What is behind the open door. Raises LockedError."""
        if self._inside is None:
            raise LockedError("The vault is locked.", "Unlock it first.")
        return self._inside

    def ways(self) -> Ways:
        """Look at the vault, or at the place where one would be made. Opens nothing."""
        from jackfield.services.doctor import examine
        from jackfield.vault.slots import SlotKind

        folder = next(iter(examine(self._home)))
        notes = [self._hint] if self._hint else []
        if not folder.ok:
            notes.append(f"{folder.cause} {folder.next_step}")
        try:
            kinds = self._home.ways_in(floor=self._floor)
        except JackfieldError as error:
            return Ways(notes=(*notes, str(error)))
        if kinds and SlotKind.KEYRING not in kinds:
            return Ways(SlotKind.RECOVERY in kinds, notes=tuple(notes))

        from jackfield.vault.keyrings import keyring_availability  # brings much that most vaults never need

        keyring = keyring_availability()
        if not kinds:
            hint = "; jackfield key add keyring lets it open the vault" if keyring.usable else ""
            notes.append(f"OS keyring: {'' if keyring.usable else 'not available here: '}{keyring.reason}{hint}.")
        elif not keyring.usable:
            notes.append(f"The OS keyring that opens this vault is not available here: {keyring.reason}.")
        return Ways(SlotKind.RECOVERY in kinds, SlotKind.KEYRING in kinds and keyring.usable, tuple(notes))

    def create(self, passphrase: Secret) -> Secret | None:
        """Make the vault; gives the recovery key, to be shown once. Raises JackfieldError."""
        from jackfield.services.session import Session
        from jackfield.vault.costs import FLOOR

        turn = self._turn
        session, key = Session.create(self._home, passphrase, costs=self._costs, floor=self._floor or FLOOR)
        self._enter(session, turn)
        return key

    def decline_recovery(self) -> None:
        """Take the recovery key of a vault just made away. Raises JackfieldError."""
        from jackfield.services.slots import remove_recovery

        remove_recovery(self.inside()[0])

    def unlock(self, passphrase: Secret) -> None:
        """Open the vault. Raises WrongPassphrase and other JackfieldErrors."""
        from jackfield.vault.sources import PassphraseSource

        self._open(lambda: PassphraseSource(passphrase))

    def unlock_with_recovery(self, key: Secret) -> None:
        """As `unlock`; raises InvalidField for a key that is mistyped rather than wrong."""
        from jackfield.vault.sources import RecoverySource

        self._open(lambda: RecoverySource(key))

    def unlock_with_keyring(self) -> None:
        """As `unlock`; raises Refused when no keyring answers."""
        from jackfield.vault.keyrings import system_keyring
        from jackfield.vault.sources import KeyringSource

        self._open(lambda: KeyringSource(system_keyring()))

    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the vault and could be mended or worked around when it was opened."""
        return self.inside()[0].warnings

    def keep_idle_minutes(self, minutes: int | None) -> None:
        """Lock by itself after so many minutes without a key from now on. Raises JackfieldError."""
        from jackfield.services.settings import Settings

        session = self.inside()[0]
        Settings(session.store).keep_idle_minutes(minutes, session.audit)
        self.idle_minutes = minutes

    def lock(self) -> None:
        """Cancel what runs and forget the keys; may be called when it is closed."""
        with self._guard:
            inside, self._inside = self._inside, None
            self._turn += 1
            self.idle_minutes = None
        if inside is not None:
            inside[0].lock()

    def warm(self) -> None:
        """Load what opening will need, while the passphrase is typed."""
        import jackfield.services.engine
        import jackfield.tui.screens.connections  # noqa: F401  both are imported for their cost alone
        from jackfield.providers.contract.registry import Registry

        Registry()  # what it reads of the providers shipped is kept

    def _open(self, source: "Callable[[], KeySource]") -> None:
        from jackfield.services.session import Session
        from jackfield.vault.costs import FLOOR
        from jackfield.vault.vault import Vault

        turn, folder, floor = self._turn, self._home.folder, self._floor or FLOOR
        self._enter(Session.open(self._home, lambda: Vault.unlock_with(folder, source(), floor=floor)), turn)

    def _enter(self, session: "Session", turn: int) -> None:
        """Keep what was opened, unless it was locked while the keys were being derived. Raises LockedError."""
        from jackfield.net.network import Network
        from jackfield.services.engine import Engine
        from jackfield.services.settings import Settings

        with ExitStack() as at_fault:
            at_fault.callback(session.lock)
            idle_minutes = Settings(session.store).idle_minutes()
            engine = Engine(session, network=self._network or Network)
            engine.start()
            with self._guard:
                if turn != self._turn:
                    raise LockedError("The vault was locked again meanwhile.", "Unlock it once more.")
                self._inside, self.idle_minutes = (session, engine), idle_minutes
            at_fault.pop_all()
