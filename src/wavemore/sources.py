"""Where strings come from: text, CSV, TSV and JSON lines, packed with gzip or not, from files or standard input.

This file turns bytes into rows, a line number and a text each; `corpus.py` cleans them. Lines end at LF or CRLF and
nowhere else: `str.splitlines` would also split at form feeds, U+2028 and six more.
"""

import codecs
import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, cast

from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.fetch import FETCHED, fetched_path
from wavemore.strict import suggestion

__all__ = ["FORMATS", "Format", "Row", "embedded_lists", "read_rows", "source_name"]

Format = Literal["text", "csv", "tsv", "jsonl"]
FORMATS: tuple[Format, ...] = ("text", "csv", "tsv", "jsonl")
_SUFFIXES: dict[str, Format] = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_LONGEST_TABLE_LINE = 1 << 24  # characters; a longer line of a table is not one


class Row(NamedTuple):
    """One row: its line number, from 1, and its text, or the reason why there is none."""

    line: int
    text: str = ""
    problem: Literal["", "unreadable", "too long"] = ""


def embedded_lists() -> tuple[str, ...]:
    """The names of the lists in the package, sorted."""
    files = (resources.files("wavemore") / "datasets").iterdir()
    return tuple(sorted(f.name.removesuffix(".txt") for f in files if f.name.endswith(".txt")))


def source_name(source: str | Path) -> str:
    """A short name for the source: the file's name without directories and endings, the list's name, or "stdin"."""
    if str(source) == "-":
        return "stdin"
    name = Path(source).name.split(".")[0] or "strings"
    return name.encode("utf-8", "backslashreplace").decode()  # bytes that have no character, as in a model file


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
    try:
        codec = codecs.lookup(encoding).name
        io.TextIOWrapper(io.BytesIO(), codec)  # refuses codecs that are not of text, such as hex
    except LookupError as error:
        raise UsageError(
            f'unknown encoding "{encoding}"; name one that Python knows, such as utf-8 or cp1252'
        ) from error
    if format is not None and format not in FORMATS:
        raise UsageError(f'unknown format "{format}"; choose {", ".join(FORMATS)}')
    kind = format or _SUFFIXES.get(Path(str(source).removesuffix(".gz")).suffix.lower(), "text")
    if kind == "text" and column is not None:
        raise UsageError(
            f"a column ({column}) was named, but {source} is read as plain text; name the format csv, tsv or jsonl"
        )
    if kind != "text" and column is None:
        raise UsageError(f"{source} is read as {kind}, which has columns; name the one that holds the strings")
    with _opened(source) as raw:
        source = "standard input" if str(source) == "-" else source  # for messages
        stream = _text_stream(raw, source, codec)
        try:
            if kind == "text":
                yield from _text_rows(stream, longest)
            elif kind == "jsonl":
                yield from _json_rows(stream, source, cast(str, column))
            else:
                yield from _table_rows(stream, source, cast(str, column), "," if kind == "csv" else "\t")
        except UnicodeError as error:
            raise CorpusError(
                f"{source} is not {encoding} text ({error}); name the encoding it has, or mend the file"
            ) from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise CorpusError(f"{source} is a damaged gzip file: {error}; fetch or pack it again") from error
        except OSError as error:
            raise FileError.of("read", source, error) from error


@contextmanager
def _opened(source: str | Path) -> Iterator[BinaryIO]:
    if str(source) == "-":
        if sys.stdin is None:
            raise FileError("standard input is closed, so no strings can be read from it; give a file")
        yield cast(BinaryIO, _StandardInput())
        return
    path = Path(source)
    name = str(source)
    if not name:
        raise UsageError("the list has an empty name; give a file or a list's name")
    try:
        exists, is_file = path.exists(), path.is_file()
    except OSError as error:  # such as a name that is too long
        raise FileError.of("read", source, error) from error
    if not is_file and name in embedded_lists():
        with (resources.files("wavemore") / "datasets" / f"{name}.txt").open("rb") as file:
            yield cast(BinaryIO, file)
        return
    if not exists:
        if name in FETCHED:
            path = fetched_path(name)
        else:
            known = (*embedded_lists(), *FETCHED)
            raise FileError(
                f'there is no file "{name}" and no list of that name{suggestion(name, known)}; '
                f"lists are {', '.join(known)}"
            )
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileError.of("read", source, error) from error
    with file:
        yield cast(BinaryIO, file)


class _StandardInput(io.RawIOBase):
    """Standard input as a stream that leaves it open when it is closed itself."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = cast(io.BufferedReader, sys.stdin.buffer).read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _text_stream(raw: BinaryIO, source: object, codec: str) -> io.TextIOWrapper:
    """The bytes as text that splits at LF alone. Undecodable bytes become lone surrogates, found again line by line."""
    buffered = io.BufferedReader(cast(io.RawIOBase, raw), 1 << 16)
    try:
        head = buffered.peek(1 << 16)
        if head.startswith(b"\x1f\x8b"):
            buffered = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=buffered)), 1 << 16)
            head = buffered.peek(1 << 16)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(f"{source} is a damaged gzip file: {error}; fetch or pack it again") from error
    except OSError as error:
        raise FileError.of("read", source, error) from error
    wide = codec.startswith(("utf-16", "utf-32"))
    if not wide and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CorpusError(f"{source} begins as UTF-16 text does, not {codec}; name its encoding: utf-16")
    if not wide and b"\0" in head:
        raise CorpusError(
            f"{source} has a zero byte at position {head.index(0)}, so it is not {codec} text; "
            "give a text file, or name its encoding if it is utf-16 or utf-32"
        )
    errors = "strict" if wide else "surrogateescape"
    return io.TextIOWrapper(buffered, codec, errors, newline="\n")


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
        elif _has_surrogate(line):
            yield Row(number, problem="unreadable")
        else:
            yield Row(number, line.strip())


def _table_lines(stream: io.TextIOWrapper, source: object) -> Iterator[str]:
    for number, line, whole in _lines(stream, _LONGEST_TABLE_LINE):
        if not whole:
            raise CorpusError(
                f"line {number} of {source} is longer than {_LONGEST_TABLE_LINE:,} characters; is it a table at all?"
            )
        yield line + "\n"


def _table_rows(stream: io.TextIOWrapper, source: object, column: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_TABLE_LINE)
    reader = csv.reader(_table_lines(stream, source), delimiter=delimiter)
    index: int | None = int(column) - 1 if column.isdecimal() and len(column) < 10 and int(column) > 0 else None
    widest = 0
    try:
        for cells in reader:
            if index is None and not cells:  # a blank line above the header
                yield Row(reader.line_num)
                continue
            if index is None:
                if column not in cells:
                    raise UsageError(
                        f'{source} has no column "{column}"{suggestion(column, cells[:100])}; '
                        f"its columns are {_listing(cells)}"
                    )
                index = cells.index(column)
                widest = len(cells)
                continue
            widest = max(widest, len(cells))
            text = cells[index].strip() if index < len(cells) else ""
            if _has_surrogate(text):
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
        try:
            record = json.loads(line) if not _has_surrogate(line) else None
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            yield Row(number, problem="unreadable")
            continue
        if len(keys) < 20:
            keys.update(dict.fromkeys(record))
        value = record.get(column, "")
        found = found or column in record
        yield Row(number, value.strip()) if isinstance(value, str) else Row(number, problem="unreadable")
    if keys and not found:
        raise UsageError(f'{source} has no key "{column}"{suggestion(column, keys)}; its keys are {_listing(keys)}')


def _listing(names: Iterable[str], most: int = 200) -> str:
    listing = ", ".join(islice(names, most))
    return listing if len(listing) <= most else listing[:most] + "..."


def _has_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
