"""Intervals and verdicts: a planted effect is found, one that is not there is not, and noise is called noise."""

import numpy as np
import pytest

from wavemore.errors import UsageError
from wavemore.study.statistics import Interval, chosen_by_others, student_quantile, verdict, verdict_of_all


def seeds(mean: float, spread: float, count: int = 5, seed: int = 0) -> np.ndarray:
    """Differences of two models over so many seeds."""
    return np.random.default_rng(seed).normal(mean, spread, count)


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (7, 2.3646), (30, 2.0423), (200, 1.9719)]
)
def test_quantiles_are_those_of_the_tables(freedom, t):
    assert student_quantile(freedom) == pytest.approx(t, abs=1e-4)


def test_the_interval_of_numbers_by_hand():
    found = Interval.of([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.7764451 * np.sqrt(2.5 / 5)
    assert found == pytest.approx((3.0, 3 - half, 3 + half, 5))
    with pytest.raises(UsageError, match=r"^an interval over seeds needs at least 2 of them, and there is 1$"):
        Interval.of([1.0])


def test_the_interval_holds_the_truth_19_times_of_20():
    draw = np.random.default_rng(1)
    intervals = [Interval.of(draw.normal(0.3, 1, 5)) for _ in range(2000)]
    assert np.mean([low <= 0.3 <= high for _, low, high, _ in intervals]) == pytest.approx(0.95, abs=0.015)


def test_a_planted_effect_is_supported_and_a_null_one_is_not():
    assert verdict(Interval.of(seeds(0.02, 0.003)), 0.005) == "supported"
    assert verdict(Interval.of(seeds(0.0, 0.001)), 0.005) == "not supported"
    assert verdict(Interval.of(seeds(-0.02, 0.003)), 0.005) == "not supported"
    assert verdict(Interval.of(seeds(0.01, 0.05)), 0.005) == "undecided"


def test_how_often_the_verdicts_are_wrong():
    many = [(Interval.of(seeds(0.0, 0.003, seed=s)), Interval.of(seeds(0.02, 0.003, seed=s))) for s in range(500)]
    null = [verdict(one, 0.005) for one, _ in many]
    planted = [verdict(other, 0.005) for _, other in many]
    assert null.count("supported") <= 0.02 * 500
    assert planted.count("supported") >= 0.97 * 500
    assert planted.count("not supported") == 0


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((0.005, 0.006), "supported"),
        ((0.0049, 0.006), "undecided"),
        ((-1.0, 0.0049), "not supported"),
        ((-1.0, 0.005), "undecided"),
        ((float("nan"), float("nan")), "undecided"),
    ],
)
def test_the_edges_of_the_rule(interval, expected):
    assert verdict(Interval(0.0, interval[0], interval[1], 5), 0.005) == expected


def test_a_claim_needs_every_effect():
    assert verdict_of_all(["supported", "supported"]) == "supported"
    assert verdict_of_all(["supported", "undecided"]) == "undecided"
    assert verdict_of_all(["not supported", "supported", "undecided"]) == "not supported"


def test_choosing_by_the_other_seeds_does_not_flatter():
    losses = np.array([[1.0, 5.0, 1.0], [2.0, 2.0, 2.0]])
    assert chosen_by_others(losses).tolist() == [2.0, 5.0, 2.0]  # by the others: 3 or 2, 1 or 2, 3 or 2
    assert chosen_by_others(losses[:1]).tolist() == [1.0, 5.0, 1.0]
    noise = np.random.default_rng(0).normal(size=(20, 400, 5))  # twenty options that are all alike
    chosen = np.mean([chosen_by_others(noise[:, i]) for i in range(400)])
    best = np.mean([noise[:, i].min(axis=0) for i in range(400)])
    assert chosen == pytest.approx(0.0, abs=0.1)
    assert best < -1.5  # what a plain minimum would have claimed
    with pytest.raises(UsageError, match="needs at least 2 of them"):
        chosen_by_others(np.zeros((2, 1)))
