"""How the model's distribution of the next character is shaped before one is drawn from it.

Shapes in this file
    n  rows   V  vocabulary, boundary id 0 included
"""

import sys
from dataclasses import dataclass

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import BOUNDARY
from wavemore.settings.strict import whole_number

__all__ = ["UNSHAPED", "Shape"]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How the model's distribution of the next character is shaped before a character is drawn from it. Raises
    `UsageError` for a value that makes no sense."""

    temperature: float = 1.0
    """Divides the logits: below 1 likelier strings, above 1 stranger ones."""
    top_k: int | None = None
    """Only this number of ids stay, the likeliest, and those that are as likely as the last of them."""
    top_p: float | None = None
    """Only the likeliest ids stay, as few as have this probability together."""

    def __post_init__(self) -> None:
        numbers = int | float | np.integer | np.floating
        if not isinstance(self.temperature, numbers) or not 0 < self.temperature <= sys.float_info.max:
            raise UsageError(f"the temperature is {self.temperature!r}; it must be a finite number above 0")
        if self.top_k is not None:
            whole_number("top_k", self.top_k, 1)
        if self.top_p is not None and not (isinstance(self.top_p, numbers) and 0 < self.top_p <= 1):
            raise UsageError(f"top_p is {self.top_p!r}; it must be a number above 0 and up to 1")

    def weights(self, logits: np.ndarray, *, may_end: bool) -> np.ndarray:
        """(n, V) logits -> (n, V) weights, proportional to the probabilities."""
        if not may_end:
            logits = logits.copy()
            logits[:, BOUNDARY] = -np.inf  # no string is empty
        shifted = logits - logits.max(axis=1, keepdims=True)
        if self.temperature != 1.0:
            shifted = shifted.astype(np.float64) / float(
                self.temperature
            )  # minus infinity for a tiny one, and that is right
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


UNSHAPED = Shape()
"""The model's own distribution."""
