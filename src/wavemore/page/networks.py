"""The networks of a model file as the page has them: folded, and rounded to float16.

A BatchNorm is folded into the Linear before it, as the engine does (`predict/folding.py`); biases, and what a LayerNorm
or RMSNorm learned, are few numbers and stay float32. What labels shift is kept for each value of each kind of label:
the shift of a combination is the sum of those of its values, and the first value of each kind but the first shifts
nothing.

Shapes in this file
    C  combinations of labels    K  values of all kinds together    W  channels that are shifted
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wavemore.page.arrays import Arrays
from wavemore.predict.folding import Level, levels_of
from wavemore.settings.config import ModelConfig

__all__ = ["network_told"]


def network_told(
    config: ModelConfig, weights: Mapping[str, np.ndarray], vocabulary_size: int, arrays: Arrays
) -> dict[str, Any]:
    """What the header says of one network; the numbers in it name `arrays`."""
    levels, channels, told = levels_of(config, weights, vocabulary_size), config.embedding, []
    for level, (group, dilation) in zip(levels, config.levels, strict=True):
        adds = config.residual and channels == config.hidden
        told.append({"group": group, "dilation": dilation, "adds": adds, **_level_told(level, config, arrays)})
        channels = config.hidden
    return {"embedding": arrays.half(weights["embedding.weight"]), "levels": told}


def _level_told(level: Level, config: ModelConfig, arrays: Arrays) -> dict[str, Any]:
    """`adds`, beside it, says whether the newest child is added in the network as trained, `residual` whether it is
    here: at the top level the head may read it one level lower."""

    def single(array: np.ndarray | None) -> int | None:
        return None if array is None else arrays.single(array)

    def shifts(array: np.ndarray | None) -> int | None:
        return None if array is None else arrays.half(by_value(array, config.labels))

    return {
        "weights": [arrays.half(piece) for piece in level.weights],
        "bias": single(level.bias),
        "gamma": single(level.gamma),
        "beta": single(level.beta),
        "residual": level.residual,
        "head": None if level.head is None else arrays.half(level.head),
        "headBias": single(level.head_bias),
        "shifts": shifts(level.shifts),
        "headShifts": shifts(level.head_shifts),
    }


def by_value(shifts: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The shift of each value, (K, W), from those of each combination, (C, W)."""
    whole = shifts.reshape(*sizes, -1)
    rows = []
    for axis, size in enumerate(sizes):
        of_this = whole[tuple(slice(None) if i == axis else 0 for i in range(len(sizes)))]  # (size, W)
        rows.append(of_this - (whole.reshape(-1, whole.shape[-1])[0] if axis else 0))
        assert len(of_this) == size
    return np.concatenate(rows)
