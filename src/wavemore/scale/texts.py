"""Arrow's strings as ids, and ids as Arrow's strings: from bytes and offsets straight into NumPy and back, without a
Python string for each row.

Of equal strings one is looked at: `Distinct` has each string of a column once, and for each row which one it is. A
string all of whose characters the model knows, and which is in NFC whatever its neighbours, becomes ids (`plain`); the
others are few in most columns, and are taken as Python strings.

Shapes in this file
    R  rows   D  distinct strings   S  some of them   B  bytes   N  characters   V  vocabulary, boundary id 0 included
"""

import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import BOUNDARY, Encoded, Vocabulary
from wavemore.tables.parquet import holds_strings, pyarrow_for

if TYPE_CHECKING:
    from pyarrow import Array, ChunkedArray

__all__ = ["Distinct", "as_arrow", "by_beginning", "check_column_of_arrow", "code_points", "stays_in_nfc"]

_JAMO = ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))
_VOWELS = (0x16D40, 0x16D7F)  # of Kirat Rai, which compose although they are letters
_LEADING = ((0xC0, 0xE0, 0x1F), (0xE0, 0xF0, 0x0F), (0xF0, 0x100, 0x07))
"""Of characters of two, three and four bytes: the least first byte, the one above all, and which of its bits count."""
_BEGINNING = 12  # characters by which strings are sorted, at most
_BLANKS = "".join(c for c in map(chr, range(0x3001)) if c.isspace())


@dataclass(frozen=True, repr=False, eq=False)
class Distinct:
    """The distinct strings of a column."""

    values: Any
    """pyarrow.LargeStringArray, (D,), without nulls."""
    rows: np.ndarray
    """int64, (R,): for each row the place of its string in `values`, and -1 where it has none."""

    @classmethod
    def of(cls, array: "Array | ChunkedArray") -> Self:
        """Those of a column: `pyarrow.string`, `large_string`, `string_view`, or a dictionary of them, in one chunk or
        several; or nulls alone. Raises `UsageError` for another type and for bytes that are no UTF-8."""
        pyarrow = pyarrow_for("a column of Arrow")
        check_column_of_arrow(array)
        dense = _without_viewed(array).cast(pyarrow.large_string())
        if isinstance(dense, pyarrow.ChunkedArray):
            dense = dense.combine_chunks()
        if isinstance(dense, pyarrow.ChunkedArray):  # as old versions give it
            dense = pyarrow.concat_arrays(dense.chunks) if dense.num_chunks else pyarrow.array([], dense.type)
        coded = dense.dictionary_encode()
        try:
            coded.dictionary.validate(full=True)
        except pyarrow.ArrowInvalid as error:
            raise UsageError("the column has a string that is no UTF-8; write it again with an encoding") from error
        rows = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(coded.dictionary, rows)

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        """The code points of all strings end to end, (N,), and the length of each, int64, (D,)."""
        _, offsets, data = self.values.buffers()
        ends = (
            np.frombuffer(offsets, np.int64)[self.values.offset :][: len(self) + 1] if len(self) else np.zeros(1, int)
        )
        text = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]] if data is not None else np.zeros(0, np.uint8)
        return code_points(text, ends - ends[0])

    @property
    def lengths(self) -> np.ndarray:
        """In characters, (D,)."""
        return self._points[1]

    def plain(self, vocabulary: Vocabulary) -> tuple[np.ndarray, Encoded]:
        """Which strings have characters that the vocabulary knows, and no others, and are in NFC by these alone, (D,)
        bool; and these strings as ids."""
        points, lengths = self._points
        ids = _ids(vocabulary).take(points, mode="clip")  # (N,), -1 where it is not so
        unknown = ids < 0
        if not unknown.any():
            return np.ones(len(self), bool), Encoded(vocabulary, ids, lengths)
        strange = _counts(unknown, lengths) > 0
        return ~strange, Encoded(vocabulary, ids[np.repeat(~strange, lengths)], lengths[~strange])

    def blank(self) -> np.ndarray:
        """Which strings have no character but blanks, as `str.isspace` has them, or none at all: (D,) bool."""
        points, lengths = self._points
        table = np.zeros(ord(_BLANKS[-1]) + 2, bool)
        table[[ord(c) for c in _BLANKS]] = True
        blanks = table.take(points, mode="clip")
        return _counts(blanks, lengths) == lengths if blanks.any() else lengths == 0

    def at(self, places: np.ndarray) -> list[str]:
        """The strings at these places as Python's."""
        return self.values.take(pyarrow_for("a column of Arrow").array(places)).to_pylist()


def check_column_of_arrow(array: Any) -> None:
    """Raise `UsageError` for what is no column of Arrow's, or not one of strings."""
    pyarrow = pyarrow_for("a column of Arrow")
    if not isinstance(array, pyarrow.Array | pyarrow.ChunkedArray):
        raise UsageError(f"the strings are a {type(array).__name__}; they must be a pyarrow.Array of strings")
    if not holds_strings(array.type):
        raise UsageError(f"the column holds {array.type} and not strings; name another, or cast it")


def code_points(text: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sound UTF-8 as code points: uint8, (B,), in which string i is text[ends[i] : ends[i + 1]] -> int32, (N,), and how
    many characters each string has, int64, (D,)."""
    if not len(text) or text.max() < 0x80:
        return text.astype(np.int32), np.diff(ends)
    leading = (text & 0xC0) != 0x80  # the first byte of each character
    starts = np.flatnonzero(leading)
    first = text[starts].astype(np.int32)
    points = first.copy()
    for more, (least, above, bits) in enumerate(_LEADING, start=1):
        these = np.flatnonzero((first >= least) & (first < above))
        value = first[these] & bits
        for i in range(1, more + 1):
            value = value << 6 | (text[starts[these] + i] & 0x3F)
        points[these] = value
    before = np.concatenate([[0], np.cumsum(leading)])
    return points, np.diff(before[ends])


def by_beginning(strings: Encoded) -> tuple[np.ndarray, Encoded]:
    """The order that puts strings with the same beginning next to each other, (S,), and the strings in that order.
    Such strings share contexts, which are computed once for each portion of strings: so fewer are computed twice."""
    ids, lengths = strings.ids, strings.lengths
    bits = (len(strings.vocabulary) - 1).bit_length()  # of an id
    starts = np.cumsum(lengths) - lengths
    keys = np.zeros(len(lengths), np.int64)
    for place in range(min(_BEGINNING, 63 // max(1, bits)) if len(ids) else 0):
        keys <<= bits
        keys |= np.where(lengths > place, ids.take(starts + place, mode="clip"), 0)
    order = np.argsort(keys)
    lengths = lengths[order]
    narrow = np.int32 if len(ids) < 1 << 31 else np.int64  # these are the largest arrays of all
    places = np.repeat((starts[order] - (np.cumsum(lengths) - lengths)).astype(narrow), lengths)
    places += np.arange(len(ids), dtype=narrow)
    return order, Encoded(strings.vocabulary, ids[places], lengths)


def as_arrow(ids: np.ndarray, vocabulary: Vocabulary) -> "Array":
    """Rows of ids, (R, length of the longest), boundaries after each string, as a `pyarrow.large_string` array, (R,).
    What `Vocabulary.decode_rows` gives as Python's strings."""
    pyarrow = pyarrow_for("a column of Arrow")
    table, widths = _utf8(vocabulary)
    taken = widths[ids]  # (R, longest): bytes of each character
    ends = np.concatenate([[0], np.cumsum(taken.sum(axis=1, dtype=np.int64))])
    if table.shape[1] == 1:
        data = table[ids[ids != BOUNDARY], 0]
    else:
        data = table[ids][np.arange(table.shape[1]) < taken[:, :, None]]
    buffers = [None, pyarrow.py_buffer(ends.astype(np.int64)), pyarrow.py_buffer(np.ascontiguousarray(data))]
    return pyarrow.Array.from_buffers(pyarrow.large_string(), len(ids), buffers)


def stays_in_nfc(character: str) -> bool:
    """Whether a text of such characters is in NFC, whatever their order: none of them changes, moves, or joins with
    the one before it. Of some that are so this says that they are not."""
    point = ord(character)
    if point < 0x300:  # the first mark
        return True
    if unicodedata.category(character).startswith("M") or unicodedata.combining(character):
        return False
    if any(low <= point <= high for low, high in (*_JAMO, _VOWELS)):
        return False
    return unicodedata.normalize("NFC", character) == character


@lru_cache(maxsize=64)
def _ids(vocabulary: Vocabulary) -> np.ndarray:
    """int32: the id of each code point up to one above the highest that has one; -1 where it has none, and where it
    may change under NFC."""
    known = np.array([ord(c) for c in vocabulary.characters if stays_in_nfc(c)], np.int64)
    ids = np.full(int(known.max(initial=0)) + 2, -1, np.int32)
    ids[known] = vocabulary.encode_known("".join(map(chr, known.tolist())))
    return ids


@lru_cache(maxsize=64)
def _utf8(vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of each id, uint8, (V, most), and how many there are, int64, (V,); none of the boundary."""
    every = [b"", *(character.encode() for character in vocabulary.characters)]
    table = np.zeros((len(every), max(1, *map(len, every))), np.uint8)
    for row, text in zip(table, every, strict=True):
        row[: len(text)] = np.frombuffer(text, np.uint8)
    return table, np.array([len(text) for text in every])


def _without_viewed(array: "Array | ChunkedArray") -> "Array | ChunkedArray":
    """A dictionary of views as one of strings, since pyarrow takes no rows of views; other columns as they are."""
    pyarrow = pyarrow_for("a column of Arrow")
    if not pyarrow.types.is_dictionary(array.type) or str(array.type.value_type) != "string_view":
        return array
    chunks = array.chunks if isinstance(array, pyarrow.ChunkedArray) else [array]
    plain = pyarrow.large_string()
    found = [pyarrow.DictionaryArray.from_arrays(some.indices, some.dictionary.cast(plain)) for some in chunks]
    return pyarrow.chunked_array(found, pyarrow.dictionary(array.type.index_type, plain))


def _counts(marks: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """How many characters of each string are marked: (N,) bool, (D,) -> (D,)."""
    before = np.concatenate([[0], np.cumsum(marks)])
    ends = np.cumsum(lengths)
    return before[ends] - before[ends - lengths]
