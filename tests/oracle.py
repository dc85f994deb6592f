"""The forward pass again, in plain NumPy and float64, written from the notes and the papers and from nothing else.

It shares no code with the library and does not fold, batch or share anything: each step is the sentence it comes from.
"""

from collections.abc import Mapping
from math import erf

import numpy as np

from wavemore.settings.config import ModelConfig


def forward(config: ModelConfig, weights: Mapping[str, np.ndarray], contexts: np.ndarray) -> np.ndarray:
    """(B, T) ids -> (B, V) logits in evaluation mode."""
    w = {name: np.asarray(array, dtype=np.float64) for name, array in weights.items()}
    dilations, size = [], 1
    for n in config.groups:
        dilations.append(size)
        size *= n
    levels = list(zip(config.groups, dilations, strict=True)) * config.cycles
    rows = []
    for context in contexts:

        def node(level: int, end: int, context=context) -> np.ndarray:
            """The node of a level whose newest character stands at `end`; level 0 are the characters."""
            if level == 0:
                return w["embedding.weight"][context[end]]
            n, dilation = levels[level - 1]
            children = [node(level - 1, end - (n - 1 - j) * dilation) for j in range(n)]
            prefix = f"levels.{level - 1}"
            y = _activation(config, _norm(w, prefix, _linear(w, prefix, np.concatenate(children))))
            return y + children[-1] if config.residual and len(y) == len(children[-1]) else y

        end, top = len(context) - 1, len(levels)
        read = [node(level, end) for level in (range(1, top + 1) if config.skip else [top])]
        rows.append(_norm(w, "head", _linear(w, "head", np.concatenate(read))))
    return np.stack(rows)


def _activation(config: ModelConfig, x: np.ndarray) -> np.ndarray:
    if config.activation == "tanh":
        return np.tanh(x)
    if config.activation == "gelu":
        return np.array([z * (1 + erf(z / 2**0.5)) / 2 for z in x])
    if config.activation == "quick_gelu":
        return x / (1 + np.exp(-1.702 * x))
    signal, gate = np.split(x, 2)
    return np.tanh(signal) / (1 + np.exp(-gate))


def _linear(w: Mapping[str, np.ndarray], prefix: str, x: np.ndarray) -> np.ndarray:
    y = x @ w[f"{prefix}.linear.weight"]
    return y + w[f"{prefix}.linear.bias"] if f"{prefix}.linear.bias" in w else y


def _norm(w: Mapping[str, np.ndarray], prefix: str, x: np.ndarray) -> np.ndarray:
    if f"{prefix}.norm.gamma" not in w:
        return x
    if f"{prefix}.norm.running_mean" in w:
        x = (x - w[f"{prefix}.norm.running_mean"]) / np.sqrt(w[f"{prefix}.norm.running_var"] + 1e-5)
    elif f"{prefix}.norm.beta" in w:
        x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    else:
        x = x / np.sqrt((x * x).mean() + 1e-5)
    return w[f"{prefix}.norm.gamma"] * x + w.get(f"{prefix}.norm.beta", 0)
