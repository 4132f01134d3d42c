"""Microchip MCP3002, MCP3004, MCP3008 and MCP3208: converters with 10 or 12 bits and 2 to 8 channels over SPI.

Sources: Microchip, Datasheets MCP3002 (DS21294E), MCP3004/3008 (DS21295D) and MCP3204/3208 (DS21298E). A chip has no
register that says what it is, and nothing it sends has a checksum. But when it is clocked on it sends each result a
second time, the lowest bit first, and then zeros: that shows wrong bits, and a chip of another kind, whose bits fall
into other places. Only the lowest bit itself is sent once; it is no more than the chip's own noise.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pi_drivers.buses.spi.contract import SpiChip
from pi_drivers.buses.spi.ranges import place_of
from pi_drivers.errors import CorruptDataError, NoAnswerError, WrongChipError
from pi_drivers.host.spi_lines import LINES
from pi_drivers.models.adc.contract import AdcChip
from pi_drivers.world.spi import SpiDevice

if TYPE_CHECKING:
    from pi_drivers.world.world import World


class Answer(NamedTuple):
    """What a transfer brought."""

    value: int
    sound: bool
    """Whether all bits are where the chip puts them, and both copies of the result agree."""
    heard: bool
    """Whether the line rests high and was pulled low when the chip began to speak."""


@dataclass(frozen=True)
class Framing:
    """How a chip is spoken to, clock by clock."""

    chip: str
    bits: int
    channels: int
    speed_hz: int
    """The fastest clock at 2.7 V: what is good for every supply."""
    start: int
    """Zeros before the start bit: so many that the result fills whole bytes, as in figure 6-1 of each datasheet."""

    @property
    def has_msbf(self) -> bool:
        """Whether a bit asks for the order of the result, as the chips with two channels have it."""
        return self.channels == 2

    @property
    def null_at(self) -> int:
        """The clock with which the chip begins to speak: with a 0."""
        # Start bit, SGL/DIFF, then ODD and MSBF; or D2, D1, D0 and a clock to take the sample.
        return self.start + (4 if self.has_msbf else 6)

    @property
    def length(self) -> int:
        """Bytes of a transfer that has the result twice."""
        return math.ceil((self.null_at + 2 * self.bits) / 8)

    def request(self, channel: int) -> bytes:
        """What asks for a channel against ground."""
        # MCP3002: ODD/SIGN is the channel, and with MSBF low the result comes the other way round too (section 5.1).
        select = f"{channel:01b}0" if self.has_msbf else f"{channel:03b}"
        bits = "0" * self.start + "1" + "1" + select
        return int(bits.ljust(8 * self.length, "0"), 2).to_bytes(self.length, "big")

    def answer(self, data: bytes) -> Answer:
        """What the chip said to it."""
        bits = "".join(f"{byte:08b}" for byte in data)
        before, said = bits[: self.null_at], bits[self.null_at :]
        result = said[1 : 1 + self.bits]
        expected = ("0" + result + result[-2::-1]).ljust(len(said), "0")
        # Before the null bit the chip lets go of the line, which is where it is pulled then.
        return Answer(int(result, 2), said == expected, heard="0" not in before)


FRAMINGS = {
    framing.chip: framing
    for framing in (
        Framing("mcp3002", bits=10, channels=2, speed_hz=1_200_000, start=1),
        Framing("mcp3004", bits=10, channels=4, speed_hz=1_350_000, start=7),
        Framing("mcp3008", bits=10, channels=8, speed_hz=1_350_000, start=7),
        Framing("mcp3208", bits=12, channels=8, speed_hz=1_000_000, start=5),
    )
}
"""By chip: figures 5-1 and 6-1 of each datasheet, and the clock frequency of its electrical characteristics."""


class Mcp3xxx(AdcChip):
    """The chip. Blocking: used on its bus's worker thread."""

    def __init__(self, bus: SpiChip, framing: Framing) -> None:
        self._bus = bus
        self._framing = framing
        self.where = place_of(bus.bus, bus.chip_select)
        self._identified = False
        """Whether it has answered as its kind does before: then bits that cannot be are noise."""

    def finish(self, channel: int, gain: float) -> int:
        answer = self._ask(channel)
        # Zeros are also what is read where nobody speaks, unless the line is pulled up.
        return answer.value if answer.value or answer.heard else self._proven(channel)

    def _ask(self, channel: int) -> Answer:
        data = self._bus.transfer(self._framing.request(channel))
        answer = self._framing.answer(data)
        if not answer.sound:
            raise self._complaint(data)
        self._identified |= answer.value != 0 or answer.heard
        return answer

    def _proven(self, channel: int) -> int:
        """The count of a channel that seems to be 0: only a chip that is there has anything else on another channel."""
        others = (other for other in range(self._framing.channels) if other != channel)
        if any(self._ask(other).value for other in others):
            return self._ask(channel).value
        miso = LINES[self._bus.bus].miso
        raise NoAnswerError(
            f"{self.where}: every channel reads 0, which is also what is read where no chip is. Is the "
            f"{self._framing.chip} wired and powered? If it is, and all of its inputs are at 0 V, pull MISO "
            f"(GPIO{miso}) up with 10 kOhm to 3.3 V, or before the Pi 5 with gpio={miso}=pu in config.txt, or put an "
            "unused input on 3.3 V: that shows that it is there."
        )

    def _complaint(self, data: bytes) -> Exception:
        chip = self._framing.chip
        if data == b"\xff" * len(data):
            return NoAnswerError(f"{self.where}: no answer: MISO stays high. Is the {chip} wired and powered?")
        others = [] if self._identified else self._who_answers()
        if self._identified or chip in others:
            return CorruptDataError(
                f"{self.where}: {data.hex()} cannot be what an {chip} sends: wrong bits; the value is not used. If it "
                "happens often, shorten the cable or put 100 nF at the chip's supply."
            )
        return WrongChipError(
            f"{self.where}: the chip there is no {chip}: {data.hex()} cannot be its answer. "
            + (f"It answers as an {' or '.join(others)} does: is that the chip?" if others else "Check the wiring.")
        )

    def _who_answers(self) -> list[str]:
        """The chips whose answer it would be."""
        found = []
        for framing in FRAMINGS.values():
            answer = framing.answer(self._bus.transfer(framing.request(0)))
            if answer.sound and answer.value:
                found.append(framing.chip)
        return found


class Mcp3xxxTwin(SpiDevice):
    """The chip's other side, with the world's voltages on its inputs."""

    def __init__(self, world: "World", bus: int, chip_select: int, framing: Framing, vref: float) -> None:
        self._world = world
        self._place = (bus, chip_select)
        self.framing = framing
        self.vref = vref

    def transfer(self, data: bytes) -> bytes:
        sent = "".join(f"{byte:08b}" for byte in data)
        start = sent.find("1")
        controls = 3 if self.framing.has_msbf else 4
        control = sent[start + 1 : start + 1 + controls]
        quiet = len(sent) if start < 0 or len(control) < controls else start + 1 + controls
        # The chips with more channels take their sample during one more clock (section 5.0).
        quiet += 0 if self.framing.has_msbf else 1
        rest = "1" if self._world.spi(self._place[0]).rests_high else "0"
        said = rest * quiet + (self._result(control) if quiet < len(sent) else "")
        return int(said.ljust(len(sent), "0")[: len(sent)], 2).to_bytes(len(data), "big")

    def _result(self, control: str) -> str:
        single_ended = control[0] == "1"
        if self.framing.has_msbf:
            channel, only_once = int(control[1]), control[2] == "1"
        else:
            channel, only_once = int(control[1:], 2) % self.framing.channels, False
        volts = self._volts(channel) - (0.0 if single_ended else self._volts(channel ^ 1))
        result = f"{self._code(volts):0{self.framing.bits}b}"
        return "0" + result + ("" if only_once else result[-2::-1])

    def _code(self, volts: float) -> int:
        # Equation 4-1 (4-2 of the MCP3208's): the input over the reference, times 1024 or 4096.
        steps = 1 << self.framing.bits
        return min(steps - 1, max(0, math.floor(volts / self.vref * steps + 1e-9)))

    def _volts(self, channel: int) -> float:
        return self._world.voltage(place_of(*self._place), channel).volts


def twin_on(world: "World", bus: int, chip_select: int, framing: Framing, vref: float) -> Mcp3xxxTwin:
    """The chip's other side in a world: the one that is there already, now with this reference, or a new one."""
    there = world.spi(bus).device(chip_select)
    if isinstance(there, Mcp3xxxTwin) and there.framing is framing:
        there.vref = vref
        return there
    return Mcp3xxxTwin(world, bus, chip_select, framing, vref)
