"""What is said of strings: values that agree with the model's own, and what becomes of unknown characters."""

import math
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavemore.errors import UsageError
from wavemore.estimator import StringModel, load
from wavemore.judging import row_scores
from wavemore.judging.row_scores import Judge, RowScores
from wavemore.settings.config import NgramConfig, Recipe


def said(scores: RowScores, strings: list[str]) -> dict[str, Any]:
    """The columns of these strings."""
    return {**scores.columns(strings)}


@pytest.fixture(scope="module")
def judge(tiny_model: StringModel) -> Judge:
    return Judge("tiny", tiny_model.file_, tiny_model.distribution_)


@pytest.fixture(scope="module")
def other(strings: list[str]) -> Judge:
    """A model of other strings, over more characters."""
    recipe = Recipe.from_dict({"model": {"kind": "ngram", "order": 2}})
    assert isinstance(recipe.model, NgramConfig)
    model = StringModel(recipe).fit([string.replace("b", "x") for string in strings] + ["ab"] * 5)
    return Judge("tiny", model.file_, model.distribution_)


def test_scores_are_the_models_own(judge, tiny_model):
    strings = ["ba", "", "kolo", "x", "dede"]
    found = said(RowScores([judge]), strings)
    assert list(found) == RowScores([judge]).names == ["log_likelihood", "bits_per_character", "unknown"]
    scores = found["log_likelihood"]
    assert scores == pytest.approx(tiny_model.score_samples(strings))
    assert found["bits_per_character"] == pytest.approx(
        [-score / math.log(2) / (len(string) + 1) for score, string in zip(scores, strings, strict=True)]
    )
    assert found["unknown"] == ["", "", "", "x", ""]
    assert math.isinf(scores[3])


def test_bits_are_those_of_evaluate(judge, tiny_model):
    """Over one string, the mean over predictions is that string's."""
    (bits,) = said(RowScores([judge]), ["kolo"])["bits_per_character"]
    assert bits == pytest.approx(tiny_model.evaluate(["kolo"]).bits_per_character)


def test_strings_are_brought_to_nfc(strings, tiny_recipe):
    model = StringModel(tiny_recipe).fit([*strings, "zoé", "zo\u0301"])
    found = said(model.row_scores(), [unicodedata.normalize("NFD", "zoé"), "zoé"])
    assert found["log_likelihood"][0] == found["log_likelihood"][1]
    assert found["bits_per_character"][0] == found["bits_per_character"][1]


def test_unknown_characters_are_ignored_and_named_once(judge, tiny_model):
    strings = ["kolo", "kxoylxo", "x", "dé"]
    found = said(RowScores([judge], "ignore"), strings)
    assert found["unknown"] == ["", "xy", "x", "é"]
    known = ["kolo", "kolo", "", "d"]
    expected = said(RowScores([judge]), known)
    assert np.isnan(found["log_likelihood"][2])  # and not the score of the empty string
    there = [0, 1, 3]
    assert found["log_likelihood"][there] == pytest.approx(tiny_model.score_samples(known)[there])
    assert found["bits_per_character"][there] == pytest.approx(expected["bits_per_character"][there])


@given(st.lists(st.text("abxy", max_size=4), max_size=6))
def test_unknown_characters_are_found_wherever_they_stand(strings):
    from wavemore.lists.vocabulary import Vocabulary

    found = row_scores._unknown(Vocabulary("ab"), strings)
    every = {i: "".join(dict.fromkeys(c for c in string if c in "xy")) for i, string in enumerate(strings)}
    assert found == {i: characters for i, characters in every.items() if characters}


def test_percentiles_and_guess_numbers_are_those_of_their_modules(judge):
    from wavemore.judging.guessing import Guesses

    strings = ["kolo", "x", "badebade"]
    found = said(RowScores([judge], percentile=True, guess_number=True), strings)
    scores = found["log_likelihood"]
    assert list(found)[2:6] == ["percentile", "guess_number", "guess_number_low", "guess_number_high"]
    assert found["percentile"] == pytest.approx(judge.file.percentiles(scores))
    guesses = Guesses.of(judge.distribution, seed=0).numbers(scores)
    assert found["guess_number"] == pytest.approx(guesses.number)
    assert found["guess_number_low"] == pytest.approx(guesses.low)
    assert found["guess_number_high"] == pytest.approx(guesses.high)


def test_the_best_model_and_by_how_much(judge, other):
    strings = ["kolo", "xaxa", "ab", "z", "bb"]
    compared = RowScores([judge, other, judge._replace(name="third")])
    found = said(compared, strings)
    assert list(found) == compared.names
    assert compared.names[2:-1] == ["log_likelihood_tiny_2", "log_likelihood_third", "log_ratio", "best"]
    first = said(RowScores([judge]), strings)["log_likelihood"]
    second = said(RowScores([other]), strings)["log_likelihood"]
    assert found["log_likelihood"] == pytest.approx(first)
    assert found["log_likelihood_tiny_2"] == pytest.approx(second)
    ratio = found["log_ratio"]
    assert ratio[[0, 2]] == pytest.approx(first[[0, 2]] - np.maximum(first, second)[[0, 2]])
    assert 0 < (ratio[[0, 2, 4]] == 0).sum() < 3  # some are likelier under the one, some under the other
    assert (ratio[1], math.isnan(ratio[3])) == (-math.inf, True)
    expected = ["tiny" if a > b else "tiny_2" for a, b in zip(first, second, strict=True)]
    assert found["best"] == [*expected[:3], "", expected[4]]
    assert {"tiny", "tiny_2"} <= {*found["best"]}


def test_each_model_ignores_what_it_does_not_know(judge, other):
    found = said(RowScores([judge, other], "ignore"), ["xaza"])
    assert found["unknown"] == ["xz"]
    assert found["log_likelihood_tiny_2"] == said(RowScores([other]), ["xaa"])["log_likelihood"]


def test_a_treatment_that_does_not_exist(judge):
    wrong: Any = "ingore"
    with pytest.raises(UsageError) as caught:
        RowScores([judge], wrong)
    assert str(caught.value) == (
        'unknown is "ingore" (did you mean "ignore"?); it must be one of zero, floor, ignore, drop, error'
    )


def test_models_are_named_after_their_files(tiny_path: Path, tiny_model: StringModel):
    scores = load().row_scores(against=[load(tiny_path), tiny_model], percentile=True)
    assert [judge.name for judge in scores.judges] == ["names", "tiny", "model"]
    assert scores.names[2:5] == ["percentile", "log_likelihood_tiny", "log_likelihood_model"]


def test_posteriors_go_with_a_floor(tiny_model):
    assert tiny_model.row_scores().unknown == "zero"
    assert tiny_model.row_scores(against=[tiny_model], posterior=True).unknown == "floor"
    assert tiny_model.row_scores(against=[tiny_model], posterior=True, unknown="zero").unknown == "zero"


@pytest.mark.parametrize("wrong", ["abe", [None], [3], ["abe", b"abe"], 7])
def test_what_is_no_list_of_strings_is_refused(tiny_model, wrong):
    with pytest.raises(UsageError):
        tiny_model.row_scores().columns(wrong)
