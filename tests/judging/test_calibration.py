"""Calibration on made-up predictions whose truth is known, and the predictions of a model against its own scores."""

import numpy as np
import pytest
import torch

from wavemore.errors import UnknownCharacterError
from wavemore.judging.calibration import BINS, Calibration, bin_sums, top_predictions
from wavemore.nn import evaluation_mode


def made_up(count: int, off: float = 0.0, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Random confidences between 0.1 and 0.9, each of which is above the true probability by `off`."""
    draw = np.random.default_rng(seed)
    confidence = draw.uniform(0.1, 0.9, count)
    return confidence, draw.random(count) < confidence - off


def test_a_calibrated_model_has_no_error_but_that_of_chance():
    many = Calibration.of(bin_sums(*made_up(500_000)))
    assert many.error < 0.003
    assert many.confidence == pytest.approx(many.accuracy, abs=0.003)
    few = [Calibration.of(bin_sums(*made_up(2000, seed=seed))) for seed in range(300)]
    assert np.mean([found.error for found in few]) > 0.01
    assert np.mean([found.error for found in few]) == pytest.approx(
        np.mean([found.error_by_chance for found in few]), rel=0.05
    )


@pytest.mark.parametrize("off", [-0.08, 0.08])
def test_a_planted_error_is_found(off: float):
    found = Calibration.of(bin_sums(*made_up(200_000, off)))
    assert found.error == pytest.approx(0.08, abs=0.005)
    assert found.confidence - found.accuracy == pytest.approx(off, abs=0.005)
    assert found.error_by_chance < 0.005


def test_errors_in_two_directions_do_not_cancel():
    """Too sure below one half and not sure enough above: the means agree, the bins do not."""
    confidence = np.repeat([0.3, 0.7], 1000)
    correct = np.concatenate([np.arange(1000) < 200, np.arange(1000) < 800])
    found = Calibration.of(bin_sums(confidence, correct))
    assert found.confidence == pytest.approx(found.accuracy)
    assert found.error == pytest.approx(0.1)


def test_bins_include_their_upper_end_and_add_up():
    confidence, correct = np.array([1e-9, 1 / 15, 0.07, 1.0]), np.array([True, False, True, True])
    sums = bin_sums(confidence, correct)
    assert sums[0].tolist() == [2, 1, *[0] * (BINS - 3), 1]
    assert sums[2].tolist() == [1, 1, *[0] * (BINS - 3), 1]
    assert sums == pytest.approx(bin_sums(confidence[:2], correct[:2]) + bin_sums(confidence[2:], correct[2:]))


def test_a_certain_model_that_is_right_has_no_error_at_all():
    found = Calibration.of(bin_sums(np.ones(3), np.ones(3, dtype=bool)))
    assert found == Calibration(accuracy=1, confidence=1, error=0, error_by_chance=0)


def test_top_predictions_are_those_of_the_windowed_form(tiny_model):
    strings = ["bade", "", "ko", "bado", "kolokolo"]
    vocabulary, net = tiny_model.file_.vocabulary, tiny_model.wavenet()
    expected = []
    with evaluation_mode(net):
        for string in strings:
            context = [0] * 4
            for following in [*vocabulary.encode(string).tolist(), 0]:
                chances = torch.softmax(net(torch.tensor([context])), 1)[0]
                expected.append((chances.max().item(), bool(chances.argmax() == following)))
                context = [*context[1:], following]
    confidence, correct = top_predictions(tiny_model.distribution_, strings)
    assert confidence == pytest.approx([chance for chance, _ in expected], abs=1e-6)
    assert correct.tolist() == [follows for _, follows in expected]
    assert 0 < correct.sum() < len(correct)


def test_top_predictions_of_unknown_characters_are_refused(tiny_model):
    with pytest.raises(UnknownCharacterError):
        top_predictions(tiny_model.distribution_, ["ba", "xyz"])
