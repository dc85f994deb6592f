"""Parquet files are written again with columns added."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rewriting import NAMES, refusal, rewritten, written

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.layout import Layout
from wavemore.tables.columns import Part
from wavemore.tables.formats import open_table


def parquet(path: Path, **columns: Any) -> Any:
    """A Parquet file of these columns, and its table."""
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    table = pyarrow.table(columns).replace_schema_metadata({"origin": "here"})
    pq.write_table(table, path, compression="zstd", row_group_size=2)
    return table


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_parquet_keeps_columns_schema_and_compression(tmp_path, kind, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    typed = pyarrow.dictionary("int8", "string") if kind == "dictionary" else kind
    was = parquet(
        tmp_path / "list.parquet",
        id=pyarrow.array([1, 2, 3, None, 5], "int16"),
        name=pyarrow.array(["anna", None, " ", "zoé", "b"], typed),
        inner=pyarrow.array([[{"a": 1}], [], None, [{"a": 2}], []]),
    )
    (tmp_path / "new.parquet").write_bytes(rewritten(tmp_path / "list.parquet", column="name"))
    now = pq.read_table(tmp_path / "new.parquet")
    assert now.select(was.column_names).equals(was)
    assert now.schema.metadata == was.schema.metadata
    assert now.column("log_likelihood").to_pylist() == [4, None, None, 3, 1]
    assert now.column("unknown").to_pylist() == ["a", "", "", "z", "b"]
    assert pq.ParquetFile(tmp_path / "new.parquet").metadata.row_group(0).column(0).compression == "ZSTD"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "list.parquet").read_bytes())))
    assert rewritten("-", column="name", format="parquet") == (tmp_path / "new.parquet").read_bytes()


def test_parquet_rows_are_numbered_and_taken(tmp_path, monkeypatch):
    monkeypatch.setattr("wavemore.tables.parquet._ROWS_AT_ONCE", 2)
    parquet(tmp_path / "list.parquet", name=["anna", "bob", None, "d"])
    with open_table(tmp_path / "list.parquet", NAMES, Layout(column="name")) as table:
        portions = list(table.portions())
        assert [list(portion.numbers) for portion in portions] == [[1, 2], [3, 4]]
        rows = table.join([portion.kept for portion in portions])
        assert table.take(rows, [3, 0]).column("name").to_pylist() == ["d", "anna"]


def test_empty_parquet_gets_its_columns(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    parquet(tmp_path / "list.parquet", name=pyarrow.array([], "string"))
    table = pq.read_table(io.BytesIO(rewritten(tmp_path / "list.parquet", column="name")))
    assert table.column_names == ["name", *NAMES]
    assert table.num_rows == 0


def test_parquet_that_is_none_or_lacks_the_column(tmp_path):
    path = tmp_path / "list.parquet"
    parquet(path, id=[1], name=["anna"])
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no column "nme" (did you mean "name"?); its columns are id, name'
    )
    assert (
        refusal(UsageError, path, column="id") == f'the column "id" of {path} holds int64 and not strings; name another'
    )
    assert (
        refusal(UsageError, path)
        == f"{path} is read as parquet, which has columns; name the one that holds the strings: id, name"
    )
    for data in (b"", b"id,name\n"):
        message = refusal(CorpusError, written(tmp_path / "bad.parquet", data), column="name")
        assert message.startswith(f"{tmp_path / 'bad.parquet'} is no Parquet file; name the format it has, as in ")
    for data in (path.read_bytes()[:-9], path.read_bytes()[:20] + path.read_bytes()[24:]):
        message = refusal(CorpusError, written(tmp_path / "bad.parquet", data), column="name")
        assert message.startswith(f"{tmp_path / 'bad.parquet'} is no Parquet file, or is damaged or cut short (")
        assert message.endswith("); write or copy it again")


@pytest.mark.parametrize("options", [{"delimiter": ";"}, {"header": True}, {"header": False}])
def test_parquet_has_no_delimiter_and_no_header(tmp_path, options):
    parquet(tmp_path / "list.parquet", name=["anna"])
    with (
        pytest.raises(UsageError, match=r"a delimiter or a header was named, but .*list\.parquet is Parquet"),
        open_table(tmp_path / "list.parquet", NAMES, Layout(column="name", **options)),
    ):
        pass


def test_views_of_strings_are_strings(tmp_path):
    """Of which pyarrow takes no rows as they are."""
    import pyarrow
    import pyarrow.parquet as pq

    parquet(tmp_path / "list.parquet", name=["b", "a", None], other=pyarrow.array(["x", "y", "z"], "string_view"))
    with open_table(tmp_path / "list.parquet", NAMES, Layout(column="name")) as table:
        (portion,) = table.portions()
        part = Part(table.take(portion.kept, [1, 0]), ["a", "b"], {NAMES[0]: np.zeros(2), NAMES[1]: ["", ""]}, [2, 1])
        table.write(file := io.BytesIO(), [part])
    assert pq.read_table(io.BytesIO(file.getvalue())).column("other").to_pylist() == ["y", "x"]
