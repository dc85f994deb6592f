"""What is said of strings: values that agree with the model's own, treatment of unknown characters, order of rows."""

import math
import unicodedata
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavemore.errors import UnknownCharacterError, UsageError
from wavemore.estimator import StringModel
from wavemore.judging import scoring
from wavemore.judging.scoring import Judge, Scoring, Tally, check_ranking, scored
from wavemore.settings.config import NgramConfig, Recipe
from wavemore.tables.columns import Part, Portion, Table
from wavemore.tables.ranking import ranked


class Listed(Table):
    """A table of a few strings, None where there is none."""

    def __init__(self, *portions: list[str | None]) -> None:
        super().__init__("the list", "text")
        self._portions = portions

    def portions(self) -> Iterable[Portion]:  # type: ignore[override]
        number = count(1)
        for strings in self._portions:
            numbers = [next(number) for _ in strings]
            problems = {i: "blank" for i, string in enumerate(strings) if string is None}
            yield Portion(numbers, [string or "" for string in strings], problems, [*strings])

    def write(self, file: BinaryIO, parts: Iterable[Part]) -> None:
        raise NotImplementedError


def said(scoring: Scoring, strings: list[str]) -> dict[str, Any]:
    """The columns of these strings."""
    return {**scoring.columns(strings)}


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
    found = said(Scoring([judge]), strings)
    assert list(found) == Scoring([judge]).names == ["log_likelihood", "bits_per_character", "unknown"]
    scores = found["log_likelihood"]
    assert scores == pytest.approx(tiny_model.score_samples(strings))
    assert found["bits_per_character"] == pytest.approx(
        [-score / math.log(2) / (len(string) + 1) for score, string in zip(scores, strings, strict=True)]
    )
    assert found["unknown"] == ["", "", "", "x", ""]
    assert math.isinf(scores[3])


def test_bits_are_those_of_evaluate(judge, tiny_model):
    """Over one string, the mean over predictions is that string's."""
    (bits,) = said(Scoring([judge]), ["kolo"])["bits_per_character"]
    assert bits == pytest.approx(tiny_model.evaluate(["kolo"]).bits_per_character)


def test_strings_are_brought_to_nfc(strings, tiny_recipe):
    model = StringModel(tiny_recipe).fit([*strings, "zoé", "zo\u0301"])
    found = said(Scoring([Judge("a", model.file_, model.distribution_)]), [unicodedata.normalize("NFD", "zoé"), "zoé"])
    assert found["log_likelihood"][0] == found["log_likelihood"][1]
    assert found["bits_per_character"][0] == found["bits_per_character"][1]


def test_unknown_characters_are_ignored_and_named_once(judge, tiny_model):
    strings = ["kolo", "kxoylxo", "x", "dé"]
    found = said(Scoring([judge], "ignore"), strings)
    assert found["unknown"] == ["", "xy", "x", "é"]
    known = ["kolo", "kolo", "", "d"]
    expected = said(Scoring([judge]), known)
    assert found["log_likelihood"] == pytest.approx(tiny_model.score_samples(known))
    assert found["bits_per_character"] == pytest.approx(expected["bits_per_character"])


@given(st.lists(st.text("abxy", max_size=4), max_size=6))
def test_unknown_characters_are_found_wherever_they_stand(strings):
    from wavemore.lists.vocabulary import Vocabulary

    found = scoring._unknown(Vocabulary("ab"), strings)
    every = {i: "".join(dict.fromkeys(c for c in string if c in "xy")) for i, string in enumerate(strings)}
    assert found == {i: characters for i, characters in every.items() if characters}


def test_percentiles_and_guess_numbers_are_those_of_their_modules(judge):
    from wavemore.judging.guessing import Guesses

    strings = ["kolo", "x", "badebade"]
    found = said(Scoring([judge], also=("percentile", "guess_number")), strings)
    scores = found["log_likelihood"]
    assert list(found)[2:6] == ["percentile", "guess_number", "guess_number_low", "guess_number_high"]
    assert found["percentile"] == pytest.approx(judge.file.percentiles(scores))
    guesses = Guesses.of(judge.distribution, seed=0).numbers(scores)
    assert found["guess_number"] == pytest.approx(guesses.number)
    assert found["guess_number_low"] == pytest.approx(guesses.low)
    assert found["guess_number_high"] == pytest.approx(guesses.high)


def test_the_best_model_and_by_how_much(judge, other):
    strings = ["kolo", "xaxa", "ab", "z", "bb"]
    compared = Scoring([judge, other, judge._replace(name="third")])
    found = said(compared, strings)
    assert list(found) == compared.names
    assert compared.names[2:-1] == ["log_likelihood_tiny_2", "log_likelihood_third", "log_ratio", "best"]
    first = said(Scoring([judge]), strings)["log_likelihood"]
    second = said(Scoring([other]), strings)["log_likelihood"]
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
    found = said(Scoring([judge, other], "ignore"), ["xaza"])
    assert found["unknown"] == ["xz"]
    assert found["log_likelihood_tiny_2"] == said(Scoring([other]), ["xaa"])["log_likelihood"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"unknown": "ingore"},
            'unknown characters cannot be treated as "ingore" (did you mean "ignore"?); zero, ignore, drop, error can',
        ),
        ({"also": ["percentiles"]}, 'there is no column "percentiles" (did you mean "percentile"?); choose of '),
    ],
)
def test_settings_that_do_not_exist(judge, options: dict[str, Any], sentence):
    with pytest.raises(UsageError) as caught:
        Scoring([judge], **options)
    assert str(caught.value).startswith(sentence)


# --- rows


def test_rows_without_a_string_are_kept_without_values(judge):
    tally = Tally()
    table = Listed(["ba", None, "x"], [None])
    first, second = scored(table, table.portions(), Scoring([judge]), tally)
    assert first.kept == ["ba", None, "x"]
    assert np.isnan(first.columns["log_likelihood"]).tolist() == [False, True, False]
    assert first.columns["unknown"] == ["", "", "x"]
    assert np.isnan(second.columns["bits_per_character"]).all()
    assert str(tally.without) == "skipped 2: 2 blank (lines 2, 4)"
    assert tally.unknown == 1


def test_rows_with_unknown_characters_are_left_out(judge):
    table = Listed([None, "ax", "ba", "x", "kolo"])
    tally = Tally()
    (part,) = scored(table, table.portions(), Scoring([judge], "drop"), tally)
    assert part.kept == [None, "ba", "kolo"]
    assert part.texts == ["", "ba", "kolo"]
    assert part.columns["log_likelihood"][1:] == pytest.approx(said(Scoring([judge]), ["ba", "kolo"])["log_likelihood"])
    assert tally.unknown == 2


def test_the_first_unknown_character_stops(judge):
    table = Listed(["ba"], [None, "kolo", "ax"])
    with pytest.raises(UnknownCharacterError) as caught:
        list(scored(table, table.portions(), Scoring([judge], "error"), Tally()))
    assert str(caught.value) == (
        "line 4 of the list: 'x' (U+0078) in 'ax' is not among the 7 characters that the model knows: abdeklo"
    )


numbers = st.sampled_from([-math.inf, -2.0, -1.0, 0.5, math.inf, math.nan])


@given(st.lists(st.lists(numbers, min_size=1, max_size=5), max_size=5), st.integers(1, 8), st.booleans())
def test_the_lowest_rows_are_those_of_a_full_sort(portions, most, reverse):
    """In any portions; equal rows stay in their order, and rows without a value come last or not at all."""
    table = Listed()
    names = count()
    parts = []
    for values in portions:
        kept = [str(next(names)) for _ in values]
        parts.append(Part(kept, kept, {"log_likelihood": np.array(values), "unknown": kept}))
    rows = [
        (name, value) for part in parts for name, value in zip(part.kept, part.columns["log_likelihood"], strict=True)
    ]
    with_value = [row for row in rows if not math.isnan(row[1])]
    with_value.sort(key=lambda row: -row[1] if reverse else row[1])
    without = [row for row in rows if math.isnan(row[1])]

    def names_of(most: int | None) -> list[str]:
        out = list(ranked(table, parts, "log_likelihood", most=most, reverse=reverse))
        kept = [name for part in out for name in part.kept]
        assert kept == [name for part in out for name in part.texts]
        assert kept == [name for part in out for name in part.columns["unknown"]]
        return kept

    assert names_of(None) == [name for name, _ in (*with_value, *without)]
    assert names_of(most) == [name for name, _ in with_value[:most]]


def test_no_more_rows_than_wanted_and_a_portion_are_held(monkeypatch):
    table = Listed()
    joined = []
    join = table.join
    monkeypatch.setattr(table, "join", lambda kept: joined.append(sum(map(len, kept))) or join(kept))
    parts = [Part([*"abcdefghij"], [*"abcdefghij"], {"log_likelihood": np.arange(10.0)}) for _ in range(20)]
    (part,) = ranked(table, iter(parts), "log_likelihood", most=3)
    assert part.kept == ["a", "a", "a"]
    assert max(joined) == 6


def test_rows_by_text(judge):
    table = Listed()
    part = Part([1, 2, 3], ["", "", ""], {"best": ["b", "a", "b"]})
    assert [p.kept for p in ranked(table, [part], "best")] == [[2, 1, 3]]
    assert [p.kept for p in ranked(table, [part], "best", reverse=True)] == [[1, 3, 2]]
    with pytest.raises(UsageError) as caught:
        check_ranking(Scoring([judge]), "log_liklihood")
    assert str(caught.value) == (
        'there is no added column "log_liklihood" to sort by (did you mean "log_likelihood"?); '
        "there are log_likelihood, bits_per_character, unknown"
    )


def test_a_model_is_named_after_its_file(tiny_path: Path):
    assert Judge.load(tiny_path).name == "tiny"
    assert Judge.load().name == "names"
