"""Frames of pandas, whatever their columns are called and hold."""

import numpy as np
import pytest

from wavemore.errors import UsageError
from wavemore.estimator import load
from wavemore.scale.with_pandas import scored

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


@pytest.mark.parametrize(
    "values",
    [
        pandas.Series(["emma", None, np.nan, pandas.NA], dtype=object),
        pandas.Series(["emma", None], dtype="string"),
        pandas.Series(["emma", None], dtype="category"),
        pandas.Series([np.nan, np.nan]),
        pandas.Series([], dtype=float),
    ],
    ids=["objects", "strings", "categories", "no values", "empty"],
)
def test_columns_of_every_kind_have_the_models_scores(values):
    model = load()
    found = scored(pandas.DataFrame({3: values}), 3, model)["log_likelihood"].to_numpy()  # pyright: ignore[reportArgumentType]
    wanted = model.score_samples([None if pandas.isna(value) else value for value in values])
    assert np.array_equal(found, wanted, equal_nan=True)


@pytest.mark.parametrize(
    ("frame", "column", "sentence"),
    [
        (pandas.DataFrame({0: ["a"]}), "name", 'the frame has no column "name"; its columns are 0'),
        (
            pandas.DataFrame([["x", "y"]], columns=["a", "a"]),  # pyright: ignore[reportArgumentType]
            "a",
            'the frame has 2 columns "a"; rename all but one',
        ),
        (
            pandas.DataFrame({"a": pandas.Series(["\ud800"], dtype=object)}),
            "a",
            "the column \"a\" holds values that are no strings ('utf-8' codec can't encode character '\\ud800' in "
            "position 0: surrogates not allowed); take them out",
        ),
        (pandas.DataFrame({"a": [1.5]}), "a", "the column holds double and not strings; name another, or cast it"),
    ],
    ids=["whole numbers", "twice", "surrogate", "numbers"],
)
def test_what_is_no_column_of_strings_is_one_sentence(frame, column, sentence):
    with pytest.raises(UsageError) as error:
        scored(frame, column)
    assert str(error.value) == sentence
