"""The rows of CSV, TSV and JSON lines."""

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import refusal, rows, texts, written

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.rows import tidied

lines = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\ufeff"), max_size=20), max_size=10)


def test_cells_that_are_no_strings():
    assert tidied(" a b ", 10) == (" a b ", "")
    assert tidied(" a b ", 10, strip=True) == ("a b", "")
    assert tidied(None, 10) == ("", "missing")
    assert tidied(3, 10) == ("", "not a string")
    assert tidied("a\udcff", 10) == ("", "unreadable")
    assert tidied("\u2003", 10) == ("", "blank")
    assert tidied("x" * 11, 10) == ("", "too long")


# --- CSV and TSV


@settings(deadline=None)
@given(lines, st.sampled_from([("csv", ","), ("tsv", "\t")]), st.sampled_from(["name", "2"]))
def test_cells_come_back_whatever_they_hold(strings: list[str], kind: tuple[str, str], column: str):
    """Commas, tabs and quotes stand in quoted cells."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=kind[1])
    writer.writerows([(i, string) for i, string in enumerate(strings)])
    header = f"id{kind[1]}name\r\n" if column == "name" else ""
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / f"list.{kind[0]}", header + buffer.getvalue())
        assert texts(path, column=column) == [string if string.strip() else "" for string in strings]


def test_a_column_by_name_takes_the_first_line_as_header(tmp_path: Path):
    path = written(tmp_path / "list.csv", '\ufeffname,id\n"O\'Hara, ""Ann""",1\r\nbob,2\n')
    assert rows(path, column="name") == [(2, 'O\'Hara, "Ann"', ""), (3, "bob", "")]


def test_a_column_by_number_takes_the_first_line_as_a_row(tmp_path: Path):
    path = written(tmp_path / "list.csv", "1,anna\n2,bob\n")
    assert rows(path, column="2") == [(1, "anna", ""), (2, "bob", "")]


def test_a_cell_over_two_lines_is_one_row(tmp_path: Path):
    path = written(tmp_path / "list.csv", 'name\n"an\nna"\nbob\n')
    assert rows(path, column="name") == [(3, "an\nna", ""), (4, "bob", "")]


def test_a_short_row_has_no_string(tmp_path: Path):
    path = written(tmp_path / "list.csv", "id,name\n1\n\n2,bob\n")
    assert rows(path, column="name") == [(2, "", "missing"), (3, "", "blank"), (4, "bob", "")]


def test_blank_lines_above_the_header_are_no_rows(tmp_path: Path):
    path = written(tmp_path / "list.csv", "\nname\nanna\n")
    assert rows(path, column="name") == [(3, "anna", "")]


def test_a_cell_that_is_not_of_the_encoding_is_unreadable_alone(tmp_path: Path):
    path = written(tmp_path / "list.csv", b"id,name\n1,b\xffb\n\xff,cleo\n")
    assert rows(path, column="name") == [(2, "", "unreadable"), (3, "cleo", "")]


def test_a_wrong_column_is_named_with_those_there_are(tmp_path: Path):
    path = written(tmp_path / "list.csv", "id,name\n1,anna\n")
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no column "nme" (did you mean "name"?); its columns are id, name'
    )
    assert refusal(UsageError, path, column="0") == f'{path} has no column "0"; its columns are id, name'
    assert refusal(UsageError, path, column="3") == f"{path} has no column 3; its rows have 2"


def test_an_endless_line_of_a_table_is_an_error(tmp_path: Path):
    path = written(tmp_path / "list.csv", "name\n" + "a" * (1 << 24) + "\n")
    assert refusal(CorpusError, path, column="name") == (
        f"line 2 of {path} is longer than 16,777,216 bytes; is it a table at all?"
    )
    path = written(tmp_path / "open.csv", 'name\n"' + (("a" * 1023 + "\n") * 16_400))
    assert refusal(CorpusError, path, column="name").startswith(f"line 16386 of {path} has no end of its cell: ")


def test_a_quote_without_end_is_an_error(tmp_path: Path):
    path = written(tmp_path / "list.csv", 'id,name\n1,anna\n2,"bob\n3,cleo\n')
    assert refusal(CorpusError, path, column="name") == (
        f"line 3 of {path} opens a quote that nothing closes; close or double it"
    )


def test_a_table_without_its_header_is_an_error(tmp_path: Path):
    path = written(tmp_path / "list.csv", "\n")
    assert refusal(CorpusError, path, column="name") == (
        f'{path} is empty, and a table has a header; "name" is looked for in it'
    )


# --- JSON lines


@settings(deadline=None)
@given(lines, st.booleans())
def test_values_come_back_whatever_they_hold(strings: list[str], ascii_only: bool):
    records = [json.dumps({"id": 1, "name": string}, ensure_ascii=ascii_only) for string in strings]
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "list.jsonl", "".join(f"{record}\n" for record in records))
        assert texts(path, column="name") == [string if string.strip() else "" for string in strings]


@pytest.mark.parametrize("ending", ["jsonl", "ndjson"])
def test_each_line_of_json_lines_is_a_row(tmp_path: Path, ending: str):
    records = [
        '{"name": "anna"}',
        "",
        '{"id": 2}',
        '{"name": 3}',
        "[]",
        "{",
        "[" * 10_000,
        '{"name": "b\\u00e9a"}',
        '{"name": null}',
        "{}",
    ]
    path = written(tmp_path / f"list.{ending}", "\n".join(records))
    unreadable = [(number, "", "unreadable") for number in (5, 6, 7)]
    assert rows(path, column="name") == [
        (1, "anna", ""),
        (2, "", "blank"),
        (3, "", "missing"),
        (4, "", "not a string"),
        *unreadable,
        (8, "béa", ""),
        (9, "", "missing"),
        (10, "", "missing"),
    ]


def test_a_wrong_key_is_named_with_those_there_are(tmp_path: Path):
    path = written(tmp_path / "list.jsonl", '{"id": 1, "name": "anna"}\n{"id": 2}\n')
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no key "nme" (did you mean "name"?); its keys are id, name'
    )
