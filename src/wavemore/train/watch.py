"""A training step seen from inside while it is taken: each level's activations, how far each parameter moves, and what
BatchNorm's running statistics were against those of the batch.

The step is the run's own: no second pass is made, and the values are read where they lie. So that looking costs little,
few steps are watched, and of large tensors only some rows are taken.
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import numpy as np

from wavemore.runs.looks import Look
from wavemore.runs.measures import WIDEST, Layer, Norm, Parameter
from wavemore.train.learner import MOMENTUM, Learner, Rows

__all__ = ["Watch", "watched_steps"]

_MOST = 10  # steps of a run that are watched
_BETWEEN = 40  # steps from one to the next, at most, in a run so short that fewer than _MOST are watched
_ROWS = 128  # of a level that are taken
_GRADIENTS = 1000  # of a tensor that are taken for its histogram
_BINS = 30
_RUNNING = ("running_mean", "running_var")


def watched_steps(steps: int) -> frozenset[int]:
    """Which steps of a run are watched, counted from 1: the first, the last, and others at even distances."""
    count = min(_MOST, 1 + -(-(steps - 1) // _BETWEEN))
    return frozenset(np.linspace(1, steps, count).round().astype(int).tolist())


class Watch:
    """One step of a network, from before the step until its numbers are told. The network stays as it is."""

    def __init__(self, learner: Learner, rows: int = _ROWS) -> None:
        """Just before the step; of each level at most `rows` rows are taken."""
        self._learner, self._most = learner, rows
        self._before = learner.arrays()
        self._levels: list[Rows] = []

    def forward(self, batch: Any, way: Any) -> None:
        """The batch went forward; `gradients` was not called yet."""
        self._levels = self._learner.inside(batch, way, self._most)

    def look(self, step: int, gradients: Mapping[str, Any]) -> Look | None:
        """What was seen, once the step of this number is done; None where numbers were not finite."""
        after = self._learner.arrays()
        found = {name: _array(gradients[name]) for name in self._learner.adjusted}
        seen = [array for rows in self._levels for array in (rows.normed, rows.activated)]
        arrays = [*seen, *found.values(), *after.values()]
        with np.errstate(over="ignore", invalid="ignore"):
            sound = isfinite(sum(float(np.vdot(array, array)) for array in arrays))
        if not sound:
            return None
        parameters = (
            Parameter.of(
                name, self._before[name], gradient, after[name] - self._before[name], bins=_BINS, most=_GRADIENTS
            )
            for name, gradient in found.items()
        )
        return Look(step, tuple(self._layers()), tuple(parameters), tuple(self._norms(after)))

    def _layers(self) -> Iterator[Layer]:
        for number, rows in enumerate(self._levels, start=1):
            yield Layer.of(number, *rows, WIDEST, bins=_BINS)

    def _norms(self, after: Mapping[str, np.ndarray]) -> Iterator[Norm]:
        """The batch's statistics are read off how far the running ones moved."""
        for name in after:
            norm, _, part = name.rpartition(".")
            if part != "running_mean":
                continue
            pairs = [(self._before[f"{norm}.{which}"], after[f"{norm}.{which}"]) for which in _RUNNING]
            mean, variance = (old + (new - old) / np.float32(MOMENTUM) for old, new in pairs)
            yield Norm.of(norm, (pairs[0][0], pairs[1][0]), (mean, np.maximum(variance, 0)))


def _array(gradient: Any) -> np.ndarray:
    """An array as it is, or a tensor from its device."""
    return gradient if isinstance(gradient, np.ndarray) else gradient.cpu().numpy()
