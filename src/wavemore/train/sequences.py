"""Batches of whole strings for the baselines that read a string from its beginning."""

from collections.abc import Sequence
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import evaluation_mode
from wavemore.nn.packing import Packed, Strings
from wavemore.nn.sequence import SequenceModel
from wavemore.nn.wavenet import Passed
from wavemore.train.batches import Passes

__all__ = ["SequenceBatches"]

_NUMBERS_AT_ONCE = 1 << 24  # of the widest tensor of an evaluation


class SequenceBatches(Passes):
    """Batches of whole strings, packed; see `Passes`."""

    network = SequenceModel

    def __init__(self, strings: Strings) -> None:
        super().__init__(len(strings.lengths))
        self._list = strings

    @classmethod
    def of(cls, strings: Sequence[str], vocabulary: Vocabulary) -> Self:
        """Raises `UnknownCharacterError` for a character that the vocabulary lacks."""
        return cls(Strings.of(strings, vocabulary))

    def draw(
        self, model: SequenceModel, batch: int, generator: torch.Generator, seen: list[Passed] | None = None
    ) -> Tensor:
        packed = self._list.packed(self._drawn(batch, generator))
        return F.cross_entropy(model.packed(packed.ids, packed.packing), packed.answers)

    def loss(self, model: SequenceModel) -> float:
        total = 0.0
        widest = max(4 * model.config.hidden, *model.embedding.weight.shape)
        with evaluation_mode(model):
            for portion in self._list.portions(_NUMBERS_AT_ONCE // widest):
                total += _total_loss(model, self._list.packed(portion))
        return total / int(self._list.lengths.sum())


def _total_loss(model: SequenceModel, packed: Packed) -> float:
    """The sum over the predictions, nats."""
    logits = model.packed(packed.ids, packed.packing)  # (N, V)
    return F.cross_entropy(logits, packed.answers, reduction="sum").item()
