"""A training step seen from inside while it is taken: each level's activations, how far each parameter moves, and what
BatchNorm's running statistics were against those of the batch.

The step is the run's own: no second pass is made, and the values are read where they lie. So that looking costs little,
few steps are watched, and of large tensors only some rows are taken.

Shapes in this file
    n  rows of a level: distinct chunks, or nodes of windows     W  channels before the activation     H  channels
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import nn

from wavemore.nn import WaveNet
from wavemore.nn.inside import batch_norms
from wavemore.nn.wavenet import Passed
from wavemore.runs.looks import Look
from wavemore.runs.measures import WIDEST, Layer, Norm, Parameter

__all__ = ["Rows", "Watch", "watched_steps"]

_MOST = 10  # steps of a run that are watched
_BETWEEN = 40  # steps from one to the next, at most, in a run so short that fewer than _MOST are watched
_ROWS = 128  # of a level that are taken
_GRADIENTS = 1000  # of a tensor that are taken for its histogram
_BINS = 30


def watched_steps(steps: int) -> frozenset[int]:
    """Which steps of a run are watched, counted from 1: the first, the last, and others at even distances."""
    count = min(_MOST, 1 + -(-(steps - 1) // _BETWEEN))
    return frozenset(np.linspace(1, steps, count).round().astype(int).tolist())


class Rows(NamedTuple):
    """The rows of one level that are taken."""

    normed: np.ndarray
    """(n, W): what the activation was given."""
    activated: np.ndarray
    """(n, H): what it gave."""
    uses: np.ndarray
    """(n,): how many nodes of all windows each row stands for."""

    @classmethod
    def of(cls, passed: Passed, most: int) -> "Rows":
        """All rows where they are no more than `most`; else those of `most` nodes of the windows at even distances, so
        that a chunk is taken as often as it is used."""
        normed, activated = (x.detach().flatten(0, -2).numpy() for x in passed[:2])
        uses = np.ones(len(normed), np.float32) if passed.uses is None else passed.uses.numpy()
        if len(uses) <= most:
            return cls(normed, activated, uses)
        ends = np.cumsum(uses, dtype=np.float64)
        rows = np.searchsorted(ends, (np.arange(most) + 0.5) * (ends[-1] / most))  # (most,)
        return cls(normed[rows], activated[rows], np.ones(most, np.float32))


class Watch:
    """One step of a network, from before the step until its numbers are told. The network stays as it is."""

    def __init__(self, model: nn.Module, rows: int = _ROWS) -> None:
        """Just before the step; of each level at most `rows` rows are taken."""
        self.seen: list[Passed] = []
        """Where the step is to put what goes through its levels."""
        self._model, self._most = model, rows
        self._weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        self._running = {
            name: (n.running_mean.clone(), n.running_var.clone()) for name, n in batch_norms(model).items()
        }

    def look(self, step: int) -> Look | None:
        """What was seen, once the step of this number is done; None where numbers were not finite."""
        levels = [Rows.of(passed, self._most) for passed in self.seen]
        if not self._sound(levels):
            return None
        return Look(step, tuple(self._layers(levels)), tuple(self._parameters()), tuple(self._norms()))

    @torch.no_grad()
    def _sound(self, levels: Sequence[Rows]) -> bool:
        """Whether all numbers are finite, and their squares too."""
        tensors = [torch.from_numpy(array) for rows in levels for array in rows[:2]]
        for parameter in self._model.parameters():
            tensors += [parameter] if parameter.grad is None else [parameter, parameter.grad]
        return isfinite(torch.linalg.vector_norm(torch.cat([x.flatten() for x in (*tensors, *self._model.buffers())])))

    def _layers(self, levels: Sequence[Rows]) -> Iterator[Layer]:
        for number, rows in enumerate(levels, start=1):
            activation = cast(WaveNet, self._model).config.activation
            yield Layer.of(number, activation, *rows, WIDEST, bins=_BINS)

    def _parameters(self) -> Iterator[Parameter]:
        for name, parameter in self._model.named_parameters():
            if parameter.grad is None:
                continue
            before = self._weights[name]
            update = (parameter.detach() - before).numpy()
            yield Parameter.of(name, before.numpy(), parameter.grad.numpy(), update, bins=_BINS, most=_GRADIENTS)

    def _norms(self) -> Iterator[Norm]:
        """The batch's statistics are read off how far the running ones moved."""
        for name, norm in batch_norms(self._model).items():
            before = self._running[name]
            after = (norm.running_mean, norm.running_var)
            batch = [old + (new - old) / norm.momentum for old, new in zip(before, after, strict=True)]
            running = (before[0].numpy(), before[1].numpy())
            yield Norm.of(name, running, (batch[0].numpy(), batch[1].clamp(min=0).numpy()))
