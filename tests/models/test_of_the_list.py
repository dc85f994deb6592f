"""What model files keep of their lists."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from interrupted import Interrupting
from words import SALT, words

from wavemore.errors import ModelFileError, UsageError
from wavemore.estimator import StringModel
from wavemore.fitting import fit_model
from wavemore.lists.corpus import read_corpus, split
from wavemore.models import fingerprints
from wavemore.models.fingerprints import LOG_LIKELIHOODS, OF_THE_LIST, Fingerprints, quantiles
from wavemore.models.modelfile import ModelFile
from wavemore.models.origin import Lists
from wavemore.models.plausible import Plausible
from wavemore.settings.config import Recipe


@pytest.fixture(scope="module")
def listed() -> list[str]:
    return words(120)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe.from_dict(
        {"model": {"groups": [2, 2], "embedding": 4, "hidden": 8}, "train": {"steps": 20, "batch": 32}}
    )


@pytest.fixture(scope="module")
def model(recipe: Recipe, listed: list[str]) -> StringModel:
    return StringModel(recipe).fit(listed)


def saved(model: StringModel, folder: Path) -> ModelFile:
    model.save(folder / "model.safetensors")
    return ModelFile.load(folder / "model.safetensors")


def kept_of(file: ModelFile) -> tuple[Fingerprints, np.ndarray]:
    assert file.fingerprints is not None
    assert file.held_out_scores is not None
    return file.fingerprints, file.held_out_scores


def test_a_model_file_knows_its_parts(model, listed, tmp_path):
    file = saved(model, tmp_path)
    known, _ = kept_of(file)
    parts = split(read_corpus(listed), file.recipe.data)
    held_out = [*parts.validation, *parts.test]
    assert known.train(listed).tolist() == [string in parts.train for string in listed]
    assert known.held_out(listed).tolist() == [string in held_out for string in listed]
    assert not known.any(words(1120)[120:]).any()


def test_held_out_scores_are_those_of_the_validation_part(model, listed, tmp_path):
    parts = split(read_corpus(listed), model.file_.recipe.data)
    _, scores = kept_of(saved(model, tmp_path))
    assert np.array_equal(scores, np.sort(model.score_samples(parts.validation)).astype(np.float32))


def test_a_file_says_which_strings_are_plausible(model, recipe, listed, tmp_path):
    short = saved(model, tmp_path).plausible  # 12 were held out, so all 120 set the limits
    assert short == Plausible.of(model.distribution_, listed, fewest=1)
    enough = StringModel(recipe).fit(listed[:80], validation=listed[80:])
    assert saved(enough, tmp_path).plausible == Plausible.of(enough.distribution_, listed[80:]) is not None
    forgetful = StringModel(recipe, settings={"data.remember": False}).fit(listed[:80], validation=listed[80:])
    assert saved(forgetful, tmp_path).plausible is None


SMALL: dict[str, Any] = {"groups": [2, 2], "embedding": 4, "hidden": 8}


@pytest.mark.parametrize(
    "settings",
    [
        {**SMALL, "members": 2},
        {**SMALL, "ngram": 3},
        {"kind": "ngram", "order": 3},
        *({"kind": kind, "hidden": 8} for kind in ("bow", "lstm")),
    ],
    ids=lambda settings: " ".join(map(str, settings.values())),
)
def test_every_kind_of_model_keeps_them(settings, listed, tmp_path):
    recipe = Recipe.from_dict({"model": settings, "train": {"steps": 4, "batch": 32}})
    model = StringModel(recipe).fit(listed)
    known, scores = kept_of(saved(model, tmp_path))
    parts = split(read_corpus(listed), recipe.data)
    assert known.train(parts.train).all()
    assert known.held_out([*parts.validation, *parts.test]).all()
    assert np.array_equal(scores, quantiles(model.score_samples(parts.validation)))
    assert model.file_.percentiles(scores) == pytest.approx(100 * np.arange(12) / 11)


def test_lists_held_out_are_kept_too(recipe, listed):
    model = StringModel(recipe).fit(listed[:80], validation=listed[80:100], test=listed[100:])
    known, scores = kept_of(model.file_)
    assert known.train(listed).tolist() == [True] * 80 + [False] * 40
    assert known.held_out(listed).tolist() == [False] * 80 + [True] * 40
    assert len(scores) == 20


def test_what_is_kept_of_the_list_is_no_parameter(model, recipe, listed, tmp_path):
    forgetful = StringModel(recipe, settings={"data.remember": False}).fit(listed)
    assert saved(model, tmp_path).parameter_count == forgetful.file_.parameter_count
    assert model.file_.weights.keys() == forgetful.file_.weights.keys()
    assert all(np.array_equal(array, forgetful.file_.weights[name]) for name, array in model.file_.weights.items())


def test_a_model_can_be_told_to_keep_nothing(recipe, listed, tmp_path):
    model = StringModel(recipe, settings={"data.remember": False}).fit(listed)
    file = saved(model, tmp_path)
    assert file.fingerprints is file.held_out_scores is None
    names = safetensors.numpy.load_file(tmp_path / "model.safetensors").keys()
    assert not names & set(OF_THE_LIST)
    with pytest.raises(UsageError) as caught:
        file.percentiles(np.array([-3.0]))
    assert str(caught.value) == (
        f"the model {tmp_path / 'model.safetensors'} has no scores of held-out strings to rank others among; train it "
        "again, with a validation part and data.remember = true"
    )


def test_the_same_training_gives_the_same_bytes_and_another_list_another_salt(model, recipe, listed, tmp_path):
    model.save(tmp_path / "one")
    StringModel(recipe).fit(list(listed)).save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    ours, _ = kept_of(model.file_)
    for lists in (
        Lists(read_corpus(listed[:-1])),
        Lists(read_corpus(listed), read_corpus(listed)),
        Lists(read_corpus(listed), read_corpus(listed), read_corpus(listed)),
    ):
        assert lists.salt != ours.salt


def test_a_stopped_run_keeps_the_same(recipe, listed, tmp_path):
    lists = Lists(read_corpus(listed))
    whole, _ = fit_model(lists, recipe, monitor=Interrupting())
    run = tmp_path / "run.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        fit_model(lists, recipe, monitor=Interrupting(11), checkpoint=run)
    resumed, _ = fit_model(lists, recipe, monitor=Interrupting(), checkpoint=run, resume=True)
    whole.save(tmp_path / "whole")
    resumed.save(tmp_path / "resumed")
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "resumed").read_bytes()
    assert kept_of(resumed)[0].any(listed).all()


def readable(path: Path, strings: list[str]) -> list[str]:
    """Those of the strings that a file's bytes hold, in any usual encoding."""
    content = path.read_bytes()
    return [s for s in strings if any(s.encode(code) in content for code in ("utf-8", "utf-16-le", "utf-32-le"))]


def test_no_string_of_the_list_can_be_read_in_the_file(model, listed, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert readable(path, listed) == []
    for code in ("utf-8", "utf-32-le"):  # and one that is there would be found
        path.write_bytes(path.read_bytes() + listed[7].encode(code))
        assert readable(path, listed) == [listed[7]]
        model.save(path)


def test_an_n_gram_model_does_hold_pieces_of_strings_that_can_be_read(recipe, listed):
    """As docs/model-file.md says."""
    model = StringModel(recipe, settings={"model.ngram": 4}).fit(listed)
    numbers, size = model.file_.ngram_arrays["ngrams"], len(model.file_.vocabulary)

    def piece(number: int) -> str:
        before, newest = divmod(int(numbers[number - 1]), size)
        return (piece(before) if before else "") + (model.file_.vocabulary.characters[newest - 1] if newest else ".")

    pieces = {piece(number) for number in range(1, len(numbers) + 1)}
    assert {string[:3] for string in split(read_corpus(listed), recipe.data).train} <= {p[1:] for p in pieces}


def unsound(path: Path, model: StringModel, change: Callable[[dict[str, np.ndarray]], object]) -> str:
    """What `ModelFile.load` says of the model's file, its tensors changed."""
    model.save(path)
    with safetensors.safe_open(str(path), framework="np") as file:
        metadata = file.metadata()
    tensors = safetensors.numpy.load_file(path)
    change(tensors)
    path.write_bytes(safetensors.numpy.save(tensors, metadata))
    with pytest.raises(ModelFileError) as caught:
        ModelFile.load(path)
    return str(caught.value)


def turned(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict[str, np.ndarray]], object]:
    return lambda tensors: tensors.update({name: np.ascontiguousarray(change(tensors[name]))})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda tensors: tensors.pop("seen.salt"), "lacks seen.salt; train it or copy it again"),
        (lambda tensors: tensors.pop("seen.train"), "lacks seen.train; train it or copy it again"),
        (lambda tensors: tensors.pop("seen.held_out"), "lacks seen.held_out; train it or copy it again"),
        (
            lambda tensors: tensors.update({"seen.other": np.zeros(1, dtype=np.uint32)}),
            "has a tensor that does not belong there, seen.other; train it or copy it again",
        ),
        (
            turned("seen.salt", lambda salt: salt[:15]),
            "holds seen.salt as uint8 of shape (15,); it must be uint8 of shape (16,); train it or copy it again",
        ),
        (
            turned("seen.salt", lambda salt: salt.astype(np.float32)),
            "holds seen.salt as float32 of shape (16,); it must be uint8 of shape (16,); train it or copy it again",
        ),
        (
            turned("seen.train", lambda train: train.astype(np.int64)),
            "holds seen.train as int64 of shape (96,); it must be uint32 or uint64 of one axis; train it or copy it "
            "again",
        ),
        (
            turned("seen.train", lambda train: train[:, None]),
            "holds seen.train as uint32 of shape (96, 1); it must be uint32 of one axis; train it or copy it again",
        ),
        (
            turned("seen.held_out", lambda aside: aside.astype(np.uint64)),
            "holds seen.held_out as uint64 of shape (24,); it must be uint32 of one axis; train it or copy it again",
        ),
        (
            turned("seen.train", lambda train: train[::-1]),
            "holds fingerprints in seen.train that do not rise; train it or copy it again",
        ),
        (
            turned("seen.held_out", lambda aside: np.append(aside, aside[-1])),
            "holds fingerprints in seen.held_out that do not rise; train it or copy it again",
        ),
        (
            turned(LOG_LIKELIHOODS, lambda scores: scores.astype(np.float64)),
            f"holds {LOG_LIKELIHOODS} as float64 of shape (12,); it must be float32 of one axis, and not empty; train "
            "it or copy it again",
        ),
        (
            turned(LOG_LIKELIHOODS, lambda scores: scores[:0]),
            f"holds {LOG_LIKELIHOODS} as float32 of shape (0,); it must be float32 of one axis, and not empty; train "
            "it or copy it again",
        ),
        (
            turned(LOG_LIKELIHOODS, lambda scores: scores[::-1]),
            f"holds numbers in {LOG_LIKELIHOODS} that are not finite or fall; train it or copy it again",
        ),
        (
            turned(LOG_LIKELIHOODS, lambda scores: np.append(scores, np.float32(np.nan))),
            f"holds numbers in {LOG_LIKELIHOODS} that are not finite or fall; train it or copy it again",
        ),
    ],
)
def test_what_is_kept_of_the_list_is_checked_when_the_file_is_read(model, tmp_path, change, why):
    path = tmp_path / "model.safetensors"
    assert unsound(path, model, change) == f"the model {path} {why}"


def test_a_file_that_keeps_nothing_or_only_part_of_it_is_sound(model, tmp_path):
    """As those of older versions."""
    for kept in product((True, False), repeat=2):
        known, scores = kept
        file = replace(
            model.file_,
            fingerprints=model.file_.fingerprints if known else None,
            held_out_scores=model.file_.held_out_scores if scores else None,
        )
        file.save(tmp_path / "model.safetensors")
        loaded = ModelFile.load(tmp_path / "model.safetensors")
        assert (loaded.fingerprints is not None, loaded.held_out_scores is not None) == kept
        again = tmp_path / "again.safetensors"
        loaded.save(again)
        assert again.read_bytes() == (tmp_path / "model.safetensors").read_bytes()


def test_fingerprints_of_64_bits_go_round(model, listed, tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprints, "_MOST_OF_32_BITS", 0)
    replace(model.file_, fingerprints=Fingerprints.of(listed[:9], listed[9:12], SALT)).save(
        tmp_path / "model.safetensors"
    )
    known, _ = kept_of(ModelFile.load(tmp_path / "model.safetensors"))
    assert (known.bits, known.salt) == (64, SALT)
    assert known.train(listed).tolist() == [True] * 9 + [False] * 111


def test_a_model_without_held_out_strings_has_empty_arrays(model, tmp_path):
    replace(model.file_, fingerprints=Fingerprints.of(["a"], [], SALT)).save(tmp_path / "model.safetensors")
    known, _ = kept_of(ModelFile.load(tmp_path / "model.safetensors"))
    assert known.any(["a", "b"]).tolist() == [True, False]
