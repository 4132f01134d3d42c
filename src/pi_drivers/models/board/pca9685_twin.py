"""The PCA9685 on the simulated bus: its registers, its counter, and its outputs on wires of the world.

It is as unfriendly as the data sheet has it: it wakes up with its outputs off and answers at a second address, takes no
prescale while it is awake, and keeps what is new waiting until a period is over.
"""

from typing import TYPE_CHECKING

from pi_drivers.models.board.pca9685_chip import (
    ALL_LED,
    ALWAYS,
    AUTO_INCREMENT,
    CHANNELS,
    EXTERNAL_CLOCK,
    LED0,
    MODE1,
    MODE2,
    MODE2_RESERVED,
    PRE_SCALE,
    PRESCALES,
    RESTART,
    SLEEP,
    STEP_NS,
    STEPS,
    TOTEM_POLE,
    count_in,
)
from pi_drivers.world.devices import I2cDevice
from pi_drivers.world.wires import Pwm, Signal

if TYPE_CHECKING:
    from pi_drivers.world.clock import Timer
    from pi_drivers.world.world import World

ALL_CALL = 1 << 0
"""Table 5: it answers at 0x70 as well."""
POWER_UP = {
    MODE1: SLEEP | ALL_CALL, MODE2: TOTEM_POLE, 0x02: 0xE2, 0x03: 0xE4, 0x04: 0xE8, 0x05: 0xE0, PRE_SCALE: 0x1E,
    **{LED0 + 4 * channel + 3: ALWAYS for channel in range(CHANNELS)},
}  # fmt: skip
LAST_LED = LED0 + 4 * CHANNELS - 1
HIGH_BYTES = 0x1F
"""The bits of a channel's high bytes that can be written."""


class Pca9685Twin(I2cDevice):
    """The chip's other side: its registers, and its outputs on wires of the world, which look where they lead."""

    def __init__(self, world: "World", place: str) -> None:
        """Args: place: the beginning of its wires' names, for example `i2c-1 0x40`."""
        self._clock = world.clock
        self._wires = [world.wire(f"{place} channel {channel}") for channel in range(CHANNELS)]
        self._changes: list[Timer | None] = [None] * CHANNELS
        self._power_up()

    def lose_power(self) -> None:
        self._power_up()

    def write(self, data: bytes) -> None:
        if data:
            self._pointer = data[0]
            was, set_before = self._registers[MODE1], bytes(self._registers[LED0 : LAST_LED + 1])
            for value in data[1:]:
                self._put(self._pointer, value)
                self._move_on()
            # Outputs change with the STOP, all bytes of a transfer at once.
            self._update(was, set_before)

    def read(self, count: int) -> bytes:
        answer = bytearray()
        for _ in range(count):
            answer.append(0 if ALL_LED <= self._pointer < PRE_SCALE else self._registers[self._pointer])
            self._move_on()
        return bytes(answer)

    def _power_up(self) -> None:
        self._registers = bytearray(256)
        for register, value in POWER_UP.items():
            self._registers[register] = value
        self._pointer = 0
        self._counter_ns = 0
        for channel in range(CHANNELS):
            self._drive(channel, False)

    def _move_on(self) -> None:
        if self._registers[MODE1] & AUTO_INCREMENT:
            self._pointer = 0 if self._pointer == LAST_LED else (self._pointer + 1) % 256

    def _put(self, register: int, value: int) -> None:
        if register == MODE1:
            self._put_mode(value)
        elif LED0 <= register <= LAST_LED:
            self._registers[register] = value if (register - LED0) % 2 == 0 else value & HIGH_BYTES
            self._registers[MODE1] &= ~RESTART  # section 7.3.1.1, while outputs change with the STOP
        elif ALL_LED <= register < PRE_SCALE:
            for channel in range(CHANNELS):
                self._put(LED0 + 4 * channel + register - ALL_LED, value)
        elif register == PRE_SCALE:
            if self._registers[MODE1] & SLEEP:
                self._registers[PRE_SCALE] = max(PRESCALES[0], value)
        elif register == MODE2:
            self._registers[MODE2] = value & ~MODE2_RESERVED
        elif register < LED0:
            self._registers[register] = value

    def _put_mode(self, value: int) -> None:
        was = self._registers[MODE1]
        runs = any(isinstance(wire.signal, Pwm) for wire in self._wires)
        restart = was & RESTART
        if value & SLEEP and not was & SLEEP and runs:
            restart = RESTART
        elif value & RESTART and not value & SLEEP:
            restart = 0
        self._registers[MODE1] = value & ~(RESTART | EXTERNAL_CLOCK) | restart

    @property
    def _period_ns(self) -> int:
        return STEPS * STEP_NS * (self._registers[PRE_SCALE] + 1)

    def _update(self, mode_was: int, set_before: bytes) -> None:
        stopped = SLEEP | RESTART
        mode = self._registers[MODE1]
        if mode & stopped:
            for channel in range(CHANNELS):
                self._drive(channel, False)
            return
        if not any(wire.signal for wire in self._wires):
            self._counter_ns = self._clock.now_ns()  # while all channels are off the counter stands still
        for channel in range(CHANNELS):
            place = slice(4 * channel, 4 * channel + 4)
            now = bytes(self._registers[LED0 : LAST_LED + 1][place])
            if now != set_before[place] or mode_was & stopped:
                self._drive_soon(channel, now)

    def _drive_soon(self, channel: int, registers: bytes) -> None:
        """New values count from the next period on, so that no pulse is ever cut (figures 10 and 11)."""
        now_ns = self._clock.now_ns()
        starts_ns = now_ns + (self._counter_ns - now_ns) % self._period_ns
        count = count_in(registers)
        signal: Signal = count == STEPS
        if 0 < count < STEPS:
            high_ns, begins_ns = (
                steps * self._period_ns // STEPS for steps in (count, int.from_bytes(registers[:2], "little"))
            )
            signal = Pwm(self._period_ns, high_ns, starts_ns + begins_ns)
        if starts_ns == now_ns:
            self._drive(channel, signal)
            return
        self._drop_change(channel)
        self._changes[channel] = self._clock.at(starts_ns, lambda: self._drive(channel, signal))

    def _drive(self, channel: int, signal: Signal) -> None:
        self._drop_change(channel)
        self._wires[channel].drive_from_pi(signal)

    def _drop_change(self, channel: int) -> None:
        change = self._changes[channel]
        if change is not None:
            change.cancel()
            self._changes[channel] = None


def plug_in(world: "World", bus: int, address: int) -> None:
    """Put the chip on a bus unless something is there already."""
    if world.i2c(bus).device(address) is None:
        world.i2c(bus).plug_in(address, Pca9685Twin(world, f"i2c-{bus} 0x{address:02x}"))
