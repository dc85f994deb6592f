"""The WaveNet as it learns: the shared form in NumPy, forward through the distinct chunks of a batch, and back.

    characters -> embedding -> level 1 -> level 2 -> level 3 -> head -> loss
                                  |          |          |
                          each: gather, Linear, norm, activation, dropout, residual

`loss` goes up the tree and keeps what the way back needs; `gradients` goes down again. `level.py` has one level,
`gradients.py` what it is made of. `nn.WaveNet` is the oracle: the same loss, gradients and running statistics.

In a batch of names most windows share most nodes: of 256 names 1,838 windows have 284, 1,089 and 1,151 distinct nodes
at the three levels in place of 7,352, 3,676 and 1,838.

Shapes in this file
    n  distinct chunks of a level     V  vocabulary, boundary id 0 included     E  embedding channels
    H  channels of a level            R  channels that the head reads
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from wavemore.predict.chunks import Chunks
from wavemore.predict.engine import Engine
from wavemore.settings.config import ModelConfig
from wavemore.threads import Later, Team
from wavemore.train.batches import Batch, Tree
from wavemore.train.gradients import (
    Moments,
    Scatter,
    batch_norm,
    cross_entropy,
    d_batch_norm,
    d_input,
    d_weight,
    scaled,
)
from wavemore.train.learner import Rows, generator_of, state_of
from wavemore.train.level import Form, Level, Norm, Passed

__all__ = ["Network", "Way", "drawn", "first_weights"]

_FIRST_LOGITS = 0.1  # what scales the logits begins at a tenth, so that the first predictions are nearly even


_LABELS = "head.labels.weight"


class Way(NamedTuple):
    """The way up: what the way back needs of all of it."""

    below: list[np.ndarray]
    """What each level was given, (n, E) and then (n, H), n of the level below."""
    levels: list[Passed]
    newest: list[np.ndarray]
    """Of each level which chunk is the newest under each context, (n,), where the head reads all levels."""
    read: np.ndarray
    """(n, R): what the head reads."""
    head: tuple[np.ndarray, np.ndarray, Moments] | None
    """Normal, (n, V), scale, (V,), and moments of the head's BatchNorm."""
    d_logits: np.ndarray
    """(n, V): the derivative of the loss."""


def first_weights(config: ModelConfig, vocabulary_size: int, generator: np.random.Generator) -> dict[str, np.ndarray]:
    """The weights that a network begins with, float32: those of Linears are standard normals over sqrt(fan_in)."""
    return drawn(config.weight_shapes(vocabulary_size), generator)


def drawn(shapes: Iterable[tuple[str, tuple[int, ...]]], generator: np.random.Generator) -> dict[str, np.ndarray]:
    """The same for weights of these names and shapes."""
    weights = {}
    for name, shape in shapes:
        part = name.rpartition(".")[2]
        if name.endswith("labels.weight"):  # all labels begin alike
            weights[name] = np.zeros(shape, dtype=np.float32)
        elif part == "weight":
            fan_in = 1 if name == "embedding.weight" else shape[0]
            weights[name] = generator.standard_normal(shape, dtype=np.float32) / np.float32(fan_in**0.5)
        else:
            weights[name] = np.full(shape, part in ("gamma", "running_var"), dtype=np.float32)
    weights["head.norm.gamma" if "head.norm.gamma" in weights else "head.linear.weight"] *= np.float32(_FIRST_LOGITS)
    return weights


class Network:
    """A network that learns, a `Learner`.

    weights      by the names of `ModelConfig.weight_shapes`; running statistics among them, which `loss` moves
    generator    draws which channels dropout leaves out; a chunk draws once for all windows of a batch that use it
    forms        what each level is made of, from the bottom up, where that is not what the settings say
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: dict[str, np.ndarray],
        generator: np.random.Generator,
        team: Team,
        forms: Sequence[Form] | None = None,
    ) -> None:
        self.config, self.weights, self._generator = config, weights, generator
        self.adjusted = [name for name in weights if "running" not in name]
        self.matrices = [f"levels.{i}.linear.weight" for i in range(len(config.levels))]
        self.activation, self.team = config.activation, team
        self.levels = [Level(form, weights, i, team, config.labels) for i, form in enumerate(forms or _forms(config))]
        self._embedding, self._weight = weights["embedding.weight"], weights["head.linear.weight"]  # (V, E), (R, V)
        self._labels = weights.get(_LABELS)  # (K, V)
        self._bias, self._norm = weights.get("head.linear.bias"), Norm(weights, "head.norm")

    def loss(self, batch: Batch) -> tuple[float, Way]:
        """Forward: the mean loss in training mode, nats per character, and the way to it. Running statistics move."""
        below, levels = self.passed(batch.tree, training=True)
        newest, read = self._read(batch.tree, levels)
        logits, head = read @ self._weight, None  # (n, V)
        if self._norm.batch:
            moments = Moments.of(logits, batch.tree.branches[-1].uses)
            self._norm.move(moments)
            normal, scale = batch_norm(logits, moments)
            logits, head = scaled(normal, self._norm.gamma, self._norm.beta), (normal, scale, moments)
        else:
            logits += self._bias
        logits = self._shifted(batch.tree, logits)
        loss, d_logits = cross_entropy(logits, batch.counts)
        return loss, Way(below, levels, newest, read, head, d_logits)

    def gradients(self, batch: Batch, way: Way) -> Iterator[tuple[str, np.ndarray | Later[np.ndarray]]]:
        """Backward: the gradient of each weight that is adjusted, with its name, as it is found, from the top down. A
        weight may be adjusted as soon as its gradient is here. What the way kept is overwritten."""
        branches = batch.tree.branches
        d_read, found = self._d_head(way, branches[-1].uses)  # (n, R)
        yield from found.items()
        if self._labels is not None and (labels := branches[-1].labels) is not None:
            yield _LABELS, labels.d_rows(way.d_logits, self.config.labels)
        # The head reads the top level, or the newest chunks of all levels side by side.
        d_skipped = np.split(d_read, len(way.newest), axis=1) if way.newest else [d_read]
        d_x = d_skipped[-1]
        for i in range(len(branches) - 1, -1, -1):
            d_x, gradients = self.levels[i].down(d_x, way.below[i], way.levels[i], branches[i])
            yield from gradients.items()
            if i and way.newest:
                d_x += Scatter(way.newest[i - 1], len(d_x))(d_skipped[i - 1])
        d_embedding = np.zeros_like(self._embedding)
        d_embedding[batch.tree.characters] = d_x
        yield "embedding.weight", d_embedding

    def passed(self, tree: Tree, *, training: bool) -> tuple[list[np.ndarray], list[Passed]]:
        """What each level is given, and what goes through it, from the bottom up."""
        x = self._embedding[tree.characters]  # (n, E)
        below, levels = [], []
        for level, branch in zip(self.levels, tree.branches, strict=True):
            mask = self._mask(branch.children.shape[1], level.channels) if training and self.config.dropout else None
            below.append(x)
            levels.append(level.up(x, branch, training=training, mask=mask))
            x = levels[-1].nodes  # (n, H)
        return below, levels

    def evaluated(self, tree: Tree) -> tuple[list[np.ndarray], np.ndarray]:
        """In evaluation mode the nodes of all levels, the embedding first, (n, E) and (n, H), and the logits of the
        distinct contexts, (n, V)."""
        below, levels = self.passed(tree, training=False)
        logits = self._read(tree, levels)[1] @ self._weight
        if self._norm.batch:
            logits = scaled(self._norm.as_evaluated(logits), self._norm.gamma, self._norm.beta)
        else:
            logits += self._bias
        logits = self._shifted(tree, logits)
        return [*below, levels[-1].nodes], logits

    def inside(self, batch: Batch, way: Way, most: int) -> list[Rows]:
        """At most so many rows of each level, before `gradients`."""
        triples = zip(self.levels, way.levels, batch.tree.branches, strict=True)
        return [
            Rows.of(
                level.form.activation, branch.uses, most, lambda rows, one=level, passed=passed: one.seen(passed, rows)
            )
            for level, passed, branch in triples
        ]

    def chunk_logits(self, chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
        """In evaluation mode the (n, V) logits of the distinct contexts, by the folded form."""
        return Engine(self.config, self.weights).chunk_logits(chunks)

    def arrays(self) -> dict[str, np.ndarray]:
        """A copy of the weights."""
        return {name: array.copy() for name, array in self.weights.items()}

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Put such a copy in place of the weights. Raises `ValueError` or `KeyError` where it does not fit."""
        for name, weight in self.weights.items():
            if (arrays[name].shape, arrays[name].dtype) != (weight.shape, weight.dtype):
                raise ValueError(f"{name} is {arrays[name].dtype} of shape {arrays[name].shape}")
        for name, weight in self.weights.items():
            np.copyto(weight, arrays[name])

    def state(self) -> dict[str, np.ndarray]:
        """Where the generator stands."""
        return {"generator": state_of(self._generator)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` gave."""
        self._generator = generator_of(state["generator"])

    def _shifted(self, tree: Tree, logits: np.ndarray) -> np.ndarray:
        """The logits, (n, V), with what labels add."""
        if self._labels is not None and (labels := tree.branches[-1].labels) is not None:
            logits += labels.shifts(self._labels, self.config.labels)
        return logits

    def _read(self, tree: Tree, levels: Sequence[Passed]) -> tuple[list[np.ndarray], np.ndarray]:
        """What the head reads, (n, R): the top level's nodes, or those of all levels side by side; and of each level
        which chunk is the newest under each context, (n,), from the bottom up, where all are read."""
        if not self.config.skip:
            return [], levels[-1].nodes
        newest = [np.arange(len(levels[-1].nodes))]
        for branch in tree.branches[:0:-1]:
            newest.insert(0, branch.children[-1][newest[0]])
        parts = [passed.nodes.take(row, axis=0) for passed, row in zip(levels, newest, strict=True)]
        return newest, np.concatenate(parts, axis=1)

    def _d_head(self, way: Way, uses: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """d_read, (n, R), and the gradients of the head's weights by their names."""
        d_logits = way.d_logits
        d_bias = d_logits.sum(axis=0)  # (V,)
        if way.head is None:
            found = {"head.linear.bias": d_bias}
        else:
            normal, scale, moments = way.head
            assert self._norm.gamma is not None
            d_gamma = np.einsum("nv,nv->v", d_logits, normal)
            d_batch_norm(d_logits, normal, self._norm.gamma * scale, d_gamma, d_bias, uses, moments.rows)
            found = {"head.norm.gamma": d_gamma, "head.norm.beta": d_bias}
        found["head.linear.weight"] = d_weight(way.read, d_logits)
        return d_input(d_logits, self._weight), found

    def _mask(self, n: int, channels: int) -> np.ndarray:
        """(n, channels): 0 with dropout's probability, and else what keeps the mean."""
        kept = self._generator.random((n, channels), dtype=np.float32) >= self.config.dropout
        return kept.astype(self._embedding.dtype) * self._embedding.dtype.type(1 / (1 - self.config.dropout))


def _forms(config: ModelConfig) -> list[Form]:
    channels = [config.embedding] + [config.hidden] * (len(config.levels) - 1)
    return [Form(config.norm, config.activation, config.residual and fan_in == config.hidden) for fan_in in channels]
