"""Types of fields that many models have: how a config names another resource.

A name with a slash in the wrong place would make a dependency that no machine can ever satisfy, and
viam-server would wait for it without a word. So its form is checked where it is written.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from pi_drivers.config.wording import shown

_NAME = r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*"
_FULL_NAME = rf"([A-Za-z0-9_-]+:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+/)?{_NAME}"
_PATTERN = re.compile(_FULL_NAME)


def _resource_name(text: str) -> str:
    if _PATTERN.fullmatch(text) is None:
        raise PydanticCustomError(
            "resource_name",
            'must be a name of letters, digits, "-", "_" and "." ("remote:name" for one on a remote), or a full name '
            'such as "rdk:component:board/pi", got {text}',
            {"text": shown(text)},
        )
    return text


ResourceNameText = Annotated[
    str, AfterValidator(_resource_name), WithJsonSchema({"type": "string", "pattern": f"^{_FULL_NAME}$"})
]
"""The type of a field that names another resource: `pi`, `remote:pi`, or `rdk:component:board/pi`."""
