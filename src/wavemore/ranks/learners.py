"""Networks that learn a batch together: each rank goes forward and backward with its share of the windows, the sum of
all gradients comes to rank 0, which takes the step, and all have its weights.

That is exact where ranks have different numbers of windows, and weights are the same bits on all ranks whatever their
processors: two things that `DistributedDataParallel`, which averages and lets each rank take its own step, does not
give. What it gains, gradients that travel while others are computed, is nothing with networks as small as these.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wavemore.ranks.layers import Rows, over_ranks
from wavemore.ranks.world import World
from wavemore.train.batches import Batch, Batches
from wavemore.train.in_torch import TreeLearner, WindowLearner
from wavemore.train.learner import Learner
from wavemore.train.optimisers import Arrays, Optimizer

__all__ = ["BatchesOverRanks", "StepOfFirst", "TreesOverRanks", "WindowsOverRanks", "learner_over_ranks"]


class WindowsOverRanks(WindowLearner):
    """The WaveNet as taught, of whose batches each rank learns its share."""

    rows: Rows

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[float, Any]:
        contexts, answers = batch
        self.rows.whole = len(answers)
        own = self.rows.own
        return _over_ranks(self.rows, *super().loss((contexts[own], answers[own])))

    def gradients(self, batch: Any, way: Any) -> Iterator[tuple[str, Any]]:
        yield from _on_first(self.rows.world, super().gradients(batch, way))


class TreesOverRanks(TreeLearner):
    """The WaveNet on batches of whole strings, of whose windows each rank learns its share."""

    rows: Rows

    def loss(self, batch: Batch) -> tuple[float, Any]:
        self.rows.whole = int(batch.tree.branches[-1].uses.sum(dtype=np.float64))
        return _over_ranks(self.rows, *super().loss(batch))

    def gradients(self, batch: Any, way: Any) -> Iterator[tuple[str, Any]]:
        yield from _on_first(self.rows.world, super().gradients(batch, way))

    def _rows(self, uses: Tensor) -> Tensor:
        return super()._rows(uses)[self.rows.own]


class StepOfFirst:
    """An optimiser that works on rank 0 and hands its weights, running statistics among them, to all."""

    def __init__(self, optimizer: Optimizer, learner: WindowsOverRanks | TreesOverRanks) -> None:
        self._optimizer, self._learner = optimizer, learner
        self._world = learner.rows.world
        self.share_weights()

    def step(self, gradients: Iterable[tuple[str, Any]], rate: float) -> Arrays:
        found = self._optimizer.step(gradients, rate) if self._world.is_first else dict(gradients)
        self.share_weights()
        return found

    def state(self) -> Arrays:
        return self._optimizer.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self._optimizer.restore(state)
        self.share_weights()

    def share_weights(self) -> None:
        """Rank 0's weights, on all ranks."""
        tensors = list(self._learner.model.state_dict().values())
        flat = self._world.from_first(torch.cat([tensor.flatten() for tensor in tensors]))
        with torch.no_grad():
            for tensor, sent in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
                tensor.copy_(sent.view_as(tensor))


class BatchesOverRanks:
    """Batches that every rank draws whole, and an evaluation for which each reads its share of the strings."""

    def __init__(self, whole: Batches, own: Batches | None, predictions: int, world: World) -> None:
        """`own` are this rank's strings, None where it has none; `predictions` is how many they have."""
        self._whole, self._own, self._predictions, self._world = whole, own, predictions, world

    def __len__(self) -> int:
        return len(self._whole)

    def draw(self, batch: int) -> Any:
        return self._whole.draw(batch)

    def loss(self, learners: Sequence[Learner]) -> float:
        own = 0.0 if self._own is None else self._own.loss(learners) * self._predictions
        total, predictions = self._world.sums(own, self._predictions)
        return total / predictions

    def state(self) -> dict[str, np.ndarray]:
        return self._whole.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self._whole.restore(state)


def learner_over_ranks(learner: Learner, world: World) -> WindowsOverRanks | TreesOverRanks:
    """The same network, which learns with all ranks."""
    assert isinstance(learner, WindowLearner | TreeLearner)
    rows = Rows(world)
    over_ranks(learner.model, rows)
    kind = WindowsOverRanks if isinstance(learner, WindowLearner) else TreesOverRanks
    found = kind(learner.model, learner.generator, learner.model.embedding.weight.device)
    found.rows = rows
    return found


def _over_ranks(rows: Rows, loss: float, way: tuple[Tensor, Any]) -> tuple[float, tuple[Tensor, Any]]:
    """The loss of the whole batch, and the way to this rank's part of it, from those of the mean over its share."""
    own = rows.own
    share = (own.stop - own.start) / rows.whole
    return rows.world.sums(loss * share)[0], (way[0] * share, way[1])


def _on_first(world: World, gradients: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """On rank 0 the sum over ranks of each gradient."""
    found = {name: torch.as_tensor(gradient) for name, gradient in gradients}
    flat = world.total_on_first(torch.cat([gradient.flatten() for gradient in found.values()]))
    for (name, gradient), total in zip(found.items(), flat.split([g.numel() for g in found.values()]), strict=True):
        summed = total.view_as(gradient)
        yield name, summed.numpy() if summed.device.type == "cpu" else summed
