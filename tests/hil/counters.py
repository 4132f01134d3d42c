"""The two counters that test_counting.py compares, each as a process of its own: ours and gpiozero's.

usage (inside the simulated kernel only): python -m tests.hil.counters pi-drivers|gpiozero LINE_A LINE_B

It prints `ready`, and the edges counted so far for each line on its standard input. Each runs as a user would have it:
the model with its task on an event loop, and gpiozero's class with the threads it starts.
"""

import asyncio
import os
import sys
import tempfile

from pi_drivers.buses.gpio.real_chip import STAND_IN_REVISION, find_chip


async def count_by_pi_drivers(a: int, b: int) -> None:
    """The model `incremental-encoder`, a tick for each edge."""
    from viam.proto.app.robot import ComponentConfig
    from viam.utils import ValueTypes, dict_to_struct

    from pi_drivers.models.encoder.incremental import IncrementalEncoder

    attributes: dict[str, ValueTypes] = {
        "pins": {"a": f"GPIO{a}", "b": f"GPIO{b}"},
        "ticks_per_cycle": 4,
        "backend": "real",
    }
    config = ComponentConfig(name="encoder", attributes=dict_to_struct(attributes))
    encoder = IncrementalEncoder.new(config, {})
    await encoder.ready()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def answer() -> None:
        if sys.stdin.readline():
            print(encoder.sample().ticks, flush=True)
        else:
            ended.set()

    loop.add_reader(sys.stdin, answer)
    print("ready", flush=True)
    await ended.wait()
    loop.remove_reader(sys.stdin)
    await encoder.close()


def count_by_gpiozero(a: int, b: int) -> None:
    """gpiozero's `RotaryEncoder` on its preferred pin factory; it counts whole cycles."""
    # lgpio makes a named pipe where it is loaded.
    os.chdir(tempfile.gettempdir())
    from gpiozero import RotaryEncoder
    from gpiozero.pins.lgpio import LGPIOFactory

    class Factory(LGPIOFactory):  # type: ignore[misc]  # gpiozero has no types
        """The simulated chip belongs to no Pi."""

        def _get_revision(self) -> int:
            return STAND_IN_REVISION

    factory = Factory(chip=int(find_chip().name.removeprefix("gpiochip")))
    encoder = RotaryEncoder(a, b, max_steps=0, pin_factory=factory)
    print("ready", flush=True)
    for _ in sys.stdin:
        # It counts up when A leads B.
        print(-4 * encoder.steps, flush=True)
    encoder.close()


if __name__ == "__main__":
    lines = (int(sys.argv[2]), int(sys.argv[3]))
    if sys.argv[1] == "gpiozero":
        count_by_gpiozero(*lines)
    else:
        asyncio.run(count_by_pi_drivers(*lines))
