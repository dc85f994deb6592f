"""CSV and TSV are written again with columns added, every other byte as it was."""

import csv
import gzip
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewriting import NAMES, portion_of, refusal, rewritten, written

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.layout import Layout
from wavemore.tables import lines
from wavemore.tables.formats import open_table


def quoted(text: str, delimiter: str, *, always: bool = False) -> str:
    """A cell, in quotes where it needs them and wherever they are wanted."""
    needed = any(character in text for character in (delimiter, '"', "\r", "\n"))
    return '"' + text.replace('"', '""') + '"' if needed or always else text


def added(text: str, delimiter: str) -> str:
    """What a row with this cell gets at its end."""
    text = text if text.strip() else ""
    length = f"{len(text):.6f}" if text else ""
    return f"{delimiter}{length}{delimiter}{quoted(text[:1], delimiter)}"


cells = st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=12), st.booleans())
row_lists = st.lists(st.tuples(cells, cells, cells, st.sampled_from(["\n", "\r\n"])), max_size=8)


@settings(deadline=None)
@given(
    row_lists,
    st.sampled_from([("csv", ","), ("tsv", "\t")]),
    st.sampled_from(["name", "2"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"]),
    st.booleans(),
    st.booleans(),
)
def test_all_but_the_new_columns_stays_byte_for_byte(
    rows: list[Any], kind: tuple[str, str], column: str, encoding: str, ended: bool, packed: bool
):
    """Delimiters, quotes and line breaks in quotes, any line end, marks, and a last line with or without an end."""
    delimiter, before, after = kind[1], "", ""
    if column == "name":
        before = f"id{delimiter}name{delimiter}note\r\n"
        after = f"id{delimiter}name{delimiter}note{delimiter}log_likelihood{delimiter}unknown\r\n"
    for place, (*row, end) in enumerate(rows):
        line = delimiter.join(quoted(text, delimiter, always=always) for text, always in row)
        line_end = end if ended or place < len(rows) - 1 else ""
        before += line + line_end
        after += line + added(row[1][0], delimiter) + line_end
    with TemporaryDirectory() as folder:
        data = before.encode(encoding)
        path = written(Path(folder) / f"list.{kind[0]}", gzip.compress(data) if packed else data)
        header = column == "name"  # where nothing is said, cells such as ":" above a number seem to be one
        assert rewritten(path, column=column, encoding=encoding, header=header) == after.encode(encoding)
    read = list(csv.reader(io.StringIO(after, newline=""), delimiter=delimiter))
    assert all(len(row) == 5 for row in read)
    assert len(read) == len(rows) + (column == "name")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_portions_change_nothing(tmp_path, monkeypatch, encoding):
    content = "id,name\n" + "".join(f'{i},"an\r\nna{i}"\n' for i in range(50)) + "50,last"
    path = written(tmp_path / "list.csv", content.encode(encoding))
    whole = rewritten(path, column="name", encoding=encoding)
    monkeypatch.setattr(lines, "ROWS_AT_ONCE", 7)
    assert rewritten(path, column="name", encoding=encoding) == whole
    monkeypatch.setattr(lines, "_BYTES_AT_ONCE", 30)
    with open_table(path, NAMES, Layout(column="name", encoding=encoding)) as table:
        portions = list(table.portions())
    assert max(len(portion.texts) for portion in portions) == 3 if encoding == "utf-8" else 2
    assert sum(len(portion.texts) for portion in portions) == 51
    assert rewritten(path, column="name", encoding=encoding) == whole
    assert whole.endswith("50,last,4.000000,l".encode(encoding))


def test_bytes_that_are_not_of_the_encoding_stay(tmp_path):
    path = written(tmp_path / "list.csv", b"id,name\n\xff,anna\n2,b\xffb\n")
    assert rewritten(path, column="name") == (b"id,name,log_likelihood,unknown\n\xff,anna,4.000000,a\n2,b\xffb,,\n")
    assert portion_of(path, column="name").problems == {1: "unreadable"}


def test_short_rows_are_filled_up_and_blank_lines_stay(tmp_path):
    path = written(tmp_path / "list.csv", "\nid,name,note\r\n1,anna\r\n\r\n2\r\n3, ,x\r\n")
    assert rewritten(path, column="name") == (
        b"\nid,name,note,log_likelihood,unknown\r\n1,anna,,4.000000,a\r\n\r\n2,,,,\r\n3, ,x,,\r\n"
    )
    portion = portion_of(path, column="name")
    assert portion.problems == {1: "blank", 2: "missing", 3: "blank"}
    assert list(portion.numbers) == [3, 4, 5, 6]


@pytest.mark.parametrize("cell", ['"x', ",x", "x"])
def test_values_are_quoted_where_they_must_be(tmp_path, cell):
    line = quoted(cell, ",")
    path = written(tmp_path / "list.csv", f"name\n{line}\n")
    out = rewritten(path, column="name").decode()
    assert out.split("\n")[1] == f"{line},{len(cell)}.000000,{quoted(cell[0], ',')}"
    assert list(csv.reader(io.StringIO(out)))[1] == [cell, f"{len(cell)}.000000", cell[0]]


def test_a_ragged_row_stays_without_values(tmp_path):
    path = written(tmp_path / "list.csv", "id,name\n1,anna\n2,bob,x\n3,cleo\n")
    assert rewritten(path, column="name") == (
        b"id,name,log_likelihood,unknown\n1,anna,4.000000,a\n2,bob,x\n3,cleo,4.000000,c\n"
    )
    assert portion_of(path, column="name").problems == {1: "ragged"}


def test_a_quote_without_end_is_refused(tmp_path):
    path = written(tmp_path / "list.csv", 'id,name\n1,anna\n2,"bob\n3,cleo\n')
    assert refusal(CorpusError, path, column="name") == (
        f"line 3 of {path} opens a quote that nothing closes; close or double it"
    )


def test_a_row_with_a_carriage_return_in_a_cell_stays_without_values(tmp_path):
    path = written(tmp_path / "list.csv", "id,name\n1,an\rna\n2,bob\n")
    assert rewritten(path, column="name") == b"id,name,log_likelihood,unknown\n1,an\rna\n2,bob,3.000000,b\n"
    assert portion_of(path, column="name").problems == {0: "unreadable"}


def test_columns_that_are_not_there(tmp_path):
    path = written(tmp_path / "list.csv", "id,name\n1,anna\n")
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no column "nme" (did you mean "name"?); its columns are id, name'
    )
    assert refusal(UsageError, path, column="3") == f"{path} has no column 3; its rows have 2"
    assert refusal(CorpusError, written(tmp_path / "empty.csv", ""), column="name") == (
        f'{tmp_path / "empty.csv"} is empty, and a table has a header; "name" is looked for in it'
    )


def test_a_column_that_is_there_already(tmp_path):
    sentence = 'has a column "unknown" already; rename it, or take it out first'
    path = written(tmp_path / "list.csv", "unknown,name\n1,anna\n")
    assert refusal(UsageError, path, column="name") == f"{path} {sentence}"
    path = written(tmp_path / "list.jsonl", '{"name": "anna"}\n{"name": "anna", "unknown": 1}\n')
    assert refusal(UsageError, path, column="name") == f"line 2 of {path} {sentence}"


def test_a_header_alone(tmp_path):
    assert rewritten(written(tmp_path / "a.csv", "id,name"), column="name") == b"id,name,log_likelihood,unknown"
    assert rewritten(written(tmp_path / "b.csv", "id,name\n"), column="name") == b"id,name,log_likelihood,unknown\n"
    assert rewritten(written(tmp_path / "c.csv", ""), column="1") == b""


@pytest.mark.parametrize(("encoding", "unit"), [("utf-8", "bytes"), ("utf-16", "characters")])
def test_an_endless_line_is_refused(tmp_path, encoding, unit):
    path = written(tmp_path / "list.csv", ("id,name\n1," + "a" * (1 << 24) + "\n").encode(encoding))
    assert refusal(CorpusError, path, column="name", encoding=encoding) == (
        f"line 2 of {path} is longer than 16,777,216 {unit}; is it a table at all?"
    )
