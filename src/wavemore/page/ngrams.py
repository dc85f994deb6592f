"""The n-grams of a model file as the page has them: exactly, in few bits.

N-grams are one trie (`predict/counts.py`). For each n-gram that others begin with, from the shortest on and in order,
it is said how often each id follows it. Most of that can be guessed. Ids that follow it follow its shorter form too,
the n-gram without its oldest id, and in all as often as that form is followed by them: so each time that is told, less
of the shorter form's is left for others. With c still to tell, and r of R that are left for an id, none of the c falls
to it with probability about (1 - r / R)^c, or, where r is less than c, (1 - c / R)^r; this says which of some adaptive
probabilities the answer is coded with. An arithmetic coder makes bits of that (Rissanen 1976; here the range coder of
G. N. N. Martin 1979 with binary decisions): about two for an n-gram, an eighth of what gzip makes of the numbers.

How often an id follows, k from 1 to c, is its number of bits, one decision each, and then these bits. All c are told
when none is left; the last id of all gets what is left. The decoder, `app/engine/counted.js`, makes the same steps with
the same arithmetic: sums, products and quotients of whole numbers and of float64, which are the same everywhere.
"""

from typing import Any

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY
from wavemore.page.arrays import Arrays
from wavemore.predict.counts import ends_of

__all__ = ["ngrams_told"]

_BITS = 15  # of a probability
_HALF = 1 << (_BITS - 1)
_SLOWEST = 6  # a probability moves by 1 / 2^6 of what is missing, at first by more
_SHARES = 24  # of 0 to 1, in which the guess for "none" falls
_LENGTHS = 56  # bits that a count may have
_OF_LENGTHS = 2 * (_SHARES + 1)  # the first of the probabilities that a count has more bits; those of its second bit
_OF_BITS = _OF_LENGTHS + _LENGTHS * _LENGTHS
_CONTEXTS = _OF_BITS + _LENGTHS


class RangeCoder:
    """Codes yes and no by probabilities that adapt, each with a number."""

    def __init__(self, contexts: int) -> None:
        self._chances = [_HALF] * contexts  # that the answer is no
        self._times = [1] * contexts  # how fast they move
        self._low, self._range = 0, 0xFFFFFFFF
        self._out = bytearray()
        self._held, self._more = 0, 1  # a byte that a carry may yet reach, and how many follow it

    def code(self, context: int, yes: bool) -> None:
        """An answer, and what is learned from it."""
        chance, speed = self._chances[context], self._times[context]
        bound = (self._range >> _BITS) * chance
        if yes:
            self._low += bound
            self._range -= bound
            self._chances[context] = chance - (chance - 32 >> speed)
        else:
            self._range = bound
            self._chances[context] = chance + ((1 << _BITS) - 32 - chance >> speed)
        if speed < _SLOWEST:
            self._times[context] = speed + 1
        while self._range < 1 << 24:
            self._range = self._range << 8
            self._shift()

    def plain(self, yes: bool) -> None:
        """An answer that nothing is known of."""
        self._range >>= 1
        if yes:
            self._low += self._range
        while self._range < 1 << 24:
            self._range = self._range << 8
            self._shift()

    def _shift(self) -> None:
        """Move the highest byte of what is coded out."""
        if self._low < 0xFF000000 or self._low >= 1 << 32:
            carry = self._low >> 32
            for _ in range(self._more):
                self._out.append(self._held + carry & 0xFF)
                self._held = 0xFF
            self._more = 0
            self._held = self._low >> 24 & 0xFF
        self._more += 1
        self._low = (self._low & 0x00FFFFFF) << 8

    def data(self) -> bytes:
        """All that was coded."""
        for _ in range(5):
            self._shift()
        return bytes(self._out[1:])  # the first is always 0


def ngrams_told(
    order: int, vocabulary_size: int, ngrams: np.ndarray, counts: np.ndarray, arrays: Arrays
) -> dict[str, Any]:
    """What the header says of them; `ngrams` and `counts` as of a sound model."""
    codes = _coded(order, vocabulary_size, ngrams, counts)
    total = int(counts[: np.searchsorted(ngrams, vocabulary_size)].sum())
    return {"order": order, "size": len(ngrams), "total": total, "codes": arrays.raw(codes)}


def _coded(order: int, size: int, ngrams: np.ndarray, counts: np.ndarray) -> bytes:
    """Which id follows each n-gram how often."""
    parents, newest = np.divmod(ngrams, size)
    starts = np.searchsorted(parents, np.arange(len(ngrams) + 2)).tolist()  # where the n-grams stand that each begins
    ends = ends_of(parents)
    contexts = ends[min(order, len(ends)) - 1]  # those of a lower number are shorter than the order
    ids, of = newest.tolist(), [0, *counts.tolist()]
    coder = RangeCoder(_CONTEXTS)
    rest, follow = sum(of[1 : starts[1] + 1]), dict(zip(ids, of[1 : starts[1] + 1], strict=False))
    for id_ in range(size):
        if rest:
            _code_count(coder, follow.get(id_, 0), rest, 1, size - id_, last=id_ + 1 == size)
            rest -= follow.get(id_, 0)
    left = of.copy()  # of each n-gram, how often it is still to come as the end of a longer one
    shorter = [0] * (len(ids) + 1)
    for context in range(1, contexts):
        if context > 1 and ids[context - 1] == BOUNDARY:
            continue  # its string has ended
        here, rest, short = starts[context], of[context], shorter[context]
        there, until = starts[short], starts[short + 1]
        whole = sum(left[there + 1 : until + 1])
        while rest:
            share, count = left[there + 1], 0
            if here < starts[context + 1] and ids[here] == ids[there]:
                count, shorter[here + 1], here = of[here + 1], there + 1, here + 1
            _code_count(coder, count, rest, share, whole, last=there + 1 == until)
            left[there + 1], whole, rest, there = share - count, whole - share, rest - count, there + 1
    return coder.data()


def _code_count(coder: RangeCoder, count: int, rest: int, share: int, whole: int, *, last: bool) -> None:
    """How many of `rest` fall to an id, to which `share` of `whole` are left."""
    if last:
        return
    coder.code(2 * _none(rest, share, whole) + (rest == 1), count > 0)
    if count == 0 or rest == 1:
        return
    guess = min(_LENGTHS - 1, int(float(rest) * float(share) / max(whole, 1)).bit_length())
    bits, most = count.bit_length(), rest.bit_length()
    for length in range(1, most):
        coder.code(_OF_LENGTHS + guess * _LENGTHS + length, bits > length)
        if bits == length:
            break
    for bit in range(bits - 2, -1, -1):
        if bit == bits - 2:
            coder.code(_OF_BITS + bits, bool(count >> bit & 1))
        else:
            coder.plain(bool(count >> bit & 1))


def _none(rest: int, share: int, whole: int) -> int:
    """In which of some equal parts of 0 to 1 the probability lies that none of `rest` falls to an id."""
    if share <= 0:
        return _SHARES
    if share > whole or rest > whole:
        return 0
    base, times = (1 - rest / whole, share) if share < rest else (1 - share / whole, rest)
    chance = 1.0
    while times:
        if times & 1:
            chance *= base
        base *= base
        times >>= 1
    return int(chance * _SHARES)
