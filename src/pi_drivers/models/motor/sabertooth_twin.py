"""The Sabertooths at the far end of a simulated line: they take real packets, byte by byte, and turn shafts.

They are as strict as any of the real ones: nothing is taken before the bauding character, which the older generation
wants, and motors stop when the serial timeout is over, which the newer one does. Several of them, told apart by their
addresses, hang on one line.
"""

from dataclasses import dataclass, field

from pi_drivers.host.contract import MILLISECOND, Host
from pi_drivers.models.motor.sabertooth_config import SabertoothConfig
from pi_drivers.models.motor.sabertooth_packets import (
    BACKWARD,
    BAUDING,
    FORWARD,
    FULL_POWER,
    SERIAL_TIMEOUT,
    TIMEOUT_UNIT_MS,
)
from pi_drivers.world.clock import Timer, WorldClock
from pi_drivers.world.mechanics import Motor, MotorKind
from pi_drivers.world.serial_line import SerialDevice

DEFAULT_FREE_RPM = 200.0
LOWEST_ADDRESS = 128
PACKET_BYTES = 4


class PacketReader:
    """Finds packets in a stream of bytes, whatever else is in it."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.awake = False
        """Whether the bauding character has come."""
        self.broken = 0
        """Packets with a wrong checksum, or cut short."""

    def take(self, byte: int) -> tuple[int, int, int] | None:
        """One byte more; gives address, command and data once a packet is whole and sound."""
        if byte >= LOWEST_ADDRESS:
            self.broken += bool(self._bytes)  # only a packet's first byte is that high
            self._bytes.clear()
            self.awake = self.awake or byte == BAUDING[0]
        if byte == BAUDING[0] or not self.awake or (not self._bytes and byte < LOWEST_ADDRESS):
            return None
        self._bytes.append(byte)
        return self._whole() if len(self._bytes) == PACKET_BYTES else None

    def _whole(self) -> tuple[int, int, int] | None:
        address, command, data, checksum = self._bytes
        self._bytes.clear()
        if checksum == (address + command + data) & 0x7F:
            return address, command, data
        self.broken += 1
        return None


@dataclass
class Board:
    """One Sabertooth with its two motors."""

    clock: WorldClock
    motors: dict[int, Motor] = field(default_factory=dict)
    powers: dict[int, int] = field(default_factory=lambda: {1: 0, 2: 0})
    """What each motor has, -127 to 127."""
    timeout_ms: int = 0
    knows_timeout: bool = True
    """False for the older generation."""
    timeouts: int = 0
    """How often motors that had power stopped because nothing came."""
    _alarm: Timer | None = None

    def obey(self, command: int, data: int) -> None:
        """A packet for this one."""
        for channel in self.powers:
            if command in (FORWARD[channel], BACKWARD[channel]):
                self.power(channel, data if command == FORWARD[channel] else -data)
        if command == SERIAL_TIMEOUT and self.knows_timeout:
            self.timeout_ms = data * TIMEOUT_UNIT_MS
        self._wait_anew()

    def power(self, channel: int, power: int) -> None:
        """Give a motor its power; without any, its terminals are closed and it brakes."""
        self.powers[channel] = power
        if channel in self.motors:
            self.motors[channel].feed(power / FULL_POWER, open_terminals=False)

    def switch_off(self) -> None:
        """As its supply goes: it forgets what it was told, its timeout included."""
        self.timeout_ms = 0
        self._wait_anew()
        for channel in self.powers:
            self.power(channel, 0)

    def _wait_anew(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self.timeout_ms:
            self._alarm = self.clock.at(self.clock.now_ns() + self.timeout_ms * MILLISECOND, self._heard_nothing)

    def _heard_nothing(self) -> None:
        self._alarm = None
        self.timeouts += any(self.powers.values())
        for channel in self.powers:
            self.power(channel, 0)


class SabertoothTwin(SerialDevice):
    """All Sabertooths on one line. Used under the world's lock."""

    def __init__(self, clock: WorldClock, baud: int) -> None:
        self.baud = baud
        self.boards: dict[int, Board] = {}
        self.reader = PacketReader()
        self.heard: list[tuple[int, int, int]] = []
        """Every sound packet for one of the boards."""
        self._clock = clock

    def board(self, address: int) -> Board:
        """The one with an address."""
        return self.boards.setdefault(address, Board(self._clock))

    def wire(self, address: int, channel: int, motor: Motor) -> None:
        """Connect a motor; what turned its shaft before is taken off."""
        for board in self.boards.values():
            board.motors = {one: had for one, had in board.motors.items() if had.shaft is not motor.shaft}
        self.board(address).motors[channel] = motor

    def received(self, data: bytes) -> None:
        for byte in data:
            packet = self.reader.take(byte)
            if packet is not None and packet[0] in self.boards:
                self.heard.append(packet)
                address, command, value = packet
                self.boards[address].obey(command, value)

    def switch_off_and_on(self) -> None:
        """As the battery of all of them is."""
        self.reader = PacketReader()
        for board in self.boards.values():
            board.switch_off()


def plug_in_sabertooth(host: Host, settings: SabertoothConfig, name: str) -> None:
    """On the mock, put a Sabertooth on the line of a config, unless something else is there. Elsewhere, nothing."""
    world = getattr(host, "world", None)
    if world is None:
        return
    with world.held():
        line = world.serial(settings.serial_path)
        line.plug_in_if_free(SabertoothTwin(world.clock, settings.baud_rate))
        if isinstance(line.device, SabertoothTwin):
            if not line.in_use:
                line.device.baud = settings.baud_rate  # as the older generation does
            free_rpm = settings.max_rpm or DEFAULT_FREE_RPM
            # It is wired as the config believes: with dir_flip, the motor's leads are swapped.
            kind = MotorKind(free_rpm=-free_rpm if settings.dir_flip else free_rpm)
            motor = Motor(world.shaft(f"of {name}"), kind)
            line.device.wire(settings.address, settings.channel, motor)
