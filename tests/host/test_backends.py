"""The back end is what was asked for, never what happens to work."""

import pytest

from pi_drivers import host as hosts
from pi_drivers.errors import BusAbsentError, ConfigError
from pi_drivers.host.real import RealHost


@pytest.mark.parametrize(("variable", "expected"), [(None, "real"), ("", "real"), ("real", "real"), ("mock", "mock")])
def test_the_environment_says_which_and_silence_means_real(monkeypatch, variable, expected):
    if variable is not None:
        monkeypatch.setenv("PI_DRIVERS_BACKEND", variable)
    assert hosts.default_backend() == expected


def test_any_other_word_is_refused(monkeypatch):
    monkeypatch.setenv("PI_DRIVERS_BACKEND", "Mock")
    with pytest.raises(ConfigError, match="PI_DRIVERS_BACKEND must be one of real, mock, got 'Mock'"):
        hosts.default_backend()


def test_a_real_machine_without_its_header_is_an_error_each_time_and_never_a_simulation(monkeypatch):
    def no_chip(*_: object) -> None:
        raise BusAbsentError("no GPIO chip of a Raspberry Pi was found")

    monkeypatch.setattr("pi_drivers.buses.gpio.real.find_chip", no_chip)
    machine = RealHost()
    for _ in range(2):
        with pytest.raises(BusAbsentError):
            machine.gpio.input(17)
