"""Breaking things on purpose: the board's `fault` command, for trying out what a program does when hardware fails."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pi_drivers.buses.i2c.ranges import check_address
from pi_drivers.buses.spi.ranges import HEADER_PLACES, place_of
from pi_drivers.errors import ArgumentError, UnsupportedError
from pi_drivers.host.contract import Host

if TYPE_CHECKING:
    from pi_drivers.world.world import World

MOST = 1_000_000
SPI_PLACES = {place_of(*place): place for place in HEADER_PLACES}
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
                `serial /dev/ttyUSB0` for a port, `1-wire 28-000005e2fdc3` for a sensor of that bus.
            kind: what happens to it.
            count: how many transactions a nack, corrupt, hang or stuck lasts, or how many bytes are garbage or lost.

        Raises:
            ArgumentError: no such target or kind; the message says what there is.
        """
        if not isinstance(count, float | int) or isinstance(count, bool) or not 1 <= count <= MOST:
            raise ArgumentError(f'"count" must be a number of transactions, 1 to {MOST}, got {count!r}')
        kinds = self._kinds(str(target), int(count))
        if str(kind) not in kinds:
            raise ArgumentError(f"{target}: unknown kind of fault {kind!r}; there are: {', '.join(kinds)}")
        with self._world.held():
            kinds[str(kind)]()
        return {"target": target, "kind": kind}

    def _kinds(self, target: str, count: int) -> dict[str, Action]:
        where, _, which = target.partition(" ")
        if where.startswith("i2c-") and where[4:].isdigit():
            address = _address(which)
            check_address(int(where[4:]), address)
            return self._i2c_kinds(int(where[4:]), address, count)
        if target in SPI_PLACES:
            return self._spi_kinds(*SPI_PLACES[target], count)
        if where == "shaft" and which in self._world.shafts:
            return self._shaft_kinds(which)
        if where == "serial" and which in self._world.serial_lines:
            return self._serial_kinds(which, count)
        if where == "1-wire" and which in self._world.onewire.known:
            return self._onewire_kinds(which, count)
        places = [
            "i2c-1 0x44",
            *SPI_PLACES,
            *(f"serial {path}" for path in self._world.serial_lines),
            *(f"shaft {name}" for name in self._world.shafts),
            *(f"1-wire {sensor_id}" for sensor_id in self._world.onewire.known),
        ]
        raise ArgumentError(f"unknown target {target!r}; write for example {', '.join(map(repr, places))}")

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


def _each(actions: Iterable[Action]) -> None:
    for action in actions:
        action()


def _address(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise ArgumentError(f'{text!r} is no I2C address; write for example "0x44"') from None
