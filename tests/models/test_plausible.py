"""Which strings are plausible, by those held out, and which are taken of those that come."""

import math

import numpy as np
import pytest
from models_at_random import ABC, network

from wavemore.errors import ModelFileError
from wavemore.judging.likelihood import log_likelihoods
from wavemore.models.fingerprints import SURPRISE
from wavemore.models.plausible import Choice, Plausible
from wavemore.predict.predictor import Distribution, log_probabilities

STRINGS = [a + b + c + d for a in "abc" for b in "abc" for c in "abc" for d in ("", "a", "bb")]


@pytest.fixture(scope="module")
def distribution() -> Distribution:
    return Distribution(network(3), ABC)


def surprises(distribution: Distribution, string: str) -> tuple[float, float]:
    """The mean and the highest of a string's, nats."""
    nats = -log_probabilities(distribution, [string])
    return float(nats.mean()), float(nats.max())


def test_the_limits_are_those_of_nine_in_ten_and_of_19_in_20(distribution):
    found = Plausible.of(distribution, STRINGS)
    assert found is not None
    means, worst = zip(*(surprises(distribution, string) for string in STRINGS), strict=True)
    assert found == pytest.approx((np.quantile(means, 0.9), np.quantile(worst, 0.95)), rel=1e-6)
    assert means[5] == pytest.approx(-log_likelihoods(distribution, [STRINGS[5]])[0] / (len(STRINGS[5]) + 1))


def test_few_held_out_strings_set_no_limits(distribution):
    assert Plausible.of(distribution, [*STRINGS[:39], "xyz", "z"]) is None
    assert Plausible.of(distribution, STRINGS[:40]) is not None


def test_strings_are_measured_by_the_limit_that_they_come_nearest_to(distribution, monkeypatch):
    monkeypatch.setattr("wavemore.predict.predictor._STRINGS_AT_ONCE", 7)  # portions change nothing
    limits = Plausible(3.2, 6.5)
    excess = limits.excess(distribution, STRINGS)
    for string, found in zip(STRINGS, excess.tolist(), strict=True):
        mean, worst = surprises(distribution, string)
        assert found == pytest.approx(max(mean / 3.2, worst / 6.5))
    assert 0 < (excess <= 1).sum() < len(STRINGS)


class Told(Plausible):
    """Strings are numbers: how surprising they are, 1 the most that is plausible."""

    def excess(self, distribution: Distribution, strings) -> np.ndarray:
        return np.array([float(string) for string in strings])


@pytest.mark.parametrize("batch", [1, 3, 40])
def test_of_eight_in_a_row_that_are_not_plausible_the_least_surprising_comes(distribution, batch):
    seven = ["9", "8", "2", "7", "3", "6", "5"]
    strings = ["1", *seven, "0.5", *seven, "4", "0.1", "9"]
    choice = Choice(distribution, Told(1, 1))
    taken = [s for start in range(0, len(strings), batch) for s in choice(strings[start : start + batch], 99)]
    assert taken == ["1", "0.5", "2", "0.1"]
    assert choice.implausible == 1
    assert choice.rest(9) == ["9"]  # the others are forgotten


def test_no_more_are_taken_than_asked_for_and_what_was_passed_over_comes_last(distribution):
    choice = Choice(distribution, Told(1, 1), keeps=True)
    assert choice(["3", "1", "2", "0.9", "0.8"], 2) == ["1", "0.9"]
    assert choice([str(n) for n in range(20, 10, -1)], 5) == ["13"]
    assert choice.rest(3) == ["2", "3", "11"]


@pytest.mark.parametrize("limits", [(math.nan, 1), (1, math.inf), (0, 1), (1, -2)])
def test_limits_of_a_file_are_checked(limits):
    assert Plausible.from_arrays({}, "it") is None
    assert Plausible.from_arrays({SURPRISE: Plausible(1.5, 2.5).array()}, "it") == (1.5, 2.5)
    with pytest.raises(ModelFileError, match=r"it holds held_out\.surprise as float32 of"):
        Plausible.from_arrays({SURPRISE: np.array(limits, dtype=np.float32)}, "it")
