"""Lists and tables read row by row and written again with columns added, every other byte as it was.

New values go before the line end of a row of CSV or TSV, and before the last brace of a line of JSON. So quotes, line
breaks in quotes, line ends, encodings and bytes that cannot be decoded all stay. A plain list has no columns, so it
becomes TSV with its lines at the end. Memory does not grow with the number of rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.sources import DELIMITERS, Row, Rows, check_column, format_of, rows_of
from wavemore.lists.streams import Lines, lines_of
from wavemore.tables.columns import LONGEST_STRING, Columns, Part, Table, as_texts, check_new, json_text, json_values
from wavemore.tables.lines import LineTable, Pieces, check_codec

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
        yield _Text(_rows(Lines("the command line", "utf-8", b"", map(_line_of, source)), "text", ""), names)
        return
    kind = format_of(source, format, _PARQUET)
    check_column(source, kind, column)
    if kind == "parquet":
        from wavemore.tables.parquet import open_parquet

        with open_parquet(source, names, column or "") as table:
            yield table
        return
    with lines_of(source, encoding) as lines:
        check_codec(lines.codec, encoding)
        if kind == "text":
            yield _Text(_rows(lines, kind, ""), names)
        elif kind == "jsonl":
            yield _Json(_rows(lines, kind, column or ""), names)
        else:
            yield _Separated(_rows(lines, kind, column or ""), names, kind)


def write_json_lines(file: BinaryIO, parts: Iterable[Part]) -> None:
    """The strings and their values alone, one JSON object a row. Numbers without a value and infinite ones are null."""
    for part in parts:
        values = json_values(part.columns, ascii_only=False)
        lines = [f'{{"string": {json_text(text)}{value}}}\n' for text, value in zip(part.texts, values, strict=True)]
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
        for place, column in enumerate(columns.values()):
            if isinstance(column, list):
                texts[place] = [text if text.isprintable() else repr(text)[1:-1] for text in column]
        return map("\t".join, zip(*texts, repeat("")))


class _Separated(LineTable):
    """CSV or TSV. A row with fewer cells than the first is filled up, so that the values stand below their names."""

    def __init__(self, rows: Rows, names: Sequence[str], kind: str) -> None:
        super().__init__(rows, kind, names)
        self._delimiter = DELIMITERS[kind]
        self._width = len(rows.names)
        if rows.names:
            check_new(names, rows.names, self.source)
            body, end = self.split(rows.above)
            self.above = body + self.coded("".join(self._delimiter + self._quoted(name) for name in names)) + end

    def pieces(self, row: Row) -> Pieces:
        line, _, _, raw, cells = row
        body, end = self.split(raw)
        if cells is None:
            return body + end, None
        if len(cells) == self._width:
            return body, end
        self._width = self._width or len(cells)
        if len(cells) > self._width:
            raise CorpusError(
                f"line {line} of {self.source} has {len(cells)} cells and the first row {self._width}, so values added "
                "at its end would stand in the wrong columns; mend the row"
            )
        return body + self.coded(self._delimiter * (self._width - len(cells))), end

    def values(self, columns: Columns) -> Iterator[str]:
        texts = [as_texts(name, column, infinities=True) for name, column in columns.items()]
        for place, column in enumerate(columns.values()):
            if isinstance(column, list):
                texts[place] = list(map(self._quoted, column))
        return map(self._delimiter.join, zip(repeat(""), *texts))

    def _quoted(self, text: str) -> str:
        if not text or text.isalnum() or not any(character in text for character in (self._delimiter, *'"\r\n')):
            return text
        return '"' + text.replace('"', '""') + '"'


class _Json(LineTable):
    """JSON lines. Lines that are no object, or an empty one, stay as they are."""

    def __init__(self, rows: Rows, names: Sequence[str]) -> None:
        super().__init__(rows, "jsonl", names)
        self._new, self._brace = set(names), self.coded("}")

    def pieces(self, row: Row) -> Pieces:
        line, _, _, raw, record = row
        body, end = self.split(raw)
        if not record:
            return body + end, None
        if not self._new.isdisjoint(record):
            check_new(self.names, record, f"line {line} of {self.source}")
        last = body.rindex(self._brace)
        return body[:last], body[last:] + end

    def values(self, columns: Columns) -> Iterator[str]:
        return json_values(columns, ascii_only=not self.codec.startswith("utf"))


def _rows(lines: Lines, kind: str, column: str) -> Rows:
    return rows_of(lines, kind, column, LONGEST_STRING)


def _line_of(string: str) -> tuple[bytes, str]:
    if "\n" in string or "\r" in string:
        raise UsageError(f"{string!r} has a line break, and strings stand on a line each; give it without")
    return string.encode("utf-8", "surrogateescape") + b"\n", string
