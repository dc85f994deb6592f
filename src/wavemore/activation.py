"""What stands between two levels, in NumPy: LayerNorm or RMSNorm, and the activations. `nn/layers.py` is the oracle.

Shapes in this file
    n  rows   W  channels that come in   H  channels that go out, W / 2 after a gate
"""

import numpy as np

from wavemore.config import ModelConfig

__all__ = ["EPS", "activated"]

EPS = 1e-5  # of every norm


def activated(y: np.ndarray, config: ModelConfig, gamma: np.ndarray | None, beta: np.ndarray | None) -> np.ndarray:
    """(n, W) -> (n, H): norm and activation as the model's settings say. y is overwritten.

    `gamma` and `beta` are those of a LayerNorm, or gamma alone of an RMSNorm; None where there is no such norm.
    """
    if config.norm == "layer":
        y -= y.mean(axis=1, keepdims=True)
    if gamma is not None:
        y *= 1 / np.sqrt(np.square(y).mean(axis=1, keepdims=True) + np.float32(EPS))
        y *= gamma
    if beta is not None:
        y += beta
    if config.activation == "gelu":
        return _gelu(y)
    if config.activation == "gated":
        return _gated(y)
    return np.tanh(y, out=y)


def _gated(y: np.ndarray) -> np.ndarray:
    """tanh of the first half of the channels times the sigmoid of the second: (n, 2 H) -> (n, H)."""
    half = y.shape[1] // 2
    signal = np.tanh(y[:, :half])
    gate = np.tanh(y[:, half:] * np.float32(0.5))  # sigmoid(z) = (1 + tanh(z / 2)) / 2, without overflow
    gate += 1
    gate *= np.float32(0.5)
    gate *= signal
    return gate


def _gelu(y: np.ndarray) -> np.ndarray:
    """x times the standard normal's distribution function at x, that is max(x, 0) - |x| erfc(|x| / sqrt(2)) / 2.

    NumPy has no erfc: Abramowitz and Stegun's formula 7.1.26, whose error is below 1.5e-7.
    """
    size = np.abs(y)
    t = size * np.float32(0.3275911 / 2**0.5)
    t += 1
    np.divide(1, t, out=t)
    tail = t * np.float32(1.061405429 / 2)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(coefficient / 2)
        tail *= t
    tail *= size
    y += size  # this and the half are max(y, 0), which NumPy computes faster so
    y *= np.float32(0.5)
    with np.errstate(over="ignore", under="ignore"):
        np.square(size, out=size)
        size *= np.float32(-0.5)
        tail *= np.exp(size, out=size)
    y -= tail
    return y
