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
dilations 1, n, n*n ... (van den Oord et al. 2016), looked at from its last output. Every row is one window of T ids,
as in the lecture: this form is the oracle for the others, `train/network.py` and `predict/engine.py`, which compute
each distinct node of many windows once.

With `cycles` the dilations begin again at 1 and the paths of the tree meet: an id is then repeated at every leaf that
a path ends at.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from wavemore.errors import ConfigError, ShapeError
from wavemore.nn.layers import (
    GELU,
    BatchNorm1d,
    Dropout,
    Embedding,
    FlattenConsecutive,
    Gate,
    LayerNorm,
    Linear,
    QuickGELU,
    RMSNorm,
    Sequential,
    Tanh,
)
from wavemore.settings.config import ModelConfig

__all__ = ["Head", "Level", "Passed", "WaveNet", "evaluation_mode", "sample_as_taught"]

_MOST_LEAVES = 1 << 16


class Passed(NamedTuple):
    """What goes through a level."""

    normed: Tensor
    """(B, T/n, W): after Linear and norm, what the activation is given. W is H, or 2 H before a gate."""
    activated: Tensor
    """(B, T/n, H): what the activation gives, before dropout and residual."""
    nodes: Tensor
    """(B, T/n, H): what the level hands on. In all three the middle axis goes when it becomes 1."""


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
        activations = {"tanh": Tanh, "gelu": GELU, "quick_gelu": QuickGELU, "gated": Gate}
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

    def passed(self, x: Tensor) -> Passed:
        """All of it: (B, T, C) -> (B, T/n, H)."""
        y = self.linear(self.flatten(x))  # (B, T/n, W)
        normed = y if self.norm is None else self.norm(y)
        activated = self.activation(normed)  # (B, T/n, H)
        y = activated if self.dropout is None else self.dropout(activated)
        if self.residual:
            y = y + self.newest(x)
        return Passed(normed, activated, y)


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

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)  # (B, V)
        return y if self.norm is None else self.norm(y)


class WaveNet(nn.Module):
    """The model of `config` over `vocabulary_size` ids. `WaveNet(...)(ids)`: (B, T) ids -> (B, V) logits.

    Parameters are drawn in the order of the layers from `generator` (the default generator where it is None), as in
    the lecture, so a seed gives the lecture's initial weights. Raises `ShapeError` for ids that are not (B, T).
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        if config.labels:
            raise ConfigError(
                f"model.labels = {config.labels}, and the form in PyTorch knows no labels; choose a label"
            )
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
        return self.of_leaves(self.leaves(ids), seen)

    def of_leaves(self, leaves: Tensor, seen: list[Passed] | None = None) -> Tensor:
        """The logits of windows whose leaves are written out: (B, leaves) -> (B, V). What goes through each level is
        added to `seen`, for those who look on."""
        x = self.embedding(leaves)  # (B, T, E)
        newest = []  # of each level the newest node, which the head may read: (B, H) each
        for level in self.levels:
            passed = cast(Level, level).passed(x)
            if seen is not None:
                seen.append(passed)
            x = passed.nodes  # (B, T/n, H), then (B, T/n/n, H), ... and (B, H) at last
            newest.append(x if x.ndim == 2 else x[:, -1])
        return self.head(self.read(newest))  # (B, V)

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
