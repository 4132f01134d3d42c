"""A config with mistakes gets one message that names each of them, where it stands, in the user's words."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from google.protobuf.struct_pb2 import Struct
from pydantic import AliasChoices, Field

from pi_drivers.config.attributes import (
    Attributes,
    Part,
    PolledAttributes,
    Problem,
    dependency,
    json_schema,
    parse,
    plain_attributes,
    poll_interval_field,
)
from pi_drivers.config.fields import ResourceNameText
from pi_drivers.config.pins import PinName, header_pin_problems
from pi_drivers.config.plain import plain_value
from pi_drivers.errors import ConfigError

WHERE = 'motor "left"'
PIN_17 = 'pin 17 is 3.3 V power, not a GPIO: it cannot be read or switched. If GPIO17 is meant, write "GPIO17" or "11"'

NO_RESOURCE_NAME = (
    'must be a name of letters, digits, "-", "_" and "." ("remote:name" for one on a remote), or a full name such as '
    '"rdk:component:board/pi"'
)


class Pins(Part):
    a: PinName | None = Field(default=None, description="First pin.")
    pwm: PinName | None = Field(default=None, description="Pulses.")

    def problems(self) -> Iterator[Problem]:
        yield from header_pin_problems({"a": self.a, "pwm": self.pwm}, None)


class Interrupt(Part):
    name: str = Field(description="Its name.")
    pin: PinName = Field(description="Its pin.")


class MotorAttributes(Attributes):
    pins: Pins = Field(description="Wiring.")
    max_rpm: float | None = Field(default=None, gt=0, description="Speed at full power, in rpm.")
    encoder: ResourceNameText | None = Field(default=None, description="Its encoder.")
    low: float = Field(
        default=0,
        ge=0,
        le=100,
        validation_alias=AliasChoices("low", "min"),
        description="Lower end, in degrees.",
    )
    high: float = Field(default=100, ge=0, le=100, description="Upper end, in degrees.")
    count: int = Field(default=1, description="How many.")
    short: str | None = Field(default=None, max_length=3, description="A short text.")
    kind: Literal["coast", "brake"] = Field(default="coast", description="How to stop.")
    range: Literal[2, 4, 8, 16] = Field(default=2, description="The largest value, in g.")
    chip_select: Literal["ce0", "ce1"] | Annotated[int, Field(ge=0, le=1)] = Field(default="ce0", description="Line.")
    interrupts: tuple[Interrupt, ...] = Field(default=(), description="Interrupts.")
    by_label: dict[str, Interrupt] = Field(default={}, description="Interrupts by label.")

    def problems(self) -> Iterator[Problem]:
        if self.low is not None and self.high is not None and self.low >= self.high:
            yield Problem("low", f"must be below high ({self.high}), got {self.low}")
        if not self.given("encoder") and self.max_rpm is None:
            yield Problem("max_rpm", "is required without an encoder")

    def required_dependencies(self) -> list[str]:
        return [dependency("encoder", self.encoder)] if self.encoder else []


class SensorAttributes(PolledAttributes):
    poll_interval_ms: int = poll_interval_field(500)


def complaint(attributes: dict[str, object], *, right: bool = True) -> str:
    """The message for these attributes; `right` adds what is required, rightly."""
    base: dict[str, object] = {"pins": {"a": "11"}, "max_rpm": 100} if right else {}
    with pytest.raises(ConfigError) as caught:
        parse(MotorAttributes, base | attributes, WHERE)
    return str(caught.value)


def sent(attributes: dict[str, Any]) -> dict[str, object]:
    """What arrives after a trip over the wire."""
    struct = Struct()
    struct.update(attributes)
    return dict(plain_attributes(Struct.FromString(struct.SerializeToString())))


def test_good_attributes_become_a_frozen_object():
    config = parse(MotorAttributes, {"pins": {"a": "11"}, "max_rpm": 100, "min": 5}, WHERE)

    assert (config.pins.a, config.max_rpm, config.low, config.kind) == ("11", 100.0, 5.0, "coast")
    with pytest.raises(ValueError, match="frozen"):
        setattr(config, "low", 7)  # noqa: B010 - written this way the type checker lets it pass


def test_a_list_becomes_a_tuple_of_parts():
    config = parse(
        MotorAttributes,
        {
            "pins": {},
            "max_rpm": 1,
            "interrupts": [{"name": "x", "pin": "11"}],
            "by_label": {"y": {"name": "z", "pin": "3"}},
        },
        WHERE,
    )

    assert config.interrupts == (Interrupt(name="x", pin="11"),)
    assert config.by_label["y"].name == "z"


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"pins": None}, "pins: is required"),
        ({"count": 17.5}, "count: expected a whole number, got 17.5"),
        ({"count": True}, "count: expected a whole number, got true"),
        ({"count": 1e300}, "count: expected a whole number, got 1e+300"),
        ({"max_rpm": True}, "max_rpm: expected a number, got true"),
        ({"max_rpm": "fast"}, 'max_rpm: expected a number, got "fast"'),
        ({"max_rpm": 0}, "max_rpm: must be above 0, got 0"),
        ({"max_rpm": float("nan")}, "max_rpm: expected a finite number, got NaN"),
        ({"max_rpm": float("inf")}, "max_rpm: expected a finite number, got an infinite number"),
        ({"high": 250}, "high: must be between 0 and 100, got 250"),
        ({"min": -3}, "min: must be between 0 and 100, got -3"),
        ({"min": 5, "low": 4}, 'min: is another name for "low", which is given too: keep one of them'),
        ({"kind": "braek"}, 'kind: must be one of "coast", "brake", got "braek" (did you mean "brake"?)'),
        ({"range": "2"}, 'range: must be one of 2, 4, 8, 16, got "2": a number has no quotes'),
        ({"range": "20"}, 'range: must be one of 2, 4, 8, 16, got "20"'),
        ({"range": 3}, "range: must be one of 2, 4, 8, 16, got 3"),
        ({"chip_select": True}, 'chip_select: expected a whole number or one of "ce0", "ce1", got true'),
        ({"backend": "mok"}, 'backend: must be one of "real", "mock", got "mok" (did you mean "mock"?)'),
        ({"pins": "11"}, 'pins: expected an object, got "11"'),
        ({"pins": {"a": 11}}, 'pins.a: write it as a string: "11"'),
        ({"pins": {"a": True}}, "pins.a: expected a string, got true"),
        ({"interrupts": [{"name": "x", "pin": ""}]}, "interrupts[0].pin: is required"),
        ({"encoder": "a/b"}, f'encoder: {NO_RESOURCE_NAME}, got "a/b"'),
        ({"encoder": "rdk:component:encoder/"}, f'encoder: {NO_RESOURCE_NAME}, got "rdk:component:encoder/"'),
        ({"encoder": "e 1"}, f'encoder: {NO_RESOURCE_NAME}, got "e 1"'),
        ({"short": "four"}, 'short: must have at most 3 characters, got "four"'),
        ({"pins": {"pwn": "11"}}, 'pins.pwn: unknown key (did you mean "pwm"?); allowed are a, pwm'),
        ({"interrupts": {"name": "x"}}, "interrupts: expected a list, got an object"),
        ({"interrupts": [{"name": "x", "pin": "3"}, {"name": "y"}]}, "interrupts[1].pin: is required"),
        ({"interrupts": [None]}, "interrupts[0]: expected an object, got null"),
        ({"by_label": {"my pin": {"name": "x"}}}, 'by_label["my pin"].pin: is required'),
        ({"encoder": ["e"]}, "encoder: expected a string, got a list"),
    ],
)
def test_one_mistake_is_one_line_with_its_path(attributes, said):
    assert complaint(attributes) == f"{WHERE}: {said}"


def test_an_unknown_key_is_answered_with_a_guess_and_all_allowed_keys():
    said = complaint({"max_rmp": 3})

    assert 'max_rmp: unknown key (did you mean "max_rpm"?); allowed are backend, pins, max_rpm, encoder, low' in said


def test_a_number_of_the_right_type_out_of_range_beats_the_other_members_of_a_union():
    assert "chip_select: must be at most 1, got 7" in complaint({"chip_select": 7})


def test_a_typo_does_not_hide_that_min_is_above_max_nor_that_a_pin_is_impossible():
    said = complaint(
        {"count": "x", "low": 50, "high": 20, "pins": {"a": "17", "pwm": 12}, "max_rpm": None}, right=False
    ).splitlines()

    assert said[0] == f"{WHERE}: 5 problems in its attributes"
    assert said[1:] == [
        '- pins.pwm: write it as a string: "12"',
        '- count: expected a whole number, got "x"',
        "- low: must be below high (20.0), got 50.0",
        "- max_rpm: is required without an encoder",
        "- pins.a: " + PIN_17,
    ]


def test_the_broken_field_itself_is_reported_once_and_counts_as_given():
    assert complaint({"max_rpm": "fast"}).count("max_rpm") == 1
    assert "max_rpm" not in complaint({"max_rpm": None, "encoder": 5})


def test_a_rule_that_stumbles_over_a_gap_does_not_replace_the_report():
    class Careless(Attributes):
        low: int
        high: int

        def problems(self) -> Iterator[Problem]:
            yield Problem("high", "is never right")
            if self.low > self.high:
                yield Problem("low", "must be below high")

    with pytest.raises(ConfigError) as caught:
        parse(Careless, {"high": 3}, WHERE)

    assert str(caught.value).splitlines()[1:] == ["- low: is required", "- high: is never right"]


def test_a_bug_in_a_rule_shows_when_the_fields_are_right():
    class Buggy(Attributes):
        def problems(self) -> Iterator[Problem]:
            yield Problem("x", str(1 // 0))

    with pytest.raises(ZeroDivisionError):
        parse(Buggy, {}, WHERE)


def test_a_whole_number_arrives_as_float_and_is_taken_as_whole():
    config = parse(MotorAttributes, sent({"pins": {"a": "11"}, "max_rpm": 100, "count": 17}), WHERE)

    assert config.count == 17
    assert isinstance(config.count, int)


def test_null_is_absent_at_every_level_but_not_in_a_list():
    assert sent({"a": None, "b": {"c": None, "d": 1.5}, "e": [None, True]}) == {
        "b": {"d": 1.5},
        "e": [None, True],
    }
    assert parse(MotorAttributes, sent({"backend": None, "pins": {"a": None}, "max_rpm": 1}), WHERE).backend is None


def test_an_empty_text_is_absent_at_every_level_but_not_in_a_list():
    written = {"a": "", "b": {"c": "", "d": " "}, "e": ["", "x"]}

    assert sent(written) == {"b": {"d": " "}, "e": ["", "x"]}
    assert plain_value(written) == {"b": {"d": " "}, "e": ["", "x"]}


def test_a_required_text_that_is_empty_is_missing_and_an_optional_one_is_not_given():
    config = parse(MotorAttributes, {"pins": {"a": ""}, "max_rpm": 1, "encoder": "", "backend": ""}, WHERE)

    assert (config.pins.a, config.encoder, config.backend) == (None, None, None)
    assert not config.given("encoder")
    assert complaint({"by_label": {"x": {"name": "", "pin": "3"}}}) == f"{WHERE}: by_label.x.name: is required"


@pytest.mark.parametrize("name", ["e1", "left-encoder_2.b", "remote:e1", "rdk:component:encoder/e1", "a:b:c/r:e1"])
def test_a_resource_is_named_plainly_or_in_full(name):
    assert parse(MotorAttributes, {"pins": {}, "encoder": name}, WHERE).encoder == name


def test_a_pin_name_that_is_too_long_is_told_in_characters():
    assert complaint({"pins": {"a": "x" * 101}}).startswith(f"{WHERE}: pins.a: must have at most 100 characters, got")


def test_reading_the_attributes_leaves_the_struct_as_it_was():
    struct = Struct()
    struct.update({"pins": {"a": "11"}, "none": None})
    before = struct.SerializeToString(deterministic=True)

    plain_attributes(struct)

    assert struct.SerializeToString(deterministic=True) == before


def test_hostile_attributes_are_refused_in_a_short_message():
    said = complaint({"kind": "x" * 1_000_000, "k" * 1_000_000: 1, **{f"key{i}": i for i in range(5000)}})

    assert said.startswith(f"{WHERE}: 5002 problems")
    assert said.endswith("... and 4982 more")
    assert len(said) < 10_000


def test_deep_nesting_is_refused_by_name():
    deep: dict[str, Any] = {}
    for _ in range(60):
        deep = {"x": deep}
    struct = Struct()
    struct.update(deep)

    assert complaint(deep) == f"{WHERE}: attributes are nested deeper than 40 levels; no model takes that"
    with pytest.raises(ConfigError, match="deeper than 40 levels"):
        plain_attributes(struct)


def test_control_characters_in_a_key_cannot_forge_a_line():
    assert "\n" not in complaint({"x\n- pins.a: fine": 1})


def test_a_reading_may_be_five_polls_old_but_at_least_two_seconds():
    assert parse(SensorAttributes, {}, WHERE).effective_max_age_ms == 2500
    assert parse(SensorAttributes, {"poll_interval_ms": 100}, WHERE).effective_max_age_ms == 2000
    assert parse(SensorAttributes, {"max_age_ms": 700}, WHERE).effective_max_age_ms == 700


def test_a_maximum_age_below_the_poll_interval_is_a_problem():
    with pytest.raises(ConfigError, match=r"max_age_ms: must not be below poll_interval_ms \(500\), got 100"):
        parse(SensorAttributes, {"max_age_ms": 100}, WHERE)


def test_dependencies_are_full_names():
    assert dependency("board", "pi") == "rdk:component:board/pi"
    assert dependency("board", "rdk:component:board/other") == "rdk:component:board/other"
    config = parse(MotorAttributes, {"pins": {}, "encoder": "e1"}, WHERE)
    assert config.required_dependencies() == ["rdk:component:encoder/e1"]
    assert list(config.optional_dependencies()) == []


def test_asking_for_a_field_that_does_not_exist_is_a_bug_of_the_author():
    with pytest.raises(AttributeError, match="no field 'enkoder'"):
        parse(MotorAttributes, {"pins": {}, "encoder": "e1"}, WHERE).given("enkoder")


def test_the_json_schema_has_descriptions_defaults_ranges_and_aliases():
    schema = json_schema(MotorAttributes)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["pins"]
    assert schema["properties"]["low"] | {"title": ""} == {
        "title": "", "type": "number", "default": 0, "minimum": 0, "maximum": 100,
        "description": "Lower end, in degrees.",
    }  # fmt: skip
    assert schema["properties"]["min"]["description"] == "Another name for `low`."
    assert {"not": {"required": ["low", "min"]}} in schema["allOf"]


def test_the_json_schema_lets_an_alias_stand_for_a_required_name():
    class Analog(Attributes):
        channel: int = Field(validation_alias=AliasChoices("channel", "pin"), description="Its channel.")

    schema = json_schema(Analog)

    assert schema["required"] == []
    assert schema["allOf"] == [{"oneOf": [{"required": ["channel"]}, {"required": ["pin"]}]}]
