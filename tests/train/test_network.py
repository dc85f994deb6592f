"""The network that learns in NumPy: its loss, gradients and running statistics are those of the windowed form."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from configurations import model_configs
from hypothesis import given, settings
from hypothesis import strategies as st
from in_doubles import STRINGS, VOCABULARY, weights_of

from wavemore.errors import ShapeError
from wavemore.nn import WaveNet
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig
from wavemore.threads import Team
from wavemore.train.batches import batch_of
from wavemore.train.gradients import Moments, Scatter
from wavemore.train.network import Network, first_weights
from wavemore.train.optimisers import worked_out

RNG = np.random.default_rng
TEAMS = {threads: Team(threads) for threads in (1, 2)}


def as_taught(config: ModelConfig, weights: dict[str, np.ndarray]) -> tuple[float, WaveNet]:
    """The loss over all windows by PyTorch, and the model with its gradients."""
    model = WaveNet(config, len(VOCABULARY)).double()
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
    windows = Windows.of(STRINGS, VOCABULARY, config.context)
    ids, places = torch.from_numpy(windows.ids), torch.from_numpy(windows.positions)
    contexts = ids.unfold(0, config.context, 1)[places - config.context]
    loss = F.cross_entropy(model(contexts), ids[places].long())
    loss.backward()
    return loss.item(), model


@settings(max_examples=60, deadline=None)
@given(model_configs.map(lambda config: replace(config, dropout=0.0)), st.integers(1, 2))
def test_loss_gradients_and_running_statistics_are_those_of_the_windowed_form(config: ModelConfig, threads: int):
    weights = weights_of(config)
    expected, model = as_taught(config, weights)
    network = Network(config, weights, RNG(0), TEAMS[threads])
    batch = batch_of(Chunks.of(STRINGS, VOCABULARY, config.groups, config.cycles), len(VOCABULARY), np.float64)
    loss, way = network.loss(batch)
    assert loss == pytest.approx(expected, rel=1e-12)
    found = worked_out(network.gradients(batch, way))
    largest = max(float(p.grad.abs().max()) for p in model.parameters() if p.grad is not None)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        np.testing.assert_allclose(found.pop(name), parameter.grad.numpy(), rtol=1e-9, atol=1e-10 * largest)
    assert not found
    for name, tensor in model.state_dict().items():
        if "running" in name:
            np.testing.assert_allclose(weights[name], tensor.numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("activation", ["tanh", "gelu", "quick_gelu", "gated"])
def test_single_precision_is_near_and_threads_change_nothing(activation):
    config = ModelConfig(groups=(2, 2, 2), embedding=8, hidden=16, activation=activation, residual=True)
    chunks = Chunks.of(STRINGS, VOCABULARY, config.groups)
    exact = Network(config, weights_of(config), RNG(0), Team(1))
    batch = batch_of(chunks, len(VOCABULARY), np.float64)
    expected, way = exact.loss(batch)
    of_each = worked_out(exact.gradients(batch, way))
    found = []
    for threads in (1, 2):
        weights = {name: array.astype(np.float32) for name, array in weights_of(config).items()}
        network, batch = Network(config, weights, RNG(0), TEAMS[threads]), batch_of(chunks, len(VOCABULARY))
        loss, way = network.loss(batch)
        found.append(worked_out(network.gradients(batch, way)))
        assert loss == pytest.approx(expected, rel=1e-6)
    for name, gradient in of_each.items():
        np.testing.assert_allclose(found[0][name], gradient, rtol=1e-3, atol=1e-5 * np.abs(gradient).max())
        assert np.array_equal(found[0][name], found[1][name])


def test_dropout_leaves_out_the_share_that_it_should_and_keeps_the_mean():
    config = ModelConfig(groups=(2, 2), embedding=8, hidden=200, norm="none", dropout=0.25)
    weights = first_weights(config, len(VOCABULARY), RNG(0))
    batch = batch_of(Chunks.of(STRINGS, VOCABULARY, config.groups), len(VOCABULARY))
    _, way = Network(config, weights, RNG(1), Team(1)).loss(batch)
    mask = way.levels[0].mask
    assert mask is not None
    assert np.mean(mask == 0) == pytest.approx(0.25, abs=0.01)
    assert mask.mean() == pytest.approx(1, abs=0.02)
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.75)}
    losses = [Network(config, weights, RNG(seed), Team(1)).loss(batch)[0] for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_dropout_has_the_gradient_of_the_network_that_is_left():
    config = ModelConfig(groups=(2, 2), embedding=4, hidden=6, norm="layer", activation="gelu", dropout=0.5)
    weights = weights_of(config)
    network = Network(config, weights, RNG(3), TEAMS[2])
    batch = batch_of(Chunks.of(STRINGS, VOCABULARY, config.groups), len(VOCABULARY), np.float64)
    _, way = network.loss(batch)
    found = worked_out(network.gradients(batch, way))
    for name, place in (
        ("levels.0.linear.weight", (1, 2)),
        ("embedding.weight", (5, 1)),
        ("levels.1.norm.gamma", (3,)),
    ):
        losses = []
        for change in (1e-6, -1e-6):
            weights[name][place] += change
            losses.append(Network(config, weights, RNG(3), Team(1)).loss(batch)[0])
            weights[name][place] -= change
        assert found[name][place] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-4)


@given(st.lists(st.integers(0, 9), max_size=60))
def test_a_scatter_adds_up_the_rows_of_each_child(rows: list[int]):
    row = np.array(rows, dtype=np.int64)
    d = np.random.default_rng(0).integers(-50, 50, (len(rows), 3)).astype(np.float64)
    expected = np.zeros((12, 3))
    np.add.at(expected, row, d)
    assert np.array_equal(Scatter(row, 12)(d), expected)


def test_moments_count_each_row_as_often_as_it_is_used():
    draw = np.random.default_rng(0)
    x, uses = draw.standard_normal((50, 3)), draw.integers(1, 9, 50).astype(np.float64)
    found = Moments.of(x, uses)
    repeated = np.repeat(x, uses.astype(int), axis=0)
    np.testing.assert_allclose(found.mean, repeated.mean(axis=0))
    np.testing.assert_allclose(found.variance, repeated.var(axis=0, ddof=1))


def test_a_single_node_has_no_variance():
    with pytest.raises(ShapeError, match="one row has no variance"):
        _ = Moments.of(np.ones((1, 2)), np.ones(1)).variance
