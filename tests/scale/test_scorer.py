"""Scores over Arrow are those of the model, to the bit, however a column is cut; and the model travels as its file."""

import pickle
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_at_random import ABC, KINDS

from wavemore.errors import UsageError
from wavemore.estimator import StringModel, load
from wavemore.judging.likelihood import log_likelihoods as of_strings
from wavemore.lists.vocabulary import Encoded
from wavemore.predict.predictor import Distribution
from wavemore.scale import carried
from wavemore.scale.carried import Carried
from wavemore.scale.scorer import Scorer, log_likelihoods

pyarrow = pytest.importorskip("pyarrow")

STRINGS = [
    "emma",
    "xqzt",
    "",
    None,
    "zoé",
    "Emma",
    "a b",
    unicodedata.normalize("NFD", "zoé"),
    " ",
    "名",
    "emma",
    "😀x",
]


@pytest.fixture(scope="module")
def names() -> StringModel:
    return load()


@pytest.fixture(scope="module")
def many(names) -> list[str | None]:
    return [*names.sample(600, seed=1), *STRINGS, *names.sample(100, seed=2)]


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
def test_log_likelihoods_are_those_of_score_samples_to_the_bit(names, many, kind):
    column = pyarrow.array(many, "string")
    column = column.dictionary_encode() if kind == "dictionary" else column.cast(getattr(pyarrow, kind)())
    found = log_likelihoods(names, column)
    assert found.type == pyarrow.float64()
    assert [value is None for value in found.to_pylist()] == [string is None for string in many]
    assert np.array_equal(found.to_numpy(zero_copy_only=False), names.score_samples(many), equal_nan=True)


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 700), max_size=4))
def test_values_are_the_same_to_the_bit_however_a_column_is_cut(names, many, cuts):
    scorer, column = Scorer(names, percentile=True), pyarrow.array(many)
    whole = scorer(column)
    bounds = [0, *sorted(cuts), len(many)]
    parts = [scorer(column[a:b]) for a, b in pairwise(bounds)]
    assert pyarrow.Table.from_batches(parts).combine_chunks().equals(pyarrow.Table.from_batches([whole]))


def test_values_are_the_same_to_the_bit_in_small_batches_and_portions(names, many, monkeypatch):
    whole = Scorer(names)(pyarrow.array(many))
    monkeypatch.setattr("wavemore.scale.scorer.ROWS_AT_ONCE", 100)
    monkeypatch.setattr("wavemore.predict.predictor._IDS_AT_ONCE", 70)
    assert Scorer(names)(pyarrow.array(many)).equals(whole)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"percentile": True, "unknown": "ignore"},
        {"unknown": "floor"},
        {"fold_case": True},
        {"guess_number": True},
    ],
    ids=str,
)
def test_all_columns_are_those_of_row_scores(names, tiny_model, options):
    if "guess_number" in options:  # a tiny one draws its strings sooner
        names = tiny_model
    texts = [string for string in STRINGS if string is not None]
    expected = names.row_scores(**options)
    found = Scorer(names, **options)(pyarrow.array(texts))
    assert found.schema.names == expected.names
    for name, column in expected.columns(texts).items():
        if isinstance(column, list):
            assert found.column(name).to_pylist() == column
        else:
            assert np.array_equal(found.column(name).to_numpy(zero_copy_only=False), column, equal_nan=True)


def test_labels_are_told_as_row_scores_tells_them(labelled):
    texts = ["adam", "eve", "x", "adam"]
    expected = labelled.row_scores(posterior=True).columns(texts)
    found = Scorer(labelled, posterior=True)(pyarrow.array([*texts, None]))
    assert found.column("best").to_pylist() == [*expected["best"], ""]
    name = next(name for name in expected if name.startswith("posterior_"))
    assert np.array_equal(found.column(name).to_numpy(zero_copy_only=False)[:4], expected[name])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("bow", "rnn", "gru", "lstm", "transformer")])
def test_strings_as_ids_are_scored_as_strings_are_alone_and_in_company(kind):
    distribution = Distribution(KINDS[kind](), ABC)
    strings = ["abca", "", "b", "cabbacab", "abc", "ccccc"] * 40 + ["a", "ab"]
    encoded = Encoded(ABC, *ABC.encode_all(strings))
    together = of_strings(distribution, encoded)
    assert np.array_equal(together, of_strings(distribution, strings))
    assert np.array_equal(together[:6], [of_strings(distribution, [string])[0] for string in strings[:6]])
    assert np.array_equal(together[100:], of_strings(distribution, encoded[100:]))


def test_a_tidy_scorer_leaves_out_what_a_table_leaves_out(names):
    texts = ["emma", " ", "", None, "e" * 131_073, "\u3000", "e"]
    found = Scorer(names, tidy=True)(pyarrow.array(texts)).column("log_likelihood")
    assert [value is None for value in found.to_pylist()] == [False, True, True, True, True, True, False]


def test_a_model_pickles_as_its_file_and_is_put_together_once_in_a_process(names, monkeypatch):
    scorer = Scorer(names, percentile=True)
    scorer(pyarrow.array(["emma"]))
    sent = pickle.dumps(scorer)
    assert len(sent) < 1.2 * Path(names.file_.path).stat().st_size
    monkeypatch.setattr(carried, "_models", {})
    loaded = []
    monkeypatch.setattr(carried, "load", lambda path: loaded.append(path) or load(path))
    monkeypatch.setattr("wavemore.scale.scorer._scores", {})
    models = [pickle.loads(sent).carried.model() for _ in range(3)]
    assert models[0] is models[1] is models[2]
    assert len(loaded) == 1
    assert np.array_equal(models[0].score_samples(["emma", "x"]), names.score_samples(["emma", "x"]))
    assert len(pickle.dumps(names)) < 1.2 * Path(names.file_.path).stat().st_size  # whatever it has worked out
    assert pickle.loads(pickle.dumps(names)).sample(3, seed=1) == names.sample(3, seed=1)


def test_a_process_keeps_eight_models(monkeypatch, names):
    monkeypatch.setattr(carried, "_models", {str(number): names for number in range(8)})
    Carried(names).model()
    assert len(carried._models) == 8
    assert "0" not in carried._models


def test_a_process_keeps_eight_kinds_of_scores(monkeypatch, names):
    held: dict = {str(number): None for number in range(8)}
    monkeypatch.setattr("wavemore.scale.scorer._scores", held)
    assert Scorer(names).scores is Scorer(names).scores
    assert len(held) == 8
    assert "0" not in held


def test_what_is_no_column_of_arrow_is_one_sentence(names):
    with pytest.raises(UsageError, match="the strings are a NoneType; they must be"):
        log_likelihoods(names, None)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"unknown": "drop"},
            "unknown='drop' takes rows out of a table, and an engine wants one for each; choose \"zero\", "
            '"floor" or "ignore", and filter by the column "unknown"',
        ),
        ({"against": []}, "several models are one Scorer each; score with each and compare the columns"),
        ({"percentil": True}, "there are no such options of a score: percentil"),
        ({"unknown": ["x"]}, "unknown is \"['x']\"; it must be one of zero, floor, ignore, drop, error"),
        (
            {"posterior": True},
            "posteriors are of several models, or of a model with labels of which none was chosen; name others to "
            "compare with",
        ),
    ],
)
def test_options_that_an_engine_cannot_have_are_one_sentence(names, options, sentence):
    with pytest.raises(UsageError) as error:
        Scorer(names, **options)
    assert str(error.value) == sentence
