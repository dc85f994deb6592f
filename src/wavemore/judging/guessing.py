"""Guess numbers: a string's place in the list of all strings, the most likely first.

The guess number of x is the number of strings strictly likelier than x, plus one: how many strings someone tries who
knows the model and goes down the list until x comes. No such list can be written down, but samples tell how long it is
(Dell'Amico and Filippone 2015, "Monte Carlo strength evaluation"): of N samples, each stands for 1 / (N p) strings as
likely as itself.

Here a string counts once, however often it was drawn (Horvitz and Thompson 1952). One that N draws hit with the chance
h stands for 1 / h strings: itself, which is sure, and (1 - h) / h that were not drawn. Of rare strings that is the same
number; likely ones, which every sample has, are counted without any error.

The interval is about the unseen strings alone, for the seen ones are a fact. Their estimated number is a sum of few or
many unequal weights, and a normal interval would miss the truth too often where few of them dominate. So it is a gamma
interval, as for standardised rates (Fay and Feuer 1997): the lower end is the 2.5 % quantile of the gamma distribution
with the estimate's mean and variance, the upper end the 97.5 % quantile once half a string as rare as x is added, since
the next sample might have found one. Half instead of a whole one gives about the coverage of a mid-P interval (Fay and
Kim 2017); both ends are rounded outwards to whole strings. The upper end is never above 1 / p(x): more strings as
likely have no room. Of a string much rarer than any sample the estimate is mostly too low, and the upper end far off.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from wavemore.conventions import brief
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.predictor import Distribution, finite, log_probabilities, log_sum_exp, portions
from wavemore.sampling.sample import sample_strings
from wavemore.settings.strict import whole_number

__all__ = ["GuessNumbers", "Guesses"]

_TAIL = 1.959964  # standard deviations: the interval has 95 %
_SAME = 1e-5  # nats: log-likelihoods closer than this differ by rounding
_LONGEST = 1000  # characters: where a sample is cut


class GuessNumbers(NamedTuple):
    """Estimated guess numbers, and the 95 % interval of each: float64, (strings,) each, 1 or more. All three are
    infinite for a string of probability zero, which never comes, and where a number is above 1e308."""

    __repr__ = brief

    number: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Guesses:
    """What samples of a model tell about the number of strings down to each log-likelihood.

    The three sums are logs, since 1 / p may be larger than any float. At place k stands the sum over the k likeliest
    samples; u = (1 - h) / h is the number of unseen strings that a sample stands for, q the chance of one draw.
    """

    __repr__ = brief

    scores: np.ndarray
    """(k,): the log-likelihoods of the distinct samples, the highest first."""
    samples: int
    """N: how many were drawn."""
    empty: float
    """The log-likelihood of the empty string, which is never drawn."""
    not_empty: float
    """The log-probability that a string is not empty."""
    unseen: np.ndarray
    """(k + 1,): of u."""
    variances: np.ndarray
    """(k + 1,): of u (1 + u), which estimates the variance of the sum of u if each string comes by itself."""
    shared: np.ndarray
    """(k + 1,): of q u (1 + u). N times its square is how much smaller the variance is because exactly N are drawn."""

    @classmethod
    def of(
        cls, distribution: Distribution, *, samples: int = 100_000, seed: int | None = 0, progress: bool = False
    ) -> Self:
        """Draw this many samples, the same ones for the same seed. Drawn strings end at 1,000 characters, so longer
        ones do not count. Raises `UsageError` for a number of samples below 1, and `ModelFileError` where the model's
        numbers overflow."""
        from wavemore.progress import counted as progress_of

        samples = whole_number("the number of samples", samples, 1)
        drawn = sample_strings(distribution, samples, max_length=_LONGEST, seed=seed)
        drawn = progress_of(drawn, samples, "sampling for guess numbers", quiet=not progress)
        strings = list(dict.fromkeys(drawn))  # each once
        watched = progress_of(strings, len(strings), "scoring these samples", quiet=not progress)
        scores = log_likelihoods(distribution, watched)
        first = finite(distribution.predictor.start(1).logits)  # (1, V)
        whole = log_sum_exp(first)[0]
        not_empty = float(log_sum_exp(np.delete(first, BOUNDARY, axis=1))[0] - whole)
        chances = _chances(distribution, strings, scores) - not_empty
        return cls.counted(scores, chances, samples, empty=float(first[0, BOUNDARY] - whole), not_empty=not_empty)

    @classmethod
    def counted(
        cls, scores: np.ndarray, chances: np.ndarray, samples: int, *, empty: float = -np.inf, not_empty: float = 0.0
    ) -> Self:
        """From what was drawn.

        scores       (k,): the log-likelihoods of the distinct strings among the samples, in any order
        chances      (k,): the log-probability of each to be what one sample is
        samples      N: how many samples there were, repeated ones too
        empty        the log-likelihood of the empty string, which is not among them
        not_empty    the log-probability that a string is not empty
        """
        order = np.argsort(-scores, kind="stable")
        u, variance = _unseen(chances[order], samples)
        sums = (_cumulated(terms) for terms in (u, variance, chances[order] + variance))
        return cls(scores[order], samples, empty, not_empty, *sums)

    def numbers(self, log_likelihoods: np.ndarray) -> GuessNumbers:
        """The guess numbers of strings with these log-likelihoods, (strings,), of the same model."""
        scores = np.asarray(log_likelihoods, dtype=np.float64)
        likelier = np.searchsorted(-self.scores, -scores - _SAME, side="left")  # (strings,) distinct samples
        place = 1.0 + likelier + (self.empty > scores + _SAME)  # the seen strings, of which there is no doubt
        unseen, variance = self.unseen[likelier], self.variances[likelier]
        shared = np.log(self.samples) + 2 * self.shared[likelier] - np.where(np.isneginf(variance), 0, variance)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            variance = variance + np.log1p(-np.minimum(1, np.exp(shared)))
            more, more_variance = (np.log(0.5) + part for part in _unseen(scores - self.not_empty, self.samples))
            most = np.maximum(np.exp(-scores), place)  # more strings as likely would have probabilities above 1 in all
            low = np.floor(_gamma_quantile(unseen, variance, -_TAIL))
            high = np.ceil(_gamma_quantile(np.logaddexp(unseen, more), np.logaddexp(variance, more_variance), _TAIL))
            number = np.minimum(np.exp(unseen), high)  # of unseen strings, where there is hardly one
            found = (np.minimum(place + end, most) for end in (number, low, high))
            return GuessNumbers(*(np.where(np.isneginf(scores), np.inf, end) for end in found))


def _chances(distribution: Distribution, strings: list[str], scores: np.ndarray) -> np.ndarray:
    """The log-probability by which each of the strings came, (strings,): its score, but for one that was cut that a
    string begins so."""
    chances = scores.copy()
    cut = [i for i, string in enumerate(strings) if len(string) >= _LONGEST]
    done = 0
    for part in portions(strings[i] for i in cut):
        terms = log_probabilities(distribution, part)
        ends = np.cumsum([len(string) + 1 for string in part]) - 1
        terms[ends] = 0  # the sampler did not ask whether the string ends here
        chances[cut[done : done + len(part)]] = np.add.reduceat(terms, [0, *(ends[:-1] + 1)])
        done += len(part)
    return chances


def _unseen(chances: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """The logs of u = (1 - h) / h and of u (1 + u), where h is the chance that a string is among this many samples.

    chances    (n,): the log of the chance that it is one sample
    """
    chances = np.minimum(chances, 0)  # rounding may lift it above
    with np.errstate(divide="ignore", under="ignore"):
        # (1 - q)^N is exp(-expected). For tiny q, log(1 - q) is -q; there the log stays where exp would be zero.
        expected = np.log(samples) + np.where(chances < -40, chances, np.log(-np.log1p(-np.exp(chances))))
        times = np.exp(expected)
        u = -np.where(times > 1e-8, times + np.log(-np.expm1(-times)), expected)
    return u, u + np.logaddexp(0, u)


def _cumulated(logs: np.ndarray) -> np.ndarray:
    """The logs of the cumulated sums, none first: (n,) -> (n + 1,)."""
    return np.logaddexp.accumulate(np.concatenate([[-np.inf], logs]))


def _gamma_quantile(log_mean: np.ndarray, log_variance: np.ndarray, z: float) -> np.ndarray:
    """The quantile, z standard deviations from the middle, of the gamma distribution of this mean and variance: (n,).

    By the cube of a normal variable (Wilson and Hilferty 1931), which the upper tail follows within 1 % from shape 1
    up; the lower one is then too low rather than too high.
    """
    ratio = np.where(np.isneginf(log_mean), -np.inf, log_variance / 2 - log_mean)  # of deviation and mean, a log
    spread = np.exp(np.minimum(ratio, 10)) / 3  # beyond, its square could overflow, and the cube is zero anyway
    cube = np.maximum(0, 1 - spread**2 + z * spread) ** 3
    return np.exp(log_mean + np.log(cube))
