"""Guess numbers against lists of all strings that are short enough to be written down."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
import torch

from wavemore.errors import UsageError
from wavemore.judging.guessing import Guesses, GuessNumbers, _chances
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Distribution, log_probabilities
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import ModelConfig

AB = Vocabulary("ab")
LONGEST = 14


def engine_of(net: WaveNet) -> Engine:
    return Engine(net.config, {name: tensor.numpy() for name, tensor in net.state_dict().items()})


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Strings are short, and a good part of them is empty."""
    net = WaveNet(ModelConfig(groups=(2,), embedding=3, hidden=6), 3, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        net.head.linear.weight *= 20  # type: ignore[operator, union-attr]
        net.head.linear.bias[0] += 1.5  # type: ignore[index, union-attr]
    return engine_of(net.eval())


class Whole(NamedTuple):
    """All strings of up to 14 characters, the most likely first."""

    strings: list[str]
    scores: np.ndarray
    certain: int
    """So many of them are likelier than any longer string can be."""


@pytest.fixture(scope="module")
def whole(engine: Engine) -> Whole:
    strings = ["".join(s) for n in range(LONGEST + 1) for s in itertools.product("ab", repeat=n)]
    scores = log_likelihoods(Distribution(engine, AB), strings)
    order = np.argsort(-scores, kind="stable")
    # A longer string is less likely than to begin with its first 14 characters.
    terms = log_probabilities(Distribution(engine, AB), strings[-(2**LONGEST) :]).reshape(-1, LONGEST + 1)
    certain = int((scores > terms[:, :LONGEST].sum(axis=1).max()).sum())
    return Whole([strings[i] for i in order], scores[order], certain)


def covered(found: GuessNumbers, truth: np.ndarray) -> np.ndarray:
    return (found.low <= truth * (1 + 1e-9)) & (truth * (1 - 1e-9) <= found.high)


# Coverage, from a distribution that is known to the last string.


def drawn(scores: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """How often each string comes among so many samples, (strings,)."""
    return np.random.default_rng(seed).multinomial(samples, np.exp(scores))


def normalised(logs: np.ndarray) -> np.ndarray:
    """Log-probabilities in proportion to exp(logs), the highest first."""
    logs = -np.sort(-logs)
    return logs - np.log(np.exp(logs).sum())


DISTRIBUTIONS = {
    "heavy head": normalised(-1.5 * np.log(np.arange(1, 3001))),
    "heavy tail": normalised(-0.9 * np.log(np.arange(1, 3001))),
    "nearly even": normalised(np.linspace(0, -0.4, 1000)),
    "spread": normalised(3 * np.random.default_rng(0).standard_normal(3000)),
}
RANKS = np.array([1, 4, 10, 20, 30, 40, 80, 160, 320, 640, 1000, 2000, 3000])
SEEDS = 300


@pytest.mark.parametrize("samples", [100, 1000, 10_000])
@pytest.mark.parametrize("name", [*DISTRIBUTIONS, "model"])
def test_the_interval_holds_the_truth_about_95_times_in_100(name, samples, whole):
    scores = normalised(whole.scores[1:]) if name == "model" else DISTRIBUTIONS[name]
    ranks = RANKS[len(scores) >= RANKS]
    held = np.zeros(len(ranks))
    for seed in range(SEEDS):
        seen = np.flatnonzero(drawn(scores, samples, seed))
        found = Guesses.counted(scores[seen], scores[seen], samples).numbers(scores[ranks - 1])
        held += covered(found, ranks)
    coverage = held / SEEDS
    assert coverage.min() >= 0.92, coverage
    assert coverage[0] == 1  # nothing is likelier than the likeliest


def test_the_interval_is_no_wider_than_the_estimates_scatter():
    """Where many strings are unseen, so that the scatter is nearly normal."""
    scores, samples = DISTRIBUTIONS["heavy tail"], 3000
    widths, numbers, held = [], [], []
    for seed in range(SEEDS):
        seen = np.flatnonzero(drawn(scores, samples, seed))
        found = Guesses.counted(scores[seen], scores[seen], samples).numbers(scores[[2999]])
        widths.append(found.high - found.low)
        numbers.append(found.number)
        held.append(covered(found, np.array([3000])))
    assert np.mean(widths) == pytest.approx(2 * 1.96 * np.std(numbers), rel=0.12)
    assert 0.92 <= np.mean(held) <= 0.98


def test_the_check_notices_a_normal_interval_and_a_loss_of_unseen_strings():
    """What the interval is not: the mean of 1 / p with its standard error, and a count of the seen strings."""
    scores, samples = DISTRIBUTIONS["spread"], 1000
    normal, counted = np.zeros(len(RANKS)), np.zeros(len(RANKS))
    for seed in range(SEEDS):
        counts = drawn(scores, samples, seed)
        weights = np.exp(-scores)
        for i, rank in enumerate(RANKS):
            mean = (counts * weights)[: rank - 1].sum() / samples
            square = (counts * weights**2)[: rank - 1].sum() / samples
            normal[i] += abs(1 + mean - rank) <= 1.96 * np.sqrt(max(square - mean**2, 0) / samples) + 1e-9
            counted[i] += 1 + (counts[: rank - 1] > 0).sum() == rank
    assert (normal / SEEDS).min() < 0.9
    assert (counted / SEEDS).min() < 0.1


def test_the_estimate_is_right_in_the_mean_and_better_than_the_mean_of_1_over_p():
    scores, samples = DISTRIBUTIONS["spread"], 1000
    found, plain = [], []
    for seed in range(SEEDS):
        counts = drawn(scores, samples, seed)
        seen = np.flatnonzero(counts)
        found.append(Guesses.counted(scores[seen], scores[seen], samples).numbers(scores[RANKS - 1]).number)
        ours = np.cumsum(counts * np.exp(-scores)) / samples
        plain.append(1 + np.append(0, ours)[RANKS - 1])
    errors = np.std(found, axis=0) / np.sqrt(SEEDS)
    assert (np.abs(np.mean(found, axis=0) - RANKS) <= 4 * errors + 0.01).all()
    assert (np.std(found, axis=0) <= 1.05 * np.std(plain, axis=0)).all()
    assert np.std(found, axis=0)[2] < 0.2 * np.std(plain, axis=0)[2]


# From a model.


def test_likely_strings_have_their_very_place(engine, whole):
    found = Guesses.of(Distribution(engine, AB), samples=20_000).numbers(whole.scores[:12])
    places = np.arange(1, 13)
    assert found.number == pytest.approx(places, abs=0.01)
    assert (found.low == places).all()
    assert covered(found, places).all()
    assert whole.strings[0] == ""  # it has a place, though it is never drawn


def test_rare_strings_have_their_place_in_the_mean(engine, whole):
    ranks = np.array([30, 100, 300])
    assert ranks.max() < whole.certain
    found = [
        Guesses.of(Distribution(engine, AB), samples=1000, seed=seed).numbers(whole.scores[ranks - 1])
        for seed in range(60)
    ]
    held = np.mean([covered(numbers, ranks) for numbers in found])
    assert 0.9 <= held <= 1
    numbers = np.array([numbers.number for numbers in found])
    errors = numbers.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(numbers.mean(axis=0) - ranks) < 4 * errors).all()
    # That samples are never empty must show: without it the numbers are off by the chance of the empty string.
    empty = np.exp(log_likelihoods(Distribution(engine, AB), [""])[0])
    assert (ranks * empty > 8 * errors).all()


def test_a_string_that_was_cut_came_by_its_beginning():
    """Strings of one character that end with a chance of 1 in 1000 after each: a third of the samples is cut."""
    net = WaveNet(ModelConfig(groups=(1,), embedding=2, hidden=2), 2)
    with torch.no_grad():
        net.head.linear.weight *= 0  # type: ignore[operator, union-attr]
        net.head.linear.bias[:] = torch.tensor([0.001, 0.999]).log()  # type: ignore[index, union-attr]
    engine, vocabulary = engine_of(net.eval()), Vocabulary("a")
    texts = list(sample_strings(Distribution(engine, vocabulary), 2000, seed=0))
    longest = max(map(len, texts))
    share = sum(len(text) == longest for text in texts) / len(texts)
    assert share > 0.3
    strings = ["a" * 10, "a" * longest]
    scores = log_likelihoods(Distribution(engine, vocabulary), strings)
    chances = np.exp(_chances(Distribution(engine, vocabulary), strings, scores))
    assert chances[0] == pytest.approx(np.exp(scores[0]))
    assert chances[1] == pytest.approx(share, abs=0.04)
    assert np.exp(scores[1]) < 0.001
    place = Guesses.of(Distribution(engine, vocabulary), samples=2000).numbers(scores)
    assert covered(place, np.array([10, 1000])).all()


def test_numbers_rise_as_strings_become_rarer_and_are_1_at_least(engine):
    found = Guesses.of(Distribution(engine, AB), samples=50).numbers(np.linspace(0, -60, 500))
    for numbers in found:
        assert (numbers >= 1).all()
        assert (np.diff(numbers) >= 0).all()
    assert (found.low <= found.number).all()
    assert (found.number <= found.high).all()
    assert (found.low == np.round(found.low)).all()  # whole strings
    bound = found.high == np.exp(np.linspace(0, 60, 500))
    assert (found.high == np.round(found.high))[~bound].all()
    assert found.number[0] == found.high[0] == 1


def test_no_number_is_above_what_the_probability_leaves_room_for():
    found = Guesses.counted(np.log([0.25]), np.log([0.25]), 1).numbers(np.log([0.22]))
    assert found.number == found.high == pytest.approx([1 / 0.22])  # and not 1 + 1 / 0.25


def test_equally_likely_strings_share_their_place():
    scores = np.log([0.4, 0.2, 0.2, 0.1, 0.1])
    found = Guesses.counted(scores, scores, 1000).numbers(scores + np.array([0, 1e-7, -1e-7, 0, 0]))
    assert found.number == pytest.approx([1, 2, 2, 4, 4], abs=1e-6)


def test_a_string_of_probability_zero_comes_nowhere(engine):
    found = Guesses.of(Distribution(engine, AB), samples=50).numbers(
        log_likelihoods(Distribution(engine, AB), ["a", "x", ""])
    )
    for numbers in found:
        assert np.isinf(numbers).tolist() == [False, True, False]


def test_probabilities_too_small_for_a_float_are_no_trouble():
    """Numbers up to the largest float are right, and infinite beyond."""
    scores = np.array([-1.0, -400.0, -600.0, -2000.0])
    found = Guesses.counted(scores, scores, 10).numbers(np.array([-500.0, -650.0, -3000.0]))
    assert np.log(found.number[:2]) == pytest.approx([400 - np.log(10), 600 - np.log(10)])
    assert np.log(found.high[0]) <= 500
    assert np.isinf(found.number[2])
    assert np.isinf(found.high[2])


def test_no_strings_have_no_numbers(engine):
    assert [len(numbers) for numbers in Guesses.of(Distribution(engine, AB), samples=5).numbers(np.zeros(0))] == [
        0,
        0,
        0,
    ]


def test_a_seed_gives_the_same_numbers_again(engine, whole):
    rare = whole.scores[[500]]
    first, again, other = (
        Guesses.of(Distribution(engine, AB), samples=100, seed=seed).numbers(rare) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"samples": 0}, "the number of samples is 0; it must be a whole number of 1 or more"),
        ({"samples": -1}, "the number of samples is -1; it must be a whole number of 1 or more"),
        ({"samples": 1.5}, "the number of samples is 1.5; it must be a whole number of 1 or more"),
        ({"seed": -1}, "the seed is -1; it must be a whole number of 0 or more"),
    ],
)
def test_arguments_that_make_no_sense(engine, options, sentence):
    with pytest.raises(UsageError) as error:
        Guesses.of(Distribution(engine, AB), **options)
    assert str(error.value) == sentence


def test_an_estimator_guesses(tiny_model):
    found = tiny_model.guess_numbers(["ba", "bababababa", "x"], samples=500, seed=3)
    guesses = Guesses.of(tiny_model.distribution_, samples=500, seed=3)
    expected = guesses.numbers(tiny_model.score_samples(["ba", "bababababa", "x"]))
    assert all((a == b).all() for a, b in zip(found, expected, strict=True))
    assert found.number[0] < found.number[1] < found.number[2] == np.inf
    with pytest.raises(UsageError, match=r"^a list of strings is needed, and 'ba' is a single one; write "):
        tiny_model.guess_numbers("ba")
