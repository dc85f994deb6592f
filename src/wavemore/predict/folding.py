"""The weights that the engine works with: a Linear with the BatchNorm after it folded in, and products with it.

Shapes in this file
    n  rows      g  neighbours      C  channels of one of them      W  channels that come out
    H  channels of a level      V  vocabulary, boundary id 0 included
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from wavemore.predict.activation import EPS, multiples
from wavemore.predict.conditioning import combined
from wavemore.settings.config import ModelConfig

__all__ = ["Level", "levels_of", "product"]

_ONE_THREAD = 1 << 18  # multiplications up to which OpenBLAS, which NumPy brings along, uses no second thread
_MOST_ROWS = 16  # of one product


class Level(NamedTuple):
    """What makes the nodes of one level of their children, and what the head reads of them."""

    weights: list[np.ndarray]
    """g arrays (C, W), the rows of the weight for each of its children, the oldest first."""
    bias: np.ndarray | None
    """(W,), None where it is 0; the oldest child contributes it."""
    gamma: np.ndarray | None
    """(W,): of a LayerNorm or RMSNorm; a BatchNorm is folded. W is H, or 2 H before a gate."""
    beta: np.ndarray | None
    residual: bool
    head: np.ndarray | None
    """(H, V): what the head makes of these nodes, where it reads them."""
    head_bias: np.ndarray | None
    """(V,): what the head adds, at the top level."""
    shifts: np.ndarray | None = None
    """(C, W): what each label adds to the contributions of a node's children, at a level that labels shift."""
    head_shifts: np.ndarray | None = None
    """(C, V): what each label adds to the logits, at the top level."""

    def contribution(self, place: int, children: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """(n, C) -> (n, W): what these nodes contribute as children at this place, the oldest being 0."""
        contribution = product(children, self.weights[place], out)
        if place == 0 and self.bias is not None:
            contribution += self.bias
        return contribution


def levels_of(config: ModelConfig, weights: Mapping[str, np.ndarray], vocabulary_size: int) -> list[Level]:
    """All levels of a network, from the bottom up."""
    count = len(config.levels)
    head = _folded_linear(weights, "head", count if config.skip else 1, labels=config.labels)  # of (H, V), (V,)
    read: list[np.ndarray | None] = [*head.pieces] if config.skip else [*[None] * (count - 1), *head.pieces]
    lower = config.residual and count > 1 and vocabulary_size <= config.hidden
    if lower:
        # What the top level's residual adds, the head may read one level lower: fewer nodes, and narrower sums.
        read[-2] = head.pieces[-1] if (below := read[-2]) is None else below + head.pieces[-1]
    channels, levels, times = config.embedding, [], multiples(config)
    for i, (g, _) in enumerate(config.levels):
        prefix, top = f"levels.{i}", i + 1 == count
        gamma, beta = (
            None if config.norm == "batch" else weights.get(f"{prefix}.norm.{name}") for name in ("gamma", "beta")
        )
        scale = times if gamma is None else None
        if times is not None and gamma is not None:  # the norm comes after the Linear
            gamma, beta = (None if array is None else (array * times).astype(np.float32) for array in (gamma, beta))
        folded = _folded_linear(weights, prefix, g, scale, centred=config.norm == "layer", labels=config.labels)
        residual = config.residual and channels == config.hidden and not (top and lower)
        at_top = head.bias if top else None
        bias = folded.bias if folded.bias.any() else None
        shifts = (folded.shifts, head.shifts if top else None)
        levels.append(Level(folded.pieces, bias, gamma, beta, residual, read[i], at_top, *shifts))
        channels = config.hidden
    return levels


class _Folded(NamedTuple):
    """A Linear with what comes after it folded in."""

    pieces: list[np.ndarray]
    """g arrays (C, W): the rows of the weight for each input."""
    bias: np.ndarray
    """(W,)."""
    shifts: np.ndarray | None
    """(combinations, W): what labels add, where they shift it."""


def _folded_linear(
    weights: Mapping[str, np.ndarray],
    prefix: str,
    g: int,
    times: np.ndarray | None = None,
    *,
    centred: bool = False,
    labels: Sequence[int] = (),
) -> _Folded:
    """A Linear with the BatchNorm after it folded in, computed in float64. What comes out is multiplied by `times`,
    (W,); where it is to be `centred`, its mean over the channels is 0, which is the first half of a LayerNorm. The
    shifts of the labels, whose kinds have so many values, go the same way as the rows of the weight."""
    weight = weights[f"{prefix}.linear.weight"].astype(np.float64)
    inputs = len(weight)
    shifted = f"{prefix}.labels.weight" in weights
    if shifted:
        weight = np.concatenate([weight, combined(weights[f"{prefix}.labels.weight"].astype(np.float64), labels)])
    bias = weights.get(f"{prefix}.linear.bias", np.zeros(weight.shape[1])).astype(np.float64)
    if f"{prefix}.norm.running_mean" in weights:
        gamma, beta, mean, var = (
            weights[f"{prefix}.norm.{name}"].astype(np.float64)
            for name in ("gamma", "beta", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(var + EPS)
        weight, bias = weight * scale, (bias - mean) * scale + beta
    if centred:
        weight, bias = weight - weight.mean(axis=1, keepdims=True), bias - bias.mean()
    if times is not None:
        weight, bias = weight * times, bias * times
    rows = weight.astype(np.float32)
    return _Folded(np.split(rows[:inputs], g), bias.astype(np.float32), rows[inputs:] if shifted else None)


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
