"""The channels of a PCA9685 as pins of motors and servos in this process: motor hats and servo hats."""

import asyncio
from collections.abc import Sequence

from pi_drivers.buses.gpio.contract import Pull
from pi_drivers.errors import ArgumentError, ConfigError
from pi_drivers.host.claims import Holder
from pi_drivers.host.contract import Host
from pi_drivers.models.board.confirmed import ConfirmedOutput
from pi_drivers.models.board.pca9685_chip import STEPS, frequency_for
from pi_drivers.models.board.pca9685_link import ChipLink
from pi_drivers.models.pins import BoardPins, InputPins
from pi_drivers.runtime.lifecycle import Lifecycle


class PcaPins(BoardPins):
    """The sixteen channels, by their numbers. Used on the event loop."""

    def __init__(self, link: ChipLink) -> None:
        self._link = link
        self.host: Host = link.host
        self.latch_period_s = 1 / link.chip.frequency_hz

    def wire_of(self, name: str) -> int | str | None:
        return self._link.place_of(self._link.channel(name))

    def frequency_for(self, changes_per_s: float) -> int | None:
        return frequency_for(changes_per_s)

    def output(self, name: str, holder: Holder, lifecycle: Lifecycle, *, safe_high: bool = False) -> "PcaOutput":
        channel = self._link.channel(name)
        place = self._link.place_of(channel)
        lifecycle.push(f"give back {place}", self.host.claims.take(place, holder))
        output = PcaOutput(self._link, channel, safe_high=safe_high)
        lifecycle.push(f"make {place} safe", output.leave, output.settled)
        output.make_safe()
        return output

    def inputs(
        self,
        names: Sequence[str],
        holder: Holder,
        lifecycle: Lifecycle,
        *,
        glitch_filter_us: int = 0,
        pull: Pull | None = None,
        active_low: bool | None = None,
    ) -> InputPins:
        raise ConfigError(
            f"{holder.name}: a PCA9685 has outputs only, at {self._link.place}. Use pins of the Pi's header."
        )


class PcaOutput(ConfirmedOutput):
    """One channel. Used on the event loop; any thread may make it safe."""

    def __init__(self, link: ChipLink, channel: int, *, safe_high: bool) -> None:
        super().__init__(link.place_of(channel), safe_high=safe_high)
        self.channel = channel
        self.left = False
        """Its holder has let go of it."""
        self._taken: tuple[int, int] | None = None
        """The count that the chip has for certain, and the power losses it had seen by then."""
        self._link = link
        self._safe_count = STEPS if safe_high else 0
        self._forget = link.keep(channel, self._safe_count)
        link.outputs.append(self)

    @property
    def doubtful(self) -> bool:  # type: ignore[override]  # a fact of the moment here
        """Whether the chip does not answer."""
        return self._link.silent

    async def pwm(self, duty: float, frequency_hz: int) -> None:
        if frequency_hz:
            self._link.check_frequency(frequency_hz)
        await super().pwm(duty, 0)

    async def servo(self, pulse_us: int, frequency_hz: int) -> None:
        # In the chip's own steps: its frequency is only near the one asked for, and a pulse is a time, not a share.
        await self._put(self._link.chip.count_for(pulse_us) / STEPS, 0)

    def check_frequency(self, frequency_hz: int) -> None:
        try:
            self._link.check_frequency(frequency_hz)
        except ArgumentError as error:
            raise ConfigError(error.message) from None

    def make_safe(self) -> None:
        if not _on_loop(self._loop):
            # The loop may stand still, or be gone. On the chip's thread it comes behind whatever is under way.
            self._link.worker.post(lambda: self._write(self._safe_count))
        super().make_safe()

    def renew(self) -> None:
        """The chip has switched all its channels off: one whose safe level is another is put back to it."""
        if self._wanted[0] == self._safe_duty:
            self.make_safe()

    def leave(self) -> None:
        """Make it safe for good, and have that tried again until the chip has taken it. Idempotent."""
        self.left = True
        self.lock_safe()

    async def _send(self, duty: float, frequency_hz: int) -> None:
        if not self._is_somebody_else_s() and not self._link.over:
            count = round(duty * STEPS)
            await self._link.worker.run(lambda: self._write(count))
        if self.left:
            self._forget()
            if self in self._link.outputs:
                self._link.outputs.remove(self)

    def _write(self, count: int) -> None:
        """On the chip's thread: after `lock_safe`, what was on its way here is replaced."""
        count = self._safe_count if self._locked else count
        wanted = (count, self._link.power_losses)
        # A motor's direction seldom changes with its power.
        if wanted != self._taken:
            self._taken = None
            self._link.chip.set_count(self.channel, count)
            self._taken = wanted

    def _is_somebody_else_s(self) -> bool:
        # Who has the channel by now has put it at his own safe level, and nobody may do so once more.
        return self.left and self._link.host.claims.holder_of(self._where) is not None


def _on_loop(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
