"""The contract that every baseline keeps which reads a string from its beginning, in each of its three forms."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from baselines import ALPHABET, CONFIGS, KINDS, STRINGS, built, ids_of, logits_of, trained_a_little, weights_of

from wavemore.errors import ShapeError, UnknownCharacterError
from wavemore.nn import evaluation_mode
from wavemore.nn.packing import Strings
from wavemore.nn.sequence import SequenceModel
from wavemore.nn.sequence_predictor import SequencePredictor
from wavemore.predict.predictor import Distribution, Predictor, log_probabilities
from wavemore.sampling.constraints import StartsWith
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import SequenceConfig


@pytest.fixture(params=CONFIGS, ids=lambda config: f"{config.kind} {config.layers}")
def config(request: pytest.FixtureRequest) -> SequenceConfig:
    return request.param


def test_probabilities_sum_to_one_and_an_untrained_model_is_sane_in_evaluation_mode(config):
    logits = built(config).eval()(ids_of())
    assert logits.shape == (8, 9, len(ALPHABET))
    assert torch.isfinite(logits).all()
    assert logits.abs().max() < 3  # predictions are nearly even at first
    assert torch.allclose(torch.softmax(logits, 2).sum(2), torch.ones(8, 9))


def test_later_characters_never_change_earlier_predictions_and_every_earlier_one_matters(config):
    model, ids = trained_a_little(config), ids_of()
    before = model(ids)
    for position in range(1, ids.shape[1]):
        changed = ids.clone()
        changed[:, position] = changed[:, position] % (len(ALPHABET) - 1) + 1
        after = model(changed)
        assert torch.allclose(before[:, :position], after[:, :position], atol=1e-6)
        assert not torch.allclose(before[:, position], after[:, position], atol=1e-3)
        assert not torch.allclose(before[:, -1], after[:, -1], atol=1e-5)


def test_rows_do_not_see_each_other_in_evaluation_mode(config):
    model, ids = trained_a_little(config), ids_of()
    changed = ids.clone()
    changed[1:, 1:] = changed[1:, 1:] % (len(ALPHABET) - 1) + 1
    assert torch.allclose(model(ids)[0], model(changed)[0], atol=1e-6)
    assert torch.allclose(model(ids)[0], model(ids[:1])[0], atol=1e-5)
    assert not torch.allclose(model(ids)[1], model(changed)[1], atol=1e-3)


def test_step_form_equals_the_plain_form_and_rows_of_its_memory_can_be_picked(config):
    model, ids = trained_a_little(config), ids_of()
    with evaluation_mode(model):
        expected, memory = model(ids), model.begin(len(ids))
        rows = torch.arange(len(ids))
        for position in range(ids.shape[1]):
            logits, memory = model.step(ids[rows, position], memory)
            assert torch.allclose(logits, expected[rows, position], atol=1e-5)
            picked = torch.arange(len(rows)).flip(0)[: max(2, len(rows) - 1)]
            rows, memory = rows[picked], tuple(part[picked] for part in memory)
        assert len(rows) == 2


def test_a_step_does_not_change_the_memory_it_is_given(config):
    model = trained_a_little(config)
    with evaluation_mode(model):
        _, memory = model.step(torch.tensor([0, 0]), model.begin(2))
        before = [part.clone() for part in memory]
        first = model.step(torch.tensor([1, 2]), memory)[0]
        assert all(torch.equal(one, other) for one, other in zip(before, memory, strict=True))
        assert torch.equal(first, model.step(torch.tensor([1, 2]), memory)[0])


def test_packed_form_equals_the_plain_form_string_by_string(config):
    model, strings = trained_a_little(config), Strings.of(STRINGS, ALPHABET)
    packed = strings.packed(np.arange(len(STRINGS)))
    with torch.no_grad():
        logits = model.packed(packed.ids, packed.packing).numpy()
    in_order = np.empty_like(logits)
    in_order[packed.numbers] = logits
    expected = np.concatenate([logits_of(model, string) for string in STRINGS])
    assert np.abs(in_order - expected).max() < 1e-5


def test_gradients_reach_every_parameter(config):
    model, ids = built(config), ids_of(rows=40)
    F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_matrices_are_all_weights_but_those_of_embedding_and_head(config):
    model = built(config)
    expected = {
        name: p for name, p in model.named_parameters() if p.ndim == 2 and not name.startswith(("embedding.", "head."))
    }
    matrices = model.matrices()
    assert len(matrices) == len(expected)
    assert {id(p) for p in matrices} == {id(p) for p in expected.values()}


def test_same_seed_same_weights_and_the_default_generator_is_left_alone(config):
    torch.manual_seed(1)
    one = built(config)
    undisturbed = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(undisturbed, torch.rand(1))
    two, other = built(config), built(config, seed=4)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.embedding.weight, other.embedding.weight)
    assert all(not torch.equal(a, b) for a, b in zip(one.matrices(), other.matrices(), strict=True))


def test_dropout_draws_from_the_generator_of_the_model(config):
    def outputs(seed: int) -> torch.Tensor:
        model = built(config, seed)
        torch.rand(3)  # the default generator does not matter
        return torch.stack([model(ids_of()) for _ in range(2)])

    assert torch.equal(outputs(1), outputs(1))
    assert not torch.equal(outputs(1)[0], outputs(1)[1])
    model = built(config).eval()
    assert torch.equal(model(ids_of()), model(ids_of()))


def test_weights_go_through_arrays_bit_for_bit_and_have_the_names_and_shapes_of_a_model_file(config):
    model = trained_a_little(config)
    weights = weights_of(model)
    assert {name: array.shape for name, array in weights.items()} == dict(config.weight_shapes(len(ALPHABET)))
    assert all(array.dtype == np.float32 for array in weights.values())
    again = SequenceModel.of(config, weights)
    assert not again.training
    assert torch.equal(again(ids_of()), model(ids_of()))
    assert all(np.array_equal(array, weights[name]) for name, array in weights_of(again).items())
    assert sum(array.size for array in weights.values()) == model.parameter_count


def test_other_settings_have_other_shapes(config):
    other = replace(config, layers=config.layers + 1)
    assert dict(other.weight_shapes(len(ALPHABET))) != dict(config.weight_shapes(len(ALPHABET)))


def test_ids_of_a_wrong_shape_are_refused():
    model = built(CONFIGS[0])
    for shape in [(5,), (5, 0), (2, 3, 4)]:
        with pytest.raises(ShapeError, match=r"takes ids of shape \(rows, positions\), but got .*; begin each row"):
            model(torch.zeros(shape, dtype=torch.long))


# --- as a predictor


def predictor_of(model: SequenceModel) -> SequencePredictor:
    return SequencePredictor(model.config, weights_of(model))


def test_start_and_step_equal_the_plain_form_with_each_distinct_beginning_once(config):
    model = trained_a_little(config)
    predictor: Predictor[Any] = predictor_of(model)
    state, alive = predictor.start(len(STRINGS)), np.arange(len(STRINGS))
    for depth in range(max(map(len, STRINGS)) + 1):
        assert np.array_equal(state.strings, alive)
        assert len(state.logits) == len({STRINGS[i][:depth] for i in alive})
        assert state.logits.dtype == np.float32
        expected = np.stack([logits_of(model, STRINGS[i])[depth] for i in alive])
        assert np.abs(state.logits[state.context_of] - expected).max() < 1e-5
        going_on = np.flatnonzero([len(STRINGS[i]) > depth for i in alive])
        alive = alive[going_on]
        if not len(alive):
            break
        characters = np.array([ALPHABET.encode(STRINGS[i])[depth] for i in alive])
        before = state.logits.copy()
        following = predictor.step(state, going_on, characters)
        assert np.array_equal(before, state.logits)
        state = following


def test_predictions_equal_the_plain_form_in_portions_of_any_size(config, monkeypatch):
    model = trained_a_little(config)
    expected = np.concatenate([logits_of(model, string) for string in STRINGS])
    answers = np.concatenate([np.append(ALPHABET.encode(string), 0) for string in STRINGS])
    for numbers, portions in [(1 << 24, 1), (1, len(STRINGS)), (200, None)]:
        monkeypatch.setattr("wavemore.nn.sequence_predictor._NUMBERS_AT_ONCE", numbers)
        found = list(predictor_of(model).predictions(STRINGS, ALPHABET))
        assert portions in (len(found), None)
        assert sorted(np.concatenate([part.rows for part in found])) == list(range(len(answers)))
        for part in found:
            assert np.abs(part.logits[part.context_of] - expected[part.rows]).max() < 1e-5
            assert np.array_equal(part.answers, answers[part.rows])


def test_a_predictor_samples_scores_and_refuses_unknown_characters(config):
    predictor = predictor_of(trained_a_little(config))
    names = list(
        sample_strings(Distribution(predictor, ALPHABET), 20, seed=1, max_length=12, conditions=[StartsWith("ab")])
    )
    assert len(names) == 20
    assert names == list(
        sample_strings(Distribution(predictor, ALPHABET), 20, seed=1, max_length=12, conditions=[StartsWith("ab")])
    )
    assert len(log_probabilities(Distribution(predictor, ALPHABET), names)) == sum(map(len, names)) + 20
    assert predictor.remembered > 0
    assert list(predictor.predictions([], ALPHABET)) == []
    with pytest.raises(UnknownCharacterError, match="'z'"):
        list(predictor.predictions(["abz"], ALPHABET))


@pytest.mark.parametrize("kind", KINDS)
def test_a_string_may_have_any_length(kind):
    model = trained_a_little(SequenceConfig(kind=kind, embedding=4, hidden=8, heads=2))
    assert np.isfinite(logits_of(model, "abcde" * 400)).all()
