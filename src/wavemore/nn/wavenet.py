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
dilations 1, n, n*n ... (van den Oord et al. 2016), looked at from its last output. This file has the *windowed* form:
every row is one window of T ids. It is the form as taught, and the oracle for every other form.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from wavemore.config import ModelConfig
from wavemore.errors import ShapeError
from wavemore.nn.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh

__all__ = ["WaveNet", "evaluation_mode", "sample_as_taught"]


class WaveNet(nn.Module):
    """The model of `config` over `vocabulary_size` ids. `WaveNet(...)(ids)`: (B, T) ids -> (B, V) logits.

    Parameters are drawn in the order of the layers from `generator` (the default generator where it is None), as in
    the lecture, so a seed gives the lecture's initial weights. Raises `ShapeError` for ids that are not (B, T).
    """

    def __init__(self, config: ModelConfig, vocabulary_size: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(vocabulary_size, config.embedding, generator=generator)
        self.levels = nn.ModuleList()
        channels = config.embedding
        for n in config.groups:
            self.levels.append(
                Sequential(
                    flatten=FlattenConsecutive(n),
                    linear=Linear(channels * n, config.hidden, bias=config.bias, generator=generator),
                    norm=BatchNorm1d(config.hidden),
                    activation=Tanh(),
                )
            )
            channels = config.hidden
        self.head = _head(config, vocabulary_size, generator)

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

    @property
    def parameter_count(self) -> int:
        """How many numbers training adjusts (running statistics are not among them)."""
        return sum(p.numel() for p in self.parameters())


def _head(config: ModelConfig, vocabulary_size: int, generator: torch.Generator | None) -> Sequential:
    """The last layers: a plain Linear, or the notes' variant, a Linear without bias and a BatchNorm.

    What scales the logits starts at a tenth, so that the first predictions are nearly even: the Linear's weight, or
    the BatchNorm's gamma where there is one (it would undo a scaled weight).
    """
    linear = Linear(config.hidden, vocabulary_size, bias=not config.final_norm, generator=generator)
    norm = BatchNorm1d(vocabulary_size) if config.final_norm else None
    with torch.no_grad():
        scale = linear.weight if norm is None else norm.gamma
        scale *= 0.1
    return Sequential(linear=linear, norm=norm)


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
