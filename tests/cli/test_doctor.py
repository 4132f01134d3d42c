"""`doctor` says what is lacking and what is connected, and writes a machine config that runs."""

import asyncio
import json
from collections.abc import Callable, Collection

import pytest

from pi_drivers import host as hosts
from pi_drivers.cli import doctor
from pi_drivers.cli.commands import main
from pi_drivers.cli.doctor_machine import propose
from pi_drivers.errors import BusPermissionError
from pi_drivers.host.finding import Finding, Level
from pi_drivers.host.mock import MockHost
from pi_drivers.host.outlets_mock import MockOutlets
from pi_drivers.models.discovery.inventory import KINDS, Connected, Inventory
from tests.cli.machines import board, entry

FINE = Finding("Machine", "machine", Level.OK, "a Pi")
OFF = Finding("Buses", "SPI", Level.BETTER, "off", "sudo raspi-config nonint do_spi 0", "chips on SPI")
BROKEN = Finding("Buses", "I2C", Level.BROKEN, "off, though asked for", "sudo reboot", "chips on I2C")

AIR = entry("sensor", "sht31", "sht31-44", backend="mock", i2c_bus=1, i2c_addr=0x44)
LIGHT = entry("sensor", "bh1750", "bh1750-23", backend="mock", i2c_bus=1, i2c_addr=0x23)
SERVO = entry("servo", "servo", "servo-18", pin="12")

Connect = Callable[..., None]
Lack = Callable[..., None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, clock: object) -> Connect:
    """Let these be connected to the simulated Pi."""

    def connect(*connected: Connected, troubles: tuple[str, ...] = ()) -> None:
        async def inventory(_host: object, _kinds: object) -> Inventory:
            return Inventory(list(connected), list(troubles))

        monkeypatch.setattr(doctor, "inventory", inventory)

    connect()
    return connect


@pytest.fixture
def lack(monkeypatch: pytest.MonkeyPatch, clock: object) -> Lack:
    """Let these be the findings."""

    def lack(*findings: Finding) -> None:
        monkeypatch.setattr(MockHost, "diagnose", lambda _host: list(findings))

    lack(FINE)
    return lack


def report(capfd: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    """The lines of the report."""
    assert main(["doctor", "--backend", "mock", *arguments]) == status
    out, err = capfd.readouterr()
    assert err == ""
    return out.splitlines()


def test_findings_stand_under_their_subjects_each_with_its_mend_beneath(capfd, connect: Connect, lack: Lack):
    lack(FINE, OFF, BROKEN)

    assert report(capfd, "--no-scan", status=1) == [
        "Machine",
        "  ok      machine: a Pi",
        "",
        "Buses",
        "  hint    SPI: off",
        "          for chips on SPI:",
        "              sudo raspi-config nonint do_spi 0",
        "  mend    I2C: off, though asked for",
        "          for chips on I2C:",
        "              sudo reboot",
        "",
        "1 thing to mend",
    ]


def test_what_could_be_better_is_no_failure(capfd, connect: Connect, lack: Lack):
    lack(OFF)

    assert report(capfd, "--no-scan")[-1] == "nothing has to be mended"


def test_without_a_scan_no_bus_is_touched(capfd, lack: Lack, monkeypatch):
    def touch(_host: object, _kinds: object) -> None:
        raise AssertionError("a bus was touched")

    monkeypatch.setattr(doctor, "inventory", touch)

    assert "Connected" not in report(capfd, "--no-scan")


def test_what_is_connected_has_its_place_and_the_json_of_each_component_it_may_be(capfd, connect: Connect, lack: Lack):
    connect(Connected("i2c-1 0x44", "probably an SHT31", (AIR, LIGHT)), Connected("i2c-1 0x50", "not known", ()))
    lines = report(capfd)
    start = lines.index("  i2c-1 0x44: probably an SHT31")
    first, second = "\n".join(lines[start + 1 : lines.index("  i2c-1 0x50: not known")]).split("\n    or\n")

    assert (json.loads(first), json.loads(second)) == (AIR, LIGHT)


def test_what_could_not_be_looked_at_is_told_after_the_rest(capfd, connect: Connect, lack: Lack):
    connect(Connected("i2c-1 0x44", "an SHT31", (AIR,)), troubles=("i2c-3: the bus hangs",))
    lines = report(capfd)

    assert lines.index("  i2c-3: the bus hangs") > lines.index("  i2c-1 0x44: an SHT31")


def test_a_machine_with_nothing_connected_is_told_so(capfd, connect: Connect, lack: Lack):
    lines = report(capfd)

    assert "  nothing was found" in lines
    assert "All of it as a machine config" not in lines


def test_the_machine_config_at_the_end_is_what_json_prints_alone(capfd, connect: Connect, lack: Lack):
    connect(Connected("i2c-1 0x44", "an SHT31", (AIR,)), Connected("i2c-1 0x23", "a BH1750", (LIGHT,)))
    lines = report(capfd)
    start = lines.index("All of it as a machine config") + 2
    at_the_end = json.loads("\n".join(lines[start : lines.index("", start)]))

    assert main(["doctor", "--backend", "mock", "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out) == at_the_end
    assert [one["name"] for one in at_the_end["components"]] == ["sht31-44", "bh1750-23"]
    assert "probably" not in out
    assert "i2c-1 0x44: an SHT31" in err


def test_the_machine_config_has_no_problems_and_runs(tmp_path, capfd, connect: Connect, lack: Lack, run_up):
    connect(Connected("i2c-1 0x44", "an SHT31", (AIR, LIGHT)), Connected("the board", "the header", (board("pi"),)))
    assert main(["doctor", "--backend", "mock", "--json"]) == 0
    config = tmp_path / "machine.json"
    config.write_text(capfd.readouterr().out)

    assert main(["check", str(config)]) == 0
    assert capfd.readouterr().out == "no problems\n"
    assert run_up(config, "--listen", "127.0.0.1:0", "--duration", "1") == 0


def test_what_does_not_go_together_is_left_out_with_the_reason(capfd, connect: Connect, lack: Lack):
    twin = AIR | {"name": "twin"}
    connect(Connected("i2c-1 0x44", "an SHT31", (AIR,)), Connected("i2c-1 0x44", "an SHT31", (twin,)))
    lines = report(capfd)

    left_out = next(line for line in lines if '"twin" is left out' in line)
    assert 'i2c-1 0x44 is used by sensor "sht31-44"' in left_out
    assert sum('"name": "twin"' in line for line in lines) == 1


def test_nothing_that_could_move_gets_into_the_machine_config_by_itself():
    found = Inventory([Connected("GPIO18 (pin 12)", "a PWM channel", (SERVO,)), Connected("a", "b", (AIR,))], [])

    assert propose(found).machine == {"components": [AIR]}


def test_a_look_that_never_ends_is_ended_and_told(capfd, lack: Lack, monkeypatch):
    async def never(_host: object, _kinds: object) -> Inventory:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(doctor, "inventory", never)
    monkeypatch.setattr(doctor, "LIMIT_S", 0.01)

    assert any("could not be found out within" in line for line in report(capfd))


def test_a_look_that_fails_as_a_whole_is_told_and_the_rest_stands(capfd, lack: Lack, monkeypatch):
    async def fail(_host: object, _kinds: object) -> Inventory:
        raise BusPermissionError("this user may not look")

    monkeypatch.setattr(doctor, "inventory", fail)
    lines = report(capfd)

    assert "  this user may not look" in lines
    assert "  ok      machine: a Pi" in lines


def test_ctrl_c_ends_it_without_a_traceback(capfd, lack: Lack, monkeypatch):
    async def interrupted(_host: object, _kinds: object) -> Inventory:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "inventory", interrupted)

    assert main(["doctor", "--backend", "mock"]) == 130
    assert "Traceback" not in capfd.readouterr().err


def test_a_device_cannot_write_on_the_screen_by_its_name(capfd, connect: Connect, lack: Lack):
    connect(Connected("/dev/video0", "eye\x1b[2J\nok", ()))

    assert "  /dev/video0: eye?[2J?ok" in report(capfd)


@pytest.mark.parametrize("arguments", [["--json", "--no-scan"], ["--backend", "mok"]])
def test_what_makes_no_sense_is_a_wrong_command_line(capfd, arguments):
    assert main(["doctor", *arguments]) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_what_is_off_is_not_looked_at_and_told_once_more(capfd, lack: Lack, monkeypatch):
    asked: list[set[str]] = []

    async def note(_host: object, kinds: Collection[str]) -> Inventory:
        asked.append(set(kinds))
        return Inventory([], [])

    monkeypatch.setattr(doctor, "inventory", note)
    monkeypatch.setattr(MockHost, "name", "real")
    pi = hosts.get("mock")
    monkeypatch.setattr(hosts, "get", lambda _backend: pi)
    monkeypatch.setattr(MockOutlets, "i2c_buses", lambda _outlets: [])
    lack(FINE, Finding("Libraries", "picamera2", Level.BETTER, "not installed"))
    assert main(["doctor"]) == 0
    monkeypatch.setattr(MockOutlets, "i2c_buses", lambda _outlets: [1])
    monkeypatch.setattr(MockOutlets, "has_onewire", lambda _outlets: True)
    lack(Finding("Libraries", "picamera2", Level.OK, "found"))
    assert main(["doctor"]) == 0

    assert asked[1] - asked[0] == {"i2c", "1-wire", "csi-camera"}
    assert asked[1] == set(KINDS)


def test_an_empty_simulated_pi_has_no_troubles(capfd, run_up):
    assert "Not looked at, or left out" not in report(capfd)


@pytest.mark.parametrize("name", ['a"b\\', "x\x1b[2J\n", "c\x9b31m", "\u202egnp", "\udcff", "Ω", "z" * 10_000])
def test_whatever_a_device_calls_itself_the_json_is_right_and_safe_to_look_at(capfd, connect, lack, name):
    camera = entry("camera", "webcam", "eye", backend="mock", video_path=name)
    connect(Connected("/dev/video0", name, (camera,)), troubles=(name,))
    lines = report(capfd)
    start = next(index for index, line in enumerate(lines) if line.startswith("  /dev/video0"))

    assert json.loads("\n".join(lines[start + 1 : lines.index("", start)])) == camera
    assert all(map(str.isprintable, lines))


def test_with_json_the_exit_status_tells_of_the_machine_config(capfd, connect: Connect, lack: Lack):
    lack(BROKEN)

    assert main(["doctor", "--backend", "mock", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {"components": []}


def test_help_tells_what_the_exit_status_means(capfd):
    assert main(["doctor", "--help"]) == 0
    assert "exit status is 1 if something has to be mended" in " ".join(capfd.readouterr().out.split())
