"""The door of a home folder: a session of the services. What opens it is imported when it is first needed."""

from typing import TYPE_CHECKING, Final

from jackfield.model.secret import Secret
from jackfield.services.home import Home

if TYPE_CHECKING:
    from jackfield.services.session import Session

# Asking the vault itself would import it before the first screen is painted.
HEADER_FILES: Final = ("vault.jackfield", "vault.jackfield.copy")


class SessionDoor:
    """Opens and closes the vault of one home folder; `session` is there while it is open."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.session: Session | None = None

    def exists(self) -> bool:
        """Whether there is a vault to open."""
        return any((self._home.folder / name).exists() for name in HEADER_FILES)

    def create(self, passphrase: Secret, *, recovery: bool) -> Secret | None:
        """Make the vault; gives the recovery key, to be shown once. Raises JackfieldError."""
        from jackfield.services.session import Session

        self.session, key = Session.create(self._home, passphrase, declined_recovery=not recovery)
        return key

    def unlock(self, passphrase: Secret) -> None:
        """Open the vault. Raises WrongPassphrase and other JackfieldErrors."""
        from jackfield.services.session import Session

        self.session = Session.unlock(self._home, passphrase)

    def lock(self) -> None:
        """Cancel what runs and forget the keys; may be called when it is closed."""
        session, self.session = self.session, None
        if session is not None:
            session.lock()

    def warm(self) -> None:
        """Load what opening will need, while the passphrase is typed."""
        import jackfield.services.session  # noqa: F401  imported for its cost alone
