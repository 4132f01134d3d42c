"""The Pi's own header as a Viam board: pins, PWM, digital interrupts and their ticks, on every model of Pi.

Any real pin works without being configured; the config gives pins names, pulls, debouncing and first levels. Pins
belong to whoever uses them first: what a motor holds, the board can look at but not switch.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from viam.components.board import Board
from viam.components.board.board import TickStream
from viam.proto.component.board import PowerMode
from viam.streams import StreamWithIterator
from viam.utils import ValueTypes

from pi_drivers.config.wording import did_you_mean
from pi_drivers.errors import ArgumentError, ConfigError, NotFoundError, UnsupportedError
from pi_drivers.host import header
from pi_drivers.host.i2c_scan import scan
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.board.analogs import PiAnalog
from pi_drivers.models.board.gpio_pin import PiGpioPin, PinState, Use
from pi_drivers.models.board.header_pins import HeaderPins
from pi_drivers.models.board.interrupts import PiInterrupt, subscription
from pi_drivers.models.board.mock_faults import FAULTS_TEXT, MockFaults
from pi_drivers.models.board.pi_board_config import PiBoardConfig, interrupt_names, named_pins
from pi_drivers.models.commands import Arguments, command
from pi_drivers.runtime.safety import SAFETY

LAST_BUS = 255
"""The highest number of an I2C bus that is asked for."""


class PiBoard(HardwareModel[PiBoardConfig], Board):
    """The 40-pin header of a Raspberry Pi: pins, PWM, digital interrupts, and analogs of converters."""

    CONFIG = PiBoardConfig

    def _open(self, settings: PiBoardConfig, dependencies: Dependencies) -> None:
        self._pins = HeaderPins(self.host, named_pins(settings))
        self._pins.give_way = self._give_way
        self._states: dict[int, PinState] = {}
        self.lifecycle.push("let go of its pins", self._close_pins)
        self.lifecycle.push("leave the safety register", SAFETY.add(self.label, self._lock_outputs))
        self.host.gpio  # noqa: B018 - a machine without a header is an error now, not at the first pin
        for pin in settings.pins:
            if pin.initial is not None:
                self._state(pin.pin).set(pin.initial == "high")
        for name in interrupt_names(settings):
            self._state(name).listen()
        self._analogs = {entry.name: PiAnalog(self, entry) for entry in settings.analogs}

    def pins_for_drivers(self) -> HeaderPins:
        """The header with this board's names, for drivers of this process."""
        self.check_open()
        return self._pins

    async def gpio_pin_by_name(self, name: str) -> PiGpioPin:
        """A pin by any of its names. Raises: NotFoundError: there is no such pin, with what may be meant."""
        self.check_open()
        return PiGpioPin(name, self._state(name), self.check_open)

    async def digital_interrupt_by_name(self, name: str) -> PiInterrupt:
        """A digital interrupt by name; any free pin becomes one on demand.

        Raises:
            NotFoundError: there is no such pin.
            ClaimedError: the pin is an output, or somebody else's.
        """
        self.check_open()
        return PiInterrupt(name, self._state(name).listen())

    async def stream_ticks(
        self,
        interrupts: list[Board.DigitalInterrupt],
        *,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> TickStream:
        """Both edges of the interrupts, with the names asked for and the kernel's time in ns; first an empty tick."""
        self.check_open()
        return StreamWithIterator(subscription([entry for entry in interrupts if isinstance(entry, PiInterrupt)]))

    async def analog_by_name(self, name: str) -> PiAnalog:
        """An input of a converter. Raises: NotFoundError: there is none of this name, with what may be meant."""
        self.check_open()
        if name not in self._analogs:
            raise NotFoundError(
                f'{self.label} has no analog "{name}"{did_you_mean(name, self._analogs)}: a Pi has no analog inputs '
                "of its own; list those of a converter under analogs"
            )
        return self._analogs[name]

    async def set_power_mode(
        self,
        mode: PowerMode.ValueType,
        duration: timedelta | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Raises: UnsupportedError: a Pi has no power modes."""
        raise UnsupportedError(f"{self.label}: a Raspberry Pi has no power modes (SetPowerMode Unimplemented)")

    @command("pinout", "Every pin of the header: its names, what it is used for, and by whom.")
    async def _pinout(self, _request: Arguments) -> Mapping[str, Any]:
        return {str(pin.number): self._describe(pin) for pin in header.HEADER}

    @command("claims", "Who holds which pin and address on this machine.")
    async def _claims(self, _request: Arguments) -> Mapping[str, Any]:
        return {thing: f"{held.name} ({held.use})" for thing, held in self.host.claims.listing().items()}

    @command(
        "i2c_scan",
        "Who answers on an I2C bus, by address: the chip that usually is, and who uses it here.",
        example={"bus": 1},
        optional=("bus",),
    )
    async def _i2c_scan(self, request: Arguments) -> Mapping[str, Any]:
        number = _bus_number(request.get("bus", 1))
        shared = self.host.i2c(number)
        try:
            found = await shared.worker.run(lambda: scan(shared.bus))
        finally:
            shared.leave()
        return {f"0x{address:02x}": self._describe_chip(number, address, usual) for address, usual in found.items()}

    @command("diagnose", "What this Pi still lacks: buses, groups, overlays, power; each with what mends it.")
    async def _diagnose(self, _request: Arguments) -> Mapping[str, Any]:
        findings = await asyncio.to_thread(self.host.diagnose)
        return {finding.what: {"ok": finding.ok, "found": finding.found, "mend": finding.mend} for finding in findings}

    @command("reset_interrupt", "Set an interrupt's count to 0.", example={"name": "11"})
    async def _reset_interrupt(self, request: Arguments) -> Mapping[str, Any]:
        interrupt = await self.digital_interrupt_by_name(str(request["name"]))
        was = await interrupt.value()
        interrupt.pin.count = 0
        return {"was": was}

    @command(
        "fault",
        FAULTS_TEXT,
        example={"target": "i2c-1 0x44", "kind": "nack", "count": 3},
        optional=("count",),
    )
    async def _fault(self, request: Arguments) -> Mapping[str, Any]:
        return MockFaults(self.host).apply(request["target"], request["kind"], request.get("count", 1))

    def _status(self) -> dict[str, ValueTypes]:
        used = {state.label: state.use.value for state in self._states.values() if state.use is not Use.NOTHING}
        listening = [state.interrupt for state in self._states.values() if state.interrupt is not None]
        return {
            "pins": dict(used),
            "lost_edges": sum(pin.lost for pin in listening),
            "dropped_ticks": sum(pin.dropped for pin in listening),
            "analogs": {name: analog.status() for name, analog in self._analogs.items()},
        }

    def _state(self, name: str) -> PinState:
        try:
            settings = self._pins.resolve(name)
        except ConfigError as error:
            raise NotFoundError(f"{self.label}: {error}") from None
        if settings.offset not in self._states:
            self._states[settings.offset] = PinState(self._pins, settings, self.holder("pin"))
        return self._states[settings.offset]

    def _give_way(self, offset: int) -> None:
        """Leave an interrupt that the config lists to the driver that names it: it was listed for that."""
        listed = {self._pins.resolve(name).offset for name in interrupt_names(self.settings)}
        if offset in listed and offset in self._states:
            self._states[offset].give_way()

    def _lock_outputs(self) -> None:
        for state in list(self._states.values()):
            state.lock_safe()

    def _close_pins(self) -> None:
        for state in self._states.values():
            state.close()

    def _describe_chip(self, bus: int, address: int, usual: str) -> Mapping[str, Any]:
        held = self.host.claims.holder_of(f"i2c-{bus} 0x{address:02x}")
        return {"usually": usual} | ({"held_by": f"{held.name} ({held.use})"} if held else {})

    def _describe(self, pin: header.HeaderPin) -> Mapping[str, Any]:
        if pin.bcm is None:
            return {"name": pin.label}
        held = self.host.claims.holder_of(header.describe(pin.bcm))
        names = [name for name, settings in named_pins(self.settings).items() if settings.offset == pin.bcm]
        known = {"name": pin.label, "function": pin.function, "yours": ", ".join(names)}
        shown: dict[str, Any] = {key: text for key, text in known.items() if text}
        return shown | ({"held_by": f"{held.name} ({held.use})"} if held else {})


def _bus_number(value: object) -> int:
    if (
        not isinstance(value, float | int)
        or isinstance(value, bool)
        or value != int(value)
        or not 0 <= value <= LAST_BUS
    ):
        raise ArgumentError(f'"bus" must be the number of an I2C bus, 0 to {LAST_BUS}, got {value!r}')
    return int(value)
