"""What the shared form stands on: the tree of distinct chunks, and one level with its gradient written out.

`fused_level` is where the speed of training comes from. The function is `Level.shared` in `wavenet.py`, where it is
written plainly; a test holds the two equal: values, gradients and running statistics. Autograd would keep a tensor for
every operation and pass over memory for each; written out, most passes are made in place.

Shapes in this file
    m  distinct chunks of the level below     n  of this level     C  channels below     H  channels     g  the group
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

if TYPE_CHECKING:
    from wavemore.nn.layers import BatchNorm1d

__all__ = ["Branch", "Tree", "fused_level"]


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


def fused_level(x: Tensor, weight: Tensor, bias: Tensor | None, norm: "BatchNorm1d", branch: Branch) -> Tensor:
    """(m, C) -> (n, H): gather the children's products with the weight, BatchNorm in training mode, tanh."""
    return _FusedLevel.apply(x, weight, bias, norm.gamma, norm.beta, norm, branch)  # type: ignore[return-value]


class _FusedLevel(Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        gamma: Tensor,
        beta: Tensor,
        norm: "BatchNorm1d",
        branch: Branch,
    ) -> Tensor:
        pieces = weight.split(x.shape[1])  # g of (C, H)
        y = (x[: branch.reach[0]] @ pieces[0]).index_select(0, branch.children[0])  # (n, H)
        for piece, row, reach in zip(pieces[1:], branch.children[1:], branch.reach[1:], strict=True):
            y.add_((x[:reach] @ piece).index_select(0, row))
        if bias is not None:
            y.add_(bias)
        rows = branch.uses.sum()
        if rows <= 1:
            norm.refuse_one_row(y)
        mean = branch.uses @ y / rows  # (H,)
        y.sub_(mean)
        var = branch.uses @ y.square() / (rows - 1)  # (H,)
        norm.update_running_statistics(mean, var)
        scale = torch.rsqrt(var + norm.eps)
        normal = y.mul_(scale)  # (n, H)
        out = torch.addcmul(beta, normal, gamma)
        out.mul_(2).sigmoid_().mul_(2).sub_(1)  # tanh(z) = 2 sigmoid(2 z) - 1, six times as fast as torch.tanh
        ctx.save_for_backward(x, weight, gamma, scale, normal, out, rows)
        ctx.branch, ctx.has_bias = branch, bias is not None
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x, weight, gamma, scale, normal, out, rows = ctx.saved_tensors
        branch = ctx.branch
        d = torch.ops.aten.tanh_backward(gradients[0], out)  # (n, H), from here on reused in place
        d_beta = d.sum(0)  # (H,)
        d_gamma = (d * normal).sum(0)  # (H,)
        # Mean and variance depend on every row, each counted as often as it is used.
        shared = torch.addcmul(d_beta / rows, normal, d_gamma / (rows - 1)).mul_(branch.uses[:, None])  # (n, H)
        d.sub_(shared).mul_(gamma * scale)  # the gradient of what was gathered
        d_x = torch.zeros_like(x)
        d_weight = torch.empty_like(weight)
        pieces = zip(weight.split(x.shape[1]), d_weight.split(x.shape[1]), strict=True)
        for (piece, d_piece), row, reach in zip(pieces, branch.children, branch.reach, strict=True):
            d_part = d.new_zeros(reach, d.shape[1]).index_add_(0, row, d)  # (reach, H)
            torch.mm(x[:reach].T, d_part, out=d_piece)
            d_x[:reach].addmm_(d_part, piece.T)
        return d_x, d_weight, d.sum(0) if ctx.has_bias else None, d_gamma, d_beta, None, None
