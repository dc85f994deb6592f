"""The folded form against the windowed form, its oracle."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wavemore.config import ModelConfig
from wavemore.engine import Engine, log_softmax
from wavemore.nn import WaveNet, evaluation_mode

configs = st.builds(
    ModelConfig,
    groups=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    embedding=st.integers(1, 12),
    hidden=st.integers(1, 20),
    bias=st.booleans(),
    final_norm=st.booleans(),
)


def with_random_weights(config: ModelConfig, vocabulary_size: int, seed: int) -> WaveNet:
    """A model none of whose weights or statistics is where it started."""
    generator = torch.Generator().manual_seed(seed)
    model = WaveNet(config, vocabulary_size, generator=generator)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(torch.rand(tensor.shape, generator=generator) * 0.5 - 0.25)
    return model


def engine_of(model: WaveNet) -> Engine:
    return Engine(model.config, {name: tensor.numpy() for name, tensor in model.state_dict().items()})


@given(configs, st.integers(2, 40), st.integers(0, 2**31))
def test_logits_equal_the_windowed_forms(config, vocabulary_size, seed):
    model = with_random_weights(config, vocabulary_size, seed)
    ids = torch.randint(0, vocabulary_size, (17, config.context), generator=torch.Generator().manual_seed(seed))
    with evaluation_mode(model):
        expected = model(ids).numpy()
    assert np.abs(engine_of(model).logits(ids.numpy()) - expected).max() < 1e-5 * max(1, np.abs(expected).max())


def test_the_comparison_notices_statistics_that_were_not_folded():
    model = with_random_weights(ModelConfig(), 27, 0)
    ids = torch.randint(0, 27, (5, 8))
    with evaluation_mode(model):
        expected = model(ids).numpy()
    engine = engine_of(model)
    model.levels[1].norm.running_mean += 0.01  # type: ignore[operator, union-attr]
    with evaluation_mode(model):
        assert np.abs(model(ids).numpy() - expected).max() > 1e-3
    assert np.abs(engine.logits(ids.numpy()) - expected).max() < 1e-5


def test_many_contexts_at_once_equal_one_at_a_time():
    engine = engine_of(with_random_weights(ModelConfig(embedding=4, hidden=8), 27, 1))
    ids = np.random.default_rng(0).integers(0, 27, (9000, 8))
    some = [0, 1, 8191, 8192, 8999]
    together = engine.logits(ids)[some]
    alone = np.concatenate([engine.logits(ids[i : i + 1]) for i in some])
    assert np.abs(together - alone).max() < 1e-5


def test_no_contexts_give_no_logits():
    engine = engine_of(WaveNet(ModelConfig(), 27))
    assert engine.logits(np.zeros((0, 8), dtype=np.int32)).shape == (0, 27)


@pytest.mark.parametrize("scale", [1, 1e4])
def test_log_softmax_neither_overflows_nor_loses_mass(scale):
    logits = (np.random.default_rng(0).normal(size=(6, 9)) * scale).astype(np.float32)
    log_p = log_softmax(logits)
    assert np.isfinite(log_p).all()
    assert np.exp(log_p).sum(axis=1) == pytest.approx(1)
