"""What the numbers of a study say: means with 95 % intervals over seeds, and verdicts. Knows nothing of models.

The verdict on an effect compares its interval with the smallest effect that matters, which is named before anything is
run:

    supported        the whole interval lies at or above it
    not supported    the whole interval lies below it: the effect is smaller than matters, absent, or the other way
    undecided        it lies inside the interval: more seeds would be needed

So a small effect, however sure, does not support a claim, and neither does a large one of which nobody can be sure.
"""

from collections.abc import Sequence
from math import atan, cos, pi, sin, sqrt
from typing import Literal, NamedTuple, Self

import numpy as np

from wavemore.errors import UsageError

__all__ = ["FEWEST", "Interval", "Verdict", "chosen_by_others", "student_quantile", "verdict", "verdict_of_all"]

Verdict = Literal["supported", "not supported", "undecided"]

LEVEL = 0.95
FEWEST = 5
"""Seeds that a study has at least."""


class Interval(NamedTuple):
    """A mean over seeds and its 95 % interval."""

    mean: float
    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float] | np.ndarray) -> Self:
        """The interval of Student's t. Where the values are differences of two models on the same seeds, it is the
        paired one. Raises `UsageError` for fewer than two values."""
        values = np.asarray(values, dtype=np.float64)
        if len(values) < 2:
            raise UsageError(f"an interval over seeds needs at least 2 of them, and there is {len(values)}")
        mean = float(values.mean())
        half = student_quantile(len(values) - 1) * float(values.std(ddof=1)) / sqrt(len(values))
        return cls(mean, mean - half, mean + half, len(values))


def verdict(interval: Interval, matters: float) -> Verdict:
    """What an effect's interval says, where an effect of `matters` or more supports the claim."""
    if interval.low >= matters:
        return "supported"
    return "not supported" if interval.high < matters else "undecided"


def verdict_of_all(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a claim that needs several effects: one that is not supported is enough to refuse it."""
    if all(one == "supported" for one in verdicts):
        return "supported"
    return "not supported" if "not supported" in verdicts else "undecided"


def chosen_by_others(losses: np.ndarray) -> np.ndarray:
    """For each seed the loss of the option that is best on average over all other seeds: (options, seeds) -> (seeds,).

    A minimum over options on the very seeds that are then reported would flatter what has more options to choose from.
    """
    losses = np.asarray(losses, dtype=np.float64)
    options, seeds = losses.shape
    if options == 1:
        return losses[0]
    if seeds < 2:
        raise UsageError(f"a choice by the other seeds needs at least 2 of them, and there is {seeds}")
    others = losses.sum(axis=1, keepdims=True) - losses  # (options, seeds), sums over all other seeds
    return losses[others.argmin(axis=0), np.arange(seeds)]


def student_quantile(freedom: int) -> float:
    """The t that Student's distribution with this many degrees of freedom exceeds, to either side, 5 times in 100."""
    low, high = 0.0, 1000.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _central(middle, freedom) < LEVEL else (low, middle)
    return high


def _central(t: float, freedom: int) -> float:
    """The probability that Student's t lies between -t and t: Abramowitz and Stegun 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(freedom))
    if freedom == 1:
        return 2 * angle / pi
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = term
    for k in range(2 + odd, freedom - 1, 2):
        term *= (k - 1) / k * cos(angle) ** 2
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
