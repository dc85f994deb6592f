"""What happens inside a WaveNet: the values of every level, and the statistics that its BatchNorms see.

Shapes in this file
    n  distinct chunks of a level     W  channels before the activation (H, or 2 H before a gate)     H  channels
"""

import copy
from typing import NamedTuple, cast

import torch
from torch import Tensor

from wavemore.nn.layers import BatchNorm1d
from wavemore.nn.shared import Tree, gathered_product
from wavemore.nn.wavenet import Level, WaveNet, evaluation_mode

__all__ = ["Inside", "batch_statistics", "inside"]


class Inside(NamedTuple):
    """The values of one level for its distinct chunks."""

    normed: Tensor
    """(n, W): behind Linear and norm, what the activation is given."""
    activated: Tensor
    """(n, H): behind the activation."""
    nodes: Tensor
    """(n, H): what the level hands on: with a residual the newest child is added."""


def inside(model: WaveNet, tree: Tree) -> list[Inside]:
    """Each level's values from the bottom up, in evaluation mode. A test holds them equal to those that `model.shared`
    makes its logits of."""
    levels = []
    with evaluation_mode(model):
        x = model.embedding(tree.characters)  # (n, E)
        for module, branch in zip(model.levels, tree.branches, strict=True):
            level = cast(Level, module)
            y = gathered_product(x, level.linear.weight, branch)  # (n, W)
            y = y if level.linear.bias is None else y + level.linear.bias
            normed = y if level.norm is None else level.norm(y)  # (n, W)
            activated = level.activation(normed)  # (n, H)
            x = activated + x.index_select(0, branch.children[-1]) if level.residual else activated
            levels.append(Inside(normed, activated, x))
    return levels


def batch_statistics(model: WaveNet, tree: Tree) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and variance, (W,) each, that each BatchNorm computes of this batch in training mode, by its name; empty for
    a model without BatchNorm. Dropout draws with a seed of its own. The model itself stays as it is."""
    model = copy.deepcopy(model).train()
    norms = {name: layer for name, layer in model.named_modules() if isinstance(layer, BatchNorm1d)}
    if not norms:
        return {}
    for norm in norms.values():
        norm.momentum = 1.0  # then the running statistics become the batch's
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model.shared(tree)
    return {name: (norm.running_mean, norm.running_var) for name, norm in norms.items()}
