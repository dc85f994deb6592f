"""A look ahead: how likely it is that a beginning becomes an acceptable string.

To draw from the model's own distribution, given a condition, each character has to be weighed by how likely an
acceptable end is after it. The model cannot say that without trying all ends, but a small n-gram of the model's own
samples can: it has few contexts u, the automaton of the condition has few states q, and for each pair

    h(u, q)  =  P(end | u) [q may end]  +  sum over c of P(c | u) h(u c, q c)

is found by repeated substitution. Guided by h, samples meet the condition and are nearly distributed as the model says;
`conditional.py` corrects the rest. So h need not be right, only above zero where an acceptable end is possible.

Strings that meet a rare condition depend on more than two characters of context. So a look ahead also learns from
strings that it has guided itself: for the last 3, 5 and 7 characters, the mean of how likely an acceptable end turned
out to be after them, drawn towards what was known before (`LookAhead.learned`).

Shapes in this file
    U  contexts of the n-gram   Q  states of the automaton   V  vocabulary, boundary id 0 included   n  places
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY, Vocabulary
from wavemore.predict.ngram import Ngram
from wavemore.sampling.automaton import Automaton
from wavemore.settings.config import NgramConfig

__all__ = ["LookAhead", "Places"]

_ORDERS = (3, 2, 1)
_LARGEST = 600_000  # numbers that each substitution computes
_MOST = 30_000_000  # numbers that all substitutions compute for each id
_SUBSTITUTIONS = 60
_CLOSE = 1e-3  # the last substitution is the one that changes no h by more than this share
_CAUTION = 0.8  # the power of h that guides: a look ahead that is too sure misses strings that the model likes
_LEARNED = (3, 5, 7)  # characters
_PRIOR = 20.0  # what was known before counts as much as this number of strings
_SLOTS = 1 << 18
_LEAST = 1e-290  # in place of an h that is too small for a floating-point number


class Places(NamedTuple):
    """Where strings stand, (n,) each."""

    contexts: np.ndarray
    """Of the n-gram."""
    states: np.ndarray
    """Of the automaton."""
    codes: np.ndarray
    """The last characters as one number, in base V, the newest last."""

    def at(self, which: np.ndarray) -> "Places":
        """Some of them."""
        return Places(*(part[which] for part in self))

    def put(self, which: np.ndarray, others: "Places") -> None:
        """Set some of them."""
        for part, other in zip(self, others, strict=True):
            part[which] = other


class _Means(NamedTuple):
    """What was learned for the last characters and the state, by hash: (2 ** 18,) each."""

    modulus: int
    """V to the power of the number of characters."""
    keys: np.ndarray
    """-1 where nothing was learned."""
    sums: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class LookAhead:
    """What is ahead of each pair of a context and a state."""

    heights: np.ndarray
    """(U, Q + 1) float64: h, and a column of zeros for the dead state, which is the last one, -1."""
    contexts: np.ndarray
    """(U, V) int64: the context after each id. Context 0 stands before the first character."""
    codes: int
    """How many codes there are: V to the power of the most characters that one stands for."""
    means: tuple[_Means, ...] = ()
    """What was learned, for the fewest characters first."""

    @classmethod
    def of(cls, automaton: Automaton, samples: Sequence[str], vocabulary: Vocabulary) -> "LookAhead":
        """The look ahead for an automaton, from some thousand of the model's own strings; the n-gram's order is the
        highest for which that is quick. Where none is, all states are alike."""
        states = len(automaton.accepting)
        lengths = [k for k in _LEARNED if len(vocabulary) ** k * max(len(vocabulary), states + 1) < 1 << 62]
        codes = len(vocabulary) ** max(lengths, default=0)
        for order in _ORDERS:
            ngram = Ngram.fit(samples, vocabulary, NgramConfig(kind="ngram", order=order))
            numbers = ngram.table_size * states
            if numbers <= _LARGEST or (order == 1 and numbers * _substitutions(automaton) <= _MOST):
                chances, contexts = ngram.table()
                return cls(_heights(automaton, chances, contexts), contexts, codes)
        heights = np.append(np.ones(states), 0)[None]  # an automaton too large to look ahead
        return cls(heights, np.zeros((1, len(vocabulary)), dtype=np.int64), codes)

    def code_after(self, codes: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """(n,) codes, (n,) or (n, V) ids -> the codes one character later."""
        return (codes * self.contexts.shape[1] + ids) % self.codes

    def heights_after(self, places: Places, states: np.ndarray) -> np.ndarray:
        """(n,) places, (n, V) states after each id -> (n, V) a power of h there."""
        heights = self.heights[self.contexts[places.contexts], states]
        if not self.means:
            return heights**_CAUTION
        codes = self.code_after(places.codes[:, None], np.arange(states.shape[1]))
        for means in self.means:
            keys = self._keys(codes % means.modulus, states)
            slots = _slots(keys)
            counts = np.where(means.keys[slots] == keys, means.counts[slots], 0)
            heights = (np.where(counts > 0, means.sums[slots], 0) + _PRIOR * heights) / (counts + _PRIOR)
        heights[states < 0] = 0
        return heights**_CAUTION

    def learned(self, places: Places, ahead: np.ndarray) -> "LookAhead":
        """The look ahead that has also learned from (n,) places how likely, (n,), an acceptable end was from each."""
        size = self.contexts.shape[1]
        moduli = [size**k for k in _LEARNED if size**k <= self.codes]
        return replace(self, means=tuple(self._means(places, ahead, modulus) for modulus in moduli))

    def _means(self, places: Places, ahead: np.ndarray, modulus: int) -> _Means:
        keys, group = np.unique(self._keys(places.codes % modulus, places.states), return_inverse=True)
        table = _Means(modulus, np.full(_SLOTS, -1), np.zeros(_SLOTS), np.zeros(_SLOTS))
        slots = _slots(keys)
        table.keys[slots] = keys  # of those that meet in one slot, one stays
        stays = table.keys[slots] == keys
        table.sums[slots[stays]] = np.bincount(group, ahead)[stays]
        table.counts[slots[stays]] = np.bincount(group)[stays]
        return table

    def _keys(self, codes: np.ndarray, states: np.ndarray) -> np.ndarray:
        return codes * self.heights.shape[1] + states


def _slots(keys: np.ndarray) -> np.ndarray:
    """Hashes of keys (Knuth's multiplicative hashing)."""
    hashed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (hashed >> np.uint64(64 - _SLOTS.bit_length() + 1)).astype(np.int64)


def _substitutions(automaton: Automaton) -> int:
    return max(_SUBSTITUTIONS, int(automaton.distance.max()) + 2)


def _heights(automaton: Automaton, chances: np.ndarray, contexts: np.ndarray) -> np.ndarray:
    """h by repeated substitution: (U, Q + 1)."""
    size, states = len(chances), len(automaton.accepting)
    ending = np.zeros((size, states + 1))
    ending[:, :-1] = chances[:, BOUNDARY, None] * automaton.accepting
    used = np.flatnonzero((automaton.transitions >= 0).any(axis=0))  # ids that some acceptable string has
    following = np.vstack([automaton.transitions, np.full(len(automaton.transitions.T), -1)])[:, used]  # (Q + 1, k)
    heights = ending
    for _ in range(_substitutions(automaton)):
        before, heights = heights, ending.copy()
        for place, character in enumerate(used):
            heights += chances[:, character, None] * before[contexts[:, character]][:, following[:, place]]
        if (np.abs(heights - before) <= _CLOSE * heights).all():
            break
    heights[:, :-1] = np.maximum(heights[:, :-1], _LEAST)  # every state has an end ahead
    return heights
