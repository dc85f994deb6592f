"""Rows of ids as ONNX nodes: where each string begins and ends, what its contexts are, and which rows are none.

A row is a string's ids with boundaries, id 0, before them, after them, or both, as many as are needed. So one input
takes strings that are padded at the end and contexts that are padded at the beginning, and needs no lengths.

Shapes in this file, positions first, as the networks take them
    L  ids of a row     B  rows, and one more of boundaries alone
    T  ids before a string, at least as many as one prediction sees     K  labels
"""

import numpy as np

from wavemore.export.graph import DOUBLE, INT32, INT64, Graph

__all__ = ["Rows"]


class Rows:
    """What is known of the rows of the input `ids`, (B - 1, L) int64, and of one more.

    Runtimes multiply one row in another way than several, with other last bits, and not all of them can do with none.
    So there are two at least, and a string's results are the same alone and in any company."""

    def __init__(self, graph: Graph, vocabulary_size: int, context: int) -> None:
        self._graph, self._context, self.vocabulary_size = graph, context, vocabulary_size
        one_more = self._zeros(1, graph("Slice", graph("Shape", "ids"), np.array([1]), np.array([2])))
        ids = graph("Concat", "ids", graph("Cast", one_more, to=INT64), axis=0)
        rows = graph("Transpose", ids, perm=[1, 0])  # (L, B)
        shape = graph("Shape", rows)
        count = graph("Slice", shape, np.array([1]), np.array([2]))
        self.nothing = graph("Cast", self._zeros(1, count), to=INT32)
        """int32 zeros, (1, B)."""
        unknown = graph("Or", graph("Less", rows, np.array(0)), graph("Less", np.array(vocabulary_size - 1), rows))
        ids = graph("Cast", graph("Where", unknown, np.array(0), rows), to=INT32)
        self.padded = graph("Concat", graph("Cast", self._zeros(context, count), to=INT32), ids, axis=0)
        """(T + L, B) int32: boundaries before each row, and 0 in place of ids that there are not."""
        self.answers = graph("Concat", ids, self.nothing, axis=0)
        """(L + 1, B) int32: what each position predicts."""
        # A row of zeros before them, so that nothing below has to do with no ids.
        characters = self._counted(graph("Not", graph("Equal", rows, np.array(0))))
        length = graph("Gather", shape, np.array(0))
        after = graph("Add", length, np.array(1))
        self._places = graph("Unsqueeze", graph("Range", np.array(0), after, np.array(1)), axes=[1])  # (L + 1, 1)
        self._end = graph("ReduceMax", graph("Mul", characters, self._places), axes=[0], keepdims=1)  # (1, B)
        is_one = graph("Equal", characters, np.array(1))
        first = graph("ReduceMin", graph("Where", is_one, self._places, after), axes=[0], keepdims=1)
        self._start = graph("Min", graph("Sub", first, np.array(1)), self._end)  # (1, B)
        self.broken = self._row(graph("Less", self._total(characters), graph("Sub", self._end, self._start)))
        """(B,) bool: rows with a boundary between their characters, which are no strings."""
        self.unknown = self._row(graph("Less", np.array(0), self._total(self._counted(unknown))))
        """(B,) bool: rows with ids that there are not."""
        steps = graph("Add", self._end, np.arange(context)[:, None])
        self.context = graph("GatherElements", self.padded, steps, axis=0)
        """(T, B) int32: what stands before the end of each string."""

    def before(self, rows: str, count: int) -> str:
        """The last `count` of `padded`'s boundaries and all after them, or of `context` the last `count` ids."""
        after = self._context - count
        if not after:
            return rows
        return self._graph("Slice", rows, np.array([after]), np.array([np.iinfo(np.int64).max]), np.array([0]))

    def summed(self, log_probabilities: str, *, end: bool) -> str:
        """([K], L + 1, B) of each position's answer, float -> ([K], B) double: the sum over each string's characters,
        and with `end` its end."""
        graph = self._graph
        inside = graph("Not", graph("Less", self._places, self._start))
        before = graph("Less", self._places, graph("Add", self._end, np.array(int(end))))
        mine = graph("And", inside, before)
        told = graph("Where", mine, graph("Cast", log_probabilities, to=DOUBLE), np.array(0.0))
        return graph("ReduceSum", told, axes=[-2], keepdims=0)

    def given(self, found: str, name: str) -> None:
        """The result of this name: what was found, (B, ...), of the rows that were given."""
        self._graph("Slice", found, *map(np.array, ([0], [-1], [0])), name=name)

    def _zeros(self, rows: int, count: str) -> str:
        return self._graph("ConstantOfShape", self._graph("Concat", np.array([rows]), count, axis=0))

    def _counted(self, told: str) -> str:
        """(L, B) bool -> (L + 1, B) int64, 0 or 1, zeros first."""
        zeros = self._graph("Cast", self.nothing, to=INT64)
        return self._graph("Concat", zeros, self._graph("Cast", told, to=INT64), axis=0)

    def _total(self, counted: str) -> str:
        return self._graph("ReduceSum", counted, axes=[0], keepdims=1)

    def _row(self, told: str) -> str:
        """(1, B) -> (B,)."""
        return self._graph("Squeeze", told, axes=[0])
