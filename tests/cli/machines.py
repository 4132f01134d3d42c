"""Machine configs for tests: a motor, an encoder and a sensor on a simulated Pi, to be spoiled as needed."""

import json
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


def entry(subtype: str, model: str, name: str, **attributes: Any) -> Entry:
    return {
        "name": name,
        "api": f"rdk:component:{subtype}",
        "model": f"bramble:pi-drivers:{model}",
        "attributes": attributes,
    }


def board(name: str = "pi", **attributes: Any) -> Entry:
    return entry("board", "board", name, **{"backend": "mock", **attributes})


def encoder(name: str = "turns", a: str = "11", b: str = "13", **attributes: Any) -> Entry:
    return entry("encoder", "incremental-encoder", name, **{"board": "pi", "pins": {"a": a, "b": b}, **attributes})


def motor(name: str = "wheel", a: str = "29", b: str = "31", pwm: str = "22", **attributes: Any) -> Entry:
    settings = {"board": "pi", "pins": {"a": a, "b": b, "pwm": pwm}, "max_rpm": 100, **attributes}
    return entry("motor", "dc-motor", name, **settings)


def sensor(name: str = "air", **attributes: Any) -> Entry:
    return entry("sensor", "sht31", name, **{"backend": "mock", "i2c_bus": 1, **attributes})


def text_of(*entries: object, **others: Any) -> str:
    return json.dumps({"components": list(entries), **others})


def file_of(directory: Path, *entries: object, **others: Any) -> Path:
    path = directory / "machine.json"
    path.write_text(text_of(*entries, **others), encoding="utf-8")
    return path
