"""How much may be drawn: whether the line to the terminal is taken for slow. Known before the vault is open."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from jackfield.services.choices import keep_choice, kept_choice

SLOW_MS: Final = 150
"""A round trip to the terminal that takes longer makes a slow line."""
_FILE: Final = "link"


class Link(StrEnum):
    """What a user says of the line to the terminal."""

    AUTO = "auto"  # it is measured at each start
    SLOW = "slow"
    FAST = "fast"


def kept_link(home: Path) -> Link:
    """What was chosen for this home folder; measured, unless that can be read."""
    kept = kept_choice(home, _FILE)
    return Link(kept) if kept in set(Link) else Link.AUTO


def keep_link(home: Path, link: Link) -> None:
    """Choose for every start from now on. Raises UsageError when the home folder cannot be written."""
    keep_choice(home, _FILE, link.value, otherwise="--slow-link and --no-slow-link say it for one time.")
