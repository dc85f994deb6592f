"""Optimisers and the learning rate's course."""

from collections.abc import Iterable
from math import cos, pi
from typing import Protocol

import torch
from torch import Tensor, nn

from wavemore.config import TrainConfig
from wavemore.nn import WaveNet

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

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        weight_decay: float,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        parameters = list(parameters)
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self._inner = torch.optim.AdamW(groups, betas=betas, fused=True)

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


class Muon:
    """Muon (Jordan et al. 2024) for the matrices between levels, AdamW for all else.

    A matrix moves along its averaged gradient with all singular values brought near one, so that rare directions are
    learned as fast as frequent ones. At these sizes that takes about as long as the gradient itself, and pays.
    """

    MOMENTUM = 0.85  # of the gradient's average, with Nesterov's look ahead
    ITERATIONS = 4  # of Newton-Schulz; fewer orthogonalise too little, more gain nothing

    def __init__(self, matrices: Iterable[nn.Parameter], others: Iterable[nn.Parameter], *, ratio: float) -> None:
        """`ratio` is the matrices' learning rate over that of all else."""
        self._matrices = list(matrices)
        self._averages = [torch.zeros_like(matrix) for matrix in self._matrices]
        self._ratio = ratio
        self._inner = AdamW(others, weight_decay=0.0, betas=(0.9, 0.95))

    @torch.no_grad()
    def step(self, rate: float) -> None:
        self._inner.step(rate)
        for matrix, average in zip(self._matrices, self._averages, strict=True):
            assert matrix.grad is not None
            average.lerp_(matrix.grad, 1 - self.MOMENTUM)
            direction = orthogonalised(matrix.grad.lerp(average, self.MOMENTUM), self.ITERATIONS)
            rows, columns = matrix.shape
            matrix.add_(direction, alpha=-rate * self._ratio * max(1.0, columns / rows) ** 0.5)

    def state(self) -> dict[str, Tensor]:
        averages = {f"matrix.{index}": average for index, average in enumerate(self._averages)}
        return {**averages, **{f"rest.{name}": tensor for name, tensor in self._inner.state().items()}}

    def restore(self, state: dict[str, Tensor]) -> None:
        for index, average in enumerate(self._averages):
            average.copy_(state[f"matrix.{index}"])
        rest = {name.removeprefix("rest."): tensor for name, tensor in state.items() if name.startswith("rest.")}
        self._inner.restore(rest)


def orthogonalised(matrix: Tensor, iterations: int) -> Tensor:
    """The matrix with its singular values brought near one by Newton-Schulz iterations with Muon's coefficients."""
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(iterations):
        a = x @ x.T
        b = torch.addmm(a, a, a, beta=-4.7750, alpha=2.0315)
        x = torch.addmm(x, b, x, beta=3.4445)
    return x.T if tall else x


def build_optimizer(config: TrainConfig, model: WaveNet) -> Optimizer:
    """The optimiser that the settings name."""
    if config.optimizer == "sgd":
        return SGD(model.parameters())
    if config.optimizer == "adamw":
        return AdamW(model.parameters(), weight_decay=config.weight_decay)
    matrices = model.level_weights()
    others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    return Muon(matrices, others, ratio=config.matrix_rate / config.rate)


def rate_at(config: TrainConfig, step: int, steps: int) -> float:
    """The learning rate of a step of `steps`, counted from 0: what `rate` and `rate_steps` say, times warm-up, times
    decay."""
    rate = config.rate
    for start, later in sorted(config.rate_steps):
        if step >= start:
            rate = later
    warmup_steps = round(config.warmup * steps)
    if step < warmup_steps:
        return rate * (step + 1) / warmup_steps
    done = (step - warmup_steps) / (steps - warmup_steps)  # of the decay, from 0 to below 1
    if config.decay == "linear":
        rate *= 1 - done
    elif config.decay == "cosine":
        rate *= (1 + cos(pi * done)) / 2
    return rate
