"""A table that consists of lines: what its formats have in common.

Of each row the bytes are kept in two pieces, between which the new values go, so that all else stays as it was.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, TypeAlias

from wavemore.lists.streams import Lines
from wavemore.tables.columns import ROWS_AT_ONCE, Columns, Part, Portion, Table

__all__ = ["LineRow", "LineTable"]

_BYTES_AT_ONCE = 1 << 24


LineRow: TypeAlias = tuple[int, str, str, bytes, bytes | None]
"""One row: its line, its string, why it has none or "", and its bytes before and after the new values. The last is None
where the row cannot take any."""


class LineTable(Table):
    """A table that consists of lines. `lines` are as `lines_of` gives them."""

    def __init__(self, source: str, kind: str, lines: Lines, names: Sequence[str]) -> None:
        super().__init__(source, kind)
        mark, self._codec = next(lines)
        self.lines, self.names = lines, names
        self.above = mark
        self._lf, self._crlf = self.coded("\n"), self.coded("\r\n")
        self._end = self._lf
        """Of its lines, as far as read."""
        self._ended = True
        """Whether the last line, as far as read, has one."""

    def head(self) -> bytes:
        """What stands above the rows."""
        return self.above

    @abstractmethod
    def rows(self) -> Iterator[LineRow]:
        """All rows, one by one."""

    @abstractmethod
    def values(self, columns: Columns) -> Iterator[str]:
        """For each row what goes between its pieces."""

    def portions(self) -> Iterator[Portion]:
        rows = self.rows()
        more = True
        while more:
            numbers, texts, problems, kept, size, more = [], [], {}, [], 0, False
            for line, text, problem, before, after in rows:
                if problem:
                    problems[len(texts)] = problem
                numbers.append(line)
                texts.append(text)
                kept.append((before, after))
                size += len(before) + len(after or b"")
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
        return text.encode(self._codec, "backslashreplace")

    def split(self, raw: bytes) -> tuple[bytes, bytes]:
        """A line without its end, and its end, which the last one of a table gets if it has none."""
        if raw.endswith(self._crlf):
            self._end = self._crlf
            return raw[: -len(self._crlf)], self._crlf
        if raw.endswith(self._lf):
            return raw[: -len(self._lf)], self._lf
        self._ended = False
        return raw, self._end

    def untouched(self, line: int, raw: bytes, problem: str) -> LineRow:
        return line, "", problem, b"".join(self.split(raw)), None
