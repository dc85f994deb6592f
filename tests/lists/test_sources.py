"""Rows of text, CSV, TSV and JSON lines, from files and standard input."""

import csv
import gzip
import io
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.errors import CorpusError, FileError, UsageError, WavemoreError
from wavemore.lists import sources
from wavemore.lists.sources import Row, embedded_lists, read_rows, source_name

lines = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\ufeff"), max_size=20), max_size=10)


def texts(source: str | Path, **options: Any) -> list[str]:
    """The texts of the rows, where each has one."""
    rows = list(read_rows(source, **options))
    assert not any(row.problem for row in rows)
    return [row.text for row in rows]


def refusal(kind: type[WavemoreError], source: str | Path, **options: Any) -> str:
    """What `read_rows` says against a source."""
    with pytest.raises(kind) as caught:
        list(read_rows(source, **options))
    return str(caught.value)


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def give_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


# --- text


@settings(deadline=None)
@given(lines, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans(), st.booleans())
def test_lines_come_back_stripped_and_numbered(strings: list[str], end: str, mark: bool, packed: bool, ended: bool):
    text = "".join(string + end for string in strings)
    if strings and strings[-1] and not ended:
        text = text.removesuffix(end)
    data = text.encode("utf-8-sig" if text and mark else "utf-8")
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "list.txt", gzip.compress(data) if packed else data)
        rows = list(read_rows(path))
    assert rows == [Row(number, string.strip()) for number, string in enumerate(strings, start=1)]


@pytest.mark.parametrize("character", ["\f", "\v", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_lines_end_at_line_feeds_alone(tmp_path: Path, character: str):
    """`str.splitlines` would split at each of these."""
    path = written(tmp_path / "list.txt", f"an{character}na\nbob\n")
    assert texts(path) == [f"an{character}na", "bob"]


def test_a_carriage_return_alone_does_not_end_a_line(tmp_path: Path):
    assert texts(written(tmp_path / "list.txt", "anna\rbob\r\ncleo")) == ["anna\rbob", "cleo"]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "UTF8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp037", "utf-7"],
)
def test_any_encoding_that_is_named(tmp_path: Path, encoding: str):
    path = written(tmp_path / "list.txt", "José\r\nZoë\n".encode(encoding))
    assert texts(path, encoding=encoding) == ["José", "Zoë"]


@pytest.mark.parametrize(("encoding", "string"), [("shift_jis", "さくら"), ("koi8-r", "Анна"), ("gb18030", "小明")])
def test_encodings_of_other_scripts(tmp_path: Path, encoding: str, string: str):
    path = written(tmp_path / "list.txt", f"{string}\n".encode(encoding))
    assert texts(path, encoding=encoding) == [string]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_is_no_character(tmp_path: Path, encoding: str):
    data = "\ufeffanna\nbob\n".encode("utf-16-le" if encoding == "utf-16" else encoding.removesuffix("-sig"))
    assert texts(written(tmp_path / "list.txt", data), encoding=encoding) == ["anna", "bob"]


def test_utf_16_that_is_not_named_is_said_to_be_it(tmp_path: Path):
    path = written(tmp_path / "list.txt", "anna\n".encode("utf-16"))
    assert refusal(CorpusError, path) == f"{path} begins as UTF-16 text does, not utf-8; name its encoding: utf-16"


def test_a_zero_byte_is_no_text(tmp_path: Path):
    path = written(tmp_path / "list.txt", b"an\0na\n")
    assert refusal(CorpusError, path) == (
        f"{path} has a zero byte at position 2, so it is not utf-8 text; "
        "give a text file, or name its encoding if it is utf-16 or utf-32"
    )


@pytest.mark.parametrize("data", ["anna\n".encode("utf-16-le")[:-1], b"\xd8\xd8a\0\n\0"], ids=["cut", "surrogate"])
def test_damaged_utf_16_is_an_error(tmp_path: Path, data: bytes):
    message = refusal(CorpusError, written(tmp_path / "list.txt", data), encoding="utf-16-le")
    assert message.startswith(f"{tmp_path / 'list.txt'} is not utf-16-le text (")
    assert message.endswith("); name the encoding it has, or mend the file")


@pytest.mark.parametrize(("encoding", "byte"), [("utf-8", b"\xff"), ("cp1252", b"\x81"), ("ascii", b"\xe9")])
def test_a_line_that_is_not_of_the_encoding_is_unreadable_alone(tmp_path: Path, encoding: str, byte: bytes):
    path = written(tmp_path / "list.txt", b"anna\nb" + byte + b"b\ncleo\n")
    rows = list(read_rows(path, encoding=encoding))
    assert rows == [Row(1, "anna"), Row(2, problem="unreadable"), Row(3, "cleo")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_of_a_line_too_long_the_rest_is_passed_over(tmp_path: Path, end: str):
    """1,024 characters more than the longest are room for white space."""
    path = written(tmp_path / "list.txt", f"{'a' * 1034}{end}{'b' * 3_000_000}{end}c{end}{'d' * 5000}")
    rows = list(read_rows(path, longest=10))
    assert rows == [Row(1, "a" * 1034), Row(2, problem="too long"), Row(3, "c"), Row(4, problem="too long")]


# --- gzip


def test_gzip_is_told_by_its_first_bytes_and_may_have_several_members(tmp_path: Path):
    path = written(tmp_path / "list", gzip.compress(b"an") + gzip.compress(b"na\nbob\n"))
    assert texts(path) == ["anna", "bob"]


def test_the_ending_before_gz_tells_the_format(tmp_path: Path):
    path = written(tmp_path / "list.csv.gz", gzip.compress(b"id,name\n1,anna\n"))
    assert texts(path, column="name") == ["anna"]


@pytest.mark.parametrize("spoil", [lambda data: data[:-9], lambda data: data[:15], lambda data: data[:-8] + b"x" * 8])
def test_damaged_gzip_is_an_error(tmp_path: Path, spoil: Any):
    path = written(tmp_path / "list.gz", spoil(gzip.compress(b"".join(b"name%d\n" % i for i in range(20_000)))))
    message = refusal(CorpusError, path)
    assert message.startswith(f"{path} is a damaged gzip file: ")
    assert message.endswith("; fetch or pack it again")


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
        assert texts(path, column=column) == [string.strip() for string in strings]


def test_a_column_by_name_takes_the_first_line_as_header(tmp_path: Path):
    path = written(tmp_path / "list.csv", '\ufeffname,id\n"O\'Hara, ""Ann""",1\r\nbob,2\n')
    assert list(read_rows(path, column="name")) == [Row(2, 'O\'Hara, "Ann"'), Row(3, "bob")]


def test_a_column_by_number_takes_the_first_line_as_a_row(tmp_path: Path):
    path = written(tmp_path / "list.csv", "1,anna\n2,bob\n")
    assert list(read_rows(path, column="2")) == [Row(1, "anna"), Row(2, "bob")]


def test_a_cell_over_two_lines_is_one_row(tmp_path: Path):
    path = written(tmp_path / "list.csv", 'name\n"an\nna"\nbob\n')
    assert list(read_rows(path, column="name")) == [Row(3, "an\nna"), Row(4, "bob")]


def test_a_short_row_is_blank(tmp_path: Path):
    path = written(tmp_path / "list.csv", "id,name\n1\n\n2,bob\n")
    assert list(read_rows(path, column="name")) == [Row(2), Row(3), Row(4, "bob")]


def test_blank_lines_above_the_header_are_rows_without_text(tmp_path: Path):
    path = written(tmp_path / "list.csv", "\nname\nanna\n")
    assert list(read_rows(path, column="name")) == [Row(1), Row(3, "anna")]


def test_a_cell_that_is_not_of_the_encoding_is_unreadable_alone(tmp_path: Path):
    path = written(tmp_path / "list.csv", b"id,name\n1,b\xffb\n\xff,cleo\n")
    assert list(read_rows(path, column="name")) == [Row(2, problem="unreadable"), Row(3, "cleo")]


def test_a_wrong_column_is_named_with_those_there_are(tmp_path: Path):
    path = written(tmp_path / "list.csv", "id,name\n1,anna\n")
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no column "nme" (did you mean "name"?); its columns are id, name'
    )
    assert refusal(UsageError, path, column="0") == f'{path} has no column "0"; its columns are id, name'
    assert refusal(UsageError, path, column="3") == f"{path} has no column 3; its rows have 2 columns at most"


def test_an_endless_line_of_a_table_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "_LONGEST_TABLE_LINE", 50)
    limit = csv.field_size_limit()
    try:
        path = written(tmp_path / "list.csv", "name\n" + "a" * 60 + "\n")
        assert refusal(CorpusError, path, column="name") == (
            f"line 2 of {path} is longer than 50 characters; is it a table at all?"
        )
        path = written(tmp_path / "open.csv", 'name\n"' + "abc\n" * 20)
        assert refusal(CorpusError, path, column="name").startswith(f"line 14 of {path} is not a row of a table: ")
    finally:
        csv.field_size_limit(limit)


# --- JSON lines


@settings(deadline=None)
@given(lines, st.booleans())
def test_values_come_back_whatever_they_hold(strings: list[str], ascii_only: bool):
    records = [json.dumps({"id": 1, "name": string}, ensure_ascii=ascii_only) for string in strings]
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "list.jsonl", "".join(f"{record}\n" for record in records))
        assert texts(path, column="name") == [string.strip() for string in strings]


@pytest.mark.parametrize("ending", ["jsonl", "ndjson"])
def test_each_line_of_json_lines_is_a_row(tmp_path: Path, ending: str):
    records = ['{"name": "anna"}', "", '{"id": 2}', '{"name": 3}', "[]", "{", "[" * 10_000, '{"name": "b\\u00e9a"}']
    path = written(tmp_path / f"list.{ending}", "\n".join(records))
    unreadable = [Row(number, problem="unreadable") for number in (4, 5, 6, 7)]
    assert list(read_rows(path, column="name")) == [Row(1, "anna"), Row(2), Row(3), *unreadable, Row(8, "béa")]


def test_a_wrong_key_is_named_with_those_there_are(tmp_path: Path):
    path = written(tmp_path / "list.jsonl", '{"id": 1, "name": "anna"}\n{"id": 2}\n')
    assert refusal(UsageError, path, column="nme") == (
        f'{path} has no key "nme" (did you mean "name"?); its keys are id, name'
    )


# --- which source, which format


def test_the_format_may_be_named(tmp_path: Path):
    path = written(tmp_path / "list.txt", "id,name\n1,anna\n")
    assert texts(path, format="csv", column="name") == ["anna"]
    assert texts(written(tmp_path / "list.csv", "a,b\n"), format="text") == ["a,b"]


def test_options_that_do_not_fit_are_named(tmp_path: Path):
    path = written(tmp_path / "list.txt", "anna\n")
    assert refusal(UsageError, path, column="name") == (
        f"a column (name) was named, but {path} is read as plain text; name the format csv, tsv or jsonl"
    )
    assert refusal(UsageError, path, format="tsv") == (
        f"{path} is read as tsv, which has columns; name the one that holds the strings"
    )
    assert refusal(UsageError, path, format="xml") == 'unknown format "xml"; choose text, csv, tsv, jsonl'


@pytest.mark.parametrize("encoding", ["utf-9", "hex", "rot13"])
def test_an_encoding_that_is_unknown_or_not_of_text_is_named(tmp_path: Path, encoding: str):
    path = written(tmp_path / "list.txt", "anna\n")
    assert refusal(UsageError, path, encoding=encoding) == (
        f'unknown encoding "{encoding}"; name one that Python knows, such as utf-8 or cp1252'
    )


def test_what_is_not_there_is_named_with_the_lists_there_are():
    message = refusal(FileError, "dinosaur")
    assert message.startswith('there is no file "dinosaur" and no list of that name (did you mean "dinosaurs"?); lists')
    assert message.endswith(", makemore-names")


def test_a_directory_is_no_list(tmp_path: Path):
    assert refusal(FileError, tmp_path) == f"cannot read {tmp_path}: Is a directory"


def test_a_list_of_the_package_is_read_by_its_name():
    assert embedded_lists() == tuple(sorted(embedded_lists()))
    assert "Triceratops" in texts("dinosaurs")


def test_a_file_goes_before_a_list_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "dinosaurs", "anna\n")
    assert texts("dinosaurs") == ["anna"]


@pytest.mark.parametrize(
    ("source", "name"),
    [("a/b/names.txt.gz", "names"), (Path("towns"), "towns"), ("-", "stdin"), (".hidden", "strings")],
)
def test_source_name(source: str | Path, name: str):
    assert source_name(source) == name


# --- standard input


def test_standard_input_in_any_format(monkeypatch: pytest.MonkeyPatch):
    give_stdin(monkeypatch, "José\r\nbob\n".encode())
    assert texts("-") == ["José", "bob"]
    give_stdin(monkeypatch, gzip.compress("José\n".encode("utf-16")))
    assert texts("-", encoding="utf-16") == ["José"]
    give_stdin(monkeypatch, b"id,name\n1,anna\n")
    assert texts("-", format="csv", column="name") == ["anna"]


def test_standard_input_is_left_open(monkeypatch: pytest.MonkeyPatch):
    give_stdin(monkeypatch, b"anna\n")
    assert texts("-") == ["anna"]
    assert texts("-") == []
    assert not sys.stdin.closed


def test_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert refusal(FileError, "-") == "standard input is closed, so no strings can be read from it; give a file"
