"""Guides strings towards a condition: each character is weighed by what is ahead of it.

Shapes in this file
    S  strings   n  distinct places   V  vocabulary, boundary id 0 included
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.chunks import distinct, joined
from wavemore.sampling.automaton import Automaton
from wavemore.sampling.lookahead import LookAhead, Places
from wavemore.sampling.shape import Shape

__all__ = ["Guide", "Visits"]


class Visits(NamedTuple):
    """Where guided strings stood after the same number of characters."""

    strings: np.ndarray
    """(n,): their numbers."""
    places: Places
    """n of them."""
    log_past: np.ndarray
    """(n,) float64: log h of the place minus the string's log-weight until then. With the final log-weight added it is
    the log of how likely an acceptable end turned out to be from here."""


@dataclass(frozen=True)
class Guide:
    """A condition, and what is ahead of each of its states."""

    automaton: Automaton
    ahead: LookAhead
    origin: tuple[int, int, int] = (0, 0, 0)
    """Context, state and code of a string after the prefix that all have."""
    patience: float = 4.0
    """In nats: a string whose weight has fallen by more than this is mostly given up."""

    def after(self, ids: np.ndarray) -> "Guide":
        """The guide of strings that all begin with these ids."""
        places = self.start(1)
        for character in ids:
            places = self.following(places, np.array([character]))
        return replace(self, origin=(int(places.contexts[0]), int(places.states[0]), int(places.codes[0])))

    def start(self, strings: int) -> Places:
        """Where this number of strings stand at first."""
        return Places(*(np.full(strings, number, dtype=np.int64) for number in self.origin))

    def following(self, places: Places, ids: np.ndarray) -> Places:
        """(n,) places, (n,) ids -> where strings stand one character later."""
        states = self.automaton.transitions[places.states, ids].astype(np.int64)
        contexts = self.ahead.contexts[places.contexts, ids]
        return Places(contexts, states, self.ahead.code_after(places.codes, ids))

    def distinct(self, places: Places, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Which of n strings to look at so that each distinct place comes once, and for each string which of these is
        its own. `rows` are the strings' contexts in the model, of which there are `count`."""
        sizes = (count, len(self.ahead.contexts), len(self.automaton.accepting), self.ahead.codes)
        return distinct(joined((rows, *places), sizes), None)

    def weights(
        self, logits: np.ndarray, places: Places, left: int, shape: Shape, may_end: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n, V) weights of what follows, from (n, V) logits, and (n, V) h after each id. The sum of a row of weights
        is Z. Ids after which no acceptable end is possible within `left` characters have weight 0."""
        allowed = self.automaton.open(places.states, left)
        weights = shape.weights(logits, may_end=may_end).astype(np.float64)
        weights /= weights.sum(axis=1, keepdims=True)
        heights = self.ahead.heights_after(places, self.automaton.transitions[places.states])
        heights[:, BOUNDARY] = 1
        heights[~allowed] = 0
        return weights * heights, heights
