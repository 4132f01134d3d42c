"""The 1-Wire bus on a machine: one, shared by all sensors, closed by the last."""

from functools import partial
from pathlib import Path

import pytest

from pi_drivers.buses.onewire import real
from pi_drivers.errors import BusAbsentError, ClosedError
from pi_drivers.host.mock import MockHost
from pi_drivers.host.real import RealHost
from pi_drivers.world.clock import HandClock
from pi_drivers.world.onewire import Thermometer
from pi_drivers.world.world import World

ONE = "28-000005e2fdc3"


async def test_sensors_share_the_bus_and_its_thread_and_the_last_one_closes_it():
    host = MockHost(World(HandClock()))
    with pytest.raises(BusAbsentError):
        host.onewire()
    host.world.onewire.plug_in(ONE, Thermometer(host.world.clock))
    first, second = host.onewire(), host.onewire()
    assert first is second

    first.leave()
    assert await second.worker.run(second.bus.scan) == [ONE]
    second.leave()
    await second.worker.ended()
    with pytest.raises(ClosedError):
        second.bus.scan()

    third = host.onewire()
    assert third is not second
    assert third.bus.scan() == [ONE]
    third.leave()
    await third.worker.ended()


async def test_the_real_machine_reads_the_kernel_s_files(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(real, "SysfsOneWire", partial(real.SysfsOneWire, tmp_path))
    host = RealHost()
    with pytest.raises(BusAbsentError, match="dtoverlay=w1-gpio"):
        host.onewire()

    (tmp_path / "w1_bus_master1").mkdir()
    (tmp_path / ONE).mkdir()
    shared = host.onewire()
    assert await shared.worker.run(shared.bus.scan) == [ONE]
    shared.leave()
    await shared.worker.ended()
