"""Reading in the background, in robot time."""

import asyncio
import logging

import pytest

from pi_drivers.errors import NoAnswerError, OutOfRangeError, StaleReadingError
from pi_drivers.host.mock import MockHost
from pi_drivers.runtime.poller import Poller

MS = 1_000_000


class Device:
    def __init__(self, host: MockHost) -> None:
        self.host = host
        self.error: Exception | None = None
        self.samples: list[int] = []
        self.set_ups = 0
        self.takes_ns = 0

    async def set_up(self) -> None:
        self.set_ups += 1

    async def sample(self) -> int:
        if self.takes_ns:
            await self.host.wait(self.takes_ns)
        if self.error is not None:
            raise self.error
        self.samples.append(self.host.now_ns())
        return len(self.samples)


def poll(host: MockHost, device: Device, interval_ms: int = 100, max_age_ms: int = 300) -> Poller[int]:
    poller = Poller(
        'sensor "s"',
        host,
        logging.getLogger("pi_drivers.test"),
        sample=device.sample,
        set_up=device.set_up,
        interval_ns=interval_ms * MS,
        max_age_ns=max_age_ms * MS,
    )
    poller.start()
    return poller


async def stop(poller: Poller[int]) -> None:
    poller.stop()
    await poller.ended()


async def test_the_first_sample_is_taken_at_once_and_the_others_without_drift(host: MockHost):
    device = Device(host)
    device.takes_ns = 30 * MS
    poller = poll(host, device)
    await poller.first_contact()
    assert poller.latest().value == 1
    await host.wait(10_000 * MS)
    assert [taken - device.samples[0] for taken in device.samples[:100]] == [i * 100 * MS for i in range(100)]
    assert poller.overruns == 0
    assert device.set_ups == 1
    await stop(poller)


async def test_a_sample_that_takes_too_long_is_an_overrun_and_the_schedule_stays(host: MockHost):
    device = Device(host)
    poller = poll(host, device, max_age_ms=5000)
    await host.wait(250 * MS)
    device.takes_ns = 250 * MS
    await host.wait(2000 * MS)
    assert poller.overruns >= 4
    assert all((taken - device.samples[0] - 250 * MS) % (100 * MS) == 0 for taken in device.samples[4:])
    await stop(poller)


async def test_a_reading_is_never_older_than_allowed(host: MockHost):
    device = Device(host)
    poller = poll(host, device)
    await host.wait(50 * MS)
    device.error = NoAnswerError("i2c-1 0x44: no answer")
    await host.wait(240 * MS)
    assert poller.latest().value == 1
    await host.wait(130 * MS)
    with pytest.raises(
        StaleReadingError, match=r'sensor "s": the last good reading is 0\.4 s old: i2c-1 0x44: no answer'
    ):
        poller.latest()
    await stop(poller)


async def test_the_age_of_a_reading_counts_from_before_it_was_taken(host: MockHost):
    device = Device(host)
    device.takes_ns = 200 * MS
    poller = poll(host, device, interval_ms=1000, max_age_ms=300)
    await host.wait(290 * MS)
    assert poller.latest().value == 1
    assert poller.status()["sample_age_ms"] == 290
    await host.wait(20 * MS)
    with pytest.raises(StaleReadingError):
        poller.latest()
    await stop(poller)


async def test_failures_are_tried_again_at_growing_intervals_and_set_up_anew(host: MockHost):
    device = Device(host)
    poller = poll(host, device)
    await host.wait(50 * MS)
    device.error = NoAnswerError("gone")
    await host.wait(60_000 * MS)
    assert 10 < poller.failures < 25
    device.error = None
    await host.wait(5_100 * MS)
    assert poller.latest().value > 1
    assert device.set_ups == 1 + poller.failures
    await stop(poller)


async def test_a_device_that_never_answered_says_why(host: MockHost):
    device = Device(host)
    device.error = NoAnswerError("i2c-1 0x44: no answer")
    poller = poll(host, device)
    with pytest.raises(NoAnswerError):
        await poller.first_contact()
    with pytest.raises(StaleReadingError, match="no reading yet: i2c-1 0x44: no answer"):
        poller.latest()
    await stop(poller)


async def test_a_sample_that_does_not_come_back_is_told_as_such(host: MockHost):
    device = Device(host)
    poller = poll(host, device)
    await host.wait(50 * MS)
    device.takes_ns = 3_600_000 * MS
    await host.wait(1000 * MS)
    with pytest.raises(StaleReadingError, match=r"the one begun 0\.\d s ago has not come back|begun 1\.0 s ago"):
        poller.latest()
    await stop(poller)


async def test_a_sample_too_old_when_it_comes_tells_how_long_it_took_and_when_the_next_one_is_due(host: MockHost):
    device = Device(host)
    device.takes_ns = 450 * MS
    poller = poll(host, device)
    await poller.first_contact()
    await host.wait(20 * MS)
    with pytest.raises(StaleReadingError, match=r"it took 0\.5 s to come, and the next one is due in 0\.0 s"):
        poller.latest()
    await stop(poller)


async def test_who_asks_first_after_the_process_stood_still_is_told_that_the_next_one_is_due(host: MockHost):
    poller = poll(host, Device(host))
    await poller.first_contact()
    await host.wait(10 * MS)
    # The loop runs nothing meanwhile, as when the process is stopped.
    host.sleep(8_000 * MS)
    with pytest.raises(StaleReadingError, match=r"8\.0 s old: the next one has been due for 7\.9 s, while"):
        poller.latest()
    await host.wait(10 * MS)
    assert poller.latest().value > 1
    await stop(poller)


async def test_out_of_range_is_a_result_at_once_and_no_failure(host: MockHost, caplog):
    caplog.set_level(logging.INFO)
    device = Device(host)
    poller = poll(host, device)
    await host.wait(50 * MS)
    device.error = OutOfRangeError("nothing within 4 m")
    await host.wait(100 * MS)
    for _ in range(50):
        with pytest.raises(OutOfRangeError, match="nothing within 4 m"):
            poller.latest()
        assert (poller.status()["out_of_range"], poller.status()["sample_age_ms"]) == ("nothing within 4 m", 50)
        await host.wait(100 * MS)
    assert (poller.failures, poller.overruns, device.set_ups, caplog.text) == (0, 0, 1, "")
    device.error = None
    await host.wait(100 * MS)
    assert poller.latest().value == 2
    assert "out_of_range" not in poller.status()
    await stop(poller)


async def test_out_of_range_is_contact_with_the_device(host: MockHost):
    device = Device(host)
    device.error = OutOfRangeError("too bright")
    poller = poll(host, device)
    await poller.first_contact()
    with pytest.raises(OutOfRangeError):
        poller.latest()
    await stop(poller)


async def test_out_of_range_grows_as_old_as_any_reading(host: MockHost):
    device = Device(host)
    device.error = OutOfRangeError("too bright")
    poller = poll(host, device)
    await host.wait(50 * MS)
    device.error = NoAnswerError("gone")
    await host.wait(200 * MS)
    with pytest.raises(OutOfRangeError):
        poller.latest()
    await host.wait(200 * MS)
    with pytest.raises(StaleReadingError, match="s old: gone"):
        poller.latest()
    assert poller.failures > 0
    device.error = OutOfRangeError("too bright")
    await host.wait(500 * MS)
    with pytest.raises(OutOfRangeError):
        poller.latest()
    await stop(poller)


async def test_a_bug_in_a_driver_is_logged_with_its_traceback_and_polling_goes_on(host: MockHost, caplog):
    device = Device(host)
    poller = poll(host, device)
    device.error = KeyError("temprature")
    await host.wait(50 * MS)
    assert "Traceback" in caplog.text
    device.error = None
    await host.wait(1000 * MS)
    assert poller.latest().value >= 1
    await stop(poller)


async def come_and_go(host: MockHost, device: Device, times: int) -> None:
    """Fail once in every second."""
    for _ in range(times):
        device.error = NoAnswerError("gone")
        await host.wait(100 * MS)
        device.error = None
        await host.wait(900 * MS)


async def test_a_device_that_comes_and_goes_is_told_of_every_ten_seconds_with_a_count(host: MockHost, caplog):
    caplog.set_level(logging.INFO)
    device = Device(host)
    poller = poll(host, device)
    await host.wait(50 * MS)
    await come_and_go(host, device, 1)
    assert [record.getMessage() for record in caplog.records] == [
        'sensor "s": reading failed, trying again: gone',
        'sensor "s": back after 1 failed tries',
    ]
    await come_and_go(host, device, 40)
    assert 4 <= len(caplog.records) - 2 <= 8
    assert "(9 failed tries were not logged)" in caplog.text
    assert poller.failures == 41
    caplog.clear()
    await host.wait(60_000 * MS)
    await come_and_go(host, device, 1)
    assert 'sensor "s": back after 1 failed tries' in caplog.text
    await stop(poller)


async def test_a_device_that_comes_and_goes_and_then_stays_away_is_told_of_as_such(host: MockHost, caplog):
    caplog.set_level(logging.INFO)
    device = Device(host)
    poller = poll(host, device)
    await host.wait(50 * MS)
    await come_and_go(host, device, 3)
    device.error = NoAnswerError("gone for good")
    await host.wait(20_000 * MS)
    assert caplog.records[-1].getMessage().startswith('sensor "s": reading failed, trying again: gone for good (')
    assert caplog.text.count("gone for good") == 1
    device.error = None
    await host.wait(6_000 * MS)
    assert "back after" in caplog.records[-1].getMessage()
    await stop(poller)


async def test_stopping_twice_and_before_the_start_is_fine(host: MockHost):
    poller = poll(host, Device(host))
    await asyncio.sleep(0)
    await stop(poller)
    await stop(poller)
    await host.wait(1000 * MS)
    with pytest.raises(StaleReadingError, match="polling has stopped"):
        poller.latest()
