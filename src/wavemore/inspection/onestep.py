"""One training step, looked at from close by: each parameter's gradient, how far the optimiser moves it, and what the
BatchNorms see of the batch. All of it happens on copies of the weights.

Shapes in this file
    W  channels before the activation (H, or 2 H before a gate)
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from wavemore.settings.config import ModelConfig, TrainConfig
from wavemore.threads import Team
from wavemore.train.batches import Batch
from wavemore.train.network import Network
from wavemore.train.optimisers import build_optimizer

__all__ = ["Moved", "batch_statistics", "network_of", "one_step"]


class Moved(NamedTuple):
    """One parameter before and in a step. All arrays have its shape, float32."""

    name: str
    weight: np.ndarray
    gradient: np.ndarray
    update: np.ndarray
    """What the step adds to the weight."""


def network_of(config: ModelConfig, weights: Mapping[str, np.ndarray]) -> Network:
    """A network with copies of these weights, of one member alone. Dropout draws with a seed of its own."""
    shapes = replace(config, members=1).weight_shapes(len(weights["embedding.weight"]))
    copies = {name: np.array(weights[name]) for name, _ in shapes}
    return Network(config, copies, np.random.default_rng(0), Team(1))


def one_step(
    config: ModelConfig, weights: Mapping[str, np.ndarray], train: TrainConfig, batch: Batch
) -> tuple[float, list[Moved]]:
    """The loss of a batch in training mode, nats per character, and what one step with the recipe's optimiser does.

    The optimiser is a new one, without averages of earlier gradients, and the learning rate is the settings' `rate`
    without warm-up and decay.
    """
    network = network_of(config, weights)
    adjusted = {name: network.weights[name] for name in network.adjusted}
    before = {name: weight.copy() for name, weight in adjusted.items()}
    loss, way = network.loss(batch)
    optimizer = build_optimizer(train, adjusted, network.matrices, network.team)
    gradients = optimizer.step(network.gradients(batch, way), train.rate)
    return loss, [Moved(name, old, gradients[name], adjusted[name] - old) for name, old in before.items()]


def batch_statistics(
    config: ModelConfig, weights: Mapping[str, np.ndarray], batch: Batch
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Mean and variance, (W,) each, that each BatchNorm computes of this batch in training mode, by its name; empty for
    a model without BatchNorm."""
    _, way = network_of(config, weights).loss(batch)
    moments = {f"levels.{i}.norm": passed.moments for i, passed in enumerate(way.levels)}
    moments["head.norm"] = None if way.head is None else way.head[2]
    return {name: (found.mean, found.variance) for name, found in moments.items() if found is not None}
