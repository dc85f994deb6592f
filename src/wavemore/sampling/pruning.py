"""Rejection that remembers what failed: samples of the model's own distribution, given a condition, without any error.

Strings are drawn as they come and given up as soon as no acceptable end is left. A tree of prefixes keeps what was seen
on the way. For each prefix it has the model's chances of what follows, and a bound: how likely an acceptable end is at
most from there. It is 1 where nothing is known, 0 where no acceptable string has this prefix or what failed is all, and

    bound(prefix)  =  sum over c of P(c | prefix) bound(prefix c)

for all others. Characters are drawn in proportion to P(c | prefix) bound(prefix c), so what is known to fail is never
drawn again; below the tree they are drawn as the model says. A string then comes with its own probability divided by
bound(root), whatever the tree looks like. So the strings that come through are distributed as the model's own, however
much was remembered before, and the share that comes through only grows. (Adaptive rejection as in OS*, Dymetman et al.
2012, and CARS, Parys et al. 2025, for many strings side by side.)

Strings of one batch are drawn with the same tree; what they have shown is added after it. How large a batch is depends
on the model alone, so that the first strings are the same however many are asked for; but only as many of it are drawn
as seem to be needed, and the rest if they were too few. Strings that other filters refuse are failures too, and with
`unique` every string is one once it was drawn. They meet the conditions all the same: what share of the model's strings
does is estimated from each batch as removed + bound(root) times the share that came through, where `removed` is how
likely the strings are that were taken out although they meet the conditions.

Shapes in this file
    S  strings of a batch   alive  those that go on   N  prefixes in the tree   V  vocabulary, boundary id 0 included
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from math import sqrt
from typing import NamedTuple, final

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.chunks import distinct
from wavemore.predict.predictor import Position, finite
from wavemore.sampling.automaton import Automaton
from wavemore.sampling.sampler import Batch, Filter, Sampler
from wavemore.sampling.source import STEP, Source, pick, running_sums, stacked

__all__ = ["Pruning", "Tree"]

_LEAST, _MOST = 1024, 1 << 16  # strings of a batch
_FEW = 256  # strings of a part of one: drawing fewer takes nearly as long
_SPARE = 1.2  # a part aims at this many times the strings that are missing
_SURE = 8  # strings that stayed, from which it is known how many are needed
_TREE_BYTES = 1 << 27
_ROW_BYTES = 20  # of one prefix, for each id of the vocabulary


@dataclass
class Tree:
    """What was seen of prefixes. Row 0 is the root, the prefix that all strings have."""

    size: int
    """V."""
    count: int = 0
    """N; the arrays have room for more rows."""
    chances: np.ndarray = field(init=False)
    """(N, V) float64: of what follows, 0 where no acceptable end is left."""
    weights: np.ndarray = field(init=False)
    """(N, V) float64: the chances times the bounds of what follows."""
    children: np.ndarray = field(init=False)
    """(N, V) int32: the rows of longer prefixes, -1 where there is none."""
    bounds: np.ndarray = field(init=False)
    """(N,) float64: the sum of a row of weights."""
    edges: np.ndarray = field(init=False)
    """(N,) int64: parent times V plus the last character."""
    depths: np.ndarray = field(init=False)
    """(N,) int64: in characters after the root."""

    def __post_init__(self) -> None:
        self.chances, self.weights = np.zeros((0, self.size)), np.zeros((0, self.size))
        self.children, self.bounds = np.zeros((0, self.size), dtype=np.int32), np.zeros(0)
        self.edges, self.depths = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    @property
    def full(self) -> bool:
        """Whether it has all the memory that it may have."""
        return self.count * self.size * _ROW_BYTES >= _TREE_BYTES

    def add(self, edges: np.ndarray, chances: np.ndarray) -> None:
        """(k,) edges that have no row yet, and (k, V) chances after them."""
        rows = np.arange(self.count, self.count + len(edges))
        if rows.size and rows[-1] >= len(self.edges):
            more = max(len(rows), len(self.edges))
            for name in ("chances", "weights", "children", "bounds", "edges", "depths"):
                array = getattr(self, name)
                setattr(self, name, np.concatenate([array, np.zeros((more, *array.shape[1:]), dtype=array.dtype)]))
        self.count += len(rows)
        self.chances[rows] = self.weights[rows] = chances
        self.children[rows], self.edges[rows] = -1, edges
        inner = np.flatnonzero(edges >= 0)
        parents, characters = np.divmod(edges[inner], self.size)
        self.children[parents, characters] = rows[inner]
        self.depths[rows[inner]] = self.depths[parents] + 1
        self.refresh(rows)

    def fail(self, rows: np.ndarray) -> None:
        """The strings that end after these prefixes are not wanted."""
        self.chances[rows, BOUNDARY] = self.weights[rows, BOUNDARY] = 0
        self.refresh(np.unique(rows))

    def refresh(self, rows: np.ndarray) -> None:
        """Compute the bounds of rows anew, and then those of all prefixes above them."""
        depths = self.depths[rows]
        above = rows[:0]
        for depth in range(int(depths.max(initial=-1)), -1, -1):
            here = np.unique(np.concatenate([above, rows[depths == depth]]))
            self.bounds[here] = self.weights[here].sum(axis=1)
            if depth:
                above, characters = np.divmod(self.edges[here], self.size)
                self.weights[above, characters] = self.chances[above, characters] * self.bounds[here]


class _Attempt(NamedTuple):
    """Some strings of a batch that were tried."""

    ids: np.ndarray
    """(k, length of the longest): those that came through, boundaries after each."""
    rows: np.ndarray
    """(k,): for each the row of the tree that it is, -1 where it has none."""
    added: "list[tuple[np.ndarray, np.ndarray]]"
    """For each depth the edges to add to the tree, and the chances after them."""
    steps: int
    depth: int
    """Characters that were drawn one after the other."""


def _grow(tree: Tree, attempts: "list[_Attempt]", failed: list[np.ndarray]) -> float:
    """Add what all parts of a batch have shown. Returns how likely the strings are that `failed` takes out: they meet
    the conditions, and are refused or were drawn."""
    for depth in range(max(len(attempt.added) for attempt in attempts)):
        parts = [attempt.added[depth] for attempt in attempts if depth < len(attempt.added)]
        edges, first = np.unique(np.concatenate([part[0] for part in parts]), return_index=True)
        tree.add(edges, np.concatenate([part[1] for part in parts])[first])
    before = float(tree.bounds[0])  # without what fails the conditions, which the rows just added have shown
    tree.fail(np.concatenate(failed))
    return before - float(tree.bounds[0])


def _cost(attempts: "list[_Attempt]") -> int:
    """As if the parts of a batch had been tried at once: in how many parts depends on what is asked for."""
    return sum(attempt.steps for attempt in attempts) + STEP * max(attempt.depth for attempt in attempts)


@final
@dataclass(frozen=True)
class Pruning(Sampler):
    """Strings that an automaton accepts, each batch drawn with what the ones before have shown."""

    source: Source
    automaton: Automaton
    state: int = 0
    """The automaton's, after the source's prefix."""
    begun: float = 1.0
    """The chance of the source's prefix."""

    def batches(self, passes: Filter, missing: Callable[[], int] = lambda: 0) -> Iterator[Batch]:
        """Each batch in one part or more."""
        tree = Tree(self.source.distribution.predictor.vocabulary_size)
        tried, through, stayed = 0, 0, 0
        removed = met = weighed = 0.0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # numbers too large are refused
            beginning = self.source.beginning()
            state, columns = self.source.begun(1, beginning)
            tree.add(np.array([-1]), self._chances(finite(state.logits), np.array([self.state]), len(columns)))
            for number in count():
                if (bound := float(tree.bounds[0])) == 0:
                    return
                strings, done = min(max(_LEAST, tried), self._most(tree)), 0
                attempts: list[_Attempt] = []
                failed: list[np.ndarray] = []
                while done < strings:
                    size = max(_FEW, int(_SPARE * missing() * (tried + 2) / (stayed + 1)))
                    size = min(strings - done, size if stayed >= _SURE else max(size, 3 * tried))
                    part = slice(done, done + size)
                    done += size
                    attempt = self._attempt(tree, beginning, number, strings, part)
                    attempts.append(attempt)
                    found = self.source.decoded(attempt.ids)
                    tried, through, weighed = tried + size, through + len(found), weighed + size / bound
                    met += len(found) + size * removed / bound
                    passing = passes(found) if passes.some else np.ones(len(found), dtype=bool)
                    gone = attempt.rows[~passing | passes.unique]
                    failed.append(gone[gone >= 0])
                    staying = [found[place] for place in np.flatnonzero(passing)]
                    stayed += len(staying)
                    chance, error = self.begun * met / weighed, self.begun * sqrt(max(1, through)) / weighed
                    cost = _cost(attempts) if done == strings else 0
                    yield Batch(staying, size, len(found), attempt.steps, chance, error, cost=cost)
                removed += _grow(tree, attempts, failed)

    def _most(self, tree: Tree) -> int:
        """The strings of a batch, at most."""
        return max(_LEAST, min(_MOST, self.source.room(), _TREE_BYTES // (2 * tree.size * _ROW_BYTES)))

    def _attempt(self, tree: Tree, beginning: Position, number: int, batch: int, part: slice) -> _Attempt:
        """Try some of the strings of a batch. Prefixes that come up once in a batch or more are to be added to the
        tree."""
        generator, strings = self.source.generator(number), part.stop - part.start
        state, columns = self.source.begun(strings, beginning)
        states, rows = np.full(strings, self.state), np.zeros(strings, dtype=np.int64)
        edges, shares = np.full(strings, -1), np.ones(strings)  # where strings have just left the tree
        added, ends, steps = [], [np.zeros(0, dtype=np.int64)], 0
        distance = np.append(self.automaton.distance, self.source.longest)  # the dead state is the last one, -1
        for depth in range(len(columns), self.source.longest + 1):
            alive, logits = state.strings, finite(state.logits)
            steps += len(alive)
            left = np.flatnonzero((edges[alive] >= 0) & (shares[alive] * batch >= 1))
            if not tree.full:
                names, first = np.unique(edges[alive[left]], return_index=True)
                new = left[first]
                added.append((names, self._chances(logits[state.context_of[new]], states[alive[new]], depth)))
            cumulated, row_of = self._cumulated(tree, rows[alive], logits, state.context_of, depth)
            following = pick(cumulated, row_of, generator.random(batch)[part][alive])  # (alive,)
            columns.append(np.full(strings, BOUNDARY, dtype=np.int32))
            columns[-1][alive] = following
            ends.append(alive[(following == BOUNDARY) & self.automaton.accepting[states[alive]]])
            after = self.automaton.transitions[states[alive], following]
            going_on = np.flatnonzero((following != BOUNDARY) & (distance[after] < self.source.longest - depth))
            if not len(going_on):
                break
            these, ids = alive[going_on], following[going_on]
            states[these], edges[these] = after[going_on], -1
            inside = np.flatnonzero(rows[these] >= 0)
            these, before, character = these[inside], rows[these[inside]], ids[inside]
            rows[these] = tree.children[before, character]
            edges[these] = np.where(rows[these] < 0, before * tree.size + character, -1)
            shares[these] *= tree.weights[before, character] / tree.bounds[before]
            state = self.source.distribution.predictor.step(state, going_on, ids)
        through = np.sort(np.concatenate(ends))
        return _Attempt(stacked(columns, strings)[through], rows[through], added, steps, len(columns))

    def _chances(self, logits: np.ndarray, states: np.ndarray, depth: int) -> np.ndarray:
        """(k, V) chances of what follows, 0 where no acceptable end is left, at (k, V) logits and (k,) states."""
        chances = self.source.shape.weights(logits, may_end=depth > 0).astype(np.float64)
        chances /= chances.sum(axis=1, keepdims=True)
        return np.where(self.automaton.open(states, self.source.longest - depth), chances, 0)

    def _cumulated(
        self, tree: Tree, rows: np.ndarray, logits: np.ndarray, context_of: np.ndarray, depth: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(n, V) cumulated weights of what follows, and (alive,) for each string the row that is its own: inside the
        tree the tree's, below it the model's."""
        inside, below = np.flatnonzero(rows >= 0), np.flatnonzero(rows < 0)
        where, known = distinct(rows[inside], tree.count)
        weights = tree.weights[rows[inside][where]]
        row_of = np.empty(len(rows), dtype=np.int64)
        row_of[inside] = known
        if len(below):
            where, unknown = distinct(context_of[below], len(logits))
            shaped = self.source.shape.weights(logits[context_of[below][where]], may_end=depth > 0)
            row_of[below] = unknown + len(weights)
            weights = np.concatenate([weights, shaped])
        return running_sums(weights), row_of
