"""A look at an I2C bus: who acknowledges, and what that may be.

Every address is asked for an acknowledgement, as `i2cdetect` does. Who answers is asked what it is, if our drivers know
how, by reading registers alone; but not what a component of this process or a driver of the kernel uses, and nobody
where a chip may be to which any byte is a command. Jobs are short: whoever uses the bus meanwhile has his turns.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pi_drivers.buses.i2c.contract import FIRST_ADDRESS, LAST_ADDRESS, I2cBus
from pi_drivers.errors import (
    BusAbsentError,
    BusError,
    BusTimeoutError,
    ClaimedError,
    DriverError,
    NoAnswerError,
    WrongChipError,
)
from pi_drivers.host.contract import MILLISECOND, SECOND, Host, SharedBus
from pi_drivers.models.discovery.connected import Connected, Entry, Look
from pi_drivers.models.discovery.i2c_candidates import Candidate, candidates_at, foreign_names_at
from pi_drivers.models.discovery.looking import held, in_time, on_thread, suggested
from pi_drivers.models.i2c_chip import place_of

LIMIT_NS = 5 * SECOND
"""For one bus: a hundredfold of what a sound one takes."""
MOST_CHIPS = 40
"""More than this on one bus are no chips, but a data line that is low all the time."""
BLOCK = 16
"""So many addresses are asked in one job on the bus's thread."""
BUSY_NS = 20 * MILLISECOND
"""A chip that is in use may be silent while it measures, for so long at most."""
AN = frozenset("AEFHILMNORSX")
"""Letters whose names begin with a vowel."""


class _Answer(NamedTuple):
    """What was found at an address."""

    candidates: Sequence[Candidate]
    """Those that it may be."""
    name: str | None
    """What it certainly is."""
    foreign: Sequence[str]
    """What it may be besides."""


async def look_at_i2c(host: Host) -> Look:
    """Look at all buses that a user's chips are on, side by side.

    Raises:
        BusAbsentError: there is none.
    """
    buses = await on_thread(host, "the I2C buses", host.outlets.i2c_buses)
    if not buses:
        raise BusAbsentError("I2C: no bus of the header is switched on: sudo raspi-config nonint do_i2c 0")
    await on_thread(host, "our models", lambda: candidates_at(FIRST_ADDRESS))  # loaded by now, outside of any limit
    looks = await asyncio.gather(*(_look_in_time(host, bus) for bus in buses))
    return Look([one for look in looks for one in look.connected], [one for look in looks for one in look.troubles])


async def _look_in_time(host: Host, number: int) -> Look:
    found = Look([], [])
    try:
        await in_time(host, LIMIT_NS, f"i2c-{number}", _BusLook(host, number, found).run())
    except DriverError as error:
        found.troubles.append(error.message)
    return found


class _BusLook:
    """One look at one bus. Used on the event loop."""

    def __init__(self, host: Host, number: int, found: Look) -> None:
        """Args: found: takes what is found, so that it is there also if the look does not come to its end."""
        self._host = host
        self._number = number
        self._found = found
        self._hung = False
        """It did so once: nobody is asked anything any more."""

    async def run(self) -> None:
        """Look.

        Raises:
            BusAbsentError, BusPermissionError, MissingLibraryError: as opening the bus does.
            BusError: everybody seems to answer.
        """
        number = self._number
        by_kernel = await on_thread(self._host, f"i2c-{number}", lambda: self._host.outlets.i2c_drivers(number))
        shared = self._host.i2c(number)
        try:
            there = sorted({*await self._acknowledged(shared, by_kernel), *by_kernel})
            if len(there) > MOST_CHIPS:
                raise BusError(
                    f"i2c-{number}: {len(there)} of 112 addresses seem to answer, which is no bus with chips: the data "
                    "line is low all the time. It has no pull-up resistor, its supply is off, or it touches ground."
                )
            for address in there:
                self._found.connected.append(await self._describe(shared, address, by_kernel.get(address)))
        finally:
            shared.leave()

    async def _acknowledged(self, shared: SharedBus[I2cBus], by_kernel: Mapping[int, str]) -> list[int]:
        addresses = [one for one in range(FIRST_ADDRESS, LAST_ADDRESS + 1) if one not in by_kernel]
        found = []
        for start in range(0, len(addresses), BLOCK):
            found += await self._probe(shared, addresses[start : start + BLOCK])
        silent = [one for one in addresses if one not in found and self._holder_of(one) is not None]
        if silent:
            await self._host.wait(BUSY_NS)
            found += await self._probe(shared, silent)
        return found

    async def _probe(self, shared: SharedBus[I2cBus], addresses: Sequence[int]) -> list[int]:
        """Those that acknowledge; once the bus hangs, none."""
        if self._hung:
            return []
        found, error = await shared.worker.run(lambda: _acknowledging(shared.bus, addresses))
        if error is not None:
            self._give_up(error)
        return found

    def _give_up(self, error: DriverError) -> None:
        self._hung = True
        self._found.troubles.append(error.message)

    async def _describe(self, shared: SharedBus[I2cBus], address: int, driver: str | None) -> Connected:
        place = place_of(self._number, address)
        holder = self._host.claims.holder_of(place)
        if holder is not None:
            return held(place, holder)
        if driver is not None:
            return Connected(place, f"the driver {driver} of the Linux kernel uses it")
        answer = await self._asked(shared, address)
        entries = tuple(self._suggestion(candidate, address) for candidate in answer.candidates)
        return Connected(place, _in_words(answer), entries)

    async def _asked(self, shared: SharedBus[I2cBus], address: int) -> _Answer:
        try:
            if not self._hung:
                return await shared.worker.run(lambda: _asked(shared.bus, address))
        except BusTimeoutError as error:
            self._give_up(error)
        return _Answer(candidates_at(address), None, foreign_names_at(address))

    def _suggestion(self, candidate: Candidate, address: int) -> Entry:
        known_as = candidate.names[0].replace("-", "").lower()
        name = f"{known_as}-{address:02x}" + ("" if self._number == 1 else f"-bus{self._number}")
        place = {"i2c_bus": self._number, "i2c_addr": f"0x{address:02x}"}
        return suggested(self._host, name, candidate.model, **candidate.chip.attributes, **place)

    def _holder_of(self, address: int) -> object | None:
        return self._host.claims.holder_of(place_of(self._number, address))


def _acknowledging(bus: I2cBus, addresses: Sequence[int]) -> tuple[list[int], DriverError | None]:
    """Those that acknowledge, up to the one where the bus failed, and how it failed. Blocking."""
    found = []
    for address in addresses:
        try:
            if bus.probe(address):
                found.append(address)
        except DriverError as error:
            return found, error
    return found, None


def _asked(bus: I2cBus, address: int) -> _Answer:
    """What is at an address. Blocking.

    Raises:
        BusTimeoutError: the bus hangs.
    """
    possible = candidates_at(address)
    foreign = foreign_names_at(address)
    if any(one.chip.obeys_any_byte for one in possible):
        return _Answer(possible, None, foreign)
    left = []
    for candidate in possible:
        try:
            name = candidate.chip.identify(bus, address) if candidate.chip.identify is not None else None
        except (WrongChipError, NoAnswerError):
            continue  # who has registers lets them be read
        except BusTimeoutError:
            raise
        except (BusError, ClaimedError):
            name = None
        if name is not None:
            return _Answer([candidate], name, [])
        left.append(candidate)
    return _Answer(left, None, foreign)


def _in_words(answer: _Answer) -> str:
    if answer.name is not None:
        return f"{_with_article(answer.name)}: its registers say so"
    names = [name for one in answer.candidates for name in one.names] + list(answer.foreign)
    return f"probably {' or '.join(map(_with_article, names))}" if names else "a chip that is not known here"


def _with_article(name: str) -> str:
    if not name[:1].isupper():
        return name
    return f"{'an' if name[0] in AN else 'a'} {name}"
