"""The n-gram model: counted, not trained. A baseline with interpolated, modified Kneser-Ney smoothing, in NumPy alone.

What follows a context h is what was seen to follow it, each count minus a discount; what the discounts leave over is
shared out as the shorter context h' says, which is h without its oldest id (Chen and Goodman 1998):

    P(c | h)  =  (a(hc) - D) / a(h)  +  left(h) P(c | h')        a(h) and left(h): the sums of a(hc), and of D / a(h),
    P(c | no context)  =  (a(c) - D) / a  +  left / V            over all c that were seen after h

a(hc) is not how often hc was seen, but how many different ids were seen before it: a character that was only ever seen
after one other is no good guess after a third one. An n-gram that nothing can precede keeps its count: one of the full
order, and one that begins with the boundary, since a string's beginning is seen whole, however short. So a string is
padded with one boundary and no more. D is estimated for each length, and for a = 1, 2 and more, from how many n-grams
have a = 1, 2, 3 and 4.

`counts.py` says what the two arrays are that a model consists of. An n-gram that does not end its string is the context
of what follows it; the root, n-gram 0, is the context that knows nothing.

Shapes in this file
    N  predictions   G  n-grams   n  distinct contexts   S  strings   V  vocabulary, boundary id 0 included
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import ModelFileError
from wavemore.lists.vocabulary import BOUNDARY, Vocabulary
from wavemore.predict.chunks import distinct, laid_out
from wavemore.predict.counts import ROOT, UnsoundError, checked, counted, ends_of
from wavemore.predict.predictor import Position, Predictions
from wavemore.settings.config import NgramConfig

__all__ = ["Ngram", "NgramState", "Trie"]

_LOGITS_AT_ONCE = 1 << 18  # bounds the memory of predictions


@dataclass(frozen=True)
class NgramState(Position):
    """Where many strings stand; the logits are log-probabilities."""

    _contexts: np.ndarray
    """(n,): the longest known n-gram that each context ends in."""


class Trie(NamedTuple):
    """An n-gram model as another engine needs it. N-grams are numbered from 1, and 0 is the root; C of them are shorter
    than the order. Those that n-gram i begins have the numbers from starts[i] + 1 to starts[i + 1]."""

    __repr__ = brief

    starts: np.ndarray
    """int64, (C + 1,)."""
    newest: np.ndarray
    """int64, (G,): the newest id of each, rising among those with one beginning."""
    log_own: np.ndarray
    """float32, (G,): the log of what its own count gives its newest id after its beginning."""
    log_left: np.ndarray
    """float32, (C,): the log of what each leaves to its own end without the oldest id."""


class Ngram:
    """An n-gram model as a `Predictor`. Holds counts and what follows from them: safe between threads.

    ngrams    int64, (G,): of the i-th n-gram, counted from 1, its beginning's number * V + its newest id; rising
    counts    int64, (G,): how often each was seen
    """

    def __init__(self, config: NgramConfig, vocabulary_size: int, ngrams: np.ndarray, counts: np.ndarray) -> None:
        self.config, self.vocabulary_size = config, vocabulary_size
        self._ngrams, self._counts = ngrams, counts
        parents, self._newest = np.divmod(ngrams, vocabulary_size)  # (G,)
        ends = ends_of(parents)
        self._ends = ends
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
        return cls(config, len(vocabulary), *counted(strings, vocabulary, config.order))

    @classmethod
    def of(
        cls, config: NgramConfig, vocabulary_size: int, arrays: Mapping[str, np.ndarray], name: str = "the model"
    ) -> Self:
        """The model of what `arrays` returned. Raises `ModelFileError`, which says `name`, for any arrays that it
        cannot have returned."""
        try:
            return cls(config, vocabulary_size, *checked(config.order, vocabulary_size, arrays))
        except UnsoundError as fault:
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

    @property
    def work(self) -> int:
        """None: what follows is looked up."""
        return 0

    def start(self, strings: int) -> NgramState:
        everyone = np.arange(strings)
        context = self._longest(np.array([ROOT]), np.array([BOUNDARY]))
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
        ids, _ = laid_out(strings, vocabulary)
        last, answers = ids[:-1], ids[1:]
        longest = np.full(len(answers), ROOT)
        at = np.arange(len(answers))  # the predictions with a known n-gram of the length in turn before them
        contexts = longest[at]  # and that n-gram
        for _ in range(1, self.config.order):
            contexts = self._found(contexts, last[at])
            known = np.flatnonzero(contexts != ROOT)
            at, contexts = at[known], contexts[known]
            longest[at] = contexts
            inside = np.flatnonzero(answers[at] != BOUNDARY)
            at, contexts = at[inside] + 1, contexts[inside]
        return answers, longest

    def following(self, contexts: np.ndarray) -> np.ndarray:
        """The log-probabilities of what follows these n-grams, (n,) of them by number: (n, V) float32."""
        longer = np.flatnonzero(contexts != ROOT)
        logits = np.full((len(contexts), self.vocabulary_size), -np.log(self.vocabulary_size), dtype=np.float32)
        if len(longer):
            shorter = self._shorter[contexts[longer]]
            where, numbers = distinct(shorter, self._contexts)
            logits[longer] = self.following(shorter[where])[numbers]
        logits += self._log_left[contexts, None]
        counts = self._starts[contexts + 1] - self._starts[contexts]  # (n,) of the ids seen after each
        rows = np.repeat(np.arange(len(contexts)), counts)
        seen = np.repeat(self._starts[contexts] - (np.cumsum(counts) - counts), counts) + np.arange(len(rows))
        ids = self._newest[seen]
        with np.errstate(under="ignore"):
            logits[rows, ids] = np.logaddexp(logits[rows, ids], self._log_own[seen])
        return logits

    def trie(self) -> Trie:
        """The model's numbers."""
        contexts = self._contexts
        return Trie(self._starts[: contexts + 1], self._newest, self._log_own, self._log_left[:contexts])

    @property
    def table_size(self) -> int:
        """How many numbers each part of `table` has."""
        return self._contexts * self.vocabulary_size

    def table(self) -> tuple[np.ndarray, np.ndarray]:
        """The whole model: of each context the probability of what follows it, (U, V) float64, and the context after
        each id, (U, V). Context 0 is that of a string that has not begun. For small orders: U grows with the order."""
        begun = self._longest(np.array([ROOT]), np.array([BOUNDARY]))
        reached = np.append(begun, np.setdiff1d(np.arange(self._contexts), begun))  # (U,)
        number = np.argsort(reached)
        every = np.arange(self.vocabulary_size)
        after = np.stack([self._longest(np.full(len(every), context), every) for context in reached])
        chances = np.exp(self.following(reached).astype(np.float64))
        return chances / chances.sum(axis=1, keepdims=True), number[after]

    def _longest(self, contexts: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The longest known n-gram, shorter than the order, that each context and then this id ends in: (n,)."""
        longest = np.full(len(contexts), ROOT)
        open_ = np.arange(len(contexts))
        while len(open_):
            found = self._found(contexts, ids[open_])
            found[found >= self._contexts] = ROOT
            longest[open_] = found
            missed = np.flatnonzero((found == ROOT) & (contexts != ROOT))
            open_, contexts = open_[missed], self._shorter[contexts[missed]]
        return longest

    def _found(self, contexts: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """The n-gram of each context and the id after it; the root where it was never seen: (n,)."""
        keys = contexts * self.vocabulary_size + ids
        places = np.searchsorted(self._ngrams, keys)
        places[self._ngrams.take(places, mode="clip") != keys] = -1
        return places + 1

    def _without_oldest(self, parents: np.ndarray, ends: list[int]) -> np.ndarray:
        """The number of each n-gram without its oldest id: (1 + G,), the root first. Raises `UnsoundError` where that
        n-gram is missing."""
        shorter = np.zeros(len(parents) + 1, dtype=np.int64)
        for start, end in pairwise(ends[1:]):
            shorter[start:end] = self._found(shorter[parents[start - 1 : end - 1]], self._newest[start - 1 : end - 1])
            if not shorter[start:end].all():
                raise UnsoundError("an n-gram is there without its own end")
        return shorter


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
