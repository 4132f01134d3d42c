"""A machine config whose form is wrong is answered with the place and the remedy."""

import math

import pytest

from pi_drivers.cli.machine import Machine
from pi_drivers.cli.reading import machine_from_text, read_machine
from pi_drivers.errors import ConfigError
from tests.cli.machines import board, motor, sensor, text_of


def read(text: str) -> Machine:
    return machine_from_text(text, "m.json")


def test_a_component_is_read_with_its_api_model_attributes_and_dependencies():
    (one,) = read(text_of(motor() | {"depends_on": ["pi"]})).components

    assert (one.label, one.full_name, one.model_name) == (
        'motor "wheel"',
        "rdk:component:motor/wheel",
        "dc-motor",
    )
    assert one.attributes["pins"] == {"a": "29", "b": "31", "pwm": "22"}
    assert one.depends_on == ("pi",)


def test_the_older_way_to_name_an_api_is_read_too():
    entry = {"name": "pi", "namespace": "rdk", "type": "board", "model": "bramble:pi-drivers:board"}
    (one,) = read(text_of(entry)).components

    assert one.full_name == "rdk:component:board/pi"
    assert one.attributes == {}


def test_a_component_becomes_what_viam_server_would_send():
    (one,) = read(text_of(sensor() | {"depends_on": ["pi"]})).components
    proto = one.proto()

    assert (proto.name, proto.api, proto.model) == ("air", "rdk:component:sensor", "bramble:pi-drivers:sht31")
    assert proto.attributes.fields["i2c_bus"].number_value == 1
    assert list(proto.depends_on) == ["pi"]


def test_a_syntax_error_is_told_with_line_and_column():
    with pytest.raises(ConfigError, match=r"m\.json:2:15: not valid JSON: Expecting"):
        read('{\n "components" [] }')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,}', "not valid JSON: remove the comma before the closing bracket"),
        ('{"a": [1, 2,\n]\n}', "remove the comma before the closing bracket"),
        ('{ // my robot\n"a": 1}', "JSON has no comments: remove it"),
        ('{"a": 1 # one\n}', "JSON has no comments: remove it"),
        ("{'a': 1}", 'put texts in plain double quotes, "'),
        ("{\u201ca\u201d: 1}", 'put texts in plain double quotes, "'),
        ('{"i2c_addr": 0x44}', 'write a hexadecimal number as a text, such as "0x44"'),
        ('{"invert": True}', "it is written true, false or null"),
        ('{"a" 1}', "m.json:1:6: not valid JSON: Expecting ':' delimiter"),
        ('{"a": [1, 2}', "Expecting ',' delimiter"),
    ],
)
def test_what_beginners_take_for_json_is_told_with_what_to_change(text, said):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", 'expected an object with "components", got a list'),
        ("[" * 100_000, "nested too deeply"),
        ("", "not valid JSON"),
    ],
)
def test_what_is_no_machine_config_at_all_is_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        read(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "components: is required"),
        ('{"component": []}', 'components: is required (is "component" a typo?)'),
        ('{"components": {}}', "components: expected a list, got an object"),
        ('{"components": [3]}', "components[0]: expected an object, got 3"),
        (text_of(board() | {"name": ""}), 'components[0] "": name: expected a string, got ""'),
        (text_of(board() | {"attributes": None, "depends_on": None}), None),
        (text_of(board() | {"attributes": []}),
         'components[0] "pi": attributes: expected an object, got a list'),
        (text_of(board() | {"depends_on": "x"}),
         'components[0] "pi": depends_on: expected a list of names, got "x"'),
        (text_of(board() | {"api": "board"}),
         'components[0] "pi": api: expected a text such as "rdk:component:motor", got "board"'),
        (text_of(board() | {"api": "rdk:component:motor"}),
         'components[0] "pi": api: this model is "rdk:component:board", got "rdk:component:motor"'),
        (text_of({"name": "pi", "model": "bramble:pi-drivers:board"}),
         'components[0] "pi": api: is required, for this model "rdk:component:board"'),
        (text_of({"name": "pi", "modle": "x", "api": "rdk:component:board"}),
         'components[0] "pi": model: is required (is "modle" a typo?)'),
        (text_of(board() | {"atributes": {}}),
         'components[0] board "pi": atributes: unknown key (did you mean "attributes"?)'),
        (text_of(board() | {"frame": {}, "log_configuration": {}}), None),
        ('{"components": [], "x": {"pin": 1, "pin": 2}}',
         'key "pin" stands twice in one object; only the last would count'),
    ],
)  # fmt: skip
def test_each_mistake_of_form_is_told_with_its_place(text, said):
    assert list(read(text).problems) == ([] if said is None else [said])


@pytest.mark.parametrize(
    ("written", "got"),
    [("12", 12), ("-9007199254740992", -(2**53)), ("99999999999999999999", 1e20), ("9" * 5000, math.inf)],
)
def test_a_number_is_read_as_viam_server_would_send_it(written, got):
    (one,) = read(text_of(sensor()).replace('"i2c_bus": 1', f'"i2c_bus": {written}')).components

    assert one.attributes["i2c_bus"] == got
    assert one.proto().attributes["i2c_bus"] == got


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path):
    (tmp_path / "latin.json").write_bytes(b'{"components": "\xe4"}')

    with pytest.raises(ConfigError, match="not UTF-8 text"):
        read_machine(tmp_path / "latin.json")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_machine(tmp_path)


def test_a_byte_order_mark_is_no_problem(tmp_path):
    (tmp_path / "m.json").write_bytes(b"\xef\xbb\xbf" + text_of(board()).encode())

    assert len(read_machine(tmp_path / "m.json").components) == 1
