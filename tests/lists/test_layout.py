"""What the first lines of a source tell of the rest: its format, the delimiter, the header; and what is refused."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rows import refusal, rows, texts, written

from wavemore.errors import UsageError
from wavemore.lists.corpus import read_corpus
from wavemore.lists.layout import Layout

NAMES = ["anna", "bob", "cleo", "dora", "emil", "fritz"]


def table(delimiter: str, *, header: bool = True, end: str = "\n") -> str:
    """Six numbered names."""
    rows = [f"{number}{delimiter}{name}{delimiter}x" for number, name in enumerate(NAMES, start=1)]
    return end.join([f"id{delimiter}name{delimiter}note"] * header + rows) + end


# --- the delimiter


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize("column", ["name", "2"])
def test_a_delimiter_is_found_whatever_the_ending(tmp_path: Path, delimiter: str, ending: str, column: str):
    assert texts(written(tmp_path / f"list.{ending}", table(delimiter)), column=column) == NAMES


@pytest.mark.parametrize(("named", "delimiter"), [(";", ";"), ("tab", "\t"), ("\\t", "\t"), (":", ":"), (" ", " ")])
def test_a_delimiter_is_named(tmp_path: Path, named: str, delimiter: str):
    path = written(tmp_path / "list.txt", table(delimiter))
    assert texts(path, column="name", delimiter=named) == NAMES


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "tabs"])
def test_what_cannot_be_a_delimiter(delimiter: str):
    with pytest.raises(UsageError) as caught:
        Layout(delimiter=delimiter)
    assert str(caught.value) == f"the delimiter is {delimiter!r}; it must be one character, such as ; or tab"


@pytest.mark.parametrize(
    ("content", "column", "expected"),
    [
        ("name;price\nanna;1,5\nbob;2,5\n", "name", ["anna", "bob"]),  # decimal commas
        ('name;note\nanna;"a;b"\nbob;"c, d"\n', "note", ["a;b", "c, d"]),
        ("name,note\nanna,a;b\nbob,c;d\n", "note", ["a;b", "c;d"]),
        ("name\nanna\nbob\n", "name", ["anna", "bob"]),  # a single column
        ("first name;last name\nAnna;Berg, Graf\nBob;Beck\n", "first name", ["Anna", "Bob"]),
        ("\n\nname;id\nanna;1\n", "name", ["anna"]),
    ],
)
def test_the_delimiter_that_makes_all_rows_alike(tmp_path: Path, content: str, column: str, expected: list[str]):
    assert texts(written(tmp_path / "list.csv", content), column=column) == expected


def test_what_was_found_is_said(tmp_path: Path):
    path = written(tmp_path / "list.csv", table(";"))
    assert read_corpus(path, column="name").notes == ("read with semicolons between the cells",)
    assert read_corpus(path, column="2").notes == (
        "read with semicolons between the cells",
        "the first row is read as a header (id, name, note); --no-header reads it as data",
    )
    assert read_corpus(path, column="2", delimiter=";", header=True).notes == ()


# --- the header


@pytest.mark.parametrize(
    ("content", "column", "header"),
    [
        ("id,name\n1,anna\n2,bob\n", "2", True),
        ("Name\nanna\nbob\n", "1", True),  # a usual name that does not come again
        ("first_name,last_name\nAnna,Berg\nBob,Beck\n", "1", True),
        ("anna,3\nbob,4\ncleo,5\n", "1", False),
        ("what,anna\nhow,bob\n", "2", False),  # nothing tells
        ("anna,berlin\nbob,paris\n", "1", False),
        ("anna,x2\nbob,4\ncleo,5\n", "1", True),  # numbers below a cell that is none
        ("April\nMay\nSummer\nApril\n", "1", False),
        ("state\nstate\nohio\n", "1", False),
        ("name,\nanna,1\n", "1", False),  # headers have no empty cells
        ("2020,2021\n1,2\n3,4\n", "1", False),
        ("2024-01-05,anna\n2024-01-06,bob\n", "2", False),
    ],
)
def test_a_header_above_a_numbered_column(tmp_path: Path, content: str, column: str, header: bool):
    path = written(tmp_path / "list.csv", content)
    everything = texts(path, column=column, header=False)
    assert texts(path, column=column, header=True) == everything[1:]
    assert texts(path, column=column) == (everything[1:] if header else everything)


def test_a_column_by_name_without_a_header(tmp_path: Path):
    path = written(tmp_path / "list.csv", "1,anna\n")
    assert refusal(UsageError, path, column="name", header=False) == (
        f'{path} has no column "name"; without a header, a column is named by its number'
    )


# --- ragged rows


def test_ragged_rows_are_kept_apart_and_short_ones_are_missing(tmp_path: Path):
    path = written(tmp_path / "list.csv", "id,name\n1,anna\n2,bob,x\n3\n4,cleo\n")
    assert rows(path, column="name") == [(2, "anna", ""), (3, "", "ragged"), (4, "", "missing"), (5, "cleo", "")]
    assert str(read_corpus(path, column="name").skipped) == "skipped 2: 1 missing (line 4), 1 ragged (line 3)"


@pytest.mark.parametrize("first", ["1,anna,x", "1", "1,an\rna"])
def test_the_first_row_may_be_the_ragged_one(tmp_path: Path, first: str):
    path = written(tmp_path / "list.csv", f"{first}\n2,bob\n3,cleo\n4,dora\n")
    assert [text for _, text, problem in rows(path, column="2") if not problem] == ["bob", "cleo", "dora"]


def test_a_delimiter_at_the_end_of_every_row_but_the_header(tmp_path: Path):
    path = written(tmp_path / "list.csv", "id,name\n1,anna,\n2,bob,\n")
    assert texts(path, column="name") == ["anna", "bob"]


def test_row_names_without_a_name_of_their_own(tmp_path: Path):
    """As R's write.table writes them."""
    path = written(tmp_path / "list.csv", 'name,age\n"1",anna,30\n"2",bob,40\n')
    assert texts(path, column="name") == ["anna", "bob"]
    assert texts(path, column="age") == ["30", "40"]


# --- plain lines that look like something else


PLAIN: list[tuple[str, str]] = [
    (table("\t"), "a table with tabs between 3 columns; read it with --format tsv --column NAME"),
    (table(","), "a table with commas between 3 columns; read it with --format csv --column NAME"),
    (table(";"), "a table with semicolons between 3 columns; read it with --format csv --column NAME"),
    (table("|"), "a table with bars between 3 columns; read it with --format csv --column NAME"),
    (table("\t", end="\r\n"), "a table with tabs between 3 columns; read it with --format tsv --column NAME"),
    ("".join(f"{name},{name}\n" for name in NAMES), "a table with commas between 2 columns; read it with"),
    ("".join(f'{{"name": "{name}"}}\n' for name in NAMES), "JSON lines; read it with --format jsonl --column KEY"),
    ('{"name": "anna"}\n', "JSON lines; read it with --format jsonl --column KEY"),
    ('["anna", "bob"]', "a JSON array; read it with --format json"),
    ('[\n  {"name": "anna"},\n  {"name": "bob"}\n]\n', "a JSON array; read it with --format json"),
    ("".join(f"{9 - i:7} {name}\n" for i, name in enumerate(NAMES)), "lines counted by uniq -c; read it with"),
    ("".join(f"{1 + i:4} {name}\n" for i, name in enumerate(NAMES)), "lines counted by uniq -c; read it with"),
    ("".join(f"{90 - i} {name}\n" for i, name in enumerate(NAMES * 2)), "lines counted by uniq -c; read it with"),
]


@pytest.mark.parametrize(("content", "looks"), PLAIN)
def test_plain_lines_that_look_like_rows_are_refused(tmp_path: Path, content: str, looks: str):
    path = written(tmp_path / "list.txt", content)
    message = refusal(UsageError, path)
    assert message.startswith(f"{path} looks like {looks}")
    assert message.endswith(", or as plain lines with --format text")
    assert len(texts(path, format="text")) == len(content.splitlines())


@pytest.mark.parametrize(
    "strings",
    [
        ["Berg, Anna", "Beck, Bob", "Carr, Cleo", "Dorn, Dora", "Ende, Emil", "Funk, Fritz"],
        ["a,b", "c", "d", "e,f", "g", "h,i,j"],
        ["12 Main Street", "3 Oak Road", "7 Elm Lane", "44 High Street", "5 Mill Road", "9 Park Lane"],
        ["[Na+].[Cl-]", "CC(=O)O", "c1ccccc1", "[O-]C", "N#N", "CCO"],
        ["a;b", "b;c"],  # too few to tell
        ["{anna}", "{bob}", "{cleo}", "{dora}", "{emil}"],
        ["2020", "2021", "2022", "2023", "2024"],
        ["1. e4 e5", "1. d4 d5", "1. c4 c5", "1. e4 c5", "1. Nf3"],
    ],
    ids=lambda strings: strings[0],
)
def test_strings_that_only_remind_of_rows_are_strings(tmp_path: Path, strings: list[str]):
    assert texts(written(tmp_path / "list.txt", "\n".join(strings))) == strings


@pytest.mark.parametrize("ending", ["txt", "data", "", "log"])
@pytest.mark.parametrize(
    "content",
    [table(","), table("\t"), table(";"), "".join(f'{{"id": 1, "name": "{name}"}}\n' for name in NAMES)],
    ids=["commas", "tabs", "semicolons", "JSON"],
)
def test_where_a_column_is_named_the_lines_tell_the_format(tmp_path: Path, ending: str, content: str):
    assert texts(written(tmp_path / f"list.{ending}", content), column="name") == NAMES


# --- options that do not fit


def test_options_that_a_format_does_not_have(tmp_path: Path):
    path = written(tmp_path / "list.jsonl", '{"name": "anna"}\n')
    for options in ({"delimiter": ";"}, {"header": False}):
        assert refusal(UsageError, path, column="name", **options) == (
            f"a delimiter or a header was named, but {path} is read as jsonl; name the format csv"
        )
    path = written(tmp_path / "list.counted", "   3 anna\n")
    assert refusal(UsageError, path, format="counted", column="name") == (
        f"a column (name) was named, but {path} is read as counted; name the format csv, tsv or jsonl"
    )


# --- lines of uniq -c


def test_counted_lines_are_strings_that_repeat(tmp_path: Path):
    path = written(tmp_path / "list.txt", "      3 anna\n      1  bob \n     12 cleo 2\nx\n\n      2 \n")
    found = read_corpus(path, format="counted")
    assert found.strings == ["anna"] * 3 + [" bob "] + ["cleo 2"] * 12
    assert str(found.skipped) == "skipped 3: 2 blank (lines 5, 6), 1 unreadable (line 4)"


def test_counts_that_add_up_to_more_than_can_be_held_are_scaled(tmp_path: Path):
    path = written(tmp_path / "list.txt", " 300000000 anna\n 100000000 bob\n")
    found = read_corpus(path, format="counted")
    assert Counter(found.strings) == {"anna": 1_500_000, "bob": 500_000}
    assert found.notes == ("its counts add up to 4e+08 and are scaled to 2,000,000 rows",)


def options(**given: Any) -> dict[str, Any]:
    return given


@pytest.mark.parametrize(
    ("names", "given"),
    [("list.csv", options(column="name")), ("list.tsv", options(column="name")), ("list.txt", options(column="name"))],
)
def test_a_blank_line_or_nothing_is_no_table(tmp_path: Path, names: str, given: dict[str, Any]):
    with pytest.raises(Exception, match=r"is empty, and a table has a header|is read as plain text") as caught:
        rows(written(tmp_path / names, "\n"), **given)
    assert type(caught.value).__name__ in ("CorpusError", "UsageError")
