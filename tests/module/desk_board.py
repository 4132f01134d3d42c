"""A board that lives in viam-server and not in the module: one pin that remembers its level."""

from typing import Any

from viam.components.board import Board
from viam.resource.easy_resource import stub_model


class DeskPin(Board.GPIOPin):
    """A pin of the desk."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.level = False
        self.duty = 0.0
        self.reads = 0

    async def get(self, **kwargs: Any) -> bool:
        self.reads += 1
        return self.level

    async def set(self, high: bool, **kwargs: Any) -> None:
        self.level = high
        self.duty = float(high)

    async def set_pwm_frequency(self, frequency: int, **kwargs: Any) -> None:
        pass

    async def set_pwm(self, duty_cycle: float, **kwargs: Any) -> None:
        self.duty = duty_cycle


@stub_model
class DeskBoard(Board):
    """A board with pins made on demand."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.pins: dict[str, DeskPin] = {}

    async def gpio_pin_by_name(self, name: str) -> DeskPin:
        return self.pins.setdefault(name, DeskPin(name))  # type: ignore[abstract]  # PWM is never asked for


def desk_board(name: str) -> DeskBoard:
    return DeskBoard(name)  # type: ignore[abstract]  # the stubs are made when the class is
