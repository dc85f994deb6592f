"""How much of its list a model knows by heart: how many times likelier it makes a training string than a held-out one.

A model that has learned what strings of a kind look like, and none by heart, gives the strings that it was trained on
no more probability than others of the kind. So the mean probability of the distinct training strings is divided by that
of the distinct held-out strings which are not among them. The ratio is the factor: 1 where nothing is known by heart.

With the strings themselves all of it is exact. With a model file alone, whose fingerprints tell the part in which a
string stood, the probability of all training strings together is the share of samples that are training strings.

The 95 % interval says how far off the factor may be because other strings of the list could have fallen into the parts,
and other samples have been drawn. By the delta method, the logarithm of a mean of n probabilities p has the variance
sum(p**2) / sum(p)**2 - 1 / n, and a share of which k samples were hits adds 1 / k (Katz et al. 1978, "Obtaining
confidence intervals for the risk ratio in cohort studies"); the logarithm of the factor has the sum of both parts'
variances. It holds for distinct strings that were put into the parts at random. In the lecture's split a string that
repeats falls more often into the training part, and such strings are the likely ones: there the factor is above 1 even
where a model knows nothing by heart, and it may be with validation lists of one's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from math import exp, log, sqrt
from typing import Any

import numpy as np

from wavemore.errors import UsageError
from wavemore.judging.bootstrap import FEWEST
from wavemore.judging.likelihood import log_likelihoods
from wavemore.models.fingerprints import Fingerprints
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution

__all__ = ["Mass", "Memorisation", "check_fingerprints", "estimated", "exact"]

_DEVIATIONS = 1.959964  # of a normal variable, which 95 % lie within


@dataclass(frozen=True)
class Mass:
    """The probabilities of some distinct strings."""

    strings: int
    """How many strings."""
    total: float
    """The sum of their probabilities: the share of samples that are one of them."""
    squares: float
    """The sum of their probabilities' squares."""
    hits: int | None = None
    """How many samples the sums are estimated from; None where they are exact."""

    @property
    def variance(self) -> float | None:
        """That of the logarithm of the mean probability; None of fewer than 10 strings or hits."""
        if self.strings < FEWEST or not self.total or (self.hits is not None and self.hits < FEWEST):
            return None
        spread = max(0.0, self.squares / self.total**2 - 1 / self.strings)
        return spread + (0.0 if self.hits is None else 1 / self.hits)


@dataclass(frozen=True)
class Memorisation:
    """What a model makes of its training strings, and of those held out."""

    train: Mass
    held_out: Mass
    """Without strings that stand in the training part too."""
    samples: int | None = None
    """How many samples all is estimated from; None where it is exact."""

    @property
    def factor(self) -> float | None:
        """How many times as likely as a held-out string a training string is, on average; None where there are none of
        either, or no sample is."""
        if not self.train.total or not self.held_out.total:
            return None
        return (self.train.total / self.train.strings) / (self.held_out.total / self.held_out.strings)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The factor's 95 % interval; None where a part has fewer than 10 strings, or fewer than 10 samples are."""
        factor, train, held_out = self.factor, self.train.variance, self.held_out.variance
        if factor is None or train is None or held_out is None:
            return None
        reach = _DEVIATIONS * sqrt(train + held_out)
        return exp(log(factor) - reach), exp(log(factor) + reach)

    @property
    def sentence(self) -> str:
        """All of it in plain words."""
        if self.factor is None:
            return "there are too few strings, or they are too unlikely, to tell what the model knows by heart"
        said = f"a training string is {self.factor:.2f} times as likely as a held-out one"
        if self.interval is None:
            return f"{said}, of too few strings to tell what the model knows by heart"
        low, high = self.interval
        said += f" (95 % interval {low:.2f} to {high:.2f}): "
        if low > 1:
            return said + "the model knows strings by heart, or likelier ones were put into the training part"
        if high < 1:
            return said + "likelier strings were held out than learned, so the parts differ in kind"
        return said + "there is no sign that the model knows strings by heart"

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "train_strings": self.train.strings,
            "train_probability": self.train.total,
            "held_out_strings": self.held_out.strings,
            "held_out_probability": self.held_out.total,
            "factor": self.factor,
            "factor_interval": self.interval and list(self.interval),
            "samples": self.samples,
        }


def exact(distribution: Distribution, train: Sequence[str], held_out: Sequence[str]) -> Memorisation:
    """From the strings of the two parts. Raises `ModelFileError` where the model's numbers overflow."""
    known = dict.fromkeys(train)
    apart = [string for string in dict.fromkeys(held_out) if string not in known]
    return Memorisation(_mass(distribution, known), _mass(distribution, apart))


def estimated(file: ModelFile, distribution: Distribution, samples: Sequence[str]) -> Memorisation:
    """From the model file, its distribution, and at least one sample of it, independent and under no conditions.

    Raises what `check_fingerprints` raises, and `ModelFileError` where the model's numbers overflow.
    """
    kept = check_fingerprints(file)
    learned = kept.train(samples)  # (samples,)
    aside = kept.held_out(samples) & ~learned
    kept_aside = np.setdiff1d(kept.aside, kept.training, assume_unique=True)

    def mass(strings: int, hit: np.ndarray) -> Mass:
        probabilities = np.exp(log_likelihoods(distribution, compress(samples, hit)))
        # A sample is a string with its probability p: the mean of p over samples is the sum of p**2 over strings.
        return Mass(strings, float(hit.mean()), float(probabilities.sum()) / len(samples), int(hit.sum()))

    return Memorisation(mass(len(kept.training), learned), mass(len(kept_aside), aside), len(samples))


def check_fingerprints(file: ModelFile) -> Fingerprints:
    """Those of a model file. Raises `UsageError` where it has none."""
    if file.fingerprints is None:
        raise UsageError(
            f"{f'the model {file.path}'.rstrip()} keeps no fingerprints of its strings, so it cannot tell them from "
            "others; evaluate it on its list with --memory, or train it again with data.remember = true"
        )
    return file.fingerprints


def _mass(distribution: Distribution, strings: Iterable[str]) -> Mass:
    probabilities = np.exp(log_likelihoods(distribution, strings))
    return Mass(len(probabilities), float(probabilities.sum()), float(np.square(probabilities).sum()))
