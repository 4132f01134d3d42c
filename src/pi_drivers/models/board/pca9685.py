"""A PCA9685 as a Viam board: sixteen PWM outputs over I2C, alone or under the motors and servos of a hat.

Channels belong to whoever uses them first: what a motor holds, the board can look at but not switch. All have one
frequency, which suits servos (50 Hz) or motors (as high as it goes), but not both.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field
from viam.components.board import Board
from viam.components.board.board import TickStream
from viam.proto.component.board import PowerMode
from viam.utils import ValueTypes

from pi_drivers.config.attributes import Attributes, Problem
from pi_drivers.config.buses import BusNumber, I2cAddress, i2c_bus_field
from pi_drivers.config.example import Example
from pi_drivers.errors import ArgumentError, ConfigError, NotFoundError, UnsupportedError
from pi_drivers.models.base import Dependencies, HardwareModel
from pi_drivers.models.board.pca9685_chip import CHANNELS, STEPS, identify
from pi_drivers.models.board.pca9685_link import ChipLink
from pi_drivers.models.board.pca9685_pins import PcaOutput, PcaPins
from pi_drivers.models.board.pca9685_twin import plug_in
from pi_drivers.models.commands import Arguments, command
from pi_drivers.models.i2c_chip import claim_address
from pi_drivers.models.i2c_identity import I2cIdentity
from pi_drivers.runtime.safety import SAFETY

ALL_CALL = 0x70
USUAL = (*range(0x40, 0x48), *range(0x60, 0x64))
"""Servo boards begin at 0x40 and motor boards at 0x60, and there are seldom many."""


class Pca9685Config(Attributes):
    """The attributes of `pca9685`."""

    EXAMPLE: ClassVar[Example] = Example("hat", {"i2c_addr": "0x60", "frequency_hz": 1526})

    # Configs have 0 where nothing was entered.
    ZERO_MEANS_ABSENT = frozenset({"i2c_addr", "frequency_hz"})

    i2c_bus: BusNumber = i2c_bus_field()
    i2c_addr: I2cAddress = Field(
        default=0x40, ge=0x40, le=0x77, description='The address: 64, or "0x40"; solder bridges add up to 0x37.'
    )
    frequency_hz: int = Field(
        default=50,
        ge=24,
        le=1526,
        description="The PWM frequency of all channels: 50 for servos, 1000 to 1526 for motors. The chip makes the "
        "nearest one it can, which `get_status` shows.",
    )

    def problems(self) -> Iterator[Problem]:
        """One address is not a chip's own: as it comes, every PCA9685 answers there."""
        yield from super().problems()
        if self.i2c_addr == ALL_CALL:
            yield Problem("i2c_addr", "0x70 is where all PCA9685 answer when they are switched on; give the chip's own")


class Pca9685Board(HardwareModel[Pca9685Config], Board):
    """NXP PCA9685: 16 PWM channels over I2C, for servo hats and motor hats."""

    CONFIG = Pca9685Config
    I2C_CHIP = I2cIdentity("PCA9685", identify, usual=USUAL)

    def _open(self, settings: Pca9685Config, dependencies: Dependencies) -> None:
        self._plug_in_twin(settings)
        claim_address(self, settings, "board")
        self._link = ChipLink(
            self.label, self.logger, self.host, settings.i2c_bus, settings.i2c_addr, settings.frequency_hz
        )
        self.lifecycle.push("end the chip's thread", self._link.end, self._link.ended)
        self._pins = PcaPins(self._link)
        safety = SAFETY.add(self.label, self._link.lock_all_and_wait, slow=True)
        self.lifecycle.push("leave the safety register", safety)

    async def ready(self) -> None:
        await self._link.poller.first_contact()

    def pins_for_drivers(self) -> PcaPins:
        """The channels, for drivers of this process."""
        self.check_open()
        return self._pins

    async def gpio_pin_by_name(self, name: str) -> "PcaPin":
        """A channel by its number. Raises: NotFoundError: there is none of that name."""
        self.check_open()
        try:
            return PcaPin(name, self._link.channel(name), self)
        except ConfigError as error:
            raise NotFoundError(error.message) from None

    async def digital_interrupt_by_name(self, name: str) -> Board.DigitalInterrupt:
        """Raises: NotFoundError: it has none."""
        raise NotFoundError(f'{self.label} has no digital interrupt "{name}": a PCA9685 has outputs only')

    async def stream_ticks(
        self, interrupts: list[Board.DigitalInterrupt], *, timeout: float | None = None, **kwargs: Any
    ) -> TickStream:
        """Raises: UnsupportedError: it has no inputs."""
        raise UnsupportedError(f"{self.label}: a PCA9685 has outputs only (StreamTicks Unimplemented)")

    async def analog_by_name(self, name: str) -> Board.Analog:
        """Raises: NotFoundError: it has none."""
        raise NotFoundError(f'{self.label} has no analog "{name}": a PCA9685 has outputs only')

    async def set_power_mode(
        self,
        mode: PowerMode.ValueType,
        duration: timedelta | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Raises: UnsupportedError: its sleep would stop everything on it."""
        raise UnsupportedError(f"{self.label}: a PCA9685 has no power modes (SetPowerMode Unimplemented)")

    async def duty_of(self, channel: int) -> float:
        """The share of time a channel is high, 0 to 1, as the chip itself has it. Raises: BusError: no answer."""
        self.check_open()
        return await self._link.worker.run(lambda: self._link.chip.count(channel)) / STEPS

    def driven(self, channel: int) -> PcaOutput:
        """A channel to be driven by calls of this board.

        Raises:
            ClosedError: the board was closed.
            ClaimedError: a motor or a servo holds it; the message names it.
        """
        self.check_open()
        output = self._link.output_on(channel)
        if output is not None and self._holder_of(channel) == self.holder("pin"):
            return output
        return self._pins.output(str(channel), self.holder("pin"), self.lifecycle)

    def frequency_hz(self) -> float:
        """The frequency of all channels."""
        return self._link.chip.frequency_hz

    def check_frequency(self, frequency_hz: int) -> None:
        """Raises: ArgumentError: the channels have another one."""
        self._link.check_frequency(frequency_hz)

    @command("channels", "Every channel: its duty and pulse as the chip has them, and who holds it.")
    async def _channels(self, _request: Arguments) -> Mapping[str, Any]:
        return {str(channel): await self._describe(channel) for channel in range(CHANNELS)}

    async def _describe(self, channel: int) -> Mapping[str, Any]:
        duty = await self.duty_of(channel)
        held = self._holder_of(channel)
        described: dict[str, Any] = {"duty": duty, "pulse_us": duty * 1e6 / self.frequency_hz()}
        return described | ({"held_by": f"{held.name} ({held.use})"} if held else {})

    def _holder_of(self, channel: int) -> Any:
        return self.host.claims.holder_of(self._link.place_of(channel))

    def _status(self) -> dict[str, ValueTypes]:
        settings, polled = self.settings, self._link.poller.status()
        held = {str(channel): self._holder_of(channel) for channel in range(CHANNELS)}
        status: dict[str, ValueTypes] = {
            "i2c_bus": settings.i2c_bus,
            "i2c_addr": f"0x{settings.i2c_addr:02x}",
            "frequency_hz": self.frequency_hz(),
            "prescale": self._link.chip.prescale,
            "channels": {channel: f"{holder.name} ({holder.use})" for channel, holder in held.items() if holder},
            "power_losses": self._link.power_losses,
            "failures": polled["failures"],
        }
        waiting = [str(output.channel) for output in self._link.outputs if output.unconfirmed]
        if waiting:
            status["waits_for"] = f"the chip to confirm that these channels are safe: {', '.join(waiting)}"
        return status | ({"error": polled["error"]} if "error" in polled else {})

    def _plug_in_twin(self, settings: Pca9685Config) -> None:
        world: Any = getattr(self.host, "world", None)
        if world is not None:
            with world.held():
                plug_in(world, settings.i2c_bus, settings.i2c_addr)


class PcaPin(Board.GPIOPin):
    """A channel under the name it was asked for. Each call is one transfer on the bus."""

    def __init__(self, name: str, channel: int, board: Pca9685Board) -> None:
        super().__init__(name)
        self._channel = channel
        self._board = board

    async def set(
        self, high: bool, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> None:
        """Drive a steady level; ends PWM. Raises: BusError: the chip did not take it."""
        await self._board.driven(self._channel).write(high)

    async def get(self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any) -> bool:
        """Whether the chip drives the channel high, by PWM as well. Raises: BusError: the chip does not answer."""
        return await self._board.duty_of(self._channel) > 0

    async def get_pwm(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> float:
        """The duty, 0 to 1, as the chip itself has it. Raises: BusError: the chip does not answer."""
        return await self._board.duty_of(self._channel)

    async def set_pwm(
        self,
        duty_cycle: float,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Drive PWM, in steps of 1/4096. Raises: ArgumentError: a duty that is not between 0 and 1."""
        if not 0 <= duty_cycle <= 1:
            raise ArgumentError(f"{self._board.label} pin {self.name}: the duty must be between 0 and 1: {duty_cycle}")
        await self._board.driven(self._channel).pwm(duty_cycle, 0)

    async def get_pwm_frequency(
        self, *, extra: Mapping[str, Any] | None = None, timeout: float | None = None, **kwargs: Any
    ) -> int:
        """The frequency of all channels, in Hz."""
        self._board.check_open()
        return round(self._board.frequency_hz())

    async def set_pwm_frequency(
        self,
        frequency: int,
        *,
        extra: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Takes the frequency there is, and 0. Raises: ArgumentError: another one, which is for the config to set."""
        self._board.check_open()
        if frequency:
            self._board.check_frequency(frequency)
