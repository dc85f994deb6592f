"""What happens inside a WaveNet: the values of every level, and the statistics that its BatchNorms see.

Shapes in this file
    n  distinct chunks of a level     W  channels before the activation (H, or 2 H before a gate)     H  channels
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from wavemore.nn.layers import BatchNorm1d
from wavemore.nn.shared import Tree, gathered_product, shared_activation
from wavemore.nn.wavenet import Level, WaveNet, evaluation_mode

__all__ = ["Inside", "Seen", "Watched", "batch_statistics", "inside"]


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


class Seen(NamedTuple):
    """What one level's activation was given and gave for a batch."""

    normed: Tensor
    """(n, W)"""
    activated: Tensor
    """(n, H): before dropout and residual."""
    uses: Tensor
    """(n,): how many nodes of all windows each row stands for."""


class Watched:
    """A WaveNet whose batches are seen from inside while they are computed, in either form: it takes what the model
    takes and gives what the model gives, to the bit."""

    def __init__(self, model: WaveNet) -> None:
        self._model = model
        self.seen: list[Seen] = []
        """Of the last batch, from the bottom up."""

    def __call__(self, ids: Tensor) -> Tensor:
        """The windowed form: (B, T) ids -> (B, V) logits."""
        with self._watching(None):
            return self._model(ids)

    def shared(self, tree: Tree) -> Tensor:
        """The shared form: the logits of the distinct contexts of a tree, (n, V)."""
        with self._watching([branch.uses for branch in tree.branches]):
            return self._model.shared(tree)

    @contextmanager
    def _watching(self, uses: Sequence[Tensor] | None) -> Iterator[None]:
        """Within this context each level's activation notes what goes through it."""
        levels = [cast(Level, level) for level in self._model.levels]
        notes = [_Noting(level.activation, shared=uses is not None) for level in levels]
        try:
            for level, note in zip(levels, notes, strict=True):
                level.activation = note
            yield
        finally:
            for level, note in zip(levels, notes, strict=True):
                level.activation = note.activation
        self.seen = []
        for i, note in enumerate(notes):
            normed, activated = (x.flatten(0, -2) for x in note.through)  # (n, W), (n, H)
            self.seen.append(Seen(normed, activated, normed.new_ones(len(normed)) if uses is None else uses[i]))


class _Noting(nn.Module):
    """An activation that keeps what it was last given and what it gave."""

    def __init__(self, activation: nn.Module, *, shared: bool) -> None:
        super().__init__()
        self.activation = activation
        self._shared = shared
        self.through: tuple[Tensor, Tensor] = (torch.empty(0), torch.empty(0))

    def forward(self, x: Tensor) -> Tensor:
        y = shared_activation(x, self.activation) if self._shared else self.activation(x)
        self.through = (x.detach(), y.detach())
        return y
