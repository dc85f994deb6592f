"""Mixtures that are fitted, stopped and resumed, taught with, saved, and refused when their file is spoilt."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from interrupted import Interrupting

from wavemore.errors import ConfigError, ModelFileError
from wavemore.estimator import StringModel
from wavemore.fitting import fit_model
from wavemore.lists.corpus import read_corpus
from wavemore.mixtures.mixture import Mixture
from wavemore.models.modelfile import ModelFile
from wavemore.models.origin import Lists
from wavemore.predict.engine import Engine
from wavemore.predict.ensemble import Ensemble
from wavemore.settings.config import ModelConfig, Recipe
from wavemore.train import Checkpoint

# --- fitting


@pytest.fixture
def recipe(tiny_recipe: Recipe) -> Recipe:
    return tiny_recipe.with_settings({"model.ngram": 3, "train.form": "shared"})


@pytest.mark.parametrize("members", [1, 2])
def test_a_fitted_mixture_is_better_than_its_network(recipe, strings, members):
    held_out = strings[:20]
    recipe = recipe.with_settings({"model.members": members, "train.steps": 30})
    model = StringModel(recipe).fit(strings[20:], validation=held_out)
    engine, losses = model.distribution_.predictor, model.file_.provenance["losses"]
    assert isinstance(engine, Mixture)
    assert isinstance(engine.network, Ensemble if members == 2 else Engine)
    alone = StringModel(recipe, settings={"model.ngram": 0}).fit(strings[20:], validation=held_out)
    assert losses["network"] == alone.file_.provenance["losses"]
    for part, listed in (("train", strings[20:]), ("validation", held_out)):
        assert model.evaluate(listed).nats_per_character == pytest.approx(losses[part], abs=1e-5)
        assert alone.evaluate(listed).nats_per_character == pytest.approx(losses["network"][part], abs=1e-5)
    assert losses["validation"] < losses["network"]["validation"]
    assert model.file_.ngram_weight == engine.weight
    apart = alone.file_.parameter_count
    assert model.file_.parameter_count == apart + engine.ngram.parameters + 1


def test_the_torch_network_of_a_mixture_is_the_network_alone(recipe, strings):
    model = StringModel(recipe).fit(strings)
    state = model.wavenet().state_dict()
    assert state.keys() == model.file_.network.keys()
    assert not any(name.startswith("ngram") for name in state)


def test_saved_and_loaded_it_is_the_same_to_the_bit(recipe, strings, tmp_path):
    model = StringModel(recipe, settings={"model.members": 2}).fit(strings)
    model.save(tmp_path / "one.safetensors")
    loaded = StringModel.load(tmp_path / "one.safetensors")
    assert loaded.file_.weights.keys() == model.file_.weights.keys()
    for name, array in model.file_.weights.items():
        assert loaded.file_.weights[name].dtype == array.dtype
        assert np.array_equal(loaded.file_.weights[name], array)
    loaded.save(tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    assert np.array_equal(loaded.score_samples(strings), model.score_samples(strings))
    assert loaded.sample(30, seed=3) == model.sample(30, seed=3)


TEACHER = """
[model]
groups = [2, 2, 2]
embedding = 4
hidden = 8
ngram = 2
[train]
epochs = 0
steps = 40
evaluate_every = 20
"""


def fit(recipe: Recipe, strings: list[str], path: Path, *interrupts: int, resume: bool = False) -> ModelFile:
    monitor = Interrupting(*interrupts)
    return fit_model(Lists(read_corpus(strings)), recipe, monitor=monitor, checkpoint=path, resume=resume)[0]


def same(one: ModelFile, two: ModelFile) -> bool:
    return one.provenance == two.provenance and all(
        np.array_equal(one.weights[name], two.weights[name]) for name in one.weights.keys() | two.weights.keys()
    )


def test_a_stopped_run_ends_in_the_same_mixture(recipe, strings, tmp_path):
    whole = fit(recipe, strings, tmp_path / "run.checkpoint")
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, strings, tmp_path / "run.checkpoint", 30)
    assert same(fit(recipe, strings, tmp_path / "run.checkpoint", resume=True), whole)


@pytest.mark.parametrize("order", [0, 3])
def test_a_mixture_teaches_and_travels_in_its_pupils_checkpoint(recipe, strings, tmp_path, order, monkeypatch):
    (tmp_path / "teacher.toml").write_text(TEACHER)
    path = tmp_path / "run.checkpoint"
    recipe = recipe.with_settings({"model.ngram": order, "train.teacher": str(tmp_path / "teacher.toml")})
    whole = fit(recipe, strings, path)
    teacher = Checkpoint.load(path).group("teacher")
    assert {name for name in teacher if name.startswith("ngram")} == {"ngram.ngrams", "ngram.counts", "ngram.weight"}
    assert ("ngram.weight" in whole.weights) == (order > 0)
    monkeypatch.setattr(Interrupting, "begin", lambda self, steps, what: setattr(self, "steps", () if what else (15,)))
    with pytest.raises(KeyboardInterrupt):  # in the pupil's run
        fit(recipe, strings, path)
    monkeypatch.undo()
    assert same(fit(recipe, strings, path, resume=True), whole)
    taught = StringModel(tmp_path / "teacher.toml").fit(strings)
    taught.save(tmp_path / "teacher.safetensors")
    recipe = recipe.with_settings({"train.teacher": str(tmp_path / "teacher.safetensors")})
    by_file = fit(recipe, strings, path)
    assert by_file.weights.keys() == whole.weights.keys()


# --- files


@pytest.fixture
def path(recipe, strings, tmp_path) -> Path:
    StringModel(recipe, settings={"train.steps": 2}).fit(strings).save(tmp_path / "mixed.safetensors")
    return tmp_path / "mixed.safetensors"


def spoil(path: Path, name: str, array: np.ndarray | None) -> None:
    """Put another array, or none, in the place of one."""
    from safetensors import safe_open

    with safe_open(str(path), framework="np") as file:
        metadata = file.metadata()
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
    weights.pop(name, None)
    path.write_bytes(safetensors.numpy.save(weights if array is None else {**weights, name: array}, metadata))


@pytest.mark.parametrize(
    ("name", "array", "why"),
    [
        ("ngram.weight", None, "lacks ngram.weight; train it or copy it again"),
        ("ngram.counts", None, "lacks ngram.counts; train it or copy it again"),
        (
            "ngram.more",
            np.zeros(1, np.float32),
            "has a tensor that does not belong there, ngram.more; train it or copy it again",
        ),
        (
            "ngram.weight",
            np.full(1, 0.5, np.float32),
            "holds ngram.weight as float32 of shape (1,), and its settings need float32 of shape (); "
            "train it or copy it again",
        ),
        (
            "ngram.weight",
            np.full((), 0.5),
            "holds ngram.weight as float64 of shape (), and its settings need float32 of shape (); "
            "train it or copy it again",
        ),
        ("ngram.weight", np.full((), 1.5, np.float32), "holds 1.5 in ngram.weight; it must be from 0 to 1"),
        ("ngram.weight", np.full((), -0.25, np.float32), "holds -0.25 in ngram.weight; it must be from 0 to 1"),
        (
            "ngram.weight",
            np.full((), np.nan, np.float32),
            "holds numbers in ngram.weight that are not finite (NaN or infinity); train it again",
        ),
        ("ngram.counts", np.zeros(3, np.int64), "has unsound n-grams: "),
        (
            "ngram.ngrams",
            np.zeros(3, np.float32),
            "has unsound n-grams: ngrams are float32 of shape (3,), and they need",
        ),
    ],
)
def test_a_spoilt_file_is_refused(path, name, array, why):
    spoil(path, name, array)
    with pytest.raises(ModelFileError) as caught:
        StringModel.load(path).sample(1)
    assert str(caught.value).startswith(f"the model {path} {why}")
    assert "\n" not in str(caught.value)


def test_an_n_gram_models_file_is_named_too(strings, tmp_path):
    path = tmp_path / "counted.safetensors"
    StringModel("ngram").fit(strings).save(path)
    spoil(path, "counts", np.zeros(3, np.int64))
    with pytest.raises(ModelFileError, match=rf"^the model {path} has unsound n-grams: there are [\d,]+ of them and 3"):
        StringModel.load(path).sample(1)


def test_files_from_before_there_were_mixtures_load(tiny_path: Path):
    import json

    file = ModelFile.load(tiny_path)
    recipe = file.recipe.to_dict()
    del recipe["model"]["ngram"]
    about = {"format": 1, "recipe": recipe, "characters": file.vocabulary.characters, "provenance": {}}
    tiny_path.write_bytes(safetensors.numpy.save(dict(file.weights), {"wavemore": json.dumps(about)}))
    assert ModelFile.load(tiny_path).ngram_weight is None
    assert isinstance(StringModel.load(tiny_path).distribution_.predictor, Engine)


@pytest.mark.parametrize("order", [-1, 65])
def test_orders_that_make_no_sense(order):
    with pytest.raises(ConfigError, match=rf"^model\.ngram = {order}; it must be from 0 to 64$"):
        ModelConfig(ngram=order)
