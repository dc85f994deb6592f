"""One training step, looked at from close by: each parameter's gradient, and how far the optimiser moves it."""

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from wavemore.nn import Tree, WaveNet, shared_cross_entropy
from wavemore.settings.config import TrainConfig
from wavemore.train.optimisers import build_optimizer

__all__ = ["Moved", "one_step"]


class Moved(NamedTuple):
    """One parameter tensor before and in a step. All arrays have its shape, float32."""

    name: str
    weight: np.ndarray
    gradient: np.ndarray
    update: np.ndarray
    """What the step adds to the weight."""


def one_step(model: WaveNet, config: TrainConfig, tree: Tree, counts: Tensor) -> tuple[float, list[Moved]]:
    """The loss of a batch in training mode, nats per character, and what one step with the recipe's optimiser does.

    `counts`, (n, V), says how often each id follows each context of the tree. The optimiser is a new one, without
    averages of earlier gradients, and the learning rate is the settings' `rate` without warm-up and decay. Dropout
    draws with a seed of its own. The model itself stays as it is.
    """
    model = copy.deepcopy(model).train()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = build_optimizer(config, model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        loss = shared_cross_entropy(model.shared(tree), counts)
    loss.backward()
    optimizer.step(config.rate)
    moved = []
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None  # a test holds that gradients reach every parameter
        update = parameter.detach() - before[name]
        moved.append(Moved(name, before[name].numpy(), parameter.grad.numpy(), update.numpy()))
    return loss.item(), moved
