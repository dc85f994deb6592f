"""Explanations of strings, of every kind of model, against the plain forms."""

import json
import unicodedata
from math import inf, log

import numpy as np
import pytest
import torch
from models_at_random import overflowing

from wavemore.errors import ModelFileError, UsageError
from wavemore.estimator import StringModel
from wavemore.judging.explanation import Explanation, Prediction, explain
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.vocabulary import Vocabulary
from wavemore.mixtures.mixture import Mixture
from wavemore.nn import WaveNet, evaluation_mode
from wavemore.nn.sequence import SequenceModel
from wavemore.nn.sequence_predictor import SequencePredictor
from wavemore.predict.engine import Engine
from wavemore.predict.ensemble import Ensemble
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.settings.config import ModelConfig, NgramConfig, SequenceConfig

ABC = Vocabulary("abc")


@pytest.fixture(scope="module")
def net() -> WaveNet:
    """Three characters, context 4, weights drawn wide so that probabilities differ much."""
    net = WaveNet(ModelConfig(groups=(2, 2), embedding=3, hidden=6), 4, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        net.head.linear.weight *= 20  # type: ignore[operator, union-attr]
    return net.eval()


@pytest.fixture(scope="module")
def engine(net: WaveNet) -> Engine:
    return Engine(net.config, {name: tensor.numpy() for name, tensor in net.state_dict().items()})


def one(engine: Engine, string: str, **options: int) -> Explanation:
    (explanation,) = explain(Distribution(engine, ABC), [string], **options)
    assert explanation.string == string
    return explanation


def test_each_prediction_is_that_of_the_windowed_form(net, engine):
    string, context = "abcabba", [0] * 4
    predictions = iter(one(engine, string, alternatives=3).predictions)
    with evaluation_mode(net):
        for following in [*ABC.encode(string).tolist(), 0]:
            probabilities = torch.softmax(net(torch.tensor([context])), 1)[0].tolist()
            order = sorted(range(4), key=lambda i: -probabilities[i])
            prediction = next(predictions)
            assert prediction.character == ["", "a", "b", "c"][following]
            assert prediction.probability == pytest.approx(probabilities[following], abs=1e-5)
            assert prediction.rank == order.index(following) + 1
            assert [other.character for other in prediction.alternatives] == [["", *"abc"][i] for i in order[:3]]
            assert [other.probability for other in prediction.alternatives] == pytest.approx(
                [probabilities[i] for i in order[:3]], abs=1e-5
            )
            context = [*context[1:], following]
    assert next(predictions, None) is None


def predictor(kind: str, engine: Engine) -> object:
    counted = Ngram.fit(["abc", "cab", "a"], ABC, NgramConfig(kind="ngram"))
    if kind == "gru":
        config = SequenceConfig(kind="gru", embedding=4, hidden=8)
        weights = SequenceModel(config, len(ABC)).state_dict()
        return SequencePredictor(config, {name: tensor.detach().numpy() for name, tensor in weights.items()})
    kinds = {"ngram": counted, "mixture": Mixture(engine, counted, 0.5), "ensemble": Ensemble([engine, engine])}
    return kinds[kind]


@pytest.mark.parametrize("kind", ["ngram", "mixture", "ensemble", "gru"])
def test_every_kind_of_model_explains_its_scores(engine, kind):
    model, strings = predictor(kind, engine), ["abc", "", "c", "axb", "abcabcabcabc", "abc"]
    explained = explain(Distribution(model, ABC), strings, alternatives=4)  # type: ignore[arg-type]
    assert [explanation.string for explanation in explained] == strings
    scores = log_likelihoods(Distribution(model, ABC), strings)  # type: ignore[arg-type]
    assert [explanation.log_likelihood for explanation in explained] == pytest.approx(scores, abs=1e-5)
    for explanation in explained:
        assert explanation.vocabulary_size == 4
        for prediction in explanation.predictions:
            assert sum(other.probability for other in prediction.alternatives) == pytest.approx(1, abs=1e-5)
            assert sorted(other.character for other in prediction.alternatives) == ["", "a", "b", "c"]
            if prediction.rank is not None:
                own = prediction.alternatives[prediction.rank - 1]
                assert own == (prediction.character, pytest.approx(prediction.probability))


def test_order_and_company_do_not_matter(engine, monkeypatch):
    strings = ["abc", "", "axb", "c", "abcabc"]
    alone = [one(engine, string) for string in strings]
    assert explain(Distribution(engine, ABC), iter(strings)) == alone
    monkeypatch.setattr("wavemore.predict.predictor._STRINGS_AT_ONCE", 2)
    assert explain(Distribution(engine, ABC), strings) == alone
    assert explain(Distribution(engine, ABC), strings[::-1]) == alone[::-1]


def test_bits_and_probabilities():
    prediction = Prediction("a", -log(8), 3, ())
    assert prediction.probability == pytest.approx(1 / 8)
    assert prediction.bits == pytest.approx(3)
    explanation = Explanation("a", (prediction, Prediction("", -log(2), 1, ())), 4)
    assert explanation.log_likelihood == pytest.approx(-log(16))
    assert explanation.bits_per_character == pytest.approx(2)  # two predictions, as everywhere
    assert (explanation.unknown, explanation.not_predicted) == ("", "")


def test_an_unknown_character_is_the_last_to_be_predicted(engine):
    explanation, known = one(engine, "abxcx"), one(engine, "ab")
    *before, unknown = explanation.predictions
    assert before == list(known.predictions[:2])
    assert unknown == Prediction("x", -inf, None, known.predictions[2].alternatives)
    assert (unknown.probability, unknown.bits) == (0, inf)
    assert (explanation.unknown, explanation.not_predicted) == ("x", "cx")
    assert (explanation.log_likelihood, explanation.bits_per_character) == (-inf, inf)
    assert one(engine, "x").not_predicted == ""


def test_strings_are_brought_to_nfc(strings, tiny_recipe):
    model = StringModel(tiny_recipe).fit([*strings, "zoé"])
    (decomposed,) = model.explain([unicodedata.normalize("NFD", "zoé")])
    assert [decomposed] == model.explain(["zoé"])
    assert not decomposed.unknown


@pytest.mark.parametrize("count", [0, 1, 4, 9])
def test_so_many_alternatives_as_there_are(engine, count):
    for prediction in one(engine, "ab", alternatives=count).predictions:
        assert len(prediction.alternatives) == min(count, 4)


def test_equally_likely_characters_have_ranks_of_their_own():
    """In the order of ids, however many there are."""
    vocabulary = Vocabulary("".join(map(chr, range(97, 97 + 63))))
    net = WaveNet(ModelConfig(groups=(1,), embedding=2, hidden=2), len(vocabulary))
    with torch.no_grad():
        net.head.linear.weight *= 0  # type: ignore[operator, union-attr]
        net.head.linear.bias[:] = 0  # type: ignore[index, union-attr]
    even = Engine(net.config, {name: tensor.numpy() for name, tensor in net.state_dict().items()})
    (explanation,) = explain(Distribution(even, vocabulary), ["cab"], alternatives=3)
    assert [prediction.rank for prediction in explanation.predictions] == [4, 2, 3, 1]
    first = explanation.predictions[0].alternatives
    assert [other.character for other in first] == ["", "a", "b"]
    assert [other.probability for other in first] == pytest.approx([1 / 64] * 3)


def test_dictionaries_are_json(engine):
    known, unknown = (one(engine, string, alternatives=2) for string in ("ab", "axb"))
    record = json.loads(json.dumps(known.to_dict(), allow_nan=False))
    assert list(record) == [
        *("string", "log_likelihood", "bits_per_character", "unknown", "not_predicted", "predictions"),
    ]
    assert (record["string"], record["unknown"], record["not_predicted"]) == ("ab", None, "")
    assert record["log_likelihood"] == known.log_likelihood
    assert [prediction["character"] for prediction in record["predictions"]] == ["a", "b", ""]
    first, expected = record["predictions"][0], known.predictions[0]
    assert list(first) == ["character", "probability", "log_probability", "bits", "rank", "alternatives"]
    assert first["bits"] == pytest.approx(-np.log2(first["probability"]))
    assert first["rank"] == expected.rank
    assert first["alternatives"] == [
        {"character": other.character, "probability": other.probability} for other in expected.alternatives
    ]

    record = json.loads(json.dumps(unknown.to_dict(), allow_nan=False))
    assert record["log_likelihood"] is record["bits_per_character"] is None
    assert (record["unknown"], record["not_predicted"]) == ("x", "b")
    last = record["predictions"][-1]
    assert (last["probability"], last["log_probability"], last["bits"], last["rank"]) == (0, None, None, None)


def test_no_strings_and_an_empty_one(engine):
    assert explain(Distribution(engine, ABC), []) == []
    assert [prediction.character for prediction in one(engine, "").predictions] == [""]


@pytest.mark.parametrize("count", [-1, 1.5, True, "3"])
def test_a_number_of_alternatives_that_is_none(engine, count):
    with pytest.raises(UsageError) as error:
        explain(Distribution(engine, ABC), ["a"], alternatives=count)
    assert str(error.value) == f"the number of alternatives is {count!r}; it must be a whole number of 0 or more"


def test_a_model_that_overflows_is_one_sentence():
    with pytest.raises(ModelFileError, match=r"^the model's numbers are too large to compute with; train it again$"):
        explain(Distribution(overflowing(), ABC), ["abc"])


def test_an_estimator_explains(tiny_model):
    explained = tiny_model.explain(["bada", "xy"], alternatives=2)
    assert explained == explain(tiny_model.distribution_, ["bada", "xy"], alternatives=2)
    assert explained[0].log_likelihood == pytest.approx(tiny_model.score_samples(["bada"])[0])
    with pytest.raises(UsageError, match=r"^a list of strings is needed, and 'ba' is a single one; write "):
        tiny_model.explain("ba")
