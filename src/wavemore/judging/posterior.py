"""Which of several kinds a string is: from its log-likelihood under the model of each to probabilities.

Bayes' rule alone: the probability of a class is in proportion to its prior times the likelihood of the string,

    s_k  =  l_k + log prior_k                       P(k | string)  =  exp(s_k) / sum over classes of exp(s_j)

Models that have learned the strings that they are asked about are too sure, and so is one that takes the characters of
a string for more evidence than they are. `Weights` are learned from strings that no model has seen:

    s_k  =  a l_k + sum over classes of V_kj (l_j - mean l) + b_k + log prior_k

a makes all of it less sure (a temperature), b_k corrects for a class whose strings its model takes to be likelier than
they are, and V lets one class's likelihood speak for or against another class, as of two languages that are akin. They
are those that make the right classes likeliest (multinomial logistic regression), V and b held near 0 by a penalty.

Shapes in this file
    N  strings   K  classes
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from wavemore.errors import UsageError
from wavemore.settings.strict import suggestion

__all__ = ["Weights", "log_posteriors", "log_priors"]

_PENALTY_V, _PENALTY_B = 100.0, 0.01
_MOST_STEPS, _REMEMBERED, _SMALL = 300, 10, 1e-5


def log_priors(names: Sequence[object], priors: Mapping[Any, float] | None) -> np.ndarray:
    """The logarithms of the classes' shares, (K,), which sum to one; the same for each where none are given.

    priors    of each class a number above 0; they need not sum to one

    Raises `UsageError` for a class that is not there or has no prior, and for a number that is none.
    """
    if priors is None:
        return np.full(len(names), -np.log(len(names)))
    shown = ", ".join(map(str, names))
    for name in priors:
        if name not in names:
            near = suggestion(str(name), list(map(str, names)))
            raise UsageError(f"there is a prior for {name!r}{near}, and the classes are {shown}")
    missing = [str(name) for name in names if name not in priors]
    if missing:
        raise UsageError(f"there is no prior for {', '.join(missing)}; give one for each class: {shown}")
    numbers = np.zeros(len(names))
    for i, name in enumerate(names):
        try:
            numbers[i] = float(priors[name])
        except (TypeError, ValueError):
            numbers[i] = np.nan
        if not 0 < numbers[i] < np.inf:
            raise UsageError(f"the prior of {name} is {priors[name]}; it must be a finite number above 0")
    return np.log(numbers / numbers.max()) - np.log((numbers / numbers.max()).sum())


def log_posteriors(scores: np.ndarray) -> np.ndarray:
    """The logarithms of the classes' probabilities from `s`, (N, K) each; NaN where no class has one above 0, and where
    a score is NaN."""
    highest = scores.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):  # -inf minus -inf
        shifted = scores - highest
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


class Weights(NamedTuple):
    """How much the log-likelihoods of a string say of its class."""

    a: float
    b: np.ndarray
    """(K,)"""
    v: np.ndarray
    """(K, K): of the class whose score it is, and of the class whose likelihood speaks."""

    @classmethod
    def plain(cls, classes: int) -> Self:
        """Those of Bayes' rule alone."""
        return cls(1.0, np.zeros(classes), np.zeros((classes, classes)))

    @classmethod
    def learned(cls, likelihoods: np.ndarray, log_prior: np.ndarray, of: np.ndarray, counts: np.ndarray) -> Self:
        """Those that make the right classes likeliest.

        likelihoods    (N, K): log-likelihoods of strings that the models have not seen, all finite
        log_prior      (K,)
        of             (N,): the class of each string, from 0
        counts         (N,): how often each string counts
        """
        classes = likelihoods.shape[1]
        centred = likelihoods - likelihoods.mean(axis=1, keepdims=True)
        right, rows = np.eye(classes)[of], np.arange(len(of))

        def loss(numbers: np.ndarray) -> tuple[float, np.ndarray]:
            weights = cls._of(numbers, classes)
            log_p = log_posteriors(weights.scores(likelihoods, log_prior))  # (N, K)
            wrong = (np.exp(log_p) - right) * counts[:, None]
            penalty = _PENALTY_V * (weights.v**2).sum() + _PENALTY_B * (weights.b**2).sum()
            of_v = wrong.T @ centred + _PENALTY_V * weights.v
            slopes = np.concatenate(
                [[(wrong * centred).sum()], wrong.sum(axis=0) + _PENALTY_B * weights.b, of_v.ravel()]
            )
            return (penalty / 2 - (counts * log_p[rows, of]).sum()) / counts.sum(), slopes / counts.sum()

        start = np.zeros(1 + classes + classes * classes)
        start[0] = 1.0
        return cls._of(_minimised(loss, start), classes)

    @classmethod
    def _of(cls, numbers: np.ndarray, classes: int) -> Self:
        return cls(float(numbers[0]), numbers[1 : 1 + classes], numbers[1 + classes :].reshape(classes, classes))

    def scores(self, likelihoods: np.ndarray, log_prior: np.ndarray) -> np.ndarray:
        """`s` of each string and class, (N, K), from log-likelihoods, (N, K), and the logarithms of priors, (K,)."""
        if self.a == 1 and not self.v.any():  # Bayes' rule; likelihoods of 0 have no mean
            return likelihoods + self.b + log_prior
        centred = likelihoods - likelihoods.mean(axis=1, keepdims=True)
        return self.a * likelihoods + np.einsum("nj,kj->nk", centred, self.v) + self.b + log_prior


def _minimised(function: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray) -> np.ndarray:
    """Where a smooth convex function is lowest: L-BFGS (Nocedal and Wright, algorithm 7.4) with steps that are halved
    until they go down enough.

    function    its value and its slopes, (P,), at a point, (P,)
    """
    point, (value, slopes) = start, function(start)
    moves: list[
        tuple[np.ndarray, np.ndarray, float]
    ] = []  # of the last steps: the way, how the slopes changed, 1 / y.s
    for _ in range(_MOST_STEPS):
        if np.abs(slopes).max() < _SMALL:
            break
        way, shares = slopes.copy(), []
        for step, change, scale in reversed(moves):
            shares.append(scale * (step @ way))
            way -= shares[-1] * change
        way *= moves[-1][0] @ moves[-1][1] / (moves[-1][1] @ moves[-1][1]) if moves else 1 / np.linalg.norm(slopes)
        for (step, change, scale), share in zip(moves, reversed(shares), strict=True):
            way += (share - scale * (change @ way)) * step
        length, descent = 1.0, slopes @ way
        while True:
            there = point - length * way
            lower, new_slopes = function(there)
            if lower <= value - 1e-4 * length * descent or length < 1e-10:
                break
            length /= 2
        step, change = there - point, new_slopes - slopes
        if not lower < value:  # as low as rounding lets it get
            break
        if step @ change > 0:
            moves = [*moves[1 - _REMEMBERED :], (step, change, float(1 / (step @ change)))]
        point, value, slopes = there, lower, new_slopes
    return point
