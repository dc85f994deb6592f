"""The interval of a mean loss: against a known truth, and the bucketed form against the plain one."""

import numpy as np
import pytest

from wavemore.judging.bootstrap import BUCKETS, FEWEST, LEVEL, Buckets


def drawn_strings(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The nats and predictions of random strings, some hard and some easy, with a mean of 2 nats a prediction."""
    draw = np.random.default_rng(seed)
    predictions = 3 + draw.poisson(4, count)
    return predictions * draw.gamma(4, 0.5, count), predictions


def interval_of(nats: np.ndarray, predictions: np.ndarray) -> tuple[float, float]:
    buckets = Buckets()
    buckets.add(nats, predictions)
    interval = buckets.interval()
    assert interval is not None
    return interval


def plain_interval(nats: np.ndarray, predictions: np.ndarray, resamples: int = 1000) -> tuple[float, float]:
    """The slow form: strings drawn one by one."""
    draw = np.random.default_rng(99)
    ratios = []
    for _ in range(resamples):
        drawn = draw.integers(len(nats), size=len(nats))
        ratios.append(nats[drawn].sum() / predictions[drawn].sum())
    low, high = np.percentile(ratios, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return low, high


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """2 is the truth. With 400 lists a rate of 95 % comes out between 92 and 97.5 % nearly always."""
    held = 0
    for seed in range(400):
        low, high = interval_of(*drawn_strings(150, seed))
        held += low <= 2 <= high
    assert 0.92 <= held / 400 <= 0.975


@pytest.mark.parametrize("order", ["drawn", "sorted"])
@pytest.mark.parametrize("count", [BUCKETS, BUCKETS + 904, 30_000])
def test_buckets_agree_with_the_plain_form(count: int, order: str):
    """Also where the list begins with its easiest strings and ends with its hardest."""
    nats, predictions = drawn_strings(count, seed=1)
    if order == "sorted":
        by_ease = np.argsort(nats / predictions)
        nats, predictions = nats[by_ease], predictions[by_ease]
    low, high = interval_of(nats, predictions)
    plain_low, plain_high = plain_interval(nats, predictions)
    assert high - low == pytest.approx(plain_high - plain_low, rel=0.1)
    assert low == pytest.approx(plain_low, abs=0.1 * (high - low))
    assert high == pytest.approx(plain_high, abs=0.1 * (high - low))


def test_strings_are_drawn_and_not_predictions():
    """Of strings that are hard or easy as a whole the interval is wider than their predictions alone would make it."""
    predictions = np.full(1000, 100)
    nats = np.where(np.arange(1000) % 2, 1.0, 3.0) * predictions
    low, high = interval_of(nats, predictions)
    assert high - low == pytest.approx(2 * 1.96 * 1 / np.sqrt(1000), rel=0.1)


def test_the_statistic_weighs_strings_by_their_length():
    """Half of the strings have 9 predictions of 1 nat and half 1 of 3 nats: the mean is 1.2 and not 2."""
    long = np.arange(2000) % 2 == 0
    low, high = interval_of(np.where(long, 9.0, 3.0), np.where(long, 9, 1))
    assert low < 1.2 < high < 1.3


@pytest.mark.parametrize("count", [500, 10_000])
def test_the_same_strings_give_the_same_interval_however_portioned(count: int):
    nats, predictions = drawn_strings(count, seed=2)
    buckets = Buckets()
    for start in range(0, count, 333):
        buckets.add(nats[start : start + 333], predictions[start : start + 333])
    assert buckets.interval() == pytest.approx(interval_of(nats, predictions), rel=1e-12)


def test_a_million_strings_take_no_more_room_than_the_buckets():
    buckets = Buckets()
    for _ in range(31):
        buckets.add(*drawn_strings(32768, seed=3))
    assert buckets._sums.shape == (2, BUCKETS)
    low, high = buckets.interval() or (0, 0)
    assert low < 2 < high < low + 0.01


def test_a_handful_of_strings_has_no_interval():
    for count in (0, 1, FEWEST - 1):
        buckets = Buckets()
        buckets.add(*drawn_strings(count, seed=4))
        assert buckets.interval() is None
    assert Buckets().interval() is None
    low, high = interval_of(*drawn_strings(FEWEST, seed=4))
    assert low < high
