"""One row of any source: its string, or why it has none; and what there is to say of a source's rows beside that."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

from wavemore.conventions import brief
from wavemore.lists.encodings import looks_like
from wavemore.lists.vocabulary import has_surrogate

__all__ = ["Notes", "Row", "Skipped", "Strings", "listing", "problem_of", "tidied"]

_MEND = "unreadable rows are not of this encoding or format; mend them, or name others with --encoding and --format"
_LOOKED_AT = 100  # unreadable rows, to tell their encoding

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


@dataclass
class Skipped:
    """What cleaning left out: how many rows for each reason, and the first few line numbers of each."""

    __repr__ = brief

    counts: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, reason: str, line: int) -> None:
        """Count one row."""
        self.counts[reason] += 1
        lines = self.lines.setdefault(reason, [])
        if len(lines) < 5:
            lines.append(line)

    def __str__(self) -> str:
        """'skipped 3: 2 blank (lines 4, 9), 1 unreadable (line 7)', or an empty string when nothing was."""
        return f"skipped {self.counts.total():,}: {self.listed()}" if self.counts else ""

    def listed(self) -> str:
        """The same without the sum, as '2 blank (lines 4, 9), 1 unreadable (line 7)'."""
        return ", ".join(map(self._reason, sorted(self.counts)))

    def _reason(self, reason: str) -> str:
        lines, count = self.lines[reason], self.counts[reason]
        numbers = ", ".join(f"{line:,}" for line in lines) + (", ..." if count > len(lines) else "")
        return f"{count:,} {reason} (line{'s' if count > 1 else ''} {numbers})"


class Notes:
    """Sentences about a source, complete when all its rows have been looked at."""

    def __init__(self, first: Iterable[str] = ()) -> None:
        self._first = tuple(first)
        self._blanks = Skipped()
        self._unreadable: list[bytes] = []

    def add(self, sentence: str) -> None:
        """Say this too."""
        self._first = (*self._first, sentence)

    def look_at(self, row: Row) -> None:
        """Note what is strange about one row."""
        line, text, problem, raw, _ = row
        if text.strip() != text:
            self._blanks.add("with a blank at an end", line)
        elif problem == "unreadable" and len(self._unreadable) < _LOOKED_AT:
            self._unreadable.append(raw)

    @property
    def looks_like(self) -> str:
        """Which encoding unreadable rows have, in words; "" where there are none or nobody can tell."""
        return looks_like(self._unreadable)

    def all(self) -> tuple[str, ...]:
        """The sentences."""
        blanks = f"{self._blanks.listed()}, which is kept; --strip takes blanks off" if self._blanks.counts else ""
        unreadable = _MEND if self._unreadable else ""
        return tuple(filter(None, (*self._first, self.looks_like or unreadable, blanks)))
