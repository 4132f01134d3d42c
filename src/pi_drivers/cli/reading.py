"""From a JSON file to a `Machine`, with a line for everything that is wrong with the file's form.

viam-server's own format: a component has a `name`, an `api` (`rdk:component:motor`, or the older `type` and
`namespace`), a `model`, and may have `attributes` and `depends_on`. So has a service, in a section of its own. Services
of somebody else's models, and what else a machine config holds, are passed over, and named.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pi_drivers import registry
from pi_drivers.cli.json_mistakes import remedy
from pi_drivers.cli.machine import COMPONENT, MODEL_PREFIX, SERVICE, Component, Machine
from pi_drivers.config.plain import LARGEST_EXACT_FLOAT
from pi_drivers.config.wording import closest, did_you_mean, shown
from pi_drivers.errors import ConfigError

KEYS = ("name", "api", "type", "namespace", "model", "attributes", "depends_on")
VIAMS_KEYS = ("frame", "log_configuration", "service_configs", "notes")
"""What else a component may have; viam-server makes use of it, the module does not."""
RIGHT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
"""viam-server takes no other (utils.ValidateResourceName in viamrobotics/rdk)."""
EXAMPLES = {COMPONENT: "rdk:component:motor", SERVICE: "rdk:service:discovery"}


def read_machine(path: Path) -> Machine:
    """Read a machine config.

    Raises:
        ConfigError: the file cannot be read, or is no JSON object; the message says where.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
    return machine_from_text(text, str(path))


def machine_from_text(text: str, source: str) -> Machine:
    """The machine in a JSON text; `source` is the file's name for messages.

    Raises:
        ConfigError: no JSON, or no object.
    """
    duplicates: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        duplicates.extend(key for key in dict.fromkeys(keys) if keys.count(key) > 1)
        return dict(pairs)

    try:
        document = json.loads(text, object_pairs_hook=unique, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        hint = remedy(text, error.pos) or error.msg
        raise ConfigError(f"{source}:{error.lineno}:{error.colno}: not valid JSON: {hint}") from None
    except RecursionError:
        raise ConfigError(f"{source}: not valid JSON: nested too deeply") from None
    if not isinstance(document, dict):
        raise ConfigError(f'{source}: expected an object with "components", got {shown(document)}')
    repeated = [f"key {shown(key)} stands twice in one object; only the last would count" for key in duplicates]
    return _machine(document, repeated)


def _whole_number(digits: str) -> int | float:
    """A number as the module will get it: viam-server sends floats, and what is too large for one is infinite."""
    number = float(digits)
    return int(digits) if abs(number) <= LARGEST_EXACT_FLOAT else number


def _machine(document: Mapping[str, Any], problems: list[str]) -> Machine:
    sections = {COMPONENT: document.get("components", []), SERVICE: document.get("services", [])}
    for kind, entries in sections.items():
        if not isinstance(entries, list):
            return Machine((), (*problems, f"{kind}s: expected a list, got {shown(entries)}"))
    if "components" not in document and "services" not in document:
        hint = _perhaps_mistyped("components", document) or _perhaps_mistyped("services", document)
        problems = [*problems, f"components: is required{hint}"]
    read = [_read_entry(COMPONENT, index, entry) for index, entry in enumerate(sections[COMPONENT])]
    services = sections[SERVICE]
    read += [_read_entry(SERVICE, index, entry) for index, entry in enumerate(services) if _is_ours(entry)]
    components = tuple(one.component for one in read if one.component)
    found = [problem for one in read for problem in one.problems]
    others = frozenset(str(entry["name"]) for entry in services if not _is_ours(entry) and _has_name(entry))
    return Machine(
        components, (*problems, *found), bool(document.get("remotes")), tuple(_passed_over(document)), others
    )


def _passed_over(document: Mapping[str, Any]) -> Iterator[str]:
    for key, value in document.items():
        if key == "components" or not isinstance(value, dict | list) or not value:
            continue
        if key == "services" and any(map(_is_ours, value)):
            yield from (f"services[{index}]" for index, entry in enumerate(value) if not _is_ours(entry))
        else:
            yield key


def _is_ours(entry: object) -> bool:
    """Whether an entry names a model of ours, or a short or misspelt one."""
    model = entry.get("model") if isinstance(entry, dict) else None
    return isinstance(model, str) and (model.startswith(MODEL_PREFIX) or model in registry.MODELS)


def _has_name(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str)


class _Entry(NamedTuple):
    component: Component | None
    problems: list[str]


def _read_entry(kind: str, index: int, entry: object) -> _Entry:
    place = f"{kind}s[{index}]"
    if not isinstance(entry, dict):
        return _Entry(None, [f"{place}: expected an object, got {shown(entry)}"])
    name = entry.get("name")
    named = f"{place} {shown(name)}" if isinstance(name, str) else place
    problems = [f"{named}: {problem}" for problem in _form_problems(kind, entry)]
    if problems:
        return _Entry(None, problems)
    component = Component(
        index=index,
        name=str(name),
        subtype=_api(kind, entry).removeprefix(f"rdk:{kind}:"),
        model=entry["model"],
        attributes=entry.get("attributes") or {},
        depends_on=tuple(entry.get("depends_on") or ()),
        kind=kind,
        strangers=tuple(key for key in entry if key not in KEYS + VIAMS_KEYS),
    )
    return _Entry(component, [f"{component.place}: {problem}" for problem in _key_problems(entry)])


def _form_problems(kind: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """What keeps an entry from being a component, or a service, at all."""
    for key in ("name", "model"):
        if key not in entry:
            yield f"{key}: is required{_perhaps_mistyped(key, set(entry) - {*KEYS, *VIAMS_KEYS})}"
        elif not isinstance(entry[key], str) or not entry[key]:
            yield f"{key}: expected a string, got {shown(entry[key])}"
    yield from _name_problems(entry.get("name"))
    if not isinstance(entry.get("attributes"), dict | None):
        yield f"attributes: expected an object, got {shown(entry['attributes'])}"
    yield from _depends_on_problems(entry.get("depends_on"))
    yield from _api_problems(kind, entry)


def _name_problems(name: object) -> Iterator[str]:
    if isinstance(name, str) and name and not RIGHT_NAME.fullmatch(name):
        yield f"name: viam-server takes only letters, digits, - and _ (not first), at most 60 in all; got {shown(name)}"


def _depends_on_problems(depends_on: object) -> Iterator[str]:
    if depends_on is None:
        return
    if not isinstance(depends_on, list) or not all(isinstance(name, str) for name in depends_on):
        yield f"depends_on: expected a list of names, got {shown(depends_on)}"


def _key_problems(entry: Mapping[str, Any]) -> Iterator[str]:
    """Likely typos among keys; keys that resemble none of ours are viam-server's business."""
    for key in entry:
        hint = "" if key in KEYS + VIAMS_KEYS else did_you_mean(key, KEYS)
        if hint:
            yield f"{shown(key)[1:-1]}: unknown key{hint}"


def _perhaps_mistyped(key: str, others: Iterable[str]) -> str:
    guess = closest(key, others)
    return f" (is {shown(guess)} a typo?)" if guess else ""


def _api(kind: str, entry: Mapping[str, Any]) -> str:
    if isinstance(entry.get("api"), str):
        return str(entry["api"])
    return f"{entry.get('namespace') or 'rdk'}:{kind}:{entry.get('type')}"


def _api_problems(kind: str, entry: Mapping[str, Any]) -> Iterator[str]:
    model = entry.get("model")
    own = model.removeprefix(MODEL_PREFIX) if isinstance(model, str) and model.startswith(MODEL_PREFIX) else ""
    right = str(registry.api_of(own)) if own in registry.MODELS else ""
    other = SERVICE if kind == COMPONENT else COMPONENT
    if f":{other}:" in (right or _api(kind, entry)):
        yield f"model: {shown(model)} is a {other}; move this entry to {shown(f'{other}s')}"
        return
    if "api" not in entry and "type" not in entry:
        yield f"api: is required{f', for this model {shown(right)}' if right else ''}"
        return
    key = "api" if "api" in entry else "type"
    api = _api(kind, entry)
    if not isinstance(entry[key], str) or api.count(":") != 2:
        yield f"{key}: expected a text such as {shown(EXAMPLES[kind])}, got {shown(entry[key])}"
    elif right and api != right:
        yield f"{key}: this model is {shown(right)}, got {shown(entry[key])}"
