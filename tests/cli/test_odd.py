"""`wavemore odd`: the oddest rows of lists and tables, and what is refused."""

import io
from pathlib import Path

import pytest
from command_line import Answer, Refused, records
from faults import names, planted
from imported import heavy, imported_by

import wavemore


@pytest.fixture
def column(answer: Answer) -> list[str]:
    """In the folder of the test: people.csv and people.txt."""
    column = planted(names(1500), 5)[0]
    Path("people.txt").write_text("\n".join(column) + "\n")
    Path("people.csv").write_text("id,name,city\r\n" + "".join(f'{i},"{s}",x\r\n' for i, s in enumerate(column)))
    return column


def test_the_oddest_rows_are_shown_as_they_stand(answer, column):
    out, err = answer("odd people.csv --column name -n 5")
    head, *rows = out.removesuffix("\r\n").split("\r\n")
    assert head == "id,name,city,oddness,one_in,reasons"
    found = wavemore.odd(column)
    for row, place in zip(rows, found.oddest(5), strict=True):
        assert row.startswith(f'{place},"{column[place]}",x,{found.scores[place]:.6g},{found.one_in[place]:.6g},')
        assert found.reasons[place].replace('"', '""') in row
    assert err == ""


def test_twenty_rows_where_nothing_is_said(answer, column):
    assert answer("odd people.txt")[0].count("\n") == 21


def test_all_rows_in_their_order(answer, column):
    out, _ = answer("odd people.csv --column name --all -o all.csv")
    assert out == ""
    lines = Path("all.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["id", *map(str, range(len(column)))]


def test_json_and_standard_input(answer, column, monkeypatch):
    expected = records(answer("odd people.txt -n 4 --json")[0])
    assert list(expected[0]) == ["line", "string", "oddness", "one_in", "reasons"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path("people.txt").read_bytes())))
    assert records(answer("odd - -n 4 --json")[0]) == expected


def test_parquet(answer, column):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pyarrow.table({"id": range(len(column)), "name": column}), "people.parquet")
    answer("odd people.parquet --column name -n 3 -o odd.parquet")
    table = pq.read_table("odd.parquet")
    assert table.column("id").to_pylist() == wavemore.odd(column).oddest(3)
    assert table.schema.field("reasons").type == pyarrow.string()


def test_rows_without_a_string_are_counted(answer, column):
    Path("people.txt").write_text("\n\n" + Path("people.txt").read_text())
    assert answer("odd people.txt -n 1")[1] == ("wavemore: people.txt: rows without a score: 2: 2 blank (lines 1, 2)\n")
    assert answer("odd people.txt -n 1 -q")[1] == ""


@pytest.mark.parametrize(
    ("code", "arguments", "sentence"),
    [
        (2, ["list.txt", "-n", "0"], "the number of rows is 0; it must be a whole number of 1 or more"),
        (2, ["list.txt", "-n", "5", "--all"], "-n and --all exclude each other; choose one"),
        (2, ["list.txt", "--format", "counted"], "counted lines have each value once"),
        (1, ["few.txt"], "few.txt has 2 strings, too few to tell what is usual; give 20 or more"),
        (2, ["list.txt", "-o", "x.csv"], "x.csv would hold tsv, and .csv is for csv; give it another ending"),
        (2, ["-", "--group", "id"], "standard input is read once, and groups need a second reading; write the table"),
    ],
)
def test_what_makes_no_sense(refused: Refused, code, arguments, sentence):
    Path("few.txt").write_text("anna\nberta\n")
    assert refused(code, "odd", *arguments).startswith(sentence)


def test_nothing_heavy_is_imported(column):
    modules = imported_by("-m", "wavemore", "odd", "people.txt")
    assert "wavemore.judging.odd" in modules
    assert heavy(modules) == set()
