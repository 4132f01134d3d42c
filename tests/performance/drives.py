"""The two ways to turn a stepper that stepping.py compares, each as a process of its own on the played chip.

usage (by stepping.py only): python -m tests.performance.drives pi-drivers|gpiozero STEPS PER_SECOND idle|busy

`pi-drivers` is the model on the real back end, on its event loop. `gpiozero` is what one would write without it: a
thread that sets a pin, sleeps, clears it and sleeps. With `busy` the main thread, which is also the event loop's,
computes in Python for as long as the motor should turn. Prints the steps made, as the drive itself counts them.
"""

import asyncio
import sys
import threading
import time
from unittest.mock import patch

from viam.proto.app.robot import ComponentConfig
from viam.utils import ValueTypes, dict_to_struct

from tests.performance.played_chip import CHIP

STEP, DIRECTION = 17, 27
A_TURN = 100
LEAD_S = 0.02
"""The motor turns before the computing begins."""
PATIENCE = 2.0
"""After so many times the time it should have taken the thread gives up."""


async def by_pi_drivers(steps: int, per_second: int, busy: bool) -> int:
    """The model `stepper`, asked for whole turns."""
    from pi_drivers.models.motor.stepper import Stepper

    attributes: dict[str, ValueTypes] = {
        "pins": {"step": f"GPIO{STEP}", "dir": f"GPIO{DIRECTION}"},
        "ticks_per_rotation": A_TURN,
        "backend": "real",
    }
    # libgpiod, which looks for the header's chip, sees no played one.
    with patch("pi_drivers.buses.gpio.real.find_chip", return_value=CHIP):
        stepper = Stepper.new(ComponentConfig(name="stepper", attributes=dict_to_struct(attributes)), {})
    await stepper.ready()
    moving = asyncio.create_task(stepper.go_for(per_second / A_TURN * 60, steps / A_TURN))
    if busy:
        await asyncio.sleep(LEAD_S)
        compute(steps / per_second)
    await moving
    made = round(await stepper.get_position() * A_TURN)
    await stepper.close()
    return made


def by_gpiozero(steps: int, per_second: int, busy: bool) -> int:
    """gpiozero's `OutputDevice`, with sleeps between the writes."""
    from gpiozero import OutputDevice

    from pi_drivers.buses.gpio.real_chip import open_lgpio

    pin = OutputDevice(STEP, pin_factory=open_lgpio(CHIP).factory)
    made = 0
    half_s = 0.5 / per_second
    give_up_s = time.monotonic() + PATIENCE * steps / per_second

    def turn() -> None:
        nonlocal made
        while made < steps and time.monotonic() < give_up_s:
            pin.on()
            time.sleep(half_s)
            pin.off()
            made += 1
            time.sleep(half_s)

    thread = threading.Thread(target=turn)
    thread.start()
    if busy:
        compute(PATIENCE * steps / per_second)
    thread.join()
    pin.close()
    return made


def compute(duration_s: float) -> None:
    """Keep this thread, and so the interpreter's lock, busy."""
    end_s = time.monotonic() + duration_s
    while time.monotonic() < end_s:
        sum(range(1000))


if __name__ == "__main__":
    wanted = (int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "busy")
    print(by_gpiozero(*wanted) if sys.argv[1] == "gpiozero" else asyncio.run(by_pi_drivers(*wanted)))
