"""Counts and weights become repeats, exactly where they are counts."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavemore.errors import UsageError
from wavemore.lists.corpus import read_corpus
from wavemore.lists.counts import repeated


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20).filter(any))
def test_counts_are_exact(counts: list[int]):
    strings = [f"s{i}" for i in range(len(counts))]
    found = Counter(repeated(strings, counts))
    assert [found[string] for string in strings] == counts


def test_a_counter_is_a_list_with_repeats():
    counted = Counter({"password": 3, "letmein": 1, "cafe\u0301": 2})
    assert read_corpus(counted).strings == ["password"] * 3 + ["letmein"] + ["caf\u00e9"] * 2


def test_weights_keep_their_ratios():
    found = Counter(repeated(["a", "b", "c"], np.array([0.5, 1.5, 0.0])))
    assert found == {"a": 15, "b": 45}


def test_counts_beyond_two_million_keep_their_shares():
    counts = [3_000_000_000, 1_000_000_000, *[1_000_000] * 1000]
    found = Counter(repeated([f"s{i}" for i in range(len(counts))], counts))
    assert found.total() == 2_000_000
    assert found["s0"] == pytest.approx(3 * found["s1"], abs=3)
    assert [found[f"s{i}"] for i in range(2, 1002)] == pytest.approx([400] * 1000, abs=1)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "there are 2 strings and 1 weights; give one for each string"),
        ([1.0, -2.0], "the weight of string 2, 'b', is -2; it must be 0 or more"),
        ([1.0, float("nan")], "the weight of string 2, 'b', is nan; it must be 0 or more"),
        ([0, 0], "the weights of the 2 strings add up to 0; that must be above 0 and below 1e300"),
        (["x", 1], "the weights of the strings must be numbers, one for each string"),
        ([1e308, 1e308], "the weights of the 2 strings add up to inf; that must be above 0 and below 1e300"),
    ],
)
def test_what_is_no_weight_is_refused(weights: list, message: str):
    with pytest.raises(UsageError) as caught:
        repeated(["a", "b"], weights)
    assert str(caught.value) == message
