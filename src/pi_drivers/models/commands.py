"""The commands a model answers in `do_command`: found by their decorator, listed by `help`.

A command is a method that takes what the caller sent and returns what the caller gets. Names a command does not know
are refused, so that a typo in an argument is an error and not a default.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pi_drivers.config.wording import did_you_mean
from pi_drivers.errors import ArgumentError

Arguments = Mapping[str, Any]
Method = Callable[[Any, Arguments], Awaitable[Mapping[str, Any]]]
M = TypeVar("M", bound=Method)


@dataclass(frozen=True)
class Command:
    """One command: what it does and what a caller writes."""

    name: str
    text: str
    example: Mapping[str, Any]
    optional: tuple[str, ...] = ()


HELP = Command("help", "All commands there are, each with an example.", {"command": "help"})


def command(
    name: str, text: str, *, example: Mapping[str, Any] | None = None, optional: tuple[str, ...] = ()
) -> Callable[[M], M]:
    """Make a method a command.

    Args:
        name: what the caller writes under `command`.
        text: one line for `help`.
        example: the further arguments, as a caller could write them; all of them are required but the optional ones.
        optional: arguments that may be left out.
    """

    def mark(method: M) -> M:
        full = {"command": name, **(example or {})}
        method.__pi_command__ = Command(name, text, full, optional)  # type: ignore[attr-defined]
        return method

    return mark


def commands_of(model: type) -> dict[str, tuple[Command, str]]:
    """All commands of a class with the names of their methods, by command."""
    found: dict[str, tuple[Command, str]] = {}
    for base in reversed(model.__mro__):
        for attribute, value in vars(base).items():
            entry = getattr(value, "__pi_command__", None)
            if isinstance(entry, Command):
                found[entry.name] = (entry, attribute)
    return found


async def run_command(target: object, request: Arguments) -> dict[str, Any]:
    """Answer a `do_command`.

    Raises:
        ArgumentError: no such command, or arguments it does not take; the message lists what there is.
    """
    known = commands_of(type(target))
    name = request.get("command")
    if name == "help":
        _check_arguments(HELP, request)
        return {name: {"does": entry.text, "example": dict(entry.example)} for name, (entry, _) in known.items()}
    if not isinstance(name, str) or name not in known:
        suggestion = did_you_mean(name, known) if isinstance(name, str) else ""
        said = f"unknown command {name!r}" if isinstance(name, str) else 'write {"command": "help"} for a list'
        raise ArgumentError(f"{said}{suggestion}; there are: {', '.join(['help', *known])}")
    entry, attribute = known[name]
    _check_arguments(entry, request)
    return dict(await getattr(target, attribute)(request))


def _check_arguments(entry: Command, request: Arguments) -> None:
    allowed = {*entry.example, *entry.optional}
    unknown = sorted(set(request) - allowed)
    missing = sorted(set(entry.example) - set(entry.optional) - set(request))
    if unknown or missing:
        wrong = [f"unknown {name!r}" for name in unknown] + [f"{name!r} is missing" for name in missing]
        raise ArgumentError(f"command {entry.name!r}: {', '.join(wrong)}; an example: {dict(entry.example)}")


def switch_of(request: Arguments, name: str) -> bool:
    """An argument that is true or false. Raises: ArgumentError: it is neither."""
    value = request[name]
    if not isinstance(value, bool):
        raise ArgumentError(f'"{name}" must be true or false, got {value!r}')
    return value
