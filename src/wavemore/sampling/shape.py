"""How the model's distribution of the next character is shaped before one is drawn from it.

Shapes in this file
    n  rows   V  vocabulary, boundary id 0 included
"""

from dataclasses import dataclass

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY

__all__ = ["Shape"]


@dataclass(frozen=True)
class Shape:
    """How the model's distribution of the next character is shaped before a character is drawn from it."""

    temperature: float = 1.0
    """Divides the logits: below 1 likelier strings, above 1 stranger ones."""
    top_k: int | None = None
    """Only so many of the likeliest ids stay, and those that are as likely as the last of them."""
    top_p: float | None = None
    """Only the likeliest ids stay, as few as have this probability together."""

    def weights(self, logits: np.ndarray, *, may_end: bool) -> np.ndarray:
        """(n, V) logits -> (n, V) weights, proportional to the probabilities."""
        if not may_end:
            logits = logits.copy()
            logits[:, BOUNDARY] = -np.inf  # no string is empty
        shifted = logits - logits.max(axis=1, keepdims=True)
        if self.temperature != 1.0:
            shifted = shifted.astype(np.float64) / self.temperature  # minus infinity for a tiny one, and that is right
        weights = np.exp(shifted, out=shifted)
        if self.top_k is not None and self.top_k < weights.shape[1]:
            least = np.partition(weights, -self.top_k, axis=1)[:, -self.top_k, None]
            weights[weights < least] = 0
        if self.top_p is not None and self.top_p < 1:
            falling = -np.sort(-weights, axis=1)
            before = np.cumsum(falling, axis=1) - falling  # what the likelier ids have
            kept = np.maximum(1, (before < self.top_p * weights.sum(axis=1, keepdims=True)).sum(axis=1))
            least = falling[np.arange(len(falling)), kept - 1, None]
            weights[weights < least] = 0
        return weights
