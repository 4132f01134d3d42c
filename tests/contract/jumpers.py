"""How a Raspberry Pi is wired for its tests."""

from collections.abc import Mapping

JUMPERS: Mapping[int, int] = {17: 18, 22: 23, 6: 12, 19: 16}
"""From each GPIO under test to the GPIO that measures it; each pair lies side by side on the header."""
