"""The command line: what a person types after `./run.sh`.

Commands read their arguments here and leave the work to modules without a command line. Exit status: 0 when
all went well, 1 when a config has problems or an address cannot be used, 2 for a wrong command line.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pi_drivers.cli.machine import Machine
from pi_drivers.cli.reading import read_machine
from pi_drivers.cli.voice import hand_over, say, silence, warn
from pi_drivers.config.wording import shown
from pi_drivers.errors import DriverError

CONFIG = click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
DURATION = click.FloatRange(min=0, min_open=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Viam drivers for the hardware people wire to a Raspberry Pi."""


@cli.command()
@CONFIG
def check(config: Path) -> None:
    """Check a machine config without opening anything."""
    from pi_drivers.cli.checks import judge

    machine = read_machine(config)
    judgement = judge(machine)
    passed_over = [", ".join(map(shown, machine.passed_over))] if machine.passed_over else []
    for note in [*judgement.notes, *passed_over]:
        say(f"note: {note}; not checked")
    for problem in judgement.problems:
        say(problem)
    count = len(judgement.problems)
    if count:
        say(f"{count} problem{'' if count == 1 else 's'} in {config}")
        raise SystemExit(1)
    say("no problems")


@cli.command()
@CONFIG
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="ADDRESS",
              help="HOST:PORT or the path of a socket; port 0 picks a free one.")  # fmt: skip
@click.option("--backend", type=click.Choice(["real", "mock"]), help="Run every component on this one.")
@click.option("--duration", type=DURATION, metavar="SECONDS", help="Stop so long after the start; else at Ctrl-C.")
def up(config: Path, listen: str, backend: str | None, duration: float | None) -> None:
    """Run a machine config without viam-server and serve SDK clients."""
    from pi_drivers.cli.checks import judge
    from pi_drivers.cli.up import Voices, address_of, is_open_to_others, run_up

    address = address_of(listen)
    machine = read_machine(config)
    if backend is not None:
        machine = _overridden(machine, backend)
    judgement = judge(machine)
    problems = [*judgement.problems, *(f"{note}; only viam-server can run it" for note in judgement.notes)]
    if problems:
        for problem in problems:
            warn(f"error: {problem}")
        raise SystemExit(1)
    if is_open_to_others(address):
        warn(f"warning: {listen} can be reached from other computers, and there is no authentication and no "
              "encryption: whoever reaches it moves this machine")  # fmt: skip
    asyncio.run(run_up(machine, judgement, address, duration, Voices(say, warn)))


@cli.command(short_help="Drive a simulated rover.")
@click.option("--duration", type=DURATION, default=20, show_default=True, metavar="SECONDS")
def demo(duration: float) -> None:
    """Drive a simulated rover: motors turn, encoders count, an air sensor reads."""
    from pi_drivers.cli.demo import run_demo
    from pi_drivers.cli.demo_view import view

    with view() as show:
        asyncio.run(run_demo(duration, show))


@cli.command(short_help="Say what this machine lacks, and what is connected.")
@click.option("--no-scan", is_flag=True, help="Touch no bus: leave out what is connected.")
@click.option("--backend", type=click.Choice(["real", "mock"]), help="Look at this machine, or at the simulated Pi.")
@click.option("--json", "as_json", is_flag=True,
              help="Print a machine config of what is connected, for `up`; the report goes to stderr.")  # fmt: skip
def doctor(no_scan: bool, backend: str | None, as_json: bool) -> None:
    """Say what this machine lacks, each with what mends it, and what is connected, with the JSON to paste.

    Changes nothing. The exit status is 1 if something has to be mended, else 0; with --json it is 0 whenever the
    machine config was written.
    """
    if no_scan and as_json:
        raise click.UsageError("--json needs to look at what is connected, so it does not go with --no-scan")
    from pi_drivers.cli.doctor import run_doctor

    raise SystemExit(run_doctor(backend, scan=not no_scan, as_json=as_json))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs: a list of objects, with full names.")
def models(as_json: bool) -> None:
    """List the models there are."""
    from pi_drivers.cli.catalogue import models_for_people, models_for_programs

    hand_over(models_for_programs() if as_json else "\n".join(models_for_people()), "the list of models")


@cli.command()
@click.argument("model")
def schema(model: str) -> None:
    """Print the JSON schema of a model's attributes."""
    from pi_drivers.cli.catalogue import schema_text

    hand_over(schema_text(model), "the schema")


def _overridden(machine: Machine, backend: str) -> Machine:
    for one in machine.contradicting(backend):
        own = one.attributes["backend"]
        warn(f'warning: {one.label} asks for backend "{own}", but --backend {backend} wins')
    return machine.with_backend(backend)


def main(argv: Sequence[str]) -> int:
    """Run a command; returns the exit status."""
    try:
        cli.main(list(argv), prog_name="run.sh", standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except DriverError as error:
        warn(f"error: {error.message}")
        return 1
    except BrokenPipeError:
        silence(sys.stdout)  # who read a help text has left, `less` for example
        return 0
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    return 0
