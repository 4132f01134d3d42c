"""From the pins of a config to the way in which steps reach the motor."""

import logging
from collections.abc import Callable

from pi_drivers.errors import ConfigError
from pi_drivers.host.claims import Holder
from pi_drivers.host.contract import Host
from pi_drivers.models.motor.coils import Coils
from pi_drivers.models.motor.step_ways import CountedWay, StepWay
from pi_drivers.models.motor.stepper_config import COILS, FASTEST, STEP_DIR, StepperConfig
from pi_drivers.models.motor.written_steps import TaskWay, ThreadWay
from pi_drivers.models.pins import BoardPins, OutputPin
from pi_drivers.runtime.lifecycle import Lifecycle

LATCHED_SHARE = 0.8
"""How near to a board's own limit steps come: the writes take their time, and its periods may be longer than said."""


def top_rpm_on(board: BoardPins, settings: StepperConfig, label: str) -> float:
    """The top speed: the one of the config, or where it has none, that of the board.

    Raises:
        ConfigError: the config asks for more than the board can do; the message says what would do.
    """
    chosen_rpm = settings.chosen_max_rpm
    # Step has to rise and to fall; coils change once.
    changes = 1 if settings.pins.step is None else 2
    most = float(FASTEST)
    if board.latch_period_s:
        most = min(most, LATCHED_SHARE / (changes * board.latch_period_s))
    most_rpm = most / settings.steps_per_rotation * 60
    if chosen_rpm is None:
        return most_rpm
    if not board.latch_period_s or chosen_rpm <= most_rpm:
        return chosen_rpm
    enough_hz = board.frequency_for(chosen_rpm / 60 * settings.steps_per_rotation * changes / LATCHED_SHARE)
    remedy = "use pins of the Pi's header" if enough_hz is None else f"give it a frequency_hz of {enough_hz}"
    raise ConfigError(
        f"{label}: max_rpm or stepper_delay_usec asks for {chosen_rpm:g} rpm, but the outputs of board "
        f'"{settings.board}" change only with its PWM periods, which is good for {most_rpm:g} rpm. '
        f"Ask for less, or {remedy}."
    )


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
            by_task = TaskWay(host, pins, *enables, coils, self._board.latch_period_s)
            by_task.use(self._lifecycle)
            return by_task
        if coils is None:
            return CountedWay(pins[0], pins[1], *enables)
        by_thread = ThreadWay(host, pins, *enables, coils, self._board.latch_period_s)
        by_thread.use(host.new_worker(f"steps of {name}"), self._lifecycle)
        return by_thread

    def _take(self, name: str, *, safe_high: bool = False) -> OutputPin | None:
        pin = getattr(self._settings.pins, name)
        if pin is None:
            return None
        return self._board.output(pin, self._holder(f"pin {name}"), self._lifecycle, safe_high=safe_high)
