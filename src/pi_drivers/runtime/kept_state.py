"""What a resource wants to know again after it was rebuilt or the module restarted, such as an encoder's count.

It lies in a small JSON file in `VIAM_MODULE_DATA`, which outlives restarts and versions; without that directory it
lasts as long as the process. A file that cannot be read counts as none: stale state must never keep a robot from
starting.
"""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pi_drivers.runtime.directory import Key

LOGGER = logging.getLogger(__name__)

_in_process: dict[Key, Mapping[str, Any]] = {}


@contextmanager
def memory_of_its_own() -> Iterator[None]:
    """What is kept within is forgotten at the end, and what was kept before is not seen within."""
    before = dict(_in_process)
    _in_process.clear()
    try:
        yield
    finally:
        _in_process.clear()
        _in_process.update(before)


class KeptState:
    """The kept state of one resource. Small and seldom written: called on the event loop."""

    def __init__(self, key: Key, *, on_disk: bool) -> None:
        """Args: key: the resource. on_disk: whether it is to outlive the process."""
        self._key = key
        self._on_disk = on_disk

    def load(self) -> Mapping[str, Any]:
        """What was saved last, or nothing."""
        path = self._path()
        if path is None or not path.exists():
            return _in_process.get(self._key, {})
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            LOGGER.warning("%s: the state kept for it cannot be read and is ignored: %s", path, error)
            return {}
        return state if isinstance(state, dict) else {}

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep this state, in place of what was kept before. Never raises: losing it is no reason to fail a close."""
        _in_process[self._key] = state
        path = self._path()
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Written beside and moved over, so that a power cut leaves the old file or the new one.
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps(state), encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            LOGGER.warning("%s: the state to keep cannot be written: %s", path, error)

    def _path(self) -> Path | None:
        root = os.environ.get("VIAM_MODULE_DATA")
        if not root or not self._on_disk:
            return None
        # Names come from a config: whatever is in them, the file stays in this directory.
        safe = "-".join(re.sub(r"[^A-Za-z0-9_]", lambda match: f"%{ord(match[0]):02x}", part) for part in self._key)
        return Path(root) / "state" / f"{safe}.json"
