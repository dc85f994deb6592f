"""What a step takes of memory, and that it is refused where so much is not free."""

import tracemalloc

import numpy as np
import pytest
from tiny import tiny_strings

from wavemore.errors import TrainingError
from wavemore.estimator import StringModel
from wavemore.lists.vocabulary import Vocabulary
from wavemore.settings.config import Recipe
from wavemore.train.forms import _bytes_for_each, runs_of
from wavemore.train.optimisers import worked_out


def test_a_step_that_takes_more_memory_than_is_free_is_refused_before_it(monkeypatch):
    monkeypatch.setattr("wavemore.train.forms.free_memory", lambda: 2e6)
    recipe = Recipe().with_settings({"model.hidden": 64, "train.batch": 64})
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list("abcdefgh"), 40)) for _ in range(100)]
    vocabulary = Vocabulary.of(strings)
    message = (
        r"a step over 64 strings, which have 4,[0-9]{3} different chunks, takes about 0\.0 GB, and 0\.0 GB are free; "
        r"lower train\.batch, or leave out long strings with data\.max_length"
    )
    with pytest.raises(TrainingError, match=message), runs_of(recipe, vocabulary, strings, strings[:9]):
        pass
    # The same strings over and over have few chunks, however many there are.
    alike = ["ab" * 20] * 100
    with runs_of(recipe, vocabulary, alike, alike[:9]) as runs:
        assert len(runs) == 1


def test_a_steps_memory_is_what_is_said_of_it():
    """Nearly: of chunks that no two windows share."""
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list("abcdefghijklmnop"), 100)) for _ in range(40)]
    vocabulary = Vocabulary.of(strings)
    for activation in ("tanh", "gelu", "quick_gelu", "gated"):
        settings = {"model.activation": activation, "model.groups": [2, 2, 2, 2], "model.hidden": 96}
        with runs_of(Recipe().with_settings(settings), vocabulary, strings, strings[:9]) as (run,):
            batch = run.training.draw(40)
            tracemalloc.start()
            _, way = run.learner.loss(batch)
            worked_out(run.learner.gradients(batch, way))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        nodes = sum(len(branch.uses) for branch in batch.tree.branches)
        said = nodes / 4 * _bytes_for_each(Recipe().with_settings(settings).wavenet)
        assert 0.5 * said < peak < said


def test_numpy_that_raises_for_all_it_can_changes_no_run():
    """What a caller has set with `np.seterr` holds again after."""
    settings = {"train.steps": 30, "train.rate": 0.5, "model.activation": "quick_gelu", "train.batch": 20}
    expected = StringModel("fast", settings=settings, seed=0).fit(tiny_strings())
    before = np.seterr(all="raise")
    try:
        model = StringModel("fast", settings=settings, seed=0).fit(tiny_strings())
        assert set(np.geterr().values()) == {"raise"}
        with pytest.raises(TrainingError, match="lower the learning rate"):
            StringModel("fast", settings={**settings, "train.rate": 1e9}).fit(tiny_strings())
    finally:
        np.seterr(**before)
    assert model.score_samples(["bad"]) == expected.score_samples(["bad"])
