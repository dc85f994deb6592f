"""The arrays of counted n-grams: as documented, the same model again, and refused where no list gives them."""

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from models_at_random import rows

from wavemore.errors import ModelFileError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import NgramConfig

THIRD = NgramConfig(kind="ngram", order=3)


@pytest.mark.parametrize("order", [1, 4, 64])
def test_arrays_make_the_same_model_to_the_bit(strings: list[str], order: int):
    vocabulary = Vocabulary.of(strings)
    model = Ngram.fit(strings, vocabulary, NgramConfig(kind="ngram", order=order))
    stored = safetensors.numpy.load(safetensors.numpy.save(model.arrays()))
    again = Ngram.of(NgramConfig(kind="ngram", order=order), len(vocabulary), stored)
    assert {array.dtype for array in stored.values()} == {np.dtype(np.int64)}
    assert all(np.array_equal(again.arrays()[name], array) for name, array in model.arrays().items())
    assert np.array_equal(rows(again, strings, vocabulary), rows(model, strings, vocabulary))
    assert again.parameters == model.parameters


def test_the_arrays_are_as_the_docstring_shows():
    model = Ngram.fit(["em", "ma"], Vocabulary("aem"), THIRD)
    assert np.divmod(model.arrays()["ngrams"], 4)[0].tolist() == [0] * 4 + [1, 1, 2, 3, 4, 4, 5, 6, 8, 10]
    assert np.divmod(model.arrays()["ngrams"], 4)[1].tolist() == [0, 1, 2, 3, 2, 3, 0, 3, 0, 1, 3, 1, 0, 0]
    assert model.arrays()["counts"].tolist() == [2, 1, 1, 2] + [1] * 10


def spoilt(**changes) -> dict[str, np.ndarray]:
    """The arrays of a small model with these in place; None takes one away."""
    arrays = {**Ngram.fit(["em", "ma"], Vocabulary("aem"), THIRD).arrays(), **changes}
    return {name: array for name, array in arrays.items() if array is not None}


def changed(name: str, place: int, value: int) -> dict[str, np.ndarray]:
    array = spoilt()[name].copy()
    array[place] = value
    return spoilt(**{name: array})


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        (spoilt(counts=None), "the array counts is missing"),
        (spoilt(extra=np.zeros(1)), "the array extra does not belong there"),
        (
            spoilt(counts=np.ones(14, np.float32)),
            "counts are float32 of shape (14,), and they need to be int64 in a single row",
        ),
        (
            spoilt(ngrams=spoilt()["ngrams"].reshape(2, 7)),
            "ngrams are int64 of shape (2, 7), and they need to be int64 in a single row",
        ),
        (spoilt(counts=np.ones(13, np.int64)), "there are 14 of them and 13 counts"),
        (spoilt(counts=np.ones(0, np.int64), ngrams=np.ones(0, np.int64)), "there are 0 of them and 0 counts"),
        (changed("ngrams", 0, -1), "they are not in their order"),
        (changed("ngrams", 1, 0), "they are not in their order"),
        (changed("ngrams", 13, 2**62), "they are not in their order"),
        (changed("ngrams", 13, 13 * 4), "they are up to 4 ids long, and the order is 3"),
        (changed("counts", 3, 0), "a count is not from 1 to 2**53"),
        (changed("counts", 3, 2**53 + 1), "a count is not from 1 to 2**53"),
        (changed("counts", 3, 3), "their counts do not add up"),
        (changed("ngrams", 12, 7 * 4), "their counts do not add up"),  # goes on behind a string's end
        (changed("ngrams", 13, 10 * 4 + 1), "an n-gram is there without its own end"),
    ],
)
def test_arrays_that_no_list_gives_are_refused(arrays, fault):
    with pytest.raises(ModelFileError) as error:
        Ngram.of(THIRD, 4, arrays)
    assert str(error.value) == f"the model has unsound n-grams: {fault}; train it or copy it again"


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 1), st.integers(0, 50), st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 99), st.integers(1, 6))
def test_any_change_gives_a_sound_model_or_one_sentence(which, place, value, vocabulary_size):
    arrays = changed(["ngrams", "counts"][which], place % 14, value)
    try:
        model = Ngram.of(THIRD, vocabulary_size, arrays)
    except ModelFileError:
        return
    vocabulary = Vocabulary("abcde"[: vocabulary_size - 1])
    out = rows(model, [vocabulary.characters, vocabulary.characters[::-1], ""], vocabulary)
    assert np.exp(out).sum(axis=1) == pytest.approx(1, abs=1e-5)
    list(sample_strings(Distribution(model, vocabulary), 5, seed=1, max_length=5))
