"""From the pins of a config to the way in which steps reach the motor."""

import logging
from collections.abc import Callable

from pi_drivers.host.claims import Holder
from pi_drivers.host.contract import Host
from pi_drivers.models.motor.coils import Coils
from pi_drivers.models.motor.step_ways import CountedWay, StepWay
from pi_drivers.models.motor.stepper_config import COILS, STEP_DIR, StepperConfig
from pi_drivers.models.motor.written_steps import TaskWay, ThreadWay
from pi_drivers.models.pins import BoardPins, OutputPin
from pi_drivers.runtime.lifecycle import Lifecycle


class PinTaker:
    """Takes the pins of one stepper."""

    def __init__(
        self, board: BoardPins, settings: StepperConfig, holder: Callable[[str], Holder], lifecycle: Lifecycle
    ) -> None:
        """Args: board: whose pins. settings: which. holder: the motor, by what for. lifecycle: lets them go."""
        self._board = board
        self._settings = settings
        self._holder = holder
        self._lifecycle = lifecycle

    def way(self, host: Host, name: str, logger: logging.Logger, place: int) -> StepWay:
        """Take the pins.

        Args:
            host: the machine whose clock counts.
            name: the motor's, for its thread.
            logger: the motor's.
            place: the step in the sequence of the coils at which the rotor was left.

        Raises:
            ConfigError: the board has no such pin.
            ClaimedError: somebody holds one; the message names who.
        """
        # An enable input that is active low is safe when it is high.
        enables = (self._take("en_high"), self._take("en_low", safe_high=True))
        names = COILS if self._settings.pins.step is None else STEP_DIR
        pins = [pin for pin in map(self._take, names) if pin is not None]
        coils = Coils(pins, self._settings.phases, place) if names is COILS else None
        if not self._board.counts_pulses:
            logger.info("%s: its board cannot count pulses, so each step is a write, at the pace of the board", name)
            by_task = TaskWay(host, pins, *enables, coils)
            by_task.use(self._lifecycle)
            return by_task
        if coils is None:
            return CountedWay(pins[0], pins[1], *enables)
        by_thread = ThreadWay(host, pins, *enables, coils)
        by_thread.use(host.new_worker(f"steps of {name}"), self._lifecycle)
        return by_thread

    def _take(self, name: str, *, safe_high: bool = False) -> OutputPin | None:
        pin = getattr(self._settings.pins, name)
        if pin is None:
            return None
        return self._board.output(pin, self._holder(f"pin {name}"), self._lifecycle, safe_high=safe_high)
