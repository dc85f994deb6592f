"""The activations and their slopes, in NumPy: d_x = d_y * slope, where a gate's two halves take the same d_y.

Forward, y goes into the array `out`, and what the slope needs is kept: the way back needs the slope alone, so that it
can be worked out meanwhile, and may overwrite what was kept. `nn/layers.py` is the oracle.

Shapes in this file
    n  rows     W  channels that come in     H  channels that go out: W, or W / 2 after a gate
"""

from collections.abc import Callable
from math import erf, pi, sqrt

import numpy as np

from wavemore.predict.activation import QUICK_GELU, gelu_divisor

__all__ = ["ACTIVATIONS"]

Kept = tuple[np.ndarray, ...]


def _none(x: np.ndarray, out: np.ndarray) -> Kept:
    np.copyto(out, x)
    return (x,)


def _none_slope(kept: Kept) -> np.ndarray:
    return np.ones_like(kept[0])


def _tanh(x: np.ndarray, out: np.ndarray) -> Kept:
    y = _sigmoid(x * 2)
    y *= 2
    y -= 1  # tanh(x) = 2 sigmoid(2 x) - 1
    np.copyto(out, y)
    return (y,)


def _tanh_slope(kept: Kept) -> np.ndarray:
    """1 - y^2."""
    (y,) = kept
    np.square(y, out=y)
    return np.subtract(1, y, out=y)


def _gated(x: np.ndarray, out: np.ndarray) -> Kept:
    """(n, 2 H) -> (n, H): tanh of one half times the sigmoid of the other."""
    half = out.shape[1]
    y = x.copy()
    y[:, :half] *= 2
    _sigmoid(y)
    signal, gate = y[:, :half], y[:, half:]
    signal *= 2
    signal -= 1
    np.multiply(signal, gate, out=out)
    return (y,)


def _gated_slope(kept: Kept) -> np.ndarray:
    """gate (1 - signal^2) and signal gate (1 - gate), side by side."""
    (y,) = kept
    half = y.shape[1] // 2
    signal, gate = y[:, :half], y[:, half:]
    slope = np.empty_like(y)
    np.square(signal, out=slope[:, :half])
    np.subtract(1, slope[:, :half], out=slope[:, :half])
    slope[:, :half] *= gate
    np.subtract(1, gate, out=slope[:, half:])
    slope[:, half:] *= gate
    slope[:, half:] *= signal
    return slope


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), which takes half the time of NumPy's tanh. x is overwritten."""
    np.negative(x, out=x)
    with np.errstate(over="ignore", under="ignore"):
        np.exp(x, out=x)
    x += 1
    return np.reciprocal(x, out=x)


def _quick_gelu(x: np.ndarray, out: np.ndarray) -> Kept:
    """x times the sigmoid of 1.702 x."""
    sigmoid = _sigmoid(x * QUICK_GELU)
    np.multiply(x, sigmoid, out=out)
    return x, sigmoid


def _quick_gelu_slope(kept: Kept) -> np.ndarray:
    """sigmoid (1 + 1.702 x (1 - sigmoid))."""
    x, sigmoid = kept
    slope = 1 - sigmoid
    slope *= x
    slope *= QUICK_GELU
    slope += 1
    slope *= sigmoid
    return slope


def _gelu(x: np.ndarray, out: np.ndarray) -> Kept:
    """x times the standard normal's distribution function at x."""
    square = np.square(x)
    below = _below(x, square)  # (n, W)
    np.multiply(x, below, out=out)
    return x, square, below


def _gelu_slope(kept: Kept) -> np.ndarray:
    """The distribution function at x, and x times the density."""
    x, square, below = kept
    square *= x.dtype.type(-0.5)
    with np.errstate(under="ignore"):
        slope = np.exp(square, out=square)
    slope *= x.dtype.type(1 / sqrt(2 * pi))  # the density
    slope *= x
    slope += below
    return slope


_erf = np.vectorize(erf, otypes=[np.float64])


def _below(x: np.ndarray, square: np.ndarray) -> np.ndarray:
    """The probability that a standard normal is below x; in float32 to 1e-7."""
    if x.dtype == np.float64:
        return 0.5 * (1 + _erf(x / sqrt(2)))
    divisor = gelu_divisor(x, square)
    return np.reciprocal(divisor, out=divisor)


ACTIVATIONS: dict[str, tuple[Callable[[np.ndarray, np.ndarray], Kept], Callable[[Kept], np.ndarray]]] = {
    "none": (_none, _none_slope),
    "tanh": (_tanh, _tanh_slope),
    "gelu": (_gelu, _gelu_slope),
    "quick_gelu": (_quick_gelu, _quick_gelu_slope),
    "gated": (_gated, _gated_slope),
}
"""x, (n, W), and an array for y, (n, H), to what is kept; and that to the slope, (n, W)."""
