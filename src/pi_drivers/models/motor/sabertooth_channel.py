"""One motor of a Sabertooth, told its power over a line that nobody answers on.

A driver that hears nothing goes on as it was told last, so three things see to it that it does not. Its serial timeout
is set with every motion, and what it was told is repeated while there is power: a process that hangs, a cable that is
pulled, an adapter that has stopped sending all end in a motor that stops by itself. A stop is told several times. And
when the port fails, it is opened again in the background and the motor is told to stop, before anything may move it.
"""

import asyncio
import logging
import threading

from pi_drivers.buses.serial.contract import byte_ns
from pi_drivers.errors import BusError, BusTimeoutError, ClosedError, DriverError
from pi_drivers.host.contract import MILLISECOND, SECOND, Cancellable, Host
from pi_drivers.host.serial_ports import SerialPart
from pi_drivers.models.motor.sabertooth_packets import BAUDING, power_packet, stop_packets, timeout_packet

TIMEOUT_MS = 500
"""The driver's serial timeout."""
REPEAT_NS = 150 * MILLISECOND
"""How often a motor is told what it was told before: one that is lost, or two, do no harm."""
STOP_REPEATS = 3
IDLE_NS = 2 * SECOND
"""How often the driver of a motor at rest is told its timeout: so a port that has gone is found before it is needed."""
PACKET_BYTES = 4
PACE = 4
"""A motor is told something new once in the time of so many packets: what waits in the port would delay a stop."""
FIRST_RETRY_NS = 100 * MILLISECOND
LONGEST_RETRY_NS = 2 * SECOND
CONFIRM_NS = 300 * MILLISECOND
"""After so long a port that has not sent what it took is known to hang."""


class SabertoothChannel:
    """One motor. `make_safe` and `lock_off` come from any thread, all else belongs to the event loop."""

    def __init__(
        self, host: Host, part: SerialPart, address: int, channel: int, label: str, logger: logging.Logger
    ) -> None:
        """Nothing is sent yet.

        Args:
            host: its clock is the one that counts.
            part: in the port.
            address: the driver's.
            channel: the motor on it, 1 or 2.
            label: the resource, for messages.
            logger: the resource's.
        """
        self._host = host
        self._part = part
        self._port = part.port
        self._address = address
        self._channel = channel
        self._label = label
        self._logger = logger
        self._loop = asyncio.get_running_loop()
        self._lock = threading.RLock()  # of what is sent, and of what is known to have been sent
        self._stop = stop_packets(address, channel)
        self._timeout = timeout_packet(address, TIMEOUT_MS)
        self._pace_ns = PACE * PACKET_BYTES * byte_ns(part.port.baud)
        self._power = 0
        self._command = 0
        self._sent_ns = 0
        self._stops_due = 0
        self._locked = False
        self._released = False
        self._trouble: DriverError | None = None
        self._repeating: Cancellable | None = None
        self._recovery: asyncio.Task[None] | None = None
        self.failures = 0
        """How often the line was lost."""

    @property
    def power(self) -> int:
        """The power sent last, -127 to 127; while `trouble` lasts the motor may have it still."""
        return self._power

    @property
    def trouble(self) -> DriverError | None:
        """Why the motor cannot be reached, and is not known to be off; None while all is well."""
        return self._trouble

    def begin(self) -> None:
        """Tell the driver its speed and its timeout, and the motor to stop. Raises: BusError: the port fails."""
        self._say_all()
        self._repeat_later(IDLE_NS)

    async def drive(self, power: int) -> None:
        """Send a power of -127 to 127: 0 at once, others in some milliseconds if one was sent a moment ago.

        One that waits is dropped when a newer one comes, or a stop.

        Raises:
            BusError: the port fails, or has failed and is not back.
            ClosedError: the motor was made safe for good.
        """
        self._command += 1
        command = self._command
        wait_ns = self._sent_ns + self._pace_ns - self._host.now_ns()
        if power and wait_ns > 0:
            await self._host.wait(wait_ns)
        if command == self._command:
            self._send(power)

    async def hold(self, duration_ns: int) -> None:
        """Let time pass while the motor has its power. Raises: BusError, ClosedError: it has lost it."""
        end_ns = self._host.now_ns() + duration_ns
        while (left_ns := end_ns - self._host.now_ns()) > 0:
            await self._host.wait(min(left_ns, REPEAT_NS))
            self._notice_silence()
            self.check()

    def check(self) -> None:
        """Raises: BusError, ClosedError: the motor cannot be commanded now, or ever again."""
        if self._locked:
            raise ClosedError(f"{self._label} was made safe for good")
        self.check_reached()

    def check_reached(self) -> None:
        """Raises: BusError: the motor may not have heard what it was told last."""
        if self._trouble is not None:
            raise BusError(f"{self._label} cannot be reached, and is told to stop once it can: {self._trouble}")

    def make_safe(self) -> None:
        """Tell the motor to stop, at once, from wherever this is called. Idempotent, never raises."""
        with self._lock:
            self._command += 1
            if self._trouble is not None:
                return  # it is told as soon as there is a way
            try:
                self._port.write(self._stop)
            except ClosedError:
                return  # let go already, and made safe before
            except Exception as error:  # noqa: BLE001 - whatever it is, the motor may not have heard
                self._lost(error)
            else:
                self._power = 0
                self._stops_due = STOP_REPEATS

    def lock_off(self) -> None:
        """As `make_safe`, for good: nothing that still runs can power the motor again."""
        self._locked = True
        self.make_safe()

    def release(self) -> None:
        """Repeat nothing and try nothing any more. Does not wait."""
        self._released = True
        if self._repeating is not None:
            self._repeating.cancel()
        if self._recovery is not None:
            self._recovery.cancel()

    async def released(self) -> None:
        """Wait until the background task is gone."""
        if self._recovery is not None:
            await asyncio.wait({self._recovery})

    def _send(self, power: int) -> None:
        with self._lock:
            self.check()
            moves_off = self._power == 0
            # The power counts from here: who fails half way may have been heard.
            self._power = power
            try:
                self._port.write(self._present() + self._timeout if moves_off else self._present())
            except DriverError as error:
                self._lost(error)
                raise
            self._sent_ns = self._host.now_ns()
            self._stops_due = STOP_REPEATS
        self._repeat_later(REPEAT_NS)

    def _repeat_later(self, wait_ns: int) -> None:
        """Repeat after a time in which nothing else is sent."""
        if self._repeating is not None:
            self._repeating.cancel()
        if not self._released:
            self._repeating = self._host.after(wait_ns, self._repeat)

    def _repeat(self) -> None:
        self._notice_silence()
        with self._lock:
            if self._trouble is not None:
                return
            is_idle = self._power == 0 and self._stops_due == 0
            try:
                self._port.write(self._timeout if is_idle else self._present() + self._timeout)
            except DriverError as error:
                self._lost(error)
                return
            self._sent_ns = self._host.now_ns()
            self._stops_due -= self._power == 0 and not is_idle
        self._repeat_later(IDLE_NS if is_idle else REPEAT_NS)

    def _present(self) -> bytes:
        """What the motor was told last."""
        return power_packet(self._address, self._channel, self._power) if self._power else self._stop

    def _notice_silence(self) -> None:
        """A motor that was told nothing for too long has stopped; to go on would be a start that nobody commanded."""
        silent_ns = self._host.now_ns() - self._sent_ns
        if self._power and self._trouble is None and silent_ns > TIMEOUT_MS * MILLISECOND:
            self.make_safe()
            self._lost(
                BusTimeoutError(
                    f"{self._port.path}: nothing could be sent for {silent_ns / SECOND:.1f} s, and the driver stops "
                    f"its motors after {TIMEOUT_MS} ms; this machine was too busy"
                )
            )

    def _lost(self, error: Exception) -> None:
        if self._trouble is not None:
            return
        self._trouble = error if isinstance(error, DriverError) else BusError(f"{self._port.path}: {error}")
        self.failures += 1
        self._logger.error("%s cannot be reached, it is tried again: %s", self._label, error)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._start_recovery)

    def _start_recovery(self) -> None:
        if not self._released:
            self._recovery = self._loop.create_task(self._recover(), name=f"{self._label}: reaching it again")

    async def _recover(self) -> None:
        pause_ns = FIRST_RETRY_NS
        while True:
            await self._host.wait(pause_ns)
            try:
                # Not here: opening a port can take its time. Twice, for one that hangs takes the first as well.
                await self._part.worker.run(self._reach_again)
                await self._host.wait(CONFIRM_NS)
                await self._part.worker.run(self._reach_again)
            except ClosedError:
                return
            except DriverError:
                pause_ns = min(2 * pause_ns, LONGEST_RETRY_NS)
            else:
                break
        with self._lock:
            self._power, self._trouble = 0, None
        self._repeat_later(IDLE_NS)
        self._logger.info("%s can be reached again; it was told to stop", self._label)

    def _reach_again(self) -> None:
        self._port.reopen()
        self._say_all()

    def _say_all(self) -> None:
        with self._lock:
            self._port.write(BAUDING + self._stop + self._timeout + self._stop)
            self._sent_ns = self._host.now_ns()
