"""The GPS receiver, by what it says on its line and what a client is told."""

import contextlib
import math
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import BusAbsentError, ClaimedError, ConfigError, StaleReadingError
from pi_drivers.models.movement_sensor.nmea_twin import GpsTwin, epoch_of, sentence
from pi_drivers.world.serial_talker import Talker
from tests.models.conftest import Bench

PORT = "/dev/serial0"
SECOND = 1_000_000_000
EPOCHS_S = 2.5
"""After so long a whole epoch has been heard, whatever the receiver was saying at the beginning."""


async def make(bench: Bench, **attributes: Any) -> Any:
    """A receiver of which a whole epoch has been heard."""
    gps = await bench.make("nmea-gps", "gps", **{"serial_path": PORT, **attributes})
    await bench.wait(EPOCHS_S)
    return gps


class Script:
    """What a receiver says, epoch by epoch; the last one again and again."""

    def __init__(self, bench: Bench, *epochs: list[str], baud: int = 9600) -> None:
        self.epochs = list(epochs)
        with bench.world.held():
            bench.world.serial(PORT).plug_in(Talker(bench.world, PORT, baud, SECOND, self._say))

    def _say(self, _now_ns: int) -> bytes:
        bodies = self.epochs[0] if len(self.epochs) == 1 else self.epochs.pop(0)
        return b"".join(map(sentence, bodies))


def gga(time: str, place: str = "5230.0000,N,01324.0000,E", quality: int = 1, altitude: str = "34.0") -> str:
    return f"GPGGA,{time},{place},{quality},07,1.1,{altitude},M,40.0,M,,"


def rmc(time: str, knots: str = "10.00", course: str = "90.00", date: str = "010326", status: str = "A") -> str:
    return f"GPRMC,{time},{status},5230.0000,N,01324.0000,E,{knots},{course},{date},,,A"


def vtg(knots: str = "10.0", course: str = "90.0") -> str:
    return f"GPVTG,{course},T,,M,{knots},N,,K,A"


async def failure(call: Any) -> str:
    with pytest.raises(GRPCError) as caught:
        await call
    assert caught.value.status is Status.UNAVAILABLE
    return caught.value.message or ""


async def test_all_that_it_knows_reaches_a_client(bench: Bench):
    bench.world.route.put(-33.8567844, 151.2152967)
    bench.world.route.go(10.0, 225.0)
    client = await bench.client(await make(bench))
    latitude, longitude = bench.world.route.place()
    readings = await client.get_readings()
    assert readings == {
        "latitude_deg": pytest.approx(latitude, abs=2e-4),
        "longitude_deg": pytest.approx(longitude, abs=2e-4),
        "altitude_m": 34.0,
        "speed_m_s": pytest.approx(10.0, abs=1e-3),
        "course_deg": 225.0,
        "fix": 1,
        "satellites_in_use": 9,
        "satellites_in_view": 12,
        "utc": "2026-03-01T12:00:02+00:00",
        "hdop": 0.9,
        "vdop": 1.4,
        "pdop": 1.66,
    }
    point, altitude = await client.get_position()
    assert (point.latitude, point.longitude, altitude) == (readings["latitude_deg"], readings["longitude_deg"], 34.0)
    velocity = await client.get_linear_velocity()
    assert (velocity.x, velocity.y, velocity.z) == (
        pytest.approx(-10 * math.sqrt(0.5), abs=1e-3),
        pytest.approx(-10 * math.sqrt(0.5), abs=1e-3),
        0.0,
    )
    assert await client.get_compass_heading() == 225.0
    accuracy = await client.get_accuracy()
    assert (accuracy.position_nmea_gga_fix, accuracy.position_hdop, accuracy.position_vdop) == (
        1,
        pytest.approx(0.9),
        pytest.approx(1.4),
    )
    assert dict(accuracy.accuracy) == {name: pytest.approx(value) for name, value in
                                       {"hDOP": 0.9, "vDOP": 1.4, "pDOP": 1.66}.items()}  # fmt: skip
    assert not accuracy.HasField("compass_degrees_error")


async def test_what_it_is_able_to_and_what_not(bench: Bench):
    client = await bench.client(await make(bench))
    able = await client.get_properties()
    assert (able.position_supported, able.linear_velocity_supported, able.compass_heading_supported) == (True,) * 3
    assert (able.orientation_supported, able.angular_velocity_supported) == (False, False)
    assert able.linear_acceleration_supported is False
    for call, text in (
        (client.get_orientation(), "Orientation Unimplemented"),
        (client.get_angular_velocity(), "AngularVelocity Unimplemented"),
        (client.get_linear_acceleration(), "LinearAcceleration Unimplemented"),
    ):
        with pytest.raises(GRPCError, match=text) as caught:
            await call
        assert caught.value.status is Status.UNIMPLEMENTED
    assert list(await client.do_command({"command": "help"})) == []


@pytest.mark.parametrize(
    ("place", "latitude", "longitude"),
    [
        ("5230.0000,N,01324.0000,E", 52.5, 13.4),
        ("0007.5,S,00030.25,W", -0.125, -0.50416667),
        ("3356.1234567,S,17959.9999999,E", -33.93539095, 179.99999999),
    ],
)
async def test_signs_zeros_and_digits(bench: Bench, place, latitude, longitude):
    Script(bench, [gga("120000", place), rmc("120000")], [gga("120001", place), rmc("120001")])
    point, _ = await (await bench.client(await make(bench))).get_position()
    assert (point.latitude, point.longitude) == (pytest.approx(latitude, abs=1e-8), pytest.approx(longitude, abs=1e-8))


async def test_without_a_fix_there_is_a_reason_and_never_0_and_0(bench: Bench):
    bench.world.route.sky.quality = 0
    bench.world.route.sky.in_view = 3
    client = await bench.client(await make(bench))
    for call in (client.get_position(), client.get_readings(), client.get_linear_velocity()):
        message = await failure(call)
        assert "no fix: 3 satellites in view, 0 used, 4 needed" in message
    assert "no position yet" in (await client.get_status())["waits_for"]
    accuracy = await client.get_accuracy()
    assert accuracy.position_nmea_gga_fix == 0
    assert not accuracy.HasField("position_hdop")


@pytest.mark.parametrize(
    ("bodies", "reason"),
    [
        # A u-blox NEO-6M indoors, and a SiRF that goes on with its last place; both as they were heard.
        (["GPRMC,,V,,,,,,,,,,N", "GPVTG,,,,,,,,,N", "GPGGA,,,,,,0,00,99.99,,,,,,", "GPGSV,1,1,00"],
         "no fix: it hears no satellite. Is the antenna connected"),
        (["GPGGA,075851.891,5611.5305,N,00302.0369,W,0,00,4.8,44.0,M,52.0,M,,0000",
          "GPRMC,075851.891,V,5611.5305,N,00302.0369,W,002.2,252.9,160411,,,N"], "no fix"),
        (["GPGGA,120000,0000.0000,N,00000.0000,E,1,05,1.0,0.0,M,,M,,", "GPRMC,120000,A,0000.0000,N,00000.0000,E,,,,,,"],
         "it sends no position, or exactly 0, 0"),
        ([gga("120000"), rmc("120000", status="V")], "it warns of its own position"),
        ([gga("120000", quality=7), rmc("120000")], "somebody typed in"),
        ([gga("120000", quality=8), rmc("120000")], "a simulated position"),
        ([rmc("120000")], "it sends no GGA, which has the position: switch that sentence on"),
        ([vtg(), "GPGSV,1,1,08", "GPGLL,5230.0000,N,01324.0000,E,120000,A,A"],
         "neither a GGA nor an RMC sentence has come: switch GGA on, which has the position"),
        (["GPGGA,,,,,,0,00,,,M,,M,,", "GPRMC,,V,,,,,,,,,,N", "GPTXT,01,01,02,ANTSTATUS=OPEN"],
         "the receiver says that its antenna is not connected"),
        (["GPGGA,,,,,,0,00,,,M,,M,,", "GPRMC,,V,,,,,,,,,,N", "GPTXT,01,01,01,ANTENNA SHORT"], "has a short circuit"),
    ],
)  # fmt: skip
async def test_why_there_is_no_position(bench: Bench, bodies, reason):
    Script(bench, bodies)
    client = await bench.client(await make(bench))
    message = await failure(client.get_position())
    assert "no position yet" in message
    assert reason in message
    assert ("GGA" in message) == ("sky" not in message and "satellite" not in message and "antenna" not in message)


async def test_a_lost_fix_and_a_pulled_cable_have_different_texts_and_both_are_over_when_they_are(bench: Bench):
    client = await bench.client(await make(bench, max_age_ms=2000))
    sky = bench.world.route.sky
    sky.quality, sky.in_view = 0, 0
    await bench.wait(5)
    message = await failure(client.get_position())
    assert "the last good position is" in message
    assert "it hears no satellite" in message
    sky.quality, sky.in_view = 4, 9
    await bench.wait(2)
    assert (await client.get_readings())["fix"] == 4
    bench.world.serial(PORT).unplug()
    await bench.wait(5)
    message = await failure(client.get_position())
    assert "the serial port was unplugged" in message
    assert "satellite" not in message
    assert "unplugged" in await failure(client.get_accuracy())
    bench.world.serial(PORT).replug()
    await bench.wait(10)
    await client.get_position()
    assert (await client.get_status())["failures"] >= 3


async def test_a_position_is_served_up_to_its_age_and_no_longer(bench: Bench):
    gps = await make(bench, max_age_ms=3000)
    bench.world.serial(PORT).faults.stuck = True
    await bench.wait(1.0)
    await gps.get_position()
    await bench.wait(2.5)
    with pytest.raises(
        StaleReadingError, match=r"nothing has come from /dev/serial0 for 3\.\d s. Is the device powered"
    ):
        await gps.get_position()


async def test_another_speed_is_named_as_such(bench: Bench):
    Script(bench, [gga("120000"), rmc("120000")], baud=38400)
    gps = await make(bench)
    with pytest.raises(StaleReadingError, match="at 9600 baud is no text: is baud_rate right"):
        await gps.get_position()
    bench.world.serial(PORT).device.baud = 9600  # type: ignore[union-attr]
    await bench.wait(3)
    await gps.get_position()


async def test_position_and_speed_are_of_one_moment(bench: Bench):
    """In the order of MediaTek and SiRF, where the speed comes last: none is served with the next position."""
    epochs = [
        [gga(f"12000{n}.000", f"523{n}.0000,N,01324.0000,E"), rmc(f"12000{n}.00", knots=f"{n}0.0")] for n in range(1, 9)
    ]
    Script(bench, *epochs)
    gps = await bench.make("nmea-gps", "gps", serial_path=PORT)
    seen = set()
    for _ in range(700):
        await bench.wait(0.01)
        try:
            readings = await gps.get_readings()
        except StaleReadingError:
            continue
        n = round((readings["latitude_deg"] - 52.5) * 60)
        assert readings["speed_m_s"] == pytest.approx(n * 10 * 1852 / 3600)
        assert readings["utc"] == f"2026-03-01T12:00:0{n}+00:00"
        seen.add(n)
    assert len(seen) >= 5


def untimed(n: int) -> dict[str, str]:
    """The sentences of the nth second: each has its number in it, but only GGA and RMC have a time."""
    time = f"1200{n:02d}"
    return {
        "gga": gga(time, f"52{n:02d}.0000,N,01324.0000,E"),
        "rmc": rmc(time, knots=f"{n}.0"),
        "vtg": vtg(f"{n}.0"),
        "gsa": f"GPGSA,A,3,,,,,,,,,,,,,{n}.0,1.1,{n}.0",
        "gsv": "GPGSV,3,1,12,01,40,083,46,02,17,308,41,12,07,344,39,14,22,228,45",
    }


def check_one_moment(readings: Any) -> int:
    """Which second everything in it is of."""
    n: int = round((readings["latitude_deg"] - 52) * 60)
    assert readings.get("speed_m_s", n * 1852 / 3600) == pytest.approx(n * 1852 / 3600)
    assert readings.get("vdop", n) == n
    return n


ORDERS = [
    "vtg gga",
    "gga vtg",
    "vtg gsa gga",
    "gsa gga vtg",
    "gga gsa gsv gsv vtg",
    "gsv gsv vtg gga",
    "vtg rmc gga gsa",
    "vtg gga rmc",
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("baud", [4800, 115_200])
async def test_a_speed_without_a_time_is_told_with_the_position_of_its_moment(bench: Bench, order, baud):
    Script(bench, *[[untimed(n)[kind] for kind in order.split()] for n in range(1, 30)], baud=baud)
    gps = await bench.make("nmea-gps", "gps", serial_path=PORT, baud_rate=baud)
    await bench.wait(7.5)
    seen, with_vdop = set(), False
    for _ in range(200):
        await bench.wait(0.05)
        readings = await gps.get_readings()
        seen.add(check_one_moment(readings))
        assert "speed_m_s" in readings
        with_vdop |= "vdop" in readings
    assert len(seen) >= 10
    assert with_vdop == ("gsa" in order)


@pytest.mark.parametrize("order", ORDERS)
async def test_what_is_lost_leaves_no_speed_that_the_next_position_takes(bench: Bench, order):
    """Two sentences at once, wherever they touch: a VTG and the GGA that it belongs to, or one of another second."""
    epochs = [[untimed(n % 50)[kind] for kind in order.split()] for n in range(1, 200)]
    length = sum(len(sentence(body)) for body in epochs[10])
    Script(bench, *epochs)
    gps = await make(bench, max_age_ms=3000)
    await bench.wait(4)
    faults = bench.world.serial(PORT).faults
    for step in range(0, length, 7):
        faults.skip, faults.garbage = step, 5
        for _ in range(8):
            await bench.wait(0.25)
            check_one_moment(await gps.get_readings())
    assert (await gps.get_status())["unfit_lines"] >= length / 10


@pytest.mark.parametrize("order", ORDERS)
async def test_seconds_that_are_read_in_one_go_are_kept_apart(bench: Bench, order):
    """As after a hiccup of the machine, which is too short to drop everything for."""
    Script(bench, *[[untimed(n)[kind] for kind in order.split()] for n in range(1, 50)])
    gps = await make(bench)
    await bench.wait(4)
    seen = set()
    for _ in range(12):
        bench.world.clock.advance(1_200_000_000)
        for _ in range(23):
            await bench.wait(0.1)
            with contextlib.suppress(StaleReadingError):
                seen.add(check_one_moment(await gps.get_readings()))
    assert len(seen) >= 12


async def test_satellites_in_view_are_forgotten_and_none_is_counted_for_each_of_its_signals(bench: Bench):
    timed = [[gga(f"1200{n:02d}"), rmc(f"1200{n:02d}")] for n in range(60)]
    sky = ["GPGSV,1,1,12,1", "GPGSV,1,1,03,6", "GLGSV,1,1,08"]
    Script(bench, *[epoch + (sky if n < 5 else sky[:2] if n < 20 else []) for n, epoch in enumerate(timed)])
    client = await bench.client(await make(bench))
    assert (await client.get_readings())["satellites_in_view"] == 20
    await bench.wait(12)
    assert (await client.get_readings())["satellites_in_view"] == 12
    assert (await client.get_status())["satellites_in_view"] == 12
    await bench.wait(15)
    assert "satellites_in_view" not in await client.get_readings()
    assert "satellites_in_view" not in await client.get_status()


async def test_a_sentence_that_is_lost_now_and_then_costs_what_it_said_and_no_more(bench: Bench):
    whole = [[gga(f"12000{n}"), rmc(f"12000{n}")] for n in range(10)]
    whole[3] = [rmc("120003")]
    whole[5] = [gga("120005")]
    Script(bench, *whole)
    gps = await make(bench, max_age_ms=3000)
    speeds = []
    for _ in range(60):
        await bench.wait(0.1)
        speeds.append((await gps.get_readings()).get("speed_m_s"))
        await gps.get_position()
        await gps.get_linear_velocity()
    assert None in speeds
    assert {round(speed, 6) for speed in speeds if speed is not None} == {round(10 * 1852 / 3600, 6)}


async def test_a_receiver_of_which_one_sentence_is_switched_off_is_understood(bench: Bench):
    Script(bench, *[[gga(f"12000{n}")] for n in range(10)])
    gps = await bench.make("nmea-gps", "gps", serial_path=PORT)
    await bench.wait(8)
    assert (await gps.get_position())[1] == 34.0
    assert "speed_m_s" not in await gps.get_readings()
    for call in (gps.get_linear_velocity(), gps.get_compass_heading()):
        with pytest.raises(StaleReadingError, match="yet: it sends its position without a speed: switch its RMC"):
            await call


async def test_vtg_has_the_speed_where_rmc_has_none(bench: Bench):
    Script(bench, *[[gga(f"12000{n}"), vtg("5.0", "180.0")] for n in range(10)])
    gps = await bench.make("nmea-gps", "gps", serial_path=PORT)
    await bench.wait(8)
    velocity = await gps.get_linear_velocity()
    assert (velocity.x, velocity.y) == (pytest.approx(0, abs=1e-9), pytest.approx(-5 * 1852 / 3600))
    assert (await gps.get_compass_heading()) == 180.0


async def test_one_that_says_the_same_second_again_and_again_gets_old(bench: Bench):
    Script(bench, [gga("120000"), rmc("120000")], [gga("120001"), rmc("120001")])
    gps = await make(bench, max_age_ms=2000)
    await bench.wait(4)
    for call in (gps.get_position(), gps.get_linear_velocity(), gps.get_compass_heading()):
        with pytest.raises(StaleReadingError, match="s old: the receiver's time stands still at 120001"):
            await call


async def test_sentences_that_come_no_more_are_named(bench: Bench):
    Script(bench, *[[gga(f"12000{n}"), rmc(f"12000{n}")] for n in range(4)], ["GPGSV,1,1,08"])
    gps = await make(bench, max_age_ms=2000)
    await bench.wait(9)
    for call in (gps.get_position(), gps.get_linear_velocity(), gps.get_compass_heading(), gps.get_accuracy()):
        with pytest.raises(StaleReadingError, match=r"s old: its GGA sentences do not arrive any more$"):
            await call


async def test_midnight(bench: Bench):
    Script(bench, [gga("235958"), rmc("235958", date="280226")], [gga("235959"), rmc("235959", date="280226")],
           [gga("000000"), rmc("000000", date="010326")], [gga("000001"), rmc("000001", date="010326")])  # fmt: skip
    gps = await bench.make("nmea-gps", "gps", serial_path=PORT)
    times = set()
    for _ in range(50):
        await bench.wait(0.1)
        with contextlib.suppress(StaleReadingError):
            times.add((await gps.get_readings())["utc"])
    assert times == {"2026-02-28T23:59:59+00:00", "2026-03-01T00:00:00+00:00", "2026-03-01T00:00:01+00:00"}


async def test_one_that_stands_has_no_velocity_and_its_heading_gets_old(bench: Bench):
    bench.world.route.go(2.0, 45.0)
    client = await bench.client(await make(bench, max_age_ms=3000))
    assert await client.get_compass_heading() == 45.0
    bench.world.route.go(0.0, 45.0)
    await bench.wait(5)
    velocity = await client.get_linear_velocity()
    assert (velocity.x, velocity.y, velocity.z) == (0.0, 0.0, 0.0)
    message = await failure(client.get_compass_heading())
    assert "the last good course is" in message
    assert "it moves at 0.00 m/s, and below 0.5 m/s (min_course_speed_m_s) a course is noise" in message
    assert "course_deg" not in await client.get_readings()


async def test_a_course_that_is_noise_is_no_heading(bench: Bench):
    bench.world.route.go(0.3, 45.0)
    gps = await make(bench)
    with pytest.raises(StaleReadingError, match=r"it moves at 0\.30 m/s"):
        await gps.get_compass_heading()
    assert (await gps.get_linear_velocity()).x == pytest.approx(0.3 * math.sqrt(0.5), abs=1e-3)


@pytest.mark.parametrize("fault", [{"garbage": 1}, {"lost": 1}, {"lost": 40}, {"garbage": 30}])
async def test_bytes_that_are_spoiled_or_lost_anywhere_never_make_a_wrong_position(bench: Bench, fault):
    gps = await make(bench)
    faults = bench.world.serial(PORT).faults
    for step in range(45):
        faults.skip = step * 97 % 300  # another sentence each second
        for name, count in fault.items():
            setattr(faults, name, count)
        await bench.wait(1)
        point, altitude = await gps.get_position()
        assert (point.latitude, point.longitude, altitude) == (
            pytest.approx(52.516266, abs=1e-6),
            pytest.approx(13.377775, abs=1e-6),
            34.0,
        )
    assert (await gps.get_status())["unfit_lines"] >= 20


async def test_the_cut_sentence_at_the_beginning_is_no_complaint(bench: Bench):
    status = await (await make(bench)).get_status()
    assert (status["unfit_lines"], status["serial_path"], status["baud_rate"]) == (0, PORT, 9600)
    assert status["lines"] >= 5


async def test_what_lies_in_the_buffer_of_one_who_was_away_is_not_news(bench: Bench):
    gps = await make(bench, max_age_ms=2000)
    # The process stands still for ten seconds: the world goes on, and nobody reads.
    bench.world.clock.advance(10 * SECOND)
    bench.world.route.put(0.5, 0.5)
    for _ in range(40):
        await bench.wait(0.05)
        try:
            point, _ = await gps.get_position()
        except StaleReadingError:
            continue
        assert point.latitude == pytest.approx(0.5)
    assert (await gps.get_position())[0].latitude == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("attributes", "baud"),
    [
        ({"connection_type": "serial", "serial_attributes": {"serial_path": PORT, "serial_baud_rate": 38400}}, 38400),
        (
            {
                "connection_type": "serial",
                "serial_attributes": {"serial_path": PORT, "serial_baud_rate": 0},
                "baud_rate": 0,
            },
            9600,
        ),
        ({"connection_type": "serial", "serial_path": PORT, "serial_baud_rate": 115200}, 115200),
    ],
)
async def test_configs_of_viam_s_own_models_are_understood(bench: Bench, attributes, baud):
    gps = await bench.make("nmea-gps", "gps", **attributes)
    await bench.wait(EPOCHS_S)
    await gps.get_position()
    assert (await gps.get_status())["baud_rate"] == baud


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({}, "serial_path: is missing"),
        ({"serial_path": "ttyS0"}, "must be the whole path of a serial port"),
        ({"connection_type": "I2C", "i2c_attributes": {}}, 'connection_type: must be "serial", got "I2C": wire the'),
        ({"serial_path": PORT, "serial_attributes": {"serial_path": PORT}}, "serial_path: is given twice"),
        ({"serial_attributes": {}}, r"serial_attributes.serial_path: "),
        ({"serial_path": PORT, "baud_rate": 5_000_000}, "baud_rate"),
        ({"serial_path": PORT, "min_course_speed_m_s": -1}, "min_course_speed_m_s"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await bench.make("nmea-gps", "gps", **attributes)


async def test_a_port_is_one_receiver_s_alone(bench: Bench):
    gps = await make(bench)
    with pytest.raises(ClaimedError, match='/dev/serial0 is held by movement_sensor "gps"'):
        await bench.make("nmea-gps", "other", serial_path=PORT)
    await gps.close()
    with pytest.raises(Exception, match="was closed"):
        await gps.get_position()
    assert not bench.world.serial(PORT).in_use


async def test_a_port_that_is_not_there_is_told_and_can_be_had_once_it_is(bench: Bench):
    with bench.world.held():
        bench.world.serial(PORT).plug_in(GpsTwin(bench.world, PORT, 9600))
        bench.world.serial(PORT).unplug()
    with pytest.raises(BusAbsentError, match="/dev/serial0: there is no such serial port"):
        await bench.make("nmea-gps", "gps", serial_path=PORT)
    bench.world.serial(PORT).replug()
    await (await make(bench)).get_position()


async def test_the_twin_speaks_as_receivers_do(bench: Bench):
    bench.world.route.put(-0.999999999, -179.999999999)
    lines = epoch_of(bench.world.route).decode().splitlines()
    assert lines[2].startswith("$GNGGA,120000.00,0100.00000,S,18000.00000,W,1,09,0.90,34.0,M,40.0,M,,*")
