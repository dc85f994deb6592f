"""A model of strings with labels: learned, told apart, kept in a file, and asked under one of them."""

import os
import random
import signal
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sklearn.base

import wavemore
from wavemore.errors import CheckpointError, ConfigError, ModelFileError, UsageError
from wavemore.estimator import StringModel
from wavemore.lists.labelled import Labelled
from wavemore.models.modelfile import ModelFile
from wavemore.models.plausible import Plausible
from wavemore.progress import TrainingProgress

SETTINGS = {"model.hidden": 16, "model.members": 2, "train.batch": 32, "train.epochs": 12, "train.threads": 1}


def made(count: int = 300) -> tuple[list[str], dict[str, list[str]]]:
    """Strings of two languages, which differ in their letters, and two genders, which differ in their ends."""
    draw = random.Random(3)
    strings, languages, genders = [], [], []
    for _ in range(count):
        language, gender = draw.choice(["it", "fr", "fr"]), draw.choice("fm")
        body = "".join(draw.choice({"it": "lmr", "fr": "dgs"}[language]) + draw.choice("aeo") for _ in range(3))
        strings.append(body + {"f": "a", "m": "n"}[gender])
        languages.append(language)
        genders.append(gender)
    return strings, {"language": languages, "gender": genders}


STRINGS, LABELS = made()


@pytest.fixture(scope="module")
def model() -> StringModel:
    return wavemore.fit(STRINGS, labels=LABELS, settings=SETTINGS)


def test_a_label_is_told_in_part_or_in_full(model):
    italian = model.sample(200, label="it", seed=1)
    assert np.mean([not {*string} & {*"dgs"} for string in italian]) > 0.9
    assert 0.2 < np.mean([string.endswith("n") for string in italian]) < 0.8
    both = model.sample(200, label={"language": "fr", "gender": "f"}, seed=1)
    assert np.mean([not {*string} & {*"lmr"} and string.endswith("a") for string in both]) > 0.8
    every = model.sample(400, seed=1)
    assert 0.2 < np.mean([bool({*string} & {*"lmr"}) for string in every]) < 0.5  # as on the list: a third


def test_bayes_rule_holds(model):
    shares = model.file_.labels.counts[model.file_.labels.occurring] / model.file_.labels.counts.sum()
    strings = [*STRINGS[:5], "lalala", "", "dada"]
    names = [dict(zip(("language", "gender"), name.split(", "), strict=True)) for name in model.classes_]
    assert len(names) == 4
    joint = np.stack([model.given(name).score_samples(strings) for name in names], axis=1) + np.log(shares)
    total = np.log(np.exp(joint).sum(axis=1))
    np.testing.assert_allclose(model.score_samples(strings), total, atol=1e-4)
    np.testing.assert_allclose(model.predict_proba(strings), np.exp(joint - total[:, None]), atol=1e-4)


def test_labels_are_predicted(model):
    told = [", ".join(pair) for pair in zip(*LABELS.values(), strict=True)]
    assert np.mean(model.predict(STRINGS) == np.array(told)) > 0.95
    assert model.predict(["lalalan", None, "dagasaa"]).tolist() == ["it, m", "", "fr, f"]
    assert model.predict_proba(["xyz"])[0] == pytest.approx(model.predict_proba([""])[0])  # unknown ones tell nothing
    assert np.isnan(model.predict_proba([None])).all()


def test_what_is_asked_under_a_label_is_a_model_of_its_own(model, tmp_path):
    italian = model.given("language=it")
    assert italian.sample(5, seed=3) == model.given({"language": "it"}).sample(5, seed=3)
    assert italian.classes_ == ["it, f", "it, m"]
    alone = italian.given("m")
    assert alone.file_.labels is None
    alone.save(tmp_path / "alone.safetensors")
    again = wavemore.load(tmp_path / "alone.safetensors")
    assert np.array_equal(again.score_samples(STRINGS), alone.score_samples(STRINGS))
    assert alone.most_likely(3) == again.most_likely(3)
    with pytest.raises(UsageError, match="the model has no labels"):
        alone.predict_proba(STRINGS)
    with pytest.raises(UsageError, match="has no labels, or one was chosen already; train one with --label COLUMN"):
        alone.given("it")


def test_a_file_keeps_labels(model, tmp_path):
    model.save(tmp_path / "a.safetensors")
    again = wavemore.load(tmp_path / "a.safetensors")
    again.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert again.sample(20, label="fr", seed=2) == model.sample(20, label="fr", seed=2)
    assert again.classes_ == model.classes_
    config = replace(model.file_.recipe.wavenet, labels=(3, 2))
    weights = {n: np.zeros(s, np.float32) for n, s in config.weight_shapes(len(model.file_.vocabulary))}
    wrong = replace(model.file_, recipe=replace(model.file_.recipe, model=config), weights=weights)
    wrong.save(tmp_path / "c.safetensors")
    with pytest.raises(ModelFileError, match="unsound metadata: its labels are not those of its settings"):
        ModelFile.load(tmp_path / "c.safetensors")


def test_members_learn_in_processes_with_the_same_result(model, monkeypatch):
    monkeypatch.setattr("wavemore.train.loop.pays", lambda recipe, runs: True)
    again = wavemore.fit(STRINGS, labels=LABELS, settings={**SETTINGS, "train.threads": 2})
    assert all(np.array_equal(again.file_.weights[name], array) for name, array in model.file_.weights.items())


def test_validation_lists_have_labels_too():
    held_out = wavemore.lists.corpus.read_corpus(STRINGS[:40]).with_labels({k: v[:40] for k, v in LABELS.items()})
    rest = {k: v[40:] for k, v in LABELS.items()}
    found = wavemore.fit(STRINGS[40:], labels=rest, validation=held_out, settings={**SETTINGS, "train.epochs": 1})
    assert found.file_.provenance["split"]["validation"] == 40
    with pytest.raises(UsageError, match="the list strings has no labels, and the strings to learn have"):
        wavemore.fit(STRINGS[40:], labels=rest, validation=STRINGS[:40])


@pytest.mark.parametrize(
    ("recipe", "settings", "message"),
    [
        ("ngram", {}, 'model.kind = "ngram" cannot have labels'),
        ("lstm", {}, 'model.kind = "lstm" cannot have labels'),
        ("notes", {"data.split": "random"}, 'train.form = "windowed" cannot be with labels'),
        ("small", {}, 'train.teacher = "teacher" cannot be with labels'),
    ],
)
def test_what_knows_no_labels_says_so(recipe, settings, message):
    with pytest.raises(ConfigError, match=message):
        wavemore.fit(STRINGS, labels=LABELS, recipe=recipe, settings=settings)


def test_what_knows_no_labels_refuses_a_model_with_them(model, tmp_path):
    with pytest.raises(UsageError, match="choose one first"):
        model.wavenet()
    assert model.given({"language": "it", "gender": "f"}).wavenet() is not None
    model.save(tmp_path / "labels.safetensors")
    with pytest.raises(ConfigError, match="cannot be: that model has labels; start from one of its labels"):
        wavemore.fit(STRINGS, start=tmp_path / "labels.safetensors")
    with pytest.raises(UsageError, match="either weights or labels"):
        wavemore.fit(STRINGS, labels=LABELS, sample_weight=[1.0] * len(STRINGS))


def test_what_the_file_says_of_all_labels_together_is_not_said_of_one(model):
    assert model.file_.held_out_scores is not None
    assert model.given("it").file_.held_out_scores is None
    other: Any = sklearn.base.clone(model)  # type: ignore[type-var] - duck typing is what is tested
    scored = other.set_params(unseen="floor").fit(STRINGS, labels=LABELS)
    assert np.isfinite(scored.given("it").score_samples(["xyz"])).all()


def test_strings_are_plausible_under_their_own_labels(model):
    numbers = model.file_.labels.numbers(LABELS)
    limits = Plausible.of(model.distribution_, Labelled(STRINGS, numbers), fewest=1)  # of few, all set the limits
    assert model.file_.plausible == pytest.approx(limits, rel=1e-5)
    alone = model.given({"language": "it", "gender": "f"})
    assert alone.file_.plausible == model.file_.plausible
    for drawn, judge in (
        (alone.sample(300, seed=1, plausible=True), alone),
        (model.sample(300, plausible=True), model),
    ):
        excess = model.file_.plausible.excess(judge.distribution_, drawn)
        assert np.mean(excess <= 1) > 0.97  # where a label is not known, the most probable one may be another


def test_a_stopped_run_goes_on_with_its_own_labels_alone(model, tmp_path, monkeypatch):
    def step(self: TrainingProgress, number: int, loss: float) -> None:
        if number == 40:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingProgress, "step", step)
        with pytest.raises(KeyboardInterrupt):
            StringModel(settings=SETTINGS).fit(STRINGS, labels=LABELS, checkpoint=tmp_path / "c")
    other = {**LABELS, "gender": LABELS["gender"][::-1]}
    with pytest.raises(CheckpointError, match="the stopped run had other list or split"):
        StringModel(settings=SETTINGS).fit(STRINGS, labels=other, checkpoint=tmp_path / "c", resume=True)
    again = StringModel(settings=SETTINGS).fit(STRINGS, labels=LABELS, checkpoint=tmp_path / "c", resume=True)
    assert all(np.array_equal(again.file_.weights[name], array) for name, array in model.file_.weights.items())


def test_wrong_labels_are_told():
    with pytest.raises(UsageError, match="there are 300 strings and 2 labels"):
        wavemore.fit(STRINGS, labels=["it", "fr"])
    with pytest.raises(UsageError, match="labels are one for each string of a list in memory, and towns is a file"):
        wavemore.fit("towns", labels=["it", "fr"])
    with pytest.raises(ConfigError, match=r"model.labels = \(2,\), and the list has no labels"):
        wavemore.fit(STRINGS, settings={"model.labels": [2]})
    with pytest.raises(UsageError, match="strings with labels cannot be left out, and skipped 1: "):
        wavemore.fit([*STRINGS, " "], labels=[*LABELS["gender"], "f"])
    some = [None, *STRINGS]
    assert wavemore.fit(some, labels=["f", *LABELS["gender"]], settings={**SETTINGS, "train.epochs": 1}).classes_ == [
        "f",
        "m",
    ]
