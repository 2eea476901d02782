"""The home folder: where everything of one Jackfield lives."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from jackfield.model.errors import HomeError

if TYPE_CHECKING:
    from jackfield.vault.costs import Costs
    from jackfield.vault.slots import SlotKind

VARIABLE = "JACKFIELD_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """One folder, readable by its owner alone: the vault's header, the store, backups, and the user's own files."""

    folder: Path

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

    def has_vault(self) -> bool:
        from jackfield.vault.vault import Vault

        return Vault.exists(self.folder)

    def ways_in(self, *, floor: "Costs | None" = None) -> "tuple[SlotKind, ...]":
        """The kinds of the vault's slots, told without a key. Raises HeaderTampered or HomeError."""
        from jackfield.vault.costs import FLOOR
        from jackfield.vault.folder import COPY_NAME, HEADER_NAME, HeaderFolder
        from jackfield.vault.header import parse

        files = HeaderFolder(self.folder)
        raw = files.read(HEADER_NAME) or files.read(COPY_NAME)
        return tuple(slot.kind for slot in parse(raw, floor=floor or FLOOR).header.slots) if raw else ()

    def prepare(self) -> None:
        """Make the folder, 0700 whatever the umask, and finish a restore that was cut off.

        An empty folder of the user's is made private. Raises HomeError when it is not ours alone or cannot be made.
        """
        from jackfield.services.restore import finish_restore
        from jackfield.store.files import make_private_folder

        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            if self.folder.is_dir() and not self.folder.is_symlink() and not any(self.folder.iterdir()):
                self.folder.chmod(0o700)
            make_private_folder(self.folder)
        except OSError as error:
            message = f"The folder {self.folder} cannot be made or used: {error.strerror}."
            raise HomeError(message, "Check its rights and its disk, or give another with --home.") from None
        finish_restore(self.folder)
