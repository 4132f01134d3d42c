"""The module in this process, over a real socket: what it does with requests, its parent and a stop."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import viam.logging
from grpclib import GRPCError, Status
from grpclib.client import Channel
from viam.components.motor.client import MotorClient
from viam.components.sensor.client import SensorClient
from viam.errors import ViamGRPCError
from viam.proto.module import (
    AddResourceRequest,
    ModuleServiceStub,
    ReadyRequest,
    ReconfigureResourceRequest,
    RemoveResourceRequest,
    ValidateConfigRequest,
)

import tests.module.unruly_models  # noqa: F401 - registers them
from pi_drivers.errors import NotFoundError
from pi_drivers.module import DriverModule, expects_parent
from pi_drivers.registry import register_all
from pi_drivers.runtime.safety import SAFETY
from tests.module.desk_board import desk_board
from tests.module.fake_viam_server import FakeRobotService, HangingUpServer, component
from tests.module.unruly import LEFT, motor, probe


@pytest.fixture(autouse=True)
def loggers_as_before(monkeypatch):
    """The SDK keeps its loggers, and where they go to, for the whole process."""
    monkeypatch.setattr(viam.logging, "_MODULE_PARENT", None)
    monkeypatch.setattr(viam.logging, "_ModuleHandler", viam.logging._ModuleHandler)
    yield
    viam.logging.setParent(None)  # type: ignore[arg-type]
    for name in ("asyncio", "pi_drivers"):
        viam.logging.LOGGERS.pop(name, None)
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def home() -> object:
    with TemporaryDirectory(prefix="viam-") as directory:
        yield Path(directory)


@pytest.fixture(autouse=True)
def wires(tmp_path, monkeypatch):
    monkeypatch.setenv("PI_DRIVERS_TRACE", str(tmp_path / "trace"))


@pytest.fixture
async def module(home) -> AsyncIterator[DriverModule]:
    register_all()
    module = DriverModule(str(home / "module.sock"), has_parent=False)
    serving = asyncio.create_task(module.start())
    await asyncio.sleep(0)
    yield module
    module.request_stop("the test is over")
    await serving
    gc.unfreeze()


@pytest.fixture
async def channel(module) -> AsyncIterator[Channel]:
    async with Channel(path=module._address) as channel:
        yield channel


@pytest.fixture
def stub(channel) -> ModuleServiceStub:
    return ModuleServiceStub(channel)


def add(config, *dependencies) -> AddResourceRequest:
    return AddResourceRequest(config=config, dependencies=dependencies)


async def test_serves_what_was_added_until_it_is_removed(stub, channel):
    await stub.AddResource(add(motor()))
    await MotorClient("left", channel).set_power(1.0)
    await stub.RemoveResource(RemoveResourceRequest(name=LEFT))
    with pytest.raises(GRPCError) as error:
        await MotorClient("left", channel).set_power(1.0)
    assert error.value.status is Status.NOT_FOUND


async def test_lists_its_models_without_a_parent(stub):
    response = await stub.Ready(ReadyRequest(parent_address="/nowhere"))
    handlers = {handler.subtype.subtype.subtype: list(handler.models) for handler in response.handlermap.handlers}
    assert response.ready
    assert "bramble:pi-drivers:dc-motor" in handlers["motor"]


@pytest.mark.parametrize(
    ("attributes", "status", "text"),
    [
        ({"validate": "refuse"}, Status.INVALID_ARGUMENT, 'motor "m": pins.a is missing'),
        ({"validate": "bug"}, Status.INTERNAL, "KeyError: 'pins'"),
    ],
)
async def test_what_is_wrong_with_a_config_arrives_alone(stub, caplog, attributes, status, text):
    with pytest.raises(GRPCError) as error:
        await stub.ValidateConfig(ValidateConfigRequest(config=motor(**attributes)))
    assert (error.value.status, error.value.message) == (status, text)
    assert ("Traceback" in caplog.text) == (status is Status.INTERNAL)


@pytest.mark.parametrize(
    ("config", "status"),
    [
        (motor(new="error"), Status.UNAVAILABLE),
        (motor(new="bug"), Status.INTERNAL),
        (motor(ready="error"), Status.UNAVAILABLE),
        (component("motor", "test:unruly:nothing", "left"), Status.NOT_FOUND),
        (component("motor", "no:model", "left"), Status.NOT_FOUND),
    ],
    ids=["error", "bug", "hardware that does not answer", "unknown model", "no model at all"],
)
async def test_an_add_that_fails_says_why_and_leaves_the_name_free(stub, config, status):
    with pytest.raises(GRPCError) as error:
        await stub.AddResource(add(config))
    assert error.value.status is status
    await stub.AddResource(add(motor()))


async def test_a_bus_that_hangs_is_no_call_that_took_too_long(stub):
    with pytest.raises(GRPCError) as error:
        await stub.AddResource(add(motor(ready="hang")))
    assert (error.value.status, error.value.message) == (Status.DEADLINE_EXCEEDED, "i2c-1 0x44: the bus hangs")


async def test_no_parent_no_dependency_of_other_modules(stub):
    with pytest.raises(GRPCError, match="board/desk") as error:
        await stub.AddResource(add(motor(), "rdk:component:board/desk"))
    assert error.value.status is Status.FAILED_PRECONDITION


async def test_a_name_that_is_none_is_refused(stub):
    with pytest.raises(GRPCError) as error:
        await stub.RemoveResource(RemoveResourceRequest(name="left"))
    assert error.value.status is Status.INVALID_ARGUMENT


async def test_a_rebuild_closes_the_old_one_and_serves_the_new_one(stub, module):
    await stub.AddResource(add(motor()))
    (old,) = set(module.server.resources.values())
    await stub.ReconfigureResource(ReconfigureResourceRequest(config=motor()))
    (new,) = set(module.server.resources.values())
    assert (old.closes, new.closes, old is new) == (1, 0, False)


async def test_bugs_in_calls_arrive_in_plain_words(stub, channel, caplog):
    await stub.AddResource(add(probe()))
    with pytest.raises(GRPCError) as error:
        await SensorClient("probe", channel).do_command({"command": "bug"})
    assert (error.value.status, error.value.message) == (Status.INTERNAL, "KeyError: 'missing'")
    assert "unruly_models.py" in caplog.text
    await stub.AddResource(add(motor()))
    with pytest.raises(GRPCError) as error:
        await MotorClient("left", channel).do_command({})
    assert error.value.status is Status.UNIMPLEMENTED


async def test_after_the_stop_nothing_comes_in_and_everything_was_closed_once(stub, module):
    await stub.AddResource(add(motor()))
    (left,) = set(module.server.resources.values())
    await module.stop()
    await module.shut_down()
    assert (left.closes, len(SAFETY)) == (1, 0)
    with pytest.raises(ViamGRPCError, match="stopping"):
        await module.add_resource(add(motor()))


async def test_removing_what_is_not_there_is_not_found(module):
    with pytest.raises(NotFoundError, match="motor/left"):
        await module.remove_resource(RemoveResourceRequest(name=LEFT))


async def test_dependencies_of_other_modules_and_log_lines_go_by_the_parent(home, caplog):
    board = desk_board("desk")
    names = [board.get_resource_name("desk")]
    robot = FakeRobotService(lambda: names, takes_batches=True)
    parent = HangingUpServer([robot])
    await parent.start(path=str(home / "parent.sock"))
    module = DriverModule(str(home / "module.sock"), has_parent=True)
    try:
        await module.ready(ReadyRequest(parent_address=str(home / "parent.sock")))
        await module.ready(ReadyRequest(parent_address=str(home / "parent.sock")))
        await module.add_resource(add(probe(), "rdk:component:board/desk"))
        with pytest.raises(NotFoundError, match="board/shelf, which viam-server does not have"):
            await module.add_resource(add(probe("other"), "rdk:component:board/shelf"))
        with pytest.raises(NotFoundError, match="service:vision/eye"):
            await module.add_resource(add(probe("other"), "rdk:service:vision/eye"))
    finally:
        await module.shut_down()
        await parent.hang_up()
    said = [entry.message.partition("\t")[2] for entry in robot.logs]
    assert any(line.startswith("ready with") for line in said)
    assert said[-1] == "stopped; 1 resources were closed"


async def test_a_parent_that_is_not_there_is_unavailable(home):
    module = DriverModule(str(home / "module.sock"), has_parent=True)
    with pytest.raises(ViamGRPCError, match="cannot be reached") as error:
        await module.ready(ReadyRequest(parent_address=str(home / "parent.sock")))
    assert error.value.grpc_code is Status.UNAVAILABLE
    await module.shut_down()


@pytest.mark.parametrize(("value", "expected"), [(None, True), ("", True), ("false", True), ("TRUE", False)])
def test_the_environment_says_whether_there_is_a_parent(monkeypatch, value, expected):
    with contextlib.suppress(KeyError):
        monkeypatch.delenv("VIAM_NO_MODULE_PARENT")
    if value is not None:
        monkeypatch.setenv("VIAM_NO_MODULE_PARENT", value)
    assert expects_parent() is expected
