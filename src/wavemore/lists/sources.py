"""The rows of text, CSV, TSV, JSON and counted lines: the string of each, or why it has none, and its bytes.

Lists are made of the strings (`corpus.py`), and tables are written again from the bytes (`wavemore.tables`).
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from math import inf
from typing import NamedTuple

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.embedded import embedded_of
from wavemore.lists.json_rows import Array, first_keys, lines_of_json
from wavemore.lists.labelled import is_label
from wavemore.lists.layout import LINES_LOOKED_AT, Layout, Separated, format_told, kind_of, numbered, separated
from wavemore.lists.rows import Notes, Row, Strings, listing, tidied
from wavemore.lists.streams import Lines, Source, lines_of, place
from wavemore.lists.vocabulary import normalise
from wavemore.settings.strict import suggestion

__all__ = ["Rows", "labelled", "open_rows", "own_layout", "rows_of", "weighed"]

_LONGEST_CELL = 1 << 24  # characters
_KEYS = 20  # that a message names


class Rows(NamedTuple):
    """The rows of a source, read once."""

    lines: Lines
    """What they are read from."""
    kind: str
    """Their format."""
    rows: Iterator[Row]
    above: bytes
    """What stands before the first row: a byte order mark, blank lines, the header."""
    table: Separated | None = None
    """Of CSV and TSV: the delimiter, the names of the columns, and what else was found."""
    array: Array | None = None
    """Of a JSON array: what stands between and after its elements."""

    @property
    def notes(self) -> Notes:
        """What was found out, to which what is found in the rows is added."""
        return Notes(self.table.notes if self.table else ())


@contextmanager
def open_rows(source: Source, layout: Layout, longest: int) -> Iterator[Rows]:
    """The rows of a file, of standard input ("-"), of an embedded list, of one that can be fetched, or of an open file,
    as they are needed.

    longest    characters; a longer string is "too long"

    Raises `FileError`, `CorpusError` for what is not text, `UsageError` for a wrong column, encoding or format.
    """
    layout = own_layout(source, layout)
    told = format_told(place(source), layout.format)
    plain = told in (None, "text") and not layout.is_table
    with lines_of(source, layout.encoding, 4 * longest + 4096 if plain else None) as lines:  # with room for blanks
        yield rows_of(lines, told, layout, longest)


def own_layout(source: Source, layout: Layout) -> Layout:
    """The layout with what is known of a table in the package, where nothing else was said of it."""
    listed = embedded_of(source)
    if listed is None or listed.column is None or layout.format not in (None, "csv"):
        return layout
    header = layout.header is None or layout.header
    return replace(layout, column=layout.column or listed.column, format="csv", header=header)


def rows_of(lines: Lines, told: str | None, layout: Layout, longest: int) -> Rows:
    """The rows that the lines hold, in the format that is told, or else in the one that their beginning tells."""
    first = list(islice(lines.lines, LINES_LOOKED_AT))
    lines = lines._replace(lines=chain(first, lines.lines))
    head = [line for _, line in first]
    kind = kind_of(told, layout, head, lines.where)
    strip = layout.strip

    def string(value: object) -> tuple[str, str]:
        return tidied(str(value) if layout.numbers and isinstance(value, int) else value, longest, strip)

    if kind == "text":
        found = ((n, *string(line.rstrip("\r\n")), raw, None) for n, (raw, line) in enumerate(lines.lines, start=1))
        return Rows(lines, kind, found, lines.mark)
    if kind == "counted":
        return Rows(lines, kind, _counted_rows(lines, string), lines.mark)
    if kind == "json":
        array = Array(lines)
        return Rows(lines, kind, array.rows(layout.column, string), lines.mark + array.above, array=array)
    if kind == "jsonl":
        column = _named(layout, kind, lines.where, first_keys(head))
        return Rows(lines, kind, lines_of_json(lines, column, string), lines.mark)
    return _table(lines, separated(head, kind, layout), kind, layout, string)


def _named(layout: Layout, kind: str, where: str, names: Sequence[str]) -> str:
    """The column that is named. Raises `UsageError` where none is."""
    if layout.column is None:
        those = f": {listing(names)}" if names else ""
        raise UsageError(f"{where} is read as {kind}, which has columns; name the one that holds the strings{those}")
    return layout.column


def _table(lines: Lines, found: Separated, kind: str, layout: Layout, string: Strings) -> Rows:
    """The rows of CSV or TSV, after its header where it has one."""
    column = _named(layout, kind, lines.where, found.names)
    records = _records(lines, found.delimiter)
    above, names = lines.mark, found.names
    if names:
        for _, raw, cells in records:
            above += raw
            if cells:
                break
    if not found.width and layout.header is not False and layout.number is None:
        raise CorpusError(f'{lines.where} is empty, and a table has a header; "{column}" is looked for in it')
    place = _place(column, found, lines.where)
    return Rows(lines, kind, _table_rows(records, place, found.width, string), above, table=found)


def _place(column: str, found: Separated, where: str) -> int:
    """The place of a column, from 0. Raises `UsageError` where there is none of this name or number."""
    place, names = numbered(column), found.names
    if place is None:
        if column not in names:
            these = (
                f"its columns are {listing(names)}" if names else "without a header, a column is named by its number"
            )
            raise UsageError(f'{where} has no column "{column}"{suggestion(column, names[:100])}; {these}')
        if (number := names.count(column)) > 1:
            raise UsageError(f'{number} columns of {where} are called "{column}"; name one by its number')
        return names.index(column) + found.shift
    if place >= found.width > 0:
        raise UsageError(f"{where} has no column {column}; its rows have {found.width}")
    return place


def weighed(found: Rows, counts: str) -> Iterator[Row]:
    """The rows, holding how often each counts in place of their cells, as the column or key `counts` says; "without a
    count" where that is no number of 0 or more. Raises `UsageError` where there is no such column or key."""
    for (line, text, problem, raw, _), (cell,) in _with_cells(found, (counts,)):
        count = _count(cell)
        if problem or count is not None:
            yield line, text, problem, raw, count
        else:
            yield line, "", "without a count", raw, None


def labelled(found: Rows, columns: Sequence[str]) -> Iterator[Row]:
    """The rows, holding a tuple of labels in place of their cells, as these columns or keys say; "without a label"
    where one is missing or blank. Raises `UsageError` where there is no such column or key."""
    for (line, text, problem, raw, _), cells in _with_cells(found, columns):
        labels = tuple(_label(cell) for cell in cells)
        if problem or all(labels):
            yield line, text, problem, raw, labels
        else:
            yield line, "", "without a label", raw, None


def _label(cell: object) -> str:
    if isinstance(cell, bool) or not isinstance(cell, str | int):
        return ""
    text = normalise(str(cell).strip())
    return text if is_label(text) else ""


def _with_cells(found: Rows, columns: Sequence[str]) -> Iterator[tuple[Row, tuple[object, ...]]]:
    """The rows and what they hold in these columns or keys, None for what is not there. Raises `UsageError` where there
    is no such column or key."""
    table = found.table
    places = None if table is None else [_place(column, table, found.lines.where) for column in columns]
    missing, keys = dict.fromkeys(columns), dict[str, None]()
    for row in found.rows:
        held, cells = row[4], (None,) * len(columns)
        if places is not None and held is not None:
            cells = tuple(held[place] if place < len(held) else None for place in places)
        elif isinstance(held, dict):
            for column in [column for column in missing if column in held]:
                del missing[column]
            keys.update(dict.fromkeys(islice(held, _KEYS)))
            cells = tuple(held.get(column) for column in columns)
        yield row, cells
    if places is None and missing:
        column = next(iter(missing))
        near = suggestion(column, list(keys)[:_KEYS])
        raise UsageError(f'{found.lines.where} has no key "{column}"{near}; its keys are {listing(keys)}')


def _count(cell: object) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        return None
    try:
        count = float(cell) if not isinstance(cell, str) or "_" not in cell else inf
    except (ValueError, OverflowError):
        return None
    return count if 0 <= count < inf else None


def _records(lines: Lines, delimiter: str) -> Iterator[tuple[int, bytes, list[str] | None]]:
    """The last line of each record, its bytes and its cells: none of a blank line, and None where they cannot be told
    apart."""
    csv.field_size_limit(_LONGEST_CELL)
    held: list[bytes] = []  # of the record that is being read

    def handed() -> Iterator[str]:
        for raw, line in lines.lines:
            held.append(raw)
            yield line
        if held:
            first = reader.line_num - len(held) + 1
            raise CorpusError(f"line {first} of {lines.where} opens a quote that nothing closes; close or double it")

    reader = csv.reader(handed(), delimiter=delimiter)  # takes no more lines than a record needs
    while True:
        try:
            cells = next(reader, _END)
        except csv.Error as error:
            if "limit" in str(error):
                raise CorpusError(f"line {reader.line_num} of {lines.where} has no end of its cell: {error}") from error
            cells = None  # a line end within a cell
        if cells is _END:
            return
        raw = held[0] if len(held) == 1 else b"".join(held)
        held.clear()
        yield reader.line_num, raw, cells


_END: list[str] = []


def _table_rows(
    records: Iterable[tuple[int, bytes, list[str] | None]], place: int, width: int, string: Strings
) -> Iterator[Row]:
    for line, raw, cells in records:
        if cells is None:
            yield line, "", "unreadable", raw, None
        elif not cells:
            yield line, "", "blank", raw, None
        elif len(cells) > width:
            yield line, "", "ragged", raw, None
        elif place < len(cells):
            yield line, *string(cells[place]), raw, cells
        else:
            yield line, "", "missing", raw, cells


def _counted_rows(lines: Lines, string: Strings) -> Iterator[Row]:
    """Lines of `uniq -c`: a count, a blank and a string."""
    for number, (raw, line) in enumerate(lines.lines, start=1):
        text = line.rstrip("\r\n")
        found = re.match(r"\s*(\d{1,18}) ", text)
        if found:
            yield number, *string(text[found.end() :]), raw, float(found[1])
        else:
            yield number, "", "unreadable" if text.strip() else "blank", raw, None
