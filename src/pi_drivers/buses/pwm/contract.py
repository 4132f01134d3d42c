"""What a back end for the hardware's pulse-width modulation must do.

The Pi's PWM block keeps a pulse exact to nanoseconds without the CPU, on GPIO 12, 13, 18 and 19 only and only where the
matching overlay is loaded. Other pins use the software PWM of `buses.gpio`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

BCM_CHANNELS: Mapping[int, int] = {12: 0, 13: 1, 18: 0, 19: 1}
"""Channel by GPIO up to the Pi 4: two channels, two GPIOs each (BCM2711 ARM Peripherals, 5.3)."""

RP1_CHANNELS: Mapping[int, int] = {12: 0, 13: 1, 18: 2, 19: 3}
"""Channel by GPIO on the Pi 5, one for each (RP1 Peripherals, 3.1.1, GPIO functions)."""

FUNCTIONS: Mapping[int, int] = {12: 4, 13: 4, 18: 2, 19: 2}
"""What the overlays call the alternative function that carries PWM on a GPIO: 4 is ALT0, 2 is ALT5."""


class PwmChannel(ABC):
    """One output of the PWM block. Calls take microseconds; a channel has one user at a time."""

    @abstractmethod
    def set(self, period_ns: int, pulse_ns: int) -> None:
        """Set period and pulse width and start. A change takes effect at the end of the running period.

        Raises:
            ArgumentError: the pulse is longer than the period, negative, or the period is 0.
            BusError: the kernel refused the setting.
        """

    @abstractmethod
    def close(self) -> None:
        """Put the output on the level it was opened to rest at, and let the channel go. Idempotent."""


class HardwarePwm(ABC):
    """The PWM block of the Pi."""

    @abstractmethod
    def available(self, offset: int) -> bool:
        """Whether this GPIO is connected to a PWM channel that can be opened now."""

    @abstractmethod
    def overlay_line(self, offset: int, beside: Iterable[int] = ()) -> str | None:
        """The line for config.txt that connects this GPIO to the PWM block; None where no line can.

        Args:
            offset: the GPIO.
            beside: others that are to be connected too. Where one can be, or is already, the line connects both.
        """

    @abstractmethod
    def open(self, offset: int, *, rest_high: bool = False) -> PwmChannel:
        """Take the channel of a GPIO.

        Args:
            offset: the GPIO.
            rest_high: its level when the channel is closed, and when this process dies before that. On the mock
                nothing outlives the process.

        Raises:
            BusAbsentError: not connected; the message has the line for config.txt.
            ClaimedError: the channel is in use by another process.
            BusPermissionError: the user may not use PWM.
        """
