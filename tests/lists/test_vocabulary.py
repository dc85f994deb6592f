"""Characters and ids: any Unicode there and back, and no character with the boundary's id."""

import unicodedata
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.errors import UnknownCharacterError, UsageError
from wavemore.lists.vocabulary import BOUNDARY, Encoded, Vocabulary, lengths_of, normalise

lists = st.lists(st.text(max_size=12), max_size=8)


@settings(deadline=None)
@given(lists)
def test_what_is_encoded_decodes_to_itself(strings: list[str]):
    vocabulary = Vocabulary.of(strings)
    for string in strings:
        ids = vocabulary.encode(string)
        assert ids.dtype == np.int32
        assert ids.shape == (len(string),)
        assert vocabulary.decode(ids) == vocabulary.decode(ids.tolist()) == string


@settings(deadline=None)
@given(lists)
def test_ids_are_the_sorted_characters_from_1_up(strings: list[str]):
    vocabulary = Vocabulary.of(strings)
    characters = sorted(set("".join(strings)))
    assert vocabulary.characters == "".join(characters)
    assert len(vocabulary) == len(characters) + 1
    assert vocabulary.encode(vocabulary.characters).tolist() == list(range(1, len(vocabulary)))


@settings(deadline=None)
@given(lists, st.text(max_size=20))
def test_unknown_characters_are_minus_one_and_known_ones_as_encoded(strings: list[str], string: str):
    vocabulary = Vocabulary.of(strings)
    expected = [vocabulary.characters.find(character) + 1 or -1 for character in string]
    assert vocabulary.encode_known(string).tolist() == expected


def test_id_0_is_the_boundary_and_never_a_character():
    assert BOUNDARY == 0
    assert Vocabulary("\0a").encode("\0a").tolist() == [1, 2]
    for ids in ([0], [1, 0, 2], np.array([0])):
        with pytest.raises(UsageError) as caught:
            Vocabulary("ab").decode(ids)
        assert str(caught.value) == "id 0 is the boundary and not a character; leave it out before decoding"


def test_the_first_unknown_character_is_named():
    with pytest.raises(UnknownCharacterError) as caught:
        Vocabulary("abc").encode("aéx")
    assert str(caught.value) == "'é' (U+00E9) in 'aéx' is not among the 3 characters that the model knows: abc"


def test_of_many_known_characters_the_first_sixty_are_shown():
    sixty = "".join(map(chr, range(0x4E00, 0x4E00 + 60)))
    for more, shown in (("", sixty), ("\uffff", f"{sixty}…")):
        with pytest.raises(UnknownCharacterError) as caught:
            Vocabulary(sixty + more).encode("x")
        assert str(caught.value).endswith(f" characters that the model knows: {shown}")


def test_a_lone_surrogate_is_unknown_and_cannot_be_known():
    assert Vocabulary("ab").encode_known("a\ud800").tolist() == [1, -1]
    with pytest.raises(UsageError) as caught:
        Vocabulary.of(["a\udc00b"])
    assert str(caught.value) == r"'\udc00' is a lone surrogate and not a character; a vocabulary cannot have it"


@pytest.mark.parametrize("strings", [[], [""]])
def test_the_empty_alphabet_has_the_boundary_alone(strings: list[str]):
    vocabulary = Vocabulary.of(strings)
    assert len(vocabulary) == 1
    assert vocabulary.encode("").tolist() == []
    assert vocabulary.decode([]) == ""
    assert vocabulary.encode_known("ab").tolist() == [-1, -1]
    with pytest.raises(UnknownCharacterError):
        vocabulary.encode("a")


@pytest.mark.parametrize("characters", ["ba", "aab"])
def test_unsorted_or_repeated_characters_are_refused(characters: str):
    with pytest.raises(UsageError) as caught:
        Vocabulary(characters)
    assert str(caught.value) == (
        "the characters of a vocabulary are distinct and sorted; build it with Vocabulary.of(strings)"
    )


def test_a_vocabulary_is_frozen_and_equal_to_its_like():
    with pytest.raises(FrozenInstanceError):
        Vocabulary("a").characters = "b"  # pyright: ignore[reportAttributeAccessIssue]
    assert Vocabulary("ab") == Vocabulary.of(["b", "a"])


@settings(deadline=None)
@given(st.text())
def test_normalise_is_nfc(string: str):
    assert normalise(string) == unicodedata.normalize("NFC", string)


def test_strings_as_ids_are_a_sequence_of_strings():
    vocabulary = Vocabulary.of(["anna", "bé", ""])
    encoded = Encoded(vocabulary, *vocabulary.encode_all(["anna", "", "bé", "b"]))
    assert list(encoded) == ["anna", "", "bé", "b"]
    assert encoded[-1] == "b"
    assert list(encoded[1:3]) == ["", "bé"]
    assert list(encoded[3:1]) == []
    assert lengths_of(encoded).tolist() == lengths_of(list(encoded)).tolist() == [4, 0, 2, 1]
    ids, lengths = vocabulary.encode_all(encoded[2:])
    assert np.array_equal(ids, vocabulary.encode("béb"))
    lengths += 1  # those who ask may change what they get
    assert encoded.lengths.tolist() == [4, 0, 2, 1]
    other = Vocabulary.of(["banéx"])
    assert np.array_equal(other.encode_all(encoded)[0], other.encode("annabéb"))
    with pytest.raises(IndexError):
        encoded[4]
    with pytest.raises(UsageError, match="have no slices with a step of 2"):
        encoded[::2]
    with pytest.raises(UsageError, match="3 ids cannot be strings of 2 characters"):
        Encoded(vocabulary, np.array([1, 1, 1], np.int32), np.array([2]))
