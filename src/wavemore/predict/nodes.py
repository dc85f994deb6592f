"""The nodes of one level, and a cache of them, so that a chunk that comes again is not computed again.

Strings that are drawn character by character need the nodes of the same short chunks at nearly every depth: of 100,000
names 124,000 chunks of 4 characters are distinct at their depth, and 46,000 in all. The cache finds a node by its
chunk's code, the ids of its characters as the digits of one number.

Shapes in this file
    n  nodes   W  what a node contributes to one of the level above   H  channels of a node   V  vocabulary
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import NamedTuple

import numpy as np

from wavemore.predict.chunks import distinct
from wavemore.predict.predictor import Position

__all__ = ["Depth", "NodeCache", "Nodes", "State"]


class Nodes(NamedTuple):
    """Some nodes of one level: what they contribute further up."""

    products: list[np.ndarray]
    """For each child's place in the level above, (n, W), or empty where that is computed at the parents."""
    values: np.ndarray | None
    """(n, H): the nodes themselves; the top level needs none."""
    logits: np.ndarray | None
    """(n, V), where the head reads them."""

    def part(self, rows: slice) -> "Nodes":
        """Some of them, as views."""
        values, logits = (None if array is None else array[rows] for array in (self.values, self.logits))
        return Nodes([product[rows] for product in self.products], values, logits)


class NodeCache:
    """The nodes of one level that were computed so far, each found by its chunk's code.

    chunks    how many codes there are: each is below
    room      makes arrays for a number of nodes, for each network that numbers them alike
    """

    def __init__(self, chunks: int, room: Callable[[int], tuple[Nodes, ...]]) -> None:
        self._nodes = room(0)  # all of them, and room for more: a row that was found stays as it is
        self._room = room
        self._lock = Lock()
        self._most = 0
        self._count = 0
        self._chunks = chunks
        self._row_of = np.zeros(0, dtype=np.int32)  # 1 + the row of each code, 0 where there is none
        self._codes: list[np.ndarray] = []  # of the rows

    def find(
        self, codes: np.ndarray, most: int, fill: Callable[[tuple[Nodes, ...], np.ndarray], object]
    ) -> tuple[np.ndarray, tuple[Nodes, ...]]:
        """The rows of these chunks, (n,), and the nodes that they are rows of. `fill` computes those that were not
        there yet, each once: it gets the part of the nodes to be filled, and the places in `codes` of their chunks.

        Where there is no more room the cache begins anew, with room for `most` nodes, or more if these alone need it;
        nodes that were found before stay with whoever has them. One thread at a time finds nodes."""
        with self._lock:
            if not len(self._row_of):
                self._row_of = np.zeros(self._chunks, dtype=np.int32)
            missing = np.flatnonzero(self._row_of[codes] == 0)
            new = missing[distinct(codes[missing], self._chunks)[0]]
            if self._count + len(new) > self._most:
                for known in self._codes:
                    self._row_of[known] = 0
                new = distinct(codes, self._chunks)[0]
                self._count, self._codes, self._most = 0, [], max(most, len(new))
                self._nodes = self._room(self._most)  # memory that nothing is written to costs nothing
            start, end = self._count, self._count + len(new)
            fill(tuple(nodes.part(slice(start, end)) for nodes in self._nodes), new)
            self._count = end  # only now, since to fill them may have failed
            self._row_of[codes[new]] = np.arange(start + 1, end + 1)
            self._codes.append(codes[new])
            return self._row_of[codes] - np.int32(1), self._nodes


class Depth(NamedTuple):
    """The nodes of one level at one depth of the strings."""

    ids: np.ndarray
    """(beginnings,): which node each distinct beginning of that depth has."""
    nodes: tuple[Nodes, ...]
    """Those nodes, of each network; others may stand among them."""

    def without_logits(self) -> "Depth":
        """What later depths need: what the head reads of these nodes goes to the logits at once."""
        return Depth(self.ids, tuple(nodes._replace(logits=None) for nodes in self.nodes))


@dataclass(frozen=True)
class State(Position):
    """Where many strings stand, and what they need to go on: each distinct beginning once."""

    _beginning_of: tuple[np.ndarray, ...]
    """For these depths, newest last, (S,): which distinct beginning each string has."""
    _nodes: tuple[tuple[Depth, ...], ...]
    """For each level but the top one, from the characters up, the depths that the level above still looks back to,
    newest last."""
    _caches: tuple[NodeCache, ...]
    """Of each level but the top one; shared by all states that follow from one start."""
    _codes: np.ndarray
    """int64, (beginnings,): the last characters of each distinct beginning as one number."""
    _labels: np.ndarray | None
    """int64, (beginnings,): the label of each distinct beginning, of a network that has labels."""
    _depth: int
    """How many characters the next state's beginnings have."""
    _strings: int
    """How many strings there were at the start."""

    def rearranged(self, places: np.ndarray) -> "State":
        strings = self.strings[places]
        beginning_of = tuple(beginning_of[strings] for beginning_of in self._beginning_of)
        return replace(super().rearranged(places), _beginning_of=beginning_of, _strings=len(places))
