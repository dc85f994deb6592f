"""What happens inside a WaveNet: the values of every level, and the statistics that its BatchNorms see.

Shapes in this file
    n  distinct chunks of a level     E  embedding channels     H  channels     W  channels before the activation
"""

import copy

import torch
from torch import Tensor, nn

from wavemore.nn.layers import BatchNorm1d
from wavemore.nn.shared import Tree
from wavemore.nn.wavenet import Passed, WaveNet, evaluation_mode

__all__ = ["batch_norms", "batch_statistics", "inside", "nodes_of"]


def inside(model: WaveNet, tree: Tree) -> list[Passed]:
    """What goes through each level from the bottom up, in evaluation mode."""
    with evaluation_mode(model):
        return list(model.passed(tree))


def nodes_of(model: WaveNet, tree: Tree) -> list[Tensor]:
    """What the model makes of each distinct chunk, in evaluation mode: the embedding, (n, E), and each level, (n, H),
    from the bottom up."""
    with evaluation_mode(model):
        return [model.embedding(tree.characters), *(level.nodes for level in model.passed(tree))]


def batch_norms(model: nn.Module) -> dict[str, BatchNorm1d]:
    """The BatchNorms of a model by name."""
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, BatchNorm1d)}


def batch_statistics(model: WaveNet, tree: Tree) -> dict[str, tuple[Tensor, Tensor]]:
    """Mean and variance, (W,) each, that each BatchNorm computes of this batch in training mode, by its name; empty for
    a model without BatchNorm. Dropout draws with a seed of its own. The model itself stays as it is."""
    model = copy.deepcopy(model).train()
    norms = batch_norms(model)
    if not norms:
        return {}
    for norm in norms.values():
        norm.momentum = 1.0  # then the running statistics become the batch's
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model.shared(tree)
    return {name: (norm.running_mean, norm.running_var) for name, norm in norms.items()}
