"""A model is run over a list: every number is what it says, and what cannot be run is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from inspected import model_of

from wavemore.errors import CorpusError, UnknownCharacterError, UsageError
from wavemore.estimator import StringModel
from wavemore.inspection import inspect
from wavemore.models.modelfile import ModelFile
from wavemore.nn import evaluation_mode
from wavemore.predict.windows import Windows


def test_activations_are_those_of_all_windows(tiny_model, strings):
    found = inspect(tiny_model.file_, strings)
    model = tiny_model.wavenet()
    windows = Windows.of(list(dict.fromkeys(strings)), tiny_model.file_.vocabulary, 4)
    with evaluation_mode(model):
        x = model.embedding(torch.from_numpy(windows.contexts()))
        for level, layer in zip(model.levels, found.looks[0].levels, strict=True):
            normed = level.norm(level.linear(level.flatten(x)))
            x = torch.tanh(normed)
            values = x.reshape(-1, 8)
            assert layer.mean == pytest.approx(float(values.mean()), abs=1e-5)
            assert layer.deviation == pytest.approx(float(values.std(correction=0)), abs=1e-5)
            assert np.allclose(layer.spread, values.std(0, correction=0).numpy(), atol=1e-5)
            assert layer.flat["tanh"] == pytest.approx(float((values.abs() > 0.97).float().mean()), abs=1e-4)
            counts, _ = np.histogram(values.numpy(), layer.activated.edges)
            assert np.allclose(layer.activated.shares, counts / counts.sum(), atol=2e-3)


def test_of_an_ensemble_the_first_member_and_of_a_mixture_the_network(tiny_model, tiny_recipe, strings):
    several = StringModel(tiny_recipe, settings={"model.members": 2, "model.ngram": 3, "train.steps": 20}).fit(strings)
    found = inspect(several.file_, strings)
    assert found.about["note"] == "the first of 2 networks that vote, without the n-gram model that is mixed in"
    alone = replace(several.file_.recipe, model=replace(several.file_.recipe.wavenet, members=1, ngram=0))
    first = inspect(ModelFile(alone, several.file_.vocabulary, several.file_.members()[0]), strings)
    assert np.array_equal(found.looks[0].levels[0].spread, first.looks[0].levels[0].spread)
    assert inspect(tiny_model.file_, strings).about["note"] == ""


def test_refusals(tiny_model, strings):
    file = tiny_model.file_
    with pytest.raises(UsageError, match=r'^the chunk is ""; it must have at least one character$'):
        inspect(file, strings, chunk="")
    with pytest.raises(UnknownCharacterError, match="'z'"):
        inspect(file, strings, string="baz")
    with pytest.raises(UsageError, match=r"^the place in 'ba' is 3; it must be from 0, its start, to 2, its end$"):
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
