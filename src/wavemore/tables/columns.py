"""What goes from a table to the same table with columns added: portions of its rows, and the values that they get.

A portion's strings stand beside what is written back of its rows, of which only the table's own format knows the kind.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.rows import Notes, listing
from wavemore.settings.strict import suggestion

__all__ = [
    "LONGEST_STRING",
    "ROWS_AT_ONCE",
    "TEXTS",
    "Column",
    "Columns",
    "Part",
    "Portion",
    "Table",
    "as_texts",
    "check_column",
    "check_new",
    "json_text",
    "json_values",
]

ROWS_AT_ONCE = 1 << 15
LONGEST_STRING = 1 << 17  # characters; what scoring a longer one would take is beyond all measure

Column: TypeAlias = "np.ndarray | list[str]"
"""(rows,) float64, NaN where there is no value; or texts, "" where there is none."""
Columns: TypeAlias = dict[str, Column]

TEXTS = frozenset({"unknown", "best", "reasons"})
"""The columns of texts; all others are of numbers."""


@dataclass(frozen=True)
class Portion:
    """Some rows of a table, one after the other."""

    numbers: Sequence[int]
    """The line of each, or its row where the table has no lines, from 1."""
    texts: list[str]
    """Its string, and "" where there is none."""
    problems: dict[int, str]
    """Places, from 0, of the rows that have no string, and why."""
    kept: Any
    """What the table writes back."""


class Part(NamedTuple):
    """Some rows and the values that they get."""

    kept: Any
    texts: list[str]
    columns: Columns
    numbers: Sequence[int]
    """The line of each, or its row where the table has no lines, from 1."""


class Table(ABC):
    """A source of rows that can be written again with columns added. The order of rows is kept, and all they hold."""

    def __init__(self, source: str, kind: str) -> None:
        self.source = source
        """How messages call it."""
        self.kind = kind
        """The format that is written."""
        self.found: dict[str, Any] = {}
        """What was found out of its layout, by the names of `Layout`."""
        self.codec, self.line_end = "utf-8", "\n"
        """Of a text: Python's name of its encoding, and what ends a line."""
        self.notes = Notes()
        """What there is to say of it when all rows are read."""

    @abstractmethod
    def portions(self) -> Iterator[Portion]:
        """All rows, once. Raises what `read_rows` raises."""

    @abstractmethod
    def write(self, file: BinaryIO, parts: Iterable[Part]) -> None:
        """The table with the parts' rows and columns. Their rows are rows of this table, in any order."""

    def take(self, kept: Any, places: Sequence[int]) -> Any:
        """What is kept of some rows of a portion."""
        return [kept[place] for place in places]

    def join(self, kept: Sequence[Any]) -> Any:
        """What is kept of several portions, as of one."""
        return [row for rows in kept for row in rows]


def check_column(column: object, there: Iterable[object], where: str) -> None:
    """Raise `UsageError` where a table has no such column, or several of them. Names are texts, but for those of a
    frame of pandas, which may be anything."""
    there = list(there)
    found = there.count(column)
    if found > 1:
        raise UsageError(f'{where} has {found:,} columns "{column}"; rename all but one')
    if not found:
        names = list(map(str, there))
        known = f"{suggestion(str(column), names[:100])}; its columns are {listing(names)}"
        raise UsageError(f'{where} has no column "{column}"{known}')


def check_new(names: Iterable[str], there: Iterable[str], where: str) -> None:
    """Raise `UsageError` where a column to be added is there already."""
    there = set(there)
    for name in names:
        if name in there:
            raise UsageError(f'{where} has a column "{name}" already; rename it, or take it out first')


def as_texts(name: str, column: Column, *, infinities: bool) -> list[str]:
    """The values of a column as they are written: log-likelihoods, ratios and bits to six decimals, other numbers to
    six digits, and "" where there is none. Infinity is "inf" or "-inf", and "" without `infinities`."""
    if isinstance(column, list):
        return column
    exact = name.startswith(("log_", "bits_"))  # the networks' numbers are float32
    texts = list(map(("%.6f" if exact else "%.6g").__mod__, column.tolist()))
    finite = np.isfinite(column)
    if not finite.all():
        for place in np.flatnonzero(~finite).tolist():
            if not infinities or np.isnan(column[place]):
                texts[place] = ""
    return texts


def json_values(columns: Columns, *, ascii_only: bool) -> Iterator[str]:
    """For each row its keys and values, a comma before each. JSON has no infinity: it is null, as no value is."""
    texts: list[list[str]] = []
    for name, column in columns.items():
        values = as_texts(name, column, infinities=False)
        if isinstance(column, list):
            texts.append([json_text(value, ascii_only=ascii_only) if value else '""' for value in values])
        else:
            texts.append([value or "null" for value in values])
    form = "".join(f", {json_text(name, ascii_only=ascii_only).replace('%', '%%')}: %s" for name in columns)
    return map(form.__mod__, zip(*texts, strict=True))


def json_text(text: str, *, ascii_only: bool = False) -> str:
    return json.dumps(text, ensure_ascii=ascii_only)
