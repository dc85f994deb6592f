"""How a source is to be read: what its reader is told, and what its first lines tell of the rest.

Nothing is guessed where it was said. Lines of plain text that look like the rows of a table are refused, with the
options that read them as such: else a model would learn commas and braces, and nobody would notice.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from wavemore.errors import UsageError
from wavemore.lists.compression import without_ending

__all__ = ["LINES_LOOKED_AT", "NO_FORMATS", "Layout", "Separated", "format_told", "kind_of", "numbered", "separated"]

LINES_LOOKED_AT = 200

_FORMATS = ("text", "csv", "tsv", "jsonl", "json", "counted")
_ENDINGS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json"}
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_OTHERS = ("\t", ";", ",", "|")
_NAMED = {"tab": "\t", "\\t": "\t"}
_SHOWN = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_NEARLY_ALL = 0.95
_FEWEST = 5  # lines that can look like anything

NO_FORMATS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a source is read. What is None is found out.

    column       the column of a table, by name or by number from 1; the key of JSON objects
    encoding     any text encoding that Python knows; a byte order mark is dropped, and that of UTF-16 is obeyed
    format       "text", "csv", "tsv", "jsonl", "json" (an array) or "counted" (lines of `uniq -c`, each string as often
                 as its count says)
    delimiter    one character between the cells of CSV and TSV, or "tab"
    header       whether the first row of CSV and TSV names the columns
    strip        take white space off both ends of each string
    counts       the column or key, named as `column` is, that says how often each string counts: 0 or more
    labels       the columns or keys that say each string's labels, named as `column` is
    numbers      whether whole numbers and truth values of JSON and Parquet are taken as text

    Raises `UsageError` for a delimiter that cannot be one.
    """

    column: str | None = None
    encoding: str = "utf-8"
    format: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    strip: bool = False
    counts: str | None = None
    labels: tuple[str, ...] = ()
    numbers: bool = False

    def __post_init__(self) -> None:
        if self.labels and self.counts is not None:
            raise UsageError("a list has either counts or labels; leave one of them out")
        if self.delimiter is not None:
            delimiter = _NAMED.get(self.delimiter, self.delimiter)
            if len(delimiter) != 1 or delimiter in '"\r\n\0':
                raise UsageError(f"the delimiter is {self.delimiter!r}; it must be one character, such as ; or tab")
            object.__setattr__(self, "delimiter", delimiter)

    @property
    def is_table(self) -> bool:
        """Whether something was said that only tables have."""
        said = (self.column, self.counts, self.delimiter, self.header)
        return bool(self.labels) or any(one is not None for one in said)

    @property
    def number(self) -> int | None:
        """The place of the column, from 0, where it is named by its number."""
        return numbered(self.column or "")


def numbered(column: str) -> int | None:
    """The place, from 0, of a column that is named by its number; None of one that has a name."""
    return int(column) - 1 if column.isdecimal() and len(column) < 10 and int(column) > 0 else None


def format_told(source: str | Path, format: str | None, more: Mapping[str, str] = NO_FORMATS) -> str | None:
    """The format that is named, or the one the source's ending tells, whatever it is compressed with; None where
    nothing tells. `more` has endings with formats of their own. Raises `UsageError` for an unknown format."""
    known = dict.fromkeys([*_FORMATS, *more.values()])
    if format is not None and format not in known:
        raise UsageError(f'unknown format "{format}"; choose {", ".join(known)}')
    ending = Path(without_ending(source)).suffix.lower()
    return format or {**_ENDINGS, **more}.get(ending)


def kind_of(told: str | None, layout: Layout, head: Sequence[str], where: str) -> str:
    """The format of a source that begins with these lines. Raises `UsageError` where options do not fit it, and for
    plain lines that look like something else."""
    has_cells = layout.delimiter is not None or layout.header is not None
    if told is None:
        looks = _looks_like(head)
        if looks.kind != "text" and not layout.is_table:
            raise UsageError(
                f"{where} looks like {looks.what}; read it with {looks.options}, or as plain lines with --format text"
            )
        told = "csv" if has_cells and looks.kind not in _DELIMITERS else looks.kind
    if told == "json" and _is_json_lines(head):
        told = "jsonl"
    if has_cells and told not in _DELIMITERS:
        raise UsageError(f"a delimiter or a header was named, but {where} is read as {told}; name the format csv")
    named = next(filter(None, (layout.column, layout.counts, *layout.labels)), None)
    if told in ("text", "counted") and named is not None:
        shown = "plain text" if told == "text" else told
        raise UsageError(
            f"a column ({named}) was named, but {where} is read as {shown}; name the format csv, tsv or jsonl"
        )
    return told


class _Look(NamedTuple):
    """What lines look like."""

    kind: str
    what: str = ""
    """In words."""
    options: str = ""
    """Those that read them as that."""


def _looks_like(head: Sequence[str]) -> _Look:
    lines = [line.rstrip("\r\n") for line in head if not line.isspace()]
    if lines and lines[0].lstrip()[:1] == "[" and _is_json_array(lines):
        return _Look("json", "a JSON array", "--format json")
    if _is_json_lines(lines):
        return _Look("jsonl", "JSON lines", "--format jsonl --column KEY")
    if len(lines) < _FEWEST:
        return _Look("text")
    if _is_counted(lines):
        return _Look("counted", "lines counted by uniq -c", "--format counted")
    for delimiter in _OTHERS:
        plain = [line.replace(f"{delimiter} ", "") for line in lines] if delimiter != "\t" else lines
        width, share = _usual(_records(plain, delimiter))
        if width > 1 and share >= _NEARLY_ALL and all(delimiter in line for line in lines[:2]):
            kind = "tsv" if delimiter == "\t" else "csv"
            what = f"a table with {_SHOWN[delimiter]} between {width} columns"
            return _Look(kind, what, f"--format {kind} --column NAME")
    return _Look("text")


def _is_counted(lines: Sequence[str]) -> bool:
    """Whether these are right-aligned counts and strings, or counts that fall and strings."""
    found = [match for match in (re.match(r" *(\d+) (?=\S)", line) for line in lines) if match]
    if len(found) < _NEARLY_ALL * len(lines):
        return False
    ends = Counter(match.end() for match in found)
    aligned = max(ends.values()) >= 0.9 * len(found) and any(match[0].startswith(" ") for match in found)
    counts = [int(match[1]) for match in found]
    falling = all(a >= b for a, b in pairwise(counts)) and counts[0] > counts[-1]
    return aligned or (falling and len(lines) >= 2 * _FEWEST)


def _is_json_array(lines: Sequence[str]) -> bool:
    """Whether the text goes on as an array of strings or objects does."""
    return re.match(r'\[\s*["{\]]', "\n".join(lines).lstrip()) is not None


def _is_json_lines(lines: Sequence[str]) -> bool:
    """Whether nearly all lines are JSON objects; of a single one as well."""
    lines = [line for line in lines if line.strip()]
    if not lines or not lines[0].lstrip().startswith("{"):
        return False
    return sum(map(_is_object, lines)) >= _NEARLY_ALL * len(lines)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


class Separated(NamedTuple):
    """What the first lines of CSV or TSV tell of it."""

    delimiter: str
    names: list[str]
    """Those of the columns, [] where there is no header."""
    width: int
    """How many cells a whole row has, 0 where there are no rows."""
    shift: int
    """How many cells rows have before the first one that has a name, as R writes row names: 0 or 1."""
    notes: tuple[str, ...]
    """What was found out and is worth saying."""


def separated(head: Sequence[str], kind: str, layout: Layout) -> Separated:
    """The same for CSV and TSV that begins with these lines. Where more follow, the last may end within a row."""
    expected = _DELIMITERS[kind]
    delimiter = layout.delimiter or max(
        (expected, *_OTHERS), key=lambda c: _suits(_records(head, c), layout.column)
    )  # the first of equal ones
    records = _records(head, delimiter)
    notes = []
    if delimiter != expected and layout.delimiter is None:
        notes.append(f"read with {_SHOWN[delimiter]} between the cells")
    header = layout.header
    if header is None:
        header = layout.number is None or _has_header(records)
        if header and layout.number is not None:
            notes.append(
                f"the first row is read as a header ({', '.join(records[0])[:60]}); --no-header reads it as data"
            )
    names = records[0] if header and records else []
    rows = records[1:] if names else records
    width, _ = _usual(rows)
    more = len(names) > 0 and width == len(names) + 1
    shift = int(more and sum(row[-1] != "" for row in rows if len(row) == width) > len(rows) / 2)
    return Separated(delimiter, names, max(width, len(names)), shift, tuple(notes))


def _records(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows of these lines, without blank ones and those that cannot be read."""
    found: list[list[str]] = []
    reader = csv.reader((line.rstrip("\r\n") + "\n" for line in lines), delimiter=delimiter)
    cells: list[str] | None = []
    while cells is not None:
        with suppress(csv.Error):
            cells = next(reader, None)
            found += [cells] if cells else []
    return found[:-1] if len(lines) == LINES_LOOKED_AT else found


def _usual(rows: Sequence[Sequence[str]]) -> tuple[int, float]:
    """How many cells most rows have, and which share of them."""
    if not rows:
        return 0, 0.0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return width, count / len(rows)


def _suits(rows: Sequence[Sequence[str]], column: str | None) -> tuple[bool, float]:
    """How well a delimiter suits these rows: whether it sets the column's name free, and how alike the rows are."""
    width, share = _usual(rows)
    return bool(rows) and len(rows[0]) > 1 and column in rows[0], share if width > 1 else 0.0


_USUAL_NAME = re.compile(
    r"((first|last|full|user|sur|fore)[ _-]?)?names?|first|last|id|strings?|words?|titles?|login|e?mail|city|town|"
    r"country|state|street|address|date|time|year|count|number|value|label|text|key|code|url",
    re.IGNORECASE,
)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: numbers stand below a cell that is none, or it has a usual name, which does
    not come again below."""
    if len(rows) < 2 or any(not cell.strip() or _is_number(cell) for cell in rows[0]):
        return False
    for place, cell in enumerate(rows[0]):
        below = [row[place] for row in rows[1:] if place < len(row) and row[place]]
        if below and sum(map(_is_number, below)) >= _NEARLY_ALL * len(below):
            return True
        if _USUAL_NAME.fullmatch(cell.strip()) and cell not in below:
            return True
    return False


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[-+]?[\d.,:/-]*\d[\d.,:/%-]*\s*", cell) is not None
