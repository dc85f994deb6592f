"""One run of the study: a WaveNet with changes that no recipe may make, its gradients and its nodes looked at.

A trial draws its batches from a generator of their own, so that all trials of a seed see the same strings in the same
order, whatever weights they draw: their losses may be compared pair by pair.

Shapes in this file
    n  distinct chunks of a level     E  embedding channels     H  channels of a level
"""

import time
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import nn

from wavemore.errors import TrainingError
from wavemore.nn import FlattenConsecutive, WaveNet, evaluation_mode
from wavemore.nn.wavenet import Head, Level
from wavemore.predict.chunks import Chunks
from wavemore.settings.config import Recipe
from wavemore.train.batches import SharedBatches, tree_of
from wavemore.train.optimisers import build_optimizer
from wavemore.train.run import Run, torch_threads

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
        parts = (SharedBatches(chunks, vocabulary_size) for chunks in (training, validation))
        self._run = Run(recipe, 0, vocabulary_size, *parts)
        generator = torch.Generator().manual_seed(recipe.train.seed)
        self.model = _changed(recipe, changes, vocabulary_size, generator)
        self._run.model = self.model
        self._run.optimizer = build_optimizer(recipe.train, self.model)
        self._run.generator.manual_seed(recipe.train.seed)  # the batches', which must not depend on the weights drawn

    def train(self) -> Outcome:
        """All steps, then both losses. Raises `TrainingError` where the loss is no longer finite."""
        with torch_threads(1):
            return self._train()

    def nodes(self, chunks: Chunks) -> list[np.ndarray]:
        """What the model makes of each distinct chunk, in evaluation mode: the embedding, (n, E), and each level,
        (n, H), from the bottom up."""
        with evaluation_mode(self.model), torch_threads(1):
            tree = tree_of(chunks)
            nodes = [self.model.embedding(tree.characters)]
            for level, branch in zip(self.model.levels, tree.branches, strict=True):
                nodes.append(cast(Level, level).shared(nodes[-1], branch))
        return [node.numpy() for node in nodes]

    def _train(self) -> Outcome:
        run = self._run
        watched = {round(step) for step in np.linspace(1, run.steps, _POINTS)}
        gradients = Gradients([name for name, _ in self._layers()], [], [])
        seconds = 0.0
        while not run.done:
            start = time.process_time()
            run.step()
            seconds += time.process_time() - start
            if run.progress.step in watched:
                gradients.steps.append(run.progress.step)
                gradients.norms.append([_relative_norm(weight) for _, weight in self._layers()])
        losses = run.training.loss(self.model), run.validation.loss(self.model)
        if not np.isfinite(losses).all():
            raise TrainingError(f"the loss is {losses[0]} after training; lower the learning rate")
        return Outcome(*losses, seconds, self.model.parameter_count, gradients)

    def _layers(self) -> list[tuple[str, nn.Parameter]]:
        matrices = [(f"level {i}", matrix) for i, matrix in enumerate(self.model.matrices(), start=1)]
        return [("embedding", self.model.embedding.weight), *matrices, ("head", self.model.head.linear.weight)]


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
