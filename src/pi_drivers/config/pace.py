"""How fast a chip can be polled: a sample takes time, and must be over before the next one begins."""

from collections.abc import Iterator

from pi_drivers.config.attributes import PolledAttributes, Problem

TRANSFERS_MS = 5
"""What is sent and read for one sample of a chip on I2C, on a bus at 100 kHz."""


def pace_problems(settings: PolledAttributes, sample_ms: int, of_what: str, slowest_ms: int = 0) -> Iterator[Problem]:
    """What is wrong with `poll_interval_ms` and `max_age_ms` where a sample takes its time.

    Args:
        settings: a config that is being checked; what is broken in it reads None.
        sample_ms: the time of a sample, in milliseconds.
        of_what: what the time depends on, for example `with this oversampling`.
        slowest_ms: the time of a sample in the worst case, if that is another; it may hold up the next one.
    """
    interval_ms, max_age_ms = settings.poll_interval_ms, settings.max_age_ms
    if interval_ms is not None and interval_ms < sample_ms:
        message = f"must not be below {sample_ms}, the time of one sample {of_what}, got {interval_ms}"
        yield Problem("poll_interval_ms", message)
    elif interval_ms is not None and max_age_ms is not None:
        longest_ms = max(sample_ms, slowest_ms)
        # Its age counts from before it was taken, and it has to do until the next one is there.
        late_ms = -(-longest_ms // interval_ms) * interval_ms
        if interval_ms <= max_age_ms < late_ms + longest_ms:
            message = f"must not be below {late_ms + longest_ms}, got {max_age_ms}: every reading would be too old"
            yield Problem("max_age_ms", f"{message} before the next one is there")
