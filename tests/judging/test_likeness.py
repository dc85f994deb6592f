"""How like a list samples are: planted samples whose figures are known."""

from collections import Counter

import numpy as np
import pytest

from wavemore.judging.likeness import Likeness, compare, divergence, length_distance


def test_novelty_and_repetition_of_planted_samples():
    found = compare(["new", "old", "new", "held"], ["old", "older"], ["held", "old", "aside", "apart"])
    samples, held_out = found["samples"], found["held out"]
    assert list(found) == ["samples", "held out"]
    assert (samples.strings, samples.new, samples.held_out, samples.compared) == (4, 0.75, 0.5, 4)
    assert samples.distinct == 0.75
    assert (held_out.strings, held_out.new, held_out.held_out, held_out.compared) == (4, 0.75, None, 4)
    assert held_out.distinct == 1


def test_without_held_out_strings_samples_stand_alone():
    found = compare(["a", "b"], ["a"])
    assert list(found) == ["samples"]
    assert (found["samples"].new, found["samples"].held_out, found["samples"].compared) == (0.5, None, 2)


def test_a_list_is_like_itself():
    strings = ["emma", "ava", "", "mia", "ava"]
    (samples,) = compare(strings, strings).values()
    assert samples == Likeness(5, 0.0, None, 0, None, None, 5, 0.8, 0.0, 0.0, 0.0)


def test_as_many_samples_as_held_out_strings_are_compared():
    """The shares are of all strings; what depends on their number is of equally many."""
    many, few = ["a"] * 6 + ["b"] * 2, ["c", "d"]
    found = compare(many, ["a"], few)
    assert [like.compared for like in found.values()] == [2, 2]
    assert (found["samples"].new, found["samples"].distinct) == (0.25, 0.5)
    found = compare(few, ["a"], many)
    assert [like.compared for like in found.values()] == [2, 2]
    assert [like.strings for like in found.values()] == [2, 8]
    assert found["held out"].new == 0.25


def test_held_out_strings_are_chosen_from_all_of_the_part():
    """Not from its beginning: a list may be in order."""
    held_out = ["a"] * 500 + ["bbbb"] * 500
    found = compare(["a"] * 100, ["a"], held_out)
    assert found["held out"].length_distance == pytest.approx(1.5, abs=0.3)
    assert compare(["a"] * 100, ["a"], held_out) == found


def test_near_copies_of_planted_samples():
    """Of four new strings one is an edit away and two are two; those of the list do not count."""
    near = ["emma", "ema", "ama", "gemmae", "wilhelm", "ava"]
    found = compare(near, ["emma", "ava"])["samples"]
    assert (found.looked_at, found.one_edit, found.two_edits) == (4, 0.5, 0.25)
    many = compare(["ema"] * 1500 + ["oliver"] * 1500, ["emma"])["samples"]
    assert many.looked_at == 1000
    assert many.one_edit == pytest.approx(0.5, abs=0.05)
    assert many.two_edits == 0


def test_near_copies_are_told_where_that_takes_seconds_at_most():
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    some = compare([characters[i : i + 40] for i in range(100)], [characters])["samples"]
    assert 0 < some.looked_at < 10
    assert compare([characters[1:] + "x"], [characters])["samples"].looked_at == 0


def test_length_distance_is_the_work_of_moving():
    assert length_distance(Counter([3, 3]), Counter([3])) == 0
    assert length_distance(Counter([1]), Counter([5])) == 4
    assert length_distance(Counter([1, 2]), Counter([2, 5])) == pytest.approx(2)
    draw = np.random.default_rng(1)
    a, b = draw.poisson(6, 400), draw.poisson(8, 400)
    moved = np.abs(np.sort(a) - np.sort(b)).mean()  # in one dimension the cheapest way keeps the order
    assert length_distance(Counter(a.tolist()), Counter(b.tolist())) == pytest.approx(moved)


def test_divergence_lies_between_nothing_and_one_bit():
    assert divergence(Counter("aab"), Counter("aabaab")) == 0
    assert divergence(Counter("aa"), Counter("bc")) == pytest.approx(1)
    # One half a, against all a: the middle is 3/4 and 1/4.
    by_hand = (0.5 * np.log2(0.5 / 0.75) + 0.5 * np.log2(0.5 / 0.25) + np.log2(1 / 0.75)) / 2
    assert divergence(Counter("ab"), Counter("a")) == pytest.approx(by_hand)
    assert divergence(Counter("a"), Counter("ab")) == pytest.approx(by_hand)


def test_characters_and_pairs_are_counted_with_the_boundaries():
    """The same characters in another order: only pairs tell. Then the boundary alone tells."""
    (turned,) = compare(["ab"], ["ba"]).values()
    assert turned.character_divergence == 0
    assert turned.pair_divergence == pytest.approx(1)
    (cut,) = compare(["ab", "ab"], ["abab"]).values()
    ending = Counter("ab.ab."), Counter("abab.")
    assert cut.character_divergence == pytest.approx(divergence(*ending))
    pairs = Counter([".a", "ab", "b.", ".a", "ab", "b."]), Counter([".a", "ab", "ba", "ab", "b."])
    assert cut.pair_divergence == pytest.approx(divergence(*pairs))


def test_portions_change_nothing(monkeypatch):
    strings, others = ["emma", "", "ölga", "𝔞va"] * 9, ["mia", "", "noah"] * 7
    whole = compare(strings, others)
    monkeypatch.setattr("wavemore.judging.likeness._STRINGS_AT_ONCE", 4)
    assert compare(strings, others) == whole


def test_one_empty_string_is_enough():
    samples = compare([""], ["a"], [""])["samples"]
    assert (samples.new, samples.held_out, samples.distinct, samples.length_distance) == (1, 1, 1, 1)
    assert samples.character_divergence == pytest.approx(0.311278, abs=1e-6)  # the boundary alone, against one half
    assert samples.pair_divergence == pytest.approx(1)
