"""The way to one PCA9685, for the board and for every motor and servo on it: a thread, the chip, and who drives what.

The chip has a thread of its own, so that a motor's command does not wait behind a sensor's conversion on the same bus;
single transfers take turns in the kernel. All that is ever written to the chip is written on that thread, so that
what was asked for last is written last, also where the asking is done by the guard while the event loop stands still.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pi_drivers.errors import ArgumentError, BusError, ClosedError, ConfigError, NoAnswerError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.board.pca9685_chip import CHANNELS, LED0, Pca9685, is_near, registers_of
from pi_drivers.models.pins import PinLoss
from pi_drivers.runtime.poller import Poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pi_drivers.models.board.pca9685_pins import PcaOutput

LOOK_NS = SECOND
"""How often the chip is asked whether it is still there, and still set up."""
AGAIN_NS = 20 * MILLISECOND
TRIES = 3
"""A chip that misses one question is disturbed; one that misses so many in a row, this far apart, is gone."""
MAX_AGE_NS = 5 * SECOND
SAFE_TIMEOUT_S = 1.0
"""How long whoever makes everything safe waits for the bus; the thread goes on."""


class ChipLink:
    """A chip, its thread, and the outputs on it. Used on the event loop, but where a method says otherwise."""

    def __init__(
        self, label: str, logger: logging.Logger, host: Host, bus: int, address: int, frequency_hz: int
    ) -> None:
        """Take part in the bus and begin to look after the chip.

        Args:
            label: the board, for messages.
            logger: the board's.
            host: the machine.
            bus: the number of the I2C bus.
            address: the chip's.
            frequency_hz: of all channels.

        Raises:
            BusAbsentError, BusPermissionError, MissingLibraryError: as opening the bus does.
        """
        self.host = host
        self.place = f"i2c-{bus} 0x{address:02x}"
        self.over = False
        """The thread has ended: everything was made safe, or given up."""
        self.power_losses = 0
        self.silent = False
        """The chip did not answer when it was asked last: what its channels do is not known."""
        self.outputs: list[PcaOutput] = []
        """Those that are held, or are still being made safe."""
        self._label = label
        self._logger = logger
        self._address = address
        self._seen_ns = host.now_ns()
        """When the newest question was asked that the chip has answered as it should."""
        self._shared = host.i2c(bus)
        self.chip = Pca9685(host, self._shared.bus, address, frequency_hz)
        self.worker = host.new_worker(self.place)
        self.poller = Poller(
            label, host, logger, sample=self._look, set_up=self._set_up, interval_ns=LOOK_NS, max_age_ns=MAX_AGE_NS
        )
        self.poller.start()
        self._was_set_up = False
        self._ending: asyncio.Task[None] | None = None

    def channel(self, name: str) -> int:
        """The channel that a pin's name means. Raises: ConfigError: none."""
        if name.isdecimal() and name.isascii() and int(name) < CHANNELS:
            return int(name)
        raise ConfigError(f'{self._label} has no pin "{name}": a PCA9685 has the channels "0" to "{CHANNELS - 1}"')

    def place_of(self, channel: int) -> str:
        """A channel as claims and the simulated world know it."""
        return f"{self.place} channel {channel}"

    def output_on(self, channel: int) -> "PcaOutput | None":
        """Who drives a channel now."""
        return next((output for output in self.outputs if output.channel == channel and not output.left), None)

    def check_frequency(self, frequency_hz: int) -> None:
        """Raises: ArgumentError: the chip's own frequency is another one; the message says which."""
        real = self.chip.frequency_hz
        if not is_near(frequency_hz, real):
            raise ArgumentError(
                f"{self.place}: all channels of a PCA9685 have one frequency, here {real:.1f} Hz, so one alone cannot "
                f"have {frequency_hz} Hz. Set frequency_hz of {self._label}, or leave the frequency out here."
            )

    def keep(self, channel: int, safe_count: int) -> "Callable[[], None]":
        """Have a channel made safe if this process dies, as `I2cBus.keep_write`."""
        data = bytes([LED0 + 4 * channel]) + registers_of(safe_count)
        return self._shared.bus.keep_write(self._address, data)

    def lock_all(self) -> None:
        """Make every output safe for good."""
        for output in list(self.outputs):
            output.lock_safe()

    def lock_all_and_wait(self) -> None:
        """The same from a thread that is not the event loop's; ends when the bus has taken it, or after a second."""
        self.lock_all()
        written = threading.Event()
        self.worker.post(written.set)
        written.wait(SAFE_TIMEOUT_S)

    def end(self) -> None:
        """Make everything safe, then end the thread and leave the bus; does not wait. Idempotent."""
        self.poller.stop()
        if self._ending is None:
            self._refuse_from_now_on()
            self._ending = asyncio.get_running_loop().create_task(self._end(), name=f"{self.place}: ending")
        self.lock_all()

    async def ended(self) -> None:
        """Wait until the thread is gone."""
        if self._ending is not None:
            await asyncio.wait({self._ending})

    async def _end(self) -> None:
        await self.poller.ended()
        for output in list(self.outputs):
            await output.settled()
        self.over = True
        self.worker.stop()
        await self.worker.ended()
        self._shared.leave()

    async def _set_up(self) -> None:
        """Bring the chip to where it can be used."""
        with self._telling():
            await self._bring_up()

    async def _look(self) -> None:
        """See whether the chip is still there and still set up."""
        asked_ns = self.host.now_ns()
        with self._telling():
            if not await self._is_set_up():
                await self._bring_up()
        self._seen_ns = asked_ns
        self.silent = False
        for output in self.outputs:
            output.try_again()

    async def _bring_up(self) -> None:
        woken = await self.worker.run(self.chip.set_up)
        if woken and self._was_set_up:
            self._tell_of_power_loss()
        self._was_set_up = True

    async def _is_set_up(self) -> bool:
        for _ in range(TRIES - 1):
            try:
                return await self.worker.run(self.chip.is_set_up)
            except NoAnswerError:
                await self.host.wait(AGAIN_NS)
        return await self.worker.run(self.chip.is_set_up)

    def _tell_of_power_loss(self) -> None:
        self.power_losses += 1
        self._logger.warning(
            "%s: the chip at %s had lost its power and was set up anew; all its channels are off until they are "
            "set again",
            self._label, self.place,
        )  # fmt: skip
        lost = BusError(
            f"{self._label}: the chip at {self.place} had lost its power, and all its channels are off. Check its "
            "supply, then give the command again"
        )
        self._tell(PinLoss(lost, True, self._seen_ns))
        for output in self.outputs:
            output.renew()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell who drives something when a transfer fails."""
        try:
            yield
        except BusError as error:
            self.silent = True
            told = BusError(
                f"{self._label}: its chip does not answer as it should ({error}), and what its channels do is not "
                "known. Check its supply and wires, then give the command again"
            )
            self._tell(PinLoss(told, False, self._seen_ns))
            raise

    def _refuse_from_now_on(self) -> None:
        """The board ends under those who still use it."""
        why = (
            f"{self._label}, which this is on, was removed or rebuilt, and its channels are off: rebuild what is on it "
            "as well; viam-server does so by itself"
        )
        for output in self.outputs:
            output.refusal = why
        self._tell(PinLoss(ClosedError(why), True, self.host.now_ns()))

    def _tell(self, loss: PinLoss) -> None:
        """Tell each who holds channels, once, what became of them."""
        holders = dict.fromkeys(output.on_lost for output in self.outputs if not output.left)
        for on_lost in holders:
            if on_lost is not None:
                on_lost(loss)
