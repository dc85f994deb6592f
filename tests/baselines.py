"""Small baselines that read a string from its beginning, of every kind, trained a little."""

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn.sequence import SequenceModel
from wavemore.settings.config import SequenceConfig

Kind = Literal["bow", "rnn", "gru", "lstm", "transformer"]

KINDS: tuple[Kind, ...] = ("bow", "rnn", "gru", "lstm", "transformer")
CONFIGS = [
    SequenceConfig(kind=kind, embedding=embedding, hidden=6, layers=layers, heads=heads, dropout=0.3)
    for kind in KINDS
    for embedding, layers, heads in [(4, 1, 1), (6, 2, 2), (3, 3, 3)]  # heads of 6, 3 and 2 channels
]
ALPHABET = Vocabulary("abcde")
STRINGS = ["abcab", "abc", "", "e", "abcde" * 4, "abd", "abc"]


def built(config: SequenceConfig, seed: int = 3) -> SequenceModel:
    return SequenceModel(config, len(ALPHABET), generator=torch.Generator().manual_seed(seed))


def trained_a_little(config: SequenceConfig) -> SequenceModel:
    """A model in evaluation mode whose weights have all moved away from where they start, with logits far from even."""
    model = built(config)
    ids = ids_of(rows=30, seed=1)
    for _ in range(5):
        model.zero_grad()
        F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter.sub_(0.5 * parameter.grad)
    with torch.no_grad():
        model.head.linear.weight.mul_(10)
    return model.eval()


def ids_of(rows: int = 8, positions: int = 9, seed: int = 0) -> torch.Tensor:
    """(rows, positions) ids: the boundary, then characters."""
    ids = torch.randint(1, len(ALPHABET), (rows, positions), generator=torch.Generator().manual_seed(seed))
    ids[:, 0] = 0
    return ids


def weights_of(model: SequenceModel) -> dict[str, np.ndarray]:
    return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}


def logits_of(model: SequenceModel, string: str) -> np.ndarray:
    """The plain form, one string by itself: (len(string) + 1, V)."""
    ids = torch.from_numpy(np.append(0, ALPHABET.encode(string)).astype(np.int64))
    with torch.no_grad():
        return model(ids[None])[0].numpy()
