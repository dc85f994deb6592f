"""One level of the tree, up and down again: gather, Linear, norm, activation, dropout, residual.

    up      y = [x @ weight of each child]      normal = norm(y)      nodes = activation(gamma normal + beta) + newest
    down    d_nodes -> d_y -> d_normal -> d_weight, and d_x for the level below

The slope of the activation and d_weight are not needed at once: a second thread may work them out meanwhile.
`gradients.py` and `activations.py` have the formulas, `nn.Level` is the oracle.

Shapes in this file
    m  distinct chunks of the level below     n  of this level     C  channels below     g  the group
    H  channels of the level                  W  H, or 2 H before a gate
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from wavemore.predict.activation import EPS
from wavemore.threads import Later, Team
from wavemore.train.activations import ACTIVATIONS
from wavemore.train.gradients import (
    Branch,
    Moments,
    batch_norm,
    d_batch_norm,
    d_input,
    d_row_norm,
    d_weight,
    gathered,
    row_norm,
    scaled,
)
from wavemore.train.learner import MOMENTUM

__all__ = ["Form", "Level", "Norm", "Passed"]


class Form(NamedTuple):
    """What a level is made of beside its weights."""

    norm: str
    activation: str
    residual: bool


class Passed(NamedTuple):
    """What went through a level, and what the way back needs."""

    nodes: np.ndarray
    """(n, H): what the level hands on."""
    normal: np.ndarray
    """(n, W): after Linear and norm, before gamma and beta."""
    scale: np.ndarray | None
    """What the norm multiplied by: (W,) of a BatchNorm, (n, 1) of the others."""
    moments: Moments | None
    """Of a BatchNorm in training mode."""
    slope: Later[np.ndarray]
    """(n, W): of the activation."""
    mask: np.ndarray | None
    """(n, H): what dropout multiplies by."""


class Norm:
    """The weights of a norm: gamma and beta, gamma alone or neither; and a BatchNorm's running statistics."""

    def __init__(self, weights: Mapping[str, np.ndarray], name: str) -> None:
        self.name = name
        self.gamma, self.beta = weights.get(f"{name}.gamma"), weights.get(f"{name}.beta")
        self._running = weights.get(f"{name}.running_mean"), weights.get(f"{name}.running_var")

    @property
    def batch(self) -> bool:
        """Whether it is a BatchNorm."""
        return self._running[0] is not None

    def move(self, moments: Moments) -> None:
        """The running statistics towards a batch's. Raises `ShapeError` for a single row."""
        for running, seen in zip(self._running, (moments.mean, moments.variance), strict=True):
            assert running is not None
            running += running.dtype.type(MOMENTUM) * (seen - running)  # noqa: PLW2901 - in place

    def as_evaluated(self, y: np.ndarray) -> np.ndarray:
        """A BatchNorm's normal in evaluation mode, (n, W). y is overwritten."""
        mean, variance = self._running
        assert mean is not None
        assert variance is not None
        y -= mean
        y *= 1 / np.sqrt(variance + y.dtype.type(EPS))
        return y


class Level:
    """One level of a network."""

    def __init__(
        self, form: Form, weights: Mapping[str, np.ndarray], number: int, team: Team, kinds: Sequence[int] = ()
    ) -> None:
        """The level of this number, from 0 at the bottom, whose arrays `weights` holds. `kinds` has how many values
        each kind of label has."""
        self.form, self._team, self._kinds = form, team, kinds
        self._labels = f"levels.{number}.labels.weight"
        self._shifts = weights.get(self._labels)
        self._linear, self.norm = f"levels.{number}.linear", Norm(weights, f"levels.{number}.norm")
        self._weight, self._bias = weights[f"{self._linear}.weight"], weights.get(f"{self._linear}.bias")
        self._activate, self._slope = ACTIVATIONS[form.activation]

    @property
    def channels(self) -> int:
        """H."""
        return self._weight.shape[1] // (2 if self.form.activation == "gated" else 1)

    def up(self, x: np.ndarray, branch: Branch, *, training: bool, mask: np.ndarray | None = None) -> Passed:
        """(m, C) -> (n, H). In training mode running statistics move."""
        pieces = np.split(self._weight, len(branch.children))
        y = gathered([x[:reach] @ piece for piece, reach in zip(pieces, branch.reach, strict=True)], branch.children)
        if self._bias is not None:
            y += self._bias
        if self._shifts is not None and branch.labels is not None:
            y += branch.labels.shifts(self._shifts, self._kinds)
        moments = Moments.of(y, branch.uses) if self.norm.batch and training else None
        if moments is not None:
            self.norm.move(moments)
        normal, scale = self._normal(y, moments)  # (n, W)
        nodes = np.empty((len(y), self.channels), x.dtype)
        kept = self._activate(scaled(normal, self.norm.gamma, self.norm.beta), nodes)
        if mask is not None:
            nodes *= mask
        if self.form.residual:
            nodes += x.take(branch.children[-1], axis=0)
        slope = self._team.later(lambda: self._slope(kept)) if training else Later(lambda: self._slope(kept))
        return Passed(nodes, normal, scale, moments, slope, mask)

    def _normal(self, y: np.ndarray, moments: Moments | None) -> tuple[np.ndarray, np.ndarray | None]:
        """(n, W) of some rows, and the norm's scale. y is overwritten."""
        if moments is not None:
            return batch_norm(y, moments)
        if self.norm.batch:
            return self.norm.as_evaluated(y), None
        if self.form.norm == "none":
            return y, None
        return row_norm(y, centred=self.form.norm == "layer")

    def seen(self, passed: Passed, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of these rows what the activation was given, (n, W), and what it gave, (n, H)."""
        normed = scaled(passed.normal[rows], self.norm.gamma, self.norm.beta)
        activated = np.empty((len(rows), self.channels), normed.dtype)
        self._activate(normed, activated)
        return normed, activated

    def down(
        self, d_nodes: np.ndarray, x: np.ndarray, passed: Passed, branch: Branch
    ) -> tuple[np.ndarray, dict[str, np.ndarray | Later[np.ndarray]]]:
        """(n, H) -> d_x, (m, C), and the gradients of the level's weights by their names."""
        found: dict[str, np.ndarray | Later[np.ndarray]] = {}
        d_y = self._d_activation(d_nodes, passed)  # (n, W)
        if self.norm.gamma is not None:
            found |= self._d_norm(d_y, passed, branch)
        if self._bias is not None:
            found[f"{self._linear}.bias"] = d_y.sum(axis=0)
        if self._shifts is not None and branch.labels is not None:
            found[self._labels] = branch.labels.d_rows(d_y, self._kinds)
        parts = [scatter(d_y) for scatter in branch.scatters]  # (reach, W) each: what each child gets back
        pieces = np.split(self._weight, len(parts))
        d_x = d_input(parts[-1], pieces[-1])  # every chunk below is a newest child or comes before one
        for part, piece in zip(parts[:-1], pieces[:-1], strict=True):
            d_x[: len(part)] += d_input(part, piece)
        if self.form.residual:
            d_x += branch.scatters[-1](d_nodes)
        found[f"{self._linear}.weight"] = self._team.later(
            lambda: np.concatenate([d_weight(x[: len(part)], part) for part in parts])
        )
        return d_x, found

    def _d_activation(self, d_nodes: np.ndarray, passed: Passed) -> np.ndarray:
        d = d_nodes if passed.mask is None else d_nodes * passed.mask  # (n, H)
        slope = passed.slope.result()  # (n, W)
        for half in np.split(slope, slope.shape[1] // d.shape[1], axis=1):
            half *= d  # noqa: PLW2901 - in place
        return slope

    def _d_norm(self, d_y: np.ndarray, passed: Passed, branch: Branch) -> dict[str, np.ndarray | Later[np.ndarray]]:
        """d_y, (n, W), becomes that of what the norm was given; and the gradients of gamma and beta."""
        gamma, moments, scale = self.norm.gamma, passed.moments, passed.scale
        assert gamma is not None
        assert scale is not None
        d_beta, d_gamma = d_y.sum(axis=0), np.einsum("nw,nw->w", d_y, passed.normal)  # (W,) each
        if moments is not None:
            d_batch_norm(d_y, passed.normal, gamma * scale, d_gamma, d_beta, branch.uses, moments.rows)
        else:
            d_row_norm(d_y, passed.normal, scale, gamma, centred=self.form.norm == "layer")
        found = {f"{self.norm.name}.gamma": d_gamma}
        return found if self.norm.beta is None else {**found, f"{self.norm.name}.beta": d_beta}
