"""Sentences as receivers of several makers print them, most of them from their manuals, and such as are none."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pi_drivers.models.movement_sensor.nmea_sentences import Antenna, Gga, Gsa, Gsv, Rmc, Vtg, sentences_of
from pi_drivers.models.movement_sensor.nmea_twin import sentence
from pi_drivers.models.serial_lines import UnfitLineError

KNOT = 1852 / 3600


def one(text: str) -> Any:
    (found,) = sentences_of(text.encode())
    return found


@pytest.mark.parametrize(
    ("text", "latitude", "longitude", "altitude", "quality", "satellites", "hdop"),
    [
        # u-blox 6 Receiver Description Including Protocol Specification, GGA.
        ("$GPGGA,092725.00,4717.11399,N,00833.91590,E,1,8,1.01,499.6,M,48.0,M,,0*5B", 47.2852332, 8.565265, 499.6, 1, 8,
         1.01),
        # SiRF NMEA Reference Manual, table B-2: no geoid, four digits of minutes, west.
        ("$GPGGA,161229.487,3723.2475,N,12158.3416,W,1,07,1.0,9.0,M,,,,0000*18", 37.3874583, -121.97236, 9.0, 1, 7,
         1.0),
        # GlobalTop FGPMMOPA6H data sheet (MediaTek MT3339).
        ("$GPGGA,064951.000,2307.1256,N,12016.4438,E,1,8,0.95,39.9,M,17.8,M,,*63", 23.11876, 120.2740633, 39.9, 1, 8,
         0.95),
        # Quectel L80 GPS Protocol Specification, section 2.3: an altitude with leading zeros.
        ("$GPGGA,015540.000,3150.68378,N,11711.93139,E,1,17,0.6,0051.6,M,0.0,M,,*58", 31.8447297, 117.1988565, 51.6, 1,
         17, 0.6),
        # Trimble R7/R8 User Guide, appendix A.3: eight digits, 86 characters.
        ("$GPGGA,172814.0,3723.46587704,N,12202.26957864,W,2,6,1.2,18.893,M,-25.669,M,2.0,0031*4F", 37.39109795,
         -122.03782631, 18.893, 2, 6, 1.2),
        # A Garmin GPS 18x, as it was heard at 4800 baud: no fractions of a second.
        ("$GPGGA,132734,4401.1226,N,08835.9993,W,2,10,0.8,240.3,M,-34.1,M,,*7E", 44.01871, -88.5999883, 240.3, 2, 10,
         0.8),
        # A Hemisphere VS100, as it was heard on a ship: 88 characters.
        ("$GPGGA,195959.00,1541.31258893,N,05130.51204125,W,2,06,1.5,9.2,M,-37.6,M,4.0,0138*7E", 15.68854315,
         -51.50853402, 9.2, 2, 6, 1.5),
    ],
)  # fmt: skip
def test_where_receivers_of_seven_makers_are(text, latitude, longitude, altitude, quality, satellites, hdop):
    found = one(text)
    assert isinstance(found, Gga)
    assert found.latitude_deg == pytest.approx(latitude)
    assert found.longitude_deg == pytest.approx(longitude)
    assert (found.altitude_m, found.quality, found.satellites, found.hdop) == (altitude, quality, satellites, hdop)


@pytest.mark.parametrize(
    ("text", "knots", "course", "utc"),
    [
        # u-blox 6 Receiver Description.
        ("$GPRMC,083559.00,A,4717.11437,N,00833.91522,E,0.004,77.52,091202,,,A*57", 0.004, 77.52,
         datetime(2002, 12, 9, 8, 35, 59, tzinfo=UTC)),
        # SiRF NMEA Reference Manual, RMC.
        ("$GPRMC,161229.487,A,3723.2475,N,12158.3416,W,0.13,309.62,120598,,*10", 0.13, 309.62,
         datetime(1998, 5, 12, 16, 12, 29, 487_000, tzinfo=UTC)),
        # GlobalTop FGPMMOPA6H data sheet.
        ("$GPRMC,064951.000,A,2307.1256,N,12016.4438,E,0.03,165.48,260406,3.05,W,A*2C", 0.03, 165.48,
         datetime(2006, 4, 26, 6, 49, 51, tzinfo=UTC)),
        # Quectel L80 GPS Protocol Specification, section 2.1.
        ("$GPRMC,013732.000,A,3150.7238,N,11711.7278,E,0.00,0.00,220413,,,A*68", 0.0, 0.0,
         datetime(2013, 4, 22, 1, 37, 32, tzinfo=UTC)),
        # A Garmin GPS 18x, as it was heard.
        ("$GPRMC,132734,A,4401.1226,N,08835.9993,W,000.0,000.0,200420,003.4,W*7F", 0.0, 0.0,
         datetime(2020, 4, 20, 13, 27, 34, tzinfo=UTC)),
        # A u-blox 9 that stands, as it was heard: no course, and the navigational status that NMEA 4.1 added is V.
        ("$GNRMC,200728.50,A,2829.34783,N,08122.21257,W,0.057,,301223,,,A,V*0F", 0.057, None,
         datetime(2023, 12, 30, 20, 7, 28, 500_000, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_how_they_move_and_what_time_it_is(text, knots, course, utc):
    found = one(text)
    assert isinstance(found, Rmc)
    assert (found.active, found.course_deg, found.utc) == (True, course, utc)
    assert found.speed_m_s == pytest.approx(knots * KNOT)


def test_speed_dilutions_satellites_and_antenna():
    # u-blox 6 Receiver Description; SiRF NMEA Reference Manual without the mode that later versions have.
    assert one("$GPVTG,77.52,T,,M,0.004,N,0.008,K,A*06") == Vtg(True, 0.004 * KNOT, 77.52)
    assert one("$GPVTG,309.62,T,,M,0.13,N,0.2,K*6E") == Vtg(True, 0.13 * KNOT, 309.62)
    assert one("$GPGSA,A,3,23,29,07,08,09,18,26,28,,,,,1.94,1.18,1.54*0D") == Gsa(1.94, 1.18, 1.54)
    # A u-blox NEO-6M, as it was heard indoors.
    assert one("$GPGSV,1,1,00*79") == Gsv("GP", "", 0)
    # With a signal behind the satellites, as NMEA 4.1 has it: L1 and L2C.
    assert one(sentence("GPGSV,1,1,01,07,50,100,40,1").decode()) == Gsv("GP", "1", 1)
    assert one(sentence("GPGSV,1,1,02,07,50,100,40,09,20,200,35,6").decode()) == Gsv("GP", "6", 2)
    assert one(sentence("GPGSV,1,1,00,1").decode()) == Gsv("GP", "1", 0)
    assert one("$GPTXT,01,01,02,ANTSTATUS=DONTKNOW*33") == Antenna("DONTKNOW")
    assert one(sentence("GPTXT,01,01,01,ANTENNA OPEN").decode()) == Antenna("OPEN")


def test_a_receiver_without_a_fix_has_no_coordinates_instead_of_0_and_0():
    # A u-blox NEO-6M, as it was heard indoors.
    found = one("$GPGGA,,,,,,0,00,99.99,,,,,,*48")
    assert found == Gga("", 0, None, None, None, 0, 99.99)
    assert one("$GPRMC,,V,,,,,,,,,,N*53") == Rmc("", False, None, None, None)
    assert one("$GPVTG,,,,,,,,,N*30") == Vtg(False, None, None)


def test_what_a_sirf_receiver_says_that_lost_its_fix_is_marked_though_all_numbers_are_there():
    # As it was heard.
    assert one("$GPRMC,075851.891,V,5611.5305,N,00302.0369,W,002.2,252.9,160411,,,N*68").active is False
    assert one("$GPVTG,252.9,T,,M,002.2,N,004.1,K,N*0B").active is False
    assert one("$GPGGA,075851.891,5611.5305,N,00302.0369,W,0,00,4.8,44.0,M,52.0,M,,0000*77").quality == 0


@pytest.mark.parametrize("talker", ["GP", "GN", "GL", "GA", "GB", "BD", "GQ", "QZ", "GI"])
def test_all_systems_are_understood(talker):
    found = one(sentence(f"{talker}GGA,120000,5230.000,N,01324.000,E,1,05,1.0,34.0,M,40.0,M,,").decode())
    assert isinstance(found, Gga)


@pytest.mark.parametrize(
    "text",
    ["$GPHDT,74.20,T*34", "$PUBX,40,GLL,0,0,0,0*5C", "$PMTK001,314,3*36", "$PGRME,,M,,M,,M*00",
     "$GPTXT,01,01,02,u-blox ag - www.u-blox.com*50"],
)  # fmt: skip
def test_sound_sentences_of_other_kinds_are_neither_used_nor_complained_about(text):
    assert sentences_of(text.encode()) == ()


WHOLE = "$GPRMC,083559.00,A,4717.11437,N,00833.91522,E,0.004,77.52,091202,,,A*57"


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_sentence_that_is_cut_anywhere_is_none(length):
    with pytest.raises(UnfitLineError):
        sentences_of(WHOLE[:length].encode())


def test_two_sentences_in_one_line_are_two_and_a_cut_one_before_a_whole_one_is_left_out():
    gga = "$GPGGA,092725.00,4717.11399,N,00833.91590,E,1,8,1.01,499.6,M,48.0,M,,0*5B"
    assert [type(found) for found in sentences_of((WHOLE + gga).encode())] == [Rmc, Gga]
    assert [type(found) for found in sentences_of((gga[:40] + WHOLE).encode())] == [Rmc]


def test_binary_messages_before_a_sentence_do_no_harm():
    # A UBX-ACK-ACK, and the head of an RTCM 3 message.
    assert len(sentences_of(b"\xb5\x62\x05\x01\x02\x00\x06\x00\x0e\x37" + WHOLE.encode())) == 1
    assert len(sentences_of(b"\xd3\x00\x13\x3e\xd7\xd3\x02\x24" + WHOLE.encode())) == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("GPGGA,120000,5260.000,N,01324.000,E,1,05,1.0,34.0,M,40.0,M,,", "its position is none"),
        ("GPGGA,120000,5230.000,,01324.000,E,1,05,1.0,34.0,M,40.0,M,,", "its position is none"),
        ("GPGGA,120000,,N,01324.000,E,1,05,1.0,34.0,M,40.0,M,,", "its position is none"),
        ("GPGGA,120000,5230.000,N,01324.000,W,,05,1.0,34.0,M,40.0,M,,", "no fix quality"),
        ("GPGGA,120000,9130.000,N,01324.000,E,1,05,1.0,34.0,M,40.0,M,,", "not on Earth"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,05,1.0,nan,M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,05,x,34.0,M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,05,1.0,1_0,M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,05,1.0,1e3,M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,05,1.0," + "9" * 400 + ",M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,05,-1.0,34.0,M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,-3,1.0,34.0,M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,8.7,1.0,34.0,M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,0_1,05,1.0,34.0,M,40.0,M,,", "a number is none"),
        ("GPGGA,120000,5230.000,N,01324.000,E,1,05,1.0,1000.0,F,40.0,M,,", "its altitude is not in metres"),
        ("GPGGA,+1+2+3,5230.000,N,01324.000,E,1,05,1.0,34.0,M,40.0,M,,", "its time is none"),
        ("GPRMC,120000,A,5230.000,N,01324.000,E,0.1,400.0,010326,,,A", "its course is none"),
        ("GPRMC,120000,A,5230.000,N,01324.000,E,-5.0,40.0,010326,,,A", "a number is none"),
        ("GPVTG,77.52,T,,M,-5.0,N,-9.3,K,A", "a number is none"),
        ("GPGSV,1,1,-3", "a number is none"),
    ],
)
def test_fields_that_are_none_make_no_values(body, why):
    with pytest.raises(UnfitLineError, match=why):
        sentences_of(sentence(body))


def test_the_oldest_form_of_vtg_has_other_numbers_in_these_places():
    assert one(sentence("GPVTG,054.7,034.4,005.5,010.2").decode()) == Vtg(False, None, None)


def test_a_second_that_clocks_do_not_have_makes_no_time():
    found = one(sentence("GPRMC,235960.00,A,5230.000,N,01324.000,E,0.1,40.0,311216,,,A").decode())
    assert isinstance(found, Rmc)
    assert found.utc is None
    assert found.speed_m_s == pytest.approx(0.1 * KNOT)
