"""Tables whose delimiter, header, line ends or form are found out are written again as they were."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rewriting import NAMES, portion_of, refusal, rewritten, written

from wavemore.errors import UsageError
from wavemore.lists.layout import Layout
from wavemore.tables.formats import open_table

# --- CSV and TSV


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
@pytest.mark.parametrize("column", ["name", "2"])
def test_values_stand_between_the_delimiters_that_are_there(tmp_path: Path, delimiter: str, column: str):
    lines = ["id,name", "1,anna", "2,bob"]
    path = written(tmp_path / "list.csv", "\n".join(lines).replace(",", delimiter) + "\n")
    added = ["id,name,log_likelihood,unknown", "1,anna,4.000000,a", "2,bob,3.000000,b"]
    assert rewritten(path, column=column).decode() == "\n".join(added).replace(",", delimiter) + "\n"


def test_values_that_hold_the_delimiter_are_quoted(tmp_path: Path):
    path = written(tmp_path / "list.csv", 'id;name\n1;";x"\n2;bob\n')
    assert rewritten(path, column="name").decode().split("\n")[1] == '1;";x";2.000000;";"'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id,name\n1,anna,\n2,bob,\n", "id,name,,log_likelihood,unknown\n1,anna,,4.000000,a\n2,bob,,3.000000,b\n"),
        (
            'name,age\n"1",anna,30\n"2",bob,4\n',
            'name,age,log_likelihood,unknown\n"1",anna,30,4.000000,a\n"2",bob,4,3.000000,b\n',
        ),
        ("name,id,x\nanna,1\nbob,2\n", "name,id,x,log_likelihood,unknown\nanna,1,,4.000000,a\nbob,2,,3.000000,b\n"),
    ],
    ids=["a delimiter at the end", "row names", "short rows"],
)
def test_a_header_of_another_length(tmp_path: Path, content: str, expected: str):
    assert rewritten(written(tmp_path / "list.csv", content), column="name").decode() == expected


def test_without_a_header_ragged_rows_stay(tmp_path: Path):
    path = written(tmp_path / "list.csv", "0,anna,x,y\n1,bob\n2,cleo\n3\n")
    assert rewritten(path, column="2") == b"0,anna,x,y\n1,bob,3.000000,b\n2,cleo,4.000000,c\n3,,,\n"
    assert portion_of(path, column="2").problems == {0: "ragged", 3: "missing"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp037"])
@pytest.mark.parametrize("end", ["", "\r"])
def test_lines_that_end_at_carriage_returns_keep_them(tmp_path: Path, encoding: str, end: str):
    path = written(tmp_path / "list.csv", f"id,name\r1,anna\r2,bob{end}".encode(encoding))
    assert rewritten(path, column="name", encoding=encoding).decode(encoding) == (
        f"id,name,log_likelihood,unknown\r1,anna,4.000000,a\r2,bob,3.000000,b{end}"
    )
    path = written(tmp_path / "list.txt", f"anna\rbob{end}".encode(encoding))
    assert rewritten(path, encoding=encoding).decode(encoding) == (
        f"log_likelihood\tunknown\tstring\r4.000000\ta\tanna\r3.000000\tb\tbob{end}"
    )


def test_what_was_found_is_noted(tmp_path: Path):
    path = written(tmp_path / "list.csv", b"id;name\n1;anna \n2;Jos\xe9\n")
    with open_table(path, NAMES, Layout(column="2")) as table:
        list(table.portions())
    assert table.notes.all() == (
        "read with semicolons between the cells",
        "the first row is read as a header (id, name); --no-header reads it as data",
        "it looks like Latin-1: --encoding latin-1",
        "1 with a blank at an end (line 2), which is kept; --strip takes blanks off",
    )


# --- counted lines


def test_counted_lines_become_tab_separated(tmp_path: Path):
    path = written(tmp_path / "list", "      3 anna\n     12 bob\n      1  x\nno\n")
    assert rewritten(path, format="counted").decode() == (
        "log_likelihood\tunknown\tstring\n4.000000\ta\t      3 anna\n3.000000\tb\t     12 bob\n"
        "2.000000\t \t      1  x\n\t\tno\n"
    )


# --- JSON arrays


def values_of(path: Path, **layout: Any) -> list[Any]:
    return json.loads(rewritten(path, **layout))


def test_objects_of_an_array_get_keys_and_stay_otherwise(tmp_path: Path):
    content = ' [\n  {"id": 1, "name": "anna"},\n  {"name": "zo\\u00eb", "id": [{}] },\n  {}, 3, {"id": null}\n ]\n'
    path = written(tmp_path / "list.json", content)
    out = rewritten(path, column="name").decode()
    assert out.startswith(' [\n  {"id": 1, "name": "anna", "log_likelihood": 4.000000, "unknown": "a"},\n  {')
    assert out.endswith('{"id": null, "log_likelihood": null, "unknown": ""}\n ]\n')
    found = json.loads(out)
    assert [set(value) - set(NAMES) if isinstance(value, dict) else value for value in found] == (
        [{"id", "name"}, {"id", "name"}, set(), 3, {"id"}]
    )
    assert found[1] == {"name": "zoë", "id": [{}], "log_likelihood": 3, "unknown": "z"}
    assert portion_of(path, column="name").problems == {2: "missing", 3: "not a string", 4: "missing"}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",\n\t", ":")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_strings_of_an_array_become_objects(tmp_path: Path, separators: tuple[str, str], encoding: str):
    strings = ["anna", "zoë\n", '"', "b"]
    text = json.dumps(strings, separators=separators, ensure_ascii=False)
    path = written(tmp_path / "list.json", text.encode(encoding))
    found = json.loads(rewritten(path, encoding=encoding).decode(encoding))
    assert [value["string"] for value in found] == strings
    assert [value["log_likelihood"] for value in found] == [4, 4, 1, 1]


@pytest.mark.parametrize("content", ["[]", "[ ]\n", "\ufeff[]"])
def test_an_empty_array_stays_empty(tmp_path: Path, content: str):
    assert rewritten(written(tmp_path / "list.json", content)).decode() == content


def test_the_rows_of_an_array_in_another_order(tmp_path: Path):
    from wavemore.tables.columns import Part
    from wavemore.tables.ranking import ranked

    path = written(tmp_path / "list.json", '["bb", "a", "ccc"]')
    out = io.BytesIO()
    with open_table(path, NAMES) as table:
        (portion,) = table.portions()
        import numpy as np

        lengths = np.array([float(len(text)) for text in portion.texts])
        part = Part(portion.kept, portion.texts, {NAMES[0]: lengths, NAMES[1]: [""] * 3}, portion.numbers)
        table.write(out, ranked(table, [part], NAMES[0], most=2))
    assert [value["string"] for value in json.loads(out.getvalue())] == ["a", "bb"]


def test_a_key_that_is_there_already(tmp_path: Path):
    path = written(tmp_path / "list.json", '[\n{"name": "anna"},\n{"name": "anna", "unknown": 1}]')
    assert refusal(UsageError, path, column="name") == (
        f'line 3 of {path} has a column "unknown" already; rename it, or take it out first'
    )


def test_an_open_file_is_a_table_too(tmp_path: Path):
    with written(tmp_path / "list.csv", "id;name\r\n1;anna\r\n").open("rb") as file:
        assert rewritten(file, column="name") == b"id;name;log_likelihood;unknown\r\n1;anna;4.000000;a\r\n"
    out = rewritten(io.StringIO("name\nanna\n"), format="csv", column="1").decode()
    assert out.split("\n")[1] == "anna,4.000000,a"
