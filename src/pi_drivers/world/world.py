"""The simulated Pi's surroundings: everything that is plugged into it, and the time it all happens in.

There is one world in a process. Drivers never see it: they see the mock back ends of the buses, which end here. Each
model plugs its twin in where nothing is yet, so that a machine config runs unchanged; tests and scenes reach in from
the other side to plug things in first, move the air, or break something.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from pi_drivers.world.cameras import CameraShelf
from pi_drivers.world.clock import HandClock, PacedClock, WorldClock
from pi_drivers.world.devices import I2cSegment
from pi_drivers.world.disc import Disc
from pi_drivers.world.four_phase import FourPhaseStepper
from pi_drivers.world.kernel_sensors import KernelSensorShelf
from pi_drivers.world.mechanics import HBridge, Motor, MotorKind, Shaft
from pi_drivers.world.onewire import OneWireLine
from pi_drivers.world.pose import Pose
from pi_drivers.world.pulser import Pulser
from pi_drivers.world.route import Route
from pi_drivers.world.scene import Scene
from pi_drivers.world.serial_line import SerialLine
from pi_drivers.world.servos import ServoHorn, ServoKind
from pi_drivers.world.spi import SpiSegment
from pi_drivers.world.steppers import StepDirStepper, SteppedShaft, StepperKind
from pi_drivers.world.surroundings import Air, Light, Supply
from pi_drivers.world.switches import TurnSwitch
from pi_drivers.world.trace import Trace
from pi_drivers.world.vitals import PiVitals
from pi_drivers.world.voltages import Voltage, Voltages
from pi_drivers.world.wall import UltrasonicTwin
from pi_drivers.world.wires import Wire

HEADER_LINES = 54
"""Lines of the header's GPIO chip on a Pi 4; those above 27 are not on the header."""


class World:
    """One simulated Pi with all that hangs on it. Used under `lock`; public calls of the mock buses take it."""

    def __init__(self, clock: WorldClock, trace: Trace | None = None) -> None:
        self.clock = clock
        self.trace = trace or Trace()
        self.air = Air()
        self.light = Light()
        self.pose = Pose(clock)
        self._supplies: dict[str, Supply] = {}
        self._voltages = Voltages()
        self._wires: dict[int | str, Wire] = {}
        self._shafts: dict[str, Shaft] = {}
        self._discs: dict[str, Disc] = {}
        self._bridges: dict[str, HBridge] = {}
        self._steppers: dict[str, StepDirStepper | FourPhaseStepper] = {}
        self._switches: dict[str, TurnSwitch] = {}
        self._servos: dict[int | str, ServoHorn] = {}
        self.echoes: dict[str, UltrasonicTwin] = {}
        self.pulsers: dict[str, Pulser] = {}
        self._i2c: dict[int, I2cSegment] = {}
        self._spi: dict[int, SpiSegment] = {}
        self._serial: dict[str, SerialLine] = {}
        self.onewire = OneWireLine(clock)
        self.route = Route(clock)
        self.vitals = PiVitals(clock, self.air)
        self.kernel_sensors = KernelSensorShelf()
        self.scene = Scene()
        self.cameras = CameraShelf()
        self.csi_cameras = CameraShelf()

    @classmethod
    def by_hand(cls) -> "World":
        """A world whose time stands still until it is moved; its clock is a `HandClock`."""
        return cls(HandClock())

    @classmethod
    def paced(cls) -> "World":
        """A world that keeps pace with the wall clock, traced if the environment says so."""
        world = cls(PacedClock(), Trace.from_environment())
        world.air.temperature_swing_c = 3.0
        world.air.relative_humidity_swing_pct = 8.0
        world.pose.sway_deg = 3.0
        return world

    @contextmanager
    def held(self) -> Iterator[None]:
        """The world at this moment: brought up to now, and nothing else touches it meanwhile."""
        with self.clock.lock:
            self.clock.catch_up()
            yield

    def wire(self, place: int | str) -> Wire:
        """The wire of a GPIO, by its number, or of an output of another chip, by its name."""
        if place not in self._wires:
            self._wires[place] = Wire(place, self.clock, self.trace)
        return self._wires[place]

    @property
    def shafts(self) -> list[str]:
        """The names of the shafts there are."""
        return sorted(self._shafts)

    def shaft(self, name: str) -> Shaft:
        """A shaft by name: a motor and its encoder that name the same one sit on it together."""
        if name not in self._shafts:
            self._shafts[name] = Shaft(name, self.clock)
        return self._shafts[name]

    def join(self, name: str, other: str) -> None:
        """From now on two names mean one shaft: what is on either of them turns together."""
        kept, gone = self.shaft(other), self.shaft(name)
        if kept is gone:
            return
        for known in [known for known, shaft in self._shafts.items() if shaft is gone]:
            self._shafts[known] = kept
        for disc in self.discs_of(gone.name):
            disc.move_to(kept)
        for bridge in self._bridges.values():
            if bridge.motor.shaft is gone:
                bridge.motor.shaft = kept
                bridge.update()

    def i2c(self, number: int) -> I2cSegment:
        """The wires of an I2C bus."""
        return self._i2c.setdefault(number, I2cSegment())

    def spi(self, number: int) -> SpiSegment:
        """The wires of an SPI bus."""
        return self._spi.setdefault(number, SpiSegment())

    @property
    def i2c_chips(self) -> list[tuple[int, int]]:
        """Bus and address of each chip there is or was on a bus."""
        return sorted((number, address) for number, bus in self._i2c.items() for address in bus.addresses)

    @property
    def spi_chips(self) -> list[tuple[int, int]]:
        """Bus and chip select of each chip there is or was on a bus."""
        return sorted((number, select) for number, bus in self._spi.items() for select in bus.chip_selects)

    def supply(self, place: str) -> Supply:
        """What flows through the power sensor at a place, such as `i2c-1 0x40`."""
        return self._supplies.setdefault(place, Supply())

    def voltage(self, place: str, channel: int) -> Voltage:
        """What is on an input of the converter at a place, such as `spi-0 0`."""
        return self._voltages.on(place, channel)

    def serial(self, path: str) -> SerialLine:
        """The line of a serial port, which is there once something is plugged in."""
        path = posixpath.normpath(path)
        if path not in self._serial:
            self._serial[path] = SerialLine(self.clock)
        return self._serial[path]

    @property
    def serial_ports(self) -> list[str]:
        """The serial ports that are there."""
        return sorted(path for path, line in self._serial.items() if line.present)

    @property
    def serial_lines(self) -> list[str]:
        """The serial ports that there are or were: an unplugged one can be plugged in again."""
        return sorted(self._serial)

    def motor_on(self, shaft: str, wires: Mapping[str, int | str], kind: MotorKind) -> HBridge:
        """Plug a motor with its bridge in, unless one is on exactly these wires already.

        What was plugged in like this before and is in its way, on the shaft or on a wire, is taken out: a config has
        changed, and its motor with it.

        Args:
            shaft: the shaft it turns.
            wires: wire, as for `wire`, by input of the bridge: a, b, pwm, direction, enable_high, enable_low.
            kind: the motor.
        """
        key = f"{shaft} {sorted(wires.items())}"
        if key not in self._bridges:
            inputs = {name: self.wire(place) for name, place in wires.items()}
            in_the_way = [
                old
                for old, bridge in self._bridges.items()
                if bridge.motor.shaft is self.shaft(shaft) or _share(bridge.wires, inputs.values())
            ]
            for old in in_the_way:
                self._bridges.pop(old).remove()
            self._bridges[key] = HBridge(Motor(self.shaft(shaft), kind), **inputs)
        self._bridges[key].motor.kind = kind
        return self._bridges[key]

    def stepper_on(
        self, shaft: str, wires: Mapping[str, int | str], kind: StepperKind
    ) -> StepDirStepper | FourPhaseStepper:
        """Plug a stepper with its driver in, unless one of its kind is on exactly these wires already.

        What was plugged in like this before and is in its way is taken out, as `motor_on` does.

        Args:
            shaft: the shaft it turns, which nothing else turns.
            wires: wire, as for `wire`, by input: step and direction, or a, b, c and d; enable_high, enable_low.
            kind: the motor.
        """
        inputs = {name: self.wire(place) for name, place in wires.items()}
        old = self._steppers.get(shaft)
        if old is not None and old.kind == kind and _same(old.wires, inputs.values()):
            return old
        for name in [
            name for name, each in self._steppers.items() if name == shaft or _share(each.wires, inputs.values())
        ]:
            self._steppers.pop(name).remove()
        stepper = StepDirStepper if "step" in wires else FourPhaseStepper
        self._steppers[shaft] = stepper(self._stepped(shaft), kind, inputs, self.clock)
        return self._steppers[shaft]

    def stepper(self, shaft: str) -> StepDirStepper | FourPhaseStepper:
        """The stepper that turns a shaft."""
        return self._steppers[shaft]

    def switch_on(
        self, shaft: str, line: int | str, window_rev: tuple[float, float], *, active_low: bool
    ) -> TurnSwitch:
        """Plug a switch in that a shaft presses in part of its turn, unless one is on this wire already."""
        wire = self.wire(line)
        old = self._switches.get(wire.name)
        if old is not None and old.shaft.name == shaft and old.active_low is active_low:
            return old
        if old is not None:
            old.remove()
        switch = TurnSwitch(self.shaft(shaft), wire, window_rev, self.clock, active_low=active_low)
        self._switches[wire.name] = switch
        return switch

    def _stepped(self, name: str) -> SteppedShaft:
        shaft = self._shafts.get(name)
        if not isinstance(shaft, SteppedShaft):
            shaft = self._shafts[name] = SteppedShaft(name, self.clock)
        return shaft

    def disc_on(self, shaft: str, a: int, b: int, cycles_per_rev: float) -> Disc:
        """Plug an encoder disc in, unless one is on exactly these wires already.

        Discs that were plugged in like this before and are in its way are taken out, as `motor_on` does.
        """
        return self._disc(shaft, a, b, cycles_per_rev)

    def slots_on(self, shaft: str, line: int, slots: float) -> Disc:
        """Plug a disc with slots and one light barrier in, as `disc_on` does with two."""
        return self._disc(shaft, line, None, slots)

    def servo_on(self, place: int | str, kind: ServoKind) -> ServoHorn:
        """Plug a servo in on a wire, as for `wire`; one that is there already is taken to be of that kind."""
        if place not in self._servos:
            self._servos[place] = ServoHorn(self.wire(place), kind, self.clock)
        self._servos[place].kind = kind
        return self._servos[place]

    def echo_on(self, name: str, trigger: int | str, echo: int | str) -> UltrasonicTwin:
        """Plug an ultrasonic sensor in, unless that of this name is on exactly these wires already.

        What was plugged in like this before and is in its way is taken out, as `motor_on` does.
        """
        wires = (self.wire(trigger), self.wire(echo))
        old = self.echoes.get(name)
        if old is not None and old.wires == wires:
            return old
        for each in [each for each, twin in self.echoes.items() if each == name or _share(twin.wires, wires)]:
            self.echoes.pop(each).remove()
        self.echoes[name] = UltrasonicTwin(*wires, self.air, self.clock)
        return self.echoes[name]

    def pulser_on(self, name: str, line: int | str) -> Pulser:
        """Plug a signal generator in on a wire, as `echo_on` does; it drives nothing before it is told to."""
        wire = self.wire(line)
        old = self.pulsers.get(name)
        if old is not None and old.wire is wire:
            return old
        for each in [each for each, pulser in self.pulsers.items() if each == name or pulser.wire is wire]:
            self.pulsers.pop(each).remove()
        self.pulsers[name] = Pulser(wire, self.clock)
        return self.pulsers[name]

    def discs_of(self, shaft: str) -> list[Disc]:
        """The discs that turn with a shaft."""
        return [disc for disc in self._discs.values() if disc.shaft is self.shaft(shaft)]

    def _disc(self, shaft: str, a: int, b: int | None, cycles_per_rev: float) -> Disc:
        key = f"{shaft} {a} {b}"
        if key not in self._discs:
            wire_a, wire_b = self.wire(a), None if b is None else self.wire(b)
            wires = [wire for wire in (wire_a, wire_b) if wire is not None]
            for old in [old for old, disc in self._discs.items() if _share(disc.wires, wires)]:
                self._discs.pop(old).remove()
            self._discs[key] = Disc(self.shaft(shaft), wire_a, wire_b, cycles_per_rev, self.clock)
        return self._discs[key]


def _same(some: Iterable[Wire], others: Iterable[Wire]) -> bool:
    return {wire.name for wire in some} == {wire.name for wire in others}


def _share(some: Iterable[Wire], others: Iterable[Wire]) -> bool:
    return not {wire.name for wire in some}.isdisjoint(wire.name for wire in others)
