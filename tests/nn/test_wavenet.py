"""The contract that every form of the model keeps, and the windowed form against the oracle."""

import contextlib
import copy
from dataclasses import fields, replace
from typing import Literal, cast

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from configurations import model_configs
from hypothesis import given, settings
from oracle import forward

from wavemore.errors import ShapeError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import Tree, WaveNet, evaluation_mode, sample_as_taught, shared_cross_entropy
from wavemore.nn.wavenet import Level
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig
from wavemore.train.batches import answer_counts, tree_of

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


STRINGS = ["emma", "emily", "anna", "e", "annabel", "mmmmmmmmmmmm", "emma", ""]
ALPHABET = Vocabulary("abeilmny")


def shared_and_windowed(config: ModelConfig) -> tuple[WaveNet, Tree, Chunks, Windows]:
    model = WaveNet(config, len(ALPHABET), generator=torch.Generator().manual_seed(4)).double()
    chunks = Chunks.of(STRINGS, ALPHABET, config.groups, config.cycles)
    return model, tree_of(chunks, dtype=torch.float64), chunks, Windows.of(STRINGS, ALPHABET, config.context)


@settings(deadline=None, max_examples=60)
@given(model_configs.map(lambda config: replace(config, dropout=0.0)))
def test_shared_form_equals_the_windowed_form_in_both_modes(config):
    """Logits, loss, gradients and running statistics, over strings that share and repeat chunks."""
    one, tree, chunks, windows = shared_and_windowed(config)
    two = copy.deepcopy(one)
    answers = torch.from_numpy(windows.answers().astype(np.int64))
    for _ in range(3):  # so that the statistics move
        windowed_loss = F.cross_entropy(one(torch.from_numpy(windows.contexts())), answers)
        shared_loss = shared_cross_entropy(two.shared(tree), answer_counts(chunks, len(ALPHABET), torch.float64))
        assert torch.allclose(windowed_loss, shared_loss, rtol=1e-10)
        for model, loss in ((one, windowed_loss), (two, shared_loss)):
            model.zero_grad()
            loss.backward()
        for (name, a), b in zip(one.named_parameters(), two.parameters(), strict=True):
            assert a.grad is not None
            assert b.grad is not None
            assert torch.allclose(a.grad, b.grad, rtol=1e-8, atol=1e-10), name
        for (name, a), b in zip(one.named_buffers(), two.buffers(), strict=True):
            assert torch.allclose(a, b, atol=1e-10), name
    with evaluation_mode(one), evaluation_mode(two):
        expected = one(torch.from_numpy(windows.contexts()))
        assert torch.allclose(two.shared(tree)[torch.from_numpy(chunks.contexts)], expected, atol=1e-10)


def test_the_comparison_notices_uses_that_are_left_out():
    one, tree, chunks, windows = shared_and_windowed(ModelConfig(embedding=3, hidden=5))
    flat = Tree(tree.characters, [branch._replace(uses=torch.ones_like(branch.uses)) for branch in tree.branches])
    expected = one(torch.from_numpy(windows.contexts()))
    assert not torch.allclose(one.shared(flat)[torch.from_numpy(chunks.contexts)], expected, atol=1e-3)


def test_one_row_in_training_mode_is_refused_in_the_shared_form_too():
    model, tree, _, _ = shared_and_windowed(ModelConfig(groups=(8,), embedding=3, hidden=5))
    one = tree_of(Chunks.of([""], ALPHABET, (8,)), dtype=torch.float64)
    with pytest.raises(ShapeError, match="one row has no variance"):
        model.shared(one)
    assert torch.isfinite(model.eval().shared(one)).all()
    assert torch.isfinite(model.shared(tree)).all()


def test_in_the_shared_form_a_chunk_has_one_dropout_mask_for_all_windows_that_use_it():
    """With every chunk kept or dropped alike, all contexts that end in the same two characters agree at level 1."""
    model, tree, chunks, _ = shared_and_windowed(ModelConfig(embedding=3, hidden=50, norm="none", dropout=0.5))
    level = cast(Level, model.levels[0])
    x = model.embedding(tree.characters)
    first, again = (level.passed(x, tree.branches[0]).nodes for _ in range(2))
    assert first.shape[0] == chunks.branches[0].children.shape[1]  # one row, and so one mask, for each distinct chunk
    assert 0.4 < (first == 0).double().mean() < 0.6
    assert not torch.equal(first, again)
    kept = (first != 0) & (again != 0)
    assert torch.allclose(first[kept], again[kept])
    plain = level.eval().passed(x, tree.branches[0]).nodes
    assert torch.allclose(first[kept], 2 * plain[kept])  # scaled up, so that the mean stays


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
