"""The baselines that read a string from its beginning: bag of words, RNN, GRU, LSTM, Transformer.

    logits                              head                (B, L, V)
      |    |    |    |    |
      o -> o -> o -> o -> o             layers              (B, L, H)     a position sees itself and the earlier ones
      |    |    |    |    |
      .    e    m    m    a             embedding           (B, L, E)

Shapes in this file
    B  strings of a batch     L  positions, the boundary before each string included     N  packed positions
    V  vocabulary             E  embedding channels     H  hidden channels               n  rows of one step

The same weights run in three forms that agree:

    forward     all positions of strings padded to one length: the plain form
    packed      the same without the padding (`packing.py`), for training and scoring
    step        one position of many strings, and what they remember passed in and returned, for sampling
"""

from collections.abc import Mapping
from typing import Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from wavemore.errors import ShapeError
from wavemore.nn.bow import Hidden, Mean
from wavemore.nn.layers import Embedding, LayerNorm
from wavemore.nn.packing import Packing, SequenceLayer
from wavemore.nn.recurrent import GRU, LSTM, RNN
from wavemore.nn.transformer import Block
from wavemore.nn.wavenet import Head
from wavemore.settings.config import SequenceConfig

__all__ = ["Memory", "SequenceModel"]

Memory = tuple[Tensor, ...]
"""What strings in the making remember of their beginnings: a tensor for each layer, a row for each string, so that rows
are picked by index."""


class SequenceModel(nn.Module):
    """The model of `config` over `vocabulary_size` ids. `SequenceModel(...)(ids)`: (B, L) ids, of which the first is
    the boundary, -> (B, L, V) logits of what follows each.

    Parameters are drawn from `generator` in the order in which `parameters()` lists them: the embedding, the layers
    from the bottom up, the head. Raises `ShapeError` for ids that are not (B, L).
    """

    def __init__(
        self, config: SequenceConfig, vocabulary_size: int, *, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.config = config
        channels = config.hidden if config.kind == "transformer" else config.embedding
        self.embedding = Embedding(vocabulary_size, channels, generator=generator)
        self.layers = nn.ModuleList(_layers(config, generator))
        self.norm = LayerNorm(config.hidden) if config.kind == "transformer" else None
        self.head = Head(config.hidden, vocabulary_size, norm=False, generator=generator)

    @classmethod
    def of(cls, config: SequenceConfig, weights: Mapping[str, np.ndarray]) -> Self:
        """The model with the weights of a model file, in evaluation mode."""
        model = cls(config, len(weights["embedding.weight"]))
        model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
        return model.eval()

    def forward(self, ids: Tensor) -> Tensor:
        if ids.ndim != 2 or ids.shape[1] == 0:
            raise ShapeError(
                f"the model takes ids of shape (rows, positions), but got {tuple(ids.shape)}; begin each row with the "
                "boundary, id 0"
            )
        rows, positions = ids.shape
        logits = self.packed(ids.T.reshape(-1), Packing.of([positions] * rows))  # (L * B, V)
        return logits.view(positions, rows, -1).transpose(0, 1)  # (B, L, V)

    def packed(self, ids: Tensor, packing: Packing) -> Tensor:
        """The same without padding: (N,) ids -> (N, V) logits."""
        x = self.embedding(ids)  # (N, E)
        for layer in self.layers:
            x = layer(x, packing)  # (N, H)
        return self._logits(x)

    def begin(self, rows: int) -> Memory:
        """What strings remember before their boundary."""
        return tuple(layer.begin(rows) for layer in self._sequence_layers)

    def step(self, ids: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """(n,) newest ids -> (n, V) logits of what follows, and the memory after them. The first ids are boundaries."""
        x = self.embedding(ids)  # (n, E)
        after = []
        for layer, before in zip(self._sequence_layers, memory, strict=True):
            x, remembered = layer.step(x, before)  # (n, H)
            after.append(remembered)
        return self._logits(x), tuple(after)

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices between embedding and head, (fan_in, fan_out) each, from the bottom up. Those of a
        recurrent layer's gates, and those of queries, keys and values, are one matrix, side by side."""
        return [matrix for layer in self._sequence_layers for matrix in layer.matrices()]

    @property
    def parameter_count(self) -> int:
        """How many numbers training adjusts."""
        return sum(p.numel() for p in self.parameters())

    @property
    def _sequence_layers(self) -> list[SequenceLayer]:
        return cast(list[SequenceLayer], list(self.layers))

    def _logits(self, x: Tensor) -> Tensor:
        """(N, H) -> (N, V)."""
        return self.head(x if self.norm is None else self.norm(x))


def _layers(config: SequenceConfig, generator: torch.Generator | None) -> list[SequenceLayer]:
    """The layers of a kind, from the bottom up."""
    hidden, dropout = config.hidden, config.dropout
    if config.kind == "transformer":
        return [Block(hidden, config.heads, config.layers, dropout, generator) for _ in range(config.layers)]
    if config.kind == "bow":
        channels = [2 * config.embedding] + [hidden] * (config.layers - 1)
        return [Mean(config.embedding), *(Hidden(fan_in, hidden, dropout, generator) for fan_in in channels)]
    channels = [config.embedding] + [hidden] * (config.layers - 1)
    layer = {"rnn": RNN, "gru": GRU, "lstm": LSTM}[config.kind]
    return [layer(fan_in, hidden, dropout, generator) for fan_in in channels]
