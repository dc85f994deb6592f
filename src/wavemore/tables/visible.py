"""Text as a terminal may show it: what would steer the terminal, hide text or turn its direction is escaped."""

import re

__all__ = ["visible", "visible_json"]

_STEERING = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: ESC and CSI begin commands, BEL rings, tabs and line ends break columns
    "\u2028\u2029"  # line and paragraph separators
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks, embeddings, overrides and isolates of the direction
    "]"
)


def visible(text: str) -> str:
    """The text with such characters escaped as Python escapes them: \\x1b, \\u202e, \\t."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def visible_json(text: str) -> str:
    """The same for a text that is JSON and stays the same JSON: \\u009b. It holds no escapes of other characters."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
