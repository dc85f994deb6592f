"""A character that a model does not know gets a probability, and all strings of Unicode still sum to one."""

import itertools
import math

import numpy as np
import pytest

import wavemore
from wavemore.errors import UsageError
from wavemore.judging.likelihood import floored_log_likelihoods
from wavemore.judging.posterior import log_posteriors, log_priors
from wavemore.lists.vocabulary import CHARACTERS, Vocabulary, unseen_share
from wavemore.models.modelfile import ModelFile
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.settings.config import NgramConfig


@pytest.fixture(scope="module")
def abc() -> Distribution:
    vocabulary = Vocabulary("abc")
    counts = Ngram.fit(["ab", "abc", "b", "cab", "a"], vocabulary, NgramConfig(kind="ngram", order=3))
    return Distribution(counts, vocabulary)


def test_probabilities_of_all_strings_sum_to_one_with_those_that_go_on(abc):
    """Of strings up to 4 characters, "?" for every unknown one: what has ended, and what has not, is all there is."""
    share, longest = 0.07, 4
    alike = math.log(CHARACTERS - 3)  # unknown characters, of one probability each
    every = ["".join(text) for n in range(longest + 1) for text in itertools.product("abc?", repeat=n)]
    scores = floored_log_likelihoods(abc, every, share)
    ended = np.exp(scores + [alike * text.count("?") for text in every]).sum()
    going = 0.0  # the probability of each beginning of 4 characters, of whatever follows
    for text in every:
        if len(text) == longest:
            more = [text + c for c in "abc?"]
            # what comes after the beginning: its end, or any further character
            parts = floored_log_likelihoods(abc, [text], share)[0] + alike * text.count("?")
            end = _end(abc, text.replace("?", ""), share)
            going += math.exp(parts) * (1 - end) / end
            assert len(more) == 4
    assert ended + going == pytest.approx(1, abs=1e-6)


def _end(abc: Distribution, text: str, share: float) -> float:
    """How probable it is that the string ends after these characters."""
    from wavemore.predict.predictor import log_probabilities

    return math.exp(log_probabilities(abc, [text])[-1]) * (1 - share)


def test_the_formula(abc, tiny_model):
    share = 0.01
    floor = math.log(share / (CHARACTERS - 3))
    known = floored_log_likelihoods(abc, ["ab", "", "ab", "", "ab"], share)
    assert known[0] - known[2] == 0
    found = floored_log_likelihoods(abc, ["ab", "", "axb", "☃", "ab\ud800x"], share)
    assert found - known == pytest.approx([0, 0, floor, floor, 2 * floor])
    plain = tiny_model.score_samples(["kolo"])[0]
    share = tiny_model.file_.unseen_share
    assert tiny_model.score_samples(["kolo"], unseen="floor")[0] == pytest.approx(plain + 5 * math.log1p(-share))
    assert floored_log_likelihoods(abc, [], share).shape == (0,)


def test_a_string_is_brought_to_nfc_before_a_character_counts_as_unknown(strings):
    model = wavemore.fit([*strings, "zoé"], recipe="ngram")
    scores = model.score_samples(["zoé", "zoe\u0301"], unseen="floor")
    assert scores[0] == scores[1]


@pytest.mark.parametrize(
    ("strings", "share"),
    [
        (["ab", "ab", "ba", "xa"], 1.5 / 10),  # distinct: ab, ba, xa; x stands in one alone
        (["ab", "ba"], 0.5 / 7),
        (["xx", "aa", "a"], 2.5 / 9),  # both x, but not a
        ([], 0.5),
        ([""], 0.5 / 2),
        (iter(["é", "e"]), 2.5 / 5),
    ],
)
def test_the_share_of_unseen_characters_leaves_out_a_string_in_turn(strings, share):
    assert unseen_share(strings) == pytest.approx(share)


def test_the_share_foretells_what_held_out_strings_hold():
    """Of two scripts' worth of rare letters, drawn as in Zipf's law."""
    draw = np.random.default_rng(0)
    letters = [chr(0x4E00 + i) for i in range(3000)]
    chances = 1 / np.arange(1, 3001)
    texts = ["".join(draw.choice(letters, 5, p=chances / chances.sum())) for _ in range(2000)]
    train, test = texts[:1000], texts[1000:]
    known = set("".join(train))
    held_out = sum(c not in known for text in test for c in text) / (6 * 1000)
    assert unseen_share(train) == pytest.approx(held_out, rel=0.1)


def test_a_model_keeps_its_share_and_a_file_without_it_has_a_low_one(strings, tmp_path):
    model = wavemore.fit([*strings, "zq"], recipe="ngram")
    assert model.file_.unseen_share == unseen_share([*strings, "zq"]) > 2 / 500
    model.save(tmp_path / "model.safetensors")
    assert wavemore.load(tmp_path / "model.safetensors").file_.unseen_share == model.file_.unseen_share
    file = model.file_
    for data, share in (
        ({"distinct": 100}, 0.5 / 201),
        ({"distinct": 100, "unseen_share": 2.0}, 0.5 / 201),
        ({"distinct": -1}, 0.5 / 2001),
        ("nothing", 0.5 / 2001),
    ):
        assert ModelFile(file.recipe, file.vocabulary, file.weights, {"data": data}).unseen_share == share
    assert np.isfinite(wavemore.load().score_samples(["Émile"], unseen="floor")).all()


def test_unseen_is_zero_or_a_floor(strings):
    model = wavemore.StringModel("ngram", unseen="floor").fit(strings)
    assert np.isfinite(model.score_samples(["Kolo"])).all()
    assert np.isneginf(model.score_samples(["Kolo"], unseen="zero")).all()
    assert model.score(["Kolo", "kolo"]) == pytest.approx(model.score_samples(["Kolo", "kolo"]).mean())
    with pytest.raises(UsageError) as caught:
        model.set_params(unseen="flor").score_samples(["kolo"])
    assert str(caught.value) == 'unseen is "flor" (did you mean "floor"?); it must be one of zero, floor'


def test_characters_of_other_lists_can_be_made_known(strings):
    model = wavemore.StringModel("ngram").fit(strings, characters="xy\u0301")
    assert "xý" in model.file_.vocabulary.characters
    assert np.isfinite(model.score_samples(["xý"])).all()


def test_posteriors_without_overflow():
    scores = np.array([[-2000.0, -2001], [0, -np.inf], [-np.inf, -np.inf], [np.nan, 0]])
    found = np.exp(log_posteriors(scores))
    assert found[:2] == pytest.approx(np.array([[1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))], [1, 0]]))
    assert np.isnan(found[2:]).all()
    assert np.exp(log_priors(["a", "b"], {"a": 1e299, "b": 3e299})) == pytest.approx([0.25, 0.75])
