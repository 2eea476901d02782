"""The home folder: where everything of one Jackfield lives."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from jackfield.model.errors import HomeError

if TYPE_CHECKING:
    from jackfield.vault.costs import Costs
    from jackfield.vault.header import Header
    from jackfield.vault.slots import SlotKind

VARIABLE = "JACKFIELD_HOME"
STATE_VARIABLE = "JACKFIELD_STATE"


@dataclass(frozen=True, slots=True)
class Home:
    """One folder, readable by its owner alone: the vault's header, the store, backups, and the user's own files.

    `state` is a folder outside of it, for what must not go with it; None: the usual one.
    """

    folder: Path
    state: Path | None = None

    @classmethod
    def default(cls) -> Self:
        """`JACKFIELD_HOME`, else the platform's folder for a program's data."""
        chosen = os.environ.get(VARIABLE)
        if chosen:
            return cls(Path(chosen).expanduser().absolute())
        from platformdirs import user_data_path

        return cls(user_data_path("jackfield", appauthor=False))

    @property
    def providers(self) -> Path:
        """The user's own provider files."""
        return self.folder / "providers"

    @property
    def anchors(self) -> Path:
        """Where the heads of trails are noted: `JACKFIELD_STATE`, else the platform's folder for a program's state."""
        chosen = self.state or os.environ.get(STATE_VARIABLE)
        if chosen:
            return Path(chosen).expanduser().absolute() / "anchors"
        from platformdirs import user_data_path, user_state_path

        state = user_state_path("jackfield", appauthor=False)
        if state == user_data_path("jackfield", appauthor=False):  # where a platform has one folder for both
            state = state.with_name("jackfield-state")
        return state / "anchors"

    def has_vault(self) -> bool:
        from jackfield.vault.vault import Vault

        return Vault.exists(self.folder)

    def ways_in(self, *, floor: "Costs | None" = None) -> "tuple[SlotKind, ...]":
        """The kinds of the vault's slots, told without a key. Raises HeaderTampered or HomeError."""
        header = self._header(floor)
        return tuple(slot.kind for slot in header.slots) if header else ()

    def store_id(self) -> str:
        """The id of the vault's store, told without a key; empty for no vault. Raises HeaderTampered or HomeError."""
        header = self._header(None)
        return header.store_id if header else ""

    def _header(self, floor: "Costs | None") -> "Header | None":
        from jackfield.vault.costs import FLOOR
        from jackfield.vault.folder import COPY_NAME, HEADER_NAME, HeaderFolder
        from jackfield.vault.header import parse

        files = HeaderFolder(self.folder)
        raw = files.read(HEADER_NAME) or files.read(COPY_NAME)
        return parse(raw, floor=floor or FLOOR).header if raw else None

    def prepare(self) -> None:
        """Make the folder, 0700 whatever the umask, and finish a restore that was cut off.

        An empty folder of the user's is made private. Raises HomeError when it is not ours alone or cannot be made.
        """
        from jackfield.services.replacement import finish_replacement
        from jackfield.store.files import make_private_folder

        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            if self.folder.is_dir() and not self.folder.is_symlink() and not any(self.folder.iterdir()):
                self.folder.chmod(0o700)
            make_private_folder(self.folder)
        except OSError as error:
            message = f"The folder {self.folder} cannot be made or used: {error.strerror}."
            raise HomeError(message, "Check its rights and its disk, or give another with --home.") from None
        finish_replacement(self.folder)
