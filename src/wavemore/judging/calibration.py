"""Whether a model is as sure as it has reason to be: does 30 % come true of what it expects with probability 0.3?

As in Guo et al. 2017 ("On Calibration of Modern Neural Networks", arXiv 1706.04599), the question is about the most
likely next id of each prediction: its probability is the confidence, and it comes true where that id follows.
Predictions are put into 15 bins of equal width by confidence. In each bin, the mean confidence is compared with the
share that came true; the expected calibration error (ECE) is the mean of the differences, weighted by the predictions
in each bin.

Shapes in this file
    N  predictions      n  distinct contexts      V  vocabulary
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from wavemore.predict.predictor import Distribution, finite

__all__ = ["BINS", "Calibration", "bin_sums", "top_predictions"]

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """How the probability of the most likely next id compares with how often it follows."""

    accuracy: float
    """The share of predictions whose most likely id follows."""
    confidence: float
    """The mean probability of the most likely id: above the accuracy, the model is too sure; below, not sure enough."""
    error: float
    """The expected calibration error, between 0 and 1."""
    error_by_chance: float
    """About what `error` would be by chance alone if each confidence were right, as no share of finitely many
    predictions is met exactly. Read `error` beside it."""

    @classmethod
    def of(cls, sums: np.ndarray) -> Self:
        """From the (4, bins) sums that `bin_sums` gives, of at least one prediction."""
        predictions, confidence, correct, variance = sums
        n = predictions.sum()
        return cls(
            accuracy=float(correct.sum() / n),
            confidence=float(confidence.sum() / n),
            error=float(np.abs(confidence - correct).sum() / n),
            # The mean of the absolute value of a normal variable is its deviation times the root of 2 / pi.
            error_by_chance=float(np.sqrt(variance * 2 / np.pi).sum() / n),
        )

    def to_dict(self) -> dict[str, float]:
        """For JSON."""
        return {
            "accuracy": self.accuracy,
            "confidence": self.confidence,
            "calibration_error": self.error,
            "calibration_error_by_chance": self.error_by_chance,
        }


def bin_sums(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """(4, bins) sums over predictions, which may be added to those of others: their number, their confidence, how many
    are correct, and the variance of that number if each confidence is right.

    confidence    (N,), above 0 and at most 1
    correct       (N,), truth values
    """
    place = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)  # (N,), a bin includes its upper end
    rows = (np.ones(len(place)), confidence, correct, confidence * (1 - confidence))
    return np.stack([np.bincount(place, weights=row, minlength=BINS) for row in rows])


def top_predictions(distribution: Distribution, strings: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The probability of the most likely id at each prediction, float64 (N,), and whether it is the one that follows,
    (N,), string after string, of at least one string. Raises what `log_probabilities` raises."""
    count = sum(map(len, strings)) + len(strings)
    confidence, correct = np.empty(count), np.empty(count, dtype=bool)
    with np.errstate(over="ignore", invalid="ignore"):  # numbers too large are refused
        for rows, context_of, logits, answers in distribution.predictions(strings):
            highest = finite(logits).max(axis=1, keepdims=True)  # (n, 1)
            confidence[rows] = (1 / np.exp(logits - highest).sum(axis=1, dtype=np.float64))[context_of]
            correct[rows] = logits.argmax(axis=1)[context_of] == answers
    return confidence, correct
