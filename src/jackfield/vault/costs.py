"""What one guess at a passphrase costs: the parameters of Argon2id, their floor and their ceiling."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MIB: Final = 1024  # in KiB
_GIB: Final = 1024 * _MIB


@dataclass(frozen=True, slots=True)
class Costs:
    memory_kib: int
    passes: int
    lanes: int

    def fault(self, floor: "Costs") -> str:
        """Why these costs are refused, in words; empty when they lie between `floor` and CEILING."""
        for name, value, least, most in (
            ("memory in KiB", self.memory_kib, max(floor.memory_kib, 8 * self.lanes), CEILING.memory_kib),
            ("passes", self.passes, max(floor.passes, 1), CEILING.passes),
            ("lanes", self.lanes, max(floor.lanes, 1), CEILING.lanes),
        ):
            if value < least:
                return f"{name} {value} is under the least allowed, {least}"
            if value > most:
                return f"{name} {value} is over the most allowed, {most}"
        return ""


FLOOR: Final = Costs(memory_kib=64 * _MIB, passes=3, lanes=4)
CEILING: Final = Costs(memory_kib=_GIB, passes=16, lanes=16)
_ROOMY: Final = Costs(memory_kib=256 * _MIB, passes=3, lanes=4)


def calibrate(available_kib: int | None = None) -> Costs:
    """The costs for a new passphrase: 256 MiB where at least 2 GiB of memory are available, the floor otherwise."""
    if available_kib is None:
        available_kib = _available_memory_kib()
    return _ROOMY if available_kib >= 2 * _GIB else FLOOR


def _available_memory_kib() -> int:
    """What the kernel says can be used without swapping; all memory where it does not say; 0 when unknown."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass  # not Linux, or /proc is hidden: ask the other way
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1024
    except (OSError, ValueError):
        return 0
