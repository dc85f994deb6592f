"""One step of an optimiser on a model, which stays as it is."""

import numpy as np
import pytest
import torch
from inspected import model_of

from wavemore.nn import WaveNet
from wavemore.predict.chunks import Chunks
from wavemore.settings.config import TrainConfig
from wavemore.train.batches import answer_counts, tree_of
from wavemore.train.onestep import one_step


def test_one_step_is_the_optimisers_and_leaves_the_model_alone(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 8, "dropout": 0.3}}, strings)
    model = WaveNet.of(file.recipe.wavenet, file.weights)
    chunks = Chunks.of(strings, file.vocabulary, (2, 2))
    state = torch.get_rng_state()
    counts = answer_counts(chunks, len(file.vocabulary))
    loss, moved = one_step(model, TrainConfig(optimizer="sgd", rate=0.5, form="shared"), tree_of(chunks), counts)
    assert loss == pytest.approx(np.log(len(file.vocabulary)), abs=0.3)
    assert [each.name for each in moved] == [name for name, _ in model.named_parameters()]
    for each in moved:
        assert np.allclose(each.update, -0.5 * each.gradient, atol=1e-6)
        assert np.abs(each.gradient).max() > 0
        assert np.array_equal(each.weight, file.weights[each.name])
    assert torch.equal(torch.get_rng_state(), state)
    for name, tensor in model.state_dict().items():
        assert np.array_equal(tensor.numpy(), file.weights[name])
    assert not model.training
