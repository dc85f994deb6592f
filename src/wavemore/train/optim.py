"""Optimisers and the learning rate's course."""

from collections.abc import Iterable
from math import cos, pi
from typing import Protocol

import torch
from torch import Tensor, nn

from wavemore.config import TrainConfig

__all__ = ["SGD", "AdamW", "Optimizer", "build_optimizer", "rate_at"]


class Optimizer(Protocol):
    """Adjusts parameters by their gradients."""

    def step(self, rate: float) -> None:
        """One update with this learning rate, from the gradients that lie on the parameters."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything it remembers, by name; empty for an optimiser without memory."""
        ...

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        ...


class SGD:
    """Plain gradient descent, written with the lecture's own two operations so that its rounding is the lecture's."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.add_(-rate * parameter.grad)

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        pass


class AdamW:
    """`torch.optim.AdamW` (Loshchilov, Hutter 2019), with weight decay on matrices and none on vectors."""

    def __init__(self, parameters: Iterable[nn.Parameter], *, weight_decay: float) -> None:
        parameters = list(parameters)
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self._inner = torch.optim.AdamW(groups, fused=True)

    def step(self, rate: float) -> None:
        for group in self._inner.param_groups:
            group["lr"] = rate
        self._inner.step()

    def state(self) -> dict[str, Tensor]:
        state = self._inner.state_dict()["state"]
        return {f"{index}.{name}": tensor for index, entry in state.items() for name, tensor in entry.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        entries: dict[int, dict[str, Tensor]] = {}
        for key, tensor in state.items():
            index, _, name = key.partition(".")
            entries.setdefault(int(index), {})[name] = tensor
        self._inner.load_state_dict({**self._inner.state_dict(), "state": entries})


def build_optimizer(config: TrainConfig, parameters: Iterable[nn.Parameter]) -> Optimizer:
    """The optimiser that the settings name."""
    if config.optimizer == "sgd":
        return SGD(parameters)
    return AdamW(parameters, weight_decay=config.weight_decay)


def rate_at(config: TrainConfig, step: int) -> float:
    """The learning rate of a step, counted from 0: what `rate` and `rate_steps` say, times warm-up, times decay."""
    rate = config.rate
    for start, later in sorted(config.rate_steps):
        if step >= start:
            rate = later
    warmup_steps = round(config.warmup * config.steps)
    if step < warmup_steps:
        return rate * (step + 1) / warmup_steps
    done = (step - warmup_steps) / (config.steps - warmup_steps)  # of the decay, from 0 to below 1
    if config.decay == "linear":
        rate *= 1 - done
    elif config.decay == "cosine":
        rate *= (1 + cos(pi * done)) / 2
    return rate
