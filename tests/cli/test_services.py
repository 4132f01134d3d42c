"""Services in a machine config: checked, run and told from components."""

from typing import Any

import pytest
from viam.components.sensor import Sensor
from viam.proto.common import ResourceName
from viam.services.discovery import DiscoveryClient

from pi_drivers.cli.checks import judge
from pi_drivers.cli.commands import main
from pi_drivers.cli.machine import Machine
from pi_drivers.cli.reading import machine_from_text
from tests.cli.machines import Entry, board, file_of, motor, sensor, text_of
from tests.cli.processes import client, up

FOREIGN = {"name": "dm", "api": "rdk:service:data_manager", "attributes": {"sync_interval_mins": 1}}


def discovery(name: str = "find", **attributes: Any) -> Entry:
    return {
        "name": name,
        "api": "rdk:service:discovery",
        "model": "bramble:pi-drivers:discovery",
        "attributes": {"backend": "mock", **attributes},
    }


def read(*entries: object, **others: Any) -> Machine:
    return machine_from_text(text_of(*entries, **others), "m.json")


def problems(*entries: object, **others: Any) -> list[str]:
    return judge(read(*entries, **others)).problems


async def test_a_service_is_served_beside_a_component_of_its_own_name(tmp_path):
    config = file_of(tmp_path, sensor("air", i2c_addr="0x44"), services=[FOREIGN, discovery("air")])
    async with up(config, "--listen", "localhost:0") as machine, client(await machine.address()) as robot:
        names = {(name.type, name.subtype, name.name) for name in robot.resource_names}
        assert names == {("component", "sensor", "air"), ("service", "discovery", "air")}
        found = await DiscoveryClient.from_robot(robot, "air").discover_resources()
        assert {"air", "pi", "pi-health"} <= {config.name for config in found}
        readings = await Sensor.from_robot(robot, "air").get_readings()
        machine.process.terminate()
        status, errors = await machine.end()
    assert set(readings) == {"temperature_c", "relative_humidity_pct"}
    assert 'discovery "air" is up (bramble:pi-drivers:discovery)' in machine.lines
    # What could not be looked at is in the log; nothing else is wrong.
    assert (status, "error" in errors, "Traceback" in errors) == (0, False, False)


def test_a_service_is_read_with_its_place_and_becomes_what_viam_server_would_send():
    _, one = read(board(), services=[discovery()]).components
    assert (one.place, one.full_name) == ('services[0] discovery "find"', "rdk:service:discovery/find")
    assert one.resource_name == ResourceName(namespace="rdk", type="service", subtype="discovery", name="find")
    assert (one.proto().api, one.proto().model) == ("rdk:service:discovery", "bramble:pi-drivers:discovery")


def test_a_machine_may_consist_of_services_alone(tmp_path, capfd):
    path = tmp_path / "m.json"
    path.write_text(text_of(services=[discovery()]).replace('"components": [], ', ""), encoding="utf-8")
    assert "components" not in path.read_text(encoding="utf-8")
    assert main(["check", str(path)]) == 0
    assert capfd.readouterr().out == "no problems\n"


def test_services_of_others_are_named_and_passed_over(tmp_path, capfd):
    config = file_of(tmp_path, board(), services=[FOREIGN, discovery(), {"name": "nav"}])
    assert main(["check", str(config)]) == 0
    assert capfd.readouterr().out.splitlines() == ['note: "services[0]", "services[2]"; not checked', "no problems"]


def test_what_depends_on_a_service_of_somebody_else_is_no_problem_but_not_for_up(tmp_path, capfd):
    config = file_of(tmp_path, board() | {"depends_on": ["dm"]}, services=[FOREIGN])
    assert main(["check", str(config)]) == 0
    said = 'components[0] board "pi": it needs service "dm", which is not one of ours'
    assert capfd.readouterr().out.splitlines()[0] == f"note: {said}; not checked"
    assert main(["up", str(config)]) == 1
    assert capfd.readouterr().err == f"error: {said}; only viam-server can run it\n"


def test_a_board_that_is_missing_is_one_whatever_services_are_called():
    (problem,) = problems(motor(), services=[FOREIGN | {"name": "pi"}, {"name": 3}, None])
    assert problem == 'components[0] motor "wheel": it needs board "pi", which is not in this file'


def test_a_mistake_in_a_service_is_told_with_its_place_behind_those_of_components():
    said = problems(board(), sensor(i2c_bus="x"), services=[discovery(backend="moc"), discovery(), discovery()])
    assert [line.partition(": ")[0] for line in said] == [
        'components[1] sensor "air"',
        'services[0] discovery "find"',
        'services[1] discovery "find"',
        'services[2] discovery "find"',
    ]
    assert said[-1].endswith('name: services[0] discovery "find" has this name too; every service needs its own')


@pytest.mark.parametrize(
    ("components", "services", "said"),
    [
        (
            [discovery()],
            [],
            'components[0] "find": model: "bramble:pi-drivers:discovery" is a service; move this entry to "services"',
        ),
        (
            [],
            [sensor()],
            'services[0] "air": model: "bramble:pi-drivers:sht31" is a component; move this entry to "components"',
        ),
        (
            [],
            [discovery() | {"model": "bramble:pi-drivers:discover"}],
            'services[0] discovery "find": model: there is no "bramble:pi-drivers:discover" (did you mean "bramble:',
        ),
        (
            [],
            [discovery() | {"model": "discovery"}],
            'services[0] discovery "find": model: "discovery" is a short name; write "bramble:pi-drivers:discovery"',
        ),
        (
            [],
            [discovery() | {"api": "discovery"}],
            'services[0] "find": api: expected a text such as "rdk:service:discovery", got "discovery"',
        ),
        (
            [],
            [discovery() | {"api": "rdk:service:vision"}],
            'services[0] "find": api: this model is "rdk:service:discovery", got "rdk:service:vision"',
        ),
    ],
)
def test_an_entry_in_the_wrong_section_or_of_no_model_is_a_problem(components, services, said):
    (problem,) = problems(*components, services=services)
    assert problem.startswith(said)


def test_a_misspelt_section_is_told():
    (problem,) = machine_from_text('{"servics": []}', "m.json").problems
    assert problem == 'components: is required (is "servics" a typo?)'


def test_services_that_are_no_list_are_a_problem():
    assert read(services={"a": 1}).problems == ("services: expected a list, got an object",)


def test_the_back_end_of_the_command_line_wins_for_services_too():
    changed = read(services=[discovery(backend="real")]).with_backend("mock")
    assert [one.attributes["backend"] for one in changed.components] == ["mock"]
