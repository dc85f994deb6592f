"""The layers of the lecture and those of the WaveNet paper, one short class each, as `torch.nn.Module`s.

Shapes in this file
    B  rows of the batch        T  positions of the context        C  channels        n  neighbours flattened into one

Meaning, initialisation and statistics are those of "makemore, part 5: WaveNet". Where the lecture and `torch.nn` differ
(the variance of BatchNorm, the orientation of a Linear's weight), the lecture wins and the docstring says so.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from wavemore.errors import ShapeError
from wavemore.predict.activation import EPS

__all__ = [
    "GELU",
    "BatchNorm1d",
    "Dropout",
    "Embedding",
    "FlattenConsecutive",
    "Gate",
    "LayerNorm",
    "Linear",
    "QuickGELU",
    "RMSNorm",
    "Sequential",
    "Tanh",
]


class Embedding(nn.Module):
    """A row of numbers for each id: (B, T) ids -> (B, T, C). Rows start as draws from a standard normal."""

    def __init__(self, count: int, channels: int, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn((count, channels), generator=generator))  # (count, C)

    def forward(self, ids: Tensor) -> Tensor:
        # F.embedding, not weight[ids]: the backward of indexing is not deterministic everywhere.
        return F.embedding(ids, self.weight)

    def extra_repr(self) -> str:
        return "{}, {}".format(*self.weight.shape)


class Linear(nn.Module):
    """x @ weight + bias: (..., fan_in) -> (..., fan_out).

    The weight is stored as (fan_in, fan_out), the transpose of `torch.nn.Linear`'s, and starts as a standard normal
    divided by sqrt(fan_in), so that outputs have about the variance of inputs (Kaiming He et al. 2015, with gain 1).
    """

    def __init__(
        self, fan_in: int, fan_out: int, *, bias: bool = True, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn((fan_in, fan_out), generator=generator) / fan_in**0.5)
        self.bias = nn.Parameter(torch.zeros(fan_out)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.weight  # (..., fan_out)
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return "{}, {}, bias={}".format(*self.weight.shape, self.bias is not None)


class BatchNorm1d(nn.Module):
    """Each channel brought to mean 0 and variance 1, then scaled by gamma and shifted by beta (Ioffe, Szegedy 2015).

    Takes (B, C) or (B, T, C) and treats every leading position as one more row: mean and variance are over axis 0 of
    two axes and over axes (0, 1) of three. In training mode they are the batch's, the variance unbiased as in the
    lecture (`torch.nn.BatchNorm1d` normalises with the biased one), and running statistics follow with `momentum`.
    In evaluation mode the running statistics are used, so a row's result does not depend on its neighbours.

    Raises `ShapeError` for other numbers of axes or channels, and for a single row in training mode, which has no
    variance (in the lecture it silently gives NaN).
    """

    gamma: nn.Parameter
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, *, eps: float = EPS, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps = eps
        self.momentum = momentum
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim not in (2, 3) or x.shape[-1] != self.gamma.shape[0]:
            raise ShapeError(
                f"BatchNorm1d takes (rows, {self.gamma.shape[0]}) or (rows, positions, {self.gamma.shape[0]}), "
                f"but got {tuple(x.shape)}; reshape the input or build the layer with its number of channels"
            )
        if self.training:
            mean, var = self._batch_statistics(x)  # (C,), (C,)
        else:
            mean, var = self.running_mean, self.running_var
        normal = (x - mean) / torch.sqrt(var + self.eps)  # the shape of x
        return self.gamma * normal + self.beta

    def _batch_statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Those of this batch, (C,) each, towards which the running ones move."""
        mean, var = self._moments(x)
        with torch.no_grad():
            self.running_mean.copy_((1 - self.momentum) * self.running_mean + self.momentum * mean)
            self.running_var.copy_((1 - self.momentum) * self.running_var + self.momentum * var)
        return mean, var

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the rows, (C,) each."""
        if x.numel() == x.shape[-1]:
            raise ShapeError(
                f"BatchNorm1d got one row, of shape {tuple(x.shape)}, in training mode, and one row has no variance; "
                "call .eval() on the model to predict, or give at least two rows to train"
            )
        axes = (0,) if x.ndim == 2 else (0, 1)
        return x.mean(axes), x.var(axes)  # unbiased, as in the lecture

    def extra_repr(self) -> str:
        return f"{self.gamma.shape[0]}, eps={self.eps}, momentum={self.momentum}"


class LayerNorm(nn.Module):
    """Each row brought to mean 0 and variance 1 over its channels, then scaled by gamma and shifted by beta (Ba et al.
    2016). (..., C) -> (..., C). A row does not see the others, so both modes are the same."""

    def __init__(self, channels: int, *, eps: float = EPS) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.gamma.shape, self.gamma, self.beta, self.eps)

    def extra_repr(self) -> str:
        return f"{self.gamma.shape[0]}, eps={self.eps}"


class RMSNorm(nn.Module):
    """Each row divided by the root of its mean square, then scaled by gamma (Zhang, Sennrich 2019)."""

    def __init__(self, channels: int, *, eps: float = EPS) -> None:
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.gamma.shape, self.gamma, self.eps)

    def extra_repr(self) -> str:
        return f"{self.gamma.shape[0]}, eps={self.eps}"


class Tanh(nn.Module):
    """tanh of every element."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x)


class GELU(nn.Module):
    """x times the probability that a standard normal is below x (Hendrycks, Gimpel 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x)


class QuickGELU(nn.Module):
    """x times the sigmoid of 1.702 x: GELU's approximation by a sigmoid (Hendrycks, Gimpel 2016, section 2)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Gate(nn.Module):
    """tanh of the first half of the channels times the sigmoid of the second: (..., 2 H) -> (..., H), the gated
    activation of WaveNet (van den Oord et al. 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        signal, gate = x.chunk(2, dim=-1)  # (..., H), (..., H)
        return torch.tanh(signal) * torch.sigmoid(gate)


class Dropout(nn.Module):
    """In training mode each element is 0 with the given probability, and the others are scaled up so that the mean
    stays (Srivastava et al. 2014). Draws from `generator`, so that a run can be repeated and taken up again."""

    def __init__(self, probability: float, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.probability = probability
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0:
            return x
        return x * (self._drawn(x) >= self.probability) / (1 - self.probability)

    def _drawn(self, x: Tensor) -> Tensor:
        """A number from 0 to 1 for each element: the shape of x."""
        return torch.rand(x.shape, generator=self.generator, dtype=x.dtype, device=x.device)

    def extra_repr(self) -> str:
        return str(self.probability)


class FlattenConsecutive(nn.Module):
    """n neighbours become one position: (B, T, C) -> (B, T/n, C*n); the middle axis goes when it becomes 1.

    A (B, C) input counts as one position. Raises `ShapeError` when n is below 1 or does not divide T, and for other
    numbers of axes.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        if n < 1:
            raise ShapeError(f"cannot flatten by {n}: n is the number of neighbours that become one, 1 or more")
        self.n = n

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 2:
            x = x.unsqueeze(1)
        if x.ndim != 3:
            raise ShapeError(f"FlattenConsecutive takes (rows, positions, channels), but got {tuple(x.shape)}")
        rows, positions, channels = x.shape
        if positions % self.n:
            raise ShapeError(
                f"cannot flatten {positions} positions by {self.n}: {self.n} does not divide {positions}; "
                "choose groups whose product is the context length"
            )
        x = x.reshape(rows, positions // self.n, channels * self.n)
        return x.squeeze(1) if x.shape[1] == 1 else x

    def extra_repr(self) -> str:
        return str(self.n)


class Sequential(nn.Module):
    """Layers applied one after another.

    Layers are given in a list, as in the lecture, and then numbered; `Sequential(linear=Linear(4, 2), norm=None)` names
    them instead, and their parameters "linear.weight" and so on. A layer given by name as None is left out, which is
    how optional layers are written; its attribute is then None. `layers` is the list, as in the lecture:
    `model.layers[-1].weight`.
    """

    def __init__(self, numbered: Iterable[nn.Module] = (), **named: nn.Module | None) -> None:
        super().__init__()
        for name, layer in [*((str(i), layer) for i, layer in enumerate(numbered)), *named.items()]:
            self.add_module(name, layer)  # None is remembered, and not among the layers

    @property
    def layers(self) -> list[nn.Module]:
        """The layers in their order."""
        return list(self.children())

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x
