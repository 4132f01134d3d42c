"""The chips that I2C is tried on, each under a word by which a test plugs it in.

Well-behaved ones are the twins that the simulated Pi has. The others do what chips on real wires do and no flag of the
world's faults says: they give up within a message, between two messages, or keep everybody waiting.
"""

from collections.abc import Callable, Mapping

from pi_drivers.world.devices import I2cDevice, Nack, RegisterFile
from pi_drivers.world.world import World

ROOM = 3
"""So many bytes of a message a `Full` chip takes."""
STRETCH_NS = 200_000_000
"""So long a `Slow` chip holds the clock in each message."""
KNOWN_BYTES = 2
"""So many bytes a `Terse` chip has to tell."""
SUPPLY = "outside"
"""What flows through power sensors."""
SHAFT = "outside"
"""The shaft under the chips that look at one."""
CONVERTER = "i2c-1 0x48"
"""The place under which the world knows the voltages at a converter, wherever that is plugged in."""


class Full(RegisterFile):
    """Acknowledges some bytes of a message and refuses the next, as a chip whose buffer is full does."""

    def write(self, data: bytes) -> None:
        super().write(data[:ROOM])
        if len(data) > ROOM:
            raise Nack


class Dying(RegisterFile):
    """Takes a register's number and is gone for good when it is read: a loose wire, or a supply that breaks down."""

    def __init__(self) -> None:
        super().__init__()
        self._dead = False

    def write(self, data: bytes) -> None:
        if self._dead:
            raise Nack
        super().write(data)

    def read(self, count: int) -> bytes:
        self._dead = True
        raise Nack


class Slow(RegisterFile):
    """Holds the clock low while it thinks, for long but not for ever."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def write(self, data: bytes) -> None:
        self._world.clock.sleep(STRETCH_NS)
        super().write(data)

    def read(self, count: int) -> bytes:
        self._world.clock.sleep(STRETCH_NS)
        return super().read(count)


class Terse(RegisterFile):
    """Stops driving the data line before the controller has had enough; the pull-up makes ones of the rest."""

    def read(self, count: int) -> bytes:
        return super().read(min(count, KNOWN_BYTES))


def _sht31(world: World) -> I2cDevice:
    # The driver's file brings the SDK and pydantic along: only for those who ask for this chip.
    from pi_drivers.models.sensor.sht31 import Sht31Twin

    return Sht31Twin(world)


def _bme280(world: World) -> I2cDevice:
    from pi_drivers.models.sensor.bme280_twin import Bme280Twin

    return Bme280Twin(world)


def _bh1750(world: World) -> I2cDevice:
    from pi_drivers.models.sensor.bh1750 import Bh1750Twin

    # The kernel's driver does not wait for the slowest ones.
    return Bh1750Twin(world, slow=False)


def _ads1115(world: World) -> I2cDevice:
    from pi_drivers.models.adc.ads1115 import Ads1115Twin

    return Ads1115Twin(world, CONVERTER)


def _as5600(world: World) -> I2cDevice:
    from pi_drivers.models.encoder.as5600_chip import As5600Twin

    return As5600Twin(world.shaft(SHAFT))


def _pca9685(world: World) -> I2cDevice:
    from pi_drivers.models.board.pca9685_twin import Pca9685Twin

    return Pca9685Twin(world, "outside")


def _ina219(world: World) -> I2cDevice:
    from pi_drivers.models.power_sensor.ina219_twin import Ina219Twin

    # The kernel's driver takes the shunt for 10 mΩ where nobody tells it.
    return Ina219Twin(world, SUPPLY, shunt_ohms=0.01)


def _mpu6050(world: World) -> I2cDevice:
    from pi_drivers.models.movement_sensor.mpu6050_twin import Mpu6050Twin

    return Mpu6050Twin(world)


CHIPS: Mapping[str, Callable[[World], I2cDevice]] = {
    "registers": lambda world: RegisterFile(),
    "sht31": _sht31,
    "bme280": _bme280,
    "bh1750": _bh1750,
    "ads1115": _ads1115,
    "as5600": _as5600,
    "pca9685": _pca9685,
    "ina219": _ina219,
    "mpu6050": _mpu6050,
    "full": lambda world: Full(),
    "dying": lambda world: Dying(),
    "slow": Slow,
    "terse": lambda world: Terse(),
}
