"""One row of any source: its string, or why it has none."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeAlias

from wavemore.lists.vocabulary import has_surrogate

__all__ = ["Row", "Strings", "listing", "problem_of", "tidied"]

Row: TypeAlias = tuple[int, str, str, bytes, Any]
"""One row of a source:

    its last line, from 1
    its string, "" where it has none
    why it has none, "" where it has one: "blank", "missing", "not a string", "too long", "unreadable", or "ragged" for
    more cells than there are columns
    all its bytes
    all that it holds: the cells of CSV and TSV, the value of JSON, the count of a counted line; else None
"""

Strings: TypeAlias = Callable[[object], tuple[str, str]]
"""`tidied` with its options."""


def tidied(value: object, longest: int, strip: bool = False) -> tuple[str, str]:
    """A cell as a string, and "", or "" and why it is none."""
    if value is None:
        return "", "missing"
    if not isinstance(value, str):
        return "", "not a string"
    text = value.strip() if strip else value
    if text.isascii() and len(text) <= longest and not text.isspace() and text:
        return text, ""
    problem = problem_of(text, longest)
    return ("" if problem else text), problem


def problem_of(text: str, longest: int) -> str:
    """Why a text cannot be a string of a list, "" where it can."""
    if not text or text.isspace():
        return "blank"
    if len(text) > longest:
        return "too long"
    return "unreadable" if has_surrogate(text) else ""


def listing(names: Iterable[str], most: int = 200) -> str:
    """The names with commas, cut where they are many."""
    joined = ", ".join(islice(names, most))
    return joined if len(joined) <= most else joined[:most] + "..."
