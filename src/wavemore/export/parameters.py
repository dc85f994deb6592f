"""The folded weights of one network or several that vote, as an ONNX graph takes them.

Shapes in this file
    M  networks     K  labels     g  children     C  channels of a child     W  channels that come out
    H  channels of a level     V  vocabulary, boundary id 0 included     R  values of all kinds of label together

Several networks stand in one array, so that a graph has as many nodes for eight as for one. [M] and [1] are axes that
are there where there are several networks, and where these have labels too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np

from wavemore.predict.activation import multiples
from wavemore.predict.folding import Level, levels_of
from wavemore.settings.config import ModelConfig

__all__ = ["Parameters", "Stage"]


class Stage(NamedTuple):
    """One level of all networks."""

    weight: np.ndarray
    """([M], [1], [1], g C, W), the rows of the oldest child first."""
    bias: np.ndarray | None
    """([M], [1], [1], 1, W) or (W,), as gamma and beta."""
    gamma: np.ndarray | None
    beta: np.ndarray | None
    residual: bool
    head: np.ndarray | None
    """(M H, V): where the head reads this level; the mean of all networks, whose nodes stand side by side."""
    shifts: np.ndarray | None
    """([M], R, W): what each value of each kind of label adds."""


class Parameters:
    """All weights of these networks, which are of one shape.

    config     theirs, of which labels and the shape matter
    labels     int64, (K,): those that the graph is to know; none for networks without labels
    """

    def __init__(
        self, config: ModelConfig, networks: Sequence[Mapping[str, np.ndarray]], labels: np.ndarray | None
    ) -> None:
        self.config, self.several, self.labelled = config, len(networks) > 1, labels is not None
        self.vocabulary_size = len(networks[0]["embedding.weight"])
        # A shift of a combination of labels is the sum of those of its values; as rows of one kind they stay apart.
        apart = len(config.labels) > 1 and sum(config.labels) < prod(config.labels)
        self.kinds = config.labels if apart else (prod(config.labels),) if config.labels else ()
        folded = replace(config, labels=(sum(config.labels),)) if apart else config
        self.rows: list[np.ndarray] = []
        """For each kind, (K,): the row of each label's value."""
        if labels is not None:
            offsets = np.cumsum([0, *self.kinds[:-1]])
            places = np.unravel_index(labels, self.kinds)
            self.rows = [place + offset for place, offset in zip(places, offsets, strict=True)]
        levels = [levels_of(folded, weights, self.vocabulary_size) for weights in networks]
        self.embedding = self._stacked([weights["embedding.weight"] for weights in networks])
        """([M], [1], V, E)."""
        self.stages = [self._stage([*same]) for same in zip(*levels, strict=True)]
        top = [same[-1] for same in levels]
        self.head_bias = _mean([level.head_bias for level in top])
        """(V,)."""
        self.head_shifts = _mean([level.head_shifts for level in top])
        """(R, V)."""

    def _stage(self, levels: list[Level]) -> Stage:
        """One level of each network. The engine's tanh and sigmoid take multiples of what these functions take; they
        are powers of two and -1, so nothing is rounded here."""
        first, times = levels[0], multiples(self.config)
        scale = np.ones(first.weights[0].shape[1]) if times is None else 1 / times
        before = scale if first.gamma is None else np.ones_like(scale)  # the multiples come with the norm, if any

        def of(array: Callable[[Level], np.ndarray | None], by: np.ndarray) -> np.ndarray | None:
            return self._of(levels, lambda level: None if (one := array(level)) is None else one * by, wide=True)

        weight = self._of(levels, lambda level: np.concatenate(level.weights) * before)
        assert weight is not None
        return Stage(
            weight,
            of(lambda level: level.bias, before),
            of(lambda level: level.gamma, scale),
            of(lambda level: level.beta, scale),
            first.residual,
            _heads([level.head for level in levels]),
            self._shifts([None if level.shifts is None else level.shifts * before for level in levels]),
        )

    def _of(
        self, levels: Sequence[Level], array: Callable[[Level], np.ndarray | None], *, wide: bool = False
    ) -> np.ndarray | None:
        """An array of all networks, None where none of them has it; with `wide` it is a row that is added."""
        arrays = [array(level) for level in levels]
        shape = next((one.shape for one in arrays if one is not None), None)
        if shape is None:
            return None
        row = np.stack([np.zeros(shape) if one is None else one for one in arrays]).astype(np.float32)
        if not self.several:
            return row[0]
        between = (1,) * (int(self.labelled) + 1 + int(wide))
        return row.reshape(len(row), *between, *shape)

    def _stacked(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        if not self.several:
            return arrays[0]
        stacked = np.stack(arrays)
        return stacked[:, None] if self.labelled else stacked

    def _shifts(self, arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
        there = [one for one in arrays if one is not None]
        if not there:
            return None
        return (np.stack(there) if self.several else there[0]).astype(np.float32)


def _heads(heads: Sequence[np.ndarray | None]) -> np.ndarray | None:
    there = [head / np.float64(len(heads)) for head in heads if head is not None]
    return np.concatenate(there).astype(np.float32) if there else None


def _mean(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
    there = [array for array in arrays if array is not None]
    return np.asarray(np.mean(there, axis=0, dtype=np.float64), np.float32) if there else None
