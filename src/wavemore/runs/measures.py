"""The inside of a model in numbers, from arrays alone: activations of a level, one parameter's step, one BatchNorm.
An inspection of a model file and the record of a run mean the same by each number, because both have it from here.

Shapes in this file
    n  distinct chunks of a level     W  channels before the activation (H, or 2 H before a gate)     H  units
    V  vocabulary, boundary id 0 included     E  channels of the embedding     b  bins
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import gcd, log10, prod, sqrt
from typing import NamedTuple, Self

import numpy as np

from wavemore.predict.activation import EPS

__all__ = [
    "BINS",
    "DEAD",
    "FLAT",
    "FLAT_GELU",
    "GELUS",
    "WIDEST",
    "Histogram",
    "Layer",
    "Map",
    "Norm",
    "Parameter",
    "flat_shares",
    "gradient_norms",
    "map_of",
]

FLAT = 0.97
"""A tanh beyond this, or a sigmoid as close to its ends, is saturated: its slope is below 0.06 of the steepest."""
FLAT_GELU = -2.24
"""A GELU, quick or not, is flat below this: there too its slope is below 0.06 (0.059 is that of tanh where it is
0.97)."""
GELUS = ("gelu", "quick_gelu")
DEAD = 0.01
"""A unit is dead where its output's standard deviation over all the list's windows is below this: its tanh spans 2, and
a GELU after a norm varies by some tenths."""
BINS = 60
"""Of a histogram, unless it is to be small."""
WIDEST = 6.0
"""Where the histograms of what an activation is given end at the latest, so that where it is flat can be told."""


class Histogram(NamedTuple):
    """How values spread."""

    edges: np.ndarray
    """(b + 1,), rising. The outermost bins hold what lies beyond them too."""
    shares: np.ndarray
    """(b,), which sum to one; all zero where there were no values."""

    @classmethod
    def of(
        cls, values: np.ndarray, low: float, high: float, weights: np.ndarray | None = None, *, bins: int = BINS
    ) -> Self:
        """Of values of any shape; `weights` (n,) weigh the rows of (n, W)."""
        each = None if weights is None else np.repeat(weights, values.size // len(weights))
        # np.histogram takes any edges, and so several times as long.
        bin_of = (np.clip(values.reshape(-1), low, high) - low) * (bins / (high - low))
        counts = np.bincount(np.minimum(bin_of.astype(np.intp), bins - 1), each, minlength=bins)
        return cls(_edges(low, high, bins), counts / max(counts.sum(), 1e-300))


@cache
def _edges(low: float, high: float, bins: int) -> np.ndarray:
    edges = np.linspace(low, high, bins + 1)
    edges.flags.writeable = False
    return edges


class Layer(NamedTuple):
    """What one level's activation is given and gives, over the windows of all predictions of the sample."""

    level: int
    """From 1, the bottom."""
    activation: str
    units: int
    mean: float
    deviation: float
    """Of what the activation gives, over windows and units."""
    flat: Mapping[str, float]
    """The share of values at which the activation is flat, for each part of it: saturated, where it is a tanh."""
    dead: tuple[int, ...]
    """The numbers of the units, from 0, whose output hardly varies."""
    normed: Histogram
    """What the activation is given."""
    activated: Histogram
    """What it gives."""
    spread: np.ndarray = np.empty(0)
    """(H,): the standard deviation of each unit's output over the windows; a history does not keep it, then (0,)."""

    @classmethod
    def of(
        cls,
        level: int,
        activation: str,
        normed: np.ndarray,
        activated: np.ndarray,
        uses: np.ndarray,
        limit: float,
        *,
        bins: int = BINS,
    ) -> Self:
        """From (n, W) and (n, H) values, and (n,) how often the windows use each chunk. `limit` bounds the axes."""
        weights = uses / uses.sum()
        means = weights @ activated  # (H,)
        spread = np.sqrt(weights @ np.square(activated - means))  # (H,)
        mean = float(means.mean())
        deviation = float(np.sqrt(np.mean(np.square(spread) + np.square(means - mean))))
        span = (-limit, limit) if activation in GELUS else (-1.0, 1.0)
        return cls(
            level,
            activation,
            len(spread),
            mean,
            deviation,
            flat_shares(activation, normed, weights),
            tuple(np.flatnonzero(spread < DEAD).tolist()),
            Histogram.of(normed, -limit, limit, weights, bins=bins),
            Histogram.of(activated, *span, weights, bins=bins),
            spread,
        )


def flat_shares(activation: str, normed: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The share of values, (n, W), at which each part of an activation is flat; `weights` (n,) sum to one."""

    def share(flat: np.ndarray) -> float:
        return float((weights @ flat).mean())

    if activation in GELUS:
        return {activation: share(normed < FLAT_GELU)}
    bound = np.arctanh(FLAT)
    if activation == "tanh":
        return {"tanh": share(np.abs(normed) > bound)}
    signal, gate = np.split(normed, 2, axis=1)
    # sigmoid(z) = (1 + tanh(z / 2)) / 2
    return {"tanh": share(np.abs(signal) > bound), "sigmoid": share(np.abs(gate) > 2 * bound)}


@dataclass(frozen=True)
class Parameter:
    """One parameter tensor in one step on one batch. Sizes are root mean squares over its elements."""

    name: str
    group: str
    """"embedding", "level 1" and so on, "head"."""
    shape: tuple[int, ...]
    weight: float
    gradient: float
    update: float
    zeros: float
    """The share of elements whose gradient is exactly zero, as for characters that the batch lacks."""
    magnitudes: Histogram
    """log10 of the sizes of all other gradients."""

    @property
    def gradient_norm(self) -> float:
        """The gradient's length, the root of the sum of squares: a group's is the root of the sum of its tensors'."""
        return self.gradient * prod(self.shape) ** 0.5

    @property
    def gradient_ratio(self) -> float | None:
        """The gradient's size over the weight's; None where all weights are zero."""
        return self.gradient / self.weight if self.weight else None

    @property
    def update_ratio(self) -> float | None:
        """log10 of the update's size over the weight's; None where one of them is zero. About -3 is the lecture's rule
        of thumb."""
        return log10(self.update) - log10(self.weight) if self.weight and self.update else None

    @classmethod
    def of(
        cls,
        name: str,
        weight: np.ndarray,
        gradient: np.ndarray,
        update: np.ndarray,
        *,
        bins: int = BINS,
        most: int | None = None,
    ) -> Self:
        """From three arrays of its shape. The histogram is of all gradients, or of about `most` at even distances."""
        sizes = [float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) for x in (weight, gradient, update)]
        some = gradient.reshape(-1)[:: 1 if most is None else _stride(gradient.shape, most)]
        moved = np.abs(some[some != 0]).astype(np.float64)
        return cls(
            name,
            _group(name),
            weight.shape,
            sizes[0],
            sizes[1],
            sizes[2],
            1 - np.count_nonzero(gradient) / weight.size,
            Histogram.of(np.log10(moved), -9, 1, bins=bins),
        )


def _stride(shape: tuple[int, ...], most: int) -> int:
    """The distance between the elements of a tensor that are taken, about `most` of them. It has no factor in common
    with the last axis, or only a few of that axis's units would ever be seen."""
    step = max(1, -(-prod(shape) // most))
    while gcd(step, shape[-1] if shape else 1) > 1:
        step += 1
    return step


def gradient_norms(parameters: Iterable[Parameter]) -> dict[str, float]:
    """The length of the gradient of "embedding", "level 1" and so on, and "head", in this order."""
    squares: dict[str, float] = {}
    for parameter in parameters:
        squares[parameter.group] = squares.get(parameter.group, 0.0) + parameter.gradient_norm**2
    return {group: sqrt(square) for group, square in squares.items()}


class Norm(NamedTuple):
    """One BatchNorm: what it remembers against what a batch of the whole sample has."""

    name: str
    shift_size: float
    """The root mean square of `shift` over the channels."""
    scale_size: float
    """By which factor the deviations differ, up or down: 1 where they agree. The exponential of the root mean square of
    the logarithms of `scale`."""
    shift: np.ndarray = np.empty(0)
    """(W,): the batch's mean minus the running mean, in running standard deviations; a history does not keep it, then
    (0,)."""
    scale: np.ndarray = np.empty(0)
    """(W,): the batch's standard deviation over the running one; in a history (0,) too."""

    @classmethod
    def of(cls, name: str, running: tuple[np.ndarray, np.ndarray], batch: tuple[np.ndarray, np.ndarray]) -> Self:
        """From (W,) means and variances."""
        deviation = np.sqrt(running[1].astype(np.float64) + EPS)
        shift, scale = (batch[0] - running[0]) / deviation, np.sqrt(batch[1].astype(np.float64) + EPS) / deviation
        sizes = (float(np.sqrt(np.mean(np.square(x)))) for x in (shift, np.log(scale)))
        return cls(name, next(sizes), float(np.exp(next(sizes))), shift, scale)


class Map(NamedTuple):
    """The embedding on paper."""

    places: np.ndarray
    """(V, 2): each id's first two principal components, the boundary's at row 0. Each component's largest number is
    positive, so that the same embedding is always the same map."""
    explained: tuple[float, float]
    """The share of the variance that each of the two has."""


def map_of(embedding: np.ndarray) -> Map:
    """The two directions in which the rows of (V, E) differ most."""
    rows = embedding.astype(np.float64)
    left, sizes, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    scores = np.zeros((len(rows), max(2, len(sizes))))
    scores[:, : len(sizes)] = left * sizes  # (V, min(V, E))
    places = scores[:, :2]
    largest = places[np.abs(places).argmax(axis=0), [0, 1]]
    shares = np.append(np.square(sizes), 0.0)[:2] / max(float(np.square(sizes).sum()), 1e-300)
    return Map(places * np.where(largest < 0, -1.0, 1.0), (float(shares[0]), float(shares[1])))


def _group(name: str) -> str:
    """The part of the model that a parameter belongs to, by its name."""
    first, *rest = name.split(".")
    numbered = {"levels": "level", "layers": "layer"}  # of a WaveNet, of a baseline
    return f"{numbered[first]} {int(rest[0]) + 1}" if first in numbered else first
