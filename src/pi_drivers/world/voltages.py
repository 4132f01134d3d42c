"""The voltages on the inputs of the simulated converters, set by tests and scenes, read by every twin."""

from dataclasses import dataclass


@dataclass
class Voltage:
    """What is on one input, against ground."""

    volts: float


class Voltages:
    """All inputs there are, by the chip's place and the channel."""

    def __init__(self) -> None:
        self._inputs: dict[tuple[str, int], Voltage] = {}

    def on(self, place: str, channel: int) -> Voltage:
        """The voltage on a channel of the chip at a place, such as `spi-0 0` or `i2c-1 0x48`.

        Each channel has another one until it is set, 0.4 V more than the one before, so that no channel is taken for
        another.
        """
        return self._inputs.setdefault((place, channel), Voltage(round(0.4 * (channel + 1), 1)))
