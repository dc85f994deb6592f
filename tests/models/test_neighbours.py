"""Which strings are near a list: every answer against the distances themselves, string by string."""

import numpy as np
import pytest
from edits import distance
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.models.neighbours import Neighbours, edited


def test_the_distance_of_the_tests():
    assert [distance("kitten", other) for other in ("kitten", "sitten", "itten", "kittens", "sitting", "")] == [
        *(0, 1, 1, 1, 3, 6)
    ]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text("abc", max_size=6), max_size=6), st.lists(st.text("abcdé", max_size=7), max_size=12))
def test_each_string_is_as_near_as_its_distance_says(listed, asked):
    near = Neighbours(listed)
    nearest = np.array([min((distance(string, other) for other in listed), default=99) for string in asked])
    for edits in (0, 1, 2):
        assert near.within(edits, asked).tolist() == (nearest <= edits).tolist()


def test_one_text_has_one_spelling_and_case_counts():
    near = Neighbours(["Zoe\u0301"])
    assert near.strings == 1
    assert near.within(0, ["Zoé", "Zoe\u0301", "zoé"]).tolist() == [True, True, False]
    assert near.within(1, ["Zoe", "zoé", "zoe"]).tolist() == [True, True, False]


def test_long_strings_and_many(monkeypatch: pytest.MonkeyPatch):
    """In several portions, of which each has its own part of the answer."""
    monkeypatch.setattr("wavemore.models.neighbours._AT_ONCE", 50)
    listed = ["ab" * 40, "c" * 30, *("abc"[i % 3] * (i % 7 + 1) for i in range(60))]
    asked = ["ab" * 39 + "ac", "ba" * 40, "c" * 31, "c" * 32, "c" * 33, "cac", "bcab" * 2, "a" * 10]
    near = Neighbours(listed)
    for edits in (0, 1, 2):
        want = [min(distance(string, other) for other in listed) <= edits for string in asked]
        assert near.within(edits, asked).tolist() == want


def test_everything_that_is_one_edit_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wavemore.models.neighbours._AT_ONCE", 9)
    points = np.array([ord(c) for c in "ab"], dtype=np.uint32)
    found = {"".join(map(chr, row)) for rows in edited(points, np.array([97, 98, 99])) for row in rows.tolist()}
    every = {"", *"abc", *(a + b for a in "abc" for b in "abc")} | {
        a + b + c for a in "abc" for b in "abc" for c in "abc"
    }
    assert found == {string for string in every if distance("ab", string) == 1} | {"ab"}
