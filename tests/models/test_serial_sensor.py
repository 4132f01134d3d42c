"""A device that prints lines, by what it prints and what a client is told."""

import asyncio
import json
import time
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.errors import ArgumentError, ClaimedError, ConfigError, StaleReadingError
from pi_drivers.models.line_splitter import LineSplitter
from pi_drivers.models.sensor.line_formats import checksum_of, from_json, pattern_parser
from pi_drivers.models.serial_lines import UnfitLineError
from pi_drivers.world.serial_talker import Talker
from tests.models.conftest import Bench

PORT = "/dev/ttyUSB0"
SECOND = 1_000_000_000
CSV = {"format": "csv", "columns": ["temperature_c", "humidity_pct", "state"], "text_columns": ["state"]}
PATTERN = {"format": "pattern", "pattern": r"T=(?P<temperature_c>\S+) (?P<state>\w+)(?: H=(?P<humidity_pct>\S+))?"}


def arduino(bench: Bench, *lines: bytes, baud: int = 115_200, interval_ns: int = SECOND // 10) -> Talker:
    """One that prints these lines in turn; the last one again and again."""
    waiting = list(lines)

    def say(_now_ns: int) -> bytes:
        return waiting[0] if len(waiting) == 1 else waiting.pop(0)

    with bench.world.held():
        talker = Talker(bench.world, PORT, baud, interval_ns, say)
        bench.world.serial(PORT).plug_in(talker)
    return talker


async def make(bench: Bench, *lines: bytes, **attributes: Any) -> Any:
    """A sensor of a device that prints these lines, some of which it has heard."""
    if lines:
        arduino(bench, *lines)
    sensor = await bench.make("serial-sensor", "weather", **{"serial_path": PORT, **attributes})
    await bench.wait(0.5)
    return sensor


@pytest.mark.parametrize(
    ("attributes", "line", "readings"),
    [
        ({}, b'{"t": 21.5, "ok": true, "who": "A1", "n": 3}\r\n', {"t": 21.5, "ok": True, "who": "A1", "n": 3}),
        ({}, b'{"bme": {"t": 21.5, "p": null}, "axes": [1, 2.5]}\n', {"bme": {"t": 21.5}, "axes": [1, 2.5]}),
        ({}, b'{"t": NaN, "u": Infinity, "v": null, "w": 1e999, "l": [1, NaN], "x": -0.5}\n', {"x": -0.5}),
        (CSV, b"21.5,45,open\r\n", {"temperature_c": 21.5, "humidity_pct": 45, "state": "open"}),
        (CSV, b' -3e1 , nan ,"a, b"\n', {"temperature_c": -30, "state": "a, b"}),
        (CSV, b".5,,\n", {"temperature_c": 0.5}),
        ({**CSV, "delimiter": "\t"}, b"21.5\t45\topen\n", {"temperature_c": 21.5, "humidity_pct": 45, "state": "open"}),
        (PATTERN, b"T=21.5 open\n", {"temperature_c": 21.5, "state": "open"}),
        (PATTERN, b"T=+21 shut H=40\n", {"temperature_c": 21, "state": "shut", "humidity_pct": 40}),
        ({"format": "pattern", "pattern": "(?P<t>.*) °C"}, "21.5 °C\n".encode(), {"t": 21.5}),
    ],
)
async def test_lines_of_each_form_are_readings(bench: Bench, attributes, line, readings):
    client = await bench.client(await make(bench, line, **attributes))
    assert await client.get_readings() == readings
    assert (await client.get_status())["unfit_lines"] == 0


@pytest.mark.parametrize(
    ("attributes", "line", "why"),
    [
        ({}, b"Hello, I am your weather station", "it is no JSON"),
        ({}, b'{"t": 21.', "it is no JSON"),
        ({}, b'{"t": 21.5}{"t": 21.5}', "it is no JSON"),
        ({}, b"21.5", "it is JSON, but no object"),
        ({}, b"[" * 900, "it is no JSON"),
        ({}, b'{"n": ' + b"9" * 900 + b"}", "it has no reading in it"),
        ({}, b'{"t": NaN}', "it has no reading in it"),
        ({}, b'{"t": \xff}', "it is no text"),
        ({}, b'{"a": "\\ud800"}', "a text in it is none"),
        ({}, b'{"\\ud800": 1}', "a text in it is none"),
        ({}, b'{"a": ' + b"[" * 60 + b"1" + b"]" * 60 + b"}", "it is nested deeper than 10 levels"),
        ({}, b'{"t": 2}\x00', "it has control characters in it"),
        (CSV, b"21.5,45", "it has 2 columns, and columns has 3"),
        (CSV, b"21.5,45,open,1", "it has 4 columns, and columns has 3"),
        (CSV, b"temperature,humidity,state", 'column "temperature_c" is no number: "temperature"'),
        (CSV, b"21.5.1,45,open", 'column "temperature_c" is no number: "21.5.1"'),
        (CSV, b"1_0,45,open", 'column "temperature_c" is no number: "1_0"'),
        (CSV, b'21.5,45,"open', "it is no CSV"),
        (CSV, b"nan,nan,", "it has no reading in it"),
        (PATTERN, b"T=21.5 open x", "the pattern does not fit"),
        (PATTERN, b"x T=21.5 open", "the pattern does not fit"),
        ({"checksum": "xor"}, b'{"t": 21.5}', "it has no checksum"),
        ({"checksum": "xor"}, b'{"t": 21.5}*00', "its checksum is wrong"),
    ],
)
async def test_a_line_that_does_not_fit_is_skipped_counted_and_shown(bench: Bench, attributes, line, why):
    good = {"csv": b"1,2,x", "pattern": b"T=1 x"}.get(attributes.get("format", "json"), b'{"t": 1}')
    if "checksum" in attributes:
        good += b"*" + checksum_of(good).encode()
    talker = arduino(bench, good + b"\n")
    client = await bench.client(await make(bench, max_age_ms=1000, **attributes))
    before = await client.get_readings()
    talker.say = lambda _: line + b"\n"
    await bench.wait(0.35)
    assert await client.get_readings() == before
    status = await client.get_status()
    assert status["unfit_lines"] >= 2
    assert status["why_unfit"].startswith(why)
    assert len(status["last_unfit_line"]) < 60
    assert status["last_unfit_line"].isprintable()
    await bench.wait(1.5)
    with pytest.raises(GRPCError) as caught:
        await client.get_readings()
    assert caught.value.status is Status.UNAVAILABLE
    assert why in (caught.value.message or "")
    talker.say = lambda _: good + b"\n"
    await bench.wait(0.3)
    assert await client.get_readings() == before


@pytest.mark.parametrize("cut", range(1, 17))
async def test_a_line_that_was_cut_in_half_is_no_reading(bench: Bench, cut):
    """The port is opened in the middle of a line: what comes first could be a number, and is none."""
    line = b"123.5,1045.25,1\r\n"
    with bench.world.held():
        talker = Talker(bench.world, PORT, 115_200, SECOND, lambda _: b"")
        bench.world.serial(PORT).plug_in(talker)
    sensor = await make(bench, format="csv", columns=["a", "b", "c"])
    bench.world.serial(PORT).send(line[cut:])
    await bench.wait(0.1)
    with pytest.raises(StaleReadingError):
        await sensor.get_readings()
    bench.world.serial(PORT).send(line)
    await bench.wait(0.1)
    assert await sensor.get_readings() == {"a": 123.5, "b": 1045.25, "c": 1}


async def test_after_a_replug_the_first_line_is_a_cut_one_again(bench: Bench):
    talker = arduino(bench, b"21.5\n")
    sensor = await make(bench, format="csv", columns=["t"], max_age_ms=60_000)
    line = bench.world.serial(PORT)
    talker.say = lambda _: b""
    line.send(b"99")
    await bench.wait(0.1)
    line.unplug()
    await bench.wait(3)
    line.replug()
    await bench.wait(6)
    line.send(b".5\n")
    await bench.wait(0.1)
    assert await sensor.get_readings() == {"t": 21.5}
    line.send(b"22.5\n")
    await bench.wait(0.1)
    assert await sensor.get_readings() == {"t": 22.5}


async def test_the_newest_line_is_the_reading_and_comes_without_waiting(bench: Bench):
    sensor = await make(bench, *[f'{{"n": {n}}}\n'.encode() for n in range(100)])
    before_ns = bench.host.now_ns()
    first = (await sensor.get_readings())["n"]
    assert bench.host.now_ns() == before_ns
    await bench.wait(1)
    assert (await sensor.get_readings())["n"] == pytest.approx(first + 10, abs=1)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"", "nothing has come from /dev/ttyUSB0 for 3.0 s. Is the device powered, and its TX on the Pi's RX?"),
        (b"21.5", "no whole line has come from /dev/ttyUSB0 for 3.0 s, only "),
        (b"x" * 500, "no whole line has come from /dev/ttyUSB0"),
        (bytes(range(128, 168)) + b"\n", "what comes from /dev/ttyUSB0 at 115200 baud is no text: is baud_rate right?"),
        (b"hello\n", 'no line from /dev/ttyUSB0 fits, the last one was "hello": it is no JSON'),
    ],
)
async def test_why_there_are_no_readings(bench: Bench, line, cause):
    sensor = await make(bench, line)
    await bench.wait(2.5)
    with pytest.raises(StaleReadingError) as caught:
        await sensor.get_readings()
    assert f'sensor "weather": no reading yet: {cause}' in str(caught.value)
    assert cause[:20] in (await sensor.get_status())["waits_for"]


@pytest.mark.parametrize("sent", [4800, 9600, 57_600, 230_400])
async def test_a_wrong_speed_is_named_as_such(bench: Bench, sent):
    arduino(bench, b'{"temperature_c": 21.5, "relative_humidity_pct": 45.0}\r\n', baud=sent)
    sensor = await make(bench, baud_rate=19_200)
    await bench.wait(3)
    with pytest.raises(StaleReadingError, match="at 19200 baud is no text: is baud_rate right"):
        await sensor.get_readings()


async def test_viam_s_own_name_for_the_speed_is_understood(bench: Bench):
    arduino(bench, b'{"t": 1}\n', baud=19_200)
    sensor = await make(bench, serial_baud_rate=19_200)
    assert (await sensor.get_status())["baud_rate"] == 19_200
    assert await sensor.get_readings() == {"t": 1}


async def test_the_cause_is_of_what_comes_now_and_not_of_what_came_once(bench: Bench):
    talker = arduino(bench, b"")
    sensor = await make(bench, max_age_ms=1500)

    async def cause() -> str:
        with pytest.raises(StaleReadingError) as caught:
            await sensor.get_readings()
        return str(caught.value)

    talker.say = lambda _: bytes(range(128, 178))
    await bench.wait(4)
    assert "is no text: is baud_rate right?" in await cause()
    talker.say = lambda _: b""
    await bench.wait(2)
    assert "nothing has come from /dev/ttyUSB0 for 2.0 s. Is the device powered" in await cause()
    talker.say = lambda _: b"temperature 21.5\r\n"
    await bench.wait(7)
    assert 'the last one was "temperature 21.5": it is no JSON' in await cause()
    talker.say = lambda _: b"." * 100
    await bench.wait(2)
    assert "no whole line has come" in await cause()
    talker.say = lambda _: bytes(range(128, 178))
    await bench.wait(2)
    assert "is no text: is baud_rate right?" in await cause()


async def test_a_device_whose_lines_take_longer_than_they_may_is_told_so_and_not_that_it_is_silent(
    bench: Bench, caplog
):
    text = b'{"n": 1}\n'
    sensor = await make(bench, b"\n", *[text[i : i + 1] for i in range(len(text))] * 9, b"", max_age_ms=500)
    sensor.logger.propagate = True
    caplog.set_level("INFO")
    for _ in range(60):
        await bench.wait(0.1)
        with pytest.raises(
            StaleReadingError, match=r"a line from \S+ took 0\.8 s .* than max_age_ms \(500\)|no whole line"
        ):
            await sensor.get_readings()
    with pytest.raises(StaleReadingError, match=r"took 0\.8 s to arrive, and is older than max_age_ms \(500\)"):
        await sensor.get_readings()
    assert not [record for record in caplog.records if "lines come again" in record.getMessage()]
    await bench.wait(5)
    with pytest.raises(StaleReadingError, match="nothing has come from"):
        await sensor.get_readings()


async def test_the_log_has_one_line_of_silence_and_one_of_its_end(bench: Bench, caplog):
    sensor = await make(bench, b'{"t": 1}\n', max_age_ms=1000)
    sensor.logger.propagate = True
    caplog.set_level("INFO")
    bench.world.serial(PORT).faults.stuck = True
    await bench.wait(8)
    bench.world.serial(PORT).faults.stuck = False
    await bench.wait(1)
    told = [record.getMessage() for record in caplog.records if 'sensor "weather"' in record.message]
    assert len(told) == 2
    assert "no readings: nothing has come from /dev/ttyUSB0" in told[0]
    assert "lines come again" in told[1]


async def test_a_checksum_sees_what_no_form_can(bench: Bench):
    def line(text: bytes) -> bytes:
        return text + b"*" + checksum_of(text).encode() + b"\n"

    sensor = await make(bench, line(b"123.5"), format="csv", columns=["t"], checksum="xor")
    faults = bench.world.serial(PORT).faults
    for step in range(60):
        faults.skip, faults.lost = step % 9, 1
        await bench.wait(0.2)
        assert await sensor.get_readings() == {"t": 123.5}
    assert (await sensor.get_status())["unfit_lines"] >= 40


async def test_what_is_sent_arrives_as_a_line(bench: Bench):
    talker = arduino(bench, b'{"t": 1}\n')
    client = await bench.client(await make(bench))
    assert await client.do_command({"command": "send", "line": "led on °"}) == {}
    await bench.wait(0.1)
    assert bytes(talker.heard) == "led on °\n".encode()
    assert (await client.do_command({"command": "help"}))["send"]["example"] == {"command": "send", "line": "led on"}


@pytest.mark.parametrize("line", ["", "a\nb", "x" * 201, 5, None, "\x1b[2J"])
async def test_what_is_no_line_is_not_sent(bench: Bench, line):
    talker = arduino(bench, b'{"t": 1}\n')
    sensor = await make(bench)
    with pytest.raises(ArgumentError, match="must be a text without line ends"):
        await sensor.do_command({"command": "send", "line": line})
    await bench.wait(0.1)
    assert talker.heard == b""


async def test_data_capture_skips_what_it_has_where_the_config_says_so(bench: Bench):
    arduino(bench, b'{"t": 1}\n', interval_ns=SECOND)
    client = await bench.client(await make(bench, skip_unchanged=True))
    await bench.wait(1)
    capture = {"fromDataManagement": True}
    assert await client.get_readings(extra=capture) == {"t": 1}
    with pytest.raises(GRPCError, match="no capture from filter module"):
        await client.get_readings(extra=capture)
    assert await client.get_readings() == {"t": 1}
    await bench.wait(1)
    assert await client.get_readings(extra=capture) == {"t": 1}


async def test_a_port_is_one_device_s_alone_and_readings_end_with_the_sensor(bench: Bench):
    sensor = await make(bench, b'{"t": 1}\n')
    with pytest.raises(ClaimedError, match='/dev/ttyUSB0 is held by sensor "weather"'):
        await bench.make("serial-sensor", "other", serial_path=PORT)
    await sensor.close()
    with pytest.raises(Exception, match="was closed"):
        await sensor.get_readings()
    await bench.make("serial-sensor", "other", serial_path=PORT)


@pytest.mark.parametrize(
    ("attributes", "readings"),
    [
        ({}, {"temperature_c": 21.0, "relative_humidity_pct": 45.0}),
        ({"checksum": "xor"}, {"temperature_c": 21.0, "relative_humidity_pct": 45.0}),
        ({"format": "csv", "columns": ["t", "h", "u"]}, {"t": 21.0, "h": 45.0, "u": 21.0}),
        ({**PATTERN, "example": "T=7 shut"}, {"temperature_c": 7, "state": "shut"}),
    ],
)
async def test_on_the_mock_a_device_prints_what_the_config_expects(bench: Bench, attributes, readings):
    sensor = await bench.make("serial-sensor", "weather", serial_path=PORT, **attributes)
    await bench.wait(1.5)
    assert await sensor.get_readings() == readings


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"format": "xml"}, "format"),
        ({"format": "csv"}, "columns: is missing: format is 'csv'"),
        ({"format": "csv", "columns": []}, "columns"),
        ({"format": "csv", "columns": ["a", "a"]}, r"columns\[1\]: is 'a' again"),
        ({"format": "csv", "columns": ["a", ""]}, r"columns\[1\]: is empty"),
        ({"format": "csv", "columns": ["a"], "text_columns": ["b"]}, r"text_columns\[0\]: is none of columns: 'b'"),
        ({"format": "csv", "columns": ["a"], "delimiter": '"'}, "delimiter: cannot be"),
        ({"format": "csv", "columns": ["a"], "delimiter": ", "}, "delimiter"),
        ({"format": "csv", "columns": ["a"], "example": "x"}, 'example: does not fit the format: column "a"'),
        ({"columns": ["a"]}, "columns: belongs to format 'csv', and format is 'json'"),
        ({"format": "pattern"}, "pattern: is missing"),
        ({"format": "pattern", "pattern": "(?P<a>"}, "pattern: is no regular expression"),
        ({"format": "pattern", "pattern": r"T=(\d+)"}, "pattern: has no named group"),
        ({"format": "pattern", "pattern": "(?P<a>((x{99}){99}){99})"}, "pattern: has more than 400 characters, or"),
        ({"format": "pattern", "pattern": "(?P<a>x)" + "x" * 400}, "pattern: has more than 400 characters, or"),
        ({**PATTERN, "example": "T=1"}, "example: does not fit the format: the pattern does not fit"),
        ({"example": "{}"}, "example: has no reading in it"),
        ({"serial_path": "COM3"}, "must be the whole path of a serial port"),
        ({"max_age_ms": 1}, "max_age_ms"),
        ({"poll_interval_ms": 100}, "poll_interval_ms"),
    ],
)
async def test_mistakes_in_its_config(bench: Bench, attributes, message):
    with pytest.raises(ConfigError, match=message):
        await bench.make("serial-sensor", "weather", **{"serial_path": PORT, **attributes})


def test_a_pattern_that_takes_for_ever_is_given_up():
    parse = pattern_parser(r"(?P<a>.*)x.*y.*x.*y.*x.*y.*x.*y\d")
    began = time.monotonic()
    with pytest.raises(UnfitLineError, match="takes too long"):
        parse("xy" * 40_000)
    assert time.monotonic() - began < 5


def test_a_deep_object_is_no_readings():
    with pytest.raises(UnfitLineError):
        from_json("[" * 100_000)
    assert from_json(json.dumps({"a": {"b": {"c": None}}})) == {}


def test_lines_come_whole_however_the_bytes_come():
    text = b"cut\nfirst\r\n\nthird\n" + b"x" * 30 + b"\nfifth\nrest"
    for size in range(1, len(text)):
        splitter = LineSplitter(longest=20)
        lines = [line for i in range(0, len(text), size) for line in splitter.feed(text[i : i + size], i)]
        assert [line.data for line in lines] == [b"first", b"", b"third", b"fifth"]
        assert splitter.overlong == 1


def test_a_line_that_never_ends_takes_no_memory():
    splitter = LineSplitter(longest=20)
    splitter.feed(b"\n", 0)
    for _ in range(1000):
        assert splitter.feed(b"x" * 1000, 0) == []
    assert splitter.overlong == 1
    assert len(splitter._rest) <= 20
    assert splitter.feed(b"end\nwhole\n", 0) == [(b"whole", 0)]


async def test_a_line_whose_end_comes_late_is_as_old_as_its_beginning(bench: Bench):
    talker = arduino(bench, b'{"t": 1}\n')
    sensor = await make(bench, max_age_ms=2000)
    talker.say = lambda _: b""
    bench.world.serial(PORT).send(b'{"t": 2}')
    await bench.wait(3)
    bench.world.serial(PORT).send(b'\n{"t": 3')
    await bench.wait(0.1)
    with pytest.raises(StaleReadingError, match=r"is 3\.1 s old"):
        await sensor.get_readings()
    bench.world.serial(PORT).send(b"}\n")
    await bench.wait(0.1)
    assert await sensor.get_readings() == {"t": 3}


async def test_a_device_that_takes_its_bytes_slowly_holds_up_those_who_send_and_nobody_else(bench: Bench):
    arduino(bench, b"21.5,45,open\n", baud=1200)
    sensor = await bench.make("serial-sensor", "weather", serial_path=PORT, baud_rate=1200, **CSV)
    # More than the kernel keeps: at 1200 baud it is on its way for a minute.
    sends = [asyncio.ensure_future(sensor.do_command({"command": "send", "line": "x" * 199})) for _ in range(40)]
    gaps = []
    for _ in range(200):
        before_ns = bench.host.now_ns()
        await bench.wait(0.01)
        gaps.append(bench.host.now_ns() - before_ns)
    assert max(gaps) < 0.015 * SECOND
    assert not all(send.done() for send in sends)
    await sensor.close()
    await asyncio.wait(sends)
