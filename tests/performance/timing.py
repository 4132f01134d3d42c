"""How long calls take, one after the other."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence


async def timed(call: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """How long each of some calls took, one after the other, in seconds."""
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        await call()
        times.append(time.perf_counter() - begin)
    return times


def percentile_of(values: Sequence[float], percentile: int) -> float:
    """The value that this many percent of the values do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[percentile - 1]
