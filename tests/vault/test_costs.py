"""Costs have a floor, a ceiling and a sensible default."""

import pytest

from jackfield.vault.costs import CEILING, FLOOR, Costs, calibrate

GIB = 1024 * 1024


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        (0, FLOOR),
        (2 * GIB - 1, FLOOR),
        (2 * GIB, Costs(256 * 1024, 3, 4)),
        (64 * GIB, Costs(256 * 1024, 3, 4)),
    ],
)
def test_the_default_follows_the_memory(available: int, expected: Costs) -> None:
    """256 MiB where 2 GiB are available, the floor otherwise."""
    assert calibrate(available) == expected


def test_this_machine_gets_allowed_costs() -> None:
    """Whatever this system says of its memory, the default lies within the limits."""
    assert calibrate().fault(FLOOR) == ""


@pytest.mark.parametrize("costs", [FLOOR, CEILING])
def test_the_limits_themselves_are_allowed(costs: Costs) -> None:
    """Floor and ceiling are inside."""
    assert costs.fault(FLOOR) == ""


@pytest.mark.parametrize(
    ("costs", "named"),
    [
        (Costs(FLOOR.memory_kib - 1, 3, 4), "memory"),
        (Costs(FLOOR.memory_kib, 2, 4), "passes"),
        (Costs(FLOOR.memory_kib, 3, 3), "lanes"),
        (Costs(CEILING.memory_kib + 1, 3, 4), "memory"),
        (Costs(FLOOR.memory_kib, 17, 4), "passes"),
        (Costs(FLOOR.memory_kib, 3, 17), "lanes"),
    ],
)
def test_a_step_outside_is_named(costs: Costs, named: str) -> None:
    """One step under the floor or over the ceiling is refused, and the parameter named."""
    assert costs.fault(FLOOR).startswith(named)


def test_a_lower_floor_still_keeps_what_argon2_needs() -> None:
    """Eight KiB a lane, a pass and a lane, whatever the floor."""
    nothing = Costs(0, 0, 0)
    assert Costs(15, 1, 2).fault(nothing)
    assert Costs(16, 0, 2).fault(nothing)
    assert Costs(16, 1, 0).fault(nothing)
