"""The home folder: where everything of one Jackfield lives."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

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

    def prepare(self) -> None:
        """Make the folder, 0700 whatever the umask. Raises HomeError when it is not ours alone."""
        from jackfield.store.files import make_private_folder

        make_private_folder(self.folder)
