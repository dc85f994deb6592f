"""Distillation: a pupil learns what its teacher expects, from a recipe or a file, and a stopped run goes on exactly."""

from pathlib import Path

import numpy as np
import pytest
from interrupted import Interrupting

from wavemore.errors import CheckpointError, ConfigError, FileError
from wavemore.estimator import StringModel
from wavemore.fitting import fit_model
from wavemore.lists.corpus import read_corpus
from wavemore.models.modelfile import ModelFile
from wavemore.models.origin import Lists
from wavemore.predict.chunks import Chunks
from wavemore.settings.config import Recipe, load_recipe
from wavemore.train import Checkpoint
from wavemore.train.batches import taught

TEACHER = """
[model]
groups = [2, 2, 2]
embedding = 4
hidden = 12
members = 2
[train]
epochs = 0
steps = 60
evaluate_every = 20
"""


@pytest.fixture
def recipe(tiny_recipe: Recipe, tmp_path: Path) -> Recipe:
    path = tmp_path / "teacher.toml"
    path.write_text(TEACHER)
    return tiny_recipe.with_settings({"train.form": "shared", "train.teacher": str(path)})


def test_what_a_teacher_of_the_same_context_expects_is_its_softmax(tiny_model, strings):
    vocabulary = tiny_model.file_.vocabulary
    chunks = Chunks.of(strings, vocabulary, (2, 2))
    expected = taught(tiny_model.distribution_, strings, chunks)
    assert expected.sum(axis=1) == pytest.approx(np.ones(len(expected)), abs=1e-5)
    logits = np.concatenate([logits for _, logits in tiny_model.distribution_.predictor.chunk_logits(chunks)]).astype(
        np.float64
    )
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(expected - softmax).max() < 1e-5


def test_of_a_teacher_that_looks_further_back_it_is_the_mean(tiny_model):
    """Two contexts of the teacher that are one of the pupil."""
    vocabulary = tiny_model.file_.vocabulary
    strings = ["bado", "bado", "lado"]
    chunks = Chunks.of(strings, vocabulary, (2,))
    expected = taught(tiny_model.distribution_, strings, chunks)
    longer = Chunks.of(strings, vocabulary, (2, 2))
    whole = taught(tiny_model.distribution_, strings, longer)
    row, other = chunks.starts[0] + 3, chunks.starts[2] + 3  # after "bad" and "lad", which both end in "ad"
    assert chunks.contexts[row] == chunks.contexts[other]
    mean = (2 * whole[longer.contexts[row]] + whole[longer.contexts[other]]) / 3
    assert np.abs(expected[chunks.contexts[row]] - mean).max() < 1e-6
    assert np.abs(whole[longer.contexts[row]] - whole[longer.contexts[other]]).max() > 1e-4


def test_a_pupil_comes_nearer_to_its_teacher_than_without_it(recipe, strings, tmp_path):
    """The mean divergence of what it expects from what the teacher does."""
    teacher = StringModel(tmp_path / "teacher.toml").fit(strings, validation=strings[:20])
    teacher.save(tmp_path / "t.safetensors")
    vocabulary = teacher.file_.vocabulary
    chunks = Chunks.of(strings, vocabulary, (2, 2, 2))
    wanted = taught(teacher.distribution_, strings, chunks)

    def divergence(settings: dict[str, str]) -> float:
        size = {"model.groups": [2, 2, 2], "model.hidden": 24, "train.optimizer": "muon", "train.steps": 300}
        pupil = StringModel(recipe, settings={**size, "train.keep": "last", **settings})
        pupil.fit(strings, validation=strings[:20])
        found = taught(pupil.distribution_, strings, chunks)
        return float((wanted * np.log(wanted / found)).sum(axis=1).mean())

    assert divergence({"train.teacher": str(tmp_path / "t.safetensors")}) < 0.8 * divergence({"train.teacher": ""})


def fit(recipe: Recipe, strings: list[str], path: Path, *interrupts: int, resume: bool = False) -> ModelFile:
    monitor = Interrupting(*interrupts)
    return fit_model(Lists(read_corpus(strings)), recipe, monitor=monitor, checkpoint=path, resume=resume)[0]


@pytest.mark.parametrize("interrupted", ["teacher", "pupil"])
def test_a_stopped_run_goes_on_exactly_whether_the_teacher_or_the_pupil_was_at_work(
    recipe, strings, tmp_path, monkeypatch, interrupted
):
    path = tmp_path / "run.checkpoint"
    whole = fit(recipe, strings, path)
    path.unlink()
    begun: list[str] = []
    original = Interrupting.begin

    def begin(self: Interrupting, steps: int, what: str) -> None:
        begun.append(what)
        self.steps = (15,) if interrupted == ("teacher" if what else "pupil") else ()
        original(self, steps, what)

    monkeypatch.setattr(Interrupting, "begin", begin)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, strings, path)
    monkeypatch.setattr(Interrupting, "begin", original)
    assert begun == [f"teacher, recipe {recipe.train.teacher}", ""][: 1 if interrupted == "teacher" else 2]
    resumed = fit(recipe, strings, path, resume=True)
    assert all(np.array_equal(array, resumed.weights[name]) for name, array in whole.weights.items())
    assert resumed.provenance == whole.provenance


def test_a_checkpoint_of_another_pupil_is_refused(recipe, strings, tmp_path):
    path = tmp_path / "run.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        fit(recipe.with_settings({"train.teacher": ""}), strings, path, 5)
    with pytest.raises(CheckpointError, match="other settings than this one"):
        fit(recipe, strings, path, resume=True)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"train.form": "windowed"}, 'only form = "shared" learns from a teacher'),
        ({"train.teacher": "bset"}, 'unknown recipe "bset" (did you mean "best"?)'),
        ({"train.teacher": "small"}, "it has a teacher of its own"),
    ],
)
def test_teachers_that_make_no_sense(recipe, strings, settings, sentence):
    with pytest.raises(ConfigError) as caught:
        StringModel(recipe, settings=settings).fit(strings)
    assert sentence in str(caught.value)


def test_a_teacher_of_another_alphabet_is_refused(recipe, tiny_path, strings):
    with pytest.raises(ConfigError, match="its characters are not those of the list"):
        StringModel(recipe, settings={"train.teacher": str(tiny_path)}).fit([*strings, "xyz"])


def test_the_checkpoint_of_a_pupil_holds_its_teacher(recipe, strings, tmp_path):
    path = tmp_path / "run.checkpoint"
    model = fit(recipe, strings, path)
    teacher = Checkpoint.load(path).group("teacher")
    shapes = dict(load_recipe(recipe.train.teacher).wavenet.weight_shapes(len(model.vocabulary)))
    assert {name: tuple(tensor.shape) for name, tensor in teacher.items()} == shapes


def test_a_pupil_whose_teacher_has_changed_since_is_refused(recipe, strings, tmp_path, monkeypatch):
    path = tmp_path / "run.checkpoint"
    original = Interrupting.begin

    def begin(self: Interrupting, steps: int, what: str) -> None:
        self.steps = () if what else (15,)
        original(self, steps, what)

    monkeypatch.setattr(Interrupting, "begin", begin)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, strings, path)
    monkeypatch.setattr(Interrupting, "begin", original)
    (tmp_path / "teacher.toml").write_text(TEACHER.replace("[2, 2, 2]", "[2, 2]"))
    with pytest.raises(CheckpointError, match="another teacher than"):
        fit(recipe, strings, path, resume=True)


def test_a_teacher_file_that_was_replaced_is_noticed(recipe, strings, tmp_path):
    path, file = tmp_path / "run.checkpoint", tmp_path / "t.safetensors"
    StringModel(tmp_path / "teacher.toml").fit(strings).save(file)
    pupil = recipe.with_settings({"train.teacher": str(file)})
    with pytest.raises(KeyboardInterrupt):
        fit(pupil, strings, path, 15)
    StringModel(tmp_path / "teacher.toml", seed=7).fit(strings).save(file)
    with pytest.raises(CheckpointError, match="other teacher than this one"):
        fit(pupil, strings, path, resume=True)


def test_an_n_gram_teaches_too(recipe, strings):
    taught_by_counts = StringModel(recipe, settings={"train.teacher": "ngram"}).fit(strings)
    assert np.isfinite(taught_by_counts.score_samples(strings)).all()


def test_a_missing_teacher_file_is_named(recipe, strings):
    with pytest.raises(FileError, match=r"nosuch\.safetensors: No such file"):
        StringModel(recipe, settings={"train.teacher": "nosuch.safetensors"}).fit(strings)
