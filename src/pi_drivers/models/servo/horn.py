"""One servo behind its pin: the pulses it is sent, and where they have brought its horn.

A servo answers nothing, so its angle is reckoned: from where it was, how fast it turns, and what was sent. Where that
does not tell, before the end of the first move and after one in which the board failed, the angle is not known.
"""

from pi_drivers.errors import BusError, ClosedError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.pins import OutputPin, PinLoss
from pi_drivers.models.servo.geometry import Geometry, Travel
from pi_drivers.models.servo.servo_config import ServoConfig

SETTLE_NS = 100 * MILLISECOND
"""How much longer than reckoned a servo that is to go limp gets to arrive."""


class Horn:
    """The horn of one servo. Used on the event loop, by one motion at a time."""

    def __init__(self, host: Host, pin: OutputPin, settings: ServoConfig) -> None:
        """It stands nobody knows where, without pulses."""
        self._host = host
        self._pin = pin
        self._settings = settings
        self.geometry: Geometry = settings.geometry()
        self.pulse_us = 0
        """What is sent now; 0 while the servo is limp."""
        self._pulse_before_us = 0
        """What was sent before its end was asked for."""
        self._last_pulse_over_ns = 0
        """When the pulse that ran at the newest change has come to its end."""
        self._travel: Travel | None = None

    @property
    def angle_deg(self) -> float | None:
        """Where it is now; None when nobody knows."""
        if self._travel is None or self._is_guess():
            return None
        return self._travel.angle_at(self._host.now_ns())

    @property
    def moving(self) -> bool:
        """Whether it is on its way."""
        return self._travel is not None and not self._travel.over(self._host.now_ns())

    @property
    def told_pulse_us(self) -> int:
        """The pulse for people: one whose end the board has not confirmed is still there."""
        return self.pulse_us or (self._pulse_before_us if self._pin.unconfirmed else 0)

    def stand_at(self, angle_deg: float) -> None:
        """It is known to be at an angle, and at rest."""
        self._travel = self._resting(angle_deg)

    async def turn_to(self, target: float) -> None:
        """Turn to an angle; ends when it is there. Raises: BusError: the pin could not be written."""
        travel = self._planned(target)
        if not travel.led:
            await self.send(self.geometry.pulse_us(target))
        self._travel = travel
        while travel.led and not travel.over(self._host.now_ns()):
            await self.send(self.geometry.pulse_us(travel.angle_at(self._host.now_ns() + self._period_ns)))
            await self._host.wait(self._period_ns)
        await self._host.wait(max(0, travel.began_ns + travel.lasts_ns - self._host.now_ns()))
        if not self._settings.hold_position:
            await self._host.wait(SETTLE_NS)
            await self.let_go()

    async def send(self, pulse_us: int) -> None:
        """Send pulses of a width, or with 0 none. Raises: BusError, ClosedError: the pin could not be written."""
        try:
            await self._pin.servo(pulse_us, self._settings.frequency_hz)
        except (BusError, ClosedError):
            self._rest_if_led()
            if pulse_us == 0 and self.pulse_us:
                self._end_of_pulses()  # which is tried until it gets there
            raise
        self.pulse_us = pulse_us
        self._last_pulse_over_ns = self._host.now_ns() + self._period_ns

    async def let_go(self) -> None:
        """End the pulses: the servo goes limp where it is. Raises: BusError: the pin could not be written."""
        here = self.angle_deg
        self._travel = None if here is None else self._resting(here)
        if self.pulse_us:
            await self.send(0)

    async def freeze(self) -> None:
        """Stay where it is. Raises: BusError: the pin could not be written."""
        if not self.moving or not self.pulse_us:
            return
        angle = self.angle_deg
        if angle is None:
            # A pulse for a guessed angle would send it there: without pulses it stops where it is.
            await self.let_go()
            return
        await self.send(self.geometry.pulse_us(angle))
        self._travel = self._resting(angle)

    async def end(self) -> None:
        """End the pulses, and wait for the last one to be whole. Raises: BusError: the pin could not be written."""
        if self.pulse_us:
            await self.send(0)
        await self._host.wait(max(0, self._last_pulse_over_ns - self._host.now_ns()))

    def lost(self, loss: PinLoss) -> None:
        """The board has failed: no angle is told any more that may never have been reached."""
        self._forget_travel(loss)
        if loss.off and self.pulse_us:
            self._end_of_pulses()

    @property
    def _period_ns(self) -> int:
        return SECOND // self._settings.frequency_hz

    def _planned(self, target: float) -> Travel:
        now_ns, settings, geometry = self._host.now_ns(), self._settings, self.geometry
        here = self.angle_deg
        if here is None:
            # It may be anywhere: the farthest it can have to go.
            far = max((geometry.min_deg, geometry.max_deg), key=lambda end: abs(end - target))
            return Travel(far, target, now_ns, settings.slew_deg_per_s, guessed=True)
        # A limp one begins where it was let go: if nobody has turned it since, it does not jump.
        led = 0 < settings.speed_deg_per_s < settings.slew_deg_per_s
        speed = settings.speed_deg_per_s if led else settings.slew_deg_per_s
        return Travel(here, target, now_ns, speed, led=led)

    def _resting(self, angle_deg: float) -> Travel:
        return Travel(angle_deg, angle_deg, self._host.now_ns(), self._settings.slew_deg_per_s)

    def _is_guess(self) -> bool:
        """Whether it is on its first move, so that nobody knows where it is until that has ended."""
        return self._travel is not None and self._travel.guessed and self.moving

    def _rest_if_led(self) -> None:
        """No pulse leads it any further: it stays where the last one has put it."""
        if self._travel is not None and self._travel.led and self.moving:
            self._travel = self._resting(self.geometry.angle_deg(self.pulse_us))

    def _end_of_pulses(self) -> None:
        self.pulse_us, self._pulse_before_us = 0, self.pulse_us

    def _forget_travel(self, loss: PinLoss) -> None:
        travel = self._travel
        if travel is None or not travel.lasts_ns:
            return
        self._rest_if_led()
        if loss.off and not travel.over(loss.since_ns):
            self._travel = None  # its pulses may have gone to a chip that had no power
        elif not travel.led:
            # Without an answer nobody knows whether it is still turning.
            self._travel = self._resting(travel.to_deg) if travel.over(self._host.now_ns()) else None
