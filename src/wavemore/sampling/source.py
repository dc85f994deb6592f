"""Drawing: many strings side by side, one character at a time, from the model's own distribution or guided.

Strings that stand at the same context share its distribution and then draw separately. So samples are exact and
independent, and the more are drawn, the cheaper each is. The random numbers of string i depend on the seed and on i
alone, and so does the string: a seed gives the same strings however many are drawn and however they are batched.

With a `Guide` every string meets a condition: at each step the model's probability p(c) is multiplied by what is ahead,
q(c) = p(c) h(after c) / Z. The ratio of a whole string's probabilities under the model and under the guide is then

    p(string) / q(string)  =  Z_1 (Z_2 / h_2) (Z_3 / h_3) ...

This is the string's weight: the closer h is to the truth, the closer all weights are to the chance of the condition.

Shapes in this file
    S  strings   alive  those that go on   n  distinct contexts   V  vocabulary, boundary id 0 included
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.predictor import Distribution, Position, finite, log_sum_exp
from wavemore.sampling.shape import Shape

if TYPE_CHECKING:
    from wavemore.sampling.guide import Guide, Visits

__all__ = ["BLOCK", "STEP", "Drawn", "Source", "pick", "running_sums", "stacked"]

BLOCK = 1024
"""Strings that share one random generator; every batch is made of whole blocks."""

STEP = 150
"""Characters that could be drawn in the time that each step of a batch takes beyond what its characters take."""

_BATCH_BYTES = 3 << 28
_ROWS_AT_ONCE = 1024  # that stay in the cache
_GUIDED_BYTES = 100  # that a guided string needs for each id of the vocabulary
_BATCH_STRINGS = 1 << 18  # at most: more share hardly more


class Drawn(NamedTuple):
    """A batch of strings."""

    ids: np.ndarray
    """(S, length of the longest), boundaries after each string."""
    ended: np.ndarray
    """(S,) bool: whether the model ended each; the others were cut, or given up by the guide."""
    log_weights: np.ndarray
    """(S,) float64: the log of the ratio of its probabilities under the model and under the guide; 0 without one."""
    luck: np.ndarray
    """(S,) float64: one more uniform draw for each string."""
    contexts: int
    """The most distinct contexts at which the strings stood at once."""
    evaluations: int
    """Contexts at which the model was asked, each distinct one once."""
    steps: int
    """Characters and ends that were drawn."""
    labels: np.ndarray | None = None
    """(S,): of each its label, where one was drawn."""

    @property
    def cost(self) -> int:
        """What it cost, in characters."""
        return self.steps + STEP * self.ids.shape[1]


@dataclass(frozen=True)
class Source:
    """An endless row of strings, numbered from 0: string i depends on its number and on these fields alone."""

    distribution: Distribution
    entropy: tuple[int, ...]
    """The seed, and numbers that tell apart the sources that share one."""
    shape: Shape
    prefix: np.ndarray
    """The ids that all strings begin with."""
    longest: int
    """In characters: a string is cut at this length; guided ones all end by then."""
    guide: "Guide | None" = None
    """For what comes after the prefix."""
    labels: "tuple[np.ndarray, np.ndarray] | None" = None
    """Of a predictor whose strings have labels, (K,), and how probable each is, (K,): one is drawn for each string."""
    batch_bytes: int = _BATCH_BYTES
    """What a batch of strings may need, at worst: if no two of them begin alike."""

    def room(self, share: float = 1.0) -> int:
        """How many strings to draw at once, in whole blocks, if this share of them stand at different contexts."""
        guided = 0 if self.guide is None else _GUIDED_BYTES * self.distribution.predictor.vocabulary_size
        most = int(self.batch_bytes / ((self.distribution.predictor.remembered + guided) * share))
        return max(BLOCK, min(_BATCH_STRINGS, most) // BLOCK * BLOCK)

    def batch(
        self, start: int, strings: int, visits: "list[Visits] | None" = None, beginning: Position | None = None
    ) -> Drawn:
        """This number of strings from number `start` on, which must be the first of a block. The places where guided
        strings have been are added to `visits`. With one `beginning` for several batches what was computed for one of
        them helps the next; the strings are the same without. Raises `ModelFileError` where the model's numbers
        overflow."""
        blocks = range(start // BLOCK, -(-(start + strings) // BLOCK))
        generators = [self.generator(block) for block in blocks]

        def uniform() -> np.ndarray:  # for whole blocks, so that a string's draws do not depend on how many there are
            return np.concatenate([generator.random(BLOCK) for generator in generators])

        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # numbers too large are refused
            if self.guide is None:
                return self._plain(strings, uniform, beginning)
            return self._guided(strings, uniform, self.guide, visits, beginning)

    def generator(self, number: int) -> np.random.Generator:
        """The random numbers of a block."""
        return np.random.Generator(
            np.random.Philox(np.random.SeedSequence(self.entropy[0], spawn_key=(*self.entropy[1:], number)))
        )

    def decoded(self, ids: np.ndarray) -> list[str]:
        """The strings of rows of ids, (S, length), as `Drawn` has them."""
        return self.distribution.vocabulary.decode_rows(ids)

    def beginning(self) -> Position:
        """The position of one string that has not begun; with labels, of one for each label."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # numbers too large are refused
            predictor: Any = self.distribution.predictor
            return predictor.start(1) if self.labels is None else predictor.start(len(self.labels[0]), self.labels[0])

    def begun(self, strings: int, beginning: Position | None = None) -> tuple[Any, list[np.ndarray]]:
        """The state of this number of strings after the prefix, and the prefix, a column for each character."""
        beginning = beginning or self.beginning()
        state: Any = beginning.rearranged(np.zeros(strings, dtype=np.int64))
        columns = []
        for character in self.prefix:
            columns.append(np.full(strings, character, dtype=np.int32))
            state = self.distribution.predictor.step(state, np.arange(strings), columns[-1])
        return state, columns

    def _plain(self, strings: int, uniform: Callable[[], np.ndarray], beginning: Position | None) -> Drawn:
        labels = None
        if self.labels is None:
            state, columns = self.begun(strings, beginning)
        else:
            beginning = beginning or self.beginning()
            places = self._drawn_labels(beginning, uniform()[:strings])
            state, columns, labels = beginning.rearranged(places), [], self.labels[0][places]
        contexts, evaluations, steps, ended = 1, 0, 0, np.zeros(strings, dtype=bool)
        while len(columns) < self.longest:
            contexts = max(contexts, len(state.logits))
            evaluations, steps = evaluations + len(state.logits), steps + len(state.strings)
            weights = self.shape.weights(finite(state.logits), may_end=len(columns) > 0)  # (n, V)
            cumulated = running_sums(weights)
            following = pick(cumulated, state.context_of, uniform()[state.strings])  # (alive,)
            columns.append(np.full(strings, BOUNDARY, dtype=np.int32))
            columns[-1][state.strings] = following
            going_on = np.flatnonzero(following != BOUNDARY)
            ended[state.strings[following == BOUNDARY]] = True
            if not len(going_on):
                break
            if len(columns) < self.longest:
                state = self.distribution.predictor.step(state, going_on, following[going_on])
        nothing = np.zeros(strings)
        return Drawn(stacked(columns, strings), ended, nothing, nothing, contexts, evaluations, steps, labels)

    def _drawn_labels(self, beginning: Position, uniform: np.ndarray) -> np.ndarray:
        """For each string the place of its label, (S,), as probable as it is among strings that are not empty."""
        assert self.labels is not None
        chances = np.exp(finite(beginning.logits).astype(np.float64) - log_sum_exp(beginning.logits)[:, None])
        cumulated = np.cumsum(self.labels[1] * (1 - chances[beginning.context_of, BOUNDARY]))
        places = np.searchsorted(cumulated / cumulated[-1], uniform, side="right")
        return np.minimum(places, len(cumulated) - 1)

    def _guided(
        self,
        strings: int,
        uniform: Callable[[], np.ndarray],
        guide: "Guide",
        visits: "list[Visits] | None",
        beginning: Position | None,
    ) -> Drawn:
        from wavemore.sampling.guide import Visits  # here: a plain sample does not need it

        state, columns = self.begun(strings, beginning)
        luck, log_weights, most, evaluations, steps = uniform()[:strings], np.zeros(strings), 1, 0, 0
        places = guide.start(strings)
        promised = np.zeros(strings)  # log h of the place where each string stands, as it was before the step there
        lightest = -np.inf
        for depth in range(len(columns), self.longest + 1):
            alive = state.strings
            evaluations, steps = evaluations + len(state.logits), steps + len(alive)
            if visits is not None:
                visits.append(Visits(alive, places.at(alive), promised[alive] - log_weights[alive]))
            where, row_of = guide.distinct(places.at(alive), state.context_of, len(state.logits))
            distinct_places = places.at(alive[where])
            logits = finite(state.logits)[state.context_of[where]]
            weights, heights = guide.weights(logits, distinct_places, self.longest - depth, self.shape, depth > 0)
            cumulated = running_sums(weights)  # (n, V)
            total = cumulated[:, -1]
            log_weights[alive] += np.log(total)[row_of] - promised[alive]
            lightest = log_weights[0] - guide.patience if depth == len(self.prefix) else lightest
            following = pick(cumulated, row_of, uniform()[alive])  # (alive,)
            nothing = total < np.finfo(float).tiny  # the model leaves nothing that the condition allows
            following[nothing[row_of]] = BOUNDARY
            log_weights[alive[nothing[row_of]]] = -np.inf
            following[_given_up(log_weights, alive, lightest, uniform)] = BOUNDARY
            columns.append(np.full(strings, BOUNDARY, dtype=np.int32))
            columns[-1][alive] = following
            going_on = np.flatnonzero(following != BOUNDARY)
            most = max(most, len(where))
            if not len(going_on):
                break
            these, ids = alive[going_on], following[going_on]
            promised[these] = np.log(heights[row_of[going_on], ids])
            places.put(these, guide.following(places.at(these), ids))
            state = self.distribution.predictor.step(state, going_on, ids)
        ended = log_weights > -np.inf
        return Drawn(stacked(columns, strings), ended, log_weights, luck, most, evaluations, steps)


def _given_up(
    log_weights: np.ndarray, alive: np.ndarray, lightest: float, uniform: Callable[[], np.ndarray]
) -> np.ndarray:
    """Which strings, as places in `alive`, are given up. One whose weight w is below the lightest, W, goes on with
    probability w / W, and its weight is then W: on average nothing changes (Russian roulette)."""
    luck = uniform()[alive]
    light = np.flatnonzero(log_weights[alive] < lightest)
    goes_on = np.log(luck[light]) < log_weights[alive[light]] - lightest
    log_weights[alive[light]] = np.where(goes_on, lightest, -np.inf)
    return light[~goes_on]


def stacked(columns: list[np.ndarray], strings: int) -> np.ndarray:
    return np.stack(columns, axis=1) if columns else np.zeros((strings, 0), dtype=np.int32)


def running_sums(weights: np.ndarray) -> np.ndarray:
    """(n, V) weights -> (n, V) float64: the sum of each weight and those before it in its row.

    The same numbers as `np.cumsum` gives, which adds along one row after the other; for many rows it is several times
    quicker to add whole columns."""
    n, size = weights.shape
    if n < size:
        return np.cumsum(weights, axis=1, dtype=np.float64)
    sums = weights.astype(np.float64)
    for start in range(0, n, _ROWS_AT_ONCE):
        columns = sums[start : start + _ROWS_AT_ONCE].T
        for before, column in pairwise(columns):
            np.add(before, column, out=column)
    return sums


def pick(cumulated: np.ndarray, rows: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """One id for each uniform draw, by inversion: the number of cumulated weights of its row that are not above it.

    Found by bisection over a table whose width is a power of two, infinity after the V-th weight.
    """
    n, size = cumulated.shape
    width = 1 << (size - 1).bit_length()
    table = np.full((n, width), np.inf)
    table[:, :size] = cumulated
    flat = table.reshape(-1)
    base = rows * width
    threshold = uniform * flat[base + size - 1]
    found = base.copy()
    half = width >> 1
    while half:
        found += half * (flat[found + half - 1] <= threshold)
        half >>= 1
    return np.minimum(found - base, size - 1)  # a draw that rounds to the sum of all weights stays inside
