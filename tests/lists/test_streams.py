"""Open files, pipes, links and names that are none: each is read, or refused in one sentence."""

import codecs
import gzip
import io
import os
import tempfile
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from rows import refusal, rows, texts, written

from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.lists.corpus import read_corpus

# --- lines that end at CR


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp037"])
@pytest.mark.parametrize("ended", [True, False])
def test_lines_end_at_carriage_returns_where_there_is_no_line_feed(tmp_path: Path, encoding: str, ended: bool):
    path = written(tmp_path / "list.txt", ("anna\rzoë\rbob" + "\r" * ended).encode(encoding))
    assert rows(path, encoding=encoding) == [(1, "anna", ""), (2, "zoë", ""), (3, "bob", "")]


def test_a_table_whose_lines_end_at_carriage_returns(tmp_path: Path):
    path = written(tmp_path / "list.csv", 'id,name\r1,anna\r2,"b,b"\r')
    assert texts(path, column="name") == ["anna", "b,b"]
    path = written(tmp_path / "list.jsonl", '{"name": "anna"}\r{"name": "bob"}')
    assert texts(path, column="name") == ["anna", "bob"]


# --- open files


@pytest.mark.parametrize(
    "opened",
    [
        lambda path: path.open(encoding="utf-8"),
        lambda path: path.open(encoding="utf-8-sig"),
        lambda path: path.open(encoding="utf-8", newline=""),
        lambda path: path.open("rb"),
        lambda path: io.StringIO(path.read_text(encoding="utf-8")),
        lambda path: io.BytesIO(path.read_bytes()),
        lambda path: io.BytesIO(gzip.compress(path.read_bytes())),
        lambda path: codecs.open(str(path), encoding="utf-8"),  # noqa: SIM115
        lambda path: io.TextIOWrapper(io.BytesIO(path.read_bytes()), encoding="utf-8", newline="\n"),
    ],
)
def test_an_open_file_is_read_line_by_line_and_left_open(tmp_path: Path, opened: Any):
    file = opened(written(tmp_path / "list.txt", "anna\r\nzoë\r\n\r\nbob"))
    found = read_corpus(file)
    assert (found.strings, str(found.skipped)) == (["anna", "zoë", "bob"], "skipped 1: 1 blank (line 3)")
    assert not file.closed
    file.close()


def test_an_open_file_goes_on_where_it_is(tmp_path: Path):
    with written(tmp_path / "list.txt", "header\nanna\nbob\n").open(encoding="utf-8") as file:
        next(file)
        assert read_corpus(file).strings == ["anna", "bob"]


def test_an_open_file_of_any_format_has_the_name_of_its_file(tmp_path: Path):
    with written(tmp_path / "people.csv", "id,name\n1,anna\n").open(encoding="utf-8") as file:
        found = read_corpus(file, column="name")
    assert (found.name, found.strings) == ("people", ["anna"])
    with tempfile.TemporaryFile("w+") as file:
        file.write("anna\n")
        file.seek(0)
        assert read_corpus(file).strings == ["anna"]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path):
    path = written(tmp_path / "list.txt", "anna\n")
    with path.open("a") as file:
        assert refusal(FileError, file) == f"cannot read {path}: not readable"
    assert refusal(FileError, file) == f"cannot read {path}: I/O operation on closed file."
    with written(tmp_path / "latin.txt", b"zo\xeb\n").open(encoding="utf-8") as file:
        assert refusal(CorpusError, file).startswith(f"{tmp_path / 'latin.txt'} is not utf-8 text (")


# --- pipes and links


def test_a_pipe_is_read_once_from_its_beginning(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"anna\nbob\n",))
    writer.start()
    assert texts(pipe) == ["anna", "bob"]
    writer.join()


@pytest.mark.parametrize("links", [("loop", "loop"), ("one", "two", "one")])
def test_links_that_go_round_are_said_to(tmp_path: Path, links: tuple[str, ...]):
    for name, target in pairwise(links):
        (tmp_path / name).symlink_to(target)
    path = tmp_path / links[0]
    assert refusal(FileError, path) == f"cannot read {path}: Too many levels of symbolic links"


def test_a_link_to_nothing(tmp_path: Path):
    (tmp_path / "link").symlink_to("nothing")
    assert refusal(FileError, tmp_path / "link") == (
        f"cannot read {tmp_path / 'link'}: it is a link to a file that is not there"
    )


def test_a_file_in_a_file(tmp_path: Path):
    path = written(tmp_path / "list.txt", "anna\n") / "more"
    assert refusal(FileError, path) == f"cannot read {path}: Not a directory"


# --- one string in place of several


@pytest.mark.parametrize("text", ["one long text\n" * 100, "anna\nbob", "a" * 300, "a/" * 2000, "b" * 5000])
def test_one_string_in_place_of_a_list_is_a_short_sentence(text: str):
    message = refusal(UsageError, text)
    assert message == (
        f"the list is one string of {len(text):,} characters, {text[:40]!r}...; it must be several strings, or "
        "the name of a file"
    )


@pytest.mark.parametrize("source", [b"anna\nbob\n", bytearray(b"anna"), 5, 2.5, None])
def test_what_is_no_list_is_one_sentence(source: Any):
    with pytest.raises(UsageError) as caught:
        read_corpus(source)
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def test_an_item_that_is_long_is_shown_in_short():
    with pytest.raises(UsageError) as caught:
        read_corpus(["anna", ["x" * 5000]])  # type: ignore[list-item]
    assert len(str(caught.value)) < 200
