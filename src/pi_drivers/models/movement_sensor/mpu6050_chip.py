"""InvenSense MPU-6050: acceleration, angular velocity and the chip's own temperature over I2C.

Sources: MPU-6000 and MPU-6050 Register Map and Descriptions, RM-MPU-6000A-00, revision 4.2, and Product Specification,
PS-MPU-6000A-00, revision 3.4; for its successors MPU-6500 Register Map, RM-MPU-6500A-00, revision 2.1. Nothing it says
has a checksum. It wakes up asleep, and after a moment without power it is so again, with zeros for data.
"""

from dataclasses import dataclass
from typing import NamedTuple

from pi_drivers.buses.i2c.contract import I2cBus
from pi_drivers.errors import BusError, CorruptDataError, WrongChipError
from pi_drivers.host.contract import MILLISECOND, SECOND, Host
from pi_drivers.models.i2c_chip import TRIES, place_of, read_agreed

SMPLRT_DIV = 0x19
INT_ENABLE = 0x38
INT_STATUS = 0x3A
"""Right before the data: one transaction tells whether they are new, and what they are."""
PWR_MGMT_1 = 0x6B
WHO_AM_I = 0x75
"""Registers (RM section 3). SMPLRT_DIV is followed by CONFIG, GYRO_CONFIG and ACCEL_CONFIG; the MPU-6500 has a second
ACCEL_CONFIG behind them. INT_STATUS is followed by 14 bytes of data: acceleration, temperature and angular velocity."""

DEVICE_RESET = 0x80
AWAKE = 0x01
"""Of PWR_MGMT_1: clocked by the x axis gyroscope, as section 4.28 recommends; not asleep."""
ALL_AXES = 0x00
"""Of PWR_MGMT_2, which follows it: no axis is in standby."""
DATA_READY = 0x01
"""Of INT_ENABLE and INT_STATUS. Reading INT_STATUS clears it: no sample is taken twice (section 4.16)."""
DATA_BYTES = 14

RESET_NS = 100 * MILLISECOND
"""What the register map has one wait after a reset over SPI; for I2C it names no time."""
START_NS = 100 * MILLISECOND
"""Until the gyroscope is right: 30 ms, typically (PS page 12), and the delay of the low pass, at most 19 ms."""

GYRO_LSB = {250: 131.0, 500: 65.5, 1000: 32.8, 2000: 16.4}
"""Steps for one degree per second, by range in degrees per second (RM section 4.19)."""
ACCEL_LSB = {2: 16384.0, 4: 8192.0, 8: 4096.0, 16: 2048.0}
"""Steps for one g, by range in g (RM section 4.17)."""
GRAVITY = 9.80665
"""One g, in m/s²."""
LOW_PASS_HZ = {1: 184, 2: 94, 3: 44, 4: 21, 5: 10, 6: 5}
"""The accelerometer's bandwidth by DLPF_CFG; the gyroscope's is about the same (RM section 4.3)."""
FILTERED_HZ = 1000
"""The rate that SMPLRT_DIV divides, while the low pass is on (RM section 4.2)."""
LARGEST, SMALLEST = 0x7FFF, -0x8000
"""What stands for anything beyond the range as well."""


WHERE_IT_IS = (
    "Check i2c_addr: the sensor has 0x68, or 0x69 with AD0 high. "
    "Clocks such as the DS3231 and the DS1307 have 0x68 too."
)


class Vector(NamedTuple):
    """Along the chip's axes as they are printed on its board."""

    x: float
    y: float
    z: float


class Kind(NamedTuple):
    """What differs between chips with these registers. Degrees Celsius are `raw / lsb + at_zero`."""

    name: str
    temperature_lsb: float
    temperature_at_zero_c: float
    second_accel_config: bool
    """Whether the accelerometer has a low pass of its own."""


KINDS = {
    0x68: Kind("MPU-6050", 340.0, 36.53, second_accel_config=False),
    0x70: Kind("MPU-6500", 333.87, 21.0, second_accel_config=True),
    0x71: Kind("MPU-9250", 333.87, 21.0, second_accel_config=True),
    0x73: Kind("MPU-9255", 333.87, 21.0, second_accel_config=True),
    0x74: Kind("MPU-6515", 333.87, 21.0, second_accel_config=True),
}
"""By WHO_AM_I. The MPU-6000 and the MPU-9150 say 0x68 too, and are the same. Temperature: RM section 4.18; RM-MPU-6500
section 4.23 with the numbers of its product specification, section 3.3."""

OTHERS = {
    0x11: "an ICM-20600",
    0x12: "an ICM-20602",
    0x19: "an MPU-6886",
    0x47: "an ICM-42688-P",
    0x72: "a copy of the MPU-6050 of which no data are published",
    0x78: "an MPU-6880",
    0x98: "an ICM-20689",
    0xA6: "an ICM-20609",
    0xA9: "an IAM-20680",
    0xAE: "an ICM-20608-D",
    0xAF: "an ICM-20608-G",
    0xEA: "an ICM-20948",
}
"""What is sold on the same boards, and is something else."""


@dataclass(frozen=True)
class Ranges:
    """How the chip is to measure.

    Attributes:
        gyro_deg_s: 250, 500, 1000 or 2000.
        accel_g: 2, 4, 8 or 16.
        sample_hz: 4 to 200; the nearest that the chip has is taken.
        read_hz: how often it is read; what is quicker than half of this is filtered out.
    """

    gyro_deg_s: int
    accel_g: int
    sample_hz: float
    read_hz: float

    @property
    def divider(self) -> int:
        """SMPLRT_DIV + 1."""
        return min(256, max(1, round(FILTERED_HZ / self.sample_hz)))

    @property
    def period_ns(self) -> int:
        """From one sample to the next."""
        return self.divider * SECOND // FILTERED_HZ

    @property
    def low_pass(self) -> int:
        """DLPF_CFG."""
        half = min(self.sample_hz, self.read_hz) / 2
        return next((code for code, hz in LOW_PASS_HZ.items() if hz <= half), 6)

    def registers(self, kind: Kind) -> bytes:
        """What stands from SMPLRT_DIV on."""
        gyro, accel = list(GYRO_LSB).index(self.gyro_deg_s), list(ACCEL_LSB).index(self.accel_g)
        settings = [self.divider - 1, self.low_pass, gyro << 3, accel << 3]
        return bytes(settings + [self.low_pass] * kind.second_accel_config)


@dataclass(frozen=True)
class Motion:
    """One sample.

    Attributes:
        at_ns: when it was read.
        acceleration: m/s²; gravity is in it, so that at rest it points up. None where an axis is beyond its range.
        rates: degrees per second. None where an axis is beyond its range.
        temperature_c: of the chip.
    """

    at_ns: int
    acceleration: Vector | None
    rates: Vector | None
    temperature_c: float


def identify(bus: I2cBus, address: int) -> str:
    """Which of the `KINDS` is there. Blocking, reads its id only.

    Raises:
        WrongChipError: another chip is there.
    """
    said = read_agreed(bus, address, WHO_AM_I, 1)[0]
    if said not in KINDS:
        raise _another(place_of(bus.number, address), said)
    return KINDS[said].name


def _another(where: str, said: int) -> WrongChipError:
    other = OTHERS.get(said)
    return WrongChipError(
        f"{where}: the chip there is {f'{other}, and ' if other else ''}no MPU-6050: its WHO_AM_I is 0x{said:02x}, not "
        "0x68 (nor 0x70, 0x71, 0x73 or 0x74, which work too). "
        + ("The model iio-sensor reads whatever the kernel has a driver for." if other else WHERE_IT_IS)
    )


class Mpu6050:
    """The chip. Blocking: used on its bus's worker thread; whoever uses it waits in between, and the bus is free."""

    def __init__(self, host: Host, bus: I2cBus, address: int, ranges: Ranges) -> None:
        self._host = host
        self._bus = bus
        self._address = address
        self._ranges = ranges
        self._where = place_of(bus.number, address)
        self.kind: Kind | None = None
        """What it is, once that is known."""
        self._measuring = False

    def is_set_up(self) -> bool:
        """Whether it is as it was left when it began to measure: after noise on the bus there is nothing to be done.

        Raises:
            NoAnswerError: nobody is there.
            WrongChipError: somebody else is there.
        """
        before, self.kind = self.kind, self._identify()
        return self._measuring and before is self.kind and self._settings() == self._wanted(self.kind)

    def reset(self) -> None:
        """Make it forget what others have set; done after `RESET_NS`."""
        self._measuring = False
        self._write(PWR_MGMT_1, DEVICE_RESET)

    def configure(self) -> None:
        """Wake it up and set it; after `START_NS` its samples are right.

        Raises:
            BusError: it does not keep what is written.
        """
        kind = self._known()
        self._write(PWR_MGMT_1, AWAKE, ALL_AXES)
        self._write(SMPLRT_DIV, *self._ranges.registers(kind))
        self._write(INT_ENABLE, DATA_READY)
        self._check_settings("does not keep its settings")

    def begin(self) -> None:
        """Begin to measure: the sample that is there, from before it was right, counts as taken."""
        self._bus.read_register(self._address, INT_STATUS, 1)
        self._measuring = True

    def distrust(self) -> None:
        """Have it reset before it is used again, however it looks."""
        self._measuring = False

    def measure(self) -> Motion | None:
        """The newest sample, or None while it has no new one.

        Raises:
            NoAnswerError: the chip does not answer.
            CorruptDataError: two readings do not agree.
            BusError: it has lost its settings; what it measured means nothing.
        """
        at_ns = self._host.now_ns()
        data, new = self._agreed()
        # Looked at last: a chip that lost its power before it was read is not yet set up again now.
        self._check_settings("has lost its settings, as after a moment without power")
        return self._motion(data, at_ns) if new else None

    def _agreed(self) -> tuple[bytes, bool]:
        """The data as two readings in a row have them, and whether they are new."""
        new, last = False, b""
        for _ in range(TRIES):
            answer = self._bus.read_register(self._address, INT_STATUS, 1 + DATA_BYTES)
            new = new or bool(answer[0] & DATA_READY)
            if answer[1:] == last:
                return last, new
            last = answer[1:]
        raise CorruptDataError(
            f"{self._where}: {TRIES} readings of one sample do not agree; none is used. If it happens often, shorten "
            "the cable, slow the bus down, or lower sample_hz."
        )

    def _motion(self, data: bytes, at_ns: int) -> Motion:
        raw = [int.from_bytes(data[i : i + 2], "big", signed=True) for i in range(0, DATA_BYTES, 2)]
        kind = self._known()
        return Motion(
            at_ns,
            _scaled(raw[:3], GRAVITY / ACCEL_LSB[self._ranges.accel_g]),
            _scaled(raw[4:], 1 / GYRO_LSB[self._ranges.gyro_deg_s]),
            raw[3] / kind.temperature_lsb + kind.temperature_at_zero_c,
        )

    def _identify(self) -> Kind:
        said = read_agreed(self._bus, self._address, WHO_AM_I, 1)[0]
        if said in KINDS:
            return KINDS[said]
        if self.kind is not None:
            raise CorruptDataError(f"{self._where}: WHO_AM_I is 0x{said:02x}, and was that of an {self.kind.name}")
        raise _another(self._where, said)

    def _known(self) -> Kind:
        if self.kind is None:
            raise BusError(f"{self._where}: the chip was not set up")
        return self.kind

    def _wanted(self, kind: Kind) -> bytes:
        return self._ranges.registers(kind) + bytes([AWAKE, ALL_AXES])

    def _settings(self) -> bytes:
        measuring = self._bus.read_register(self._address, SMPLRT_DIV, len(self._ranges.registers(self._known())))
        return measuring + self._bus.read_register(self._address, PWR_MGMT_1, 2)

    def _check_settings(self, complaint: str) -> None:
        wanted, found = self._wanted(self._known()), self._settings()
        if found == wanted:
            return
        again = self._settings()
        if again == found:
            raise BusError(
                f"{self._where}: the chip {complaint} (they are {found.hex()}, not {wanted.hex()}). Check its supply, "
                "and that no other program uses it."
            )
        if again != wanted:
            raise CorruptDataError(f"{self._where}: two readings of its settings do not agree; no sample is used")

    def _write(self, register: int, *values: int) -> None:
        self._bus.write_register(self._address, register, bytes(values))


def _scaled(raw: list[int], step: float) -> Vector | None:
    if LARGEST in raw or SMALLEST in raw:
        return None
    return Vector(raw[0] * step, raw[1] * step, raw[2] * step)
