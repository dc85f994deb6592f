"""The folded form: the same weights in NumPy alone, always in evaluation mode, for sampling, scoring and evaluating.

In evaluation mode a BatchNorm is an affine map of each channel, so it folds into the Linear before it:

    gamma * (x @ W + b - mean) / sqrt(var + eps) + beta  =  x @ (W * s) + (b - mean) * s + beta
    with s = gamma / sqrt(var + eps)

What is left of a level is one matrix product, one sum and one tanh. `nn.WaveNet` in evaluation mode is the oracle.

Shapes in this file
    N  contexts      T  context length      V  vocabulary, boundary id 0 included      H  channels of a level
"""

from collections.abc import Mapping

import numpy as np

from wavemore.config import ModelConfig
from wavemore.modelfile import ModelFile

__all__ = ["Engine", "log_softmax"]

_EPS = 1e-5  # of BatchNorm
_ROWS_AT_ONCE = 8192  # bounds the memory that activations take


class Engine:
    """Logits for contexts. Holds weights and nothing that changes: safe to share between threads."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self.vocabulary_size = len(weights["embedding.weight"])
        self._embedding = weights["embedding.weight"]  # (V, E)
        self._levels = [_folded(weights, f"levels.{i}") for i in range(len(config.groups))]
        self._head = _folded(weights, "head")  # (H, V), (V,)

    @classmethod
    def of(cls, model: ModelFile) -> "Engine":
        """The engine of a model file."""
        return cls(model.recipe.model, model.weights)

    def logits(self, contexts: np.ndarray) -> np.ndarray:
        """(N, T) ids -> (N, V) float32 logits of the id that follows each context."""
        out = np.empty((len(contexts), self.vocabulary_size), dtype=np.float32)
        for start in range(0, len(contexts), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            out[part] = self._logits(contexts[part])
        return out

    def _logits(self, contexts: np.ndarray) -> np.ndarray:
        x = self._embedding[contexts]  # (N, T, E)
        for n, (weight, bias) in zip(self.config.groups, self._levels, strict=True):
            rows, positions, channels = x.shape
            x = x.reshape(rows * (positions // n), n * channels)
            x = np.tanh(x @ weight + bias).reshape(rows, positions // n, -1)  # (N, T/n, H)
        weight, bias = self._head
        return x[:, 0] @ weight + bias  # (N, V)


def _folded(weights: Mapping[str, np.ndarray], prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """A Linear and the BatchNorm behind it, where there is one, as one weight and one bias; folded in float64."""
    weight = weights[f"{prefix}.linear.weight"].astype(np.float64)
    bias = weights.get(f"{prefix}.linear.bias", np.zeros(weight.shape[1]))
    if f"{prefix}.norm.gamma" in weights:
        gamma, beta, mean, var = (
            weights[f"{prefix}.norm.{name}"].astype(np.float64)
            for name in ("gamma", "beta", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(var + _EPS)
        weight, bias = weight * scale, (bias - mean) * scale + beta
    return weight.astype(np.float32), bias.astype(np.float32)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """The log of the softmax over the last axis, in float64 and without overflow."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
