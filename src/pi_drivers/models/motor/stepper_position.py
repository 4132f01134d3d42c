"""Where a stepper is, in revolutions from its zero, and how that outlives a rebuild.

The steps themselves are counted in `step_drive`. Here they get a zero, and both are kept as long as the process lives:
a motor that is configured anew is still where it was, and four coils go on with the pattern that holds the rotor.
"""

from pi_drivers.models.motor.step_drive import StepDrive
from pi_drivers.runtime.directory import Key
from pi_drivers.runtime.kept_state import KeptState


class StepperPosition:
    """The position of one stepper. Used on the event loop."""

    def __init__(self, key: Key, steps_per_rotation: int) -> None:
        """Load what was kept. Args: key: the motor. steps_per_rotation: what is kept for other steps is forgotten."""
        self._kept = KeptState(key, on_disk=False)
        self._state = self._kept.load()
        if self._state.get("per_turn") != steps_per_rotation:
            self._state = {}
        self.steps_per_rotation = steps_per_rotation
        self._zero = float(self._state.get("zero", 0.0))
        self._drive: StepDrive

    @property
    def kept_steps(self) -> int:
        """The steps that were kept."""
        return int(self._state.get("steps", 0))

    def of(self, drive: StepDrive) -> None:
        """From here on it is the position of this drive, which goes on where the kept one was."""
        self._drive = drive
        drive.restore(self._state)

    def revolutions(self) -> float:
        """Revolutions from zero."""
        return (self._drive.steps - self._zero) / self.steps_per_rotation

    def steps_to(self, revolutions: float) -> int:
        """The steps from here to a position, to the nearest one."""
        return round(revolutions * self.steps_per_rotation + self._zero) - self._drive.steps

    def zero_here(self, offset: float) -> None:
        """Make the present position -`offset` revolutions; it is sure again."""
        self._zero = self._drive.steps + offset * self.steps_per_rotation
        self._drive.unsure = 0
        self.save()

    def save(self) -> None:
        """Keep it."""
        self._kept.save({**self._drive.state(), "zero": self._zero, "per_turn": self.steps_per_rotation})
