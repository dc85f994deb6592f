"""A trial: the taught model where nothing is changed, and exactly the change where something is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from oracle import forward
from tiny import tiny_strings

from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet, evaluation_mode
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import load_recipe
from wavemore.study import trial as trial_module
from wavemore.study.trial import Changes, TrialRun, flattening_loses
from wavemore.train.batches import tree_of
from wavemore.train.level import Level, Passed
from wavemore.train.network import first_weights

STRINGS = tiny_strings(80)
VOCABULARY = Vocabulary.of(STRINGS)
GROUPS = (2, 2, 2)


def trial(changes: Changes, seed: int = 1, **settings: object) -> TrialRun:
    given = {"model.activation": "tanh", "model.residual": False, "model.embedding": 5, "train.steps": 4}
    recipe = load_recipe("fast").with_settings({**given, "train.keep": "last", **settings})
    recipe = replace(recipe, train=replace(recipe.train, seed=seed))
    parts = [Chunks.of(part, VOCABULARY, recipe.wavenet.groups) for part in (STRINGS[:60], STRINGS[60:])]
    return TrialRun(recipe, changes, len(VOCABULARY), *parts)


def test_unchanged_it_is_the_network_of_the_recipe():
    network = trial(Changes((6, 6, 6)), **{"model.hidden": 6}).network
    expected = first_weights(network.config, len(VOCABULARY), np.random.default_rng(1))
    assert [*network.weights] == [*expected]
    assert all(np.array_equal(network.weights[name], array) for name, array in expected.items())


def test_without_anything_between_the_steps_they_are_one_linear_map():
    """What level 2 makes of the sum of two embeddings is the sum of what it makes of each."""
    chunks = Chunks.of(STRINGS[:5], VOCABULARY, GROUPS)

    def level_2(changes: Changes, x: np.ndarray) -> np.ndarray:
        network = trial(changes).network
        network.weights["embedding.weight"][:] = x
        return network.evaluated(tree_of(chunks))[0][2]

    x = np.random.default_rng(0).standard_normal((2, len(VOCABULARY), 5), dtype=np.float32)
    for changes, linear in (
        (Changes((6, 6, 6), norm_between=False, activation_between=False), True),
        (Changes((6, 6, 6), activation_between=False), True),  # a new BatchNorm does nothing in evaluation mode
        (Changes((6, 6, 6), norm_between=False), False),
        (Changes((6, 6, 6)), False),
    ):
        one, two, both = (level_2(changes, part) for part in (x[0], x[1], x[0] + x[1]))
        assert np.allclose(one + two, both, atol=1e-4) == linear
    bare = trial(Changes((6, 6, 6), norm_between=False)).network.weights
    assert [name for name in bare if "bias" in name or "gamma" in name] == [
        *("levels.0.linear.bias", "levels.1.linear.bias", "levels.2.norm.gamma", "head.linear.bias")
    ]


def test_widths_differ_by_level():
    run = trial(Changes((3, 5, 7)))
    matrices = [run.network.weights[name] for name in run.network.matrices]
    assert [matrix.shape for matrix in matrices] == [(10, 3), (6, 5), (10, 7)]
    outcome = run.train()
    assert outcome.parameters == sum(run.network.weights[name].size for name in run.network.adjusted)
    assert np.isfinite(outcome.validation)


@pytest.mark.parametrize("groups", [(2, 2, 2), (8,), (2, 4)])
def test_losses_are_those_of_the_windows_in_evaluation_mode(groups, monkeypatch):
    """Of a network trained a little, whole and in portions of its contexts."""
    monkeypatch.setattr(trial_module, "_CONTEXTS_AT_ONCE", 50)
    widths = (6, 3, 5)[: len(groups)]
    run = trial(Changes(widths), **{"model.groups": groups})
    outcome = run.train()
    for strings, loss in ((STRINGS[:60], outcome.train), (STRINGS[60:], outcome.validation)):
        windows = Windows.of(strings, VOCABULARY, 8)
        logits = forward(run.network.config, run.network.weights, windows.contexts())
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        assert loss == pytest.approx(-logits[np.arange(len(logits)), windows.answers()].mean(), abs=1e-5)


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
    model = WaveNet.of(run.network.config, run.network.weights)
    with evaluation_mode(model):
        x = model.embedding(torch.from_numpy(Windows.of(STRINGS[:5], VOCABULARY, 8).contexts()).long())
        for level in model.levels:
            x = level(x)
    np.testing.assert_allclose(nodes[-1][chunks.contexts], x.numpy(), atol=1e-5)
    assert [node.shape[1] for node in nodes] == [5, 6, 6, 6]


def test_a_run_that_diverges_says_so():
    run = trial(Changes((6, 6, 6)))
    run.network.weights["head.linear.weight"][0, 0] = np.nan
    with pytest.raises(TrainingError, match=r"^the loss is nan at step 1; lower the learning rate"):
        run.train()
    with pytest.raises(TrainingError, match=r"lower the learning rate"):  # and nothing is said beside
        trial(Changes((6, 6, 6)), **{"train.rate": 1e18, "train.matrix_rate": 1e18, "train.steps": 20}).train()


def test_flattening_loses_nothing_and_a_loss_would_be_seen(monkeypatch):
    assert [flattening_loses(groups) for groups in ((8,), (4, 2), (2, 4), (2, 2, 2))] == [0, 0, 0, 0]
    up = Level.up

    def rounded(self: Level, x: np.ndarray, *arguments: Any, **named: Any) -> Passed:
        passed = up(self, x, *arguments, **named)
        return passed._replace(nodes=passed.nodes.round(3))

    monkeypatch.setattr(Level, "up", rounded)
    assert flattening_loses((2, 2, 2)) > 0
