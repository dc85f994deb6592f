"""The weights that the engine works with: a Linear with the BatchNorm after it folded in, and products with it.

Shapes in this file
    n  rows      g  neighbours      C  channels of one of them      W  channels that come out
    H  channels of a level      V  vocabulary, boundary id 0 included
"""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from wavemore.predict.activation import EPS

__all__ = ["Level", "folded_linear", "product"]

_ONE_THREAD = 1 << 18  # multiplications up to which OpenBLAS, which NumPy brings along, uses no second thread
_MOST_ROWS = 16  # of one product


class Level(NamedTuple):
    """What makes the nodes of one level of their children, and what they then contribute."""

    gamma: np.ndarray | None
    """(W,): of a LayerNorm or RMSNorm; a BatchNorm is folded. W is H, or 2 H before a gate."""
    beta: np.ndarray | None
    residual: bool
    above: list[np.ndarray]
    """g arrays (H, W), the rows of the weight of the level above for each of its children, the oldest first."""
    bias: np.ndarray | None
    """(W,): what the level above adds; its oldest child contributes that, too."""
    head: np.ndarray | None
    """(H, V): what the head makes of these nodes, where it reads them."""
    head_bias: np.ndarray | None
    """(V,): what the head adds, at the top level."""


def folded_linear(weights: Mapping[str, np.ndarray], prefix: str, g: int) -> tuple[list[np.ndarray], np.ndarray]:
    """A Linear with the BatchNorm after it folded in, computed in float64: g arrays (C, W), the rows of the weight for
    each input, and the bias, (W,)."""
    weight = weights[f"{prefix}.linear.weight"].astype(np.float64)
    bias = weights.get(f"{prefix}.linear.bias", np.zeros(weight.shape[1]))
    if f"{prefix}.norm.running_mean" in weights:
        gamma, beta, mean, var = (
            weights[f"{prefix}.norm.{name}"].astype(np.float64)
            for name in ("gamma", "beta", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(var + EPS)
        weight, bias = weight * scale, (bias - mean) * scale + beta
    return np.split(weight.astype(np.float32), g), bias.astype(np.float32)


def product(x: np.ndarray, weight: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """x @ weight, (n, C) @ (C, W), in many products of the same few rows and columns; into `out`, where given.

    That has two reasons. Libraries choose their method by the shape of a product, and methods differ in rounding: with
    blocks a row's result depends on nothing but that row, and a seed gives the same strings in any company. And
    products this small stay on one thread: a second one gains little, and on a busy machine a call may then take
    hundreds of times as long.
    """
    n, (channels, width), at_once = len(x), weight.shape, _rows_at_once()
    out = np.empty((n, width), dtype=np.float32) if out is None else out
    whole = n // at_once * at_once
    rest = np.zeros((at_once, channels), dtype=np.float32)
    rest[: n - whole] = x[whole:]
    columns = max(16, _ONE_THREAD // (at_once * channels) // 16 * 16)
    for start in range(0, width, columns):
        part = slice(start, start + columns)
        blocks = out[:whole].reshape(-1, at_once, width)[:, :, part]
        np.matmul(x[:whole].reshape(-1, at_once, channels), weight[:, part], out=blocks)
        if whole < n:
            out[whole:, part] = (rest @ weight[:, part])[: n - whole]
    return out


@cache
def _rows_at_once() -> int:
    """How many rows one product takes: as many as can change places without any of their results changing. OpenBLAS's
    kernel for Haswell and Zen processors, for one, rounds the last four of sixteen rows otherwise than the others."""
    draw = np.random.default_rng(0)
    weight = draw.standard_normal((96, 48), dtype=np.float32)
    rows = _MOST_ROWS
    while rows > 1:
        x = draw.standard_normal((rows, 96), dtype=np.float32)
        turned = (np.roll(np.roll(x, by, axis=0) @ weight, -by, axis=0) for by in range(1, rows))
        if all(np.array_equal(x @ weight, one) for one in turned):
            break
        rows //= 2
    return rows
