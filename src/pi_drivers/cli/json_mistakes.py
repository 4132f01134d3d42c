"""What is mostly meant where a text is no JSON.

The parser tells what it expected. A person who took a trailing comma or a comment along from another format has to be
told what to change.
"""

import re

_MEANT = (
    (re.compile(r"\s*(//|/\*|#)"), "JSON has no comments: remove it"),
    (re.compile(r"\s*['\u2018-\u201f]"), 'put texts in plain double quotes, "'),
    (re.compile(r"[xX][0-9a-fA-F]"), 'write a hexadecimal number as a text, such as "0x44"'),
    (re.compile(r"\s*(True|False|None)\b"), "it is written true, false or null"),
)
"""How the text goes on at the mistake, and the remedy."""


def remedy(text: str, position: int) -> str:
    """What to change at the place where the parser gave up, or "" where nobody can tell."""
    before, after = text[:position].rstrip(), text[position:]
    if re.match(r"[\s,]*[}\]]", after) and "," in {before[-1:], after[:1]}:
        return "remove the comma before the closing bracket"
    return next((what for pattern, what in _MEANT if pattern.match(after)), "")
