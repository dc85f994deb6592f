"""The rows of JSON: lines of objects, and one array of strings or of objects."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.rows import Row, Strings, listing
from wavemore.lists.streams import Lines
from wavemore.lists.vocabulary import has_surrogate
from wavemore.settings.strict import suggestion

__all__ = ["Array", "first_keys", "lines_of_json"]

_KEYS = 20  # that a message names
_BLANKS = re.compile(r"[ \t\r\n]*")


class _Keys:
    """Which keys objects have, and whether one of them is the one that is looked for."""

    def __init__(self, wanted: str, where: str) -> None:
        self.wanted, self.where = wanted, where
        self._seen: dict[str, None] = {}
        self._found = False

    def add(self, record: dict[str, Any]) -> None:
        if len(self._seen) < _KEYS:
            self._seen.update(dict.fromkeys(record))
        self._found = self._found or self.wanted in record

    def check(self) -> None:
        """Raise `UsageError` where no object has it."""
        if self._seen and not self._found:
            near = suggestion(self.wanted, self._seen)
            raise UsageError(f'{self.where} has no key "{self.wanted}"{near}; its keys are {listing(self._seen)}')


def lines_of_json(lines: Lines, key: str, string: Strings) -> Iterator[Row]:
    """A row for each line. Raises `UsageError` after the last where none has the key."""
    keys = _Keys(key, lines.where)
    for number, (raw, line) in enumerate(lines.lines, start=1):
        if not line.strip():
            yield number, "", "blank", raw, None
            continue
        record = _record(line)
        if record is None:
            yield number, "", "unreadable", raw, None
            continue
        keys.add(record)
        yield number, *string(record.get(key)), raw, record
    keys.check()


def first_keys(head: Iterable[str]) -> Sequence[str]:
    """Those of the first object among these lines."""
    return list(next((record for record in map(_record, head) if record), {}))


def _record(line: str) -> dict[str, Any] | None:
    """The object on a line; None where there is none."""
    try:
        record = json.loads(line) if not has_surrogate(line) else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


class Array:
    """A JSON array of strings or of objects. Its text is held in memory as a whole."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._text = "".join(line for _, line in lines.lines)
        self._start = len(self._text)  # until it is found
        self._start = self._after("[", 0)
        self.above = self._coded(self._text[: self._start])
        """Its bytes before the first element."""
        self.between = self._coded(",\n")
        """Its bytes between the first and the second element, which stand between all that are written."""
        self.below = b""
        """Its bytes after the last element, when all are read."""

    def rows(self, key: str | None, string: Strings) -> Iterator[Row]:
        """A row for each element. Raises `CorpusError` for what is not such an array, and `UsageError` where a key is
        missing or not to be named."""
        keys = _Keys(key or "", self._lines.where)
        line, counted = 1, 0
        for start, end, value in self._elements():
            line, counted = line + self._text.count("\n", counted, start), start
            raw = self._coded(self._text[start:end])
            if isinstance(value, dict):
                if key is None:
                    raise UsageError(
                        f"{self._lines.where} holds objects; name the key that holds the strings: {listing(value)}"
                    )
                keys.add(value)
                yield line, *string(value.get(key)), raw, value
            elif key is not None and isinstance(value, str):
                raise UsageError(f"{self._lines.where} holds strings, which have no keys; do not name one ({key})")
            else:
                yield line, *string(value), raw, value
        keys.check()

    def _elements(self) -> Iterator[tuple[int, int, Any]]:
        """The place, the end and the value of each element."""
        text, place, first = self._text, self._start, True
        decoder = json.JSONDecoder()
        if text[place : place + 1] == "]":
            self._finish(place)
            return
        while True:
            try:
                value, end = decoder.raw_decode(text, place)
            except (ValueError, RecursionError) as error:
                raise self._broken(place, str(getattr(error, "msg", error))) from error
            yield place, end, value
            following = _end_of_blanks(text, end)
            if text[following : following + 1] != ",":
                self._finish(end)
                return
            place = _end_of_blanks(text, following + 1)
            if first:
                self.between, first = self._coded(text[end:place]), False

    def _finish(self, end: int) -> None:
        """What comes after the last element."""
        after = self._after("]", end)
        if after < len(self._text):
            raise self._broken(after, "something follows the array")
        self.below = self._coded(self._text[end:])

    def _after(self, bracket: str, place: int) -> int:
        """The place after this bracket and the blanks around it."""
        place = _end_of_blanks(self._text, place)
        if self._text[place : place + 1] != bracket:
            what = "an array of strings or of objects" if bracket == "[" else 'a comma or "]"'
            raise self._broken(place, f"{what} is expected")
        return _end_of_blanks(self._text, place + 1)

    def _broken(self, place: int, why: str) -> CorpusError:
        line, why = 1 + self._text.count("\n", 0, place), why.removesuffix(" starting at")
        if place > self._start and not self._text.rstrip().endswith("]"):
            return CorpusError(
                f"the JSON array of {self._lines.where} has no end (line {line}: {why}), so it is cut short; write or "
                "copy it again"
            )
        return CorpusError(f"line {line} of {self._lines.where} is not right for a JSON array: {why}; mend it")

    def _coded(self, text: str) -> bytes:
        return text.encode(self._lines.codec, "surrogateescape")


def _end_of_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place
