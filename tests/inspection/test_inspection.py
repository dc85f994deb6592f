"""Looking into a model: what is planted is found, a sound model has no findings, and every number is what it says."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from configurations import model_configs
from hypothesis import given, settings

from wavemore.errors import CorpusError, FileError, MissingExtraError, UnknownCharacterError, UsageError
from wavemore.estimator import StringModel
from wavemore.inspection import Inspection, inspect
from wavemore.inspection.page import check_output, write
from wavemore.inspection.report import records_of, text_of
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.nn import BatchNorm1d, WaveNet, evaluation_mode
from wavemore.nn.inside import batch_statistics, inside
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.runs.measures import Histogram, Layer, Norm, Parameter, flat_shares, map_of
from wavemore.settings.config import ModelConfig, Recipe, TrainConfig
from wavemore.train.batches import answer_counts, tree_of
from wavemore.train.onestep import one_step

Planted = Callable[..., Inspection]


@pytest.fixture
def planted(tiny_model: StringModel, strings: list[str]) -> Planted:
    """The tiny model inspected after its weights, as float32 arrays by name, were changed."""

    def planted(change: Callable[[dict[str, np.ndarray]], None] = lambda weights: None) -> Inspection:
        weights = {name: array.copy() for name, array in tiny_model.file_.weights.items()}
        change(weights)
        return inspect(replace(tiny_model.file_, weights=weights), strings)

    return planted


def model_of(recipe: dict[str, Any], strings: list[str]) -> ModelFile:
    """An untrained model of these settings, its statistics those of the strings."""
    parsed = Recipe.from_dict(recipe)
    vocabulary = Vocabulary.of(strings)
    config = parsed.wavenet
    model = WaveNet(config, len(vocabulary), generator=torch.Generator().manual_seed(0))
    tree = tree_of(Chunks.of(strings, vocabulary, config.groups, config.cycles))
    for name, (mean, var) in batch_statistics(model, tree).items():
        norm = model.get_submodule(name)
        assert isinstance(norm, BatchNorm1d)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
    return ModelFile(parsed, vocabulary, {name: tensor.numpy() for name, tensor in model.state_dict().items()})


# Findings: what is planted is found, alone.


def test_a_sound_model_has_no_findings(planted):
    assert planted().findings == []


@pytest.mark.parametrize("activation", ["tanh", "gelu", "gated"])
@pytest.mark.parametrize("norm", ["batch", "layer", "rms", "none"])
def test_a_new_model_has_no_findings(strings, activation, norm):
    recipe = {"model": {"groups": [2, 2], "hidden": 16, "embedding": 8, "activation": activation, "norm": norm}}
    assert inspect(model_of(recipe, strings), strings).findings == []


def test_dead_units_are_found_and_named(planted):
    def kill(weights: dict[str, np.ndarray]) -> None:
        for unit in (1, 6):
            weights["levels.0.norm.gamma"][unit] = 0

    assert planted(kill).findings == ["level 1: 2 of 8 units are dead (standard deviation below 0.01): 1, 6"]


def test_a_saturated_level_is_found(planted):
    def saturate(weights: dict[str, np.ndarray]) -> None:
        weights["levels.1.norm.gamma"] *= 40

    (finding,) = planted(saturate).findings
    assert re.fullmatch(r"level 2: \d\d% of its tanh values are saturated \(\|tanh\| above 0\.97\)", finding)


def test_a_vanishing_and_an_exploding_gradient_are_found(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 8, "norm": "none"}}, strings)
    small = {**file.weights, "levels.1.linear.weight": file.weights["levels.1.linear.weight"] * np.float32(1e-4)}
    found = inspect(replace(file, weights=small), strings).findings
    assert any(
        re.fullmatch(r"the gradient vanishes on its way down: level 1 has \S+ of level 2's gradient norm", sentence)
        for sentence in found
    )
    small = {**file.weights, "levels.0.linear.weight": file.weights["levels.0.linear.weight"] * np.float32(1e-4)}
    small["levels.1.linear.weight"] = file.weights["levels.1.linear.weight"] * 20
    found = inspect(replace(file, weights=small), strings).findings
    assert any(sentence.startswith("the gradient explodes on its way down: level 1 has ") for sentence in found)


def test_stale_statistics_are_found(planted):
    def shift(weights: dict[str, np.ndarray]) -> None:
        weights["levels.1.norm.running_mean"] += 2 * np.sqrt(weights["levels.1.norm.running_var"])

    def scale(weights: dict[str, np.ndarray]) -> None:
        weights["levels.1.norm.running_var"] *= 9

    found = planted(shift)
    assert [s for s in found.findings if "stale" in s] == [
        "levels.1.norm: the running mean is stale, "
        f"{found.norms[1].shift_size:.2f} running standard deviations off the batch's"
    ]
    assert found.norms[1].shift_size == pytest.approx(2, abs=0.4)
    found = planted(scale)
    assert [s for s in found.findings if "stale" in s] == [
        "levels.1.norm: the running variance is stale, its deviation off the batch's by a factor of "
        f"{found.norms[1].scale_size:.2f}"
    ]
    assert found.norms[1].scale_size == pytest.approx(3, rel=0.2)


@pytest.mark.parametrize(("rate", "words"), [(1e-9, "hardly moves it"), (50.0, "times the tensor itself")])
def test_steps_too_small_and_too_large_are_found(strings, rate, words):
    train = {"optimizer": "adamw", "rate": rate}
    found = inspect(model_of({"model": {"groups": [2, 2], "hidden": 8}, "train": train}, strings), strings)
    assert [sentence.split(":")[0] for sentence in found.findings if words in sentence] == [
        "embedding.weight",
        "levels.0.linear.weight",
        "levels.1.linear.weight",
        "head.linear.weight",
    ]


# The numbers.


@settings(max_examples=30, deadline=None)
@given(config=model_configs)
def test_the_values_inside_are_those_that_the_logits_are_made_of(config):
    strings = ["abca", "b", "cab"]
    vocabulary = Vocabulary.of(strings)
    model = WaveNet(config, len(vocabulary), generator=torch.Generator().manual_seed(1)).eval()
    chunks = Chunks.of(strings, vocabulary, config.groups, config.cycles)
    tree = tree_of(chunks)
    nodes = [level.nodes for level in inside(model, tree)]
    row = torch.arange(len(nodes[-1]))
    newest = [nodes[-1]]
    for i in range(len(nodes) - 2, -1, -1):
        row = tree.branches[i + 1].children[-1][row]
        newest.insert(0, nodes[i][row])
    with evaluation_mode(model):
        assert torch.allclose(model.head(model.read(newest)), model.shared(tree), atol=1e-5)


def test_activations_are_those_of_all_windows(tiny_model, strings):
    found = inspect(tiny_model.file_, strings)
    model = tiny_model.wavenet()
    windows = Windows.of(list(dict.fromkeys(strings)), tiny_model.file_.vocabulary, 4)
    with evaluation_mode(model):
        x = model.embedding(torch.from_numpy(windows.contexts()))
        for level, layer in zip(model.levels, found.layers, strict=True):
            normed = level.norm(level.linear(level.flatten(x)))
            x = torch.tanh(normed)
            values = x.reshape(-1, 8)
            assert layer.mean == pytest.approx(float(values.mean()), abs=1e-5)
            assert layer.deviation == pytest.approx(float(values.std(correction=0)), abs=1e-5)
            assert np.allclose(layer.spread, values.std(0, correction=0).numpy(), atol=1e-5)
            assert layer.flat["tanh"] == pytest.approx(float((values.abs() > 0.97).float().mean()), abs=1e-4)
            counts, _ = np.histogram(values.numpy(), layer.activated.edges)
            assert np.allclose(layer.activated.shares, counts / counts.sum(), atol=2e-3)


def test_flat_shares_of_each_activation():
    weights = np.array([0.75, 0.25])
    values = np.array([[0.0, 3.0], [-3.0, -3.0]])
    assert flat_shares("tanh", values, weights) == {"tanh": pytest.approx(0.375 + 0.25)}
    assert flat_shares("gelu", values, weights) == {"gelu": pytest.approx(0.25)}
    gated = np.array([[0.0, 5.0], [-3.0, 3.0]])
    assert flat_shares("gated", gated, weights) == {"tanh": pytest.approx(0.25), "sigmoid": pytest.approx(0.75)}
    slope = torch.tensor([-2.24, 2.0923], requires_grad=True)
    F.gelu(slope[:1]).sum().backward()
    assert slope.grad is not None
    assert abs(float(slope.grad[0])) == pytest.approx(1 - 0.97**2, abs=5e-3)  # as flat as tanh at 0.97


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


def test_batch_statistics_are_those_of_the_windows(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 8, "final_norm": True}}, strings)
    model = WaveNet.of(file.recipe.wavenet, file.weights)
    found = batch_statistics(model, tree_of(Chunks.of(strings, file.vocabulary, (2, 2))))
    assert list(found) == ["levels.0.norm", "levels.1.norm", "head.norm"]
    windows = torch.from_numpy(Windows.of(strings, file.vocabulary, 4).contexts())
    linear = model.levels[0].linear(model.levels[0].flatten(model.embedding(windows))).reshape(-1, 8)  # pyright: ignore
    assert torch.allclose(found["levels.0.norm"][0], linear.mean(0), atol=1e-5)
    assert torch.allclose(found["levels.0.norm"][1], linear.var(0), rtol=1e-4)
    bare = WaveNet(ModelConfig(norm="layer"), 5)
    assert batch_statistics(bare, tree_of(Chunks.of(["ab"], Vocabulary("abcd"), (2, 2, 2)))) == {}


def test_sizes_ratios_and_zeros_of_a_parameter():
    weight, gradient = np.array([[3.0, 4.0]], np.float32), np.array([[0.0, 0.1]], np.float32)
    parameter = Parameter.of("levels.2.linear.weight", weight, gradient, -weight / 1000)
    assert parameter.group == "level 3"
    assert parameter.gradient_norm == pytest.approx(0.1)
    assert parameter.gradient_ratio == pytest.approx(0.1 / 5)
    assert parameter.update_ratio == pytest.approx(-3)
    assert parameter.zeros == 0.5
    assert parameter.magnitudes.shares.sum() == pytest.approx(1)
    still = Parameter.of("head.linear.bias", np.zeros(3, np.float32), np.zeros(3, np.float32), np.zeros(3, np.float32))
    assert (still.group, still.gradient_ratio, still.update_ratio, still.zeros) == ("head", None, None, 1.0)
    assert still.magnitudes.shares.sum() == 0


def test_histograms_hold_what_lies_beyond_them_and_weigh_rows():
    found = Histogram.of(np.array([[-9.0, 0.5], [0.5, 9.0]]), -1, 1, np.array([3.0, 1.0]))
    assert found.shares[0] == pytest.approx(3 / 8)
    assert found.shares[-1] == pytest.approx(1 / 8)
    assert found.shares.sum() == pytest.approx(1)


def test_norms_are_compared_in_running_deviations():
    running = (np.array([1.0, 2.0]), np.array([4.0, 4.0]))
    norm = Norm.of("levels.0.norm", running, (np.array([3.0, 2.0]), np.array([16.0, 1.0])))
    assert np.allclose(norm.shift, [1, 0], atol=1e-4)
    assert np.allclose(norm.scale, [2, 0.5], atol=1e-4)
    assert norm.shift_size == pytest.approx(0.5**0.5, abs=1e-4)
    assert norm.scale_size == pytest.approx(2, abs=1e-4)


def test_dead_units_are_weighed_by_use():
    values = np.array([[0.0, 0.0], [1.0, 1.0]])
    layer = Layer.of(1, "tanh", values, values, np.array([1e6, 1.0]), 4.0)
    assert layer.dead == (0, 1)  # one window of a million does not bring a unit to life
    assert Layer.of(1, "tanh", values, values, np.array([1.0, 1.0]), 4.0).dead == ()


def test_the_map_keeps_distances_in_two_dimensions_and_its_signs():
    plane = np.random.default_rng(0).normal(size=(7, 2)) @ np.random.default_rng(1).normal(size=(2, 5))
    found = map_of(plane)
    distances = [np.linalg.norm(rows[:, None] - rows[None], axis=2) for rows in (plane, found.places)]
    assert np.allclose(*distances)
    assert sum(found.explained) == pytest.approx(1)
    assert np.allclose(map_of(-plane).places[:, 0].max(), np.abs(found.places[:, 0]).max())
    assert map_of(np.ones((3, 1))).explained == (0.0, 0.0)


# Single nodes.


def test_neighbours_are_those_of_a_search_over_all(tiny_model, strings):
    found = inspect(tiny_model.file_, strings, chunk="ba").neighbourhoods
    assert [near.chunk for near in found] == ["ba", "··ba"]
    model = tiny_model.wavenet()
    windows = Windows.of(list(dict.fromkeys(strings)), tiny_model.file_.vocabulary, 4).contexts()
    with evaluation_mode(model):
        pairs = {tuple(pair) for row in windows.tolist() for pair in (row[:2], row[2:])}
        ids = torch.tensor(sorted(pairs))
        nodes = model.levels[0](model.embedding(ids))
    names = ["".join("·" if i == 0 else tiny_model.file_.vocabulary.characters[i - 1] for i in p) for p in ids.tolist()]
    distances = 1 - F.cosine_similarity(nodes, nodes[names.index("ba")][None])
    expected = sorted((float(d), name) for d, name in zip(distances, names, strict=True) if name != "ba")[:8]
    assert found[0].chunks == len(names)
    assert [text for text, _ in found[0].neighbours] == [name for _, name in expected]
    assert np.allclose([distance for _, distance in found[0].neighbours], [d for d, _ in expected], atol=1e-5)


def test_a_long_chunk_is_cut_to_what_a_level_sees(tiny_model, strings):
    found = inspect(tiny_model.file_, strings, chunk="kobado").neighbourhoods
    assert [near.chunk for near in found] == ["do", "bado"]


def test_the_tree_of_a_string(tiny_model, strings):
    tree = inspect(tiny_model.file_, strings, string="badoko", at=3).tree
    assert tree is not None
    assert (tree.before, tree.following) == ("bad", "o")
    assert [(node.level, node.place, node.text) for node in tree.nodes] == [
        (0, 0, "·"),
        (0, 1, "b"),
        (0, 2, "a"),
        (0, 3, "d"),
        (1, 0, "·b"),
        (1, 1, "ad"),
        (2, 0, "·bad"),
    ]
    model = tiny_model.wavenet()
    ids = [0, *tiny_model.file_.vocabulary.encode("bad").tolist()]
    with evaluation_mode(model):
        x = model.embedding(torch.tensor([ids]))
        assert np.allclose(tree.nodes[2].values, x[0, 2].numpy())
        x = model.levels[0](x)
        assert np.allclose(tree.nodes[5].values, x[0, 1].numpy(), atol=1e-6)
        probabilities = torch.softmax(model(torch.tensor([ids])), 1)[0].numpy()
    characters = ["", *tiny_model.file_.vocabulary.characters]
    assert dict(tree.probabilities) == pytest.approx(
        dict(zip(characters, probabilities.tolist(), strict=True)), abs=1e-5
    )
    shown = [p for _, p in tree.probabilities]
    assert shown == sorted(shown, reverse=True)


def test_the_tree_of_a_model_with_cycles_shows_what_each_node_reaches(strings):
    file = model_of({"model": {"groups": [2], "cycles": 2, "hidden": 4, "embedding": 4}}, strings)
    tree = inspect(file, strings, string="bad").tree
    assert tree is not None
    assert [node.text for node in tree.nodes] == ["b", "a", "a", "d", "ba", "ad", "bad"]


# What is refused.


def test_refusals(tiny_model, strings):
    file = tiny_model.file_
    with pytest.raises(UsageError, match=r'^the chunk is "", and it has at least one character$'):
        inspect(file, strings, chunk="")
    with pytest.raises(UnknownCharacterError, match="'z'"):
        inspect(file, strings, string="baz")
    with pytest.raises(UsageError, match=r"^the place in 'ba' is 3; it must be from 0, before it, to 2, behind it$"):
        inspect(file, strings, string="ba", at=3)
    with pytest.raises(
        CorpusError, match=r"^the model knows all characters of none of the list's strings; name a list"
    ):
        inspect(file, ["xyz"])
    with pytest.raises(
        UsageError, match=r'^the model is of kind "ngram", and only a "wavenet" has levels to look into'
    ):
        inspect(StringModel("ngram").fit(strings).file_, strings)
    wide = model_of({"model": {"groups": [2] * 7, "hidden": 2, "embedding": 2}}, strings)
    with pytest.raises(UsageError, match=r"^the tree of one prediction has 128 leaves, and at most 64 can be shown"):
        inspect(wide, strings, string="ba")


def test_of_an_ensemble_the_first_member_and_of_a_mixture_the_network(tiny_model, tiny_recipe, strings):
    several = StringModel(tiny_recipe, settings={"model.members": 2, "model.ngram": 3, "train.steps": 20}).fit(strings)
    found = inspect(several.file_, strings)
    assert found.note == "the first of 2 networks that vote, without the n-gram model that is mixed in"
    alone = replace(several.file_.recipe, model=replace(several.file_.recipe.wavenet, members=1, ngram=0))
    first = inspect(ModelFile(alone, several.file_.vocabulary, several.file_.members()[0]), strings)
    assert np.array_equal(found.layers[0].spread, first.layers[0].spread)
    assert inspect(tiny_model.file_, strings).note == ""


# What is written.


def test_text_and_records_say_the_same(tiny_model, strings):
    found = inspect(tiny_model.file_, strings, list_name="syllables", chunk="ba", string="bado")
    text = "\n".join(text_of(found))
    records = list(json.loads(json.dumps(list(records_of(found)), allow_nan=False)))
    assert f"{found.strings} strings of syllables" in text
    assert {record["what"] for record in records} == {
        "inspection",
        "activations",
        "parameter",
        "norm",
        "embedding",
        "neighbours",
        "node",
        "prediction",
        "findings",
    }
    for record in records:
        if record["what"] == "parameter":
            assert re.search(rf"^{re.escape(record['name'])} .* {record['log10_update_to_weight']:.2f} ", text, re.M)
    assert text.endswith(
        "nothing wants attention: no dead units, no saturated level, no vanishing gradient, no stale statistics"
    )


def test_pictures_have_axes_units_and_what_to_look_for(tiny_model, strings, tmp_path):
    found = inspect(tiny_model.file_, strings, list_name="a $list$", chunk="ba", string="bado")
    written = write(found, tmp_path / "seen")
    names = ["activations", "gradients", "steps", "norms", "embedding", "neighbours", "tree"]
    assert [path.name for path in written] == [f"{name}.svg" for name in names]
    for path in written:
        words = re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))
        assert any(word.startswith("Look ") for word in words), path.name
    again = write(found, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]
    (png, *_) = write(found, tmp_path / "x.png")
    assert png == tmp_path / "x-activations.png"
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_page_is_one_file_that_needs_no_other(planted, tmp_path):
    found = planted(lambda weights: weights["levels.0.norm.gamma"].__setitem__(3, 0))
    (page,) = write(found, tmp_path / "x.html")
    text = page.read_text(encoding="utf-8")
    assert "<li>level 1: 1 of 8 units is dead (standard deviation below 0.01): 3</li>" in text
    assert text.count("<img alt=") == text.count('src="data:image/svg+xml;base64,') == 5
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)


def test_what_cannot_be_written_is_refused(tmp_path: Path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="it is a file; name a folder"):
        check_output(tmp_path / "file")
    with pytest.raises(FileError, match=r"^cannot make the folder .*: .*nosuch is no folder$"):
        check_output(tmp_path / "nosuch" / "x")
    with pytest.raises(FileError, match=r"^cannot write .*x\.html: "):
        check_output(tmp_path / "nosuch" / "x.html")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'wavemore\[plot\]'"):
        check_output(tmp_path / "x.html")


def test_a_level_that_is_saturated_in_each_part_of_its_gate_is_said_so(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 16, "activation": "gated"}}, strings)
    weights = {**file.weights, "levels.0.norm.gamma": file.weights["levels.0.norm.gamma"] * 50}
    found = inspect(replace(file, weights=weights), strings).findings
    assert [re.sub(r"\d+%", "N%", sentence) for sentence in found if "level 1" in sentence] == [
        "level 1: N% of its tanh values are saturated (|tanh| above 0.97)",
        "level 1: N% of its sigmoid values are saturated (within 0.015 of 0 or 1)",
    ]


def test_a_flat_gelu_is_found(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 16, "activation": "gelu"}}, strings)
    weights = {**file.weights, "levels.1.norm.beta": file.weights["levels.1.norm.beta"] - 3}
    found = inspect(replace(file, weights=weights), strings).findings
    assert any(
        re.fullmatch(r"level 2: \d\d% of its gelu values are saturated \(given less than -2\.24\)", s) for s in found
    )
