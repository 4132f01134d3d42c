"""Twenty sensors on one I2C bus, each read ten times a second: as many addresses as their chips can have there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Polled(NamedTuple):
    """One of the sensors."""

    api: str
    model: str
    attributes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """A name of its own."""
        return f"{self.model}-{self.attributes['i2c_addr'][2:]}"


def _all(api: str, model: str, addresses: Sequence[int], **attributes: Any) -> list[Polled]:
    common = {"backend": "mock", "poll_interval_ms": 100, **attributes}
    return [Polled(api, model, {**common, "i2c_addr": f"0x{address:02x}"}) for address in addresses]


TWENTY = (
    *_all("sensor", "sht31", (0x44, 0x45)),
    *_all("sensor", "bme280", (0x76, 0x77)),
    *_all("sensor", "bh1750", (0x23, 0x5C), resolution="low"),
    *_all("sensor", "adc", (0x48, 0x49, 0x4A, 0x4B), chip="ads1115", channels={"a": {"channel": 0}}),
    *_all("power_sensor", "ina219", (0x40, 0x41, 0x42, 0x43, 0x46, 0x47, 0x4C, 0x4D)),
    *_all("movement_sensor", "mpu6050", (0x68, 0x69)),
)
