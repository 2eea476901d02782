"""Values that are named instead of typed: `@FILE` and `env:VARIABLE`."""

import os
from pathlib import Path
from typing import Final

from jackfield.model.errors import UsageError
from jackfield.text import cleaned

LIMIT: Final = 1 << 20  # bytes of one value
_FILE: Final = "@"
_VARIABLE: Final = "env:"


def source_of(text: str) -> str:
    """In words, where a typed text says its value is; empty when it is the value itself."""
    name = text.strip()
    shown = cleaned(name, limit=80, lines=False)
    if "\n" in name:
        return ""
    if name.startswith(_VARIABLE) and len(name) > len(_VARIABLE):
        return f"the environment variable {shown.removeprefix(_VARIABLE)}"
    if name.startswith(_FILE) and not name.startswith(_FILE * 2) and len(name) > len(_FILE):
        return f"the file {shown.removeprefix(_FILE)}"
    return ""


def read_source(text: str) -> str:
    """The value that `source_of` has named, without the line end after it. Raises UsageError."""
    name = text.strip()
    if name.startswith(_VARIABLE):
        variable = name.removeprefix(_VARIABLE)
        if variable not in os.environ:
            shown = cleaned(variable, limit=80, lines=False)
            raise UsageError(f"The variable {shown} is not set here.", "Set it before Jackfield is started.")
        return os.environ[variable]
    path = Path(name.removeprefix(_FILE)).expanduser()
    shown = cleaned(str(path), limit=200, lines=False)
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no file name"
        raise UsageError(f"{shown} cannot be read: {reason}.", "Check its name and its rights.") from None
    if len(data) > LIMIT:
        raise UsageError(f"{shown} is larger than 1 MiB.", "Name the file that holds the value alone.")
    try:
        return data.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError(f"{shown} is not text.", "Save it as UTF-8, or convert it to PEM.") from None


def typed_path(text: str) -> Path:
    """The absolute path that a typed name means; `~` is the user's own folder. Raises UsageError."""
    try:
        return Path(text.strip()).expanduser().absolute()
    except (RuntimeError, ValueError):  # there is no such user
        shown = cleaned(text, limit=200, lines=False)
        raise UsageError(f"{shown} is no file name here.", "Write it whole, as in ~/name or /folder/name.") from None
