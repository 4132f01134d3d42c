"""config.txt is read as this very Pi's firmware reads it."""

from pathlib import Path

import pytest

from pi_drivers.host.config_txt import ConfigTxt, filters_of
from tests.host.trees import CONFIG, PI_3, PI_4, PI_5, ZERO_2


def config(root: Path, text: str, model: str = PI_4, serial: str = "") -> ConfigTxt:
    (root / CONFIG).parent.mkdir(parents=True, exist_ok=True)
    (root / CONFIG).write_text(text)
    return ConfigTxt(root, model, serial)


@pytest.mark.parametrize(
    ("model", "section", "counts"),
    [
        (PI_4, "pi4", True),
        (PI_4, "pi5", False),
        (PI_4, "pi400", False),
        ("Raspberry Pi 400 Rev 1.0", "pi4", True),
        (PI_5, "pi5", True),
        (PI_5, "cm5", False),
        ("Raspberry Pi Compute Module 5 Rev 1.0", "cm5", True),
        (PI_3, "pi3", True),
        (PI_3, "pi3+", True),
        (ZERO_2, "pi02", True),
        (ZERO_2, "pi0", True),
        (ZERO_2, "pi4", False),
        (PI_4, "none", False),
        (PI_4, "tryboot", False),
        (PI_4, "all", True),
        (PI_4, "EDID=DEL-U2422H", True),
    ],
)
def test_a_line_in_a_section_counts_on_the_pis_the_section_is_for(tmp_path, model, section, counts):
    assert config(tmp_path, f"[{section}]\ndtparam=spi=on\n", model).is_on("spi") is counts


def test_sections_of_one_kind_replace_each_other_those_of_several_add_up_and_all_ends_them(tmp_path):
    text = "[pi5]\nfirst=1\n[pi4]\nsecond=1\n[none]\nthird=1\n[pi4]\nfourth=1\n[all]\nfifth=1\n"

    assert config(tmp_path, text).lines == ["second=1", "fifth=1"]


def test_a_section_for_one_serial_number_counts_on_that_pi_alone(tmp_path):
    text = "[0x12345678]\nenable_uart=1\n"

    assert config(tmp_path, text, serial="0000000012345678").value("enable_uart") == "1"
    assert config(tmp_path, text, serial="0000000087654321").value("enable_uart") == ""


def test_included_files_count_in_their_place_and_one_that_includes_itself_ends(tmp_path):
    found = config(tmp_path, "[pi5]\ninclude extra.txt\n[all]\ninclude extra.txt\ninclude missing.txt\n")
    assert found.lines == []
    (tmp_path / CONFIG).with_name("extra.txt").write_text("dtoverlay=w1-gpio\ninclude extra.txt\n")

    assert ConfigTxt(tmp_path, PI_4, "").has_overlay("w1-gpio")
    assert ConfigTxt(tmp_path, PI_4, "").lines == ["dtoverlay=w1-gpio"]


def test_a_file_that_includes_itself_often_or_what_no_file_can_be_called_is_read_once(tmp_path):
    text = "include config.txt\n" * 3 + "include a\0b\ninclude .\ndtoverlay=w1-gpio\n"

    assert config(tmp_path, text).lines == ["dtoverlay=w1-gpio"]


def test_comments_do_not_count(tmp_path):
    found = config(tmp_path, "#dtparam=i2c_arm=on\ndtparam=spi=on # the display\n")

    assert found.is_on("spi")
    assert not found.is_on("i2c_arm")


@pytest.mark.parametrize(
    ("text", "is_on"),
    [
        ("dtparam=i2c_arm=on", True),
        ("dtparam=i2c=on,spi=off", True),
        ("dtparam=i2c_arm", True),
        ("dtparam=i2c_arm=off", False),
        ("dtparam=i2c_arm=on\ndtparam=i2c_arm=off", False),
        ("dtparam=spi=on", False),
    ],
)
def test_the_last_word_on_a_parameter_counts(tmp_path, text, is_on):
    assert config(tmp_path, text).is_on("i2c_arm", "i2c") is is_on


def test_overlays_have_their_parameters_also_those_of_the_lines_after_them(tmp_path):
    found = config(tmp_path, "dtoverlay=w1-gpio,gpiopin=17\ndtoverlay=pwm\ndtparam=pin=12\ndtoverlay=\n").overlays()

    assert [(one.name, dict(one.parameters)) for one in found] == [
        ("w1-gpio", {"gpiopin": "17"}),
        ("pwm", {"pin": "12"}),
    ]


def test_older_systems_have_it_elsewhere_and_without_any_nothing_counts(tmp_path):
    assert ConfigTxt(tmp_path, PI_4, "").path == "/boot/firmware/config.txt"
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot/config.txt").write_text("enable_uart=1\n")

    assert ConfigTxt(tmp_path, PI_4, "").path == "/boot/config.txt"
    assert ConfigTxt(tmp_path, PI_4, "").value("enable_uart") == "1"


def test_another_maker_s_machine_sees_no_section_for_a_pi():
    assert filters_of("Jetson Nano") == ()
