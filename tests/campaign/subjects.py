"""The sensors and cameras of the campaign: how each is configured, what the world is like, what it must say then."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pi_drivers.buses.video.contract import Wanted
from pi_drivers.host.mock import MockHost
from pi_drivers.models.camera.csi_camera_twin import plug_in_csi_camera
from pi_drivers.models.camera.webcam_twin import plug_in_webcam
from pi_drivers.world.vitals import WARMTH_C, WARMTH_PER_USE_C
from pi_drivers.world.world import World
from tests.campaign.pictures import look_at_picture
from tests.campaign.places import (
    ECHO_LINE,
    TRIGGER_LINE,
    CameraPlace,
    EchoPlace,
    HealthPlace,
    I2cPlace,
    KernelPlace,
    OneWirePlace,
    Place,
    SerialPlace,
    SpiPlace,
)

Truth = Mapping[str, float]
"""What readings must be, by key; other keys may be there."""


async def readings_of(sensor: Any) -> Mapping[str, Any]:
    """What a sensor answers."""
    readings: Mapping[str, Any] = await sensor.get_readings()
    return readings


@dataclass(frozen=True)
class Subject:
    """One sensor."""

    model: str
    attributes: Mapping[str, Any]
    place: Callable[[World], Place]
    set_scene: Callable[[World, int], Truth]
    """Put the world into a state, one of 0, 1 and 2 which no reading can mistake for another; returns the truth."""
    tolerance: float = 0.05
    """How far a reading may be from the truth, where `tolerances` has no other figure."""
    tolerances: Mapping[str, float] = field(default_factory=dict)
    max_age_ms: int = 500
    """The attribute of that name."""
    settle_s: float = 0.0
    """How long a reading may lag behind the world beyond its age: a conversion."""
    period_s: float | None = None
    """From one reading to the next, where that is not `poll_interval_ms`: what is heard, not asked for."""
    stride: int = 1
    """Only every so many-th transaction is tried, where they are bytes of a long message."""
    look: Callable[[Any], Awaitable[Mapping[str, Any]]] = readings_of
    """How it is asked."""
    variant: str = ""
    """What tells it from others of its model."""

    @property
    def interval_s(self) -> float:
        """From one reading to the next."""
        return self.period_s or self.attributes["poll_interval_ms"] / 1000

    @property
    def title(self) -> str:
        """As the table has it."""
        return f"{self.model} {self.variant}".rstrip()


def air(world: World, state: int) -> Truth:
    """Weather."""
    world.air.temperature_c = (21.0, 35.0, -8.0)[state]
    world.air.relative_humidity_pct = (45.0, 80.0, 20.0)[state]
    world.air.pressure_hpa = (1013.25, 980.0, 1040.0)[state]
    return {
        "temperature_c": world.air.temperature_c,
        "relative_humidity_pct": world.air.relative_humidity_pct,
        "pressure_hpa": world.air.pressure_hpa,
    }


def only(scene: Callable[[World, int], Truth], *keys: str) -> Callable[[World, int], Truth]:
    """A scene of which a sensor tells some keys."""
    return lambda world, state: {key: value for key, value in scene(world, state).items() if key in keys}


def light(world: World, state: int) -> Truth:
    """Day, dusk and lamp."""
    world.light.lux = (320.0, 5000.0, 40.0)[state]
    return {"lux": world.light.lux}


def power(world: World, state: int) -> Truth:
    """A battery that drives, charges and rests."""
    supply = world.supply("i2c-1 0x40")
    supply.volts, supply.amperes = ((12.0, 0.8), (14.4, -1.6), (11.2, 0.1))[state]
    return {"volts": supply.volts, "amps": supply.amperes, "watts": supply.volts * supply.amperes}


def pose(world: World, state: int) -> Truth:
    """Level, on its side, head down."""
    roll, pitch, turning = ((0.0, 0.0, 0.0), (90.0, 0.0, 40.0), (0.0, -60.0, -80.0))[state]
    world.pose.put(roll, pitch, 0.0)
    world.pose.turn(turning, 0.0, 0.0)
    at_ns = world.clock.now_ns()
    world.pose.turn(0.0, 0.0, 0.0)
    x, y, z = world.pose.force_at(at_ns)
    return {"linear_acceleration.x": x, "linear_acceleration.y": y, "linear_acceleration.z": z}


def voltages(place: str) -> Callable[[World, int], Truth]:
    """Of two inputs of a converter."""

    def set_scene(world: World, state: int) -> Truth:
        truth = {"first": (0.5, 2.9, 1.1)[state], "second": (1.7, 0.2, 3.0)[state]}
        world.voltage(place, 0).volts, world.voltage(place, 1).volts = truth["first"], truth["second"]
        return truth

    return set_scene


def heat(world: World, state: int) -> Truth:
    """Of a Pi that is nearly idle: so much warmer than the air."""
    world.air.temperature_c = (21.0, 35.0, -8.0)[state]
    return {"temperature_c": world.air.temperature_c + WARMTH_C + WARMTH_PER_USE_C * world.vitals.cpu_use}


def route(world: World, state: int) -> Truth:
    """Three places far apart, on either side of the equator and of Greenwich."""
    latitude, longitude = ((52.5, 13.4), (-33.9, 151.2), (10.0, -60.0))[state]
    world.route.put(latitude, longitude)
    return {"latitude_deg": latitude, "longitude_deg": longitude}


def wall(world: World, state: int) -> Truth:
    """A wall near, far and in the middle."""
    distance_m = (1.0, 2.5, 0.3)[state]
    world.echo_on("s", TRIGGER_LINE, ECHO_LINE).wall.distance_m = distance_m
    return {"distance_m": distance_m}


def disc(rotated: float) -> Callable[[World, int], Truth]:
    """A disc in one of three places, in front of a camera whose pictures are turned so far."""

    def set_scene(world: World, state: int) -> Truth:
        x, y = ((0.2, 0.5), (0.8, 0.5), (0.5, 0.6))[state]
        world.scene.path = lambda _: (x, y)
        return {"disc_x": x, "disc_y": y, "rotated": rotated, "too_old_ms": 0, "stamp_off_ms": 0}

    return set_scene


SERIAL_ID = "usb-Simulated_Camera_0001-video-index0"


def webcam_place(world: World, without: Collection[str] = ()) -> CameraPlace:
    """A webcam on USB."""
    plug_in_webcam(MockHost(world), SERIAL_ID, Wanted())
    return CameraPlace(world, world.cameras, without)


def ribbon_place(world: World) -> CameraPlace:
    """A camera on the ribbon cable: noise has the form of its frames, and its number is that of its plug."""
    plug_in_csi_camera(MockHost(world), "camera 0", Wanted())
    return CameraPlace(world, world.csi_cameras, without=("garbage", "back with another number"))


TWO_CHANNELS = {"first": {"channel": 0}, "second": {"channel": 1}}


def _adc(chip: str) -> Subject:
    return Subject(
        "adc",
        {"chip": chip, "poll_interval_ms": 100, "channels": TWO_CHANNELS},
        lambda world: SpiPlace(world, 0),
        voltages("spi-0 0"),
        variant=chip,
    )


def _camera(
    model: str, place: Callable[[World], CameraPlace], variant: str = "", rotate: int = 0, **attributes: Any
) -> Subject:
    return Subject(
        model,
        {"width_px": 128, "height_px": 96, "frame_rate": 10, "rotate": rotate, **attributes},
        place,
        disc(rotate),
        look=look_at_picture,
        tolerance=0.03,
        tolerances={"too_old_ms": 1, "stamp_off_ms": 1.5},
        period_s=0.1,
        variant=variant,
    )


SUBJECTS = (
    Subject(
        "sht31",
        {"poll_interval_ms": 100},
        lambda world: I2cPlace(world, 0x44),
        only(air, "temperature_c", "relative_humidity_pct"),
    ),
    Subject("bme280", {"i2c_addr": "0x76", "poll_interval_ms": 100}, lambda world: I2cPlace(world, 0x76), air),
    Subject(
        "bme280",
        {"i2c_addr": "0x77", "poll_interval_ms": 100, "mode": "normal"},
        lambda world: I2cPlace(world, 0x77),
        air,
        variant="in normal mode",
        settle_s=0.1,
    ),
    Subject(
        "bh1750",
        {"poll_interval_ms": 100, "resolution": "low"},
        lambda world: I2cPlace(world, 0x23),
        light,
        tolerance=5,
    ),
    Subject(
        "ina219",
        {"poll_interval_ms": 100},
        lambda world: I2cPlace(world, 0x40),
        power,
        tolerances={"watts": 0.3},
    ),
    Subject(
        "mpu6050",
        {"poll_interval_ms": 100},
        lambda world: I2cPlace(world, 0x68),
        pose,
    ),
    Subject(
        "adc",
        {"chip": "ads1115", "poll_interval_ms": 100, "channels": TWO_CHANNELS},
        lambda world: I2cPlace(world, 0x48),
        voltages("i2c-1 0x48"),
        variant="ads1115",
    ),
    *(_adc(chip) for chip in ("mcp3002", "mcp3004", "mcp3008", "mcp3208")),
    Subject(
        "ds18b20",
        {"poll_interval_ms": 800},
        OneWirePlace,
        only(air, "temperature_c"),
        max_age_ms=2500,
        settle_s=0.75,
    ),
    Subject(
        "iio-sensor",
        {"device": "dht22", "channels": ["temperature_c", "relative_humidity_pct"], "poll_interval_ms": 200},
        lambda world: KernelPlace(world, "dht11@4", "dht11@4"),
        only(air, "temperature_c", "relative_humidity_pct"),
        variant="dht22",
        max_age_ms=1500,
    ),
    Subject(
        "iio-sensor",
        {"device": "bme280", "channels": ["temperature_c", "pressure_hpa"], "poll_interval_ms": 100},
        lambda world: KernelPlace(world, "bme280", "1-0076"),
        only(air, "temperature_c", "pressure_hpa"),
        variant="bme280",
        max_age_ms=1500,
    ),
    Subject("pi-health", {"poll_interval_ms": 100}, HealthPlace, heat),
    Subject(
        "nmea-gps",
        {"serial_path": "/dev/serial0"},
        SerialPlace,
        route,
        tolerance=1e-5,
        max_age_ms=1500,
        settle_s=1.3,
        period_s=1.0,
        stride=7,
    ),
    Subject(
        "serial-sensor",
        {"serial_path": "/dev/serial0", "checksum": "xor"},
        SerialPlace,
        only(air, "temperature_c", "relative_humidity_pct"),
        max_age_ms=800,
        settle_s=0.7,
        period_s=0.5,
    ),
    Subject(
        "ultrasonic",
        {"trigger_pin": "16", "echo_interrupt_pin": "18", "temperature_c": 21, "poll_interval_ms": 100},
        EchoPlace,
        wall,
        tolerance=0.002,
    ),
    Subject(
        "ultrasonic",
        {
            "trigger_pin": "16",
            "echo_interrupt_pin": "18",
            "temperature_c": 21,
            "samples": 3,
            "poll_interval_ms": 200,
        },
        EchoPlace,
        wall,
        variant="with three samples",
        tolerance=0.002,
        max_age_ms=800,
    ),
    _camera("webcam", webcam_place, video_path=SERIAL_ID),
    _camera(
        "webcam",
        lambda world: webcam_place(world, without=("garbage",)),  # nothing tells a line of pixels from noise
        "uncompressed and turned",
        rotate=90,
        video_path=SERIAL_ID,
        format="YUYV",
    ),
    _camera("csi-camera", ribbon_place),
)
