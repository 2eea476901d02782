"""Which command does the same as an action of the full-screen interface, read from twins.yaml."""

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class Twin:
    """Commands below `jackfield`, with the options that matter; or none, and why."""

    commands: tuple[str, ...]
    why_none: str = ""

    def told(self, quote: str = "") -> str:
        """For a reader: the commands, each between `quote`, or the reason."""
        return ", ".join(f"{quote}jackfield {command}{quote}" for command in self.commands) or self.why_none


def load_twins() -> dict[str, Twin]:
    """Action id → its twin, in the order of the file."""
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return {action_id: _twin(row) for action_id, row in rows.items()}


def _twin(row: object) -> Twin:
    if isinstance(row, dict):
        return Twin((), row["none"])
    return Twin(tuple(row)) if isinstance(row, list) else Twin((str(row),))


TWINS = load_twins()
