"""Distinct chunks against the windows they stand for."""

from collections import Counter
from math import prod

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavemore.errors import UnknownCharacterError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks, distinct, joined
from wavemore.predict.windows import Windows

lists = st.lists(st.text("abé", max_size=9), min_size=1, max_size=8)
groupings = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def written_out(chunks: Chunks) -> list[list[tuple[int, ...]]]:
    """For each level, from the characters up, the characters of each chunk."""
    levels: list[list[tuple[int, ...]]] = [[(int(c),) for c in chunks.characters]]
    for level in chunks.branches:
        levels.append([sum((levels[-1][i] for i in column), ()) for column in level.children.T])
    return levels


def build(strings: list[str], groups: tuple[int, ...]) -> tuple[Chunks, Windows]:
    vocabulary = Vocabulary("abé")
    return Chunks.of(strings, vocabulary, groups), Windows.of(strings, vocabulary, prod(groups))


@settings(deadline=None)
@given(lists, groupings)
@example([""], (2, 2))
@example(["ab", "ab"], (1,))
def test_contexts_and_answers_are_those_of_the_windows(strings, groups):
    chunks, windows = build(strings, groups)
    tops = written_out(chunks)[-1]
    assert [tops[i] for i in chunks.contexts] == [tuple(c) for c in windows.contexts().tolist()]
    assert np.array_equal(chunks.answers, windows.answers())
    assert np.array_equal(chunks.starts, windows.starts)


@settings(deadline=None)
@given(lists, groupings)
def test_each_chunk_stands_there_once_and_is_used_as_often_as_the_windows_do(strings, groups):
    chunks, windows = build(strings, groups)
    contexts = windows.contexts()
    size = 1
    for g, texts, uses in zip(groups, written_out(chunks)[1:], chunks.uses(), strict=True):
        size *= g
        nodes = Counter(tuple(node) for node in contexts.reshape(-1, size).tolist())
        assert len(set(texts)) == len(texts)
        assert dict(zip(texts, uses, strict=True)) == nodes


@settings(deadline=None)
@given(lists, groupings)
def test_older_children_are_a_prefix_of_their_level(strings, groups):
    chunks, _ = build(strings, groups)
    for level in chunks.branches:
        assert list(level.reach) == sorted(level.reach)
        for row, reach in zip(level.children, level.reach, strict=True):
            assert row.max() < reach
    assert chunks.branches[0].reach[-1] == len(chunks.characters)


@settings(deadline=None)
@given(lists, groupings, st.data())
def test_a_part_is_what_its_strings_alone_would_give(strings, groups, data):
    some = data.draw(st.lists(st.integers(0, len(strings) - 1), min_size=1, max_size=5))
    part = build(strings, groups)[0].part(np.array(some))
    alone, _ = build([strings[i] for i in some], groups)
    tops, own = written_out(part)[-1], written_out(alone)[-1]
    assert [tops[i] for i in part.contexts] == [own[i] for i in alone.contexts]
    assert [set(texts) for texts in written_out(part)] == [set(texts) for texts in written_out(alone)]
    assert np.array_equal(part.answers, alone.answers)
    assert np.array_equal(part.starts, alone.starts)


@given(st.lists(st.integers(0, 50), max_size=60), st.sampled_from([51, None, 2**40]))
def test_distinct_numbers_keys_by_their_first_occurrence(keys, domain):
    where, numbers = distinct(np.array(keys, dtype=np.int64), domain)
    firsts = list(dict.fromkeys(keys))
    assert [keys[i] for i in where] == firsts
    assert where.tolist() == [keys.index(key) for key in firsts]
    assert [firsts[i] for i in numbers] == keys


def test_a_wide_group_over_a_large_alphabet_does_not_overflow():
    alphabet = "".join(chr(0x4E00 + i) for i in range(4000))
    strings = [alphabet[i : i + 30] for i in range(0, 3970, 7)]
    chunks = Chunks.of(strings, Vocabulary(alphabet), (16,))
    contexts = Windows.of(strings, Vocabulary(alphabet), 16).contexts()
    tops = written_out(chunks)[-1]
    assert len(tops) == len({tuple(c) for c in contexts.tolist()})
    assert [tops[i] for i in chunks.contexts[::97]] == [tuple(c) for c in contexts[::97].tolist()]


def test_the_numbers_of_names_txt(names_txt):
    """Those that the central idea rests on: the lecture's training part has few distinct chunks."""
    from wavemore.lists.corpus import read_corpus, split
    from wavemore.settings.config import DataConfig

    train = split(read_corpus(names_txt), DataConfig(split="lecture")).train
    chunks = Chunks.of(train, Vocabulary.of(train), (2, 2, 2))
    assert [level.children.shape[1] for level in chunks.branches] == [595, 20_243, 50_457]
    assert len(chunks.contexts) == 182_625


def test_an_unknown_character_is_named():
    with pytest.raises(UnknownCharacterError, match=r"'x' \(U\+0078\) in 'ax'"):
        Chunks.of(["ab", "ax"], Vocabulary("abé"), (2,))


@pytest.mark.parametrize("count", [256**7, 2**61, 1 << 40])
def test_joined_keys_of_large_domains_tell_different_columns_apart(count: int):
    draw = np.random.default_rng(0)
    rows = [draw.integers(0, count, 2000), draw.integers(0, 1 << 30, 2000), draw.integers(0, count, 2000)]
    rows = [np.concatenate([row, row[:500]]) for row in rows]
    keys = joined(rows, [count, 1 << 30, count])
    assert len(np.unique(keys)) == 2000
    assert (keys[2000:] == keys[:500]).all()
