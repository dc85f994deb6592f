"""Tables are written again with columns added, every other byte as it was."""

import csv
import gzip
import io
import json
import math
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.errors import CorpusError, FileError, UsageError, WavemoreError
from wavemore.lists import streams
from wavemore.tables import columns, lines
from wavemore.tables.columns import Part, Portion, as_texts, tidied
from wavemore.tables.formats import open_table, write_json_lines

NAMES = ["log_likelihood", "unknown"]


def part_of(portion: Portion) -> Part:
    """As values the lengths of the strings, NaN where there is none, and the strings' first characters."""
    lengths = np.array([np.nan if i in portion.problems else len(text) for i, text in enumerate(portion.texts)])
    return Part(portion.kept, portion.texts, {NAMES[0]: lengths, NAMES[1]: [text[:1] for text in portion.texts]})


def rewritten(source: str | Path, names: list[str] = NAMES, **options: Any) -> bytes:
    """What becomes of a table."""
    out = io.BytesIO()
    with open_table(source, names, **options) as table:
        table.write(out, map(part_of, table.portions()))
    return out.getvalue()


def portion_of(source: str | Path, **options: Any) -> Portion:
    """The rows of a short table."""
    with open_table(source, NAMES, **options) as table:
        (portion,) = table.portions()
    return portion


def refusal(kind: type[WavemoreError], source: str | Path, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        rewritten(source, **options)
    return str(caught.value)


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def quoted(text: str, delimiter: str, *, always: bool = False) -> str:
    """A cell, in quotes where it needs them and wherever they are wanted."""
    needed = any(character in text for character in (delimiter, '"', "\r", "\n"))
    return '"' + text.replace('"', '""') + '"' if needed or always else text


def added(text: str, delimiter: str) -> str:
    """What a row with this cell gets at its end."""
    text = text.strip()
    length = f"{len(text):.6f}" if text else ""
    return f"{delimiter}{length}{delimiter}{quoted(text[:1], delimiter)}"


# --- CSV and TSV

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
        assert rewritten(path, column=column, encoding=encoding) == after.encode(encoding)
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
    with open_table(path, NAMES, column="name", encoding=encoding) as table:
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


def test_a_row_with_cells_to_spare_is_refused(tmp_path):
    path = written(tmp_path / "list.csv", "id,name\n1,anna\n2,bob,x\n")
    assert refusal(CorpusError, path, column="name") == (
        f"line 3 of {path} has 3 cells and the first row 2, so values added at its end would stand in the wrong "
        "columns; mend the row"
    )


def test_a_quote_without_end_is_refused(tmp_path):
    path = written(tmp_path / "list.csv", 'id,name\n1,anna\n2,"bob\n3,cleo\n')
    assert refusal(CorpusError, path, column="name") == (
        f"line 3 of {path} opens a quote that nothing closes; mend the table"
    )


def test_a_carriage_return_in_the_middle_is_refused(tmp_path):
    path = written(tmp_path / "list.csv", "id,name\n1,an\rna\n")
    assert refusal(CorpusError, path, column="name").startswith(f"line 2 of {path} is not a row of a table: ")


def test_columns_that_are_not_there(tmp_path):
    path = written(tmp_path / "list.csv", "id,name\n1,anna\n")
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no column "nme" (did you mean "name"?); its columns are id, name'
    )
    assert refusal(UsageError, path, column="3") == f"{path} has no column 3; its rows have 2 columns at most"
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


def test_an_endless_line_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "LONGEST_LINE", 50)
    for encoding, unit in (("utf-8", "bytes"), ("utf-16", "characters")):
        path = written(tmp_path / "list.csv", ("id,name\n1," + "a" * 60 + "\n").encode(encoding))
        assert refusal(CorpusError, path, column="name", encoding=encoding) == (
            f"line 2 of {path} is longer than 50 {unit}; is it a table at all?"
        )


# --- text


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff\n"), max_size=12), min_size=1, max_size=8
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le"]),
    st.booleans(),
)
def test_lines_stand_last_and_as_they_were(strings: list[str], end: str, encoding: str, ended: bool):
    strings = [string.rstrip("\r") for string in strings]
    before = "".join(string + end for string in strings)
    if strings and strings[-1] and not ended:
        before = before.removesuffix(end)
    with TemporaryDirectory() as folder:
        out = rewritten(written(Path(folder) / "list", before.encode(encoding)), encoding=encoding).decode(encoding)
    head, *rows = out.removesuffix(end).split("\n") if strings else [out]
    assert head.removesuffix("\r").removesuffix("\n") == "log_likelihood\tunknown\tstring"
    assert "\n".join(row.split("\t", 2)[2] for row in rows) == before.removesuffix(end)
    assert out.endswith(end) == (not strings or before.endswith(end))
    expected = [f"{len(string.strip()):.6f}" if string.strip() else "" for string in strings]
    assert [row.split("\t")[0] for row in rows] == expected


def test_lines_of_bytes_that_are_not_of_the_encoding(tmp_path):
    path = written(tmp_path / "list", b"anna\n\xff\n\tx\ty\n")
    assert rewritten(path) == b"log_likelihood\tunknown\tstring\n4.000000\ta\tanna\n\t\t\xff\n3.000000\tx\t\tx\ty\n"


def test_an_unprintable_character_in_a_list_of_lines_is_shown(tmp_path):
    path = written(tmp_path / "list", "\u200bx\n")
    assert rewritten(path).decode().split("\n")[1] == "2.000000\t\\u200b\t\u200bx"


@pytest.mark.parametrize(("encoding", "data"), [("cp037", "José\n"), ("utf-7", "José\n"), ("shift_jis", "さくら\n")])
def test_other_encodings(tmp_path, encoding, data):
    raw = data.encode(encoding)
    head = "log_likelihood\tunknown\tstring\n".encode(encoding)
    values = f"{len(data) - 1:.6f}\t{data[0]}\t".encode(encoding)
    assert rewritten(written(tmp_path / "list", raw), encoding=encoding) == head + values + raw


def test_an_encoding_in_which_bytes_mean_the_same_is_refused(tmp_path):
    path = written(tmp_path / "list", "anna\n".encode("cp875"))
    assert refusal(UsageError, path, encoding="cp875") == (
        "text in cp875 cannot be written back as it was, since some of its bytes mean the same; "
        "convert the list to utf-8 first"
    )


def test_strings_given_one_by_one():
    with open_table(["anna", "", "b\udcff"], NAMES) as table:
        (portion,) = table.portions()
    assert portion.problems == {1: "blank", 2: "unreadable"}
    with pytest.raises(UsageError, match=r"^'an\\nna' has a line break, and strings stand on a line each"):
        rewritten(["an\nna"])  # type: ignore[arg-type]


# --- JSON lines

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.text(max_size=5).filter(lambda key: key not in NAMES), values, max_size=3),
            st.text(max_size=8),
            st.booleans(),
            st.sampled_from(["", " ", "\t"]),
            st.sampled_from(["\n", "\r\n"]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_values_go_before_the_last_brace(rows: list[Any], ended: bool, encoding: str):
    before, expected = "", []
    for place, (others, string, ascii_only, space, end) in enumerate(rows):
        record = {**others, "name": string}
        line = json.dumps(record, ensure_ascii=ascii_only)
        before += space + line[:-1] + space + "}" + space + (end if ended or place < len(rows) - 1 else "")
        expected.append((record, tidied(string)))
    try:
        data = before.encode(encoding)
    except UnicodeEncodeError:  # lone surrogates
        return
    with TemporaryDirectory() as folder:
        out = rewritten(written(Path(folder) / "list.jsonl", data), column="name", encoding=encoding).decode(encoding)
    lines = out.split("\n")
    for line, (record, (text, problem)) in zip(lines, expected, strict=False):
        found = json.loads(line)
        assert found.pop("log_likelihood") == (None if problem else len(text))
        assert found.pop("unknown") == text[:1]
        assert found == record
    for was, now in zip(before.split("\n"), lines, strict=True):
        place = was.rindex("}") if was.strip() else 0
        assert (now[:place], now[len(now) - len(was) + place :]) == (was[:place], was[place:])


def test_lines_that_are_no_object_stay_as_they_are(tmp_path):
    kept = ["", "[1]", '{"name": ', '{"name": "x"', "{}", "  "]
    path = written(tmp_path / "list.jsonl", "\n".join([*kept, '{"name": "anna"}', '{"id": 1}', '{"name": 3}']))
    *same, last, missing, number = rewritten(path, column="name").decode().split("\n")
    assert same == kept
    assert last == '{"name": "anna", "log_likelihood": 4.000000, "unknown": "a"}'
    assert missing == '{"id": 1, "log_likelihood": null, "unknown": ""}'
    assert number == '{"name": 3, "log_likelihood": null, "unknown": ""}'
    blank, unreadable, missing = "blank", "unreadable", "missing"
    assert portion_of(path, column="name").problems == {
        0: blank,
        1: unreadable,
        2: unreadable,
        3: unreadable,
        4: missing,
        5: blank,
        7: missing,
        8: unreadable,
    }


def test_a_key_that_no_record_has(tmp_path):
    path = written(tmp_path / "list.jsonl", '{"id": 1, "name": "anna"}\n')
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no key "nme" (did you mean "name"?); its keys are id, name'
    )


# --- Parquet


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
    with open_table(tmp_path / "list.parquet", NAMES, column="name") as table:
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
        == f"{path} is read as parquet, which has columns; name the one that holds the strings"
    )
    for data in (b"", b"id,name\n", path.read_bytes()[:-9], path.read_bytes()[:20] + path.read_bytes()[24:]):
        message = refusal(CorpusError, written(tmp_path / "bad.parquet", data), column="name")
        assert message.startswith(f"{tmp_path / 'bad.parquet'} is no Parquet file, or is damaged or cut short (")
        assert message.endswith("); write or copy it again")


# --- values


def test_infinity_is_a_word_in_tables_and_null_in_json(tmp_path):
    out = io.BytesIO()
    scores = np.array([-math.inf, math.inf, math.nan, -1 / 3])
    write_json_lines(out, [Part(None, list("abcd"), {"log_ratio": scores, "unknown": ["", '"', "\n", "é"]})])
    assert out.getvalue().decode() == (
        '{"string": "a", "log_ratio": null, "unknown": ""}\n'
        '{"string": "b", "log_ratio": null, "unknown": "\\""}\n'
        '{"string": "c", "log_ratio": null, "unknown": "\\n"}\n'
        '{"string": "d", "log_ratio": -0.333333, "unknown": "é"}\n'
    )
    assert as_texts("log_ratio", scores, infinities=True) == ["-inf", "inf", "", "-0.333333"]
    assert as_texts("guess_number", np.array([1234567.0, 3.0]), infinities=True) == ["1.23457e+06", "3"]


def test_a_percent_sign_in_a_name_is_a_character():
    out = io.BytesIO()
    write_json_lines(out, [Part(None, ["a"], {"log_likelihood_50%s": np.array([-1.0])})])
    assert json.loads(out.getvalue()) == {"string": "a", "log_likelihood_50%s": -1}


def test_cells_that_are_no_strings():
    assert tidied(" a b ") == ("a b", "")
    assert tidied(None) == ("", "missing")
    assert tidied(3) == ("", "unreadable")
    assert tidied("a\udcff") == ("", "unreadable")
    assert tidied("\u2003") == ("", "blank")
    assert tidied("x" * (columns.LONGEST_STRING + 1)) == ("", "too long")


def test_what_goes_wrong_outside_is_not_taken_for_the_source(tmp_path):
    """An error of the writer passes through, and the source's own are those of `read_rows`."""
    path = written(tmp_path / "list", "anna\n")

    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError("full")

    with open_table(path, NAMES) as table, pytest.raises(OSError, match=r"^full$"):
        table.write(Full(), map(part_of, table.portions()))
    assert refusal(FileError, tmp_path / "no") == refusal(FileError, tmp_path / "no", format="parquet", column="a")
    assert refusal(UsageError, path, format="xml") == 'unknown format "xml"; choose text, csv, tsv, jsonl, parquet'
    damaged = written(tmp_path / "list.gz", gzip.compress(b"anna\n" * 50)[:-9])
    assert refusal(CorpusError, damaged).startswith(f"{damaged} is a damaged gzip file: ")
