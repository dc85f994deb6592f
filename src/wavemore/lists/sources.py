"""Where strings come from: text, CSV, TSV and JSON lines, packed with gzip or not, from files or standard input.

This file turns bytes into rows, a line number and a text each; `corpus.py` cleans them. Lines end at LF or CRLF and
nowhere else: `str.splitlines` would also split at form feeds, U+2028 and six more.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, cast

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.streams import LONGEST_LINE, codec_of, embedded_lists, place, reading, source_name, too_long
from wavemore.settings.strict import suggestion

__all__ = [
    "FORMATS",
    "Format",
    "Row",
    "check_column",
    "column_number",
    "column_place",
    "embedded_lists",
    "format_of",
    "has_surrogate",
    "json_record",
    "no_key",
    "read_rows",
    "source_name",
]

Format = Literal["text", "csv", "tsv", "jsonl"]
FORMATS: tuple[Format, ...] = ("text", "csv", "tsv", "jsonl")
_SUFFIXES: dict[str, Format] = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_LONGEST_TABLE_LINE = LONGEST_LINE


class Row(NamedTuple):
    """One row: its line number, from 1, and its text, or the reason why there is none."""

    line: int
    text: str = ""
    problem: Literal["", "unreadable", "too long"] = ""


def read_rows(
    source: str | Path,
    *,
    column: str | None = None,
    encoding: str = "utf-8",
    format: Format | None = None,
    longest: int = 1000,
) -> Iterator[Row]:
    """The rows of a file, of standard input ("-"), of an embedded list or of one that can be fetched, lazily.

    column      the column of a CSV, TSV or JSON lines source, by name; for CSV and TSV also by number from 1, and then
                the first line is a row like the others
    encoding    any text encoding that Python knows; a byte order mark is dropped
    format      where None, told from the file's ending, ".gz" aside
    longest     characters; the rest of a longer line of text is not kept in memory

    Raises `FileError`, `CorpusError` for what is not text, `UsageError` for a wrong column, encoding or format.
    """
    codec = codec_of(encoding)
    kind = format_of(source, format)
    check_column(source, kind, column)
    with reading(source, encoding) as file:
        # Lines split at LF alone. Undecodable bytes become lone surrogates, found again line by line.
        errors = "strict" if codec.startswith(("utf-16", "utf-32")) else "surrogateescape"
        stream = io.TextIOWrapper(file, codec, errors, newline="\n")
        if kind == "text":
            yield from _text_rows(stream, longest)
        elif kind == "jsonl":
            yield from _json_rows(stream, place(source), cast(str, column))
        else:
            yield from _table_rows(stream, place(source), cast(str, column), "," if kind == "csv" else "\t")


def format_of(source: str | Path, format: str | None, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """The format that is named, or the one the source's ending tells, ".gz" aside. `more` has endings with formats of
    their own. Raises `UsageError` for a format that is none."""
    known = dict.fromkeys([*FORMATS, *more.values()])
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


def _lines(stream: io.TextIOWrapper, most: int) -> Iterator[tuple[int, str, bool]]:
    """(number, line without its end, whole): of a line longer than `most` only the beginning, and whole is False."""
    number = 0
    while line := stream.readline(most + 2):
        number += 1
        whole = line.endswith("\n") or len(line) < most + 2
        if number == 1:
            line = line.removeprefix("\ufeff")  # a byte order mark
        while not whole and (rest := stream.readline(1 << 20)):
            if rest.endswith("\n"):
                break
        yield number, line.removesuffix("\n").removesuffix("\r"), whole


def _text_rows(stream: io.TextIOWrapper, longest: int) -> Iterator[Row]:
    room = longest + 1024  # for white space around the string
    for number, line, whole in _lines(stream, room):
        if not whole:
            yield Row(number, problem="too long")
        elif has_surrogate(line):
            yield Row(number, problem="unreadable")
        else:
            yield Row(number, line.strip())


def _table_lines(stream: io.TextIOWrapper, source: object) -> Iterator[str]:
    for number, line, whole in _lines(stream, _LONGEST_TABLE_LINE):
        if not whole:
            raise too_long(number, source, _LONGEST_TABLE_LINE)
        yield line + "\n"


def _table_rows(stream: io.TextIOWrapper, source: object, column: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_TABLE_LINE)
    reader = csv.reader(_table_lines(stream, source), delimiter=delimiter)
    index = column_number(column)
    widest = 0
    try:
        for cells in reader:
            if index is None and not cells:  # a blank line above the header
                yield Row(reader.line_num)
                continue
            if index is None:
                index = column_place(cells, column, source)
                widest = len(cells)
                continue
            widest = max(widest, len(cells))
            text = cells[index].strip() if index < len(cells) else ""
            if has_surrogate(text):
                yield Row(reader.line_num, problem="unreadable")
            else:
                yield Row(reader.line_num, text)
    except csv.Error as error:
        raise CorpusError(f"line {reader.line_num} of {source} is not a row of a table: {error}") from error
    if index is not None and 0 < widest <= index:
        raise UsageError(f"{source} has no column {column}; its rows have {widest} columns at most")


def _json_rows(stream: io.TextIOWrapper, source: object, column: str) -> Iterator[Row]:
    found = False
    keys: dict[str, None] = {}
    for number, line in enumerate(_table_lines(stream, source), start=1):
        if not line.strip():
            yield Row(number)
            continue
        record = json_record(line)
        if record is None:
            yield Row(number, problem="unreadable")
            continue
        if len(keys) < 20:
            keys.update(dict.fromkeys(record))
        value = record.get(column, "")
        found = found or column in record
        yield Row(number, value.strip()) if isinstance(value, str) else Row(number, problem="unreadable")
    if keys and not found:
        raise no_key(column, source, keys)


def column_number(column: str) -> int | None:
    """The place, from 0, of a column that is named by its number from 1; None where it is named otherwise."""
    return int(column) - 1 if column.isdecimal() and len(column) < 10 and int(column) > 0 else None


def column_place(names: Sequence[str], column: str, source: object) -> int:
    """The place, from 0, of a column among the names. Raises `UsageError`."""
    if column not in names:
        raise UsageError(
            f'{source} has no column "{column}"{suggestion(column, names[:100])}; its columns are {_listing(names)}'
        )
    return names.index(column)


def json_record(line: str) -> dict[str, Any] | None:
    """The object on a line of JSON lines; None where there is none."""
    try:
        record = json.loads(line) if not has_surrogate(line) else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def no_key(column: str, source: object, keys: Iterable[str]) -> UsageError:
    """The error for JSON lines of which none has the key."""
    return UsageError(f'{source} has no key "{column}"{suggestion(column, keys)}; its keys are {_listing(keys)}')


def _listing(names: Iterable[str], most: int = 200) -> str:
    listing = ", ".join(islice(names, most))
    return listing if len(listing) <= most else listing[:most] + "..."


def has_surrogate(text: str) -> bool:
    """Whether the text has a lone surrogate, which stands for a byte that could not be decoded."""
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
