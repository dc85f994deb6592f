"""One network in the folded form: makes nodes of a level from their children, some thousand rows at once.

A child contributes to its parent a product of itself with a part of the weight. Where many parents share a child, that
is computed once and taken from there (`Nodes.products`); where nearly each has its own, as in the upper levels of a
deep network, it is computed at the parent, and nothing wider than a node is kept. A row's result is the same to the bit
either way.

Shapes in this file
    n  nodes   W  what a node contributes to one of the level above   H  channels of a level   V  vocabulary
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from wavemore.predict.activation import activated
from wavemore.predict.chunks import distinct
from wavemore.predict.folding import levels_of, product
from wavemore.predict.nodes import Nodes
from wavemore.settings.config import ModelConfig
from wavemore.threads import side_by_side

__all__ = ["ROWS_AT_ONCE", "Child", "Network", "taken", "worth_sharing"]

ROWS_AT_ONCE = 2048
"""From the children to what the nodes contribute; with fewer, threads wait for each other."""

_SHARED = 1.25  # so many parents must a node have for its product to be worth keeping
_FEW = 64  # parents, whose products take less time than to look which are shared


class Child(NamedTuple):
    """The children at one place of some nodes."""

    rows: np.ndarray
    """(n,): which node each of them is."""
    shared: tuple[np.ndarray, np.ndarray] | None = None
    """Where products are not at hand and yet shared: the distinct nodes, and for each child which of these it is."""


def taken(rows: np.ndarray, nodes: Nodes) -> Child:
    """Children that are these of some nodes."""
    if nodes.products or nodes.values is None or len(rows) < _FEW:
        return Child(rows)
    where, numbers = distinct(rows.astype(np.int64, copy=False), len(nodes.values))
    return Child(rows, (rows[where], numbers)) if worth_sharing(len(rows), len(where)) else Child(rows)


def worth_sharing(parents: int, nodes: int) -> bool:
    """Whether products of these nodes are to be computed once, and not for each parent."""
    return parents > _SHARED * nodes


class Network:
    """The weights of a WaveNet, folded. Holds nothing that changes."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> None:
        embedding = weights["embedding.weight"]  # (V, E)
        self.config, self.vocabulary_size = config, len(embedding)
        self.levels = levels_of(config, weights, self.vocabulary_size)
        # The characters are the nodes of level 0, and what they contribute is the same at every depth.
        first = self.levels[0]
        self.characters = Nodes([first.contribution(j, embedding) for j in range(len(first.weights))], embedding, None)

    def room(self, i: int, n: int, reach: Sequence[int] = ()) -> Nodes:
        """Arrays for n nodes of level i. `reach` says for each place in the level above how many of them get a product
        for it; without it, none."""
        above = self.levels[i + 1] if i + 1 < len(self.levels) else None
        values = np.empty((n, self.config.hidden), np.float32) if above is not None else None
        pieces = above.weights if above is not None and reach else []
        products = [np.empty((m, piece.shape[1]), np.float32) for m, piece in zip(reach, pieces, strict=False)]
        return Nodes(products, values, self.logits(i, n))

    def room_for_all(self, i: int, n: int) -> Nodes:
        """The same with all their products."""
        return self.room(i, n, [n] * len(self.levels[i + 1].weights))

    def logits(self, i: int, n: int) -> np.ndarray | None:
        """An array for what the head makes of n nodes of level i, where it reads them."""
        return None if self.levels[i].head is None else np.empty((n, self.vocabulary_size), np.float32)

    def fill(
        self, i: int, room: Nodes, children: Sequence[tuple[Nodes, Child]], labels: np.ndarray | None = None
    ) -> Nodes:
        """Compute the nodes of level i, which have these children, the oldest first, each with the nodes it is one of,
        and, at a level that labels shift, these `labels`, (n,).

        Some thousand rows at once go through all of it, so that what is in the making stays in the cache."""
        level = self.levels[i]
        above = self.levels[i + 1] if room.products else None
        given = [self._given(i, j, nodes, child) for j, (nodes, child) in enumerate(children)]
        newest, rows = children[-1][0].values, children[-1][1].rows

        def contribution(j: int, part: slice) -> np.ndarray:  # (rows, W)
            array, which, finished = given[j]
            some = array.take(which[part], axis=0)
            return some if finished else level.contribution(j, some)

        @np.errstate(over="ignore", invalid="ignore")  # numbers too large are refused; threads do not inherit it
        def work(start: int) -> None:
            part = slice(start, start + ROWS_AT_ONCE)
            total = contribution(0, part)
            for j in range(1, len(given)):
                total += contribution(j, part)
            if labels is not None and level.shifts is not None:
                total += level.shifts.take(labels[part], axis=0)
            values = activated(total, self.config, level.gamma, level.beta)  # (rows, H)
            if level.residual and newest is not None:
                values += newest.take(rows[part], axis=0)
            if room.values is not None:
                room.values[part] = values
            for j, out in enumerate(room.products):
                assert above is not None
                above.contribution(j, values[: max(0, len(out) - start)], out[part])
            if room.logits is not None and level.head is not None:
                product(values, level.head, room.logits[part])
                if level.head_bias is not None:
                    room.logits[part] += level.head_bias
                if labels is not None and level.head_shifts is not None:
                    room.logits[part] += level.head_shifts.take(labels[part], axis=0)

        side_by_side(work, range(0, len(rows), ROWS_AT_ONCE))
        return room

    def _given(self, i: int, place: int, nodes: Nodes, child: Child) -> tuple[np.ndarray, np.ndarray, bool]:
        """An array, which of its rows each child is, and whether that is its contribution, or still the child."""
        if nodes.products and len(nodes.products[place]):
            return nodes.products[place], child.rows, True
        assert nodes.values is not None
        if child.shared is None:
            return nodes.values, child.rows, False
        where, numbers = child.shared
        level, values = self.levels[i], nodes.values
        products = np.empty((len(where), level.weights[place].shape[1]), np.float32)

        def work(start: int) -> None:
            part = slice(start, start + ROWS_AT_ONCE)
            level.contribution(place, values.take(where[part], axis=0), products[part])

        side_by_side(work, range(0, len(where), ROWS_AT_ONCE))
        return products, numbers, True
