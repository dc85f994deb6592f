"""The engines themselves: in each of them a column has the model's scores, to the bit, however the engine cuts it.

Each is skipped where it is not installed; `make slow` installs all of them."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wavemore.errors import UsageError
from wavemore.estimator import StringModel, load
from wavemore.scale import with_dask, with_duckdb, with_pandas, with_polars, with_spark

pytestmark = pytest.mark.slow
pyarrow = pytest.importorskip("pyarrow")

ROWS = 150_000


@pytest.fixture(scope="module")
def model() -> StringModel:
    return load()


@pytest.fixture(scope="module")
def names(model) -> list[str | None]:
    return [*model.sample(ROWS, seed=3), "zoé", None, "", "Emma", " "]


@pytest.fixture(scope="module")
def expected(model, names) -> np.ndarray:
    return model.score_samples(names)


@pytest.fixture(scope="module")
def people(names, tmp_path_factory) -> Path:
    """A table of them in Parquet, in groups of 40,000 rows."""
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("people") / "people.parquet"
    table = pyarrow.table({"id": range(len(names)), "name": names, "note": ["x"] * len(names)})
    pq.write_table(table, path, row_group_size=40_000)
    return path


def same(found: Any, expected: np.ndarray) -> bool:
    return np.array_equal(np.ma.filled(np.ma.asarray(found), np.nan).astype(float), expected, equal_nan=True)


def test_pandas(model, people, expected):
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(people).set_index("id")
    found = with_pandas.scored(frame, "name", model, percentile=True)
    assert same(found["log_likelihood"], expected)
    assert found.index.equals(frame.index)
    assert found.columns.tolist() == ["name", "note", *model.row_scores(percentile=True).names]
    assert frame.columns.tolist() == ["name", "note"]
    with pytest.raises(UsageError, match='the frame has no column "nam"'):
        with_pandas.scored(frame, "nam", model)
    with pytest.raises(UsageError, match='the frame has a column "log_likelihood" already'):
        with_pandas.scored(found, "name", model)
    with pytest.raises(UsageError, match='the column "a" holds values that are no strings'):
        with_pandas.scored(pandas.DataFrame({"a": ["x", 1]}), "a", model)


@pytest.mark.filterwarnings("ignore")  # of Dask's own, about the pandas that is installed
@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_dask(model, people, expected, partitions):
    dask = pytest.importorskip("dask.dataframe")
    frame = dask.read_parquet(people).repartition(npartitions=partitions)
    found = with_dask.scored(frame, "name", model)
    assert found.dtypes["log_likelihood"] == np.float64
    assert same(found["log_likelihood"].compute(scheduler="threads"), expected)


@pytest.mark.filterwarnings("ignore")
def test_what_dask_has_scored_it_writes_as_parquet(model, people, expected, tmp_path):
    dask = pytest.importorskip("dask.dataframe")
    with_dask.scored(dask.read_parquet(people), "name", model).to_parquet(tmp_path / "out")
    found = pytest.importorskip("pyarrow.parquet").read_table(tmp_path / "out").sort_by("id")
    assert same(found["log_likelihood"].to_numpy(), expected)
    assert found.schema.field("unknown").type in (pyarrow.string(), pyarrow.large_string())
    assert found["unknown"][-5:].to_pylist() == ["é", "", "", "E", " "]


@pytest.mark.filterwarnings("ignore")
def test_dask_refuses_a_column_of_numbers_before_it_begins(model, people):
    dask = pytest.importorskip("dask.dataframe")
    with pytest.raises(UsageError, match=r"^the column holds int64 and not strings; name another, or cast it$"):
        with_dask.scored(dask.read_parquet(people), "id", model)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_dask_in_processes(model, people, expected, workers):
    dask = pytest.importorskip("dask.dataframe")
    found = with_dask.scored(dask.read_parquet(people).repartition(npartitions=5), "name", model)
    assert same(found["log_likelihood"].compute(scheduler="processes", num_workers=workers), expected)


@pytest.mark.parametrize("streaming", [False, True])
def test_polars(model, people, expected, streaming):
    polars = pytest.importorskip("polars")
    scores = with_polars.scores_of("name", model)
    frame = polars.scan_parquet(people).select("id", scores.alias("scores"))
    found = frame.collect(engine="streaming" if streaming else "auto").sort("id").unnest("scores")
    assert found.columns == ["id", *model.row_scores().names]
    assert same(found["log_likelihood"].fill_null(float("nan")).to_numpy(), expected)
    assert found["unknown"][-5:].to_list() == ["é", "", "", "E", " "]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_duckdb(model, people, expected, threads):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect(config={"threads": threads}) as connection:
        with_duckdb.register(connection, model)
        with_duckdb.register(connection, model, column="unknown", name="strange")
        sql = f"SELECT log_likelihood(name) AS score, strange(name) AS strange FROM '{people}' ORDER BY id"
        found = connection.sql(sql).fetchnumpy()
        assert same(found["score"], expected)
        assert found["strange"].tolist()[-1] == " "
        with pytest.raises(UsageError, match="DuckDB has not taken the function log_likelihood"):
            with_duckdb.register(connection, model)
        with pytest.raises(UsageError, match='there is no column "surprise" of a score'):
            with_duckdb.register(connection, model, column="surprise")
        with pytest.raises(duckdb.BinderException, match="You might need to add explicit type casts"):  # of its own
            connection.sql(f"SELECT log_likelihood(id) FROM '{people}'").fetchnumpy()


@pytest.fixture(params=[1, 2, 4], ids="{} workers".format)
def spark(request) -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql")
    os.environ["PYSPARK_PYTHON"] = sys.executable  # else workers are whatever `python3` is
    builder = sql.SparkSession.builder.master(f"local[{request.param}]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "20000").getOrCreate()
    yield session
    session.stop()


@pytest.mark.filterwarnings("ignore")  # of Spark, about the pandas that is installed
def test_spark(model, people, expected, spark):
    for partitions in (1, 5):
        frame = spark.read.parquet(str(people)).repartition(partitions)
        found = with_spark.scored(frame, "id", "name", model)
        assert found.columns == ["id", *model.row_scores().names]
        assert same(found.toPandas().sort_values("id")["log_likelihood"], expected)
    with pytest.raises(UsageError, match='the frame has no column "nam"'):
        with_spark.scored(frame, "id", "nam", model)
    with pytest.raises(UsageError, match=r'^the column "id" of the frame holds bigint and not strings; name another'):
        with_spark.scored(frame, "name", "id", model)
