"""A network and an n-gram model as one, against the mean of the two in plain arithmetic."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_at_random import ABC, COUNTED, mixture, network, rows, stepped_rows

from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.vocabulary import Vocabulary
from wavemore.mixtures.mixture import Mixture, best_weight, mixed
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import NgramConfig

lists = st.lists(st.text("abc", max_size=12), min_size=1, max_size=6)
orders = st.sampled_from([1, 2, 3, 6, 64])
weights = st.sampled_from([0.0, 0.01, 0.4, 1.0])


def expected_rows(model: Mixture, strings: list[str], vocabulary: Vocabulary = ABC) -> np.ndarray:
    """The probabilities before each character and each end, in float64."""
    logits = rows(model.network, strings, vocabulary).astype(np.float64)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return (1 - model.weight) * shares + model.weight * np.exp(rows(model.ngram, strings, vocabulary).astype(float))


# --- the contract


@settings(deadline=None, max_examples=150)
@given(lists, orders, weights, st.integers(0, 99), st.sampled_from([(2, 2), (2,), (2, 2, 2), (1,)]))
def test_the_model_is_the_mean_of_its_two(strings, order, weight, seed, groups):
    model = mixture(order, weight, seed, groups=groups)
    found = np.exp(rows(model, strings, ABC))
    assert np.abs(found - expected_rows(model, strings)).max() < 1e-6
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_the_comparison_notices_pairs_that_are_the_networks_contexts_alone(monkeypatch):
    from wavemore.mixtures import mixture as module

    monkeypatch.setattr(module, "_pairs", lambda contexts, count, *_: module.distinct(contexts, count))
    model = mixture(order=6, groups=(1,))  # the network sees one character, the n-gram model five
    found = np.exp(rows(model, COUNTED, ABC))
    assert np.abs(found - expected_rows(model, COUNTED)).max() > 1e-2


@settings(deadline=None, max_examples=150)
@given(lists, orders, weights, st.integers(0, 99), st.sampled_from([(2, 2), (1,)]))
def test_steps_and_predictions_say_the_same_and_no_string_changes_another(strings, order, weight, seed, groups):
    model = mixture(order, weight, seed, groups=groups)
    whole = rows(model, strings, ABC)
    assert np.isfinite(whole).all()
    assert np.abs(stepped_rows(model, strings, ABC) - whole).max() < 1e-6 * max(1, np.abs(whole).max())
    assert np.array_equal(np.concatenate([rows(model, [string], ABC) for string in strings]), whole)


@settings(deadline=None, max_examples=100)
@given(st.text("abc", max_size=6), st.text("abc", max_size=9), st.text("abc", max_size=6), orders, st.integers(0, 9))
def test_neither_later_characters_nor_ones_older_than_both_contexts_matter(old, context, later, order, seed):
    model = mixture(order, seed=seed)
    short = rows(model, [old + context], ABC)
    assert np.array_equal(rows(model, [old + context + later], ABC)[: len(short)], short)
    if len(context) >= max(4, order - 1):
        assert np.array_equal(rows(model, ["b" + old + context], ABC)[-1], short[-1])


def test_a_state_has_a_row_for_each_distinct_pair():
    model = mixture(order=6, groups=(2,))
    state = model.start(3)
    for characters in (
        "abb",
        "bab",
        "ccc",
    ):  # the network tells "bc" alone; the n-grams know "abc" and "bac", not "bbc"
        state = model.step(state, np.arange(3), ABC.encode(characters))
    assert len(state.network.logits) == 2
    assert len(state.logits) == 3
    expected = expected_rows(model, ["abc", "bac", "bbc"])[[3, 7, 11]]
    assert np.abs(np.exp(state.logits[state.context_of]) - expected).max() < 1e-6
    state = model.step(state, np.array([0, 2]), ABC.encode("ab"))
    assert state.strings.tolist() == [0, 2]
    assert len(state.context_of) == 2


# --- samples


def test_samples_follow_the_probabilities_of_all_strings():
    model = mixture(order=3, weight=0.5)
    every = ["".join(s) for length in range(1, 6) for s in itertools.product("abc", repeat=length)]
    shares = expected_rows(model, ["", *every])
    answers = np.concatenate([np.append(ABC.encode(string), 0) for string in ["", *every]])
    each = np.log(shares[np.arange(len(answers)), answers])
    starts = np.cumsum([0, *(len(string) + 1 for string in ["", *every[:-1]])])
    empty, *chances = np.exp(np.add.reduceat(each, starts))
    n = 100_000
    drawn = Counter(sample_strings(Distribution(model, ABC), n, seed=1))
    expected = n * np.array(chances) / (1 - empty)
    counts = np.array([drawn[string] for string in every])
    frequent = expected >= 10
    rest = n - counts[frequent].sum(), n - expected[frequent].sum()
    statistic = ((counts - expected)[frequent] ** 2 / expected[frequent]).sum() + (rest[0] - rest[1]) ** 2 / rest[1]
    assert frequent.sum() > 50
    assert abs(statistic - frequent.sum()) < 4 * math.sqrt(2 * frequent.sum())
    assert np.abs(log_likelihoods(Distribution(model, ABC), every) - np.log(chances)).max() < 1e-5


@pytest.mark.parametrize("seed", [0, 1])  # a network, and two that vote
def test_a_seed_gives_the_same_strings_however_many_are_asked_for(seed):
    model = mixture(order=6, seed=seed, spread=2.0)
    every = list(sample_strings(Distribution(model, ABC), 3000, seed=5))
    for n in (1, 7, 1024, 1025):
        assert list(sample_strings(Distribution(model, ABC), n, seed=5)) == every[:n]


def test_an_alphabet_of_four_thousand_characters_in_bounded_memory():
    alphabet = "".join(map(chr, range(0x1F000, 0x1F000 + 4000)))
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list(alphabet[:40]), size=draw.integers(1, 9))) for _ in range(400)]
    vocabulary = Vocabulary(alphabet)
    ngram = Ngram.fit(strings, vocabulary, NgramConfig(kind="ngram", order=4))
    model = Mixture(network(0, vocabulary, groups=(1,)), ngram, 0.3)  # 41 contexts of the network, and many pairs
    portions = list(model.predictions(strings, vocabulary))
    assert len(portions) > 2
    assert max(part.logits.size for part in portions) <= 256 * 4001
    assert sorted(np.concatenate([part.rows for part in portions])) == list(range(sum(map(len, strings)) + 400))
    assert np.exp(portions[0].logits).sum(axis=1) == pytest.approx(1, abs=1e-4)
    alone = np.concatenate([rows(model, [string], vocabulary) for string in strings[:20]])
    assert np.array_equal(rows(model, strings, vocabulary)[: len(alone)], alone)
    assert np.abs(stepped_rows(model, strings[:20], vocabulary) - rows(model, strings[:20], vocabulary)).max() < 1e-5
    assert model.remembered > 40 * 4001


# --- the weight


def test_a_mixture_of_log_probabilities_neither_overflows_nor_underflows():
    one, two = (np.array(v, np.float32) for v in ([-1e9, -0.5, -5e8, -80], [-0.25, -1e9, -1e9, -80]))
    assert mixed(one, two, 0.5) == pytest.approx([-0.25 - math.log(2), -0.5 - math.log(2), -5e8, -80])
    assert np.array_equal(mixed(one, two, 0.0), one)
    assert np.array_equal(mixed(one, two, 1.0), two)


def on_a_grid(network: np.ndarray, ngram: np.ndarray, prior: float = 15.0, steps: int = 20_000) -> float:
    """The weight by trying: predictions of which one model alone holds the answer possible are added, as a prior."""
    grid = np.linspace(0, 1, steps + 1)[1:-1]
    sums = prior * (0.35 * np.log(grid) + 0.65 * np.log(1 - grid))
    for one, two in zip(network, ngram, strict=True):
        sums += np.logaddexp(np.log(1 - grid) + one, np.log(grid) + two)
    return float(grid[sums.argmax()])


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(0, 80), st.floats(-3, 3), st.sampled_from([0.1, 2.0, 400.0]))
def test_the_weight_is_the_best_of_a_fine_grid(seed, n, shift, spread):
    draw = np.random.default_rng(seed)
    one, two = -spread * draw.exponential(size=n), -spread * draw.exponential(size=n) + min(0, shift)
    assert best_weight(one, two) == pytest.approx(on_a_grid(one, two), abs=1e-4)


def test_few_predictions_leave_the_weight_in_the_middle_and_many_decide_it():
    assert best_weight(np.zeros(0), np.zeros(0)) == pytest.approx(0.35)
    worse, better = np.full(100_000, -3.0), np.full(100_000, -1.0)
    few = slice(5)
    assert 0.35 < best_weight(worse[few], better[few]) < 0.6
    assert 0.1 < best_weight(better[few], worse[few]) < 0.35
    assert best_weight(worse, better) > 0.999
    assert best_weight(better, worse) < 0.001
    assert best_weight(np.full(9, -np.inf), np.full(9, -1.0)) == pytest.approx((0.35 * 15 + 9) / 24)
    draw = np.random.default_rng(0)
    one, two = -draw.exponential(size=20_000), -1.1 * draw.exponential(size=20_000)
    assert best_weight(one, two) == pytest.approx(on_a_grid(one, two, prior=0.0, steps=1000), abs=3e-3)
