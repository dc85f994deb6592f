"""`StringClassifier`: Bayes' rule to the digit, weights that make held-out strings likelier, and what is refused."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wavemore
from wavemore.comparison.classifier import StringClassifier, _parts
from wavemore.errors import CorpusError, NotFittedError, UsageError
from wavemore.judging.posterior import Weights, log_posteriors
from wavemore.lists.corpus import read_corpus


@pytest.fixture(scope="module")
def two() -> tuple[list[str], list[str]]:
    """300 towns and 300 dinosaurs, each in turn, and which is which."""
    lists = [sorted(set(read_corpus(name).strings))[:300] for name in ("towns", "dinosaurs")]
    return [string for pair in zip(*lists, strict=True) for string in pair], ["town", "dinosaur"] * 300


@pytest.fixture(scope="module")
def plain(two) -> StringClassifier:
    return StringClassifier(folds=0).fit(*two)


def test_bayes_rule_by_hand(two, plain):
    strings, of = [*two[0], "Abbey"], [*two[1], "town"]
    classifier = StringClassifier(folds=0).fit(strings, of)
    assert classifier.classes_.tolist() == ["dinosaur", "town"]
    asked = ["Walford", "Gigantosaurus", "Ångström", "", "ß☃"]
    likelihoods = [classifier.models_[k].score_samples(asked, unseen="floor") for k in ("dinosaur", "town")]
    joint = np.exp(np.transpose(likelihoods)) * [300 / 601, 301 / 601]
    probabilities = classifier.predict_proba(asked)
    assert probabilities == pytest.approx(joint / joint.sum(axis=1, keepdims=True))
    assert classifier.predict_log_proba(asked) == pytest.approx(np.log(probabilities))
    assert classifier.predict(asked[:2]).tolist() == ["town", "dinosaur"]
    odds = classifier.decision_function(asked)
    assert odds == pytest.approx(np.log(probabilities[:, 1] / probabilities[:, 0]))
    assert np.isfinite(odds).all()


@pytest.mark.parametrize(
    ("priors", "shares"),
    [("uniform", [0.5, 0.5]), ({"town": 3, "dinosaur": 1}, [0.25, 0.75]), (None, [0.25, 0.75])],
)
def test_priors(two, priors, shares):
    weights = [3 if kind == "town" else 1 for kind in two[1]]
    classifier = StringClassifier(folds=0, priors=priors).fit(*two, sample_weight=weights)
    assert np.exp(classifier.log_priors_) == pytest.approx(shares)
    likelihoods = [classifier.models_[k].score_samples(["Walnut"], unseen="floor")[0] for k in ("dinosaur", "town")]
    odds = likelihoods[1] - likelihoods[0] + math.log(shares[1] / shares[0])
    assert classifier.decision_function(["Walnut"])[0] == pytest.approx(odds)


def test_weights_count_strings_as_often(two):
    strings, of = two
    doubled = StringClassifier(folds=0).fit([*strings, *strings[:100]], [*of, *of[:100]])
    weighted = StringClassifier(folds=0).fit(strings, of, sample_weight=[2.0] * 100 + [1.0] * 500)
    assert weighted.predict_log_proba(strings) == pytest.approx(doubled.predict_log_proba(strings))
    none = StringClassifier(folds=0).fit(strings, of, sample_weight=[0.0, 0.0] + [1.0] * 598)
    assert none.predict_log_proba(strings) == pytest.approx(
        StringClassifier(folds=0).fit(strings[2:], of[2:]).predict_log_proba(strings)
    )


def test_learned_weights_make_unseen_strings_likelier_to_be_right(two):
    strings, of = two
    train, test = slice(0, 400), slice(400, 600)
    right = np.searchsorted(["dinosaur", "town"], of[test])
    surprise = []
    for folds in (0, 5):
        classifier = StringClassifier(folds=folds).fit(strings[train], of[train])
        log_p = classifier.predict_log_proba(strings[test])
        surprise.append(-log_p[np.arange(200), right].mean())
        assert (log_p.argmax(axis=1) == right).mean() > 0.8
        assert classifier.score(strings[test], of[test]) == pytest.approx((log_p.argmax(axis=1) == right).mean())
    assert surprise[1] < surprise[0]
    again = StringClassifier().fit(strings[train], of[train])
    assert np.array_equal(again.predict_log_proba(strings[test]), log_p)


def test_learned_weights_are_at_the_minimum():
    """Of a problem whose answer is known: likelihoods ten times too sure."""
    draw = np.random.default_rng(0)
    true = draw.normal(size=(20_000, 3)) * 2
    of = (np.exp(log_posteriors(true)).cumsum(axis=1) < draw.random((20_000, 1))).sum(axis=1)
    weights = Weights.learned(10 * true, np.log([1 / 3] * 3), of, np.ones(20_000))
    assert weights.a == pytest.approx(0.1, rel=0.05)
    assert np.abs(10 * weights.v).max() < 0.06
    assert np.abs(weights.b).max() < 0.1
    assert Weights.plain(3).scores(true, np.zeros(3)).tolist() == true.tolist()


def test_equal_strings_are_in_one_part_and_classes_spread_evenly():
    strings = [f"s{i % 37}" for i in range(200)]
    of = np.array([0 if i % 37 < 7 else 1 for i in range(200)])
    parts = _parts(strings, of, 5)
    assert all(len(set(parts[[i for i, s in enumerate(strings) if s == one]])) == 1 for one in set(strings))
    for kind, least in ((0, 1), (1, 6)):
        own = [
            len({s for s, k, p in zip(strings, of, parts, strict=True) if k == kind and p == part}) for part in range(5)
        ]
        assert min(own) == least
        assert max(own) == least + (kind == 0)


def test_classes_of_any_kind(two):
    strings, of = two
    for kinds in ([k == "town" for k in of], [int(k == "town") for k in of], [2.5 * (k == "town") for k in of]):
        classifier = StringClassifier(folds=0).fit(strings, np.array(kinds))
        assert classifier.classes_.dtype == np.array(kinds).dtype
        assert classifier.predict(["Walford", "Gigantosaurus"]).tolist() == [max(kinds), min(kinds)]


def test_small_classes_and_one_string_in_two_classes():
    classifier = StringClassifier().fit(["anna", "otto", "anna", "eva"], ["a", "b", "b", "b"])
    assert classifier.weights_.a == 1  # as Bayes' rule alone
    assert classifier.predict(["otto"]).tolist() == ["b"]
    assert classifier.predict_proba(["anna"]).sum() == pytest.approx(1)


def test_missing_strings(two, plain):
    strings, of = two
    found = plain.predict_proba([None, "Walford", math.nan])
    assert np.isnan(found).tolist() == [[True, True], [False, False], [True, True]]
    with pytest.raises(
        UsageError, match="item 1 of the list is missing and has no class; leave it out, or use predict"
    ):
        plain.predict([None, "Walford"])
    same = StringClassifier(folds=0).fit([None, *strings], ["town", *of])
    assert np.array_equal(same.predict_log_proba(strings), plain.predict_log_proba(strings))
    assert plain.score([None, "Walford"], ["town", "town"]) == 1
    assert plain.predict_proba([]).shape == (0, 2)


def test_made_of_models(two, plain):
    made = StringClassifier.from_models(plain.models_)
    asked = ["Walford", "Gigantosaurus", "ß☃"]
    assert np.array_equal(made.predict_log_proba(asked), plain.predict_log_proba(asked))  # as many of each
    models = {"c": plain.models_["town"], "b": plain.models_["dinosaur"], "a": plain.models_["town"]}
    found = StringClassifier.from_models(models, priors={"a": 1, "b": 2, "c": 1}).predict_proba(["Walford"])
    assert found[0, 0] == found[0, 2] > 0.4
    with pytest.raises(NotFittedError):
        StringClassifier.from_models({"a": models["a"], "b": wavemore.StringModel()})


def test_the_command_line_says_the_same_digits(two, plain, tmp_path: Path):
    from wavemore.cli import run

    for name, model in plain.models_.items():
        model.save(tmp_path / f"{name}.safetensors")
    asked = ["Walford", "Gigantosaurus", "ß☃", "Ankylopool"]
    (tmp_path / "list.txt").write_text("\n".join(asked), encoding="utf-8")
    line = [str(tmp_path / name) for name in ("town.safetensors", "list.txt", "dinosaur.safetensors", "out.tsv")]
    priors = ["--prior", "town=3", "--prior", "dinosaur=1"]
    assert run(["score", *line[:2], "--against", line[2], "--posterior", *priors, "-q", "-o", line[3]]) == 0
    head, *rows = [row.split("\t") for row in (tmp_path / "out.tsv").read_text(encoding="utf-8").splitlines()]
    made = StringClassifier.from_models(plain.models_, priors={"town": 3, "dinosaur": 1})
    assert [row[head.index("best")] for row in rows] == made.predict(asked).tolist()
    for place, name in enumerate(("dinosaur", "town")):
        shown = [row[head.index(f"posterior_{name}")] for row in rows]
        assert list(map(float, shown)) == pytest.approx(made.predict_proba(asked)[:, place], rel=5e-6)


def test_a_class_without_strings_is_named(two):
    with pytest.raises(CorpusError, match=r"of the class blank, the list holds no strings \(skipped 6: 6 blank"):
        StringClassifier().fit([*two[0], *["", " "] * 3], [*two[1], *["blank"] * 6])


@pytest.mark.slow
def test_networks_of_each_class(two):
    strings, of = two
    settings = {"train.steps": 40, "model.members": 1}
    classifier = StringClassifier("auto", settings=settings, folds=2).fit(strings, of)
    assert classifier.score(strings, of) > 0.9
    assert classifier.models_["town"].file_.provenance["split"]["validation"] == 30


make: Any = StringClassifier  # that takes what its types forbid


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (
            lambda s: StringClassifier().fit(s, ["a"] * 3),
            "there are 600 strings and 3 classes; give one for each string",
        ),
        (
            lambda s: StringClassifier().fit(s, ["a"] * 600),
            "all strings are of the class a; a classifier needs at least 2",
        ),
        (lambda s: StringClassifier().fit(s, "a"), "the classes are 'a'; they must be a list with one for each string"),
        (
            lambda s: StringClassifier().fit(s, [None] * 600),
            "class 1 of the list is missing; it must be a word or a number",
        ),
        (
            lambda s: StringClassifier().fit(s, [("a",)] * 600),
            "class 1 of the list is ('a',), of type tuple; it must be",
        ),
        (
            lambda s: StringClassifier().fit(s, ["a", 1] * 300),
            "some classes are words and others numbers; give them all as",
        ),
        (
            lambda s: StringClassifier(folds=1).fit(s, ["a", "b"] * 300),
            "folds is 1; it must be 2 or more, or 0 for none",
        ),
        (lambda s: StringClassifier(folds=-1).fit(s, ["a", "b"] * 300), "folds is -1; it must be a whole number of 0"),
        (
            lambda s: StringClassifier().fit(s, ["a", "b"] * 300, [1.0]),
            "sample_weight must be 600 numbers of 0 or more",
        ),
        (
            lambda s: StringClassifier().fit(s, ["a", "b"] * 300, [-1.0] * 600),
            "sample_weight must be 600 numbers of 0 or",
        ),
        (
            lambda s: StringClassifier().fit(s, ["a", "b"] * 300, [0.0] * 600),
            "there are no strings to learn or to judge",
        ),
        (
            lambda s: make(priors="unifrom").fit(s, ["a", "b"] * 300),
            'priors is "unifrom" (did you mean "unif',
        ),
        (
            lambda s: StringClassifier(priors={"a": 1}).fit(s, ["a", "b"] * 300),
            "there is no prior for b; give one for each",
        ),
        (
            lambda s: StringClassifier(priors={"a": 1, "b": 0}).fit(s, ["a", "b"] * 300),
            "the prior of b is 0; it must be a ",
        ),
        (
            lambda s: StringClassifier(priors={"a": 1, "b": 1, "d": 1}).fit(s, ["a", "b"] * 300),
            "there is a prior for 'd'",
        ),
        (
            lambda s: StringClassifier().predict(s),
            "this StringClassifier is not fitted yet; call fit(strings, classes) fir",
        ),
        (
            lambda s: StringClassifier.from_models({"a": wavemore.load()}),
            "a classifier is made of 2 models or more, by cl",
        ),
        (lambda s: make.from_models({"a": 3, "b": 4}), "the model of a is 3; it must be a StringModel"),
    ],
)
def test_what_is_refused(two, ask: Any, sentence: str):
    with pytest.raises((UsageError, NotFittedError)) as caught:
        ask(two[0])
    assert str(caught.value).startswith(sentence)
