"""What may follow any beginning has a probability of one in all, as strings are scored: networks, ensembles, n-grams,
mixtures, baselines. Mixtures of hashed n-grams, for one, do not keep that promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_at_random import ABC, KINDS, mixture

from wavemore.predict.predictor import Distribution, Predictor, log_probabilities


def total(model: Predictor, beginning: str) -> float:
    """Of all characters that may follow, and of the end: each scored in a string of its own."""
    strings = [beginning + character for character in ABC.characters]
    scored = Distribution(model, ABC)
    following = [log_probabilities(scored, [string])[len(beginning)] for string in strings]
    return float(np.exp([*following, log_probabilities(scored, [beginning])[-1]]).sum())


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=30)
@given(st.text("abc", max_size=20))
def test_what_may_follow_a_beginning_sums_to_one(kind, beginning):
    assert total(KINDS[kind](), beginning) == pytest.approx(1, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.text("abc", max_size=20), st.integers(1, 8), st.floats(0, 1), st.integers(0, 99))
def test_so_does_any_mixture(beginning, order, weight, seed):
    assert total(mixture(order, weight, seed, groups=(2, 2), cycles=2), beginning) == pytest.approx(1, abs=1e-6)
