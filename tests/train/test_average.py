"""Weights that are averaged over the second half of a run."""

from typing import Any

import numpy as np
import pytest
from interrupted import Run

from wavemore.train import Recorder


class Seen(Recorder):
    """Keeps the weights after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[dict[str, np.ndarray]] = []

    def after(self, run: Any, loss: float, gradients: Any) -> None:
        self.weights.append(run.learner.arrays())


@pytest.fixture
def run(tiny_recipe, strings, tmp_path) -> Run:
    one = Run(tiny_recipe, strings, tmp_path / "run.checkpoint")
    one.recipe = one.recipe.with_settings({"train.steps": 40, "train.keep": "last"})
    return one


@pytest.mark.parametrize("form", ["shared", "windowed"])
def test_the_weights_that_are_kept_are_an_average_of_those_after_the_steps_of_the_second_half(run, form):
    run.recipe = run.recipe.with_settings({"train.form": form})
    alone = run(recorder=(plain := Seen()))
    run.recipe = run.recipe.with_settings({"train.average": 0.1})
    averaged = run(recorder=(seen := Seen()))
    for name, last in plain.weights[-1].items():
        assert np.array_equal(last, alone.weights[name])
        assert np.array_equal(last, seen.weights[-1][name])  # the steps are the same
        found = [weights[name].astype(np.float64) for weights in seen.weights]
        expected = found[19]  # of the 40 steps the 20th, before the first that counts
        for taken, weight in enumerate(found[20:], start=1):
            share = max(1 / taken, 1 / (0.1 * 40))
            expected = (1 - share) * expected + share * weight
        assert averaged.weights[name] == pytest.approx(expected, abs=1e-6)
    assert averaged.step == 40
    assert averaged.history[0] == alone.history[0]  # step 20, the last of the first half
    assert averaged.history[-1]["validation_loss"] == pytest.approx(averaged.validation_loss)
    assert averaged.validation_loss != pytest.approx(alone.validation_loss, abs=1e-6)


def test_the_best_average_is_kept(run):
    run.recipe = run.recipe.with_settings({"train.average": 0.5, "train.keep": "best", "train.rate": 0.3})
    averaged = run()
    best = min(averaged.history, key=lambda record: record["validation_loss"])
    assert (averaged.step, averaged.validation_loss) == (best["step"], pytest.approx(best["validation_loss"]))
