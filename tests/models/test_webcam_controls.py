"""What can be set on a webcam: by the config when it is opened, and by a command while it runs."""

import math
from dataclasses import replace
from typing import Any

import pytest
from grpclib import GRPCError, Status

from pi_drivers.buses.video import answers
from pi_drivers.buses.video.contract import Control
from pi_drivers.errors import ConfigError
from tests.models.conftest import Bench
from tests.models.webcams import SMALL, plug_in, refusal_of, seen_by, webcam

MANUAL = {"auto_exposure": "Manual Mode", "exposure_time_absolute": 78}


async def set_on(client: Any, **controls: Any) -> Any:
    answer = await client.do_command({"command": "set_controls", "controls": controls})
    return dict(answer)


async def values_of(client: Any) -> dict[str, Any]:
    listed = await client.do_command({"command": "controls"})
    return {name: control["value"] for name, control in listed.items()}


async def test_controls_are_listed_with_what_they_can_have(bench: Bench):
    listed = await (await webcam(bench)).do_command({"command": "controls"})

    assert listed["brightness"] == {"kind": "integer", "value": 0, "default": 0, "range": "-64 to 64"}
    assert listed["focus_absolute"]["range"] == "0 to 250 in steps of 5"
    assert listed["focus_absolute"]["inactive"] is True
    assert listed["auto_exposure"]["range"] == '1 ("Manual Mode") or 3 ("Aperture Priority Mode")'
    assert listed["white_balance_automatic"] == {
        "kind": "boolean", "value": True, "default": True, "range": "0 (off) or 1 (on)",
    }  # fmt: skip


async def test_what_the_config_sets_is_seen_in_the_first_picture_and_read_back(bench: Bench):
    client = await webcam(bench, controls={"brightness": -64, "power_line_frequency": "60 hz", "gain": 7})

    assert (await seen_by(client)).brightness == pytest.approx(0.5, abs=0.02)
    values = await values_of(client)
    assert (values["brightness"], values["power_line_frequency"], values["gain"]) == (-64, 2, 7)


@pytest.mark.parametrize("automatic", ["Manual Mode", "manual mode", 1])
async def test_what_switches_an_automatism_off_is_set_before_what_it_would_overrule(bench: Bench, automatic):
    wanted = {
        "auto_exposure": automatic,
        "exposure_time_absolute": 78,
        "focus_absolute": 30,
        "focus_automatic_continuous": False,
        "white_balance_temperature": 4000,
        "white_balance_automatic": False,
    }
    client = await webcam(bench, controls=wanted)

    assert (await seen_by(client)).brightness == pytest.approx(78 / 157, abs=0.02)
    assert wanted.items() <= (await values_of(client) | {"auto_exposure": automatic}).items()
    listed = await client.do_command({"command": "controls"})
    assert not [name for name, control in listed.items() if "inactive" in control]


async def test_what_would_be_overruled_by_an_automatism_that_is_set_with_it_is_refused_and_nothing_is_set(bench: Bench):
    client = await webcam(bench, controls=MANUAL)
    before = await values_of(client)
    with pytest.raises(GRPCError, match=r"exposure_time_absolute has no effect .*: set auto_exposure to 1 first"):
        await set_on(client, auto_exposure=3, exposure_time_absolute=20, brightness=10)

    assert await values_of(client) == before


async def test_a_switch_takes_true_and_false(bench: Bench):
    client = await webcam(bench, controls={"focus_absolute": 30, "focus_automatic_continuous": False})
    assert (await values_of(client))["focus_absolute"] == 30
    answer = await set_on(client, focus_automatic_continuous=True)

    assert answer == {"focus_automatic_continuous": True}
    assert await set_on(client, focus_automatic_continuous=0) == {"focus_automatic_continuous": False}


async def test_a_command_sets_them_while_the_camera_runs(bench: Bench):
    client = await webcam(bench)
    assert await set_on(client, **MANUAL, brightness=32) == {
        "auto_exposure": 1, "exposure_time_absolute": 78, "brightness": 32,
    }  # fmt: skip
    await bench.wait(0.2)

    assert (await seen_by(client)).brightness == pytest.approx(78 / 157 * 1.25, abs=0.02)
    status = await client.get_status()
    assert (status["openings"], status["lost_frames"], status["failures"]) == (1, 0, 0)


REFUSALS = [
    ({"brightnes": 1}, r'no control "brightnes" \(did you mean "brightness"\?\); it has: auto_exposure, backlight'),
    ({"brightness": 65}, "brightness must be -64 to 64, got 65"),
    ({"brightness": 1.5}, "brightness must be a whole number, -64 to 64, got 1.5"),
    ({"brightness": "high"}, 'brightness must be -64 to 64, got "high"'),
    ({"brightness": True}, "brightness must be -64 to 64, got true"),
    ({"focus_automatic_continuous": False, "focus_absolute": 7}, "focus_absolute must be 0 to 250 in steps of 5"),
    ({"auto_exposure": 2}, r'auto_exposure must be 1 \("Manual Mode"\) or 3 \("Aperture Priority Mode"\), got 2'),
    ({"auto_exposure": "auto"}, r'auto_exposure must be 1 \("Manual Mode"\) or 3 .*, got "auto"'),
    ({"white_balance_automatic": 2}, r"white_balance_automatic must be 0 \(off\) or 1 \(on\), got 2"),
    ({"exposure_time_absolute": 78}, "exposure_time_absolute has no effect while .*: set auto_exposure to 1 first"),
    ({"focus_absolute": 5}, "focus_absolute has no effect while .*: set focus_automatic_continuous to 0 first"),
    ({"brightness": 10, "exposure_time_absolute": 78}, "exposure_time_absolute has no effect .*: set auto_exposure to"),
    ({"gain": 5, "focus_absolute": 5, "auto_exposure": 1}, "focus_absolute has no effect .*: set focus_automatic_cont"),
    ({"focus_automatic_continuous": 1, "focus_absolute": 5}, "focus_absolute has no effect .*: set focus_automatic_co"),
]


@pytest.mark.parametrize(("controls", "refusal"), REFUSALS)
async def test_what_cannot_be_set_is_refused_by_the_command_and_nothing_else_is_set(bench: Bench, controls, refusal):
    client = await webcam(bench)
    before = await values_of(client)
    with pytest.raises(GRPCError, match=f"/dev/video0: .*{refusal}") as caught:
        await set_on(client, **controls)

    assert caught.value.status is Status.INVALID_ARGUMENT
    assert await values_of(client) == before


@pytest.mark.parametrize(("controls", "refusal"), REFUSALS)
async def test_what_cannot_be_set_by_the_config_is_an_error_of_the_config(bench: Bench, controls, refusal):
    plug_in(bench)
    with pytest.raises(ConfigError, match=f'^camera "front": controls: /dev/video0: .*{refusal}'):
        await bench.make("webcam", "front", controls=controls, **SMALL)

    assert "no picture yet" in (await refusal_of(await bench.client(bench.newest)))[1]


@pytest.mark.parametrize("controls", [[], "brightness", None, 5])
async def test_a_command_without_controls_is_refused(bench: Bench, controls):
    with pytest.raises(GRPCError, match='"controls" must be an object of names and values') as caught:
        await (await webcam(bench)).do_command({"command": "set_controls", "controls": controls})

    assert caught.value.status is Status.INVALID_ARGUMENT


async def test_what_a_command_has_set_ends_with_the_camera(bench: Bench):
    client = await webcam(bench, controls={"gain": 5})
    await set_on(client, gain=50)
    twin = bench.world.cameras.named("/dev/video0")
    with bench.world.held():
        twin.unplug()
        twin.plug_in()
    await bench.wait(2)

    assert (await values_of(client))["gain"] == 5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
async def test_what_is_no_number_or_a_huge_one_is_refused_with_the_range(bench: Bench, value):
    with pytest.raises(GRPCError, match="brightness must be -64 to 64, got ") as caught:
        await set_on(await webcam(bench), brightness=value)

    assert caught.value.status is Status.INVALID_ARGUMENT
    assert len(caught.value.message or "") < 100


def with_shutter_priority(bench: Bench) -> None:
    twin = plug_in(bench)
    menu = twin._controls["auto_exposure"]
    twin._controls["auto_exposure"] = replace(menu, choices={**menu.choices, 2: "Shutter Priority Mode"})


async def test_with_shutter_priority_the_exposure_time_is_one_s_own(bench: Bench):
    with_shutter_priority(bench)
    client = await webcam(bench, controls={"auto_exposure": 2, "exposure_time_absolute": 100})
    assert (await values_of(client))["exposure_time_absolute"] == 100

    assert await set_on(client, exposure_time_absolute=50) == {"exposure_time_absolute": 50}


def with_an_unknown_switch(bench: Bench) -> None:
    """The camera's driver says that the gain has no effect unless exposure is manual; nothing here knows of that."""
    twin = plug_in(bench)
    controls = twin.controls

    def hidden() -> list[Control]:
        is_manual = twin._controls["auto_exposure"].value == 1
        return [replace(one, inactive=not is_manual) if one.name == "gain" else one for one in controls()]

    twin.controls = hidden  # type: ignore[method-assign]


async def test_what_has_no_effect_for_an_unknown_reason_can_be_set_with_what_gives_it_one(bench: Bench):
    with_an_unknown_switch(bench)
    client = await webcam(bench, controls={"gain": 10, "auto_exposure": 1})

    assert (await values_of(client))["gain"] == 10


async def test_what_has_no_effect_for_an_unknown_reason_is_refused_by_the_camera_or_beforehand(bench: Bench):
    with_an_unknown_switch(bench)
    client = await webcam(bench)
    before = await values_of(client)
    refusal = "gain has no effect as the camera's other controls are now; is one automatic"
    with pytest.raises(GRPCError, match=refusal):
        await set_on(client, gain=10, brightness=5)
    assert await values_of(client) == before

    with pytest.raises(GRPCError, match=refusal):
        await set_on(client, gain=10, brightness=5, focus_automatic_continuous=False)
    assert await values_of(client) == before | {"focus_automatic_continuous": False, "brightness": 5}


async def test_a_control_that_is_held_as_it_is_makes_no_camera_pass_for_used_elsewhere(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    first = plug_in(bench)
    plug_in(bench, "/dev/video1")

    def fixed(name: str, value: float) -> float:
        raise answers.fixed_while_running("/dev/video0", name)

    monkeypatch.setattr(first, "set_control", fixed)
    with pytest.raises(ConfigError, match=r'^camera "front": controls: /dev/video0: brightness cannot be'):
        await bench.make("webcam", "front", controls={"brightness": 3}, **SMALL)
