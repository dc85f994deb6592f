"""A trial: the taught model where nothing is changed, and exactly the change where something is."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import tiny_strings

from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import load_recipe
from wavemore.train.trial import Changes, TrialRun, flattening_loses

STRINGS = tiny_strings(80)
VOCABULARY = Vocabulary.of(STRINGS)
GROUPS = (2, 2, 2)


def trial(changes: Changes, seed: int = 1, **settings: object) -> TrialRun:
    given = {"model.activation": "tanh", "model.residual": False, "model.embedding": 5, "train.steps": 4}
    recipe = load_recipe("fast").with_settings({**given, "train.keep": "last", **settings})
    recipe = replace(recipe, train=replace(recipe.train, seed=seed))
    parts = [Chunks.of(part, VOCABULARY, recipe.wavenet.groups) for part in (STRINGS[:60], STRINGS[60:])]
    return TrialRun(recipe, changes, len(VOCABULARY), *parts)


def test_unchanged_it_is_the_model_of_the_recipe():
    model = trial(Changes((6, 6, 6)), **{"model.hidden": 6}).model
    other = WaveNet(model.config, len(VOCABULARY), generator=torch.Generator().manual_seed(1))
    found = model.state_dict()
    assert found.keys() == other.state_dict().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in other.state_dict().items())


def test_without_anything_between_the_steps_they_are_one_linear_map():
    model = trial(Changes((6, 6, 6), norm_between=False, activation_between=False)).model.eval()
    x = torch.randn((3, 5, 8, 5), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, two, both = (model.levels[1](model.levels[0](part)) for part in (x[0], x[1], x[0] + x[1]))
        torch.testing.assert_close(one + two, both)
        taught = trial(Changes((6, 6, 6))).model.eval()
        one, two, both = (taught.levels[1](taught.levels[0](part)) for part in (x[0], x[1], x[0] + x[1]))
        assert not torch.allclose(one + two, both, atol=1e-2)


def test_widths_differ_by_level():
    run = trial(Changes((3, 5, 7)))
    assert [tuple(matrix.shape) for matrix in run.model.matrices()] == [(10, 3), (6, 5), (10, 7)]
    outcome = run.train()
    assert outcome.parameters == run.model.parameter_count
    assert np.isfinite(outcome.validation)


def test_gradients_are_looked_at_layer_by_layer():
    found = trial(Changes((6, 6, 6))).train().gradients
    assert found.layers == ["embedding", "level 1", "level 2", "level 3", "head"]
    assert found.steps == [1, 2, 3, 4]
    assert np.array(found.norms).shape == (4, 5)
    assert (np.array(found.norms) > 0).all()


def test_batches_do_not_depend_on_the_weights_drawn(monkeypatch):
    drawn: list[list[int]] = []
    part = Chunks.part

    def watched(self: Chunks, strings: np.ndarray) -> Chunks:
        drawn[-1] += strings.tolist()
        return part(self, strings)

    monkeypatch.setattr(Chunks, "part", watched)
    for changes, seed in (
        (Changes((6, 6, 6)), 1),
        (Changes((3, 5, 7), norm_between=False), 1),
        (Changes((6, 6, 6)), 2),
    ):
        drawn.append([])
        trial(changes, seed, **{"train.batch": 16}).train()
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


def test_the_same_trial_has_the_same_figures():
    one, two = (trial(Changes((6, 6, 6))).train() for _ in range(2))
    assert one._replace(seconds=0) == two._replace(seconds=0)


def test_nodes_are_the_levels_outputs():
    run = trial(Changes((6, 6, 6)))
    chunks = Chunks.of(STRINGS[:5], VOCABULARY, GROUPS)
    nodes = run.nodes(chunks)
    windows = torch.from_numpy(Windows.of(STRINGS[:5], VOCABULARY, 8).contexts()).long()
    x = run.model.eval().embedding(windows)
    with torch.no_grad():
        for level in run.model.levels:
            x = level(x)
    np.testing.assert_allclose(nodes[-1][chunks.contexts], x.numpy(), atol=1e-5)
    assert [node.shape[1] for node in nodes] == [5, 6, 6, 6]


def test_a_run_that_diverges_says_so():
    run = trial(Changes((6, 6, 6)))
    with torch.no_grad():
        run.model.head.linear.weight[0, 0] = float("nan")
    with pytest.raises(TrainingError, match=r"^the loss is nan at step 1; lower the learning rate"):
        run.train()


def test_flattening_loses_nothing_and_a_loss_would_be_seen(monkeypatch):
    assert [flattening_loses(groups) for groups in ((8,), (4, 2), (2, 4), (2, 2, 2))] == [0, 0, 0, 0]
    from wavemore.nn import FlattenConsecutive

    forward = FlattenConsecutive.forward
    monkeypatch.setattr(FlattenConsecutive, "forward", lambda self, x: forward(self, x).round(decimals=3))
    assert flattening_loses((2, 2, 2)) > 0
