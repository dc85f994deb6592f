"""Arrow's strings become ids and ids Arrow's strings, as Python's own decoding has it."""

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import Encoded, Vocabulary
from wavemore.scale.texts import Distinct, as_arrow, by_beginning, code_points, stays_in_nfc

pyarrow = pytest.importorskip("pyarrow")

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KNOWN = Vocabulary("\0 abcé\u0301\u2028名😀")


@given(st.lists(ANY, max_size=20))
def test_code_points_are_those_of_python(strings):
    encoded = [string.encode() for string in strings]
    ends = np.cumsum([0, *map(len, encoded)])
    points, lengths = code_points(np.frombuffer(b"".join(encoded), np.uint8), ends)
    assert "".join(map(chr, points.tolist())) == "".join(strings)
    assert lengths.tolist() == list(map(len, strings))


@given(st.lists(st.none() | ANY | st.text(KNOWN.characters, max_size=5), max_size=20), st.integers(0, 3))
def test_a_column_is_its_distinct_strings_and_which_each_row_has(strings, cut):
    column = pyarrow.array([None, "a", "é", *strings], "string")[cut:]
    found = Distinct.of(column)
    values = found.values.to_pylist()
    assert [None if row < 0 else values[row] for row in found.rows.tolist()] == column.to_pylist()
    assert len(set(values)) == len(values)
    plain, encoded = found.plain(KNOWN)
    assert list(encoded) == [values[i] for i in np.flatnonzero(plain)]
    for value, is_plain in zip(values, plain.tolist(), strict=True):
        # U+0301 joins with what stands before it, so no string with it is plain.
        assert is_plain == (KNOWN.knows(value) and "\u0301" not in value)
    assert found.blank().tolist() == [not value or value.isspace() for value in values]
    assert found.lengths.tolist() == list(map(len, values))


@pytest.mark.parametrize(
    "kind", ["string", "large_string", "string_view", "dictionary", "views", "chunked", "null", "empty"]
)
def test_every_kind_of_column_of_strings_is_read(kind):
    strings = ["b", None, "né", "", "b"]
    column = {
        "dictionary": lambda: pyarrow.array(strings).dictionary_encode(),
        "views": lambda: pyarrow.chunked_array([pyarrow.array(strings, "string_view").dictionary_encode()]),
        "chunked": lambda: pyarrow.chunked_array([strings[:2], [], strings[2:]], "string"),
        "null": lambda: pyarrow.nulls(3),
        "empty": lambda: pyarrow.chunked_array([], "string"),
    }.get(kind, lambda: pyarrow.array(strings, getattr(pyarrow, kind)()))()
    found = Distinct.of(column)
    values = found.values.to_pylist()
    assert [None if row < 0 else values[row] for row in found.rows.tolist()] == column.to_pylist()


def test_a_dictionary_with_a_null_among_its_values_is_read():
    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1, None, 2]), pyarrow.array(["a", None, "a"]))
    found = Distinct.of(column)
    assert found.values.to_pylist() == ["a"]
    assert found.rows.tolist() == [0, -1, -1, 0]


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (None, "the strings are a NoneType; they must be a pyarrow.Array of strings"),
        (["a"], "the strings are a list; they must be a pyarrow.Array of strings"),
        (pyarrow.array([1, 2]), "the column holds int64 and not strings; name another, or cast it"),
        (
            pyarrow.array([b"a"], "binary").dictionary_encode(),
            "the column holds dictionary<values=binary, indices=int32, ordered=0> and not strings; name another, or "
            "cast it",
        ),
        (
            pyarrow.Array.from_buffers(
                pyarrow.string(), 1, [None, pyarrow.py_buffer(b"\0\0\0\0\1\0\0\0"), pyarrow.py_buffer(b"\xff")]
            ),
            "the column has a string that is no UTF-8; write it again with an encoding",
        ),
    ],
)
def test_what_is_no_column_of_strings_is_one_sentence(column, sentence):
    with pytest.raises(UsageError) as error:
        Distinct.of(column)
    assert str(error.value) == sentence


def test_no_character_that_is_said_to_stay_in_nfc_joins_with_another():
    seconds, moving = set(), set()
    for character in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.combining(character):
            moving.add(character)
        if parts := unicodedata.decomposition(character):
            first, *others = parts.split()
            if len(others) == 1 and not first.startswith("<"):
                seconds.add(chr(int(others[0], 16)))
    assert len(seconds) > 40
    assert not [c for c in seconds | moving if stays_in_nfc(c)]
    assert stays_in_nfc("名")
    assert stays_in_nfc("é")
    assert not stays_in_nfc("\u212b")  # Ångström, which NFC writes as the letter
    assert not stays_in_nfc("\u1161")


@settings(max_examples=30)
@given(st.lists(st.text(KNOWN.characters.replace("\0", ""), max_size=6), min_size=1, max_size=9))
def test_rows_of_ids_become_the_strings_that_the_vocabulary_decodes(strings):
    longest = max(map(len, strings))
    cells = [[*KNOWN.encode(s), *[0] * (longest - len(s))] for s in strings]
    rows = np.array(cells, np.int64).reshape(len(strings), longest)
    assert as_arrow(rows, KNOWN).to_pylist() == KNOWN.decode_rows(rows) == strings
    plain = Vocabulary("abc")
    ascii_rows = np.array([[1, 2, 0], [3, 0, 0], [0, 0, 0]])
    assert as_arrow(ascii_rows, plain).to_pylist() == ["ab", "c", ""]


@given(st.lists(st.text(KNOWN.characters, max_size=30), max_size=30))
def test_strings_by_their_beginnings(strings):
    order, found = by_beginning(Encoded(KNOWN, *KNOWN.encode_all(strings)))
    assert sorted(order.tolist()) == list(range(len(strings)))
    assert list(found) == [strings[i] for i in order.tolist()]
    beginnings = [string[:12] for string in found]  # ids rise with code points
    assert beginnings == sorted(beginnings)


def test_the_beginnings_of_a_large_vocabulary():
    vocabulary = Vocabulary("".join(map(chr, range(0x4E00, 0x4E00 + 20_000))))
    strings = ["\u4e01\u5000", "\u4e00\u6000\u7000", "\u4e01", "\u4e00\u5000" * 9]
    order, found = by_beginning(Encoded(vocabulary, *vocabulary.encode_all(strings)))
    assert list(found) == sorted(strings)
    assert order.tolist() == [3, 1, 2, 0]
