"""An n-gram model as ONNX nodes: look-ups in its trie, exact and without a hash.

    P(c | h)  =  own(hc) + left(h) P(c | h')       h' is h without its oldest id (see `predict/ngram.py`)

The sum is taken from the shortest context up, one turn of a Loop for each length k. A turn knows of each position the
n-gram of its last k ids, 0 where that was never seen, and finds the n-gram of the last k + 1 as that of the position
before and one id more. A child is found by bisection among the children of its n-gram, which stand in a row.

Shapes in this file
    n  positions     B  strings     G  n-grams     C  of these contexts     V  vocabulary, boundary id 0 included
"""

import numpy as np

from wavemore.export.graph import FLOAT, Graph
from wavemore.predict.ngram import Ngram

__all__ = ["Counted", "log_sum", "log_sum_of_last"]

_END = np.iinfo(np.int64).max


class Counted:
    """Nodes of this n-gram model in a graph."""

    def __init__(self, graph: Graph, ngram: Ngram) -> None:
        trie = ngram.trie()
        self._graph, self._order, self._size = graph, ngram.config.order, ngram.vocabulary_size
        self._starts = graph.constant(trie.starts.astype(np.int32), "starts")  # (C + 1,)
        # By their numbers, so that 0 stands for an n-gram that was never seen and adds nothing.
        self._newest = graph.constant(np.append(0, trie.newest).astype(np.int32), "newest")  # (1 + G,)
        own = np.append(-np.inf, trie.log_own).astype(np.float32)
        self._own = graph.constant(own, "log_own")  # (1 + G,)
        self._left = graph.constant(trie.log_left, "log_left")  # (C,)
        self._halvings = int(np.diff(trie.starts).max()).bit_length()

    @property
    def context(self) -> int:
        """How many ids one prediction sees at most."""
        return max(1, self._order - 1)

    def positions(self, last: str, answers: str, nothing: str) -> str:
        """The log-probability of each answer, float (n, B), from the id before it and the answer itself, int32 (n, B).
        `nothing` is int32 zeros, (1, B)."""
        return self._summed(last, answers, nothing, np.array(0, np.int32))

    def last(self, ids: str, nothing: str) -> str:
        """(context, B) int32 ids -> the log-probabilities of what follows them, float (1, B, V)."""
        every = np.arange(self._size, dtype=np.int32)
        return self._summed(ids, self._graph.constant(every), nothing, np.zeros_like(every))

    def _summed(self, last: str, answers: str, nothing: str, zeros: np.ndarray) -> str:
        """The sum over all lengths of context; where there are several `zeros`, at the newest position alone."""
        graph, wide = self._graph, zeros.ndim > 0
        found = graph("Mul", last, np.int32(0))
        blind = graph("Cast", graph("Mul", _newest(graph, last) if wide else last, zeros), to=FLOAT)
        likely = graph("Add", blind, np.float32(-np.log(self._size)))

        def turn(graph: Graph, number: str, numbers: str, likely: str) -> tuple[str, str]:
            first = graph("Equal", number, np.array(0))
            asked = _newest(graph, numbers) if wide else numbers
            own = graph("Gather", self._own, self._child(graph, asked, answers))
            rest = graph("Add", likely, graph("Gather", self._left, asked))
            known = graph("Or", graph("Less", np.int32(0), asked), first)
            parents = graph("Concat", nothing, graph("Slice", numbers, *map(np.array, ([0], [-1], [0]))), axis=0)
            inside = graph("Not", graph("Equal", last, np.int32(0)))  # no n-gram has a boundary but as its first id
            goes_on = graph("And", graph("Less", np.int32(0), parents), inside)
            longer = graph("Where", graph("Or", goes_on, first), self._child(graph, parents, last), np.int32(0))
            return longer, graph("Where", known, log_sum(graph, rest, own), likely)

        return graph.loop(self._order, {"int32": found, "float32": likely}, turn)[1]

    def _child(self, graph: Graph, parents: str, ids: str) -> str:
        """The number of the n-gram that each of these makes with this id, 0 where it was never seen."""
        low = graph("Gather", self._starts, parents)  # their children have the numbers above this one
        high = graph("Gather", self._starts, graph("Add", parents, np.int32(1)))  # up to this one
        for power in reversed(range(self._halvings)):
            middle = graph("Min", graph("Add", low, np.int32(1 << power)), high)
            low = graph("Where", graph("Less", graph("Gather", self._newest, middle), ids), middle, low)
        there = graph("Less", low, high)
        number = graph("Min", graph("Add", low, np.int32(1)), high)
        same = graph("Equal", graph("Gather", self._newest, number), ids)
        return graph("Where", graph("And", there, same), number, np.int32(0))


def _newest(graph: Graph, rows: str) -> str:
    """(n, B) -> the last of them, (1, B, 1)."""
    return graph("Unsqueeze", graph("Slice", rows, *map(np.array, ([-1], [_END], [0]))), axes=[2])


def log_sum(graph: Graph, one: str, other: str) -> str:
    """The log of the sum of the exponentials of two numbers, of which one is finite at least."""
    return log_sum_of_last(graph, graph("Concat", *(graph("Unsqueeze", x, axes=[-1]) for x in (one, other)), axis=-1))


def log_sum_of_last(graph: Graph, rows: str) -> str:
    """(..., K) -> (...): the log of the sum of exponentials over the last axis.

    LogSoftmax takes each row by itself. Log and Exp take what lies side by side many at once and the rest one by one,
    which may differ in the last bit, so that a row's result would depend on how many rows there are."""
    highest, share = (
        graph("ReduceMax", each, axes=[-1], keepdims=0) for each in (rows, graph("LogSoftmax", rows, axis=-1))
    )
    return graph("Sub", highest, share)
