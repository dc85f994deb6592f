"""The n-gram model: counted, not trained. A baseline with interpolated, modified Kneser-Ney smoothing, in NumPy alone.

What follows a context h is what was seen to follow it, each count less a discount; what the discounts leave over is
shared out as the shorter context h' says, which is h without its oldest id (Chen and Goodman 1998):

    P(c | h)  =  (a(hc) - D) / a(h)  +  left(h) P(c | h')        a(h) and left(h): the sums of a(hc), and of D / a(h),
    P(c | no context)  =  (a(c) - D) / a  +  left / V            over all c that were seen behind h

a(hc) is not how often hc was seen, but how many different ids were seen before it: a character that follows one other
only is no good guess after a third one. An n-gram that nothing can precede keeps its count: one of the full order, and
one that begins with the boundary, since a string's beginning is seen whole, however short. So a string is padded with
one boundary and no more. D is estimated for each length, and for a = 1, 2 and more, from how many n-grams have a = 1,
2, 3 and 4.

All n-grams are one trie, numbered by length and then in order; "em" and "ma" in the list, order 3, gives

    1 end  2 a  3 e  4 m     5 .e  6 .m  7 a.  8 em  9 m.  10 ma    11 .em  12 .ma  13 em.  14 ma.     (. the boundary)

and the whole model is two arrays: for each n-gram its number without its newest id times V, plus that id, which is a
rising sequence, so that an n-gram is found by bisection; and how often it was seen. All else follows from these. An
n-gram that does not end its string is the context of what follows it. Work grows with the characters times the order;
strings are never taken one by one.

Shapes in this file
    N  predictions   G  n-grams   n  distinct contexts   S  strings   V  vocabulary, boundary id 0 included
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from wavemore.errors import ModelFileError, UsageError
from wavemore.lists.vocabulary import BOUNDARY, Vocabulary
from wavemore.predict.chunks import distinct
from wavemore.predict.predictor import Position, Predictions
from wavemore.settings.config import NgramConfig

__all__ = ["Ngram", "NgramState"]

_ROOT = 0  # the number of the n-gram without characters: the context that knows nothing
_LOGITS_AT_ONCE = 1 << 18  # bounds the memory of predictions
_LARGEST_COUNT = 1 << 53  # up to which float64 has all whole numbers


class _UnsoundError(Exception):
    """What is wrong with the arrays of a model."""


@dataclass(frozen=True)
class NgramState(Position):
    """Where many strings stand; the logits are log-probabilities."""

    _contexts: np.ndarray
    """(n,): the longest known n-gram that each context ends in."""


class Ngram:
    """An n-gram model as a `Predictor`. Holds counts and what follows from them: safe between threads.

    ngrams    int64, (G,): of the i-th n-gram, counted from 1, its beginning's number * V + its newest id; rising
    counts    int64, (G,): how often each was seen
    """

    def __init__(self, config: NgramConfig, vocabulary_size: int, ngrams: np.ndarray, counts: np.ndarray) -> None:
        self.config, self.vocabulary_size = config, vocabulary_size
        self._ngrams, self._counts = ngrams, counts
        parents, self._newest = np.divmod(ngrams, vocabulary_size)  # (G,)
        ends = _ends(parents)
        self._contexts = ends[min(config.order, len(ends)) - 1]  # n-grams of a lower number are shorter than the order
        self._shorter = self._without_oldest(parents, ends)  # (1 + G,)
        preceding = np.bincount(self._shorter[1:], minlength=len(ngrams) + 1)[1:]  # (G,) ids seen before each
        adjusted = np.where(preceding == 0, counts, preceding)  # (G,)
        discounts = np.zeros(len(ngrams))
        for start, end in pairwise(ends):
            discounts[start - 1 : end - 1] = _discounts(adjusted[start - 1 : end - 1])
        totals = np.bincount(parents, adjusted, minlength=len(ngrams) + 1)  # (1 + G,)
        left = np.bincount(parents, discounts, minlength=len(ngrams) + 1)
        left = np.divide(left, totals, out=np.ones(len(left)), where=totals > 0)
        self._log_left = np.log(left).astype(np.float32)  # (1 + G,) of each n-gram as a context
        self._log_own = np.log((adjusted - discounts) / totals[parents]).astype(np.float32)  # (G,)
        self._starts = np.searchsorted(parents, np.arange(len(ngrams) + 2))  # where the n-grams stand that each begins

    @classmethod
    def fit(cls, strings: Sequence[str], vocabulary: Vocabulary, config: NgramConfig) -> Self:
        """The model of a list. Raises `UnknownCharacterError`, and `UsageError` for no strings."""
        if not len(strings):
            raise UsageError("there are no strings to count; give at least one")
        answers, _ = _answers(strings, vocabulary)
        size = len(vocabulary)
        ngrams: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
        counts: list[np.ndarray] = [np.zeros(0, dtype=np.int64)]
        at = np.arange(len(answers))  # the predictions that have a context of the length in turn, and those contexts
        contexts = np.full(len(answers), _ROOT)
        start, end = _ROOT, 1  # the numbers of these contexts
        for length in range(1, config.order + 1):
            keys = contexts * size + answers[at]
            where, numbers = distinct(keys - start * size, (end - start) * size)
            keys = keys[where]  # (g,) of the n-grams of this length
            order = np.argsort(keys)
            ranks = np.empty_like(order)
            ranks[order] = np.arange(len(order))
            numbers = ranks[numbers]
            ngrams.append(keys[order])
            counts.append(np.bincount(numbers, minlength=len(order)))
            # These n-grams are contexts of what follows them; the boundary that ends a string begins the next, and the
            # last one the first.
            following = np.flatnonzero(answers[at] != BOUNDARY) if length > 1 else np.arange(len(at))
            at = (at[following] + 1) % len(answers)
            contexts = end + numbers[following]
            start, end = end, end + len(order)
        return cls(config, size, np.concatenate(ngrams), np.concatenate(counts))

    @classmethod
    def of(
        cls, config: NgramConfig, vocabulary_size: int, arrays: Mapping[str, np.ndarray], name: str = "the model"
    ) -> Self:
        """The model of what `arrays` returned. Raises `ModelFileError`, which says `name`, for any arrays that it
        cannot have returned."""
        try:
            return cls(config, vocabulary_size, *_checked(config, vocabulary_size, arrays))
        except _UnsoundError as fault:
            raise ModelFileError(f"{name} has unsound n-grams: {fault}; train it or copy it again") from fault

    def arrays(self) -> dict[str, np.ndarray]:
        """All that is needed to make the model again: `ngrams` and `counts`, int64, (G,) each."""
        return {"ngrams": self._ngrams, "counts": self._counts}

    @property
    def parameters(self) -> int:
        """How many numbers the model has learned: one count for each n-gram."""
        return len(self._counts)

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst: its context's number, logits and weights."""
        return 40 * self.vocabulary_size + 128

    def start(self, strings: int) -> NgramState:
        everyone = np.arange(strings)
        context = self._longest(np.array([_ROOT]), np.array([BOUNDARY]))
        return NgramState(everyone, np.zeros(strings, dtype=np.int64), self.following(context), context)

    def step(self, state: NgramState, going_on: np.ndarray, characters: np.ndarray) -> NgramState:
        before = state.context_of[going_on]
        where, pairs = distinct(before * self.vocabulary_size + characters, len(state.logits) * self.vocabulary_size)
        contexts = self._longest(state._contexts[before[where]], characters[where])
        where, numbers = distinct(contexts, self._contexts)
        contexts = contexts[where]
        return NgramState(state.strings[going_on], numbers[pairs], self.following(contexts), contexts)

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        answers, contexts = self.contexts(strings, vocabulary)
        where, numbers = distinct(contexts, self._contexts)
        rows = max(256, _LOGITS_AT_ONCE // self.vocabulary_size)
        for start in range(0, len(where), rows):
            of_these = np.flatnonzero((numbers >= start) & (numbers < start + rows))
            logits = self.following(contexts[where[start : start + rows]])
            yield Predictions(of_these, numbers[of_these] - start, logits, answers[of_these])

    def contexts(self, strings: Sequence[str], vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
        """The id that each prediction is of, string after string, and the number of the longest known n-gram before it
        that is shorter than the order: (N,) each. Raises `UnknownCharacterError`."""
        answers, last = _answers(strings, vocabulary)
        longest = np.full(len(answers), _ROOT)
        at = np.arange(len(answers))  # the predictions with a known n-gram of the length in turn before them
        contexts = longest[at]  # and that n-gram
        for _ in range(1, self.config.order):
            contexts = self._found(contexts, last[at])
            known = np.flatnonzero(contexts != _ROOT)
            at, contexts = at[known], contexts[known]
            longest[at] = contexts
            inside = np.flatnonzero(answers[at] != BOUNDARY)
            at, contexts = at[inside] + 1, contexts[inside]
        return answers, longest

    def following(self, contexts: np.ndarray) -> np.ndarray:
        """The log-probabilities of what follows these n-grams, (n,) of them by number: (n, V) float32."""
        longer = np.flatnonzero(contexts != _ROOT)
        logits = np.full((len(contexts), self.vocabulary_size), -np.log(self.vocabulary_size), dtype=np.float32)
        if len(longer):
            shorter = self._shorter[contexts[longer]]
            where, numbers = distinct(shorter, self._contexts)
            logits[longer] = self.following(shorter[where])[numbers]
        logits += self._log_left[contexts, None]
        counts = self._starts[contexts + 1] - self._starts[contexts]  # (n,) of the ids seen behind each
        rows = np.repeat(np.arange(len(contexts)), counts)
        seen = np.repeat(self._starts[contexts] - (np.cumsum(counts) - counts), counts) + np.arange(len(rows))
        ids = self._newest[seen]
        logits[rows, ids] = np.logaddexp(logits[rows, ids], self._log_own[seen])
        return logits

    @property
    def table_size(self) -> int:
        """How many numbers each part of `table` has."""
        return self._contexts * self.vocabulary_size

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """The whole model: of each context the probability of what follows it, (U, V) float64, and the context after
        each id, (U, V). Context 0 is that of a string that has not begun. For small orders: U grows with the order."""
        begun = self._longest(np.array([_ROOT]), np.array([BOUNDARY]))
        reached = np.append(begun, np.setdiff1d(np.arange(self._contexts), begun))  # (U,)
        number = np.argsort(reached)
        every = np.arange(self.vocabulary_size)
        after = np.stack([self._longest(np.full(len(every), context), every) for context in reached])
        chances = np.exp(self.following(reached).astype(np.float64))
        return chances / chances.sum(axis=1, keepdims=True), number[after]

    def _longest(self, contexts: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The longest known n-gram, shorter than the order, that each context and then this id ends in: (n,)."""
        longest = np.full(len(contexts), _ROOT)
        open_ = np.arange(len(contexts))
        while len(open_):
            found = self._found(contexts, ids[open_])
            found[found >= self._contexts] = _ROOT
            longest[open_] = found
            missed = np.flatnonzero((found == _ROOT) & (contexts != _ROOT))
            open_, contexts = open_[missed], self._shorter[contexts[missed]]
        return longest

    def _found(self, contexts: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The n-gram of each context and the id behind it, and the root where it was never seen: (n,)."""
        keys = contexts * self.vocabulary_size + ids
        places = np.searchsorted(self._ngrams, keys)
        places[self._ngrams.take(places, mode="clip") != keys] = -1
        return places + 1

    def _without_oldest(self, parents: np.ndarray, ends: list[int]) -> np.ndarray:
        """The number of each n-gram less its oldest id: (1 + G,), the root first. Raises `_UnsoundError` where such an
        n-gram is missing."""
        shorter = np.zeros(len(parents) + 1, dtype=np.int64)
        for start, end in pairwise(ends[1:]):
            shorter[start:end] = self._found(shorter[parents[start - 1 : end - 1]], self._newest[start - 1 : end - 1])
            if not shorter[start:end].all():
                raise _UnsoundError("an n-gram is there without its own end")
        return shorter


def _answers(strings: Sequence[str], vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """The id that each prediction is of, string after string, and the id before it: int64, (N,) each. Raises
    `UnknownCharacterError`."""
    characters, lengths = vocabulary.encode_all(strings)
    answers = np.full(len(characters) + len(lengths), BOUNDARY, dtype=np.int64)
    answers[np.arange(len(characters)) + np.repeat(np.arange(len(lengths)), lengths)] = characters
    return answers, np.roll(answers, 1)  # the boundary that ends a string begins the next, and the last one the first


def _ends(parents: np.ndarray) -> list[int]:
    """The n-grams of length k are those from ends[k - 1] up to ends[k]; the root alone has length 0."""
    ends = [1]
    while ends[-1] <= len(parents):
        ends.append(1 + int(np.searchsorted(parents, ends[-1])))
    return ends


def _discounts(adjusted: np.ndarray) -> np.ndarray:
    """What to subtract from each count of the n-grams of one length: (g,), above 0 and below the count.

    Where a list is so short that the formula gives no such number, half of 1, 2 or 3 is subtracted.
    """
    n1, n2, n3, n4 = np.bincount(np.minimum(adjusted, 5), minlength=5)[1:5].astype(np.float64)
    single = n1 / (n1 + 2 * n2) if n1 else 0.0  # what Kneser and Ney subtract from every count
    discounts = np.array([0.5, 1.0, 1.5])
    for i, (n, next_n) in enumerate([(n1, n2), (n2, n3), (n3, n4)]):
        estimate = i + 1 - (i + 2) * single * next_n / n if n else 0.0
        if 0 < estimate < i + 1:
            discounts[i] = estimate
    return discounts[np.minimum(adjusted, 3) - 1]


def _checked(
    config: NgramConfig, vocabulary_size: int, arrays: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """`ngrams` and `counts`, sound but for n-grams without their own ends. Raises `_UnsoundError`."""
    for name in sorted(arrays.keys() ^ {"ngrams", "counts"}):
        state = "is missing" if name not in arrays else "does not belong there"
        raise _UnsoundError(f"the array {name} {state}")
    for name, array in arrays.items():
        if array.dtype != np.int64 or array.ndim != 1:
            raise _UnsoundError(
                f"{name} are {array.dtype} of shape {array.shape}, and they need to be int64 in a single row"
            )
    ngrams, counts = arrays["ngrams"], arrays["counts"]
    if len(ngrams) != len(counts) or not len(ngrams):
        raise _UnsoundError(f"there are {len(ngrams):,} of them and {len(counts):,} counts")
    parents, newest = np.divmod(ngrams, vocabulary_size)
    if (np.diff(ngrams) <= 0).any() or (ngrams < 0).any() or (parents > np.arange(len(ngrams))).any():
        raise _UnsoundError("they are not in their order")
    ends = _ends(parents)
    if len(ends) - 1 > config.order:
        raise _UnsoundError(f"they are up to {len(ends) - 1} ids long, and the order is {config.order}")
    if (counts < 1).any() or (counts > _LARGEST_COUNT).any():
        raise _UnsoundError("a count is not from 1 to 2**53")
    # What goes on, and is shorter than the order, was seen as often as all that it begins; what has ended begins none.
    begun = np.bincount(parents, counts, minlength=len(ngrams) + 1)[1:]
    goes_on = (newest != BOUNDARY) | (np.arange(len(ngrams)) == 0)
    goes_on[ends[min(config.order, len(ends)) - 1] - 1 :] = False
    if (begun != counts * goes_on).any():
        raise _UnsoundError("their counts do not add up")
    return ngrams, counts
