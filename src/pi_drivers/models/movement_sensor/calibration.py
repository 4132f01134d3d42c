"""What a gyroscope says while it lies still, and how that is measured: its bias, which is taken off every reading.

It is some degrees per second, differs from chip to chip and drifts with temperature. Added up it would be the drift of
the orientation. Nobody can tell it from a slow and even turn about the vertical, so the robot must stand.
"""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pi_drivers.errors import UnsteadyError
from pi_drivers.models.movement_sensor.mpu6050_chip import Motion, Vector

LARGEST_BIAS_DEG_S = 25.0
"""±20 deg/s as delivered (PS page 12), and what temperature adds."""
STILL_DEG_S = 0.2
"""The largest standard deviation of a rate at rest. The noise itself is about 0.05 deg/s (PS page 12)."""
STILL_M_S2 = 0.15
"""The largest standard deviation of an acceleration at rest; its noise is about 0.04 m/s² (PS page 13)."""
TILT_M_S2 = 0.05
"""The most that gravity may wander from the first half to the second: a slow and even turn of 0.3 deg/s shows in it."""
FEWEST_SAMPLES = 20

NO_BIAS = Vector(0.0, 0.0, 0.0)
AXES = Vector._fields


@dataclass(frozen=True)
class Calibration:
    """What was found, along x, y and z, in degrees per second."""

    bias: Vector
    noise: Vector
    samples: int
    temperature_c: float

    def told(self) -> dict[str, Any]:
        """For whoever asked for it."""
        return {
            "gyro_bias_deg_s": self.bias._asdict(),
            "gyro_noise_deg_s": self.noise._asdict(),
            "samples": self.samples,
            "temperature_c": self.temperature_c,
        }


def calibration_of(motions: list[Motion], label: str) -> Calibration:
    """The bias in samples that were taken at rest, from which none was taken off yet.

    Raises:
        UnsteadyError: it moved, or there are too few samples; the message says which.
    """
    rates = [motion.rates for motion in motions if motion.rates is not None]
    accelerations = [motion.acceleration for motion in motions if motion.acceleration is not None]
    if len(rates) < max(FEWEST_SAMPLES, len(motions)) or len(accelerations) < len(motions):
        raise UnsteadyError(
            f"{label}: not calibrated: of {len(motions)} samples {len(rates)} were of use, and it takes "
            f"{FEWEST_SAMPLES} without one beyond its range. See get_status for what fails."
        )
    bias, noise, shaking = _means(rates), _deviations(rates), _deviations(accelerations)
    half = len(accelerations) // 2
    early, late = _means(accelerations[:half]), _means(accelerations[half:])
    for axis, *found in zip(AXES, bias, noise, shaking, without(early, late), strict=True):
        _check_still(label, axis, *found)
    return Calibration(bias, noise, len(rates), statistics.fmean(motion.temperature_c for motion in motions))


def bias_from(kept: Mapping[str, Any], place: str) -> Vector | None:
    """The bias that was kept for the chip at this place; None if there is none, or it makes no sense."""
    values = kept.get("gyro_bias_deg_s")
    if kept.get("place") != place or not isinstance(values, list) or len(values) != len(AXES):
        return None
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        return None
    return Vector(*(float(value) for value in values))


def kept_for(bias: Vector, place: str) -> dict[str, Any]:
    """What `bias_from` reads."""
    return {"place": place, "gyro_bias_deg_s": list(bias)}


def without(bias: Vector, rates: Vector) -> Vector:
    """Rates with the bias taken off."""
    return Vector(rates.x - bias.x, rates.y - bias.y, rates.z - bias.z)


def _check_still(label: str, axis: str, bias: float, noise: float, shaking: float, wandered: float) -> None:
    if noise > STILL_DEG_S:
        found = f"its angular velocity about {axis} changed by {noise:.2g} deg/s (standard deviation)"
    elif abs(bias) > LARGEST_BIAS_DEG_S:
        found = f"it turns about {axis} at {bias:.3g} deg/s, which is more than a bias can be"
    elif shaking > STILL_M_S2:
        found = f"its acceleration along {axis} changed by {shaking:.2g} m/s² (standard deviation)"
    elif abs(wandered) > TILT_M_S2:
        found = f"it tilts: gravity along {axis} wandered by {wandered:.2g} m/s²"
    else:
        return
    raise UnsteadyError(f"{label}: not calibrated, for it moved: {found}. Put it where it lies still, and try again.")


def _means(vectors: Iterable[Vector]) -> Vector:
    return Vector(*(statistics.fmean(along) for along in zip(*vectors, strict=True)))


def _deviations(vectors: Iterable[Vector]) -> Vector:
    return Vector(*(statistics.pstdev(along) for along in zip(*vectors, strict=True)))
