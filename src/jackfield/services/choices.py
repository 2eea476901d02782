"""What is chosen for a home folder and known before its vault is open: a word in a file of its own."""

from pathlib import Path

from jackfield.model.errors import UsageError


def kept_choice(home: Path, name: str) -> str:
    """The word that was kept under this name; empty when there is none that can be read."""
    try:
        return (home / name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def keep_choice(home: Path, name: str, word: str, *, otherwise: str) -> None:
    """Keep a word. Raises UsageError, whose next step is `otherwise`, when the home folder cannot be written."""
    try:
        (home / name).write_text(f"{word}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The choice is not kept: {error.strerror}.", otherwise) from None
