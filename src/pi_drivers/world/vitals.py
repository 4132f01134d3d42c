"""How the simulated Pi itself is doing: a Pi 5 with a fan on Wi-Fi, at ease until somebody says otherwise."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pi_drivers.host.vitals import Vitals
from pi_drivers.world.faults import Fuse

if TYPE_CHECKING:
    from pi_drivers.world.clock import WorldClock
    from pi_drivers.world.surroundings import Air

SECOND = 1_000_000_000
TICKS_PER_S = 100
CORES = 4
WARMTH_C = 26.0
"""How much warmer than the air the processor is."""
WARMTH_PER_USE_C = 20.0
"""And how much more when all cores are busy."""

AT_EASE = Vitals(
    machine="Raspberry Pi 5 Model B Rev 1.0 (simulated)",
    throttled=0,
    load=(0.21, 0.18, 0.12),
    cpu_frequency_mhz=1500.0,
    memory_total_mib=8052.0,
    memory_available_mib=6900.0,
    disk_total_gib=58.2,
    disk_used_gib=11.0,
    disk_free_gib=44.0,
    wifi_signal_dbm=-54.0,
    fan_rpm=2900.0,
)


@dataclass
class VitalsFaults(Fuse):
    """What is wrong with looking. A transaction is one look."""

    silent: int = 0
    """So many looks see nothing at all."""


class PiVitals:
    """The simulated Pi's condition, to be set. Used under the world's lock."""

    def __init__(self, clock: "WorldClock", air: "Air") -> None:
        self.steady = AT_EASE
        """All that does not change by itself; what is set to None is not told."""
        self.temperature_c: float | None = None
        """None: what the air and the work make of it."""
        self.faults = VitalsFaults()
        self._clock = clock
        self._air = air
        self._cpu_use = 0.06
        self._since_ns = 0
        self._busy_s = 0.0

    @property
    def cpu_use(self) -> float:
        """The share of all cores that is busy, 0 to 1."""
        return self._cpu_use

    @cpu_use.setter
    def cpu_use(self, share: float) -> None:
        self._busy_s = self._busy_until(now_ns := self._clock.now_ns())
        self._since_ns, self._cpu_use = now_ns, share

    def look(self) -> Vitals:
        """The condition now."""
        if self.faults.due() and self.faults.silent:
            self.faults.silent -= 1
            return Vitals()
        now_ns = self._clock.now_ns()
        temperature = self.temperature_c
        if temperature is None:
            temperature = self._air.temperature_at(now_ns) + WARMTH_C + WARMTH_PER_USE_C * self._cpu_use
        ticks = round(self._busy_until(now_ns) * TICKS_PER_S), round(now_ns / SECOND * CORES * TICKS_PER_S)
        return replace(self.steady, temperature_c=temperature, cpu_ticks=ticks, uptime_s=now_ns / SECOND)

    def _busy_until(self, now_ns: int) -> float:
        return self._busy_s + (now_ns - self._since_ns) / SECOND * CORES * self._cpu_use
