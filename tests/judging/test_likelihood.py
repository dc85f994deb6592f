import itertools
import unicodedata

import numpy as np
import pytest
import torch
from models_at_random import overflowing

from wavemore.errors import ModelFileError
from wavemore.estimator import StringModel
from wavemore.judging.calibration import top_predictions
from wavemore.judging.evaluate import evaluate
from wavemore.judging.likelihood import log_likelihoods, surprise
from wavemore.lists.vocabulary import Vocabulary
from wavemore.mixtures.mixture import Mixture
from wavemore.nn import WaveNet, evaluation_mode
from wavemore.predict.engine import Engine
from wavemore.predict.ensemble import Ensemble
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import StartsWith
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import ModelConfig, NgramConfig


@pytest.fixture(scope="module")
def model() -> WaveNet:
    """Three characters, context 4, weights drawn wide so that probabilities differ much."""
    net = WaveNet(ModelConfig(groups=(2, 2), embedding=3, hidden=6), 4, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        net.head.linear.weight *= 20  # type: ignore[operator, union-attr]
    return net.eval()


@pytest.fixture(scope="module")
def engine(model: WaveNet) -> Engine:
    return Engine(model.config, {name: tensor.numpy() for name, tensor in model.state_dict().items()})


ABC = Vocabulary("abc")


def test_a_score_is_the_sum_over_characters_of_the_windowed_forms_log_probabilities(model, engine):
    string, total, context = "abcabba", 0.0, [0] * 4
    with evaluation_mode(model):
        for following in [*ABC.encode(string), 0]:
            total += torch.log_softmax(model(torch.tensor([context])), 1)[0, following].item()
            context = [*context[1:], int(following)]
    assert log_likelihoods(Distribution(engine, ABC), [string]) == pytest.approx([total], abs=1e-5)


def test_probabilities_of_all_strings_and_of_the_longer_ones_sum_to_one(model, engine):
    """All strings up to 6 characters, and the chance of a string that goes on, computed apart."""
    most = 6
    short = ["".join(s) for n in range(most + 1) for s in itertools.product("abc", repeat=n)]
    ended = np.exp(log_likelihoods(Distribution(engine, ABC), short)).sum()
    # The chance to reach each string of 7 characters is the chance of its characters without the boundary after it.
    long = [[0] * 4 + ABC.encode("".join(s)).tolist() for s in itertools.product("abc", repeat=most + 1)]
    ids = torch.tensor(long)  # (strings, 4 + 7)
    with evaluation_mode(model):
        log_p = torch.log_softmax(model(ids.unfold(1, 4, 1)[:, :-1].reshape(-1, 4)), 1)  # (strings * 7, V)
    reached = log_p.gather(1, ids[:, 4:].reshape(-1, 1)).view(len(long), -1).sum(1).exp().sum().item()
    assert 0.05 < ended < 0.95  # both sides take part
    assert ended + reached == pytest.approx(1, abs=1e-6)


def test_order_and_company_do_not_matter(engine):
    strings = ["abc", "", "c", "abcabcabcabc", "b"] * 1000
    together = log_likelihoods(Distribution(engine, ABC), strings)
    assert together[:5] == pytest.approx(
        [log_likelihoods(Distribution(engine, ABC), [s])[0] for s in strings[:5]], abs=1e-5
    )
    assert log_likelihoods(Distribution(engine, ABC), strings[::-1])[::-1] == pytest.approx(together, abs=1e-5)


def test_an_unknown_character_has_probability_zero_and_spoils_no_other(engine):
    scores = log_likelihoods(Distribution(engine, ABC), ["ab", "axb", "ba"])
    assert np.isneginf(scores).tolist() == [False, True, False]
    assert scores[[0, 2]] == pytest.approx(log_likelihoods(Distribution(engine, ABC), ["ab", "ba"]))


def test_strings_are_brought_to_nfc(strings, tiny_recipe):
    model = StringModel(tiny_recipe).fit([*strings, "zoé"])
    assert model.score_samples([unicodedata.normalize("NFD", "zoé")]) == model.score_samples(["zoé"])


@pytest.mark.parametrize(
    "network",
    [
        overflowing(),
        Ensemble([overflowing(), overflowing()]),
        Mixture(overflowing(), Ngram.fit(["ab", "c"], ABC, NgramConfig(kind="ngram")), 0.5),
    ],
)
def test_a_model_that_overflows_is_one_sentence_and_no_warning(network):
    for ask in (
        lambda: log_likelihoods(Distribution(network, ABC), ["abc", "a"]),
        lambda: list(sample_strings(Distribution(network, ABC), 5, seed=0)),
        lambda: list(sample_strings(Distribution(network, ABC), 5, seed=0, conditions=[StartsWith("ab")])),
        lambda: evaluate(Distribution(network, ABC), ["abc", "x"]),
        lambda: top_predictions(Distribution(network, ABC), ["abc"]),
    ):
        with pytest.raises(ModelFileError) as error:
            ask()
        assert str(error.value) == "the model's numbers are too large to compute with; train it again"


def test_no_strings_give_no_scores(engine):
    assert log_likelihoods(Distribution(engine, ABC), []).shape == (0,)


def expected_surprise(bits: list[float]) -> float:
    worst = sorted(bits, reverse=True)[:3]
    return float(np.cbrt((sum(worst) / len(worst)) ** 2 * sum(bits) / len(bits)))


def bits_of(model: StringModel, string: str) -> list[float]:
    return [-prediction.log_probability / np.log(2) for prediction in model.explain([string])[0].predictions]


def test_surprise_is_that_of_the_most_surprising_predictions_and_of_all(tiny_model: StringModel):
    strings = ["abe", "zz", "q", "ondelade", ""]
    found = surprise(tiny_model.distribution_, strings)
    assert found == pytest.approx([expected_surprise(bits_of(tiny_model, string)) for string in strings], rel=1e-5)
    assert surprise(tiny_model.distribution_, []).shape == (0,)


def test_an_unknown_character_is_a_prediction_as_surprising_as_it_is_said_to_be(tiny_model: StringModel):
    assert surprise(tiny_model.distribution_, ["a1be"])[0] == np.inf
    for added, each in (("1", 20.0), ("12", 20.0), ("123", 20.0), ("1234", 20.0), ("1", 90.0)):
        expected = expected_surprise([*bits_of(tiny_model, "abe"), *[each] * len(added)])
        assert surprise(tiny_model.distribution_, ["abe" + added], each) == pytest.approx([expected], rel=1e-5)
