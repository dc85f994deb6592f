"""Which source is read, and in which format."""

import gzip
import io
import sys
from pathlib import Path

import pytest
from rows import refusal, texts, written

from wavemore.errors import FileError, UsageError
from wavemore.lists.embedded import embedded_lists
from wavemore.lists.streams import source_name


def give_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


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
        f"{path} is read as tsv, which has columns; name the one that holds the strings: anna"
    )
    assert (
        refusal(UsageError, path, format="xml") == 'unknown format "xml"; choose text, csv, tsv, jsonl, json, counted'
    )


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
