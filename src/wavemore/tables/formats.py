"""Lists and tables read row by row and written again with columns added, every other byte as it was.

New values go before the line end of a row of CSV or TSV, and before the last brace of a line of JSON. So quotes, line
breaks in quotes, line ends, encodings and bytes that cannot be decoded all stay. A plain list has no columns, so it
becomes TSV with its lines at the end. Memory does not grow with the number of rows.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.sources import check_column, column_number, column_place, format_of, json_record, no_key
from wavemore.lists.streams import LONGEST_LINE, Lines, lines_of, place
from wavemore.tables.columns import Columns, Part, Table, as_texts, check_new, json_text, json_values, tidied
from wavemore.tables.lines import LineRow, LineTable

__all__ = ["format_of_name", "open_table", "write_json_lines"]

_PARQUET = {".parquet": "parquet", ".pq": "parquet"}


def format_of_name(name: str | Path) -> str:
    """The format that a file's name tells, "text" where it tells none."""
    return format_of(name, None, _PARQUET)


@contextmanager
def open_table(
    source: str | Path | Sequence[str],
    names: Sequence[str],
    *,
    column: str | None = None,
    encoding: str = "utf-8",
    format: str | None = None,
) -> Iterator[Table]:
    """The table of a source that `read_rows` would read, of a Parquet file, or of the strings themselves.

    names     of the columns that will be added
    column    as for `read_rows`; of a Parquet file by name

    Raises what `read_rows` raises, and `UsageError` where the table has one of the names already.
    """
    if not isinstance(source, str | Path):
        yield _Text("the command line", iter([(b"", "utf-8"), *map(_line_of, source)]), names)
        return
    kind = format_of(source, format, _PARQUET)
    check_column(source, kind, column)
    if kind == "parquet":
        from wavemore.tables.parquet import open_parquet

        with open_parquet(source, names, column or "") as table:
            yield table
        return
    with closing(lines_of(source, encoding)) as lines:
        where = place(source)
        if kind == "text":
            yield _Text(where, lines, names)
        elif kind == "jsonl":
            yield _Json(where, lines, names, column or "")
        else:
            yield _Separated(where, lines, names, column or "", kind)


def write_json_lines(file: BinaryIO, parts: Iterable[Part]) -> None:
    """The strings and their values alone, one JSON object a row. Numbers without a value and infinite ones are null."""
    for part in parts:
        values = json_values(part.columns, ascii_only=False)
        lines = [f'{{"string": {json_text(text)}{value}}}\n' for text, value in zip(part.texts, values, strict=True)]
        file.write("".join(lines).encode())


class _Text(LineTable):
    """A plain list, written as TSV: the values, then the line. Whatever the line holds, `cut -f` brings it back."""

    def __init__(self, source: str, lines: Lines, names: Sequence[str]) -> None:
        super().__init__(source, "tsv", lines, names)
        check_new(names, ["string"], source)

    def head(self) -> bytes:
        return self.above + self.coded("\t".join([*self.names, "string"])) + self._end

    def rows(self) -> Iterator[LineRow]:
        for number, (raw, line) in enumerate(self.lines, start=1):
            text, problem = tidied(line)
            yield number, text, problem, b"", b"".join(self.split(raw))

    def values(self, columns: Columns) -> Iterator[str]:
        texts = [as_texts(name, column, infinities=True) for name, column in columns.items()]
        for place_of, column in enumerate(columns.values()):
            if isinstance(column, list):
                texts[place_of] = [text if text.isprintable() else repr(text)[1:-1] for text in column]
        return map("\t".join, zip(*texts, repeat("")))


class _Separated(LineTable):
    """CSV or TSV. A row with fewer cells than the first is filled up, so that the values stand below their names."""

    def __init__(self, source: str, lines: Lines, names: Sequence[str], column: str, kind: str) -> None:
        super().__init__(source, kind, lines, names)
        csv.field_size_limit(LONGEST_LINE)
        self._delimiter = "," if kind == "csv" else "\t"
        self._held: list[bytes] = []
        self._reader = csv.reader(self._handed(), delimiter=self._delimiter)
        self._column = column
        self._width: int | None = None
        self._place = column_number(column)
        if self._place is None:
            self._read_header()

    def _handed(self) -> Iterator[str]:
        """The lines, for a reader that takes no more than a record needs; their bytes are held until it is complete."""
        held = self._held
        for raw, line in self.lines:
            held.append(raw)
            yield line
        if held:
            first = self._reader.line_num - len(held) + 1
            raise CorpusError(f"line {first} of {self.source} opens a quote that nothing closes; mend the table")

    def _record(self) -> bytes:
        """The bytes of the record that was read last."""
        held = self._held
        raw = held[0] if len(held) == 1 else b"".join(held)
        held.clear()
        return raw

    def _records(self) -> Iterator[list[str]]:
        try:
            yield from self._reader
        except csv.Error as error:
            line = self._reader.line_num
            raise CorpusError(f"line {line} of {self.source} is not a row of a table: {error}") from error

    def _read_header(self) -> None:
        for cells in self._records():
            body, end = self.split(self._record())
            if not cells:  # a blank line above
                self.above += body + end
                continue
            self._place = column_place(cells, self._column, self.source)
            self._width = len(cells)
            check_new(self.names, cells, self.source)
            added = "".join(self._delimiter + self._quoted(name) for name in self.names)
            self.above += body + self.coded(added) + end
            return
        raise CorpusError(f'{self.source} is empty, and a table has a header; "{self._column}" is looked for in it')

    def rows(self) -> Iterator[LineRow]:
        reader, column = self._reader, self._place or 0
        for cells in self._records():
            raw = self._record()
            if not cells:
                yield self.untouched(reader.line_num, raw, "blank")
                continue
            body, end = self.split(raw)
            if len(cells) != self._width:
                body += self._missing(len(cells))
            text, problem = tidied(cells[column]) if column < len(cells) else ("", "missing")
            yield reader.line_num, text, problem, body, end

    def _missing(self, cells: int) -> bytes:
        """The delimiters that a row lacks. Raises `CorpusError` where it has cells to spare."""
        if self._width is None:
            self._width = cells
            if self._place is not None and self._place >= cells:
                raise UsageError(f"{self.source} has no column {self._column}; its rows have {cells} columns at most")
        if cells > self._width:
            raise CorpusError(
                f"line {self._reader.line_num} of {self.source} has {cells} cells and the first row {self._width}, so "
                "values added at its end would stand in the wrong columns; mend the row"
            )
        return self.coded(self._delimiter * (self._width - cells))

    def values(self, columns: Columns) -> Iterator[str]:
        texts = [as_texts(name, column, infinities=True) for name, column in columns.items()]
        for place_of, column in enumerate(columns.values()):
            if isinstance(column, list):
                texts[place_of] = list(map(self._quoted, column))
        return map(self._delimiter.join, zip(repeat(""), *texts))

    def _quoted(self, text: str) -> str:
        if not text or text.isalnum() or not any(character in text for character in (self._delimiter, *'"\r\n')):
            return text
        return '"' + text.replace('"', '""') + '"'


class _Json(LineTable):
    """JSON lines. Lines that are no object stay as they are."""

    def __init__(self, source: str, lines: Lines, names: Sequence[str], column: str) -> None:
        super().__init__(source, "jsonl", lines, names)
        self._column = column

    def rows(self) -> Iterator[LineRow]:
        names, column, brace = set(self.names), self._column, self.coded("}")
        keys: dict[str, None] = {}
        found = False
        for number, (raw, line) in enumerate(self.lines, start=1):
            record = json_record(line) if line.strip() else {}
            if not record:
                problem = "unreadable" if record is None else "missing" if line.strip() else "blank"
                yield self.untouched(number, raw, problem)
                continue
            if not names.isdisjoint(record):
                check_new(self.names, record, f"line {number} of {self.source}")
            if len(keys) < 20:
                keys.update(dict.fromkeys(record))
            found = found or column in record
            text, problem = tidied(record.get(column))
            body, end = self.split(raw)
            last = body.rindex(brace)
            yield number, text, problem, body[:last], body[last:] + end
        if keys and not found:
            raise no_key(column, self.source, keys)

    def values(self, columns: Columns) -> Iterator[str]:
        return json_values(columns, ascii_only=not self._codec.startswith("utf"))


def _line_of(string: str) -> tuple[bytes, str]:
    if "\n" in string or "\r" in string:
        raise UsageError(f"{string!r} has a line break, and strings stand on a line each; give it without")
    return string.encode("utf-8", "surrogateescape") + b"\n", string
