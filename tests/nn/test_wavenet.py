"""The contract that the model as taught keeps, and the model against the oracle."""

import contextlib
from dataclasses import fields
from typing import Literal, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from configurations import model_configs
from hypothesis import given, settings
from oracle import forward

from wavemore.errors import ShapeError
from wavemore.nn import WaveNet, evaluation_mode, sample_as_taught
from wavemore.nn.wavenet import Level, Passed
from wavemore.settings.config import ModelConfig

VOCABULARY = 6
NORMS: tuple[Literal["batch", "layer", "rms", "none"], ...] = ("batch", "layer", "rms", "none")
CONNECTED: tuple[tuple[Literal["tanh", "gelu", "gated"], bool], ...] = (
    ("tanh", False),
    ("gelu", True),
    ("gated", False),
)
CONFIGS = (
    [
        ModelConfig(groups=groups, embedding=3, hidden=5, final_norm=final_norm, bias=bias)
        for groups in [(2, 2, 2), (8,), (3,), (4, 2), (2, 4), (1,), (3, 2), (2, 1, 2), (2, 2, 2, 2)]
        for final_norm, bias in [(False, False), (True, False), (False, True)]
    ]
    + [
        ModelConfig(groups=(2, 2, 2), embedding=3, hidden=5, norm=norm, activation=activation, residual=True, skip=skip)
        for norm in NORMS
        for activation, skip in CONNECTED
    ]
    + [
        ModelConfig(groups=(3, 2), cycles=2, embedding=5, hidden=5, residual=True, skip=True, activation="gated"),
        ModelConfig(groups=(2, 2), cycles=3, embedding=3, hidden=5, norm="layer", final_norm=True),
    ]
)


def contexts_of(config: ModelConfig, rows: int = 40, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, VOCABULARY, (rows, config.context), generator=generator)


def trained_a_little(config: ModelConfig, dtype: torch.dtype = torch.float32) -> WaveNet:
    """A model whose weights and running statistics have all moved away from where they start."""
    model = WaveNet(config, VOCABULARY, generator=torch.Generator().manual_seed(3)).to(dtype)
    ids = contexts_of(config, rows=64, seed=1)
    for _ in range(5):
        loss = torch.nn.functional.cross_entropy(model(ids), ids[:, -1])
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                assert parameter.grad is not None
                parameter.sub_(0.5 * parameter.grad)
    return model.eval()


def _name(config: ModelConfig) -> str:
    """The settings that are not the defaults."""
    default = ModelConfig()
    named = {field.name: getattr(config, field.name) for field in fields(config)}
    return " ".join(f"{key}={value}" for key, value in named.items() if value != getattr(default, key))


@pytest.fixture(params=CONFIGS, ids=_name)
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return request.param


def test_windowed_form_equals_the_oracle_in_float64(config):
    model = trained_a_little(config, torch.float64)
    ids = contexts_of(config)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        assert np.abs(model(ids).numpy() - forward(config, weights, ids.numpy())).max() < 1e-6


def test_the_oracle_notices_a_changed_weight():
    config = CONFIGS[0]
    model = trained_a_little(config, torch.float64)
    weights = {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}
    weights["levels.1.linear.weight"][0, 0] += 1e-3
    ids = contexts_of(config)
    with torch.no_grad():
        assert np.abs(model(ids).numpy() - forward(config, weights, ids.numpy())).max() > 1e-6


def test_probabilities_sum_to_one_and_an_untrained_model_is_sane_in_evaluation_mode(config):
    model = WaveNet(config, VOCABULARY, generator=torch.Generator().manual_seed(0)).eval()
    logits = model(contexts_of(config))
    assert torch.isfinite(logits).all()
    assert logits.abs().max() < 5  # predictions are nearly even at first
    assert torch.allclose(torch.softmax(logits, 1).sum(1), torch.ones(40))


def test_one_row_works_in_evaluation_mode_and_batch_norm_refuses_it_in_training_mode(config):
    model = trained_a_little(config)
    ids = contexts_of(config)
    assert torch.allclose(model(ids[:1]), model(ids)[:1], atol=1e-6)
    if config.norm == "batch" or config.final_norm:
        with pytest.raises(ShapeError, match=r"one row has no variance; call \.eval\(\)"):
            model.train()(contexts_of(config, rows=1))
    else:
        assert torch.isfinite(model.train()(contexts_of(config, rows=1))).all()


def test_rows_do_not_see_each_other_in_evaluation_mode(config):
    model = trained_a_little(config)
    ids = contexts_of(config)
    changed = ids.clone()
    changed[1:] = (changed[1:] + 1) % VOCABULARY
    assert torch.equal(model(ids)[0], model(changed)[0])


def test_every_character_of_the_context_matters(config):
    model = trained_a_little(config)
    ids = contexts_of(config, rows=30)
    for position in range(config.context):
        changed = ids.clone()
        changed[:, position] = (changed[:, position] + 1) % VOCABULARY
        assert not torch.allclose(model(ids), model(changed))


def test_gradients_reach_every_parameter(config):
    model = WaveNet(config, VOCABULARY, generator=torch.Generator().manual_seed(0))
    ids = contexts_of(config, rows=64)
    torch.nn.functional.cross_entropy(model(ids), ids[:, 0]).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        # A bias before a BatchNorm is taken out again by the mean: its gradient is zero but for rounding.
        assert parameter.grad.abs().max() > 0, name


def test_same_seed_same_weights(config):
    one, two = (WaveNet(config, VOCABULARY, generator=torch.Generator().manual_seed(5)) for _ in range(2))
    other = WaveNet(config, VOCABULARY, generator=torch.Generator().manual_seed(6))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.embedding.weight, other.embedding.weight)


def test_the_lecture_draws_embedding_first_then_the_linears_and_scales_the_last_by_a_tenth():
    generator = torch.Generator().manual_seed(42)
    embedding = torch.randn((27, 24), generator=generator)
    hidden = [torch.randn((n, 128), generator=generator) / n**0.5 for n in (48, 256, 256)]
    last = torch.randn((128, 27), generator=generator) / 128**0.5 * 0.1
    model = WaveNet(ModelConfig(), 27, generator=torch.Generator().manual_seed(42))
    matrices = [p for p in model.parameters() if p.ndim == 2]
    assert all(torch.equal(a, b) for a, b in zip(matrices, [embedding, *hidden, last], strict=True))
    assert model.parameter_count == 76_579


@pytest.mark.parametrize("shape", [(8,), (3, 7), (3, 8, 1)])
def test_ids_of_another_shape_are_refused(shape):
    with pytest.raises(ShapeError, match=r"the model takes ids of shape \(rows, 8\), but got"):
        WaveNet(ModelConfig(), 27)(torch.zeros(shape, dtype=torch.long))


def test_evaluation_mode_gives_the_mode_back_even_after_an_error():
    model = WaveNet(ModelConfig(), 27)
    with contextlib.suppress(ZeroDivisionError), evaluation_mode(model):
        assert not model.training
        assert not torch.is_grad_enabled()
        raise ZeroDivisionError
    assert model.training
    assert torch.is_grad_enabled()


def test_the_taught_sampler_ends_and_never_gives_the_boundary():
    model = WaveNet(CONFIGS[0], VOCABULARY, generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(1)
    samples = [sample_as_taught(model, generator, max_length=6) for _ in range(50)]
    assert all(0 not in ids and len(ids) <= 6 for ids in samples)
    assert len({tuple(ids) for ids in samples}) > 25
    assert model.training  # given back as it was, and untouched by evaluation
    assert torch.equal(model.levels[0].norm.running_mean, torch.zeros(5))  # type: ignore[union-attr]


@settings(deadline=None, max_examples=30)
@given(model_configs)
def test_what_goes_through_the_levels_is_what_the_logits_are_made_of(config):
    model = WaveNet(config, VOCABULARY, generator=torch.Generator().manual_seed(1)).eval()
    ids = contexts_of(config, rows=5)
    seen: list[Passed] = []
    logits = model(ids, seen)
    newest = [passed.nodes.reshape(5, -1, config.hidden)[:, -1] for passed in seen]
    assert torch.equal(model.head(model.read(newest)), logits)
    assert len(seen) == len(config.levels)
    leaves = config.leaves
    for level, passed, (n, _) in zip(model.levels, seen, config.levels, strict=True):
        leaves //= n
        assert passed.nodes.numel() == 5 * leaves * config.hidden
        assert torch.equal(cast(Level, level).activation(passed.normed), passed.activated)


def test_dropout_draws_from_the_generator_of_the_model():
    def losses(seed: int) -> list[float]:
        generator = torch.Generator().manual_seed(seed)
        model = WaveNet(ModelConfig(embedding=3, hidden=5, dropout=0.3), VOCABULARY, generator=generator)
        torch.rand(3)  # the default generator does not matter
        ids = contexts_of(model.config)
        return [F.cross_entropy(model(ids), ids[:, 0]).item() for _ in range(3)]

    assert losses(1) == losses(1)
    assert len(set(losses(1))) == 3
    assert losses(1) != losses(2)


def test_more_leaves_than_the_windowed_form_takes():
    config = ModelConfig(groups=(2,) * 6, cycles=3, embedding=2, hidden=2)
    with pytest.raises(ShapeError, match="262144 leaves, more than the 65536 that the windowed form takes"):
        WaveNet(config, VOCABULARY).eval()(torch.zeros((1, config.context), dtype=torch.long))
