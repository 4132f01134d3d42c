"""What a camera's controls can have, in numbers and in words."""

import math

import pytest

from pi_drivers.buses.video.contract import Control
from pi_drivers.buses.video.ranges import as_text, check_value, range_of
from pi_drivers.errors import ArgumentError

BUTTON = Control("disconnect", "button", 0, 1, 0, 0, 0)
EXPOSURE = Control("ExposureTime", "integer", 26, 220_417_486, 1, 20_000, 20_000)


@pytest.mark.parametrize("value", [0, -1, 2])
def test_a_button_is_pressed_by_1_and_by_nothing_else(value: int):
    check_value("/dev/video0", BUTTON, 1)

    with pytest.raises(ArgumentError, match="disconnect must be 1 or true, which presses it"):
        check_value("/dev/video0", BUTTON, value)


def test_large_numbers_have_all_their_digits():
    assert range_of(EXPOSURE) == "26 to 220417486"
    with pytest.raises(ArgumentError, match=r"a whole number, 26 to 220417486, got 100\.5$"):
        check_value("/dev/video0", EXPOSURE, 100.5)


@pytest.mark.parametrize(
    ("value", "text"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (1e300, "1e.300"), (2.0**63, "9.2")]
)
def test_what_is_no_number_or_has_very_many_digits_is_refused_in_few(value: float, text: str):
    with pytest.raises(ArgumentError, match=f"got {text}"):
        check_value("/dev/video0", EXPOSURE, value)
    assert len(as_text(value)) < 15
