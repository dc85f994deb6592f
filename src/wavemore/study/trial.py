"""One run of the study: a WaveNet with changes that no recipe may make, its gradients and its nodes looked at.

The order of strings depends on the seed alone, so all trials of a seed see the same strings in the same order, whatever
weights they draw: their losses may be compared pair by pair.

Shapes in this file
    n  distinct chunks of a level     E  embedding channels     H  channels of a level
    V  vocabulary, boundary id 0 included
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, prod
from typing import Any, NamedTuple

import numpy as np

from wavemore.errors import TrainingError
from wavemore.predict.chunks import Chunks
from wavemore.settings.config import ModelConfig, Recipe
from wavemore.threads import Team, blas_on_one_thread
from wavemore.train.batches import SharedBatches, tree_of
from wavemore.train.level import Form, Level
from wavemore.train.network import Network, drawn
from wavemore.train.run import Run, total_steps

__all__ = ["Changes", "Gradients", "Outcome", "TrialRun", "flattening_loses"]

_POINTS = 24  # at which gradients are looked at, spread evenly over a run
_CONTEXTS_AT_ONCE = 16384  # of an evaluation, which bounds its memory


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
    """A recipe's run with a changed model, on one thread."""

    def __init__(
        self, recipe: Recipe, changes: Changes, vocabulary_size: int, training: Chunks, validation: Chunks
    ) -> None:
        seed = recipe.train.seed
        part, held_out = (SharedBatches(chunks, vocabulary_size, seed) for chunks in (training, validation))
        config = replace(recipe.train, evaluate_every=total_steps(recipe.train, len(part)))  # once, at the end
        self.network = _changed(recipe, changes, vocabulary_size)
        self._run = Run(config, self.network, part, held_out)

    def train(self) -> Outcome:
        """All steps, then both losses. Raises `TrainingError` where the loss is no longer finite."""
        looking = _Looking(self.network, self._run.steps)
        with blas_on_one_thread():
            for _ in self._run.train(looking):
                pass
            train = self._run.training.loss([self.network])
        if not isfinite(train):
            raise TrainingError(f"the loss is {train} after training; lower the learning rate")
        validation = self._run.progress.history[-1]["validation_loss"]
        return Outcome(train, validation, looking.seconds, self._run.parameter_count, looking.gradients)

    def nodes(self, chunks: Chunks) -> list[np.ndarray]:
        """What the model makes of each distinct chunk, in evaluation mode: the embedding, (n, E), and each level,
        (n, H), from the bottom up."""
        with blas_on_one_thread():
            return self.network.evaluated(tree_of(chunks))[0]


class _Changed(Network):
    """A network that need not be the one of its settings: it has no folded form."""

    def chunk_logits(self, chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
        """In evaluation mode the (n, V) logits of the distinct contexts, in slices."""
        *lower, top = (tree := tree_of(chunks)).branches
        for start in range(0, len(top.uses), _CONTEXTS_AT_ONCE):
            part = slice(start, start + _CONTEXTS_AT_ONCE)
            some = top._replace(children=top.children[:, part], uses=top.uses[part])
            yield part, self.evaluated(tree._replace(branches=(*lower, some)))[1]


class _Looking:
    """An `Observer` of one run: the time of its steps, and at some of them the gradients."""

    def __init__(self, network: Network, steps: int) -> None:
        matrices = {f"level {i}": name for i, name in enumerate(network.matrices, start=1)}
        self._layers = {"embedding": "embedding.weight", **matrices, "head": "head.linear.weight"}
        self._looked_at = {round(step) for step in np.linspace(1, steps, _POINTS)}
        self._start = 0.0
        self.seconds = 0.0
        self.gradients = Gradients([*self._layers], [], [])

    def before(self, run: Run) -> None:
        self._start = time.process_time()

    def forward(self, run: Run, batch: Any, way: Any) -> None:
        pass

    def after(self, run: Run, loss: float, gradients: Mapping[str, Any]) -> None:
        self.seconds += time.process_time() - self._start
        if run.progress.step in self._looked_at:
            weights = run.learner.weights
            norms = [_length(gradients[name]) / _length(weights[name]) for name in self._layers.values()]
            self.gradients.steps.append(run.progress.step)
            self.gradients.norms.append(norms)

    def note(self, run: Run, evaluation: dict[str, Any] | None) -> None:
        pass


def _length(weight: np.ndarray) -> float:
    """The root of the sum of all squares."""
    return float(np.sqrt(np.vdot(weight, weight)))


def _changed(recipe: Recipe, changes: Changes, vocabulary_size: int) -> Network:
    """The recipe's network with the changes, its weights drawn with the recipe's seed."""
    config = replace(recipe.wavenet, hidden=changes.widths[-1])
    levels = _levels(config, changes)
    whole = [*config.weight_shapes(vocabulary_size)]
    shapes = [
        *(each for each in whole if each[0].startswith("embedding.")),
        *(each for i, level in enumerate(levels) for each in _shapes_at(i, level)),
        *(each for each in whole if each[0].startswith("head.")),
    ]
    straight = [not changes.activation_between and i + 1 < len(levels) for i in range(len(levels))]
    forms = [
        Form(level.norm, "none" if bare else level.activation, config.residual and level.embedding == level.hidden)
        for level, bare in zip(levels, straight, strict=True)
    ]
    generator = np.random.default_rng(recipe.train.seed)
    return _Changed(config, drawn(shapes, generator), generator, Team(1), forms)


def _levels(config: ModelConfig, changes: Changes) -> list[ModelConfig]:
    """The settings of each level, as if it stood alone on an embedding."""
    found, channels = [], config.embedding
    for i, ((n, _), width) in enumerate(zip(config.levels, changes.widths, strict=True)):
        level = replace(config, groups=(n,), cycles=1, embedding=channels, hidden=width, residual=False)
        if not changes.norm_between and i + 1 < len(changes.widths):
            level = replace(level, norm="none", bias=True)
        found.append(level)
        channels = width
    return found


def _shapes_at(number: int, alone: ModelConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The names and shapes of the weights of a level that stands at this place, from 0 at the bottom."""
    for name, shape in alone.weight_shapes(1):
        if name.startswith("levels.0."):
            yield name.replace("levels.0.", f"levels.{number}.", 1), shape


def flattening_loses(groups: tuple[int, ...], rows: int = 64, channels: int = 10) -> int:
    """How many of a batch's random numbers are not bit for bit what they were after flattening in these steps and
    splitting the result into positions and channels again, or differ from flattening at once."""
    positions = prod(groups)
    x = np.random.default_rng(0).standard_normal((rows, positions, channels), dtype=np.float32)  # (B, T, E)
    y = _flattened(x, groups)  # (B, T E)
    back = y.reshape(x.shape)
    return int((back != x).sum()) + int((y != _flattened(x, (positions,))).sum())


def _flattened(x: np.ndarray, groups: Sequence[int]) -> np.ndarray:
    """(B, T, E) -> (B, T E) by levels that flatten and do nothing else: each one's weight is the identity."""
    rows, positions, channels = x.shape
    ids = np.arange(rows * positions).reshape(rows, positions)  # each position of the batch is a character of its own
    tree = tree_of(Chunks.of_windows(ids, np.zeros(rows, np.int32), np.arange(rows), ids.size, groups))
    nodes = x.reshape(-1, channels)[tree.characters]  # (B T, E), then (B T/n, E n) and (B, T E) at last
    for i, (n, branch) in enumerate(zip(groups, tree.branches, strict=True)):
        identity = np.eye(n * nodes.shape[1], dtype=np.float32)
        level = Level(Form("none", "none", residual=False), {f"levels.{i}.linear.weight": identity}, i, Team(1))
        nodes = level.up(nodes, branch, training=False).nodes
    return nodes
