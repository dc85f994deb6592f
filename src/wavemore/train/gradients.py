"""What a level is made of, forward and backward, in NumPy: each gradient is one line with its formula. The activations
are in `activations.py`.

`d_y` is the derivative of the loss with respect to y, and has y's shape. Rows are distinct chunks; row i stands for
uses[i] nodes of all windows. The loss counts each prediction, so a chunk's gradient is already that of all its nodes
together, and a sum over rows needs no weights. A BatchNorm alone has them: its mean is over all nodes. `nn/layers.py`
is the oracle.

Shapes in this file
    m  distinct chunks of the level below     n  of this level     C  channels below     W  channels above
    g  the group
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from wavemore.errors import ShapeError
from wavemore.predict.activation import EPS
from wavemore.predict.conditioning import combined, parted

__all__ = [
    "Branch",
    "Labels",
    "Moments",
    "Scatter",
    "batch_norm",
    "cross_entropy",
    "d_batch_norm",
    "d_input",
    "d_row_norm",
    "d_weight",
    "gathered",
    "row_norm",
    "scaled",
]


class Scatter:
    """Adds up the rows that belong to the same child: `Scatter(row, count)(d)`, (n, W) -> (count, W).

    Sorted by child, neighbours that belong together are added in pairs, then pairs in pairs, and so on: a few rounds of
    additions of whole rows, always in the same order. `np.add.reduceat` takes ten times as long.
    """

    def __init__(self, row: np.ndarray, count: int) -> None:
        each = np.bincount(row, minlength=count)  # (count,) rows of each child
        self._order = np.argsort(row.astype(np.uint16) if count <= 1 << 16 else row, kind="stable")  # (n,)
        self._starts = np.cumsum(each) - each  # (count,) where each child's rows begin
        self._childless = np.flatnonzero(each == 0)
        place = np.arange(len(row)) - np.repeat(self._starts, each)  # (n,) of each row among its child's
        self._rounds: list[tuple[np.ndarray, np.ndarray]] = []
        apart, most = 1, each.max(initial=0)
        while apart < most:
            right = np.flatnonzero(place % (2 * apart) == apart)
            self._rounds.append((right - apart, right))
            apart *= 2

    def __call__(self, d: np.ndarray) -> np.ndarray:
        rows = d.take(self._order, axis=0)
        for left, right in self._rounds:
            rows[left] += rows.take(right, axis=0)
        if not len(rows):
            return np.zeros((len(self._starts), d.shape[1]), d.dtype)
        sums = rows.take(self._starts, axis=0, mode="clip")
        sums[self._childless] = 0
        return sums


class Labels(NamedTuple):
    """The labels of some chunks: y = ... + shift[labels]."""

    of: np.ndarray
    """int64, (n,)."""
    scatter: Scatter
    """Adds up what the chunks of each label hand back to its shift, up to the last label that stands here."""

    def shifts(self, rows: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
        """What is added, (n, W), by the shifts of single values, (K, W)."""
        return combined(rows, sizes).take(self.of, axis=0)

    def d_rows(self, d_y: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
        """The gradient of these shifts, (K, W)."""
        found = self.scatter(d_y)
        d_combined = np.zeros((prod(sizes), d_y.shape[1]), d_y.dtype)  # (C, W)
        d_combined[: len(found)] = found
        return parted(d_combined, sizes)


class Branch(NamedTuple):
    """The distinct chunks of one level, as their children in the level below."""

    children: np.ndarray
    """int64, (g, n): row j has the j-th oldest child of each chunk."""
    reach: tuple[int, ...]
    """(g,): the children in row j are among the first reach[j] chunks of the level below."""
    uses: np.ndarray
    """(n,): how many nodes of all windows each chunk stands for."""
    scatters: tuple[Scatter, ...]
    """(g,): add up what the parents hand back to their j-th oldest children."""
    labels: "Labels | None" = None
    """Of the chunks, at a level that labels shift."""


# --- a Linear over flattened neighbours: y = sum over j of (x @ weight_j)[children_j]


def gathered(products: Sequence[np.ndarray], children: np.ndarray) -> np.ndarray:
    """y, (n, W), from what each child was multiplied to once for all its parents, g of (reach_j, W)."""
    y = products[0].take(children[0], axis=0)
    for product, row in zip(products[1:], children[1:], strict=True):
        y += product.take(row, axis=0)
    return y


def d_weight(x: np.ndarray, d_part: np.ndarray) -> np.ndarray:
    """Of x @ weight, (n, C) @ (C, W), from d_part, (n, W)."""
    return x.T @ d_part  # d_weight = x^T d_part


def d_input(d_part: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Of x @ weight, (n, C) @ (C, W), from d_part, (n, W)."""
    return d_part @ weight.T  # d_x = d_part weight^T


# --- norms: normal = (x - mean) * scale, y = gamma * normal + beta


class Moments(NamedTuple):
    """Of some rows, each counted as often as it is used."""

    rows: np.ndarray
    """How many there are, a scalar."""
    mean: np.ndarray
    """(W,)."""
    squares: np.ndarray
    """(W,): the sum of the squares of what differs from that mean."""

    @classmethod
    def of(cls, x: np.ndarray, uses: np.ndarray) -> "Moments":
        """Of x, (n, W), used (n,)."""
        rows = uses.sum()
        mean = uses @ x / rows
        return cls(rows, mean, uses @ np.square(x - mean))

    @property
    def variance(self) -> np.ndarray:
        """The unbiased one, (W,). Raises `ShapeError` for a single row, which has none."""
        if self.rows <= 1:
            raise ShapeError("a BatchNorm got one row in training mode, and one row has no variance; give two or more")
        return self.squares / (self.rows - 1)


def batch_norm(x: np.ndarray, moments: Moments) -> tuple[np.ndarray, np.ndarray]:
    """normal, (n, W), and the scale, (W,). x is overwritten."""
    scale = 1 / np.sqrt(moments.variance + x.dtype.type(EPS))
    x -= moments.mean
    x *= scale
    return x, scale


def d_batch_norm(
    d_y: np.ndarray,
    normal: np.ndarray,
    factor: np.ndarray,
    d_gamma: np.ndarray,
    d_beta: np.ndarray,
    uses: np.ndarray,
    rows: np.ndarray,
) -> None:
    """d_y, (n, W), becomes d_x; factor, (W,), is gamma * scale, and d_gamma and d_beta are over all rows.

    d_x = gamma scale (d_y - uses (d_beta / rows + normal d_gamma / (rows - 1))): mean and variance depend on all rows.
    """
    shared = normal * (d_gamma / (rows - 1))
    shared += d_beta / rows
    shared *= uses[:, None]
    d_y -= shared
    d_y *= factor


def row_norm(x: np.ndarray, centred: bool) -> tuple[np.ndarray, np.ndarray]:
    """normal, (n, W), and the scale of each row, (n, 1): a LayerNorm where it is centred, else an RMSNorm. x is
    overwritten."""
    if centred:
        x -= x.mean(axis=1, keepdims=True)
    square = np.einsum("nw,nw->n", x, x)[:, None] / x.shape[1]  # (n, 1)
    scale = 1 / np.sqrt(square + x.dtype.type(EPS))
    x *= scale
    return x, scale


def d_row_norm(d_y: np.ndarray, normal: np.ndarray, scale: np.ndarray, gamma: np.ndarray, centred: bool) -> None:
    """d_y, (n, W), becomes d_x.

    d_x = scale (d_normal - normal mean(d_normal normal)), less the mean of that where the row was centred.
    """
    d_y *= gamma  # d_normal
    along = np.einsum("nw,nw->n", d_y, normal)[:, None] / d_y.shape[1]  # (n, 1)
    d_y -= normal * along
    d_y *= scale
    if centred:
        d_y -= d_y.mean(axis=1, keepdims=True)


def scaled(normal: np.ndarray, gamma: np.ndarray | None, beta: np.ndarray | None) -> np.ndarray:
    """gamma * normal + beta, as far as the norm has them."""
    if gamma is None:
        return normal
    y = normal * gamma
    return y if beta is None else np.add(y, beta, out=y)


# --- the loss


def cross_entropy(logits: np.ndarray, counts: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean loss of all predictions, nats, and its derivative, (n, V). The logits are overwritten.

    d_logits = (times softmax(logits) - counts) / predictions, with times = how many predictions each context has.
    """
    logits -= logits.max(axis=1, keepdims=True)
    chances = np.exp(logits)  # (n, V)
    sums = chances.sum(axis=1, keepdims=True)  # (n, 1)
    times = counts.sum(axis=1, keepdims=True)  # (n, 1)
    total = times.sum()
    loss = float((times * np.log(sums)).sum(dtype=np.float64) - np.vdot(counts, logits)) / float(total)
    chances *= times / sums
    chances -= counts
    chances /= total
    return loss, chances
