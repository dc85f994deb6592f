"""Several WaveNets that vote, in PyTorch: the oracle for `wavemore.predict.ensemble`."""

from collections.abc import Iterable, Mapping
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from wavemore.nn.wavenet import WaveNet
from wavemore.settings.config import ModelConfig

__all__ = ["Ensemble"]


class Ensemble(nn.Module):
    """The mean of the members' logits. (B, T) ids -> (B, V)."""

    def __init__(self, members: Iterable[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @classmethod
    def of(cls, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> Self:
        """The ensemble with the weights of a model file, in evaluation mode."""
        members = []
        for i in range(config.members):
            prefix = f"members.{i}."
            own = {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}
            members.append(WaveNet.of(config, own))
        return cls(members).eval()

    def forward(self, ids: Tensor) -> Tensor:
        return torch.stack([member(ids) for member in self.members]).mean(0)
