"""scikit-learn's own tools take a `StringModel` and a `StringClassifier` as they take its estimators.

The tests run with the oldest and the newest scikit-learn of `pyproject.toml`; `docs/how-to/scikit-learn.md` says how.
"""

import pickle
from typing import Any

import numpy as np
import pytest
import sklearn.utils.estimator_checks as checks
from sklearn import base, model_selection, pipeline
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - importing it is what it is for
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

import wavemore
from wavemore.errors import UsageError

clone: Any = base.clone
tools: Any = model_selection  # whose types are those of arrays of numbers
steps: Any = pipeline

APPLY = [
    *("check_estimator_cloneable", "check_estimator_tags_renamed", "check_valid_tag_types", "check_estimator_repr"),
    *("check_no_attributes_set_in_init", "check_parameters_default_constructible", "check_get_params_invariance"),
    *("check_set_params", "check_do_not_raise_errors_in_init_or_set_params", "check_mixin_order"),
    *("check_estimators_unfitted", "check_estimator_get_tags_default_keys"),
]
"""scikit-learn's checks of what is the same for estimators of strings. The others fit arrays of numbers."""


@pytest.fixture(
    params=[wavemore.StringModel("ngram"), wavemore.StringClassifier(folds=0)], ids=lambda e: type(e).__name__
)
def estimator(request: pytest.FixtureRequest) -> Any:
    return clone(request.param)


@pytest.fixture(scope="module")
def kinds(strings: list[str]) -> np.ndarray:
    return np.array(["a" if "a" in string else "other" for string in strings])


@pytest.mark.parametrize("name", APPLY)
def test_scikit_learns_own_checks(estimator, name):
    check = getattr(checks, name, None)
    if check is None:
        pytest.skip("this version of scikit-learn has no such check")
    check(type(estimator).__name__, estimator)


def test_it_is_fitted_when_it_says_so(estimator, strings, kinds):
    for ask in (check_is_fitted, lambda e: e.score(strings, kinds)):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            ask(estimator)
    assert estimator.fit(strings, kinds) is estimator
    check_is_fitted(estimator)
    check_is_fitted(wavemore.load())


def test_fitting_leaves_the_parameters_and_gives_the_same_twice(estimator, strings, kinds):
    before = estimator.get_params()
    scores = estimator.fit(strings, kinds).score(strings, kinds)
    assert estimator.get_params() == before
    assert estimator.fit(strings, kinds).score(strings, kinds) == scores
    again = pickle.loads(pickle.dumps(estimator))
    assert again.score(strings, kinds) == scores
    with pytest.raises(NotFittedError):
        check_is_fitted(clone(estimator))


def test_each_string_is_judged_for_itself(estimator, strings, kinds):
    estimator.fit(strings, kinds)
    ask = getattr(estimator, "predict_log_proba", None) or estimator.score_samples
    whole, order = ask(strings), np.random.default_rng(0).permutation(len(strings))
    assert np.allclose(ask([strings[i] for i in order]), whole[order], rtol=1e-12)
    assert np.allclose(np.concatenate([ask([string]) for string in strings]), whole, rtol=1e-12)


def test_cross_validation(strings):
    model = wavemore.StringModel("ngram", unseen="floor")
    scores = tools.cross_val_score(model, strings, cv=3)
    assert np.isfinite(scores).all()
    first = model.fit(strings[20:]).score(strings[:20])  # folds in the order of the list
    assert scores[0] == pytest.approx(first, rel=1e-12)
    out_of_fold = tools.cross_val_predict(model, strings, cv=3)  # which asks for `predict` alone
    assert out_of_fold.reshape(3, 20).mean(axis=1) == pytest.approx(scores)
    assert np.array_equal(out_of_fold[:20], model.score_samples(strings[:20]))
    assert np.isneginf(tools.cross_val_score(wavemore.StringModel("ngram"), [*strings[:40], *["xy"] * 20], cv=3)[-1])
    _, train, test = tools.learning_curve(model, strings, None, cv=3, train_sizes=[0.5, 1.0])
    assert np.isfinite([train, test]).all()


def test_weights_of_strings_are_handed_on(strings):
    weights = np.arange(len(strings)) % 3
    found = tools.cross_validate(
        wavemore.StringModel("ngram", unseen="floor"), strings, cv=3, params={"sample_weight": weights}
    )
    plain = tools.cross_val_score(wavemore.StringModel("ngram", unseen="floor"), strings, cv=3)
    assert found["test_score"] != pytest.approx(plain)


def test_a_search_over_settings_by_name(strings):
    grid = {"settings__model.order": [1, 3], "recipe": ["ngram"]}
    search = tools.GridSearchCV(wavemore.StringModel("ngram", unseen="floor"), grid, cv=3, error_score="raise").fit(
        strings
    )
    assert search.best_params_ == {"recipe": "ngram", "settings__model.order": 3}
    assert search.best_estimator_.file_.recipe.model.order == 3
    by_hand = [
        tools.cross_val_score(
            wavemore.StringModel("ngram", settings={"model.order": order}, unseen="floor"), strings, cv=3
        )
        for order in (1, 3)
    ]
    assert search.cv_results_["mean_test_score"] == pytest.approx(np.mean(by_hand, axis=1))
    assert np.isfinite(search.score_samples(["ba"])).all()


def test_a_search_over_steps_of_training(strings, tiny_recipe):
    model = wavemore.StringModel(tiny_recipe, settings={"train.evaluate_every": 20}, unseen="floor")
    search = tools.GridSearchCV(model, {"settings__train.steps": [1, 60]}, cv=2, error_score="raise").fit(strings)
    assert search.best_params_ == {"settings__train.steps": 60}
    assert search.best_estimator_.file_.recipe.train.evaluate_every == 20  # what is not searched stays


def test_halving_gives_more_strings_to_the_better(strings):
    model = wavemore.StringModel("ngram", unseen="floor")
    grid = {"settings__model.order": [1, 2, 3]}
    search = tools.HalvingGridSearchCV(model, grid, cv=2, min_resources=40, error_score="raise", random_state=0).fit(
        strings
    )
    assert search.best_params_["settings__model.order"] > 1


def test_the_last_step_of_a_pipeline(strings, kinds):
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    whole = steps.make_pipeline(lower, wavemore.StringClassifier(folds=0)).fit([s.upper() for s in strings], kinds)
    assert whole.score(strings, kinds) == wavemore.StringClassifier(folds=0).fit(strings, kinds).score(strings, kinds)
    assert list(whole.classes_) == ["a", "other"]
    density = steps.Pipeline([("lower", lower), ("model", wavemore.StringModel("ngram"))])
    density.set_params(**{"model__settings__model.order": 2}).fit(strings)
    assert density[-1].file_.recipe.model.order == 2
    assert density.score_samples(["BA"]) == density[-1].score_samples(["ba"])


def test_the_classifier_is_one(strings, kinds):
    classifier = wavemore.StringClassifier(folds=0)
    assert base.is_classifier(classifier)
    assert not base.is_classifier(wavemore.StringModel())
    grid = tools.GridSearchCV(classifier, {"settings__model.order": [1, 2], "priors": [None, "uniform"]}, cv=3).fit(
        strings, kinds
    )
    assert 0.5 < grid.best_score_ <= 1
    folds = tools.StratifiedKFold(3).split(strings, kinds)  # as an integer cv of a classifier
    by_hand = [
        clone(classifier).fit([strings[i] for i in train], kinds[train]).score([strings[i] for i in test], kinds[test])
        for train, test in folds
    ]
    assert tools.cross_val_score(classifier, strings, kinds, cv=3) == pytest.approx(by_hand)
    assert tools.cross_val_predict(classifier, strings, kinds, cv=3, method="predict_proba").shape == (60, 2)


def test_parameters_by_name():
    model = wavemore.StringModel("ngram", settings={"model.order": 2, "data.seed": 1})
    assert model.get_params()["settings__model.order"] == 2
    assert "settings__model.order" not in model.get_params(deep=False)
    copy: Any = clone(model).set_params(**{"settings__model.order": 4})
    assert copy.settings == {"model.order": 4, "data.seed": 1}
    assert model.settings == {"model.order": 2, "data.seed": 1}  # the first has its own
    assert copy.set_params(settings={"data.seed": 3}, **{"settings__model.order": 5}).settings == {
        "data.seed": 3,
        "model.order": 5,
    }
    for wrong in ("depth", "settings__", "recipe__order", "seed__"):
        with pytest.raises(UsageError, match=f"StringModel has no parameter '{wrong}'; its parameters are recipe, "):
            copy.set_params(**{wrong: 3})
