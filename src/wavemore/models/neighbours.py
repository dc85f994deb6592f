"""Which strings are a few edits from one of a list: found by hashes of its strings, whole and less a character.

An edit takes a character out, puts one in, or changes one (Levenshtein 1966). Two strings are at most one edit apart
if they are equal, if one is the other without a character, or if both are equal once each has lost its i-th character:

    emma, ema    emma without its 2nd character is ema        emma, erma    e.ma both, without their 2nd character

So the list's strings are kept whole, without each one of their characters, and, apart from these, as pairs of a place
and what is left without the character there. One look for each place of a string tells if it is near, whatever the
alphabet and however long the list; compared with each string of a list of 17,154, a string takes a hundred times as
long. For two edits each string that is one edit away is looked at in the same way.

A hash is the sum of each character's own 64-bit number times B to the power of its place, modulo 2**64, so that all
hashes of a string without one character come from running sums. Two different strings have the same one with a
probability of about 2**-64; then a string far from the list would be taken for a near one.

Shapes in this file
    S  strings   L  their characters, of one length at a time   A  characters of the list   K  keys
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from wavemore.lists.vocabulary import normalise

__all__ = ["Neighbours", "edited"]

_B = 0x9E3779B97F4A7C15  # odd, so that it has an inverse
_INVERSE = pow(_B, -1, 1 << 64)
_AT_ONCE = 1 << 20  # characters of strings that are looked at together
_FEWEST_BITS = 16


class Neighbours:
    """The strings of a list, in NFC; asked which strings are near one of them. Case counts: "Al" and "al" are one edit
    apart."""

    def __init__(self, strings: Iterable[str]) -> None:
        distinct = set(_in_nfc(list(strings)))
        self.strings = len(distinct)
        """How many distinct strings there are."""
        self.alphabet = np.unique(_points("".join(distinct)))
        """(A,): their characters."""
        whole, shorter, placed = [], [], []
        for _, rows in _by_length(list(distinct)):
            total, without = _hashes(rows)  # (S,), (S, L)
            whole.append(total)
            shorter.append(without.reshape(-1))
            places = np.arange(rows.shape[1] + 1)
            placed.append(_placed(without, places[:-1]).reshape(-1))
            placed.append(_placed(total[:, None], places).reshape(-1))  # a character more stood at this place
        nothing = [np.zeros(0, dtype=np.uint64)]
        self._equal = _Keys(np.concatenate(whole or nothing))
        self._whole = _Keys(np.concatenate(whole + shorter or nothing))
        self._placed = _Keys(np.concatenate(placed or nothing))

    def within(self, edits: int, strings: Sequence[str]) -> np.ndarray:
        """Whether each string is at most 0, 1 or 2 edits from one of the list: truth values, (S,)."""
        found = np.zeros(len(strings), dtype=bool)
        for where, rows in _by_length(_in_nfc(strings)):
            found[where] = self._near(rows) if edits else self._equal.have(_hashes(rows)[0])
            if edits > 1:
                for place in np.flatnonzero(~found[where]):
                    found[where[place]] = any(self._near(some).any() for some in edited(rows[place], self.alphabet))
        return found

    def _near(self, rows: np.ndarray) -> np.ndarray:
        """(S, L) code points -> (S,) bool: at most one edit away."""
        total, without = _hashes(rows)
        near = self._whole.have(total)
        left = np.flatnonzero(~near)
        near[left] = self._placed.have(_placed(without[left], np.arange(rows.shape[1]))).any(axis=1)
        return near


def edited(string: np.ndarray, alphabet: np.ndarray) -> Iterator[np.ndarray]:
    """All that is one edit away from a string of code points, (L,), with these characters, (A,), in portions, each
    (strings, length) uint32. Some come twice, and the string itself among them."""
    length = len(string)
    if length:
        yield string[np.nonzero(~np.eye(length, dtype=bool))[1].reshape(length, length - 1)]
    some = max(1, _AT_ONCE // (length + 1) ** 2)
    for start in range(0, len(alphabet), some):
        characters = alphabet[start : start + some]
        changed = np.broadcast_to(string, (len(characters), length, length)).copy()
        changed[:, np.arange(length), np.arange(length)] = characters[:, None]
        yield changed.reshape(len(characters) * length, length)
        longer = np.empty((len(characters), length + 1, length + 1), dtype=np.uint32)
        for place in range(length + 1):
            longer[:, place, :place], longer[:, place, place + 1 :] = string[:place], string[place:]
            longer[:, place, place] = characters
        yield longer.reshape(len(characters) * (length + 1), length + 1)


class _Keys:
    """A set of 64-bit numbers. A table with a mark for the upper bits of each spares most numbers the search."""

    def __init__(self, keys: np.ndarray) -> None:
        rising = np.sort(keys)
        self._rising = rising[np.append(True, rising[1:] != rising[:-1])[: len(rising)]]  # (K,)
        bits = max(_FEWEST_BITS, (8 * len(self._rising)).bit_length())
        self._shift = np.uint64(64 - bits)
        self._marks = np.zeros(1 << bits, dtype=bool)
        self._marks[self._rising >> self._shift] = True

    def have(self, keys: np.ndarray) -> np.ndarray:
        """Which of the numbers are in the set: truth values of the same shape."""
        found = self._marks[keys >> self._shift]
        asked = keys[found]
        if len(asked):
            found[found] = self._rising.take(np.searchsorted(self._rising, asked), mode="clip") == asked
        return found


def _in_nfc(strings: Sequence[str]) -> Sequence[str]:
    return strings if "".join(strings).isascii() else [normalise(string) for string in strings]


def _by_length(strings: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The places of strings of one length, (S,), and their code points, (S, L) uint32; some at a time."""
    lengths = np.fromiter(map(len, strings), dtype=np.int64, count=len(strings))
    order = np.argsort(lengths, kind="stable")
    ends = np.flatnonzero(np.diff(lengths[order], append=-1)) + 1
    start = 0
    for end in ends.tolist():
        length = int(lengths[order[start]])
        some = max(1, _AT_ONCE // (length + 1))
        for first in range(start, end, some):
            where = order[first : min(first + some, end)]
            yield where, _points("".join(strings[int(i)] for i in where)).reshape(len(where), length)
        start = end


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _hashes(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(S, L) code points -> the hash of each string, (S,) uint64, and of it without the character at each place,
    (S, L)."""
    count, length = rows.shape
    powers = np.cumprod(np.append(np.uint64(1), np.full(length, _B, dtype=np.uint64)), dtype=np.uint64)
    sums = np.zeros((count, length + 1), dtype=np.uint64)
    np.cumsum(_mixed(rows) * powers[:length], axis=1, out=sums[:, 1:])
    total = sums[:, -1]
    without = sums[:, :-1] + (total[:, None] - sums[:, 1:]) * np.uint64(_INVERSE)
    return _mixed(total + np.uint64(length)), _mixed(without + np.uint64(length - 1) if length else without)


def _placed(hashes: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(S, L) or (S, 1) hashes with the places, (L,), that a character is gone from: (S, L) uint64."""
    return _mixed(hashes + places.astype(np.uint64) * np.uint64(_B))


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Whole numbers as 64 bits each of which depends on all of theirs: uint64 (Stafford's variant 13 of the finalizer
    of MurmurHash3)."""
    mixed = numbers.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return mixed
