"""A network with labels, under one of them: a network without, whose biases hold what the label shifts."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from wavemore.predict.conditioning import combined
from wavemore.settings.config import ModelConfig

__all__ = ["under_label"]


def under_label(
    config: ModelConfig, weights: Mapping[str, np.ndarray], label: int
) -> tuple[ModelConfig, dict[str, np.ndarray]]:
    """The settings and the weights of the network, or the networks, under the label of this number."""
    plain = replace(config, labels=(), bias=True)
    found = {name: array for name, array in weights.items() if not name.endswith(".labels.weight")}
    for i in range(config.members):
        member = f"members.{i}." if config.members > 1 else ""
        for level in range(len(config.levels)):
            linear = f"{member}levels.{level}.linear"
            nothing = np.zeros(weights[f"{linear}.weight"].shape[1], np.float32)
            found[f"{linear}.bias"] = weights.get(f"{linear}.bias", nothing)
        shifted = [f"{member}levels.{level}" for level in range(config.unshifted, len(config.levels))]
        for prefix in [*shifted, f"{member}head"]:
            shift = combined(weights[f"{prefix}.labels.weight"], config.labels)[label]
            found[f"{prefix}.linear.bias"] = found[f"{prefix}.linear.bias"] + shift
    return plain, found
