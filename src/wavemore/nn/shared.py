"""What the shared form stands on: the tree of distinct chunks, and a level's steps with their gradients written out.

Here the speed of training comes from. Each function is one that `layers.py` has plainly, for windows; a test holds the
forms equal: values, gradients and running statistics. Autograd would keep a tensor for every operation and pass over
memory for each; written out, most passes are made in place.

Shapes in this file
    m  distinct chunks of the level below     n  of this level     C  channels below     H  channels     g  the group
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from wavemore.nn.layers import BatchNorm1d, Gate, Linear, Tanh

__all__ = ["Branch", "Tree", "shared_activation", "shared_linear", "shared_norm"]


class Branch(NamedTuple):
    """The distinct chunks of one level, as their children in the level below."""

    children: Tensor
    """(g, n): row j has the j-th oldest child of each chunk."""
    reach: tuple[int, ...]
    """(g,): the children in row j are among the first reach[j] chunks of the level below."""
    uses: Tensor
    """(n,): how many nodes of all windows each chunk stands for."""


class Tree(NamedTuple):
    """The distinct chunks of many windows, for the shared form."""

    characters: Tensor
    """(n,): the distinct ids at the bottom."""
    branches: list[Branch]
    """One for each level, from the bottom up."""


def shared_linear(x: Tensor, linear: Linear, branch: Branch) -> Tensor:
    """`linear` of the flattened children of each chunk: (m, C) -> (n, H).

    Flattening g children and one product with the weight is the sum of g products, each child with its own rows of the
    weight: so each distinct child is multiplied once and then gathered, however often it is used.
    """
    y: Tensor = _GatheredProduct.apply(x, linear.weight, branch)  # type: ignore[assignment]
    return y if linear.bias is None else y + linear.bias


def shared_norm(x: Tensor, norm: nn.Module, uses: Tensor) -> Tensor:
    """`norm(x)`, a BatchNorm's with each chunk weighted by its uses: (n, H) -> (n, H)."""
    if isinstance(norm, BatchNorm1d) and norm.training:
        return _BatchNorm.apply(x, norm.gamma, norm.beta, norm, uses)  # type: ignore[return-value]
    return norm(x)


def shared_activation(x: Tensor, activation: nn.Module) -> Tensor:
    """`activation(x)`, in a third of the time where it has a tanh: tanh(z) = 2 sigmoid(2 z) - 1, and PyTorch's sigmoid
    is several times as fast as its tanh."""
    if isinstance(activation, Tanh):
        return _Tanh.apply(x)  # type: ignore[return-value]
    return _Gate.apply(x) if isinstance(activation, Gate) else activation(x)  # type: ignore[return-value]


class _GatheredProduct(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, branch: Branch) -> Tensor:
        pieces = weight.split(x.shape[1])  # g of (C, H)
        y = (x[: branch.reach[0]] @ pieces[0]).index_select(0, branch.children[0])  # (n, H)
        for piece, row, reach in zip(pieces[1:], branch.children[1:], branch.reach[1:], strict=True):
            y.add_((x[:reach] @ piece).index_select(0, row))
        ctx.save_for_backward(x, weight)
        ctx.branch = branch
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (d,), (x, weight), branch = gradients, ctx.saved_tensors, ctx.branch
        d_x = torch.zeros_like(x)
        d_weight = torch.empty_like(weight)
        pieces = zip(weight.split(x.shape[1]), d_weight.split(x.shape[1]), strict=True)
        for (piece, d_piece), row, reach in zip(pieces, branch.children, branch.reach, strict=True):
            d_part = d.new_zeros(reach, d.shape[1]).index_add_(0, row, d)  # (reach, H)
            torch.mm(x[:reach].T, d_part, out=d_piece)
            d_x[:reach].addmm_(d_part, piece.T)
        return d_x, d_weight, None


class _BatchNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, norm: BatchNorm1d, uses: Tensor) -> Tensor:
        rows = uses.sum()
        if rows <= 1:
            norm.refuse_one_row(x)
        mean = uses @ x / rows  # (H,)
        normal = x - mean  # (n, H)
        var = uses @ normal.square() / (rows - 1)  # (H,)
        norm.update_running_statistics(mean, var)
        scale = torch.rsqrt(var + norm.eps)
        normal.mul_(scale)
        ctx.save_for_backward(gamma, scale, normal, rows, uses)
        return torch.addcmul(beta, normal, gamma)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (d,), (gamma, scale, normal, rows, uses) = gradients, ctx.saved_tensors
        d_beta = d.sum(0)  # (H,)
        d_gamma = (d * normal).sum(0)  # (H,)
        # Mean and variance depend on every row, each counted as often as it is used.
        shared = torch.addcmul(d_beta / rows, normal, d_gamma / (rows - 1)).mul_(uses[:, None])  # (n, H)
        return torch.sub(d, shared).mul_(gamma * scale), d_gamma, d_beta, None, None


class _Tanh(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = _tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # type: ignore[override]
        return torch.ops.aten.tanh_backward(gradients[0], *ctx.saved_tensors)


class _Gate(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        signal, gate = x.chunk(2, dim=1)  # (n, H), (n, H)
        signal, gate = _tanh(signal), torch.sigmoid(gate)
        ctx.save_for_backward(signal, gate)
        return signal * gate

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # type: ignore[override]
        (d,), (signal, gate) = gradients, ctx.saved_tensors
        d_signal = torch.ops.aten.tanh_backward(d * gate, signal)
        d_gate = torch.ops.aten.sigmoid_backward(d * signal, gate)
        return torch.cat([d_signal, d_gate], dim=1)


def _tanh(x: Tensor) -> Tensor:
    return torch.mul(x, 2).sigmoid_().mul_(2).sub_(1)
