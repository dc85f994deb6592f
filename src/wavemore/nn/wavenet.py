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
    B  rows (contexts)     T  context length        V  vocabulary, boundary id 0 included
    E  embedding channels  H  hidden channels                               n  the group of one level

A node depends on its own leaves alone, so this tree is WaveNet's stack of causal convolutions with kernel n and
dilations 1, n, n*n ... (van den Oord et al. 2016), looked at from its last output. The same weights run in two forms:

    windowed    every row is one window of T ids: the form as taught, and the oracle for every other form
    shared      each distinct node of many windows is computed once, and nodes above gather what they need

In a batch of names most windows share most nodes: of 256 names 1,838 windows have 284, 1,089 and 1,151 distinct nodes
at the three levels in place of 7,352, 3,676 and 1,838. The results are the same, in training mode too.

With `cycles` the dilations begin again at 1 and the paths of the tree meet: the windowed form then repeats an id at
every leaf that a path ends at, the shared form computes it once as ever.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from wavemore.errors import ShapeError
from wavemore.nn.layers import (
    GELU,
    BatchNorm1d,
    Dropout,
    Embedding,
    FlattenConsecutive,
    Gate,
    LayerNorm,
    Linear,
    RMSNorm,
    Sequential,
    Tanh,
)
from wavemore.nn.shared import Branch, Tree, shared_activation, shared_linear, shared_norm
from wavemore.settings.config import ModelConfig

__all__ = ["Head", "Level", "Passed", "WaveNet", "evaluation_mode", "sample_as_taught", "shared_cross_entropy"]

_MOST_LEAVES = 1 << 16


class Passed(NamedTuple):
    """What goes through a level, for the nodes of windows, (B, T/n, ...), or for distinct chunks, (n, ...)."""

    normed: Tensor
    """(..., W): after Linear and norm, what the activation is given. W is H, or 2 H before a gate."""
    activated: Tensor
    """(..., H): what the activation gives, before dropout and residual."""
    nodes: Tensor
    """(..., H): what the level hands on."""
    uses: Tensor | None
    """(n,): how many nodes of all windows each chunk stands for; None for the windows themselves."""


class Level(Sequential):
    """One step up the tree: flatten n neighbours, Linear, norm, activation, dropout, and the newest neighbour added
    where there is a residual. (B, T, C) -> (B, T/n, H)."""

    flatten: FlattenConsecutive
    linear: Linear
    norm: BatchNorm1d | LayerNorm | RMSNorm | None
    activation: nn.Module
    dropout: Dropout | None

    def __init__(self, config: ModelConfig, n: int, channels: int, generator: torch.Generator | None) -> None:
        width = config.hidden * (2 if config.activation == "gated" else 1)
        norms = {"batch": BatchNorm1d, "layer": LayerNorm, "rms": RMSNorm}
        activations = {"tanh": Tanh, "gelu": GELU, "gated": Gate}
        super().__init__(
            flatten=FlattenConsecutive(n),
            linear=Linear(channels * n, width, bias=config.bias, generator=generator),
            norm=norms[config.norm](width) if config.norm != "none" else None,
            activation=activations[config.activation](),
            dropout=Dropout(config.dropout, generator=generator) if config.dropout else None,
        )
        self.n = n
        self.residual = config.residual and channels == config.hidden

    def forward(self, x: Tensor) -> Tensor:
        return self.passed(x).nodes

    def newest(self, x: Tensor) -> Tensor:
        """The newest of each n neighbours: (B, T, C) -> (B, T/n, C), the middle axis dropped when it is 1."""
        return x[:, self.n - 1 :: self.n].squeeze(1) if x.ndim == 3 else x

    def passed(self, x: Tensor, branch: Branch | None = None) -> Passed:
        """What the level makes of the nodes of windows, (B, T, C) -> (B, T/n, H), as taught; or, with the `branch` that
        says which are whose children, of distinct chunks, (m, C) of the level below -> (n, H) of this one.

        Where there is dropout, a chunk draws its mask once for all the windows of the batch that use it; in the
        windowed form each window draws its own.
        """
        y = self.linear(self.flatten(x)) if branch is None else shared_linear(x, self.linear, branch)  # (..., W)
        if self.norm is not None:
            y = self.norm(y) if branch is None else shared_norm(y, self.norm, branch.uses)
        normed = y
        activated = self.activation(y) if branch is None else shared_activation(y, self.activation)  # (..., H)
        y = activated if self.dropout is None else self.dropout(activated)
        if self.residual:
            y = y + (self.newest(x) if branch is None else x.index_select(0, branch.children[-1]))
        return Passed(normed, activated, y, None if branch is None else branch.uses)


class Head(nn.Module):
    """The last layers: a plain Linear, or the notes' variant, a Linear without bias and a BatchNorm. (B, C) -> (B, V),
    C the channels of the top level, or of all levels where they skip to the head.

    What scales the logits starts at a tenth, so that the first predictions are nearly even: the Linear's weight, or
    the BatchNorm's gamma where there is one (it would undo a scaled weight).
    """

    def __init__(self, channels: int, vocabulary_size: int, *, norm: bool, generator: torch.Generator | None) -> None:
        super().__init__()
        self.linear = Linear(channels, vocabulary_size, bias=not norm, generator=generator)
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
        channels = [config.embedding] + [config.hidden] * len(config.levels)
        self.levels = nn.ModuleList(
            Level(config, n, fan_in, generator) for (n, _), fan_in in zip(config.levels, channels, strict=False)
        )
        read = len(config.levels) if config.skip else 1  # levels that the head reads
        self.head = Head(config.hidden * read, vocabulary_size, norm=config.final_norm, generator=generator)

    @classmethod
    def of(cls, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> Self:
        """The model with the weights of a model file, in evaluation mode."""
        model = cls(config, len(weights["embedding.weight"]))
        model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
        return model.eval()

    def forward(self, ids: Tensor, seen: list[Passed] | None = None) -> Tensor:
        if ids.ndim != 2 or ids.shape[1] != self.config.context:
            raise ShapeError(
                f"the model takes ids of shape (rows, {self.config.context}), but got {tuple(ids.shape)}; "
                f"pad each context with id 0 on the left to {self.config.context} ids"
            )
        # What the head may read, the newest node of each level: (B, H) each.
        newest = [nodes if nodes.ndim == 2 else nodes[:, -1] for _, _, nodes, _ in self.passed(ids, seen)]
        return self.head(self.read(newest))  # (B, V)

    def shared(self, tree: Tree, seen: list[Passed] | None = None) -> Tensor:
        """The logits of the distinct contexts of a tree: (n, V), n chunks of its top level."""
        newest = [nodes for _, _, nodes, _ in self.passed(tree, seen)]  # (n, H) of each level, n as it has chunks
        if self.config.skip:  # the newest node of each level under each context
            row = torch.arange(len(newest[-1]))
            for i in range(len(newest) - 2, -1, -1):
                row = tree.branches[i + 1].children[-1][row]  # (n,) n contexts
                newest[i] = newest[i].index_select(0, row)  # (n, H)
        return self.head(self.read(newest), tree.branches[-1].uses)  # (n, V)

    def passed(self, given: Tensor | Tree, seen: list[Passed] | None = None) -> Iterator[Passed]:
        """What goes through each level from the bottom up, of windows, (B, T) ids, or of a tree. It is added to `seen`,
        for those who look on."""
        if isinstance(given, Tree):
            x, branches = self.embedding(given.characters), given.branches  # (n, E)
        else:
            x, branches = self.embedding(self.leaves(given)), [None] * len(self.levels)  # (B, T, E)
        for level, branch in zip(self.levels, branches, strict=True):
            passed = cast(Level, level).passed(x, branch)
            x = passed.nodes  # (B, T/n, H), then (B, T/n/n, H), ... and (B, H) at last; or (n, H)
            if seen is not None:
                seen.append(passed)
            yield passed
            del passed  # all but the nodes may go

    def leaves(self, ids: Tensor) -> Tensor:
        """The ids at the leaves of the tree: (B, T) itself, or with several cycles (B, leaves), as paths from the top
        then meet at the same ids."""
        if self.config.cycles == 1:
            return ids
        if self.config.leaves > _MOST_LEAVES:
            raise ShapeError(
                f"the tree of one window has {self.config.leaves} leaves, more than the {_MOST_LEAVES} that the "
                "windowed form takes; use the shared form or fewer cycles"
            )
        places = torch.tensor([self.config.context - 1])
        for n, dilation in reversed(self.config.levels):
            back = dilation * torch.arange(n - 1, -1, -1)  # how far back each child lies, the oldest first
            places = (places[:, None] - back).flatten()
        return ids[:, places]

    def read(self, newest: list[Tensor]) -> Tensor:
        """What the head reads of the newest node of each level, (B, H) each from the bottom up: the top, or all."""
        return torch.cat(newest, dim=1) if self.config.skip else newest[-1]

    def matrices(self) -> list[nn.Parameter]:
        """The weight of each level's Linear, (fan_in, fan_out) each, from the bottom up."""
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

    The slow, plain sampler: the oracle for `wavemore.sampling.sample`. Switches the model to evaluation mode
    itself. Ends at the boundary, or after `max_length` ids.
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
