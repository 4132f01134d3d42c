"""Who may import whom: the layers of the package, and what must not be loaded before it is needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "pi_drivers"
HARDWARE = {"gpiozero", "gpiod", "lgpio", "smbus2", "serial", "spidev", "picamera2"}
HEAVY = {"numpy", "cv2", "simplejpeg", "click", "rich"}

FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def imports_of(file: str) -> Iterator[tuple[str, bool]]:
    """The full name of each thing a file imports, and whether the import stands at the top, run at load."""
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    at_load = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield name, id(node) in at_load


def own_imports(file: str) -> set[str]:
    return {name.removeprefix("pi_drivers.") for name, _ in imports_of(file) if name.startswith("pi_drivers.")}


def is_below(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def is_real_bus(file: str) -> bool:
    return file.startswith("buses/") and Path(file).name.startswith("real")


def test_the_files_are_found():
    assert len(FILES) > 30
    assert "registry.py" in FILES


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("models/")])
def test_models_know_buses_by_their_contracts_only(file):
    for name in own_imports(file):
        if is_below(name, "buses"):
            assert name.split(".")[2] in {"contract", "ranges"}, name
        assert not is_below(name, "cli", "module", "host.real"), name
        # What is connected is told by the models there are.
        assert not is_below(name, "registry") or file.startswith("models/discovery/"), name


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("world/") or file.endswith("/mock.py")])
def test_the_world_and_the_mock_buses_never_see_a_model(file):
    assert not [name for name in own_imports(file) if is_below(name, "models", "cli", "module", "registry")]


@pytest.mark.parametrize("file", FILES)
def test_only_the_real_host_imports_real_buses_and_only_those_a_hardware_library(file):
    names = {name for name, _ in imports_of(file)}
    real = [name for name in names if name.startswith("pi_drivers.buses.") and ".real" in name]
    hardware = [name for name in names if name.partition(".")[0] in HARDWARE]

    assert not real or file == "host/real.py" or is_real_bus(file)
    assert not hardware or is_real_bus(file) or file == "host/real.py"


@pytest.mark.parametrize("file", FILES)
def test_nothing_imports_the_tests(file):
    assert not [name for name, _ in imports_of(file) if is_below(name, "tests")]


@pytest.mark.parametrize("file", [file for file in FILES if not file.startswith("cli/")])
def test_the_command_line_is_imported_by_nobody_at_load(file):
    at_load = {name for name, loads in imports_of(file) if loads}

    assert not [name for name in at_load if is_below(name, "pi_drivers.cli", "click", "rich")]


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_entry_loads_nothing_heavy():
    loaded = loaded_after("import pi_drivers.__main__")

    assert not loaded & (HARDWARE | HEAVY | {"viam", "grpclib", "pydantic"})


def test_the_table_of_models_can_be_registered_without_pydantic_and_any_driver():
    loaded = loaded_after("from pi_drivers.registry import register_all; register_all()")

    assert "viam" in loaded
    assert not loaded & (HARDWARE | HEAVY | {"pydantic"})


def test_loading_every_model_loads_no_hardware_library_no_numpy_and_no_cv2():
    loaded = loaded_after("from pi_drivers import registry; [registry.load(name) for name in registry.MODELS]")

    assert "pydantic" in loaded
    assert not loaded & (HARDWARE | HEAVY)
