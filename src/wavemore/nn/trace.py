"""Every layer's output shape, seen by sending a batch through the layers one by one."""

from collections.abc import Iterable
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from wavemore.errors import UsageError
from wavemore.nn.wavenet import Level, WaveNet, evaluation_mode
from wavemore.settings.config import ModelConfig

__all__ = ["Step", "flattening", "trace"]


_MOST = 10**6


class Step(NamedTuple):
    """One layer on the way."""

    layer: str
    """Its class, and for a FlattenConsecutive its n."""
    shape: tuple[int, ...]
    """Of its output."""
    parameters: int


def trace(config: ModelConfig, vocabulary_size: int, batch: int) -> list[Step]:
    """The steps of a batch of boundary ids through an untrained model. Raises `UsageError` for sizes below 1."""
    for name, value, least in (("batch", batch, 1), ("vocabulary", vocabulary_size, 2)):
        if not least <= value <= _MOST:
            raise UsageError(f"the {name} is {value}; it must be from {least} to {_MOST}")
    model = WaveNet(config, vocabulary_size)
    x = torch.zeros((batch, config.context), dtype=torch.long)  # (B, T)
    steps = []
    with evaluation_mode(model):
        x = _walk([model.embedding], model.leaves(x), steps)
        newest = []
        for level in model.levels:
            before, x = x, _walk(level.children(), x, steps)
            if level.residual:
                x = x + cast(Level, level).newest(before)
                steps.append(Step("+ newest child", tuple(x.shape), 0))
            newest.append(x if x.ndim == 2 else x[:, -1])
        if config.skip:
            steps.append(Step("newest of all levels", tuple(model.read(newest).shape), 0))
        _walk(model.head.children(), model.read(newest), steps)
    return steps


def _walk(layers: Iterable[nn.Module], x: Tensor, steps: list[Step]) -> Tensor:
    """x through some layers, each with its step."""
    for layer in layers:
        x = layer(x)
        n = getattr(layer, "n", None)
        name = type(layer).__name__ + (f"({n})" if n is not None else "")
        steps.append(Step(name, tuple(x.shape), sum(p.numel() for p in layer.parameters())))
    return x


def flattening(config: ModelConfig) -> list[tuple[int, ...]]:
    """The shapes of one row when flattening stands alone, without layers between: the first is (T, E)."""
    positions, channels = config.leaves, config.embedding
    shapes: list[tuple[int, ...]] = [(positions, channels)]
    for n, _ in config.levels:
        positions, channels = positions // n, channels * n
        shapes.append((positions, channels) if positions > 1 else (channels,))
    return shapes
