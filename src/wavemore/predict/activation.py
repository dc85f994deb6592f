"""What stands between two levels, in NumPy: LayerNorm or RMSNorm, and the activations. `nn/layers.py` is the oracle.

Shapes in this file
    n  rows   W  channels that come in   H  channels that go out, W / 2 after a gate
"""

import numpy as np

from wavemore.settings.config import ModelConfig

__all__ = ["EPS", "QUICK_GELU", "activated", "gelu_divisor", "multiples"]

EPS = 1e-5  # of every norm
QUICK_GELU = 1.702  # by what a sigmoid's argument is multiplied to be near the standard normal's distribution function
_GELU = 2 * np.array(
    [
        0.7978842683866169,
        0.036334149187109886,
        -3.302675402679236e-05,
        -5.527337086145929e-05,
        3.974068580988158e-06,
        -1.3378306383337927e-07,
        1.8139242303121539e-09,
    ],
    np.float32,
)  # 2 P's coefficients, that of the constant first


def multiples(config: ModelConfig) -> np.ndarray | None:
    """By what channels are multiplied before `activated` gets them, (W,), or None: by powers of two and -1, so nothing
    is rounded, and it is done in the weights. tanh and sigmoid are then quotients of exponentials of what comes in:

        tanh(a)  =  2 / (1 + exp(-2 a)) - 1          sigmoid(b)  =  1 / (1 + exp(-b))
    """
    if config.activation == "tanh":
        return np.full(config.hidden, -2.0)
    return np.repeat((-2.0, -1.0), config.hidden) if config.activation == "gated" else None


def activated(y: np.ndarray, config: ModelConfig, gamma: np.ndarray | None, beta: np.ndarray | None) -> np.ndarray:
    """(n, W) -> (n, H): norm and activation as the model's settings say. y is overwritten.

    `gamma` and `beta` are those of a LayerNorm, whose rows come with mean 0, or gamma alone of an RMSNorm; None where
    there is no such norm. They, or y itself where there is none, have been multiplied by `multiples`.
    """
    if gamma is not None:
        # One pass without a copy; each row's sum is its own, whatever rows stand beside it.
        square = np.einsum("ij,ij->i", y, y)[:, None] / np.float32(y.shape[1])
        y *= 1 / np.sqrt(square + np.float32(EPS))
        y *= gamma
    if beta is not None:
        y += beta
    if config.activation == "gelu":
        return _gelu(y)
    if config.activation == "quick_gelu":
        return _quick_gelu(y)
    with np.errstate(over="ignore", under="ignore"):  # infinity stands for -1 or 0, which it becomes
        np.exp(y, out=y)
    y += 1
    signal = np.divide(2, y[:, : config.hidden])
    signal -= 1
    if config.activation == "gated":
        signal /= y[:, config.hidden :]
    return signal


def _quick_gelu(y: np.ndarray) -> np.ndarray:
    """x times the sigmoid of 1.702 x. y is overwritten."""
    divisor = y * np.float32(-QUICK_GELU)
    with np.errstate(over="ignore", under="ignore"):
        np.exp(divisor, out=divisor)
    divisor += 1
    y /= divisor
    return y


def _gelu(y: np.ndarray) -> np.ndarray:
    """x times the standard normal's distribution function at x. y is overwritten."""
    y /= gelu_divisor(y, np.square(y))
    return y


def gelu_divisor(y: np.ndarray, square: np.ndarray) -> np.ndarray:
    """1 over the standard normal's distribution function at y, float32, from y and its square.

    NumPy has no erf. The distribution function is 1 / (1 + exp(-2 x P(x^2))) for a P that is nearly straight: here a
    polynomial fitted to the least largest error of the product, below 1e-7; rounding adds up to 2e-7 of the value.
    """
    exponent = square * -_GELU[-1]
    for coefficient in _GELU[-2:0:-1]:
        exponent -= coefficient
        exponent *= square
    exponent -= _GELU[0]
    exponent *= y
    with np.errstate(over="ignore", under="ignore"):
        np.exp(exponent, out=exponent)
    exponent += 1
    return exponent
