"""The hierarchical character model: a context of ids, flattened a few neighbours at a time, predicts the next id.

    groups = (2, 2, 2), context 8                                              shape
                         logits                        head                    (B, V)
                           |
                           o                           level 3                 (B, H)
               ____________|____________
              o                         o              level 2                 (B, 2, H)
         _____|_____               _____|_____
        o           o             o           o        level 1                 (B, 4, H)
      __|__       __|__         __|__       __|__
     e  m  m  a  ...                                   embedding               (B, 8, E)

Shapes in this file
    B  rows (contexts)     T  context length, the product of the groups     V  vocabulary, boundary id 0 included
    E  embedding channels  H  hidden channels                               n  the group of one level

A node depends on its own leaves alone, so this tree is WaveNet's stack of causal convolutions with kernel n and
dilations 1, n, n*n ... (van den Oord et al. 2016), looked at from its last output. The same weights run in two forms:

    windowed    every row is one window of T ids: the form as taught, and the oracle for every other form
    shared      each distinct node of many windows is computed once, and nodes above gather what they need

In a batch of names most windows share most nodes: of 256 names 1,838 windows have 284, 1,089 and 1,151 distinct nodes
at the three levels in place of 7,352, 3,676 and 1,838. The results are the same, in training mode too.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavemore.config import ModelConfig
from wavemore.errors import ShapeError
from wavemore.nn.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh
from wavemore.nn.shared import Branch, Tree, fused_level

__all__ = ["Head", "Level", "WaveNet", "evaluation_mode", "sample_as_taught", "shared_cross_entropy"]


class Level(Sequential):
    """One step up the tree: flatten n neighbours, Linear, BatchNorm, Tanh. (B, T, C) -> (B, T/n, H)."""

    linear: Linear
    norm: BatchNorm1d
    activation: Tanh

    def __init__(self, n: int, channels: int, hidden: int, *, bias: bool, generator: torch.Generator | None) -> None:
        super().__init__(
            flatten=FlattenConsecutive(n),
            linear=Linear(channels * n, hidden, bias=bias, generator=generator),
            norm=BatchNorm1d(hidden),
            activation=Tanh(),
        )

    def shared(self, x: Tensor, branch: Branch) -> Tensor:
        """(m, C) distinct chunks of the level below -> (n, H) of this one.

        Flattening n children and one product with the weight is the sum of n products, each child with its own rows of
        the weight: so each distinct child is multiplied once and then gathered, however often it is used.
        """
        y: Tensor | None = None
        weights = self.linear.weight.split(x.shape[1])  # n pieces of (C, H)
        for weight, row, reach in zip(weights, branch.children, branch.reach, strict=True):
            part = F.embedding(row, x[:reach] @ weight)  # (n, H)
            y = part if y is None else y + part
        assert y is not None  # there is at least one child
        if self.linear.bias is not None:
            y = y + self.linear.bias
        return self.activation(self.norm(y, branch.uses))

    def fused(self, x: Tensor, branch: Branch) -> Tensor:
        """`shared` in training mode with its gradient written out: the same in little more than half the time."""
        return fused_level(x, self.linear.weight, self.linear.bias, self.norm, branch)


class Head(nn.Module):
    """The last layers: a plain Linear, or the notes' variant, a Linear without bias and a BatchNorm. (B, H) -> (B, V).

    What scales the logits starts at a tenth, so that the first predictions are nearly even: the Linear's weight, or
    the BatchNorm's gamma where there is one (it would undo a scaled weight).
    """

    def __init__(self, hidden: int, vocabulary_size: int, *, norm: bool, generator: torch.Generator | None) -> None:
        super().__init__()
        self.linear = Linear(hidden, vocabulary_size, bias=not norm, generator=generator)
        self.norm = BatchNorm1d(vocabulary_size) if norm else None
        with torch.no_grad():
            scale = self.linear.weight if self.norm is None else self.norm.gamma
            scale *= 0.1

    def forward(self, x: Tensor, uses: Tensor | None = None) -> Tensor:
        y = self.linear(x)
        return y if self.norm is None else self.norm(y, uses)


class WaveNet(nn.Module):
    """The model of `config` over `vocabulary_size` ids. `WaveNet(...)(ids)`: (B, T) ids -> (B, V) logits.

    Parameters are drawn in the order of the layers from `generator` (the default generator where it is None), as in
    the lecture, so a seed gives the lecture's initial weights. Raises `ShapeError` for ids that are not (B, T).
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(vocabulary_size, config.embedding, generator=generator)
        channels = [config.embedding] + [config.hidden] * len(config.groups)
        levels = [
            Level(n, fan_in, config.hidden, bias=config.bias, generator=generator)
            for n, fan_in in zip(config.groups, channels, strict=False)
        ]
        self.levels = nn.ModuleList(levels)
        self.head = Head(config.hidden, vocabulary_size, norm=config.final_norm, generator=generator)

    @classmethod
    def of(cls, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> Self:
        """The model with the weights of a model file, in evaluation mode."""
        model = cls(config, len(weights["embedding.weight"]))
        model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
        return model.eval()

    def forward(self, ids: Tensor) -> Tensor:
        if ids.ndim != 2 or ids.shape[1] != self.config.context:
            raise ShapeError(
                f"the model takes ids of shape (rows, {self.config.context}), but got {tuple(ids.shape)}; "
                f"pad each context with id 0 on the left to {self.config.context} ids"
            )
        x = self.embedding(ids)  # (B, T, E)
        for level in self.levels:
            x = level(x)  # (B, T/n, H), then (B, T/n/n, H), ... and (B, H) at last
        return self.head(x)  # (B, V)

    def shared(self, tree: Tree) -> Tensor:
        """The logits of the distinct contexts of a tree: (n, V), n chunks of its top level."""
        x = self.embedding(tree.characters)  # (n, E)
        for level, branch in zip(self.levels, tree.branches, strict=True):
            form = cast(Level, level).fused if self.training else cast(Level, level).shared
            x = form(x, branch)  # (n, H), n as this level has distinct chunks
        return self.head(x, tree.branches[-1].uses)  # (n, V)

    def level_weights(self) -> list[nn.Parameter]:
        """The weight of each level's Linear, from the bottom up."""
        return [cast(Level, level).linear.weight for level in self.levels]

    @property
    def parameter_count(self) -> int:
        """How many numbers training adjusts (running statistics are not among them)."""
        return sum(p.numel() for p in self.parameters())


def shared_cross_entropy(logits: Tensor, counts: Tensor) -> Tensor:
    """The mean loss of all predictions from the logits of their distinct contexts, nats: a scalar.

    `counts`, (n, V), says how often each id follows each context. Equal to `cross_entropy` over the predictions one by
    one.
    """
    return -(counts * torch.log_softmax(logits, dim=1)).sum() / counts.sum()


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Within this context the model is in evaluation mode without gradients; its mode before returns after."""
    before = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(before)


def sample_as_taught(model: WaveNet, generator: torch.Generator, *, max_length: int = 1000) -> list[int]:
    """One string's ids, one character at a time with `torch.multinomial`, as in the lecture. Boundary id not included.

    The slow, plain sampler: the oracle for `wavemore.sample`. Switches the model to evaluation mode itself. Ends at
    the boundary, or after `max_length` ids.
    """
    ids: list[int] = []
    context = [0] * model.config.context
    with evaluation_mode(model):
        while len(ids) < max_length:
            logits = model(torch.tensor([context]))  # (1, V)
            probabilities = torch.softmax(logits, dim=1)  # (1, V)
            following = int(torch.multinomial(probabilities, num_samples=1, generator=generator).item())
            if following == 0:
                break
            ids.append(following)
            context = [*context[1:], following]
    return ids
