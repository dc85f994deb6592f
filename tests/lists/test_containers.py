"""Lists of other libraries are taken as they are; a missing value stays in its place; tables and the like are
refused."""

import io
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import wavemore
from wavemore.errors import UsageError
from wavemore.lists.given import given

TEXTS = ["kolo", None, "ba", "x", None]
PRESENT = ["kolo", "ba", "x"]


def pandas() -> Any:
    return pytest.importorskip("pandas")


def polars() -> Any:
    return pytest.importorskip("polars")


MISSING = {
    "list": lambda: TEXTS,
    "tuple": lambda: tuple(TEXTS),
    "NaN in a list": lambda: [math.nan if text is None else text for text in TEXTS],
    "generator": lambda: (text for text in TEXTS),
    "object array": lambda: np.array(TEXTS, dtype=object),
    "array with NaN": lambda: np.array([np.nan if text is None else text for text in TEXTS], dtype=object),
    "masked array": lambda: np.ma.array([text or "" for text in TEXTS], mask=[text is None for text in TEXTS]),
    "string array": lambda: np.array(TEXTS, dtype=np.dtypes.StringDType(na_object=None)),
    "Arrow": lambda: pa.array(TEXTS),
    "Arrow, chunked": lambda: pa.chunked_array([TEXTS[:2], TEXTS[2:]]),
    "Arrow, dictionary": lambda: pa.array(TEXTS).dictionary_encode(),
    "Arrow, large strings": lambda: pa.array(TEXTS, pa.large_string()),
    "Arrow, views": lambda: pa.array(TEXTS, pa.string_view()),
    "Arrow, a column": lambda: pa.table({"name": TEXTS})["name"],
    "Arrow, scalars": lambda: list(pa.array(TEXTS)),
    "pandas": lambda: pandas().Series(TEXTS),
    "pandas, objects": lambda: pandas().Series(TEXTS, dtype=object),
    "pandas, string": lambda: pandas().Series(TEXTS, dtype="string"),
    "pandas, category": lambda: pandas().Series(TEXTS, dtype="category"),
    "pandas, Arrow": lambda: pandas().Series(TEXTS, dtype=pandas().ArrowDtype(pa.string())),
    "pandas, another index": lambda: pandas().Series(TEXTS, index=["columns", "read", "ndim", "strings", "to_pylist"]),
    "pandas, a column": lambda: pandas().DataFrame({"name": TEXTS})["name"],
    "pandas, an index": lambda: pandas().Index(TEXTS),
    "pandas, NaT": lambda: ["kolo", pandas().NaT, "ba", "x", pandas().NA],
    "polars": lambda: polars().Series(TEXTS),
    "polars, categorical": lambda: polars().Series(TEXTS, dtype=polars().Categorical),
    "polars, a column": lambda: polars().DataFrame({"name": TEXTS})["name"],
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_values_stay_in_their_places(tiny_model, kind):
    scores = tiny_model.score_samples(MISSING[kind]())
    assert scores.dtype == np.float64
    expected = tiny_model.score_samples(PRESENT)
    assert np.array_equal(scores, [expected[0], np.nan, expected[1], expected[2], np.nan], equal_nan=True)


@pytest.mark.parametrize("kind", MISSING)
def test_missing_values_are_skipped_and_counted(kind):
    corpus = wavemore.read_corpus(MISSING[kind]())
    assert corpus.strings == PRESENT
    assert str(corpus.skipped) == "skipped 2: 2 missing (lines 2, 5)"


def test_a_fitted_model_says_what_was_missing(strings):
    missing: list[Any] = [*strings, None, math.nan]
    model = wavemore.fit(missing, recipe="ngram")
    assert model.file_.provenance["data"]["strings"] == 60
    assert model.file_.provenance["data"]["skipped"] == "skipped 2: 2 missing (lines 61, 62)"
    weighted = wavemore.fit([*strings, None], recipe="ngram", sample_weight=[2] * 60 + [5])
    assert weighted.file_.provenance["data"]["strings"] == 120


def test_means_are_of_what_is_there(tiny_model):
    present = ["kolo", "ba"]
    assert tiny_model.score(["kolo", None, "ba"]) == tiny_model.score(present)
    assert tiny_model.evaluate([None, "kolo", "ba"]).strings == 2
    with pytest.raises(UsageError, match="there is no mean score of no strings"):
        tiny_model.score([None, math.nan])
    assert np.isnan(tiny_model.score_samples([None])).tolist() == [True]
    assert tiny_model.score_samples([]).shape == (0,)


@pytest.mark.parametrize(
    ("given", "number"), [(["a", None, "b"], 2), ([None], 1), (["a", math.nan], 2), ([None, "a", None], 1)]
)
def test_where_each_string_must_be_there_the_first_missing_one_is_named(tiny_model, given, number):
    with pytest.raises(UsageError) as caught:
        tiny_model.explain(given)
    assert str(caught.value) == f"item {number} of the list is missing; leave it out, since each item must be a string"


COLUMN = "and one column of it is needed; give the column, such as df"
TABLES = {
    "pandas": (lambda: pandas().DataFrame({"id": [1, 2], "name": ["ba", "da"]}), "(pandas.DataFrame), %s['name']"),
    "pandas, numbers": (lambda: pandas().DataFrame({"id": [1, 2]}), "(pandas.DataFrame), %s['id']"),
    "pandas, no names": (lambda: pandas().DataFrame([["ba", "da"]]), "(pandas.DataFrame), %s[0]"),
    "pandas, first missing": (lambda: pandas().DataFrame({"a": [1], "b": [None]}).assign(c="x"), "%s['c']"),
    "polars": (lambda: polars().DataFrame({"id": [1, 2], "name": ["ba", "da"]}), "(polars.DataFrame), %s['name']"),
    "polars, lazy": (lambda: polars().LazyFrame({"id": [1], "name": ["ba"]}), "LazyFrame), %s.collect()['name']"),
    "Arrow": (lambda: pa.table({"id": [1, 2], "name": ["ba", "da"]}), "(pyarrow.Table), %s['name']"),
    "Arrow, a batch": (lambda: pa.record_batch({"id": [1], "name": ["ba"]}), "(pyarrow.RecordBatch), %s['name']"),
    "a dictionary": (lambda: {"id": [1, 2], "name": ["ba", "da"]}, "the strings are a mapping, %s['name']"),
    "without columns": (lambda: pa.table({}), "the strings are a table (pyarrow.Table) without columns; give a list"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_refused_and_the_column_to_give_is_named(tiny_model, kind):
    make, said = TABLES[kind]
    for ask in (tiny_model.evaluate, wavemore.fit, wavemore.read_corpus):
        with pytest.raises(UsageError) as caught:
            ask(make())
        assert said.replace("%s", COLUMN) in str(caught.value)
        assert str(caught.value).startswith("the strings are a ")


FLAT = "it must be a string; give one flat list of them"
NO_ORDER = "which has no order to answer in; write sorted(strings)"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            np.array([["ba"], ["da"]]),
            "the strings are an array of shape (2, 1); give a single column of them, such as X[:",
        ),
        (
            np.array("ba"),
            "the strings are an array of shape (); give a single column of them, an array of one dimension",
        ),
        (np.zeros((2, 2, 2)), "the strings are an array of shape (2, 2, 2); give a single column of them, an array of"),
        ([["ba"], ["da"]], f"item 1 of the list is ['ba'], of type list; {FLAT}"),
        ([("ba", 3)], f"item 1 of the list is ('ba', 3), of type tuple; {FLAT}"),
        (np.array([b"ba"]), "item 1 of the list is np.bytes_(b'ba'), of type bytes_; it must be a string; decode it, "),
        (b"ba", "a list of strings is needed, and b'ba' is a single one; write [b'ba']"),
        ("ba", "a list of strings is needed, and 'ba' is a single one; write ['ba']"),
        ([1, 2], "item 1 of the list is 1, of type int; it must be a string"),
        (np.array([1.5]), "item 1 of the list is np.float64(1.5), of type float64; it must be a string"),
        (["ba", True], "item 2 of the list is True, of type bool; it must be a string"),
        (pa.array([1, 2]), "item 1 of the list is 1, of type int; it must be a string"),
        (range(3), "item 1 of the list is 0, of type int; it must be a string"),
        (
            Path("list.txt"),
            "the list is PosixPath('list.txt'); it must be strings; read_corpus(path) reads them from a",
        ),
        (io.StringIO("ba"), "the list is an open file, <_io.StringIO"),
        (3, "the list is 3; it must be strings"),
        ({"ba", "da"}, f"the strings are a set, {NO_ORDER}"),
        (frozenset(["ba"]), f"the strings are a frozenset, {NO_ORDER}"),
        (Counter(["ba"]), f"the strings are a Counter, {NO_ORDER}"),
    ],
)
def test_what_holds_no_strings_is_refused_in_a_sentence(tiny_model, given, sentence):
    with pytest.raises(UsageError) as caught:
        tiny_model.score_samples(given)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_set_is_the_same_list_in_every_process(strings):
    assert wavemore.read_corpus(set(strings)).strings == sorted(set(strings))
    assert wavemore.read_corpus({"ba": 2, "da": 1}).strings == ["ba", "ba", "da"]
    assert wavemore.read_corpus(dict.fromkeys(["da", "ba"])).strings == ["da", "ba"]


@pytest.mark.parametrize("strings", [["ab", "c"], ("ab", "c"), [], (), ["a\0"], ["é" * 9]])
def test_a_plain_list_is_taken_as_it_is_and_not_held(strings):
    found = given(strings)
    assert found.strings == list(strings)
    assert found.strings is not strings
    assert (found.places, found.given) == (None, len(strings))


@pytest.mark.parametrize("odd", [None, np.str_("b"), float("nan"), b"b", 1, ["b"]])
def test_one_odd_item_in_a_plain_list_is_still_seen(odd):
    if isinstance(odd, bytes | int | list):
        with pytest.raises(UsageError, match="item 2 of the list"):
            given(["a", odd, "c"])  # type: ignore[list-item]
    else:
        found = given(["a", odd, "c"])  # type: ignore[list-item]
        assert all(type(string) is str for string in found.strings)
        assert found.strings == (["a", "b", "c"] if isinstance(odd, str) else ["a", "c"])
