"""The table of jumpers that people wire by is the one that the tests go by."""

import re
from pathlib import Path

from pi_drivers.host.header import describe
from tests.contract.jumpers import JUMPERS

README = Path(__file__).parents[1] / "hil" / "README.md"


def test_the_readme_has_exactly_the_jumpers_of_the_tests():
    rows = re.findall(r"^\| (GPIO\d+ \(pin \d+\)) \| (GPIO\d+ \(pin \d+\)) \|", README.read_text(), re.MULTILINE)

    assert rows == [(describe(line), describe(end)) for line, end in JUMPERS.items()]
