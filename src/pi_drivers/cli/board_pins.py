"""Pins on a board that is in the same file: whether it has them, and can do with them what is asked of it.

A component that names no board is judged by itself, since the header is always there. One that names a board can be
judged only together with it.
"""

from collections.abc import Iterator, Mapping

from pi_drivers.cli.machine import Component
from pi_drivers.config.attributes import Attributes
from pi_drivers.config.pins import named_pins
from pi_drivers.errors import ArgumentError
from pi_drivers.host import header
from pi_drivers.models.board.pca9685_chip import CHANNELS, frequency_of, is_near

Configs = Mapping[Component, Attributes]
Problem = tuple[str, str]
"""A path and what is wrong there."""


def board_pin_problems(configs: Configs) -> Iterator[str]:
    """A line for each pin that its board does not have, or cannot use like that."""
    boards = {component.name: (component, config) for component, config in configs.items() if _is_board(component)}
    for component, config in configs.items():
        name = board_of(config)
        if _is_board(component) or name not in boards:
            continue
        board, its_config = boards[name]
        if board.model_name == "board":
            problems = _on_header(config, user_names(its_config))
        elif board.model_name == "pca9685":
            problems = _on_pca9685(component, config, board.label, its_config)
        else:
            continue
        yield from (f"{component.place}: {path}: {message}" for path, message in problems)


def board_of(config: Attributes) -> str | None:
    """The own name of the board that a component names."""
    board = getattr(config, "board", None)
    return board.rpartition("/")[2] if isinstance(board, str) else None


def user_names(board: Attributes) -> dict[str, str]:
    """The names that a board of the header gives to pins."""
    entries = [*(getattr(board, "digital_interrupts", None) or ()), *(getattr(board, "pins", None) or ())]
    return {entry.name: entry.pin for entry in entries if entry.name and entry.pin}


def channel_of(name: str) -> int | None:
    """The channel of a PCA9685 that a pin's name means; None for none."""
    return int(name) if name.isdecimal() and name.isascii() and int(name) < CHANNELS else None


def _is_board(component: Component) -> bool:
    return component.subtype == "board"


def _on_header(config: Attributes, names: Mapping[str, str]) -> Iterator[Problem]:
    taken: dict[int, str] = {}
    for path, name in named_pins(config):
        try:
            bcm = header.resolve(names.get(name, name))
        except ArgumentError as error:
            yield path, error.message
            continue
        holder = taken.setdefault(bcm, path)
        if holder != path and getattr(config, "pins", None) is not None:
            yield path, f'"{name}" is {header.describe(bcm)}, which {holder} uses too; every pin needs its own'


def _on_pca9685(component: Component, config: Attributes, label: str, board: Attributes) -> Iterator[Problem]:
    taken: dict[int, str] = {}
    for path, name in named_pins(config):
        channel = channel_of(name)
        if component.subtype == "encoder" or path == "home.pin":
            yield path, f"{label} is a PCA9685, which has outputs only; wire it to the Pi's header"
        elif channel is None:
            yield path, f'{label} has no pin "{name}": a PCA9685 has the channels "0" to "{CHANNELS - 1}"'
        elif (holder := taken.setdefault(channel, path)) != path:
            yield path, f'"{name}" is channel {channel}, which {holder} uses too; every pin needs its own'
    yield from _frequencies(config, label, board)


def _frequencies(config: Attributes, label: str, board: Attributes) -> Iterator[Problem]:
    asked_hz = getattr(board, "frequency_hz", None)
    if not asked_hz:
        return
    chip_hz = frequency_of(asked_hz)
    for name in ("frequency_hz", "pwm_freq"):
        wanted = getattr(config, name, None)
        if wanted and not is_near(wanted, chip_hz):
            yield name, f"all channels of {label} have one frequency, {chip_hz:.1f} Hz, so it cannot be {wanted}"
