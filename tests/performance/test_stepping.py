"""The real lgpio on a played chip: a step that is counted has been sent, and the other way round."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.performance.played_chip import PlayedChip
from tests.performance.stepping import OURS, judged, turn

NEEDED = importlib.util.find_spec("_lgpio") is not None and shutil.which("gcc") is not None


@pytest.mark.skipif(not NEEDED, reason="needs lgpio and gcc")
def test_every_step_at_1000_a_second_is_sent_and_counted(tmp_path: Path):
    made = turn(PlayedChip(tmp_path), OURS, steps=1000, pace=1000)
    assert (made.seen, made.told) == (1000, 1000)


def test_a_rate_and_its_jitter_are_those_of_the_edges():
    made = judged([0, 1_000_000, 2_500_000, 3_000_000], told=4, pace=1000)
    assert made.seen == 4
    assert made.rate == 1000
    assert made.p50_us == made.most_us == 500
