"""The windows of a list, against the lecture's own loop."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wavemore.errors import UnknownCharacterError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.windows import Windows

lists = st.lists(st.text(max_size=6), max_size=6)


def as_taught(strings: list[str], vocabulary: Vocabulary, block_size: int) -> tuple[list[list[int]], list[int]]:
    """`build_dataset` of the lecture."""
    X, Y = [], []
    for w in strings:
        context = [0] * block_size
        for ix in [*vocabulary.encode(w).tolist(), 0]:
            X.append(context)
            Y.append(ix)
            context = [*context[1:], ix]
    return X, Y


@settings(deadline=None)
@given(lists, st.integers(1, 9))
@example([], 1)
@example([""], 1)
@example(["", "ab", ""], 3)
@example(["abcdefghij"], 3)
def test_windows_are_those_of_the_lecture(strings: list[str], context: int):
    vocabulary = Vocabulary.of(strings)
    windows = Windows.of(strings, vocabulary, context)
    contexts, answers = as_taught(strings, vocabulary, context)
    assert len(windows) == len(answers)
    assert windows.contexts().tolist() == contexts
    assert windows.answers().tolist() == answers
    assert windows.contexts().shape == (len(answers), context)


@settings(deadline=None)
@given(lists, st.integers(1, 4), st.integers(0, 20), st.integers(0, 20))
def test_a_part_is_that_part_of_the_whole(strings: list[str], context: int, start: int, stop: int):
    windows = Windows.of(strings, Vocabulary.of(strings), context)
    part = slice(start, stop)
    assert np.array_equal(windows.contexts(part), windows.contexts()[part])
    assert np.array_equal(windows.answers(part), windows.answers()[part])


@settings(deadline=None)
@given(lists)
def test_starts_are_the_first_predictions_of_the_strings(strings: list[str]):
    windows = Windows.of(strings, Vocabulary.of(strings), 2)
    lengths = [len(string) + 1 for string in strings]
    assert windows.starts.tolist() == [sum(lengths[:i]) for i in range(len(strings))]


def test_ids_are_laid_out_once_with_padding_between():
    windows = Windows.of(["ab", "c"], Vocabulary("abc"), 2)
    assert windows.ids.tolist() == [0, 0, 1, 2, 0, 0, 3, 0, 0]
    assert windows.positions.tolist() == [2, 3, 4, 6, 7]
    assert (windows.ids.dtype, windows.positions.dtype) == (np.int32, np.int64)


def test_an_unknown_character_is_named_with_its_string_and_not_the_whole_list():
    with pytest.raises(UnknownCharacterError) as caught:
        Windows.of(["ab", "ax"], Vocabulary("ab"), 2)
    assert str(caught.value) == "'x' (U+0078) in 'ax' is not among the 2 characters that the model knows: ab"
