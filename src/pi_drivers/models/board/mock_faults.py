"""Breaking things on purpose: the board's `fault` command, for trying out what a program does when hardware fails."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pi_drivers.buses.spi.ranges import place_of as spi_place
from pi_drivers.config.wording import did_you_mean
from pi_drivers.errors import ArgumentError, UnsupportedError
from pi_drivers.host.contract import Host
from pi_drivers.models.i2c_chip import place_of as i2c_place

if TYPE_CHECKING:
    from pi_drivers.world.cameras import CameraShelf, CameraTwin
    from pi_drivers.world.world import World

MOST = 1_000_000
BOUNCE_US = 200.0
"""From one bounce of a contact to the next."""
FAULTS_TEXT = (
    "On the mock only: break something, or mend it. Kinds: of a chip on I2C unplug, replug, nack, corrupt, hang; on "
    "SPI unplug, replug, corrupt, stuck; of a 1-wire sensor unplug, replug, corrupt, brown-out; of a serial port "
    "unplug, replug, garbage, lose, silence, sound; of an ultrasonic sensor unplug, replug, missing, stuck-high, "
    "spikes, dropouts, late; of a camera unplug, replug, replug-elsewhere, silence, sound, garbage, half, broken, "
    "other-size, lost, late; of the signal at a gpio-input unplug, high, low, bounce; of a shaft jam, release, unplug, "
    "replug."
)
Action = Callable[[], None]


class MockFaults:
    """Faults of the simulated Pi, by target and kind."""

    def __init__(self, host: Host) -> None:
        """Raises: UnsupportedError: on real hardware, pull the plug yourself."""
        world = getattr(host, "world", None)
        if world is None:
            raise UnsupportedError('the command "fault" exists on the mock only; on hardware, pull the plug')
        self._world: World = world

    def apply(self, target: object, kind: object, count: object) -> Mapping[str, Any]:
        """Break or mend something.

        Args:
            target: `i2c-1 0x44` or `spi-0 0` for a place on a bus, `shaft e1` for a shaft and the encoder on it,
                `serial /dev/ttyUSB0` for a port, `1-wire 28-000005e2fdc3` for a sensor of that bus, `ultrasonic front`
                for such a sensor by its name, `camera /dev/video0` for a webcam and `camera 0` for one on a ribbon
                cable, by where it was at first, `signal button` for what is wired to a gpio-input.
            kind: what happens to it.
            count: how many transactions a nack, corrupt, hang or stuck lasts, how many pings, bounces or frames are
                bad, or how many bytes are garbage or lost.

        Raises:
            ArgumentError: no such target or kind; the message says what there is.
        """
        times = _whole(count)
        with self._world.held():
            targets = self._targets(times)
            name = _normal(str(target))
            if name not in targets:
                there = ", ".join(targets) or "nothing: configure a component first"
                raise ArgumentError(f"{target!r} is not there{did_you_mean(name, targets)}; there is: {there}")
            kinds = targets[name]
            if str(kind) not in kinds:
                raise ArgumentError(f"{target}: unknown kind of fault {kind!r}; there are: {', '.join(kinds)}")
            kinds[str(kind)]()
        return {"target": target, "kind": kind}

    def _targets(self, count: int) -> dict[str, dict[str, Action]]:
        """All that can be broken, by the kinds of faults it has."""
        world = self._world
        return {
            **{i2c_place(*place): self._i2c_kinds(*place, count) for place in world.i2c_chips},
            **{spi_place(*place): self._spi_kinds(*place, count) for place in world.spi_chips},
            **{f"serial {path}": self._serial_kinds(path, count) for path in world.serial_lines},
            **{f"1-wire {each}": self._onewire_kinds(each, count) for each in world.onewire.known},
            **{f"ultrasonic {name}": self._echo_kinds(name, count) for name in world.echoes},
            **self._cameras(count),
            **{f"signal {name}": self._signal_kinds(name, count) for name in world.pulsers},
            **{f"shaft {name}": self._shaft_kinds(name) for name in world.shafts},
        }

    def _i2c_kinds(self, bus: int, address: int, count: int) -> dict[str, Action]:
        faults = self._world.i2c(bus).faults(address)
        return {
            "unplug": lambda: setattr(faults, "unplugged", True),
            "replug": lambda: setattr(faults, "unplugged", False),
            "nack": lambda: setattr(faults, "nacks", count),
            "corrupt": lambda: setattr(faults, "corrupt_reads", count),
            "hang": lambda: setattr(faults, "hangs", count),
        }

    def _spi_kinds(self, bus: int, chip_select: int, count: int) -> dict[str, Action]:
        faults = self._world.spi(bus).faults(chip_select)
        return {
            "unplug": lambda: setattr(faults, "unplugged", True),
            "replug": lambda: setattr(faults, "unplugged", False),
            "corrupt": lambda: setattr(faults, "corrupt_reads", count),
            "stuck": lambda: setattr(faults, "stuck", count),
        }

    def _shaft_kinds(self, name: str) -> dict[str, Action]:
        shaft = self._world.shaft(name)
        discs = self._world.discs_of(name)
        return {
            "jam": shaft.jam,
            "release": lambda: shaft.jam(jammed=False),
            "unplug": lambda: _each(disc.unplug for disc in discs),
            "replug": lambda: _each(disc.plug for disc in discs),
        }

    def _serial_kinds(self, path: str, count: int) -> dict[str, Action]:
        line = self._world.serial(path)
        return {
            "unplug": line.unplug,
            "replug": line.replug,
            "garbage": lambda: setattr(line.faults, "garbage", count),
            "lose": lambda: setattr(line.faults, "lost", count),
            "silence": lambda: setattr(line.faults, "stuck", True),
            "sound": lambda: setattr(line.faults, "stuck", False),
        }

    def _onewire_kinds(self, sensor_id: str, count: int) -> dict[str, Action]:
        line = self._world.onewire
        faults = line.faults(sensor_id)
        return {
            "unplug": lambda: line.unplug(sensor_id),
            "replug": lambda: line.replug(sensor_id),
            "corrupt": lambda: setattr(faults, "corrupt_reads", count),
            "brown-out": lambda: setattr(faults, "resets", count),
        }

    def _echo_kinds(self, name: str, count: int) -> dict[str, Action]:
        faults = self._world.echoes[name].faults
        return {
            "unplug": lambda: setattr(faults, "unplugged", True),
            "replug": lambda: setattr(faults, "unplugged", False),
            "missing": lambda: setattr(faults, "missing", count),
            "stuck-high": lambda: setattr(faults, "stuck_high", count),
            "spikes": lambda: setattr(faults, "spikes", count),
            "dropouts": lambda: setattr(faults, "dropouts", count),
            "late": lambda: setattr(faults, "late", count),
        }

    def _cameras(self, count: int) -> dict[str, dict[str, Action]]:
        return {
            f"camera {twin.name.removeprefix('camera ')}": _camera_kinds(shelf, twin, count)
            for shelf in (self._world.cameras, self._world.csi_cameras)
            for twin in shelf.twins
        }

    def _signal_kinds(self, name: str, count: int) -> dict[str, Action]:
        pulser = self._world.pulsers[name]
        return {
            "unplug": lambda: pulser.level(None),
            "high": lambda: pulser.level(True),
            "low": lambda: pulser.level(False),
            "bounce": lambda: pulser.bounce(True, count, BOUNCE_US),
        }


def _camera_kinds(shelf: "CameraShelf", twin: "CameraTwin", count: int) -> dict[str, Action]:
    def spoil(name: str) -> Action:
        return lambda: setattr(twin.faults, name, count)

    return {
        "unplug": twin.unplug,
        "replug": lambda: shelf.replug(twin),
        "replug-elsewhere": lambda: shelf.replug_elsewhere(twin),
        "silence": lambda: setattr(twin.faults, "silent", True),
        "sound": lambda: setattr(twin.faults, "silent", False),
        **{name.replace("_", "-"): spoil(name) for name in ("garbage", "half", "broken", "other_size", "lost", "late")},
    }


def _each(actions: Iterable[Action]) -> None:
    for action in actions:
        action()


def _whole(count: object) -> int:
    # Every number of a gRPC caller comes as a float.
    if not isinstance(count, float | int) or isinstance(count, bool) or not 1 <= count <= MOST or count != int(count):
        raise ArgumentError(f'"count" must be a whole number, 1 to {MOST}, got {count!r}')
    return int(count)


def _normal(target: str) -> str:
    """An address may be written as any number: `i2c-1 0x44` or `i2c-1 68`."""
    where, _, which = target.partition(" ")
    if not where.startswith("i2c-"):
        return target
    try:
        return f"{where} 0x{int(which, 0):02x}"
    except ValueError:
        return target
