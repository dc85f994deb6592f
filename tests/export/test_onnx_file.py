"""An ONNX file says what the engine says, for every kind of model; it is small, sound and always the same bytes."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from configurations import model_configs
from exported import ask, compared, padded
from hypothesis import given, settings
from model_kinds import FILES, VOCABULARY, a_network, expected_of, strings_for, weights_of
from tiny import tiny_strings

from wavemore.errors import UsageError
from wavemore.estimator import StringModel, load
from wavemore.export import graph
from wavemore.export.onnx_file import onnx_bytes
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import log_probabilities
from wavemore.settings.config import ModelConfig, Recipe, SequenceConfig, load_recipe, recipe_names

ROOM = 20_000
"""Bytes that a file may have beyond the weights."""


def opened(file: ModelFile) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx_bytes(file), options, providers=["CPUExecutionProvider"])


def rows_of(*strings: str, length: int = 0) -> np.ndarray:
    return padded([VOCABULARY.encode(string) for string in strings], at_end=True, length=length)


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_says_what_the_engine_says(kind):
    """Of ten thousand contexts and more each; a row's results are the same to the bit in batches of any size."""
    file = FILES[kind]()
    expected = expected_of(file, strings_for(1600 if kind in ("taught", "mixture", "labels") else 300))
    found = compared(opened(file), expected)
    assert max(found.values()) < 1, found


@given(config=model_configs)
@settings(max_examples=12, deadline=None)
def test_every_shape_of_network(config: ModelConfig):
    file = ModelFile(Recipe(model=config), VOCABULARY, weights_of(config))
    found = compared(opened(file), expected_of(file, strings_for(12)))
    assert max(found.values()) < 1, found


def test_the_check_sees_a_wrong_weight():
    file = FILES["taught"]()
    expected = expected_of(file, strings_for(20))
    wrong = {**file.weights, "head.linear.bias": file.weights["head.linear.bias"] + np.float32(1e-4)}
    assert compared(opened(replace(file, weights=wrong)), expected)["logits"] > 1


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_small_and_sound_and_always_the_same(kind):
    file = FILES[kind]()
    data = onnx_bytes(file)
    assert data == onnx_bytes(FILES[kind]())
    assert len(data) <= sum(array.nbytes for array in file.weights.values()) + ROOM
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, [(one.domain, one.version) for one in model.opset_import]) == (7, [("", 12)])


@pytest.mark.parametrize(
    "recipe", [*(name for name in recipe_names() if load_recipe(name).model.kind == "wavenet"), "auto"]
)
def test_a_file_with_the_settings_of_a_recipe_is_small(recipe):
    """Narrow levels have as many nodes as wide ones. A short list's "auto" is the one with the most."""
    chosen = StringModel(recipe, settings={"model.hidden": 16}).resolved_recipe(tiny_strings(500))
    config = chosen.wavenet
    file = a_network(**{name: getattr(config, name) for name in vars(config) if name not in ("kind", "dropout")})
    weights = sum(array.nbytes for name, array in file.weights.items() if ".norm." not in name)
    assert len(onnx_bytes(file)) <= weights + ROOM


def test_the_model_in_the_package():
    model = load()
    data = onnx_bytes(model.file_)
    assert len(data) <= sum(array.nbytes for array in model.file_.weights.values()) + ROOM
    names = ["emma", "xqzt", ""]
    ids = padded([model.file_.vocabulary.encode(name) for name in names], at_end=True)
    (found,) = ask(onnxruntime.InferenceSession(data), ids, "log_likelihood")
    np.testing.assert_allclose(found, model.score_samples(names), rtol=1e-6)


def test_an_ensemble_of_many_has_no_more_nodes_than_one_of_two():
    sizes = [len(onnx.load_from_string(onnx_bytes(a_network(members=m, cycles=2))).graph.node) for m in (2, 30)]
    assert sizes[0] == sizes[1]


def test_boundaries_may_stand_before_and_after():
    session = opened(FILES["long mixture"]())
    names = ("log_likelihood", "logits")
    expected = ask(session, rows_of("abba"), *names)
    for before, after in ((3, 0), (0, 5), (2, 2), (40, 40)):
        ids = np.pad(rows_of("abba"), ((0, 0), (before, after)))
        for found, one in zip(ask(session, ids, *names), expected, strict=True):
            np.testing.assert_array_equal(found, one)


def test_a_string_of_no_characters_in_a_batch_of_no_columns():
    file = FILES["mixture"]()
    scores, logits = ask(opened(file), np.zeros((2, 0), np.int64), "log_likelihood", "logits")
    expected = expected_of(file, [""])
    np.testing.assert_allclose(scores, [expected["log_likelihood"][0]] * 2, rtol=1e-5)
    np.testing.assert_allclose(logits, np.repeat(expected["logits"], 2, axis=0), atol=1e-5)


def test_rows_that_are_no_strings_do_not_touch_the_others():
    session = opened(FILES["two labels"]())
    ids = rows_of("abba", "abba", "abba", "abba", "kolo")
    ids[0, 1], ids[1, 3], ids[2, 2] = -1, len(VOCABULARY), 0  # unknown, unknown, broken
    scores, logits, joint = ask(session, ids, "log_likelihood", "logits", "log_joint")
    assert np.isneginf(scores[:2]).all()
    assert np.isneginf(joint[:2]).all()
    assert np.isnan(logits[:3]).all()
    assert np.isnan(scores[2])
    assert np.isnan(joint[2]).all()
    for found, one in zip(
        (scores, logits, joint),
        ask(session, rows_of("abba", "kolo"), "log_likelihood", "logits", "log_joint"),
        strict=True,
    ):
        np.testing.assert_array_equal(found[3:], one)


def test_unlikely_and_long_strings_keep_their_digits():
    """-119.7 must not become minus infinity, nor a sum of a thousand parts lose its end."""
    config = ModelConfig(groups=(2, 2), embedding=4, hidden=8)
    file = ModelFile(Recipe(model=config), VOCABULARY, {n: 20 * a for n, a in weights_of(config).items()})
    strings = ["ababab" * 200, "é" * 30]
    ids = padded([VOCABULARY.encode(string) for string in strings], at_end=True)
    (found,) = ask(opened(file), ids, "log_likelihood")
    each = log_probabilities(distribution_of(file), strings)
    assert each.min() < -40
    np.testing.assert_allclose(found, [each[:1201].sum(), each[1201:].sum()], rtol=1e-6)


def test_the_labels_and_a_string_together_are_what_predict_proba_says():
    file = FILES["two labels"]()
    model = StringModel(file.recipe)
    model.file_ = file
    strings = ["abba", "", "kolo", "éé"]
    session = opened(file)
    ids = padded([VOCABULARY.encode(string) for string in strings], at_end=True)
    joint, scores = ask(session, ids, "log_joint", "log_likelihood")
    np.testing.assert_allclose(np.exp(joint - scores[:, None]), model.predict_proba(strings), atol=1e-6)
    assert json.loads(session.get_modelmeta().custom_metadata_map["labels"]) == model.classes_


def test_the_metadata_say_what_a_user_needs():
    file = replace(FILES["long mixture"](), provenance={"data": {"name": "é"}, "seed": 1})
    about = opened(file).get_modelmeta()
    told = about.custom_metadata_map
    assert told["characters"] == file.vocabulary.characters
    assert json.loads(told["provenance"]) == {"data": {"name": "é"}, "seed": 1}
    assert Recipe.from_dict(json.loads(told["recipe"])) == file.recipe
    assert json.loads(told["context"]) == 11  # the n-gram model of order 12 looks back further than the network
    assert "NFC" in told["how"]
    assert "NFC" in about.description
    assert about.producer_name == "wavemore"


def test_the_metadata_say_what_a_labels_results_are():
    told = opened(FILES["labels"]()).get_modelmeta().custom_metadata_map
    assert "log_joint" in told["how"]
    assert "'context' is 0" in told["how"]
    assert "log_joint" not in opened(a_network()).get_modelmeta().custom_metadata_map["how"]


def test_a_character_that_ends_texts_elsewhere_is_kept():
    file = replace(a_network(), vocabulary=type(VOCABULARY)("\0abdekl😀"))
    assert opened(file).get_modelmeta().custom_metadata_map["characters"] == "\0abdekl😀"


@pytest.mark.parametrize("kind", ["bow", "rnn", "lstm", "transformer"])
def test_baselines_of_pytorch_are_refused(kind):
    file = ModelFile(Recipe(model=SequenceConfig(kind=kind)), VOCABULARY, {})
    with pytest.raises(UsageError) as refused:
        onnx_bytes(file)
    assert str(refused.value) == (
        f'the model is a "{kind}", a baseline that PyTorch runs and ONNX files are not written of; export a WaveNet, '
        "an n-gram model or a mixture of both"
    )


def test_what_one_file_cannot_hold_is_refused(monkeypatch):
    monkeypatch.setattr(graph, "_LARGEST", 1000)
    with pytest.raises(UsageError, match=r"bytes, and one ONNX file holds 1,000 at most"):
        onnx_bytes(a_network())
