"""The real I2C bus under two threads, over a stand-in for smbus2 that shows whether they ever meet in it."""

import threading

import pytest

from pi_drivers.buses.i2c.real import SmbusI2c

MEETING_S = 0.05


class StandInForSmbus:
    """A bus on which each transfer waits a moment for a second one to come along."""

    def __init__(self) -> None:
        self.meetings = 0
        self._meeting = threading.Barrier(2, timeout=MEETING_S)

    def write_i2c_block_data(self, address: int, register: int, data: list[int]) -> None:
        try:
            self._meeting.wait()
        except threading.BrokenBarrierError:
            return
        self.meetings += 1

    def close(self) -> None:
        pass


def test_an_address_is_set_and_used_by_one_thread_at_a_time(monkeypatch: pytest.MonkeyPatch):
    stand_in = StandInForSmbus()
    monkeypatch.setattr("pi_drivers.buses.i2c.real._open", lambda number: stand_in)
    bus = SmbusI2c(1)
    threads = [threading.Thread(target=bus.write_register, args=(address, 0, b"a")) for address in (0x40, 0x41)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bus.close()
    assert stand_in.meetings == 0
