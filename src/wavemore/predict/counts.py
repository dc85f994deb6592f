"""The n-grams of a list and how often each was seen, as two arrays: counting them, and checking arrays from a file.

All n-grams are one trie, numbered by length and then in order. The strings "em" and "ma", order 3, give

    1 end  2 a  3 e  4 m     5 .e  6 .m  7 a.  8 em  9 m.  10 ma    11 .em  12 .ma  13 em.  14 ma.     (. the boundary)

The first array has for each n-gram the number of its beginning, which is all but its newest id, times V, plus that id:
a rising sequence, so that an n-gram is found by bisection. The second has how often each was seen. All that an n-gram
model knows follows from these two. Work grows with the characters times the order; strings are never taken one by one.

Shapes in this file
    N  predictions     G  n-grams     g  those of one length     V  vocabulary, boundary id 0 included
"""

from collections.abc import Mapping, Sequence

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import BOUNDARY, Vocabulary
from wavemore.predict.chunks import distinct, laid_out

__all__ = ["ROOT", "UnsoundError", "checked", "counted", "ends_of"]

ROOT = 0
"""The number of the n-gram without characters."""

_LARGEST_COUNT = 1 << 53  # up to which float64 has all whole numbers


class UnsoundError(Exception):
    """What is wrong with the arrays of a model."""


def counted(strings: Sequence[str], vocabulary: Vocabulary, order: int) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams of a list, up to the length `order`, and their counts: int64, (G,) each. Raises
    `UnknownCharacterError`, and `UsageError` for no strings."""
    if not len(strings):
        raise UsageError("there are no strings to count; give at least one")
    answers, size = laid_out(strings, vocabulary)[0][1:], len(vocabulary)  # (N,): the id that each prediction is of
    ngrams: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
    counts: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
    at = np.arange(len(answers))  # the predictions that have a context of the length in turn, and those contexts
    contexts = np.full(len(answers), ROOT)
    start, end = ROOT, 1  # the numbers of these contexts
    for length in range(1, order + 1):
        keys = contexts * size + answers[at]
        where, numbers = distinct(keys - start * size, (end - start) * size)
        keys = keys[where]  # (g,) of the n-grams of this length
        rising = np.argsort(keys)
        ranks = np.empty_like(rising)
        ranks[rising] = np.arange(len(rising))
        numbers = ranks[numbers]
        ngrams.append(keys[rising])
        counts.append(np.bincount(numbers, minlength=len(rising)))
        # These n-grams are contexts of what follows them; the boundary that ends a string begins the next, and the
        # last one the first.
        following = np.flatnonzero(answers[at] != BOUNDARY) if length > 1 else np.arange(len(at))
        at = (at[following] + 1) % len(answers)
        contexts = end + numbers[following]
        start, end = end, end + len(rising)
    return np.concatenate(ngrams), np.concatenate(counts)


def ends_of(parents: np.ndarray) -> list[int]:
    """The n-grams of length k are those from ends[k - 1] up to ends[k]; the root alone has length 0."""
    ends = [1]
    while ends[-1] <= len(parents):
        ends.append(1 + int(np.searchsorted(parents, ends[-1])))
    return ends


def checked(order: int, vocabulary_size: int, arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """`ngrams` and `counts`, sound but for n-grams without their own ends. Raises `UnsoundError`."""
    for name in sorted(arrays.keys() ^ {"ngrams", "counts"}):
        state = "is missing" if name not in arrays else "does not belong there"
        raise UnsoundError(f"the array {name} {state}")
    for name, array in arrays.items():
        if array.dtype != np.int64 or array.ndim != 1:
            raise UnsoundError(
                f"{name} are {array.dtype} of shape {array.shape}, and they need to be int64 in a single row"
            )
    ngrams, counts = arrays["ngrams"], arrays["counts"]
    if len(ngrams) != len(counts) or not len(ngrams):
        raise UnsoundError(f"there are {len(ngrams):,} of them and {len(counts):,} counts")
    parents, newest = np.divmod(ngrams, vocabulary_size)
    if (np.diff(ngrams) <= 0).any() or (ngrams < 0).any() or (parents > np.arange(len(ngrams))).any():
        raise UnsoundError("they are not in their order")
    ends = ends_of(parents)
    if len(ends) - 1 > order:
        raise UnsoundError(f"they are up to {len(ends) - 1} ids long, and the order is {order}")
    if (counts < 1).any() or (counts > _LARGEST_COUNT).any():
        raise UnsoundError("a count is not from 1 to 2**53")
    # What goes on, and is shorter than the order, was seen as often as all that it begins; what has ended begins none.
    begun = np.bincount(parents, counts, minlength=len(ngrams) + 1)[1:]
    goes_on = (newest != BOUNDARY) | (np.arange(len(ngrams)) == 0)
    goes_on[ends[min(order, len(ends)) - 1] - 1 :] = False
    if (begun != counts * goes_on).any():
        raise UnsoundError("their counts do not add up")
    return ngrams, counts
