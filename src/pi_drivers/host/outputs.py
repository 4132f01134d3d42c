"""The best output a GPIO can be: the hardware's PWM where its overlay is loaded, else the GPIO line with software PWM.

A GPIO that the overlay has connected to the PWM block must not be taken as a line as well: taking it disconnects the
block until the next boot. So such a pin is driven through its PWM channel alone, steady levels included.
"""

from pi_drivers.buses.gpio.contract import OutputLine, PulseRun, PulseSource
from pi_drivers.buses.gpio.ranges import check_pwm, check_servo
from pi_drivers.buses.pwm.contract import PwmChannel
from pi_drivers.errors import UnsupportedError
from pi_drivers.host.contract import MICROSECOND, SECOND, Host

STEADY_PERIOD_NS = 1_000_000
"""The period behind a steady level; any will do."""


def open_output(
    host: Host, offset: int, *, initial: bool = False, active_low: bool = False, safe_high: bool = False
) -> OutputLine:
    """Take a GPIO as output; its arguments are those of `Gpio.output`.

    Raises:
        DriverError: as `Gpio.output` and `HardwarePwm.open` do.
    """
    if host.pwm.available(offset):
        channel = host.pwm.open(offset, rest_high=safe_high is not active_low)
        return PwmOutput(channel, offset, initial=initial, active_low=active_low)
    return host.gpio.output(offset, initial=initial, active_low=active_low, safe_high=safe_high)


class PwmOutput(OutputLine):
    """An output line made of a channel of the PWM block."""

    def __init__(self, channel: PwmChannel, offset: int, *, initial: bool, active_low: bool) -> None:
        self._channel = channel
        self._offset = offset
        self._active_low = active_low
        self._high = initial
        try:
            self.write(initial)
        except BaseException:
            channel.close()
            raise

    @property
    def offset(self) -> int:
        return self._offset

    def write(self, high: bool) -> None:
        self._high = high
        self._set(STEADY_PERIOD_NS, STEADY_PERIOD_NS if high else 0)

    def read(self) -> bool:
        return self._high

    def pwm(self, frequency_hz: int, duty: float) -> None:
        check_pwm(self._offset, frequency_hz, duty)
        period_ns = SECOND // frequency_hz
        self._high = duty > 0
        self._set(period_ns, round(period_ns * duty))

    def servo(self, pulse_us: int, frequency_hz: int = 50) -> None:
        check_servo(self._offset, pulse_us, frequency_hz)
        self._high = pulse_us > 0
        self._set(SECOND // frequency_hz, pulse_us * MICROSECOND)

    def pulses(self, source: PulseSource) -> PulseRun:
        raise UnsupportedError(
            f"GPIO{self._offset}: the PWM block cannot count pulses. Use another pin, or remove the PWM overlay."
        )

    def close(self) -> None:
        self._channel.close()

    def _set(self, period_ns: int, pulse_ns: int) -> None:
        self._channel.set(period_ns, period_ns - pulse_ns if self._active_low else pulse_ns)
