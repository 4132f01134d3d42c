"""The simulated Pi's PWM block. As on a Pi whose config.txt loads no overlay, no pin is connected until one is."""

from collections.abc import Callable, Iterable

from pi_drivers.buses.pwm.contract import BCM_CHANNELS, HardwarePwm, PwmChannel
from pi_drivers.buses.pwm.overlay import overlay_line
from pi_drivers.errors import ArgumentError, BusAbsentError, ClaimedError
from pi_drivers.world.wires import Pwm
from pi_drivers.world.world import World


class MockPwm(HardwarePwm):
    """The PWM block; `overlays` are the GPIOs that config.txt connects."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.overlays: set[int] = set()
        self._open: dict[int, MockPwmChannel] = {}

    def available(self, offset: int) -> bool:
        return offset in self.overlays and BCM_CHANNELS[offset] not in self._open

    def overlay_line(self, offset: int, beside: Iterable[int] = ()) -> str | None:
        return overlay_line(offset, {*beside, *self.overlays})

    def open(self, offset: int, *, rest_high: bool = False) -> PwmChannel:
        if offset not in self.overlays:
            line = self.overlay_line(offset)
            remedy = f"Add `{line}` to config.txt and reboot." if line else "Only GPIO 12, 13, 18 and 19 can be."
            raise BusAbsentError(f"GPIO{offset} is not connected to the PWM block. {remedy}")
        channel = BCM_CHANNELS[offset]
        if channel in self._open:
            raise ClaimedError(f"GPIO{offset}: PWM channel {channel} is in use")
        self._open[channel] = MockPwmChannel(self._world, offset, rest_high, lambda: self._open.pop(channel))
        return self._open[channel]


class MockPwmChannel(PwmChannel):
    """One output of the simulated PWM block."""

    def __init__(self, world: World, offset: int, rest_high: bool, give_back: Callable[[], object]) -> None:
        self._world = world
        self._offset = offset
        self._wire = world.wire(offset)
        self._rest_high = rest_high
        self._give_back = give_back
        self._closed = False

    def set(self, period_ns: int, pulse_ns: int) -> None:
        if not 0 <= pulse_ns <= period_ns or period_ns == 0:
            raise ArgumentError(f"GPIO{self._offset}: a pulse of {pulse_ns} ns does not fit a period of {period_ns} ns")
        with self._world.held():
            if pulse_ns in (0, period_ns):
                self._wire.drive_from_pi(pulse_ns > 0)
            else:
                self._wire.drive_from_pi(Pwm(period_ns, pulse_ns, self._world.clock.now_ns()))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            with self._world.held():
                self._wire.drive_from_pi(self._rest_high)
            self._give_back()
