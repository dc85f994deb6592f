"""Optimisers and the learning rate's course.

They are written with operators alone, so that PyTorch's tensors on a device do as well as NumPy's arrays.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from math import cos, pi
from typing import Any, Protocol

import numpy as np

from wavemore.settings.config import TrainConfig
from wavemore.threads import Later, Team

__all__ = [
    "SGD",
    "AdamW",
    "Arrays",
    "Muon",
    "Optimizer",
    "build_optimizer",
    "orthogonalised",
    "put",
    "rate_at",
    "worked_out",
]

Arrays = dict[str, Any]
"""NumPy arrays, or tensors, by name."""


class Optimizer(Protocol):
    """Adjusts weights by their gradients, in place."""

    def step(self, gradients: Iterable[tuple[str, Any]], rate: float) -> Arrays:
        """One update with this learning rate, from the gradient of each weight with its name. They come one after the
        other, and some may still be worked out (`Later`). Returns all of them by name."""
        ...

    def state(self) -> Arrays:
        """Everything it remembers, by name; empty for an optimiser without memory."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        ...


class SGD:
    """Plain gradient descent, written with the lecture's own two operations so that its rounding is the lecture's."""

    def __init__(self, weights: Arrays) -> None:
        self._weights = weights

    def step(self, gradients: Iterable[tuple[str, Any]], rate: float) -> Arrays:
        found = worked_out(gradients)
        for name, weight in self._weights.items():
            weight += -rate * found[name]  # noqa: PLW2901 - in place
        return found

    def state(self) -> Arrays:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass


class AdamW:
    """Adam with decoupled weight decay (Loshchilov, Hutter 2019), which matrices have and vectors do not. Equal to
    `torch.optim.AdamW`."""

    EPS = 1e-8

    def __init__(self, weights: Arrays, *, weight_decay: float, betas: tuple[float, float] = (0.9, 0.999)) -> None:
        self._weights = weights
        self._weight_decay = weight_decay
        self._betas = betas
        self._means = {name: 0 * weight for name, weight in weights.items()}
        self._squares = {name: 0 * weight for name, weight in weights.items()}
        self._steps = 0

    def step(self, gradients: Iterable[tuple[str, Any]], rate: float) -> Arrays:
        found = worked_out(gradients)
        self._steps += 1
        beta1, beta2 = self._betas
        scale1, scale2 = 1 - beta1**self._steps, 1 - beta2**self._steps  # both averages start at zero
        for name, weight in self._weights.items():
            gradient, mean, square = found[name], self._means[name], self._squares[name]
            mean += (1 - beta1) * (gradient - mean)
            square *= beta2
            square += (1 - beta2) * gradient * gradient
            if self._weight_decay and weight.ndim >= 2:
                weight *= 1 - rate * self._weight_decay  # noqa: PLW2901 - in place
            weight -= (rate / scale1) * mean / ((square / scale2) ** 0.5 + self.EPS)  # noqa: PLW2901 - in place
        return found

    def state(self) -> Arrays:
        means = {f"mean.{name}": mean for name, mean in self._means.items()}
        squares = {f"square.{name}": square for name, square in self._squares.items()}
        return {**means, **squares, "steps": np.asarray(self._steps)}

    def restore(self, state: Mapping[str, Any]) -> None:
        if (steps := int(state["steps"])) < 0:
            raise ValueError(f"the optimiser has taken {steps} steps")
        for name in self._weights:
            put(self._means[name], state[f"mean.{name}"])
            put(self._squares[name], state[f"square.{name}"])
        self._steps = steps


class Muon:
    """Muon (Jordan et al. 2024) for the matrices between levels, AdamW for all else.

    A matrix moves along its averaged gradient with all singular values brought near one, so that rare directions are
    learned as fast as frequent ones. At these sizes that takes about as long as the gradient itself, and pays.
    """

    MOMENTUM = 0.8  # of the gradient's average, with Nesterov's look ahead
    ITERATIONS = 3  # of Newton-Schulz: more bring the singular values closer to one, and cost more than they gain

    def __init__(
        self, weights: Arrays, matrices: Collection[str], *, ratio: float, weight_decay: float, team: Team
    ) -> None:
        """`matrices` names those between levels, (fan_in, fan_out) each, which alone decay; `ratio` is their learning
        rate over that of all else."""
        self._team = team
        self._matrices = {name: weights[name] for name in matrices}
        self._averages = {name: 0 * matrix for name, matrix in self._matrices.items()}
        self._ratio = ratio
        self._weight_decay = weight_decay
        others = {name: weight for name, weight in weights.items() if name not in self._matrices}
        self._inner = AdamW(others, weight_decay=0.0, betas=(0.9, 0.95))

    def step(self, gradients: Iterable[tuple[str, Any]], rate: float) -> Arrays:
        """A second thread adjusts the matrices while the gradients of others are found."""
        found: Arrays = {}
        adjusting = []
        for name, gradient in gradients:
            found[name] = gradient
            if name in self._matrices:
                adjusting.append(self._team.later(partial(self._adjust, name, gradient, rate)))
        self._inner.step(((name, found[name]) for name in found if name not in self._matrices), rate)
        for later in adjusting:
            later.result()
        return worked_out(found.items())

    def _adjust(self, name: str, gradient: Any, rate: float) -> None:
        gradient, average, matrix = _value(gradient), self._averages[name], self._matrices[name]
        average += (1 - self.MOMENTUM) * (gradient - average)
        direction = orthogonalised(gradient + self.MOMENTUM * (average - gradient), self.ITERATIONS)
        rows, columns = matrix.shape
        matrix *= 1 - rate * self._ratio * self._weight_decay
        matrix -= (rate * self._ratio * max(1.0, columns / rows) ** 0.5) * direction

    def state(self) -> Arrays:
        averages = {f"matrix.{name}": average for name, average in self._averages.items()}
        return {**averages, **{f"rest.{name}": array for name, array in self._inner.state().items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, average in self._averages.items():
            put(average, state[f"matrix.{name}"])
        self._inner.restore({name.removeprefix("rest."): a for name, a in state.items() if name.startswith("rest.")})


def orthogonalised(matrix: Any, iterations: int) -> Any:
    """The matrix with its singular values brought near one and its singular vectors kept, by Newton-Schulz iterations
    with Muon's coefficients: each is an odd polynomial of the matrix."""
    x = matrix / ((matrix * matrix).sum() ** 0.5 + 1e-7)  # singular values of at most one
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(iterations):
        a = x @ x.T
        b = -4.7750 * a + 2.0315 * (a @ a.T)
        x = 3.4445 * x + b @ x
    return x.T if tall else x


def worked_out(gradients: Iterable[tuple[str, Any]]) -> Arrays:
    """The gradients by name, worked out."""
    return {name: _value(gradient) for name, gradient in gradients}


def _value(gradient: Any) -> Any:
    return gradient.result() if isinstance(gradient, Later) else gradient


def put(place: Any, array: np.ndarray) -> None:
    """Write an array into an array, or into a tensor on a device."""
    if isinstance(place, np.ndarray):
        np.copyto(place, array)
    else:
        place.copy_(place.new_tensor(array))


def build_optimizer(config: TrainConfig, weights: Arrays, matrices: Iterable[str], team: Team) -> Optimizer:
    """The optimiser that the settings name, for these weights, of which `matrices` stand between levels. Muon adjusts
    these on the team's second thread."""
    if config.optimizer == "sgd":
        return SGD(weights)
    if config.optimizer == "adamw":
        return AdamW(weights, weight_decay=config.weight_decay)
    ratio = config.matrix_rate / config.rate
    return Muon(weights, [*matrices], ratio=ratio, weight_decay=config.weight_decay, team=team)


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
