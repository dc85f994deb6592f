"""The baselines that read a string from its beginning, as a `Predictor` for sampling, scoring and evaluating.

Strings in the making that have begun alike share one row: a distinct beginning is a distinct beginning one character
earlier and one more character.

Shapes in this file
    S  strings     alive  those that go on     n  distinct beginnings     V  vocabulary, boundary id 0 included
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wavemore.lists.vocabulary import BOUNDARY, Vocabulary
from wavemore.nn.packing import Strings
from wavemore.nn.sequence import Memory, SequenceModel
from wavemore.predict.chunks import distinct
from wavemore.predict.predictor import Position, Predictions
from wavemore.settings.config import SequenceConfig

__all__ = ["SequencePredictor", "SequenceState"]

_NUMBERS_AT_ONCE = 1 << 24  # of the widest tensor of a portion
_CHARACTERS = 64  # of a long string


@dataclass(frozen=True)
class SequenceState(Position):
    """Where many strings stand: each distinct beginning is a context."""

    _memory: Memory
    """n rows."""


class SequencePredictor:
    """A `SequenceModel` in evaluation mode as a `Predictor`. Holds weights and nothing that changes."""

    def __init__(self, config: SequenceConfig, weights: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self.vocabulary_size = len(weights["embedding.weight"])
        self._model = SequenceModel.of(config, weights)

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes, logits and memory of two steps; a Transformer's memory grows with
        the string, and here it is that of one of 64 characters."""
        per_layer = {"bow": 0, "rnn": 1, "gru": 1, "lstm": 2, "transformer": 2 * _CHARACTERS}[self.config.kind]
        memory = per_layer * self.config.layers * self.config.hidden + self.config.embedding + 1
        return 2 * 4 * memory + 40 * self.vocabulary_size

    @property
    def work(self) -> int:
        return sum(tensor.numel() for tensor in self._model.parameters())

    def start(self, strings: int) -> SequenceState:
        with torch.inference_mode():
            memory = self._model.begin(1)
            return self._stepped(
                np.arange(strings), np.zeros(strings, dtype=np.int64), torch.tensor([BOUNDARY]), memory
            )

    def step(self, state: SequenceState, going_on: np.ndarray, characters: np.ndarray) -> SequenceState:
        before = state.context_of[going_on]  # (alive,)
        where, beginning = distinct(
            before * self.vocabulary_size + characters, len(state.logits) * self.vocabulary_size
        )
        with torch.inference_mode():
            rows = torch.from_numpy(before[where])  # (n,)
            memory = tuple(part.index_select(0, rows) for part in state._memory)
            ids = torch.from_numpy(characters[where].astype(np.int64))  # (n,)
            return self._stepped(state.strings[going_on], beginning, ids, memory)

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        laid_out = Strings.of(strings, vocabulary)
        for portion in laid_out.portions(_NUMBERS_AT_ONCE // self._widest):
            packed = laid_out.packed(portion)
            with torch.inference_mode():
                logits = self._model.packed(packed.ids, packed.packing).numpy()  # (k, V)
            yield Predictions(packed.numbers, np.arange(len(logits)), logits, packed.answers.numpy())

    @property
    def _widest(self) -> int:
        """Numbers that a position takes in the widest tensor."""
        return max(4 * self.config.hidden, self.config.embedding, self.vocabulary_size)

    def _stepped(self, strings: np.ndarray, beginning: np.ndarray, ids: Tensor, memory: Memory) -> SequenceState:
        logits, memory = self._model.step(ids, memory)
        return SequenceState(strings, beginning, logits.numpy(), memory)
