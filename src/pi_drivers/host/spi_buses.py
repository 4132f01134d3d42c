"""The SPI buses in use on one machine: one thread for each bus, and each chip select opened once.

Chips of one bus take turns on its thread, so a whole reading of one is never cut by another. What a chip select is
opened with, its clock and its mode, belongs to the chip on it: two who use one chip have to agree on both.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pi_drivers.buses.spi.contract import SpiChip
from pi_drivers.buses.spi.ranges import check_settings, place_of
from pi_drivers.errors import ClaimedError
from pi_drivers.runtime.worker import BusWorker

OpenSpi = Callable[[int, int, int, int], SpiChip]
"""Opens a chip select: bus, chip select, clock in Hz, mode."""


class SharedSpi:
    """A chip on an SPI bus, open as long as somebody uses it. Used on the event loop only."""

    def __init__(self, chip: SpiChip, worker: BusWorker, leave: Callable[["SharedSpi"], None]) -> None:
        self.bus = chip
        """The open chip select, for jobs on `worker`."""
        self.worker = worker
        """The bus's thread, the same for all its chips."""
        self._leave = leave

    def leave(self) -> None:
        """One user less; the last one closes the chip select, behind the jobs still queued. Call once per `join`."""
        self._leave(self)


@dataclass
class _Open:
    shared: SharedSpi
    users: int


class SpiBuses:
    """Opens chip selects and counts their users. Used on the event loop only."""

    def __init__(self, open_chip: OpenSpi, new_worker: Callable[[str], BusWorker]) -> None:
        self._open_chip = open_chip
        self._new_worker = new_worker
        self._open: dict[tuple[int, int], _Open] = {}

    def join(self, bus: int, chip_select: int, speed_hz: int, mode: int) -> SharedSpi:
        """Take part in a chip select, as `Host.spi` says."""
        check_settings(bus, chip_select, speed_hz, mode)
        found = self._open.get((bus, chip_select))
        if found is None:
            chip = self._open_chip(bus, chip_select, speed_hz, mode)
            found = _Open(SharedSpi(chip, self._worker_of(bus), self._leave), users=0)
            self._open[bus, chip_select] = found
        else:
            _check_same(found.shared.bus, speed_hz, mode)
        found.users += 1
        return found.shared

    def _worker_of(self, bus: int) -> BusWorker:
        others = (each.shared.worker for (number, _), each in self._open.items() if number == bus)
        return next(others, None) or self._new_worker(f"spi-{bus}")

    def _leave(self, shared: SharedSpi) -> None:
        chip = shared.bus
        place = (chip.bus, chip.chip_select)
        left = self._open[place]
        left.users -= 1
        if left.users:
            return
        del self._open[place]
        if any(bus == chip.bus for bus, _ in self._open):
            shared.worker.post(chip.close)
        else:
            shared.worker.stop(last_job=chip.close)


def _check_same(chip: SpiChip, speed_hz: int, mode: int) -> None:
    if (speed_hz, mode) != (chip.speed_hz, chip.mode):
        raise ClaimedError(
            f"{place_of(chip.bus, chip.chip_select)} is in use at {chip.speed_hz} Hz in mode {chip.mode}, and cannot "
            f"be used at {speed_hz} Hz in mode {mode} as well: one chip has one clock and one mode. If they are two "
            "chips, give each its own chip select."
        )
