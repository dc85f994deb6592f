"""A model that leans towards a few favourites: what they have is counted, with the model itself to fall back on.

A model says P(c | h) of the character c after h, all that stands before it. Three things of the favourites change that.
E is how many of something the model itself expected at the favourites' places, and s is the strength.

    letters    each character's probability is multiplied by ((seen + 0.2) / (E + 0.2)) ** s; then they are scaled so
               that the probability of an end is what it was
    lengths    the odds that a string ends after t characters are multiplied by ((ended + 0.2) / (E + 0.2)) ** s, where
               lengths one above and one below count as a tenth; beyond the longest favourite t is that one's length
    pieces     P_k(c)  =  (s seen(c after the last k characters) + a_k P_(k-1)(c)) / (s seen(any after them) + a_k)

P_0 is the model with the first two, and P_3 is the result. The pieces are a hierarchy of Dirichlet distributions
(MacKay and Peto, "A hierarchical Dirichlet language model", 1995), the factors those of a Poisson count whose rate has
a gamma distribution of mean 1, in units of what the model expects. A strength of 0 leaves the model as it is, and
probabilities always sum to one. The numbers 0.2, a tenth and a_k = 80, 10, 4 are the best of those tried on favourites
that share an ending, a letter or a length: `benchmarks/favourites.py` measures that.

Shapes in this file
    N  predictions   n  distinct contexts   V  vocabulary, boundary id 0 included   T  lengths that are told apart
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Self

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import BOUNDARY, Vocabulary, lengths_of
from wavemore.predict.chunks import distinct, joined, laid_out
from wavemore.predict.counts import ROOT, counted
from wavemore.predict.ngram import Ngram, NgramState
from wavemore.predict.predictor import Distribution, Position, Predictions, Predictor, finite
from wavemore.settings.config import NgramConfig

__all__ = ["FEWEST", "STRONGEST", "Leaning", "LeaningState"]

FEWEST = 3
"""How many different favourites it takes: fewer say little of what they have in common."""
STRONGEST = 10.0

_CONCENTRATIONS = (80.0, 10.0, 4.0)  # of the pieces after one, two and three characters
_PRIOR = 0.2  # a count beside what is seen and expected
_NEIGHBOURS = (0.1, 0.8, 0.1)  # how a length counts for the one below, itself and the one above
_LOGITS_AT_ONCE = 1 << 18  # bounds the memory of predictions


@dataclass(frozen=True)
class LeaningState(Position):
    """Where many strings stand; the logits are log-probabilities."""

    base: Position
    pieces: NgramState
    length: int
    """How many characters the strings have so far."""

    def rearranged(self, places: np.ndarray) -> Self:
        base, pieces = self.base.rearranged(places), self.pieces.rearranged(places)
        return replace(super().rearranged(places), base=base, pieces=pieces)


class Leaning:
    """A model that leans towards favourites, as a `Predictor`.

    letters    (V,) float32: the logarithm of each character's factor; the boundary has none, and 0 stands in its place
    ends       (T,) float32: that of the odds of an end after 0, 1, ... characters; longer strings have the last one
    """

    def __init__(self, base: Predictor[Any], pieces: "Pieces", letters: np.ndarray, ends: np.ndarray) -> None:
        self.base, self.pieces, self.letters, self.ends = base, pieces, letters, ends
        self.vocabulary_size = base.vocabulary_size

    @classmethod
    def of(cls, distribution: Distribution, favourites: Sequence[str], strength: float = 1.0) -> Self:
        """A distribution's predictor that leans towards favourites, each counted once: with strength 1 as is usual,
        with 0 not at all. Raises `UsageError` for fewer than three different ones and for a strength that is not from
        0 to 10, and `UnknownCharacterError`."""
        if isinstance(strength, bool) or not isinstance(strength, Real) or not 0 <= strength <= STRONGEST:
            raise UsageError(f"the strength is {strength!r}; it must be a number from 0 to {STRONGEST:g}")
        liked = sorted(set(favourites))
        if len(liked) < FEWEST:
            raise UsageError(
                f"there {'is' if len(liked) == 1 else 'are'} {len(liked)} different favourite"
                f"{'' if len(liked) == 1 else 's'}; give {FEWEST} or more that have in common what you want more of"
            )
        pieces = Pieces(liked, distribution.vocabulary, float(strength))
        letters, ends = (strength * factors for factors in _factors(distribution, liked))
        return cls(distribution.predictor, pieces, letters.astype(np.float32), ends.astype(np.float32))

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst."""
        return self.base.remembered + 2 * self.pieces.remembered

    @property
    def work(self) -> int:
        return self.base.work

    def start(self, strings: int) -> LeaningState:
        return self._state(self.base.start(strings), self.pieces.start(strings), 0)

    def step(self, state: LeaningState, going_on: np.ndarray, characters: np.ndarray) -> LeaningState:
        base = self.base.step(state.base, going_on, characters)
        return self._state(base, self.pieces.step(state.pieces, going_on, characters), state.length + 1)

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        _, pieces = self.pieces.contexts(strings, vocabulary)  # (N,)
        lengths = np.minimum(_lengths(strings), len(self.ends) - 1)  # (N,)
        at_once = max(256, _LOGITS_AT_ONCE // self.vocabulary_size)
        for rows, base_of, logits, answers in self.base.predictions(strings, vocabulary):
            sizes = (len(logits), self.pieces.parameters + 1, len(self.ends))
            where, context_of = distinct(joined((base_of, pieces[rows], lengths[rows]), sizes), None)
            for start in range(0, len(where), at_once):
                these = where[start : start + at_once]  # predictions that stand for these contexts
                of_these = np.flatnonzero((context_of >= start) & (context_of < start + at_once))
                first, piece_of = distinct(pieces[rows[these]], None)
                added = self.pieces.following(pieces[rows[these[first]]])[piece_of]
                leant = self._leant(logits[base_of[these]], added, lengths[rows[these]])
                yield Predictions(rows[of_these], context_of[of_these] - start, leant, answers[of_these])

    def _state(self, base: Position, pieces: NgramState, length: int) -> LeaningState:
        sizes = (len(base.logits), len(pieces.logits))
        where, context_of = distinct(joined((base.context_of, pieces.context_of), sizes), sizes[0] * sizes[1])
        added = pieces.logits[pieces.context_of[where]]
        lengths = np.full(len(where), min(length, len(self.ends) - 1))
        logits = self._leant(base.logits[base.context_of[where]], added, lengths)
        return LeaningState(base.strings, context_of, logits, base, pieces, length)

    def _leant(self, logits: np.ndarray, added: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """(n, V) logits of the model, what the pieces add, (n, V + 1), and the characters so far, (n,) -> the
        log-probabilities of all three: (n, V) float32."""
        leant = logits - _log_sum(logits)
        characters = leant[:, 1:]  # a view
        together = _log_sum(characters)
        characters += self.letters[1:]
        characters += together - _log_sum(characters)
        leant[:, BOUNDARY] += self.ends[lengths]
        leant += np.log(added[:, -1:]) - _log_sum(leant)
        rows, ids = np.nonzero(added[:, :-1])
        with np.errstate(under="ignore"):
            leant[rows, ids] = np.logaddexp(leant[rows, ids], np.log(added[rows, ids]))
        return leant.astype(np.float32)


class Pieces(Ngram):
    """The pieces of the favourites: an n-gram model whose `following` says, in place of log-probabilities, what counts
    add to the probability of each id, and in one more column the share that is left to the model: (n, V + 1) float64,
    each row summing to one. So do the logits of its states."""

    def __init__(self, favourites: Sequence[str], vocabulary: Vocabulary, strength: float) -> None:
        config = NgramConfig(kind="ngram", order=len(_CONCENTRATIONS) + 1)
        super().__init__(config, len(vocabulary), *counted(favourites, vocabulary, config.order))
        self._strength = strength
        each = (1.0, *_CONCENTRATIONS, 1.0)[: len(self._ends)]  # the first and the last are no contexts
        self._concentrations = np.repeat(each, np.diff([0, *self._ends]))  # (1 + G,)

    def following(self, contexts: np.ndarray) -> np.ndarray:
        added = np.zeros((len(contexts), self.vocabulary_size + 1))
        added[:, -1] = 1
        longer = np.flatnonzero(contexts != ROOT)
        if len(longer):
            pieces = contexts[longer]
            where, numbers = distinct(self._shorter[pieces], None)
            below = self.following(self._shorter[pieces[where]])[numbers]
            counts = self._starts[pieces + 1] - self._starts[pieces]  # of the ids seen after each
            rows = np.repeat(np.arange(len(pieces)), counts)
            seen = np.repeat(self._starts[pieces] - (np.cumsum(counts) - counts), counts) + np.arange(len(rows))
            below *= self._concentrations[pieces, None]
            below[rows, self._newest[seen]] += self._strength * self._counts[seen]
            added[longer] = below / below.sum(axis=1, keepdims=True)
        return added


def _factors(distribution: Distribution, favourites: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The logarithms of the factors at strength 1: of characters, (V,), and of the odds of an end, (T,). Raises
    `UnknownCharacterError`, and `ModelFileError` where the model's numbers overflow."""
    size, lengths = distribution.predictor.vocabulary_size, _lengths(favourites)
    expected, ends = np.zeros(size), np.zeros(int(lengths.max()) + 1)  # by the model
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):  # numbers too large are refused
        for rows, context_of, logits, answers in distribution.predictions(favourites):
            wide = finite(logits).astype(np.float64)
            ends += np.bincount(lengths[rows], np.exp(wide - _log_sum(wide))[context_of, BOUNDARY], len(ends))
            uses = np.bincount(context_of[answers != BOUNDARY], minlength=len(wide))
            expected[1:] += uses @ np.exp(wide[:, 1:] - _log_sum(wide[:, 1:]))
    ids, _ = laid_out(favourites, distribution.vocabulary)
    letters = np.log((np.bincount(ids, minlength=size) + _PRIOR) / (expected + _PRIOR))
    letters[BOUNDARY] = 0
    ended = np.bincount([len(string) for string in favourites], minlength=len(ends))
    near, near_expected = (np.convolve(counts, _NEIGHBOURS)[1:-1] for counts in (ended, ends))  # (T,)
    return letters, np.log((near + _PRIOR) / (near_expected + _PRIOR))


def _lengths(strings: Sequence[str]) -> np.ndarray:
    """How many characters of its string stand before each prediction, (N,)."""
    counts = lengths_of(strings) + 1  # (strings,)
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _log_sum(logits: np.ndarray) -> np.ndarray:
    """(n, V) -> (n, 1) of the same type: the logarithm of each row's sum of exponentials."""
    highest = logits.max(axis=1, keepdims=True)
    with np.errstate(under="ignore"):
        return highest + np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
