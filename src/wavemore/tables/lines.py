"""A table that consists of lines: what its formats have in common.

Of each row the bytes are kept in two pieces, between which the new values go, so that all else stays as it was.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, TypeAlias

from wavemore.errors import UsageError
from wavemore.lists.rows import Row
from wavemore.lists.sources import Rows
from wavemore.tables.columns import ROWS_AT_ONCE, Columns, Part, Portion, Table

__all__ = ["LineTable", "Pieces", "check_codec"]

_BYTES_AT_ONCE = 1 << 24

Pieces: TypeAlias = tuple[bytes, bytes | None]
"""The bytes of a row before and after the new values. The last is None where the row cannot take any."""


def check_codec(codec: str, encoding: str) -> None:
    """Raise `UsageError` for an encoding whose text cannot be written back byte for byte."""
    if "\na,".encode(codec) == b"\na," or codec.startswith("utf"):
        return
    every = bytes(range(256))
    if every.decode(codec, "surrogateescape").encode(codec, "surrogateescape") != every:
        raise UsageError(
            f"text in {encoding} cannot be written back as it was, since some of its bytes mean the same; "
            "convert the list to utf-8 first"
        )


class LineTable(Table):
    """A table that consists of lines."""

    def __init__(self, rows: Rows, kind: str, names: Sequence[str]) -> None:
        super().__init__(rows.lines.where, kind)
        self.names, self.above = names, rows.above
        self.codec, self.line_end = rows.lines.codec, rows.lines.end
        self._rows = rows.rows
        self.notes = rows.notes
        self._lf, self._crlf = self.coded(rows.lines.end), self.coded("\r\n")
        self.end = self._lf
        """Of its lines, as far as read."""
        self._ended = True
        """Whether the last line, as far as read, has one."""

    def head(self) -> bytes:
        """What stands above the rows."""
        return self.above

    @abstractmethod
    def pieces(self, row: Row) -> Pieces:
        """What is written back of a row. Raises `CorpusError` or `UsageError` where values cannot be added to it."""

    @abstractmethod
    def values(self, columns: Columns) -> Iterator[str]:
        """For each row what goes between its pieces."""

    def portions(self) -> Iterator[Portion]:
        more = True
        while more:
            numbers, texts, problems, kept, size, more = [], [], {}, [], 0, False
            for row in self._rows:
                line, text, problem, raw, _ = row
                if problem:
                    problems[len(texts)] = problem
                if problem or text.strip() != text:
                    self.notes.look_at(row)
                numbers.append(line)
                texts.append(text)
                kept.append(self.pieces(row))
                size += len(raw)
                if len(texts) == ROWS_AT_ONCE or size > _BYTES_AT_ONCE:
                    more = True
                    break
            if texts:
                yield Portion(numbers, texts, problems, kept)

    def write(self, file: BinaryIO, parts: Iterable[Part]) -> None:
        held: bytes | None = None  # back by a part, as only the end of the rows shows whether the last has a line end
        for part in parts:
            held = self.head() if held is None else held
            pieces: list[bytes] = []
            for (before, after), value in zip(part.kept, self.values(part.columns), strict=True):
                pieces.append(before)
                if after is not None:
                    pieces += (self.coded(value), after)
            if pieces:
                file.write(held)
                held = b"".join(pieces)
        held = self.head() if held is None else held
        file.write(held if self._ended else self.split(held)[0])

    def coded(self, text: str) -> bytes:
        """The text as the table's other bytes are."""
        return text.encode(self.codec, "backslashreplace")

    def split(self, raw: bytes) -> tuple[bytes, bytes]:
        """A line without its end, and its end, which the last one of a table gets if it has none."""
        if raw.endswith(self._crlf):
            self.end = self._crlf
            return raw[: -len(self._crlf)], self._crlf
        if raw.endswith(self._lf):
            return raw[: -len(self._lf)], self._lf
        self._ended = False
        return raw, self.end
