"""A training step seen from inside while it is taken: each level's activations, how far each parameter moves, and what
BatchNorm's running statistics were against those of the batch.

The step is the run's own: no second pass is made, and the values are read where they lie. So that looking costs little,
few steps are watched, and of large tensors some rows serve.

Shapes in this file
    n  rows of a level: distinct chunks, or nodes of windows     W  channels before the activation     H  channels
"""

from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import nn

from wavemore.nn import BatchNorm1d, WaveNet
from wavemore.nn.inside import Seen, Watched
from wavemore.runs.measures import WIDEST, Histogram, Layer, Norm, Parameter

__all__ = ["Watch", "watched_steps"]

_MOST = 10  # steps of a run that are watched
_BETWEEN = 40  # steps from one to the next, at most, where fewer than so many do
_ROWS = 128  # of a level that serve
_GRADIENTS = 1000  # of a tensor that serve for its histogram
_BINS = 30


def watched_steps(steps: int) -> frozenset[int]:
    """Which steps of a run are watched, counted from 1: the first, the last, and others at even distances."""
    count = min(_MOST, 1 + -(-(steps - 1) // _BETWEEN))
    return frozenset(np.linspace(1, steps, count).round().astype(int).tolist())


class _Rows(NamedTuple):
    """What of one level serves."""

    normed: np.ndarray
    """(n, W): what the activation was given."""
    activated: np.ndarray
    """(n, H): what it gave."""
    uses: np.ndarray
    """(n,): how many nodes of all windows each row stands for."""


class Watch:
    """One step of a network, from before the step until its numbers are told. The network stays as it is."""

    def __init__(self, model: nn.Module) -> None:
        """Just before the step."""
        self._model = model
        self._weights = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
        self._running = {name: (norm.running_mean.clone(), norm.running_var.clone()) for name, norm in _norms(model)}
        self._watched = Watched(model) if isinstance(model, WaveNet) else None

    @property
    def model(self) -> Any:
        """What the batch of the step is to be given to in place of the network."""
        return self._model if self._watched is None else self._watched

    def record(self) -> dict[str, Any] | None:
        """What was seen, ready for JSON, once the step is done; None where numbers were not finite. docs/history.md
        says what each key means."""
        seen = [] if self._watched is None else [_some(level) for level in self._watched.seen]
        if not self._sound(seen):
            return None
        return {
            "levels": [_level(i, self._model, level) for i, level in enumerate(seen, start=1)],
            "parameters": [_parameter(parameter) for parameter in self._parameters()],
            "norms": [_norm(norm) for norm in self._norms()],
        }

    @torch.no_grad()
    def _sound(self, seen: Sequence[_Rows]) -> bool:
        """Whether all numbers are finite, and their squares too."""
        tensors = [torch.from_numpy(array) for rows in seen for array in rows[:2]]
        for parameter in self._model.parameters():
            tensors += [parameter] if parameter.grad is None else [parameter, parameter.grad]
        return isfinite(torch.linalg.vector_norm(torch.cat([x.flatten() for x in (*tensors, *self._model.buffers())])))

    def _parameters(self) -> Iterator[Parameter]:
        for name, parameter in self._model.named_parameters():
            if parameter.grad is None:
                continue
            before = self._weights[name]
            update = (parameter.detach() - before).numpy()
            yield Parameter.of(name, before.numpy(), parameter.grad.numpy(), update, bins=_BINS, most=_GRADIENTS)

    def _norms(self) -> Iterator[Norm]:
        """The batch's statistics are read off how far the running ones moved."""
        for name, norm in _norms(self._model):
            before = self._running[name]
            after = (norm.running_mean, norm.running_var)
            batch = [old + (new - old) / norm.momentum for old, new in zip(before, after, strict=True)]
            running = (before[0].numpy(), before[1].numpy())
            yield Norm.of(name, running, (batch[0].numpy(), batch[1].clamp(min=0).numpy()))


def _norms(model: nn.Module) -> list[tuple[str, BatchNorm1d]]:
    return [(name, layer) for name, layer in model.named_modules() if isinstance(layer, BatchNorm1d)]


def _some(seen: Seen) -> "_Rows":
    """The rows that serve: all where they are few, else those of so many nodes of the windows at even distances, so
    that a chunk serves as often as it is used."""
    normed, activated, uses = (tensor.numpy() for tensor in seen)
    if len(uses) > _ROWS:
        ends = np.cumsum(uses, dtype=np.float64)
        rows = np.searchsorted(ends, (np.arange(_ROWS) + 0.5) * (ends[-1] / _ROWS))  # (_ROWS,)
        normed, activated, uses = normed[rows], activated[rows], np.ones(_ROWS, np.float32)
    return _Rows(normed, activated, uses)


def _level(number: int, model: nn.Module, rows: _Rows) -> dict[str, Any]:
    layer = Layer.of(number, cast(WaveNet, model).config.activation, *rows, WIDEST, bins=_BINS)
    return {
        "level": number,
        "activation": layer.activation,
        "units": len(layer.spread),
        "mean": layer.mean,
        "deviation": layer.deviation,
        "saturated": dict(layer.flat),
        "dead": list(layer.dead),
        "given": _histogram(layer.normed),
        "gives": _histogram(layer.activated),
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "group": parameter.group,
        "shape": list(parameter.shape),
        "weight": parameter.weight,
        "gradient": parameter.gradient,
        "update": parameter.update,
        "zero_gradients": parameter.zeros,
        "log10_gradients": _histogram(parameter.magnitudes),
    }


def _norm(norm: Norm) -> dict[str, Any]:
    return {"name": norm.name, "shift": norm.shift_size, "scale": norm.scale_size}


def _histogram(histogram: Histogram) -> dict[str, Any]:
    low, high = histogram.edges[[0, -1]].tolist()
    return {"from": low, "to": high, "shares": histogram.shares.round(4).tolist()}
