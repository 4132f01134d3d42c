"""The Raspberry Pi as a sensor of itself: heat, throttling, load, memory, disk, Wi-Fi.

A robot that is slow or loses frames is often a Pi that is too hot or short of power. It looks at files of the kernel,
on a thread of its own, and works on any Linux machine with what that one has.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from viam.components.sensor import Sensor
from viam.utils import SensorReading, ValueTypes

from pi_drivers.config.attributes import SensorAttributes, poll_interval_field
from pi_drivers.config.example import Example
from pi_drivers.config.wording import shown
from pi_drivers.errors import BusAbsentError
from pi_drivers.host.vitals import CAPPED, SINCE_BOOT_SHIFT, SOFT_LIMIT, THROTTLED, UNDER_VOLTAGE, Vitals
from pi_drivers.models.base import Dependencies
from pi_drivers.models.polled import PolledModel

TROUBLES = {
    "under_voltage": UNDER_VOLTAGE,
    "frequency_capped": CAPPED,
    "throttled": THROTTLED,
    "soft_temperature_limit": SOFT_LIMIT,
}
"""Each has two keys: `_now` and `_since_boot`."""
NOW_BITS = (1 << SINCE_BOOT_SHIFT) - 1


def _whole_path(text: str) -> str:
    if not text.startswith("/") or "\0" in text:
        raise PydanticCustomError(
            "disk_path", "must be a whole path, which begins with /, got {text}", {"text": shown(text)}
        )
    return text


class PiHealthConfig(SensorAttributes):
    """The attributes of `pi-health`."""

    EXAMPLE: ClassVar[Example] = Example("self", {"poll_interval_ms": 10000})

    poll_interval_ms: int = poll_interval_field(5000)
    disk_path: Annotated[str, AfterValidator(_whole_path)] = Field(
        default="/",
        json_schema_extra={"pattern": r"^/[^\x00]*$"},
        description="Any path on the file system whose space is told, for example /home.",
    )


class PiHealthSensor(PolledModel[PiHealthConfig, dict[str, SensorReading]], Sensor):
    """The Raspberry Pi itself: temperature, throttling, under-voltage, load, memory, disk, Wi-Fi signal."""

    CONFIG = PiHealthConfig
    WAITS_FOR = "the kernel's files"

    def _open(self, settings: PiHealthConfig, dependencies: Dependencies) -> None:
        self._machine: str | None = None
        self._disk_found = False
        self._ticks: tuple[int, int] | None = None
        self._seen = 0
        worker = self.host.new_worker(self.label)
        self.lifecycle.push("end its thread", worker.stop)
        self._run = worker.run
        self._start_polling(self._sample, self._begin)

    async def _begin(self) -> None:
        """A use of the processor over a gap would tell of neither side of it."""
        self._ticks = None

    async def _sample(self) -> dict[str, SensorReading]:
        disk = self.settings.disk_path
        vitals = await self._run(lambda: self.host.vitals(disk))
        self._machine = vitals.machine
        self._disk_found = vitals.disk_total_gib is not None
        readings = _plain(vitals) | self._troubles(vitals) | self._cpu_use(vitals.cpu_ticks)
        if not readings:
            raise BusAbsentError("this machine has none of the kernel's files that tell of its health. Is it Linux?")
        return readings

    def _troubles(self, vitals: Vitals) -> dict[str, SensorReading]:
        """Booleans; what was once seen stays, since some kernels let the firmware forget it."""
        bits = vitals.throttled
        if bits is None:
            return {} if vitals.under_voltage is None else {"under_voltage_now": vitals.under_voltage}
        self._seen |= bits >> SINCE_BOOT_SHIFT | bits & NOW_BITS
        return {
            **{f"{name}_now": bool(bits & bit) for name, bit in TROUBLES.items()},
            **{f"{name}_since_boot": bool(self._seen & bit) for name, bit in TROUBLES.items()},
        }

    def _cpu_use(self, ticks: tuple[int, int] | None) -> dict[str, SensorReading]:
        """The use since the last look; the first look tells none."""
        before, self._ticks = self._ticks, ticks
        if before is None or ticks is None or ticks[1] <= before[1]:
            return {}
        share = (ticks[0] - before[0]) / (ticks[1] - before[1])
        return {"cpu_use_pct": 100 * min(1.0, max(0.0, share))}

    def _readings(self, sample: dict[str, SensorReading]) -> Mapping[str, SensorReading]:
        return sample

    def _place(self) -> dict[str, ValueTypes]:
        machine: dict[str, ValueTypes] = {} if self._machine is None else {"machine": self._machine}
        return machine | {"disk_path": self.settings.disk_path, "disk_found": self._disk_found}


def _plain(vitals: Vitals) -> dict[str, SensorReading]:
    """What is told as it was found, by key."""
    load = vitals.load or (None, None, None)
    told = {
        "temperature_c": vitals.temperature_c,
        "load_1min": load[0],
        "load_5min": load[1],
        "load_15min": load[2],
        "cpu_frequency_mhz": vitals.cpu_frequency_mhz,
        **_memory(vitals.memory_total_mib, vitals.memory_available_mib),
        **_disk(vitals.disk_total_gib, vitals.disk_used_gib, vitals.disk_free_gib),
        "uptime_s": vitals.uptime_s,
        "wifi_signal_dbm": vitals.wifi_signal_dbm,
        "fan_rpm": vitals.fan_rpm,
    }
    return {key: value for key, value in told.items() if value is not None}


def _memory(total: float | None, free: float | None) -> dict[str, float | None]:
    """What there is, what programs may still have, what is used, and that in percent."""
    if total is None or free is None:
        return {}
    return _store("memory", "mib", total, total - free, free)


def _disk(total: float | None, used: float | None, free: float | None) -> dict[str, float | None]:
    """The same for a file system. A part of it is kept back for root, and neither used nor free, as `df` has it."""
    if total is None or used is None or free is None:
        return {}
    return _store("disk", "gib", total, used, free)


def _store(what: str, unit: str, total: float, used: float, free: float) -> dict[str, float | None]:
    if used + free <= 0:
        return {}
    return {
        f"{what}_total_{unit}": total,
        f"{what}_free_{unit}": free,
        f"{what}_used_{unit}": used,
        f"{what}_used_pct": 100 * used / (used + free),
    }
