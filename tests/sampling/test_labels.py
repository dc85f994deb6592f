"""Samples of a model whose strings have labels, against its distribution over every string."""

from collections import Counter

import numpy as np
import pytest
from enumerated import ABC, EVERY, chi_square_z, enumerated, short
from models_at_random import any_label

from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.labelled import Labelled
from wavemore.mixtures.any_label import AnyLabel
from wavemore.models.plausible import Plausible
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Condition, Contains, EndsWith, Length, StartsWith
from wavemore.sampling.patterns import Matches
from wavemore.sampling.sample import sample_strings
from wavemore.sampling.search import most_likely
from wavemore.sampling.shape import UNSHAPED, Shape

N = 4_000
CONDITIONS: list[list[Condition]] = [
    [StartsWith("b")],
    [EndsWith("c")],
    [Contains("bb"), Length(3, 6)],
    [Matches("(ab|c)*[ac]")],
]


@pytest.fixture(scope="module")
def mixture() -> AnyLabel:
    return any_label(2, cycles=1, conditioned=1)


def draw(mixture: AnyLabel, **options) -> list[str]:
    return list(sample_strings(Distribution(mixture, ABC), N, seed=5, **options))


def probabilities(mixture: AnyLabel) -> dict[str, float]:
    """Of every string of up to 8 characters among the strings that are not empty."""
    some, empty = (log_likelihoods(Distribution(mixture, ABC), strings) for strings in (EVERY, [""]))
    return dict(zip(EVERY, np.exp(some) / (1 - np.exp(empty)), strict=True))


def test_labels_are_drawn_and_then_strings_with_them(mixture):
    assert abs(chi_square_z(short(draw(mixture)), probabilities(mixture))) < 4


def test_a_wrong_mixture_shows(mixture):
    even = AnyLabel(mixture.network, mixture.labels, np.full(5, 0.2))
    assert chi_square_z(short(draw(even)), probabilities(mixture)) > 10


@pytest.mark.parametrize("mode", ["exact", "strict"])
@pytest.mark.parametrize("conditions", CONDITIONS, ids=str)
def test_conditions_are_exact(mixture, conditions, mode):
    expected = enumerated(mixture, conditions, UNSHAPED)  # type: ignore[arg-type] - it asks as of an engine
    found = Counter(string for string in draw(mixture, conditions=conditions, mode=mode) if len(string) <= 8)
    assert set(found) <= set(expected)
    assert abs(chi_square_z(found, expected)) < 4


def test_plausible_strings_are_those_that_are_plausible_under_the_label_that_was_drawn(mixture):
    scored = Distribution(mixture.network, ABC)
    every = [Labelled(EVERY, np.full(len(EVERY), label)) for label in mixture.labels]
    limits = Plausible(mean=1.6, worst=5.0)
    each = [np.exp(log_likelihoods(scored, some)) * (limits.excess(scored, some) <= 1) for some in every]
    shares = mixture.weights @ np.stack(each)
    assert 0.1 < 1 - shares.sum() / sum(probabilities(mixture).values()) < 0.4  # of eight in a row one is plausible
    found = Counter(string for string in draw(mixture, plausible=limits) if len(string) <= 8)
    assert abs(chi_square_z(found, dict(zip(EVERY, shares, strict=True)))) < 4


def test_a_temperature_shapes_the_mixture(mixture):
    shape = Shape(temperature=0.7)
    expected = enumerated(mixture, [Length(1, 8)], shape)  # type: ignore[arg-type]
    found = Counter(string for string in draw(mixture, shape=shape) if len(string) <= 8)
    assert abs(chi_square_z(found, expected)) < 4


def test_the_likeliest_are_in_exact_order(mixture):
    expected = sorted(probabilities(mixture), key=probabilities(mixture).__getitem__, reverse=True)[:10]
    assert [string for string, _ in most_likely(Distribution(mixture, ABC), 10)] == expected


def test_a_seed_gives_the_same_first_strings_for_any_number(mixture):
    some = list(sample_strings(Distribution(mixture, ABC), 30, seed=5))
    assert draw(mixture)[:30] == some
