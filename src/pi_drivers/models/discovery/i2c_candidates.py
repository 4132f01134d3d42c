"""Which of our models a chip at an I2C address may be meant for.

The models say it themselves: a model is thought of at every address that its config takes. The address that it takes
where none is given counts more than others, and a chip that has few addresses more than one that has many.
"""

import contextlib
import functools
import logging
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from pi_drivers import registry
from pi_drivers.buses.i2c.contract import FIRST_ADDRESS, LAST_ADDRESS
from pi_drivers.config.attributes import examine
from pi_drivers.host.i2c_scan import USUAL_CHIPS
from pi_drivers.models.base import HardwareModel
from pi_drivers.models.i2c_identity import I2cIdentity

LOGGER = logging.getLogger(__name__)

FIELD = "i2c_addr"


class Candidate(NamedTuple):
    """A model of an I2C chip."""

    model: str
    chip: I2cIdentity
    usual: int
    """The address it has if none is given."""
    addresses: frozenset[int]

    @property
    def names(self) -> list[str]:
        """What people call its chips."""
        return self.chip.name.split(" or ")

    def rank_at(self, address: int) -> tuple[bool, int]:
        """The likelier ones are smaller."""
        return address != self.usual, len(self.addresses)


@functools.cache
def candidates() -> Sequence[Candidate]:
    """All models of I2C chips. Blocking: loads every model of the table, once."""
    found = (_candidate(name) for name in registry.MODELS)
    return [one for one in found if one is not None]


def candidates_at(address: int) -> list[Candidate]:
    """Those that a chip at this address may be meant for, the likeliest first. Blocking."""
    here = (one for one in candidates() if address in one.addresses)
    return sorted(here, key=lambda one: one.rank_at(address))


def foreign_names_at(address: int) -> list[str]:
    """What chips with this address are usually, of those that we have no model for."""
    names = USUAL_CHIPS.get(address, "").split(" or ")
    ours = {_letters(name) for one in candidates() for name in one.names}
    return [name for name in names if name and _letters(name.partition(" ")[0]) not in ours]


def _candidate(name: str) -> Candidate | None:
    try:
        model = registry.load(name)
    except ImportError as error:
        LOGGER.warning("the model %s cannot be loaded: %s", name, error)
        return None
    field = model.CONFIG.model_fields.get(FIELD)
    if field is None:
        return None
    chip = model.I2C_CHIP or I2cIdentity(name.upper())
    addresses = chip.usual or [one for one in _within(field) if _takes(model, chip, one)]
    return Candidate(name, chip, field.default, frozenset(addresses))


def _within(field: FieldInfo) -> Iterator[int]:
    """The addresses that an attribute can have by itself: a quick look, before the whole config is asked."""
    of_field: Any = Annotated[(field.annotation, *field.metadata)]
    alone: TypeAdapter[int] = TypeAdapter(of_field)
    for address in range(FIRST_ADDRESS, LAST_ADDRESS + 1):
        with contextlib.suppress(ValidationError):
            yield alone.validate_python(address)


def _takes(model: type[HardwareModel[Any]], chip: I2cIdentity, address: int) -> bool:
    _, problems = examine(model.CONFIG, {**chip.attributes, FIELD: address})
    return all(problem.path != FIELD for problem in problems)


def _letters(name: str) -> str:
    return name.replace("-", "").upper()
