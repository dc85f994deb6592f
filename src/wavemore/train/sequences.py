"""Batches of whole strings for the baselines that read a string from its beginning."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import evaluation_mode
from wavemore.nn.packing import Packed, Strings
from wavemore.nn.sequence import SequenceModel
from wavemore.nn.wavenet import Passed
from wavemore.settings.config import SequenceConfig
from wavemore.train.batches import Passes

__all__ = ["SequenceBatches"]

_NUMBERS_AT_ONCE = 1 << 24  # of the widest tensor of an evaluation
_KEPT = {"bow": 9, "rnn": 6, "gru": 20, "lstm": 18, "transformer": 30}
"""How many numbers a training step holds for each position, layer and channel; from the peaks that were measured."""


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

    def check_memory(self, config: SequenceConfig, batch: int, free: float | None = None) -> None:
        """Raise `TrainingError` where a step would take more bytes than are free, `free` or what the system says."""
        lengths = self._list.lengths
        free = _free() if free is None else free
        batch = min(batch, len(lengths))
        needed = 4.0 * _KEPT[config.kind] * config.layers * config.hidden * batch * float(lengths.mean())
        if free is not None and needed > free:
            raise TrainingError(
                f"a step over {batch} strings of {float(lengths.mean()) - 1:,.0f} characters on average (the "
                f"longest has {int(lengths.max()) - 1:,}) takes about {needed / 1e9:.1f} GB with a {config.kind}, and "
                f"{free / 1e9:.1f} GB are free; lower train.batch, or leave out long strings with data.max_length"
            )

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


def _free() -> float | None:
    """Bytes of memory that are free; None where the system does not tell as Linux does."""
    try:
        told = Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]
    except (OSError, IndexError):
        return None
    return 1024.0 * int(told)
