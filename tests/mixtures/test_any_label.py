"""A network whose strings' labels are not known: the sum over its labels."""

import numpy as np
import pytest
from models_at_random import ABC, any_label, network, rows, stepped_rows

from wavemore.errors import ModelFileError, UsageError
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.labelled import Labelled
from wavemore.mixtures.any_label import AnyLabel, _so_far
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Distribution
from wavemore.settings.config import ModelConfig

STRINGS = ["abca", "", "cab", "bb", "abcabcabc", "a", "abca"]
MODELS = {
    "one network": lambda: any_label(conditioned=2),
    "an ensemble": lambda: any_label(3, members=2, conditioned=1, activation="gated", residual=True, hidden=3),
}


def joint(model: AnyLabel) -> np.ndarray:
    """(S, K), one label after the other."""
    scored = Distribution(model.network, ABC)
    each = [log_likelihoods(scored, Labelled(STRINGS, np.full(len(STRINGS), label))) for label in model.labels]
    return np.stack(each, axis=1) + np.log(model.weights)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_string_is_as_likely_as_all_labels_together_make_it(model):
    mixture = model()
    expected = np.log(np.exp(joint(mixture)).sum(axis=1))
    np.testing.assert_allclose(log_likelihoods(Distribution(mixture, ABC), STRINGS), expected, atol=1e-5)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_each_label_and_string_together(model):
    mixture = model()
    np.testing.assert_allclose(mixture.joint(STRINGS, ABC), joint(mixture), atol=1e-5)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_character_by_character_it_says_the_same(model):
    mixture = model()
    np.testing.assert_allclose(stepped_rows(mixture, STRINGS, ABC), rows(mixture, STRINGS, ABC), atol=2e-5)


def test_portions_change_nothing(monkeypatch):
    mixture = any_label()
    whole = rows(mixture, STRINGS, ABC)
    monkeypatch.setattr("wavemore.mixtures.any_label._NUMBERS_AT_ONCE", 5 * 4 * 6)
    np.testing.assert_allclose(rows(mixture, STRINGS, ABC), whole, atol=1e-6)
    np.testing.assert_allclose(stepped_rows(mixture, STRINGS, ABC), whole, atol=2e-5)


def test_one_label_alone_is_that_label():
    mixture = any_label()
    alone = AnyLabel(mixture.network, np.array([4]), np.array([1.0]))
    labelled = Labelled(STRINGS, np.full(len(STRINGS), 4))
    expected = log_likelihoods(Distribution(mixture.network, ABC), labelled)
    np.testing.assert_allclose(log_likelihoods(Distribution(alone, ABC), STRINGS), expected, atol=1e-5)


def test_a_network_with_labels_needs_those_of_the_strings():
    with pytest.raises(UsageError, match="these strings have none; choose a label first"):
        log_likelihoods(Distribution(network(0, labels=(2,)), ABC), ["abc"])


def test_numbers_that_overflow_are_refused():
    config = ModelConfig(groups=(2,) * 5, embedding=3, hidden=6, activation="gelu", norm="none", labels=(2,))
    engine = Engine(config, {name: np.full(s, 8e8, np.float32) for name, s in config.weight_shapes(4)})
    with np.errstate(all="ignore"), pytest.raises(ModelFileError, match="too large to compute with"):
        AnyLabel(engine, np.array([0, 1]), np.array([0.5, 0.5])).joint(STRINGS, ABC)


def test_what_was_said_before_a_prediction_does_not_depend_on_other_strings():
    draw, lengths = np.random.default_rng(0), np.array([3, 1, 6, 2, 6])
    said = -np.exp(draw.normal(-10, 10, (2, lengths.sum())))  # from nearly 0 to very unlikely
    together, ends = _so_far(said, lengths), np.cumsum(lengths)
    for start, end in zip(ends - lengths, ends, strict=True):
        one = said[:, start:end]
        expected = np.concatenate([np.zeros((2, 1)), np.cumsum(one, axis=1)[:, :-1]], axis=1)
        assert np.array_equal(together[:, start:end], expected)
    assert _so_far(said[:, :0], lengths[:0]).shape == (2, 0)
