"""One run of the study: a WaveNet with changes that no recipe may make, its gradients and its nodes looked at.

A trial draws its batches from a generator of their own, so that all trials of a seed see the same strings in the same
order, whatever weights they draw: their losses may be compared pair by pair.

Shapes in this file
    n  distinct chunks of a level     E  embedding channels     H  channels of a level
"""

import time
from dataclasses import dataclass, replace
from math import isfinite, prod
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import nn

from wavemore.errors import TrainingError
from wavemore.nn import FlattenConsecutive, WaveNet
from wavemore.nn.inside import nodes_of
from wavemore.nn.wavenet import Head, Level
from wavemore.predict.chunks import Chunks
from wavemore.settings.config import Recipe
from wavemore.train.batches import SharedBatches, tree_of
from wavemore.train.run import Run, torch_threads, total_steps

__all__ = ["Changes", "Gradients", "Outcome", "TrialRun", "flattening_loses"]

_POINTS = 24  # at which gradients are looked at, spread evenly over a run


@dataclass(frozen=True)
class Changes:
    """How a trial's model differs from the one of its recipe."""

    widths: tuple[int, ...]
    """Channels of each level, from the bottom up."""
    norm_between: bool = True
    """Whether the levels below the top have their norm; without it their Linears have a bias in its place."""
    activation_between: bool = True
    """Whether the levels below the top have their activation."""


class Gradients(NamedTuple):
    """The norm of each layer's gradient over the norm of its weight, through a run."""

    layers: list[str]
    """"embedding", "level 1" and so on, "head"."""
    steps: list[int]
    norms: list[list[float]]
    """A row for each of `steps`, a column for each of `layers`."""


class Outcome(NamedTuple):
    """What a trial came to."""

    train: float
    """Losses of the last weights, nats per character."""
    validation: float
    seconds: float
    """Processor time of the steps alone, which other work on the machine lengthens little."""
    parameters: int
    gradients: Gradients


class TrialRun:
    """A recipe's run with a changed model, in the shared form, on one thread."""

    def __init__(
        self, recipe: Recipe, changes: Changes, vocabulary_size: int, training: Chunks, validation: Chunks
    ) -> None:
        part, held_out = (SharedBatches(chunks, vocabulary_size) for chunks in (training, validation))
        config = replace(recipe.train, evaluate_every=total_steps(recipe.train, len(part)))  # once, at the end
        of_weights, of_batches = (torch.Generator().manual_seed(config.seed) for _ in range(2))
        self.model = _changed(recipe, changes, vocabulary_size, of_weights)
        self._run = Run(config, self.model, of_batches, part, held_out)

    def train(self) -> Outcome:
        """All steps, then both losses. Raises `TrainingError` where the loss is no longer finite."""
        looking = _Looking(self.model, self._run.steps)
        with torch_threads(1):
            for _ in self._run.train(looking):
                pass
            train = self._run.training.loss(self.model)
        if not isfinite(train):
            raise TrainingError(f"the loss is {train} after training; lower the learning rate")
        validation = self._run.progress.history[-1]["validation_loss"]
        return Outcome(train, validation, looking.seconds, self.model.parameter_count, looking.gradients)

    def nodes(self, chunks: Chunks) -> list[np.ndarray]:
        """What the model makes of each distinct chunk, in evaluation mode: the embedding, (n, E), and each level,
        (n, H), from the bottom up."""
        with torch_threads(1):
            return [nodes.numpy() for nodes in nodes_of(self.model, tree_of(chunks))]


class _Looking:
    """An `Observer` of one run: the time of its steps, and at some of them the gradients."""

    def __init__(self, model: WaveNet, steps: int) -> None:
        matrices = [(f"level {i}", matrix) for i, matrix in enumerate(model.matrices(), start=1)]
        self._layers = [("embedding", model.embedding.weight), *matrices, ("head", model.head.linear.weight)]
        self._looked_at = {round(step) for step in np.linspace(1, steps, _POINTS)}
        self._start = 0.0
        self.seconds = 0.0
        self.gradients = Gradients([name for name, _ in self._layers], [], [])

    def before(self, run: Run) -> None:
        self._start = time.process_time()

    def after(self, run: Run, loss: float) -> None:
        self.seconds += time.process_time() - self._start
        if run.progress.step in self._looked_at:
            self.gradients.steps.append(run.progress.step)
            self.gradients.norms.append([_relative_norm(weight) for _, weight in self._layers])

    def note(self, run: Run, evaluation: dict[str, Any] | None) -> None:
        pass


def _relative_norm(weight: nn.Parameter) -> float:
    """The gradient that the last step left on a weight, relative to the weight."""
    assert weight.grad is not None
    return float(weight.grad.norm() / weight.detach().norm())


def _changed(recipe: Recipe, changes: Changes, vocabulary_size: int, generator: torch.Generator) -> WaveNet:
    """The recipe's model with the changes."""
    config = replace(recipe.wavenet, hidden=changes.widths[-1])
    model = WaveNet(config, vocabulary_size, generator=generator)
    if any(width != config.hidden for width in changes.widths):
        channels = [config.embedding, *changes.widths]
        model.levels = nn.ModuleList(
            Level(replace(config, hidden=width), n, fan_in, generator)
            for (n, _), width, fan_in in zip(config.levels, changes.widths, channels, strict=False)
        )
        model.head = Head(changes.widths[-1], vocabulary_size, norm=config.final_norm, generator=generator)
    for level, width in zip(list(model.levels)[:-1], changes.widths, strict=False):
        level = cast(Level, level)
        if not changes.norm_between:
            level.norm = None
            level.linear.bias = nn.Parameter(torch.zeros(width))
        if not changes.activation_between:
            level.activation = nn.Identity()
    return model


def flattening_loses(groups: tuple[int, ...], rows: int = 64, channels: int = 10) -> int:
    """How many of a batch's random numbers are not bit for bit what they were after flattening in these steps and
    splitting the result into positions and channels again, or differ from flattening at once."""
    positions = prod(groups)
    x = torch.randn((rows, positions, channels), generator=torch.Generator().manual_seed(0))  # (B, T, E)
    y = x
    for n in groups:
        y = FlattenConsecutive(n)(y)  # (B, T/n, C n), and (B, T E) at last
    back = y.reshape(rows, positions, channels)
    return int((back != x).sum()) + int((y != FlattenConsecutive(positions)(x)).sum())
