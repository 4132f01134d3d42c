"""Our counter beside gpiozero's: nothing that the kernel delivers is missed, and an edge costs a fraction."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.grounds import GpioGround
from tests.hil.counting import Row, compare, counting, ratio, table
from tests.hil.turning import Turner, compiled

LEAST_RATIO = 10.0
"""Beside other kernels on the same cores, each wake costs more; with the machine for itself it is above 20, as
docs/performance.md shows."""


@pytest.fixture(autouse=True)
def simulated_only(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--ground") != "simulated":
        pytest.skip("the edges come from the kernel's GPIO simulator")


@pytest.fixture
async def rows(ground: GpioGround, tmp_path: Path) -> AsyncIterator[list[tuple[Row, Row]]]:
    program = compiled(tmp_path)
    ours, theirs = (ground.a, ground.b), (ground.c, ground.d)
    with (
        counting(ground, "pi-drivers", "pi-drivers", ours, Turner(program, ground, *ours)) as our_counter,
        counting(ground, "gpiozero", "lg", theirs, Turner(program, ground, *theirs)) as their_counter,
    ):
        yield await compare(our_counter, their_counter)


async def test_every_edge_the_kernel_delivers_is_counted_and_costs_a_fraction(rows: list[tuple[Row, Row]]):
    print(f"\n{table(rows)}\n\nOver all paces gpiozero needs {ratio(rows):.0f} times the CPU time for an edge.")
    for ours, _ in rows:
        assert ours.counted == ours.delivered == ours.made
    assert ratio(rows) >= LEAST_RATIO
