"""The rows of text, CSV, TSV and JSON lines: the string of each, or why it has none, and its bytes as they were.

Lists are made of the strings (`corpus.py`), and tables are written again from the bytes (`wavemore.tables`).
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.streams import Lines, embedded_lists, lines_of, source_name
from wavemore.lists.vocabulary import has_surrogate
from wavemore.settings.strict import suggestion

__all__ = [
    "DELIMITERS",
    "Row",
    "Rows",
    "check_column",
    "embedded_lists",
    "format_of",
    "problem_of",
    "read_rows",
    "rows_of",
    "source_name",
    "tidied",
]

DELIMITERS = {"csv": ",", "tsv": "\t"}
_FORMATS = ("text", *DELIMITERS, "jsonl")
_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_LONGEST_CELL = 1 << 24  # characters
_KEYS = 20  # that a message names


Row: TypeAlias = tuple[int, str, str, bytes, Any]
"""One row of a source:

    its last line, from 1
    its string without white space around it, "" where it has none
    why it has none: "blank", "missing", "not a string", "too long" or "unreadable"; "" where it has one
    all its bytes
    all that it holds: the cells of CSV and TSV, the object of JSON lines, None where there is none
"""


class Rows(NamedTuple):
    """The rows of a source, read once."""

    lines: Lines
    """What they are read from."""
    above: bytes
    """What stands before the first row: a byte order mark, blank lines, the header."""
    names: Sequence[str]
    """Those of the columns, where there is a header."""
    rows: Iterator[Row]


def read_rows(
    source: str | Path,
    *,
    column: str | None = None,
    encoding: str = "utf-8",
    format: str | None = None,
    longest: int = 1000,
) -> Iterator[Row]:
    """The rows of a file, of standard input ("-"), of an embedded list or of one that can be fetched, lazily.

    column      the column of a CSV, TSV or JSON lines source, by name; for CSV and TSV also by number from 1, and then
                the first line is a row like the others
    encoding    any text encoding that Python knows; a byte order mark is dropped
    format      where None, told from the file's ending, ".gz" aside
    longest     characters; a longer string is "too long"

    Raises `FileError`, `CorpusError` for what is not text, `UsageError` for a wrong column, encoding or format.
    """
    kind = format_of(source, format)
    check_column(source, kind, column)
    most = 4 * longest + 4096 if kind == "text" else None  # bytes, with room for white space
    with lines_of(source, encoding, most) as lines:
        yield from rows_of(lines, kind, column or "", longest).rows


def rows_of(lines: Lines, kind: str, column: str, longest: int) -> Rows:
    """The rows that the lines hold, in a format that `format_of` gives. Raises what `read_rows` raises."""
    if kind == "text":
        found = ((n, *tidied(line, longest), raw, None) for n, (raw, line) in enumerate(lines.lines, start=1))
        return Rows(lines, lines.mark, (), found)
    if kind == "jsonl":
        return Rows(lines, lines.mark, (), _json_rows(lines, column, longest))
    return _table(lines, DELIMITERS[kind], column, longest)


def format_of(source: str | Path, format: str | None, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """The format that is named, or the one the source's ending tells, ".gz" aside. `more` has endings with formats of
    their own. Raises `UsageError` for a format that is none."""
    known = dict.fromkeys([*_FORMATS, *more.values()])
    if format is not None and format not in known:
        raise UsageError(f'unknown format "{format}"; choose {", ".join(known)}')
    ending = Path(str(source).removesuffix(".gz")).suffix.lower()
    return format or {**_SUFFIXES, **more}.get(ending, "text")


def check_column(source: str | Path, kind: str, column: str | None) -> None:
    """Raise `UsageError` where a column is named and there is none, or none is named and there are some."""
    if kind == "text" and column is not None:
        raise UsageError(
            f"a column ({column}) was named, but {source} is read as plain text; name the format csv, tsv or jsonl"
        )
    if kind != "text" and column is None:
        raise UsageError(f"{source} is read as {kind}, which has columns; name the one that holds the strings")


def tidied(value: object, longest: int) -> tuple[str, str]:
    """A cell as a string without white space around it, and "", or "" and why it is none."""
    if value is None:
        return "", "missing"
    if not isinstance(value, str):
        return "", "not a string"
    text = value.strip()
    if text and len(text) <= longest and text.isascii():
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


def _table(lines: Lines, delimiter: str, column: str, longest: int) -> Rows:
    """The rows of CSV or TSV, after its header where the column is named and not numbered."""
    records = _records(lines, delimiter)
    above: bytes = lines.mark
    names: list[str] = []
    place = int(column) - 1 if column.isdecimal() and len(column) < 10 and int(column) > 0 else None
    if place is None:
        for _, raw, names in records:
            above += raw
            if names:
                break
        else:
            raise CorpusError(f'{lines.where} is empty, and a table has a header; "{column}" is looked for in it')
        if column not in names:
            raise UsageError(
                f'{lines.where} has no column "{column}"{suggestion(column, names[:100])}; '
                f"its columns are {_listing(names)}"
            )
        place = names.index(column)
    return Rows(lines, above, names, _table_rows(records, lines.where, place, longest, names))


def _records(lines: Lines, delimiter: str) -> Iterator[tuple[int, bytes, list[str]]]:
    """The last line of each record, its bytes and its cells, of which a blank line has none."""
    csv.field_size_limit(_LONGEST_CELL)
    held: list[bytes] = []  # of the record that is being read

    def handed() -> Iterator[str]:
        for raw, line in lines.lines:
            held.append(raw)
            yield line
        if held:
            first = reader.line_num - len(held) + 1
            raise CorpusError(f"line {first} of {lines.where} opens a quote that nothing closes; mend the table")

    reader = csv.reader(handed(), delimiter=delimiter)  # takes no more lines than a record needs
    try:
        for cells in reader:
            raw = held[0] if len(held) == 1 else b"".join(held)
            held.clear()
            yield reader.line_num, raw, cells
    except csv.Error as error:
        raise CorpusError(f"line {reader.line_num} of {lines.where} is not a row of a table: {error}") from error


def _table_rows(
    records: Iterable[tuple[int, bytes, list[str]]], where: str, place: int, longest: int, names: Sequence[str]
) -> Iterator[Row]:
    first = not names  # of the rows, where no header tells how many columns there are
    for line, raw, cells in records:
        if not cells:
            yield line, "", "blank", raw, None
        elif place < len(cells):
            yield line, *tidied(cells[place], longest), raw, cells
        elif first:
            raise UsageError(f"{where} has no column {place + 1}; its first row has {len(cells)}")
        else:
            yield line, "", "missing", raw, cells
        first = first and not cells


def _json_rows(lines: Lines, key: str, longest: int) -> Iterator[Row]:
    found = False
    keys: dict[str, None] = {}
    for number, (raw, line) in enumerate(lines.lines, start=1):
        if not line.strip():
            yield number, "", "blank", raw, None
            continue
        record = _json_record(line)
        if record is None:
            yield number, "", "unreadable", raw, None
            continue
        if len(keys) < _KEYS:
            keys.update(dict.fromkeys(record))
        found = found or key in record
        yield number, *tidied(record.get(key), longest), raw, record
    if keys and not found:
        raise UsageError(f'{lines.where} has no key "{key}"{suggestion(key, keys)}; its keys are {_listing(keys)}')


def _json_record(line: str) -> dict[str, Any] | None:
    """The object on a line of JSON lines; None where there is none."""
    try:
        record = json.loads(line) if not has_surrogate(line) else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _listing(names: Iterable[str], most: int = 200) -> str:
    listing = ", ".join(islice(names, most))
    return listing if len(listing) <= most else listing[:most] + "..."
