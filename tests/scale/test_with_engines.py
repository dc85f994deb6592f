"""What is wrong is one sentence of wavemore's own before an engine begins: a missing engine, and a column that holds no
strings. The engines themselves are in `tests/slow/test_engines.py`."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from wavemore.errors import MissingExtraError, UsageError
from wavemore.scale import with_dask, with_duckdb, with_pandas, with_polars, with_ray, with_spark

pytest.importorskip("pyarrow")


@pytest.mark.parametrize(
    ("package", "call", "named"),
    [
        ("ray", lambda nothing: with_ray.scored(nothing, "name"), "Ray needs ray"),
        ("pyspark", lambda nothing: with_spark.scored(nothing, "id", "name"), "Spark needs pyspark"),
        ("dask", lambda nothing: with_dask.scored(nothing, "name"), "Dask needs dask.dataframe"),
        ("polars", lambda _: with_polars.scores_of("name"), "Polars needs polars"),
        ("duckdb", with_duckdb.register, "DuckDB needs duckdb"),
    ],
)
def test_a_missing_engine_says_how_to_install_it(monkeypatch, package: str, call: Callable[[Any], Any], named: str):
    monkeypatch.setitem(sys.modules, package, None)
    extra = package.removeprefix("py")
    with pytest.raises(MissingExtraError) as error:
        call(None)
    assert str(error.value) == f"{named}, which is not installed; install it with: pip install 'wavemore[{extra}]'"


@pytest.mark.parametrize(("values", "kind"), [([1, 2], "int64"), ([1.5, 2.0], "double"), ([True, False], "bool")])
def test_a_column_of_no_strings(tiny_model, values, kind):
    sentence = f"the column holds {kind} and not strings; name another, or cast it"
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    with pytest.raises(UsageError) as error:
        with_pandas.scored(pandas.DataFrame({"id": values}), "id", tiny_model)
    assert str(error.value) == sentence
    with pytest.raises(UsageError) as error:
        polars.DataFrame({"id": values}).with_columns(with_polars.scores_of("id", tiny_model))
    assert str(error.value).startswith(sentence)  # and Polars adds which expression it was
    if kind != "double":  # which to pandas is also a column of no values
        with pytest.raises(UsageError) as error:  # as Dask asks, before a partition is there
            with_pandas.scored(pandas.DataFrame({"id": values}).head(0), "id", tiny_model)
        assert str(error.value) == sentence
