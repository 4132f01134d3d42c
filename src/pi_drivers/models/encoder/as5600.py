"""The AS5600 as an encoder: an absolute angle, there at once without homing, and turns.

The turns are not in the chip. They are counted here, by reading it a hundred times a second, as long as no shaft makes
half a turn unseen; where one may have, that is told.
"""

from typing import Any, ClassVar

from pydantic import Field
from viam.components.encoder import Encoder
from viam.utils import ValueTypes

from pi_drivers.config.attributes import PolledAttributes, max_age_field, poll_interval_field
from pi_drivers.config.buses import BusNumber, I2cAddress, i2c_bus_field
from pi_drivers.config.example import Example
from pi_drivers.errors import BusError
from pi_drivers.host.contract import MILLISECOND, SECOND
from pi_drivers.models.base import Dependencies
from pi_drivers.models.encoder.as5600_chip import (
    REMEDIES,
    STEPS,
    As5600,
    FieldStrength,
    Magnet,
    identify,
    plug_in,
)
from pi_drivers.models.encoder.contract import EncoderSample
from pi_drivers.models.encoder.positions import PositionEncoder
from pi_drivers.models.encoder.turns import Steady, TurnCounter
from pi_drivers.models.i2c_chip import join_i2c
from pi_drivers.models.i2c_identity import I2cIdentity
from pi_drivers.runtime.kept_state import KeptState
from pi_drivers.runtime.poller import Poller

FIELD_NS = SECOND
"""How often the strength of the field is read along."""
SHORTEST_DEFAULT_MAX_AGE_MS = 200
"""A motor must know within 300 ms that its encoder is gone."""


class As5600Config(PolledAttributes):
    """The attributes of `as5600`."""

    EXAMPLE: ClassVar[Example] = Example("axle", {"i2c_bus": 1, "zero_deg": 12.5})

    SHORTEST_DEFAULT_MAX_AGE_MS: ClassVar[int] = SHORTEST_DEFAULT_MAX_AGE_MS
    ZERO_MEANS_ABSENT: ClassVar[frozenset[str]] = frozenset({"i2c_addr"})

    i2c_bus: BusNumber = i2c_bus_field()
    i2c_addr: I2cAddress = Field(
        default=0x36, ge=0x08, le=0x77, description='The address: 54, or "0x36"; an AS5600L has "0x40".'
    )
    zero_deg: float = Field(
        default=0.0, ge=0, lt=360, description="The chip's angle, in degrees, at which the position is 0."
    )
    invert: bool = Field(default=False, description="Count the other way.")
    multi_turn: bool = Field(
        default=True,
        description="Ticks go on over the turns, 4096 a turn, from the turn it began in; else they are 0 to 4095. "
        "A motor counts turns either way.",
    )
    poll_interval_ms: int = poll_interval_field(10)
    max_age_ms: int | None = max_age_field(SHORTEST_DEFAULT_MAX_AGE_MS)


class As5600Encoder(PositionEncoder[As5600Config], Encoder):
    """ams AS5600 magnetic encoder over I2C: absolute angle, and turns."""

    CONFIG = As5600Config
    I2C_CHIP = I2cIdentity("AS5600", identify, usual=(0x36,))

    def _open(self, settings: As5600Config, dependencies: Dependencies) -> None:
        self._plug_in_twin(settings)
        shared = join_i2c(self, settings, "encoder", None)
        self._run = shared.worker.run
        self._chip = As5600(shared.bus, settings.i2c_addr)
        self._turns, self._steady = TurnCounter(STEPS), Steady()
        self._last_angle: int | None = None
        self._magnet: Magnet | None = None
        self._field: FieldStrength | None = None
        self._field_ns = -FIELD_NS
        self._taken_ns: int | None = None
        self._kept = KeptState(self.key, on_disk=False)
        self._zero = self._take_up_what_was_kept()
        self.lifecycle.push("keep its turns", self._keep)
        self._poller = Poller(
            self.label,
            self.host,
            self.logger,
            sample=self._take_sample,
            set_up=lambda: self._run(self._chip.set_up),
            interval_ns=settings.poll_interval_ms * MILLISECOND,
            max_age_ns=settings.effective_max_age_ms * MILLISECOND,
        )
        self._poller.start()
        self.lifecycle.push("stop polling", self._poller.stop, self._poller.ended)

    async def ready(self) -> None:
        try:
            await self._poller.first_contact()
        except BusError:
            # Without the resource nobody could read in its status which way to move the magnet.
            if self._magnet is None:
                raise

    def sample(self) -> EncoderSample:
        """The newest position, turns counted. Never touches the bus.

        Raises:
            StaleReadingError: it is too old, or there is none; with its age and the cause.
            ClosedError: the encoder was closed.
        """
        self.check_open()
        newest = self._poller.latest()
        return EncoderSample(newest.value, newest.taken_ns, self._zero, newest.taken_ns)

    @property
    def ticks_per_turn(self) -> int:
        return STEPS

    def _position(self) -> int:
        position = super()._position()
        return position if self.settings.multi_turn else position % STEPS

    async def _take_sample(self) -> int:
        began_ns = self.host.now_ns()
        last = self._last_angle
        reading = await self._run(lambda: self._chip.measure(last))
        self._magnet = reading.magnet
        if reading.magnet is not Magnet.GOOD or began_ns - self._field_ns >= FIELD_NS:
            self._field, self._field_ns = await self._run(self._chip.field), began_ns
        if reading.magnet is not Magnet.GOOD:
            raise BusError(f"{self._chip.where}: {REMEDIES[reading.magnet]}")
        return self._count(reading.angle, began_ns)

    def _count(self, angle: int, at_ns: int) -> int:
        self._last_angle, self._taken_ns = angle, at_ns
        from_zero = angle - round(self.settings.zero_deg / 360 * STEPS)
        certain = self._turns.take((-from_zero if self.settings.invert else from_zero) % STEPS, at_ns)
        if not certain and self._turns.uncertain == 1:
            self.logger.warning(
                "%s: it may have turned more than half a turn unseen: its turns are not certain any more", self.label
            )
        return self._steady.take(self._turns.count)

    def _status(self) -> dict[str, ValueTypes]:
        settings = self.settings
        status: dict[str, ValueTypes] = {
            "i2c_bus": settings.i2c_bus,
            "i2c_addr": f"0x{settings.i2c_addr:02x}",
            "magnet": "not known" if self._magnet is None else self._magnet.value,
            "turns_uncertain": self._turns.uncertain,
        }
        if self._field is not None:
            status |= {"agc": self._field.agc, "magnitude": self._field.magnitude}
        if self._last_angle is not None:
            position = self._turns.count - self._zero
            status["chip_degrees"] = self._last_angle * 360 / STEPS
            status["position_ticks"] = position if self.settings.multi_turn else position % STEPS
        polled = self._poller.status()
        if "error" in polled:
            status["waits_for"] = (
                "the chip to answer" if self._magnet in {None, Magnet.GOOD} else "a magnet that is right"
            )
        return status | polled

    def _take_up_what_was_kept(self) -> int:
        """Go on from what the encoder was before it was rebuilt; returns its zero."""
        kept = self._kept.load()
        if kept.get("meaning") != self._meaning_of_ticks():
            return 0
        self._turns.start(int(kept["count"]), int(kept["at_ns"]))
        return int(kept["zero"])

    def _meaning_of_ticks(self) -> dict[str, ValueTypes]:
        return self.settings.model_dump(include={"i2c_bus", "i2c_addr", "zero_deg", "invert"})

    def _keep(self) -> None:
        if self._taken_ns is not None:
            state = {"count": self._turns.count, "at_ns": self._taken_ns, "zero": self._zero}
            self._kept.save(state | {"meaning": self._meaning_of_ticks()})

    def _plug_in_twin(self, settings: As5600Config) -> None:
        world: Any = getattr(self.host, "world", None)
        if world is not None:
            with world.held():
                plug_in(world, settings.i2c_bus, settings.i2c_addr, self.name, reverse=settings.invert)
