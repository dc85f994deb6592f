"""Plausible strings are distributed as the model's own, on the condition that they are plausible."""

from collections import Counter
from contextlib import nullcontext

import numpy as np
import pytest
from enumerated import ABC, chi_square_z, enumerated, sharp_engine, short

from wavemore.errors import SamplingError
from wavemore.models.plausible import Plausible
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Condition, EndsWith, Length, StartsWith
from wavemore.sampling.sample import plausible_by_itself, sample_strings
from wavemore.sampling.shape import UNSHAPED, Shape

N = 20_000
DISTRIBUTION = Distribution(sharp_engine(), ABC)


@pytest.fixture(scope="module")
def limits() -> Plausible:
    found = plausible_by_itself(DISTRIBUTION, 8)
    assert found is not None
    return found


def expected(conditions: list[Condition], limits: Plausible, shape: Shape = UNSHAPED) -> dict[str, float]:
    """The probability of every plausible string that meets the conditions."""
    every = enumerated(sharp_engine(), conditions or [Length(1, 8)], shape)
    excess = limits.excess(DISTRIBUTION, list(every))
    left = {string: p for (string, p), e in zip(every.items(), excess.tolist(), strict=True) if e <= 1}
    assert 0.3 < sum(left.values()) / sum(every.values()) < 0.95  # some are cut, and not most
    return left


@pytest.mark.parametrize(
    ("conditions", "mode"),
    [
        ([], "exact"),
        ([StartsWith("b")], "exact"),
        ([EndsWith("ca"), Length(1, 8)], "strict"),
        ([Length(4, 6)], "exact"),
    ],
    ids=str,
)
def test_plausible_strings_follow_the_enumerated_distribution(limits, conditions, mode):
    strings = list(sample_strings(DISTRIBUTION, N, conditions=conditions, mode=mode, seed=1, plausible=limits))
    assert len(strings) == N
    assert chi_square_z(short(strings), expected(conditions, limits)) < 4
    faithful = sample_strings(DISTRIBUTION, N, conditions=conditions, mode=mode, seed=1)
    assert chi_square_z(short(list(faithful)), expected(conditions, limits)) > 10


def test_shapes_and_plausible_strings_combine(limits):
    shape = Shape(temperature=1.2)
    strings = sample_strings(DISTRIBUTION, N, shape=shape, seed=1, plausible=limits)
    assert chi_square_z(short(list(strings)), expected([], limits, shape)) < 4


@pytest.mark.parametrize("conditions", [(), (Length(3, 8),)])
def test_the_first_strings_stay_the_same_however_many_are_asked_for(limits, conditions):
    def drawn(n: int) -> list[str]:
        return list(sample_strings(DISTRIBUTION, n, conditions=conditions, seed=4, plausible=limits))

    many = drawn(3_000)
    for n in (0, 1, 20, 500, 1_500):
        assert drawn(n) == many[:n]


def test_the_share_that_meets_the_conditions_is_that_of_the_model(limits):
    conditions = [EndsWith("ca")]
    of_all, of_plausible = (
        sample_strings(DISTRIBUTION, 3_000, conditions=conditions, seed=1, plausible=plausible)
        for plausible in (None, limits)
    )
    assert len(list(of_all)) == len(list(of_plausible)) == 3_000
    assert of_plausible.chance == pytest.approx(of_all.chance, abs=4 * of_all.chance_error)


def test_where_no_string_is_plausible_the_least_surprising_of_eight_come():
    limits = Plausible(1e-9, 1e-9)
    samples = sample_strings(DISTRIBUTION, 500, seed=1, plausible=limits)
    drawn = list(sample_strings(DISTRIBUTION, 4_000, seed=1))
    rows = np.reshape(limits.excess(DISTRIBUTION, drawn), (500, 8))
    assert limits.excess(DISTRIBUTION, list(samples)) == pytest.approx(rows.min(axis=1), rel=1e-5)
    assert samples.choice is not None
    assert samples.choice.implausible == 500


def test_unique_strings_come_to_the_last_one_the_plausible_ones_first(limits):
    conditions = [Length(1, 3)]
    samples = sample_strings(DISTRIBUTION, 39, conditions=conditions, unique=True, seed=1, plausible=limits)
    strings = list(samples)
    assert len(set(strings)) == 39
    excess = limits.excess(DISTRIBUTION, strings)
    assert samples.choice is not None
    assert samples.choice.implausible == (excess > 1).sum() > 0
    assert Counter(excess[:8] <= 1) == {True: 8}
    assert excess[-1] > 1


def test_what_was_passed_over_comes_before_an_error():
    def refused(strings: list[str]) -> np.ndarray:
        return np.array([string not in ("a", "c") for string in strings])

    for n, error in ((2, False), (3, True)):
        samples = sample_strings(DISTRIBUTION, n, refused=refused, unique=True, seed=1, plausible=Plausible(0.1, 0.1))
        samples.hopeless = 20_000
        found: list[str] = []
        with pytest.raises(SamplingError, match="2 strings were found") if error else nullcontext():
            found.extend(samples)
        assert sorted(found) == ["a", "c"]
