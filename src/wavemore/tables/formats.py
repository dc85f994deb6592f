"""Lists and tables read row by row and written again with columns added, every other byte as it was.

New values go before the line end of a row of CSV or TSV, and before the last brace of a line of JSON. So quotes, line
breaks in quotes, line ends, encodings and bytes that cannot be decoded all stay. A plain list has no columns, so it
becomes TSV with its lines at the end. Memory does not grow with the number of rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import BinaryIO, cast

from wavemore.errors import UsageError
from wavemore.lists.layout import Layout, format_told
from wavemore.lists.rows import Row
from wavemore.lists.sources import Rows, own_layout, rows_of
from wavemore.lists.streams import Lines, Source, lines_of, place
from wavemore.tables.columns import LONGEST_STRING, Columns, Part, Table, as_texts, check_new, json_text, json_values
from wavemore.tables.lines import LineTable, Pieces, check_codec

__all__ = ["format_of_name", "open_table", "write_json_lines"]

_PARQUET = {".parquet": "parquet", ".pq": "parquet"}


def format_of_name(name: str | Path) -> str:
    """The format that a file's name tells, "text" where it tells none."""
    return format_told(name, None, _PARQUET) or "text"


@contextmanager
def open_table(source: Source | Sequence[str], names: Sequence[str], layout: Layout | None = None) -> Iterator[Table]:
    """The table of a source that `open_rows` would read, of a Parquet file, or of the strings themselves.

    names     of the columns that will be added
    layout    how it is read; of a Parquet file the column by name

    Raises what `open_rows` raises, and `UsageError` where the table has one of the names already.
    """
    layout = layout or Layout()
    if not isinstance(source, str | Path) and not hasattr(source, "read"):
        given = Lines("the command line", "utf-8", "\n", b"", map(_line_of, cast(Sequence[str], source)))
        yield _Text(rows_of(given, "text", layout, LONGEST_STRING), names)
        return
    source = cast(Source, source)
    layout = own_layout(source, layout)
    told = format_told(place(source), layout.format, _PARQUET)
    if told == "parquet":
        from wavemore.tables.parquet import open_parquet

        if layout.delimiter is not None or layout.header is not None:
            raise UsageError(f"a delimiter or a header was named, but {place(source)} is Parquet, which has neither")
        with open_parquet(source, names, layout) as table:
            yield table
        return
    with lines_of(source, layout.encoding) as lines:
        check_codec(lines.codec, layout.encoding)
        rows = rows_of(lines, told, layout, LONGEST_STRING)
        kinds = {"text": _Text, "counted": _Text, "jsonl": _JsonLines, "json": _JsonArray}
        yield kinds.get(rows.kind, _Separated)(rows, names)


def write_json_lines(file: BinaryIO, parts: Iterable[Part], unit: str = "line") -> None:
    """The place of each row, its string and the values alone, one JSON object a row. Numbers without a value and
    infinite ones are null. `unit` is the key of the place, "line" or "row"."""
    for part in parts:
        values = json_values(part.columns, ascii_only=False)
        rows = zip(part.numbers, part.texts, values, strict=True)
        lines = [f'{{"{unit}": {number}, "string": {json_text(text)}{value}}}\n' for number, text, value in rows]
        file.write("".join(lines).encode())


class _Text(LineTable):
    """A plain list, written as TSV: the values, then the line. Whatever the line holds, `cut -f` brings it back."""

    def __init__(self, rows: Rows, names: Sequence[str]) -> None:
        super().__init__(rows, "tsv", names)
        check_new(names, ["string"], self.source)

    def head(self) -> bytes:
        return self.above + self.coded("\t".join([*self.names, "string"])) + self.end

    def pieces(self, row: Row) -> Pieces:
        return b"", b"".join(self.split(row[3]))

    def values(self, columns: Columns) -> Iterator[str]:
        texts = [as_texts(name, column, infinities=True) for name, column in columns.items()]
        for place_of, column in enumerate(columns.values()):
            if isinstance(column, list):
                texts[place_of] = [text if text.isprintable() else repr(text)[1:-1] for text in column]
        return map("\t".join, zip(*texts, repeat("")))


class _Separated(LineTable):
    """CSV or TSV. A row with fewer cells than others is filled up, so that the values stand below their names; one with
    more stays as it is, without values."""

    def __init__(self, rows: Rows, names: Sequence[str]) -> None:
        super().__init__(rows, rows.kind, names)
        assert rows.table is not None  # of this format
        self._delimiter, self._width = rows.table.delimiter, rows.table.width
        self.found = {"delimiter": rows.table.delimiter, "header": bool(rows.table.names)}
        if there := rows.table.names:
            check_new(names, there, self.source)
            body, end = self.split(rows.above)
            lacking = self._width - len(there) - rows.table.shift
            added = self._delimiter * lacking + "".join(self._delimiter + self._quoted(name) for name in names)
            self.above = body + self.coded(added) + end

    def pieces(self, row: Row) -> Pieces:
        _, _, _, raw, cells = row
        body, end = self.split(raw)
        if cells is None:
            return body + end, None
        lacking = self._width - len(cells)
        return (body + self.coded(self._delimiter * lacking) if lacking else body), end

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


class _JsonLines(LineTable):
    """JSON lines. Lines that are no object, or an empty one, stay as they are."""

    def __init__(self, rows: Rows, names: Sequence[str]) -> None:
        super().__init__(rows, rows.kind, names)
        self._new, self._brace = set(names), self.coded("}")

    def pieces(self, row: Row) -> Pieces:
        line, _, _, raw, record = row
        body, end = self.split(raw)
        if not record or not isinstance(record, dict):
            return body + end, None
        if not self._new.isdisjoint(record):
            check_new(self.names, record, f"line {line} of {self.source}")
        last = body.rindex(self._brace)
        return body[:last], body[last:] + end

    def values(self, columns: Columns) -> Iterator[str]:
        return json_values(columns, ascii_only=not self.codec.startswith("utf"))


class _JsonArray(_JsonLines):
    """A JSON array. Strings become objects with the key "string"; what is neither a string nor an object stays."""

    def __init__(self, rows: Rows, names: Sequence[str]) -> None:
        super().__init__(rows, names)
        assert rows.array is not None  # of this format
        self._array = rows.array

    def pieces(self, row: Row) -> Pieces:
        raw, value = row[3:]
        if isinstance(value, str):
            return self.coded('{"string": ') + raw, self._brace
        return super().pieces(row)

    def split(self, raw: bytes) -> tuple[bytes, bytes]:
        return raw, b""

    def write(self, file: BinaryIO, parts: Iterable[Part]) -> None:
        between = self.above
        for part in parts:
            for (before, after), value in zip(part.kept, self.values(part.columns), strict=True):
                file.write(between + before + (b"" if after is None else self.coded(value) + after))
                between = self._array.between
        file.write((self.above if between is self.above else b"") + self._array.below)


def _line_of(string: str) -> tuple[bytes, str]:
    if "\n" in string or "\r" in string:
        raise UsageError(f"{string!r} has a line break, and strings stand on a line each; give it without")
    return string.encode("utf-8", "surrogateescape") + b"\n", string
