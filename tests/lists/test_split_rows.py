"""A split by distinct string keeps its promise in rows where strings come many times."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavemore.lists.corpus import frequent, read_corpus, split
from wavemore.settings.config import DataConfig

USERS = [f"user{i:02}" for i in range(60)]


def test_a_password_that_everybody_has_is_trained_on():
    parts = split(read_corpus(["password"] * 100 + USERS), DataConfig())
    assert parts.train.count("password") == 100
    assert [len(part) for part in parts] == [130, 15, 15]  # a quarter of the users each: most rows are the password


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_split_80_10_10_however_often_strings_come(seed):
    draw = random.Random(seed)
    strings = [f"s{i}" for i in range(2000) for _ in range(draw.randint(1, 9))]
    parts = split(read_corpus(strings), DataConfig(seed=seed))
    shares = [len(part) / len(strings) for part in parts]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.002)


def test_of_strings_by_rank_the_commonest_are_trained_on():
    strings = [f"s{i}" for i in range(1000) for _ in range(1 + 5000 // (i + 1))]
    parts = split(read_corpus(strings), DataConfig())
    assert [f"s{i}" in set(parts.train) for i in range(50)] == [True] * 50
    assert [len(part) / len(strings) for part in parts] == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_frequent_strings_have_more_than_ten_times_the_median_count():
    assert frequent({"a": 11, "b": 1, "c": 1}) == ["a"]
    assert frequent({"a": 10, "b": 1, "c": 1}) == []
    assert frequent({"a": 20, "b": 20, "c": 20}) == []  # a list that is there twenty times


counts = st.lists(st.sampled_from([1, 1, 2, 5, 40, 1000]), min_size=3, max_size=30).filter(lambda c: sum(c) >= 20)


@given(counts, st.integers(0, 9))
def test_every_part_has_a_string_and_none_is_in_two(counts: list[int], seed: int):
    strings = [f"s{i}" for i, count in enumerate(counts) for _ in range(count)]
    parts = split(read_corpus(strings), DataConfig(seed=seed))
    assert all(parts)
    assert sum(map(len, parts)) == len(strings)
    assert sum(len(set(part)) for part in parts) == len(counts)
