"""One step of an optimiser on a model, which stays as it is; and the statistics that BatchNorms see of a batch."""

from typing import Any

import numpy as np
import pytest
import torch
from inspected import model_of

from wavemore.inspection.onestep import batch_statistics, network_of, one_step
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig, TrainConfig
from wavemore.train.batches import batch_of
from wavemore.train.network import first_weights


def test_one_step_is_the_optimisers_and_leaves_the_model_alone(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 8, "dropout": 0.3}}, strings)
    before = {name: array.copy() for name, array in file.weights.items()}
    batch = batch_of(Chunks.of(strings, file.vocabulary, (2, 2)), len(file.vocabulary))
    train = TrainConfig(optimizer="sgd", rate=0.5, form="shared")
    loss, moved = one_step(file.recipe.wavenet, file.weights, train, batch)
    assert loss == pytest.approx(np.log(len(file.vocabulary)), abs=0.3)
    names = dict(file.recipe.wavenet.weight_shapes(len(file.vocabulary)))
    assert [each.name for each in moved] == [name for name in names if "running" not in name]
    for each in moved:
        assert np.allclose(each.update, -0.5 * each.gradient, atol=1e-6)
        assert np.abs(each.gradient).max() > 0
        assert np.array_equal(each.weight, before[each.name])
    assert all(np.array_equal(file.weights[name], array) for name, array in before.items())
    again, _ = one_step(file.recipe.wavenet, file.weights, train, batch)
    assert again == loss  # dropout draws alike
    without = {"model": {"groups": [2, 2], "hidden": 8}}
    assert one_step(model_of(without, strings).recipe.wavenet, file.weights, train, batch)[0] != loss


@pytest.mark.parametrize("changes", [{}, {"groups": (4,)}, {"cycles": 2}, {"skip": True}, {"activation": "gated"}])
def test_batch_statistics_are_those_of_the_windows(strings, changes: dict[str, Any]):
    config = ModelConfig(**{"groups": (2, 2), "hidden": 8, "final_norm": True, **changes})
    vocabulary = Vocabulary.of(strings)
    weights = first_weights(config, len(vocabulary), np.random.default_rng(0))
    found = batch_statistics(
        config, weights, batch_of(Chunks.of(strings, vocabulary, config.groups, config.cycles), len(vocabulary))
    )
    names = [f"levels.{i}.norm" for i in range(len(config.levels))]
    assert list(found) == [*names, "head.norm"]
    model = WaveNet.of(config, weights).train()
    with torch.no_grad():
        model(torch.from_numpy(Windows.of(strings, vocabulary, config.context).contexts()))
    for name, (mean, variance) in found.items():  # the running statistics began at 0 and 1, and moved by a tenth
        norm: Any = model.get_submodule(name)
        np.testing.assert_allclose(mean, 10 * norm.running_mean.numpy(), atol=1e-5)
        np.testing.assert_allclose(variance, 10 * norm.running_var.numpy() - 9, rtol=1e-3, atol=1e-4)
        assert (weights[f"{name}.running_mean"] == 0).all()


def test_without_batch_norm_there_are_no_statistics():
    config = ModelConfig(norm="layer")
    vocabulary = Vocabulary("abcd")
    weights = first_weights(config, len(vocabulary), np.random.default_rng(0))
    batch = batch_of(Chunks.of(["ab"], vocabulary, config.groups), len(vocabulary))
    assert batch_statistics(config, weights, batch) == {}


def test_of_an_ensemble_a_network_has_the_weights_of_the_member_that_is_given():
    config = ModelConfig(members=3, ngram=2, hidden=4, embedding=4)
    weights = first_weights(ModelConfig(hidden=4, embedding=4), 5, np.random.default_rng(0))
    network = network_of(config, dict(reversed(weights.items())))
    assert [*network.weights] == [*weights]
    network.weights["head.linear.bias"] += 1
    assert (weights["head.linear.bias"] == 0).all()
