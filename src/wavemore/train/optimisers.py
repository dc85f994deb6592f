"""Optimisers and the learning rate's course."""

from collections.abc import Iterable, Iterator
from math import cos, pi
from typing import Protocol

import torch
from torch import Tensor, nn

from wavemore.settings.config import TrainConfig

__all__ = ["SGD", "AdamW", "Network", "Optimizer", "build_optimizer", "rate_at"]


class Optimizer(Protocol):
    """Adjusts parameters by their gradients."""

    def step(self, rate: float) -> None:
        """One update with this learning rate, from the gradients that the parameters have."""
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
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019), which matrices have and vectors do not.

    Equal to `torch.optim.AdamW`, whose first use imports a compiler for more than a second.
    """

    EPS = 1e-8

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, weight_decay: float, betas: tuple[float, float] = (0.9, 0.999)
    ) -> None:
        self._parameters = list(parameters)
        self._weight_decay = weight_decay
        self._betas = betas
        self._means = [torch.zeros_like(p) for p in self._parameters]
        self._squares = [torch.zeros_like(p) for p in self._parameters]
        self._steps = 0

    @torch.no_grad()
    def step(self, rate: float) -> None:
        self._steps += 1
        beta1, beta2 = self._betas
        scale1, scale2 = 1 - beta1**self._steps, 1 - beta2**self._steps  # both averages start at zero
        for parameter, mean, square in zip(self._parameters, self._means, self._squares, strict=True):
            gradient = parameter.grad
            if gradient is None:
                continue
            mean.lerp_(gradient, 1 - beta1)
            square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            if self._weight_decay and parameter.ndim >= 2:
                parameter.mul_(1 - rate * self._weight_decay)
            size = square.sqrt().div_(scale2**0.5).add_(self.EPS)
            parameter.addcdiv_(mean, size, value=-rate / scale1)

    def state(self) -> dict[str, Tensor]:
        means = {f"mean.{index}": tensor for index, tensor in enumerate(self._means)}
        squares = {f"square.{index}": tensor for index, tensor in enumerate(self._squares)}
        return {**means, **squares, "steps": torch.tensor(self._steps)}

    def restore(self, state: dict[str, Tensor]) -> None:
        for index, (mean, square) in enumerate(zip(self._means, self._squares, strict=True)):
            mean.copy_(state[f"mean.{index}"])
            square.copy_(state[f"square.{index}"])
        self._steps = int(state["steps"])


class Muon:
    """Muon (Jordan et al. 2024) for the matrices between levels, AdamW for all else.

    A matrix moves along its averaged gradient with all singular values brought near one, so that rare directions are
    learned as fast as frequent ones. At these sizes that takes about as long as the gradient itself, and pays.
    """

    MOMENTUM = 0.8  # of the gradient's average, with Nesterov's look ahead
    ITERATIONS = 3  # of Newton-Schulz: more bring the singular values closer to one, and cost more than they gain

    def __init__(
        self, matrices: Iterable[nn.Parameter], others: Iterable[nn.Parameter], *, ratio: float, weight_decay: float
    ) -> None:
        """`ratio` is the matrices' learning rate over that of all else; the matrices alone decay."""
        self._matrices = list(matrices)
        self._averages = [torch.zeros_like(matrix) for matrix in self._matrices]
        self._ratio = ratio
        self._weight_decay = weight_decay
        self._inner = AdamW(others, weight_decay=0.0, betas=(0.9, 0.95))

    @torch.no_grad()
    def step(self, rate: float) -> None:
        self._inner.step(rate)
        for matrix, average in zip(self._matrices, self._averages, strict=True):
            assert matrix.grad is not None
            average.lerp_(matrix.grad, 1 - self.MOMENTUM)
            direction = orthogonalised(matrix.grad.lerp(average, self.MOMENTUM), self.ITERATIONS)
            rows, columns = matrix.shape
            matrix.mul_(1 - rate * self._ratio * self._weight_decay)
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
    """The matrix with its singular values brought near one and its singular vectors kept, by Newton-Schulz iterations
    with Muon's coefficients: each is an odd polynomial of the matrix."""
    x = matrix / (matrix.norm() + 1e-7)  # singular values of at most one
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(iterations):
        a = x @ x.T
        b = torch.addmm(a, a, a, beta=-4.7750, alpha=2.0315)
        x = torch.addmm(x, b, x, beta=3.4445)
    return x.T if tall else x


class Network(Protocol):
    """What an optimiser needs of a model."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All that training adjusts."""
        ...

    def matrices(self) -> list[nn.Parameter]:
        """Those of them that are weight matrices between embedding and head, (fan_in, fan_out) each."""
        ...


def build_optimizer(config: TrainConfig, model: Network) -> Optimizer:
    """The optimiser that the settings name."""
    if config.optimizer == "sgd":
        return SGD(model.parameters())
    if config.optimizer == "adamw":
        return AdamW(model.parameters(), weight_decay=config.weight_decay)
    matrices = model.matrices()
    others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    return Muon(matrices, others, ratio=config.matrix_rate / config.rate, weight_decay=config.weight_decay)


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
