"""The layers whose training knows the whole batch, while each rank has its share of the rows: BatchNorm, and dropout.

Shapes in this file
    R  ranks    B  rows of this rank    T  positions    C  channels
"""

from typing import Any

import torch
from torch import Tensor, nn

from wavemore.nn.layers import BatchNorm1d, Dropout
from wavemore.ranks.world import World

__all__ = ["BatchNormOverRanks", "DropoutOverRanks", "Rows", "over_ranks"]


class Rows:
    """How many rows the batch has that is learned now."""

    def __init__(self, world: World) -> None:
        self.world, self.whole = world, 0

    @property
    def own(self) -> slice:
        """This rank's rows of them."""
        return self.world.share(self.whole)


class BatchNormOverRanks(BatchNorm1d):
    """BatchNorm with mean and variance of the rows of all ranks."""

    def __init__(self, layer: BatchNorm1d, world: World) -> None:
        """With the weights of `layer`, not a copy of them."""
        super().__init__(len(layer.gamma), eps=layer.eps, momentum=layer.momentum)
        self.gamma, self.beta = layer.gamma, layer.beta
        self.running_mean, self.running_var = layer.running_mean, layer.running_var
        self._world = world

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Each rank's are joined as Chan, Golub and LeVeque (1979) do, which loses no digits: one exchange."""
        axes = tuple(range(x.ndim - 1))
        rows = x.numel() // x.shape[-1]
        mean = x.mean(axes)  # (C,)
        squares = ((x - mean) ** 2).sum(axes)  # (C,)
        own = torch.cat([mean.new_tensor([rows]), mean, squares])  # (1 + 2 C,)
        counts, means, squares = _gathered(own, self._world).split([1, len(mean), len(mean)], dim=1)  # (R, 1), (R, C)
        count = counts.sum()
        mean = (counts * means).sum(0) / count  # (C,)
        squares = squares + counts * (means - mean) ** 2  # (R, C)
        return mean, squares.sum(0) / (count - 1)  # unbiased, as in the lecture


class DropoutOverRanks(Dropout):
    """Dropout that draws for the rows of all ranks and takes its own, so that ranks leave out different numbers, and
    all generators stand at the same place."""

    def __init__(self, layer: Dropout, rows: Rows) -> None:
        super().__init__(layer.probability, generator=layer.generator)
        self._rows = rows

    def _drawn(self, x: Tensor) -> Tensor:
        shape = (self._rows.whole, *x.shape[1:])
        return torch.rand(shape, generator=self.generator, dtype=x.dtype, device=x.device)[self._rows.own]


def over_ranks(model: nn.Module, rows: Rows) -> None:
    """Put these layers in place of the model's, with its weights."""
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, BatchNorm1d):
                setattr(parent, name, BatchNormOverRanks(layer, rows.world))
            elif isinstance(layer, Dropout):
                setattr(parent, name, DropoutOverRanks(layer, rows))


class _Total(torch.autograd.Function):
    """The sum over ranks. What each rank makes of it counts, so that gradients are summed over ranks too."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, world: World) -> Tensor:
        ctx.world = world
        return world.total(own.clone())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.world.total(gradients[0].clone(memory_format=torch.contiguous_format)), None


def _gathered(own: Tensor, world: World) -> Tensor:
    """Each rank's row: (n,) -> (R, n)."""
    rows = [own if rank == world.rank else torch.zeros_like(own) for rank in range(world.size)]
    return _Total.apply(torch.stack(rows), world)
