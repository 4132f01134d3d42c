"""What is said of the pictures that clients got is so."""

import pytest

from tests.performance.camera_clients import CAMERA_RATE, SECOND, Answer, Asking, agreement

EARLY_NS = 1_000 * SECOND
NUMBERS = {tail: tail % 8 for tail in range(100)}
"""A tail for each picture of the camera, which shows eight in turn."""


def answer(frame: int, after_s: float, *, tail: int | None = None) -> Answer:
    """The camera's picture of this number, had so many seconds after the beginning."""
    taken_ns = EARLY_NS + round(frame * SECOND / CAMERA_RATE)
    age_s = (EARLY_NS - taken_ns) / SECOND + after_s
    return Answer(took_s=0.001, age_s=age_s, taken_ns=taken_ns, tail=frame if tail is None else tail)


def test_a_picture_that_comes_again_is_counted_once():
    quick = [answer(number // 3, number / 3 / CAMERA_RATE) for number in range(61)]
    slow = [answer(4 * number, 4 * number / CAMERA_RATE) for number in range(4)]

    assert Asking([quick], 1).different_per_second == pytest.approx(30)
    assert Asking([slow], 1).different_per_second == pytest.approx(7.5)
    assert Asking([quick, slow], 1).different_per_second == pytest.approx((30 + 7.5) / 2)


def test_one_answer_is_too_few_for_a_rate():
    assert Asking([[answer(0, 0)]], 1).different_per_second == 0


def test_pictures_whose_numbers_go_with_their_times_agree_also_with_some_left_out():
    frames = [0, 1, 1, 2, 6, 7, 20]
    answers = [answer(frame, frame / CAMERA_RATE) for frame in frames]
    assert agreement(Asking([answers], 1), NUMBERS) == (5, 0)


def test_a_picture_with_another_ones_time_is_noticed_and_one_that_only_comes_again_proves_nothing():
    answers = [answer(0, 0), answer(1, 0.04, tail=0), answer(1, 0.05, tail=0), answer(2, 0.07)]
    assert agreement(Asking([answers], 1), NUMBERS) == (0, 2)
