import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.calibration import calibration_curve

from wavemore.errors import CorpusError
from wavemore.estimator import StringModel
from wavemore.judging.evaluate import Evaluation, evaluate, parts_of
from wavemore.lists.corpus import Corpus, read_corpus, split
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution


def test_the_loss_is_the_mean_over_characters_and_boundaries(tiny_model, strings):
    result = evaluate(tiny_model.distribution_, strings)
    assert result.predictions == sum(len(s) + 1 for s in strings)
    assert result.nats_per_character == pytest.approx(-tiny_model.score_samples(strings).sum() / result.predictions)
    assert result.bits_per_character == pytest.approx(result.nats_per_character / math.log(2))
    assert result.perplexity == pytest.approx(math.exp(result.nats_per_character))


def test_strings_with_unknown_characters_are_counted_and_left_out(tiny_model, strings):
    with_unknown = evaluate(tiny_model.distribution_, [*strings, "xyz"])
    assert (with_unknown.strings, with_unknown.unknown) == (len(strings), 1)
    assert replace(with_unknown, unknown=0) == evaluate(tiny_model.distribution_, strings)
    with pytest.raises(CorpusError, match="none of the 1 strings is made of characters that the model knows"):
        evaluate(tiny_model.distribution_, ["xyz"])


def by_parts(distribution: Distribution, model: ModelFile, corpus: Corpus) -> dict[str, Evaluation]:
    return {name: evaluate(distribution, part) for name, part in parts_of(model, corpus).items()}


def test_the_training_list_is_recognised_and_evaluated_by_parts(tiny_model, strings):
    corpus = read_corpus(strings)
    results = by_parts(tiny_model.distribution_, tiny_model.file_, corpus)
    assert list(results) == ["train", "validation", "validation unseen", "test", "test unseen", "all"]
    losses = tiny_model.file_.provenance["losses"]
    assert results["train"].nats_per_character == pytest.approx(losses["train"], abs=1e-5)
    assert results["validation"].nats_per_character == pytest.approx(losses["validation"], abs=1e-5)
    assert results["test"].strings == len(split(corpus, tiny_model.file_.recipe.data).test)


def test_another_list_is_evaluated_whole(tiny_model, strings):
    assert list(parts_of(tiny_model.file_, read_corpus(strings[1:]))) == ["all"]


def expected_at_each_place(model: StringModel, strings: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The probability of the likeliest of all that could follow, and whether it did: from the explanations of single
    strings, by plain arithmetic."""
    predictions = [p for string in strings for p in model.explain([string], alternatives=1)[0].predictions]
    confidence = np.array([p.alternatives[0].probability for p in predictions])
    return confidence, np.array([p.alternatives[0].character == p.character for p in predictions])


def test_calibration_is_that_of_scikit_learn(tiny_model, strings):
    """`calibration_curve` has the mean confidence and the share that came true of each bin with something in it."""
    confidence, correct = expected_at_each_place(tiny_model, strings)
    true, said = calibration_curve(correct, confidence, n_bins=15)
    counts, _ = np.histogram(confidence, np.linspace(0, 1, 16))
    found = evaluate(tiny_model.distribution_, strings).calibration
    assert found.error == pytest.approx(np.average(np.abs(true - said), weights=counts[counts > 0]), abs=1e-6)
    assert found.accuracy == pytest.approx(correct.mean())
    assert found.confidence == pytest.approx(confidence.mean(), abs=1e-6)
    assert found.accuracy != found.confidence
    assert found.error > 0.01


def test_the_interval_is_that_of_scipys_bootstrap(tiny_model, strings):
    """Strings drawn anew, nats over predictions: `scipy.stats.bootstrap` of the ratio, with draws of its own."""
    nats, predictions = -tiny_model.score_samples(strings), np.array([len(string) + 1 for string in strings])
    ends = bootstrap(
        (nats, predictions), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, method="percentile", rng=0
    ).confidence_interval
    result = evaluate(tiny_model.distribution_, iter(strings))
    assert result.nats_interval == pytest.approx((ends.low, ends.high), rel=0.01)
    assert ends.low < result.nats_per_character < ends.high
    assert result.bits_interval == pytest.approx(np.array(result.nats_interval) / math.log(2))


def test_portions_change_nothing(tiny_model, strings, monkeypatch):
    whole = evaluate(tiny_model.distribution_, strings)
    monkeypatch.setattr("wavemore.predict.predictor._STRINGS_AT_ONCE", 7)
    apart = evaluate(tiny_model.distribution_, strings)
    assert apart.to_dict() == {
        name: value if value is None else pytest.approx(value) for name, value in whole.to_dict().items()
    }


def test_one_string_and_empty_strings_have_a_loss_and_no_interval(tiny_model):
    for few in (["ba"], [""], ["", ""], ["", "xyz"]):
        result = evaluate(tiny_model.distribution_, few)
        assert result.predictions == sum(len(string) + 1 for string in few if string != "xyz")
        assert result.nats_per_character > 0
        assert result.nats_interval is result.bits_interval is None
        assert result.to_dict()["nats_per_character_interval"] is None
    empty = evaluate(tiny_model.distribution_, [""] * 20)
    assert empty.nats_interval == pytest.approx((empty.nats_per_character,) * 2)


def of_the_lectures_split(model: ModelFile, corpus: Corpus) -> ModelFile:
    """The model as if it had been trained on the list, split as the lecture's."""
    provenance = {"data": {"sha256": corpus.fingerprint}, "split": {"kind": "lecture"}}
    return replace(model, recipe=model.recipe.with_settings({"data.split": "lecture"}), provenance=provenance)


def test_unseen_strings_are_those_that_are_not_in_the_training_part(tiny_model, strings):
    """The tiny list repeats its short strings, and the lecture's split shares them out."""
    corpus = read_corpus(strings)
    model = of_the_lectures_split(tiny_model.file_, corpus)
    results, found = by_parts(tiny_model.distribution_, model, corpus), split(corpus, model.recipe.data)
    for name, part in (("validation", found.validation), ("test", found.test)):
        by_hand = [string for string in part if found.train.count(string) == 0]
        assert 0 < len(by_hand) < len(part)
        assert results[f"{name} unseen"] == evaluate(tiny_model.distribution_, by_hand)
        assert results[name].strings == len(part)


def test_a_part_without_unseen_strings_has_no_such_row(tiny_model):
    corpus = read_corpus(["ba", "ko"] * 20)
    assert list(parts_of(of_the_lectures_split(tiny_model.file_, corpus), corpus)) == [
        "train",
        "validation",
        "test",
        "all",
    ]


def test_a_split_by_distinct_string_leaves_all_held_out_strings_unseen(tiny_model, strings):
    parts = parts_of(tiny_model.file_, read_corpus(strings))
    assert parts["validation unseen"] == parts["validation"]
    assert parts["test unseen"] == parts["test"]


def test_in_the_lectures_split_one_held_out_name_of_eight_is_a_training_name(tiny_model, names_txt):
    corpus = read_corpus(names_txt)
    parts = parts_of(of_the_lectures_split(tiny_model.file_, corpus), corpus)
    assert (len(parts["validation"]), len(parts["validation unseen"])) == (3203, 3203 - 424)
    assert (len(parts["test"]), len(parts["test unseen"])) == (3204, 3204 - 377)
