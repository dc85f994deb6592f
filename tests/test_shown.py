"""What is public shows itself in a line or a few, however much it holds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

import wavemore
from wavemore.estimator import StringModel
from wavemore.lists.corpus import Corpus
from wavemore.settings.config import Recipe, load_recipe, recipe_names

MOST = 500


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return wavemore.read_corpus("names")


@pytest.fixture(scope="module")
def model(corpus: Corpus) -> StringModel:
    return wavemore.fit(corpus, recipe="ngram")


SHOWN: dict[str, Callable[[StringModel, Corpus], Any]] = {
    "the corpus": lambda model, corpus: corpus,
    "what it skipped": lambda model, corpus: wavemore.read_corpus(["anna", *["x\ny"] * 50, *["y" * 2000] * 50]).skipped,
    "a string of a corpus": lambda model, corpus: wavemore.read_corpus(["y" * 900]),
    "a model": lambda model, corpus: model,
    "its file": lambda model, corpus: model.file_,
    "its fingerprints": lambda model, corpus: model.file_.fingerprints,
    "its distribution": lambda model, corpus: model.distribution_,
    "its predictor": lambda model, corpus: model.distribution_.predictor,
    "its predictions": lambda model, corpus: next(iter(model.distribution_.predictions(corpus.strings[:300]))),
    "its vocabulary": lambda model, corpus: model.file_.vocabulary,
    "its history": lambda model, corpus: model.history_,
    "an evaluation": lambda model, corpus: model.evaluate(corpus.strings[:300]),
    "a report": lambda model, corpus: model.report(corpus, samples=100, memorisation=True),
    "what it knows by heart": lambda model, corpus: model.memorisation(samples=100),
    "row scores": lambda model, corpus: model.row_scores(against=[model] * 9, percentile=True),
    "guess numbers": lambda model, corpus: model.guess_numbers(corpus.strings[:900], samples=100),
    "an explanation": lambda model, corpus: model.explain(["anna" * 200], alternatives=27)[0],
    "a prediction": lambda model, corpus: model.explain(["anna"], alternatives=27)[0].predictions[0],
    "odd rows": lambda model, corpus: wavemore.odd(corpus.strings[:900], groups=corpus.strings[:900]),
    "what is usual": lambda model, corpus: wavemore.odd(corpus.strings[:900]).usual,
    "a comparison": lambda model, corpus: wavemore.compare(corpus.strings[:200], ["ngram"], seeds=[1, 2, 3]),
    "one of its results": lambda model, corpus: wavemore.compare(corpus.strings[:200], ["ngram"]).results[0],
    "an error": lambda model, corpus: wavemore.WavemoreError("what is wrong"),
}


@pytest.mark.parametrize("what", SHOWN)
def test_nothing_public_floods_a_screen(model, corpus, what):
    value = SHOWN[what](model, corpus)
    assert len(repr(value)) < MOST
    assert "\n" not in repr(value)


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_say_what_is_unusual_about_them(name):
    recipe = load_recipe(name)
    for value in (recipe, recipe.model, recipe.train, recipe.data, StringModel(recipe), StringModel(recipe, seed=3)):
        assert len(repr(value)) < MOST
    assert repr(recipe).startswith(f"<Recipe {recipe.model.kind}: ")


def test_a_recipe_is_its_kind_and_what_is_not_usual():
    assert repr(Recipe.from_dict({"model": {"kind": "ngram", "order": 7}, "train": {"steps": 9}})) == (
        "<Recipe ngram: model.order=7, train.steps=9>"
    )
    assert repr(Recipe()) == "<Recipe wavenet: >"


def test_a_model_says_what_it_was_fitted_on(corpus, model):
    parameters = f"{model.file_.parameter_count:,}"
    assert repr(model) == f"<StringModel of 'names', 17,154 strings, ngram, {parameters} parameters>"
    assert repr(wavemore.load()) == "<StringModel of 'names', 17,154 strings, wavenet, 76,579 parameters>"
    assert repr(StringModel("ngram", seed=1)) == "StringModel(recipe='ngram', seed=1)"
    many = StringModel("ngram", settings={f"train.x{i}": i for i in range(1000)})
    assert repr(many) == "StringModel(recipe='ngram', settings=<dict of 1,000>)"


def test_scikit_learn_shows_a_pipeline_of_it(model):
    assert (
        str(Pipeline([("model", StringModel("ngram"))])) == "Pipeline(steps=[('model', StringModel(recipe='ngram'))])"
    )
    for inside in (model, StringModel(load_recipe("fast"), settings={"train.steps": 3})):
        shown = " ".join(str(Pipeline([("model", inside)])).split())
        assert shown.startswith("Pipeline(steps=[('model', ")
        assert len(shown) < MOST


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.zeros((3, 4), np.float32), "<float32 (3, 4)>"),
        (np.float64(2.5), repr(np.float64(2.5))),
        ("x" * 61, f"'{'x' * 60}'..."),
        ("\x1b", r"'\x1b'"),
        ([1, 2], "[1, 2]"),
        (list(range(9000)), "<list of 9,000>"),
        (["x" * 100] * 3, f"['{'x' * 58}..."),
    ],
)
def test_values_in_short(value, shown):
    from wavemore.conventions import in_short

    assert in_short(value) == shown
