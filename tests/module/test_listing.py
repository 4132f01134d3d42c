"""`viam module update-models` starts the module only to hear which models it has: they are those of meta.json."""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from grpclib.client import Channel
from viam.proto.module import ModuleServiceStub, ReadyRequest, ReadyResponse

from tests.module.child import REPOSITORY

META = json.loads((REPOSITORY / "meta.json").read_text(encoding="utf-8"))
READY_TIMEOUT_S = 3.0
START_S = 20.0


@pytest.fixture
def unpacked(tmp_path: Path, python: str) -> Path:
    """The module's folder, with an environment that is this interpreter's."""
    root = tmp_path / "module"
    root.mkdir()
    for name in ("run.sh", "meta.json"):
        (root / name).write_bytes((REPOSITORY / name).read_bytes())
    (root / "setup.sh").write_text("#!/bin/sh\nprintf '%s\\n' \"$PI_DRIVERS_VENV\"\n")
    (root / "src").symlink_to(REPOSITORY / "src")
    environment = root / ".venv" / "bin" / "python"
    environment.parent.mkdir(parents=True)
    environment.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
    for file in (root / "run.sh", root / "setup.sh", environment):
        file.chmod(0o755)
    return root


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder for sockets: the path of one is at most 103 characters, which pytest's own folders exceed."""
    with tempfile.TemporaryDirectory(prefix="viam-") as folder:
        yield Path(folder)


def environment(root: Path) -> dict[str, str]:
    """What the command line tool sets: no home of a viam-server, no folder for data, no parent."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "PI_DRIVERS_VENV": str(root / ".venv"),
        "VIAM_HOME": "",
        "VIAM_MODULE_DATA": "",
        "VIAM_MODULE_NAME": "xxxx",
        "VIAM_NO_MODULE_PARENT": "true",
    }


async def first_answer(process: asyncio.subprocess.Process, folder: Path) -> ReadyResponse:
    """The answer to Ready, once the module listens; nobody does at the address of the parent."""
    address = folder / "module.sock"
    while not address.exists():
        assert process.returncode is None, "it ended before it listened"
        await asyncio.sleep(0.05)
    channel = Channel(path=str(address))
    try:
        request = ReadyRequest(parent_address=str(folder / "parent.sock"))
        response: ReadyResponse = await ModuleServiceStub(channel).Ready(request, timeout=READY_TIMEOUT_S)
        return response
    finally:
        channel.close()


async def listing(root: Path, folder: Path) -> ReadyResponse:
    """Start run.sh to list its models, and end it."""
    process = await asyncio.create_subprocess_exec(
        str(root / "run.sh"), str(folder / "module.sock"), cwd=root, env=environment(root),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(START_S):
            response = await first_answer(process, folder)
            process.terminate()
            assert await process.wait() == 0
            return response
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_models_it_lists_are_those_of_meta_json(unpacked, sockets):
    response = await listing(unpacked, sockets)

    listed = {
        (f"{handler.subtype.subtype.namespace}:{handler.subtype.subtype.type}:{handler.subtype.subtype.subtype}", model)
        for handler in response.handlermap.handlers
        for model in handler.models
    }
    assert response.ready
    assert listed == {(entry["api"], entry["model"]) for entry in META["models"]}
