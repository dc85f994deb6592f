"""How odd the rows of a column are: models that have not seen a row, copies, lengths, encodings, rarity."""

from collections import Counter

import numpy as np
import pytest
from faults import names, planted, towns
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from wavemore.errors import CorpusError
from wavemore.judging.usual import STRANGE, Usual, repaired


@pytest.fixture(scope="module")
def column() -> list[str]:
    return names(3000)


@pytest.fixture(scope="module")
def usual(column: list[str]) -> Usual:
    return Usual(column)


def trigram(column: list[str]) -> np.ndarray:
    """The worst character of each string under counts of three characters: what a short script would do."""
    threes, twos, size = Counter[str](), Counter[str](), len(set("".join(column))) + 1
    for string in column:
        text = f"^^{string}$"
        for i in range(len(text) - 2):
            threes[text[i : i + 3]] += 1
            twos[text[i : i + 2]] += 1
    return np.array(
        [
            max(-np.log((threes[t[i : i + 3]] + 0.1) / (twos[t[i : i + 2]] + 0.1 * size)) for i in range(len(t) - 2))
            for t in (f"^^{string}$" for string in column)
        ]
    )


@pytest.mark.parametrize("column", [names(12_000), towns(4000)], ids=["names", "towns"])
def test_planted_faults_are_found_better_than_by_trigrams(column: list[str]):
    rows, faulty = planted(column, 10)
    found, simple = Usual(rows).oddness(rows), trigram(rows)
    assert roc_auc_score(faulty, found) > 0.96
    assert average_precision_score(faulty, found) > 1.3 * average_precision_score(faulty, simple)


def test_a_row_is_scored_as_if_it_were_not_there(column):
    """The model of its fold is the same with the row and without it, so it cannot have seen it."""
    with_it, without = Usual([*column, "xqzt"]), Usual(column)
    fold = int(with_it.folds(["xqzt"])[0])
    for one, two in zip(*(usual.models[fold].arrays().values() for usual in (with_it, without)), strict=True):
        assert np.array_equal(one, two)
    assert with_it.oddness(["xqzt"])[0] == pytest.approx(
        without.oddness(["xqzt"], learned=np.array([False]))[0], abs=0.01
    )


def test_every_other_row_is_counted(column, usual):
    own = usual.folds(column)
    for fold, model in enumerate(usual.models):
        assert model.arrays()["counts"][: len(usual.vocabulary)].max() == max(
            Counter("".join(np.array(column)[own != fold])).most_common(1)[0][1], (own != fold).sum()
        )


def test_a_value_that_others_have_is_less_odd_where_values_repeat():
    column = towns(4000)
    once, often = (Usual([*column, *["Xqzt"] * times]) for times in (1, 30))
    assert often.oddness(["Xqzt"])[0] < 0.6 * once.oddness(["Xqzt"])[0]
    assert often.others(["Xqzt"])[0] == 29
    single = Usual(names(3000))
    assert single.own_values == 100
    assert single.oddness(["emma"], learned=np.array([False]))[0] == pytest.approx(
        single.oddness(["emma"], learned=np.array([True]))[0], abs=0.2
    )


def test_rows_of_one_group_do_not_vouch_for_each_other():
    """One customer with a typo in each of thirty orders, and thirty customers with the same."""
    column, others = towns(4000), [f"customer {i // 2}" for i in range(4000)]
    rows = [*column, *["Xqzt"] * 30]
    one = Usual(rows, [*others, *["the same"] * 30])
    many = Usual(rows, [*others, *(f"new {i}" for i in range(30))])
    alone = Usual([*column, "Xqzt"], [*others, "the same"])
    assert one.oddness(["Xqzt"], ["the same"])[0] == pytest.approx(alone.oddness(["Xqzt"], ["the same"])[0], abs=0.05)
    assert many.oddness(["Xqzt"], ["new 3"])[0] < 0.6 * one.oddness(["Xqzt"], ["the same"])[0]


def test_length_adds_an_eighth_of_its_bits():
    column = ["ab" * n for n in range(1, 9)] * 16
    usual = Usual(column)
    bits = usual.length_bits(["ab", "abab", "ab" * 7, "ab" * 8, "ab" * 20])
    assert bits == pytest.approx([3, 2, 2, 3, np.log2(128)])


def test_characters_that_are_new_are_odd_and_no_error(usual):
    scores = usual.oddness(["emma", "emmø", "емма"], learned=np.zeros(3, dtype=bool))
    assert scores[0] < scores[1] < scores[2]
    assert usual.readable(["emmø"]) == [f"emm{STRANGE}"]


def test_rarity_is_the_number_of_rows_to_one_that_is_as_odd(column, usual):
    scores = usual.oddness(column)
    rarity = usual.rarity(scores)
    for n in (2, 10, 100, 1000):
        assert (rarity >= n).mean() == pytest.approx(1 / n, abs=1 / len(column))
    assert rarity.max() == len(column)
    assert (np.diff(rarity[np.argsort(scores)]) >= 0).all()
    beyond = usual.rarity(scores.max() + np.array([0.5, 1.0, 2.0]))
    assert (np.diff([len(column), *beyond]) > 0).all()


def test_rarity_holds_for_rows_that_come_later():
    """Of new rows from the same source, one in ten is as odd as one in ten of those that were learned."""
    every = names(14_000)
    usual, later = Usual(every[:7000]), every[7000:]
    rarity = usual.rarity(usual.oddness(later, learned=np.zeros(len(later), dtype=bool)))
    assert (rarity >= 10).mean() == pytest.approx(0.1, rel=0.2)
    assert (rarity >= 100).mean() == pytest.approx(0.01, rel=0.5)


def test_broken_encodings_are_known():
    for whole in ("Müller", "Świnoujście", "Århus", "naïve café", "日本"):
        broken = b"".join(bytes([byte]) for byte in whole.encode()).decode("latin-1")
        assert repaired(broken) == whole
        assert repaired(whole) is None
    assert repaired("MÃ¼ller") == "Müller"
    assert repaired("GaÅ›") == "Gaś"  # byte 0x9b, a quotation mark in Windows-1252
    assert repaired("plain") is None
    assert repaired("Ã") is None


@given(st.text("aéöñçß€žÅ日本", min_size=1, max_size=8))
def test_what_was_broken_is_mended(string):
    broken = string.encode().decode("latin-1")
    assert repaired(broken) == (None if string.isascii() else string)


@pytest.mark.parametrize("column", [["a"] * 50, ["a", "b"] * 20, [""] * 30, ["x" * 500, *"abcdefghijklmnopqrst"]])
def test_columns_of_few_values_have_finite_scores(column):
    usual = Usual(column)
    assert np.isfinite(usual.oddness(column)).all()
    assert (usual.rarity(usual.oddness(column)) >= 1).all()


def test_a_column_that_is_too_short_is_refused():
    with pytest.raises(CorpusError) as caught:
        Usual(["a"] * 19)
    assert str(caught.value) == "the column has 19 strings, too few to tell what is usual; give 20 or more"
