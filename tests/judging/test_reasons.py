"""Why rows are odd, in words, on columns where it is known."""

import random

import numpy as np
import pytest
from faults import names

from wavemore.judging.reasons import reasons_of
from wavemore.judging.usual import Usual


@pytest.fixture(scope="module")
def usual() -> Usual:
    """Syllables of a consonant and a vowel, four to six letters, nothing else."""
    draw = random.Random(3)
    words = {
        "".join(draw.choice("bdklmn") + draw.choice("aeo") for _ in range(draw.choice([2, 3]))) for _ in range(900)
    }
    return Usual(sorted(words))


@pytest.mark.parametrize(
    ("string", "reason"),
    [
        ("badok", "no other value ends with 'k'"),
        ("abako", "no other value begins with 'a'"),
        ("baxo", "'x' stands in no other value"),
        ("baako", "after 'a' never 'a'"),
        ("balÃ©", "broken encoding of 'balé'; "),
        ("bадo", "letters of another script: Cyrillic; "),
        ("bakolademoba", "longer than 99."),
    ],
)
def test_each_kind_of_oddness_has_its_words(usual: Usual, string: str, reason: str):
    column = Usual([*usual._holders, string])
    (found,) = reasons_of(column, [string])
    assert reason in found


def test_what_is_never_seen_is_never_seen(usual: Usual):
    """ "never" and "no other" are true of every other string."""
    draw, strings = random.Random(4), list(usual._holders)
    odd = ["".join(draw.choice("bdklmnaeox") for _ in range(5)) for _ in range(200)]
    column = Usual([*strings, *odd])
    for string, found in zip(odd, reasons_of(column, odd), strict=True):
        others = [other for other in {*strings, *odd} if other != string]
        for reason in found.split("; "):
            *words, quoted = reason.split(" ")
            text = quoted.strip("'")
            if " ".join(words) == "no other value begins with":
                assert not any(other.startswith(text) for other in others)
            elif " ".join(words) == "no other value ends with":
                assert not any(other.endswith(text) for other in others)
            elif "never" in words:
                assert not any(words[1].strip("'") + text in other for other in others)
            else:
                assert "no other" not in reason


def test_a_value_of_its_own_is_a_reason_where_values_repeat():
    column = ["north", "south", "east", "west"] * 50
    usual = Usual([*column, "nroth"])
    (reasons,) = reasons_of(usual, ["nroth"])
    assert reasons.startswith("no other row has this value; only 0.5 % of the rows have one of their own; ")
    assert "of their own" not in reasons_of(usual, ["north"])[0]


def test_scripts_that_are_usual_are_not_odd():
    usual = Usual([f"{a}{b}" for a in "абвгд" for b in "еёжзи"] + [f"{a}{b}" for a in "abcde" for b in "fghij"])
    assert "script" not in " ".join(reasons_of(usual, ["аж", "ag"]))
    assert "another script: Greek" in reasons_of(usual, ["αж"])[0]


def test_no_rows_have_no_reasons(usual: Usual):
    assert reasons_of(usual, []) == []


def test_a_row_that_was_not_learned_has_true_reasons():
    usual = Usual([*names(300), "anna#"])
    (later,) = reasons_of(usual, ["bobby#"], learned=np.array([False]))
    assert "'#' stands in no other value" not in later
    (own,) = reasons_of(usual, ["anna#"], learned=np.array([True]))
    assert "'#' stands in no other value" in own
