"""Whatever is wrong with a list: one sentence on standard error, the right exit code, and files as they were."""

import gzip
import re
import socket
import tracemalloc
from pathlib import Path

import pytest
from command_line import FAILED, KNOWN_LISTS, WRONG_USAGE, sentence

from wavemore.cli import run
from wavemore.lists import fetch


def test_missing_file(refused):
    assert refused(FAILED, "train", "nosuch.txt") == (
        f'there is no file "nosuch.txt" and no list of that name; lists are {KNOWN_LISTS}'
    )
    assert refused(FAILED, "info", "nosuch.safetensors") == (
        "cannot read the model nosuch.safetensors: No such file or directory"
    )


def test_directory(refused):
    Path("folder").mkdir()
    assert refused(FAILED, "train", "folder") == "cannot read folder: Is a directory"
    assert refused(FAILED, "train", "list.txt", "-o", "folder") == "cannot write folder: Is a directory"
    assert refused(FAILED, "info", "folder") == "cannot read the model folder: Is a directory"


def test_binary(refused):
    Path("program").write_bytes(b"\x7fELF\x02\x01\x01\0\0\0\0")
    assert refused(FAILED, "train", "program") == (
        "program has a zero byte at position 7, so it is not utf-8 text; "
        "give a text file, or name its encoding if it is utf-16 or utf-32"
    )
    Path("image").write_bytes(bytes([0x89, 0xFF, 0xD8, 0x0A]) * 1000)
    assert refused(FAILED, "train", "image") == (
        "1,000 rows of image cannot be read (the first is line 1); name the encoding and format it has"
    )


def test_utf_16(refused):
    Path("wide.txt").write_text("anna\nemma\n", encoding="utf-16-le")
    assert refused(FAILED, "train", "wide.txt") == (
        "wide.txt has a zero byte at position 1, so it is not utf-8 text; it looks like UTF-16: --encoding utf-16-le"
    )


def test_empty(refused):
    Path("empty.txt").touch()
    assert refused(FAILED, "train", "empty.txt") == "empty.txt holds no strings; give one string a line"
    Path("blank.txt").write_text("\n \n")
    assert refused(FAILED, "train", "blank.txt") == (
        "blank.txt holds no strings (skipped 2: 2 blank (lines 1, 2)); give one string a line"
    )


def test_one_string(refused):
    Path("one.txt").write_text("anna\n")
    assert re.fullmatch(
        "one has 1 strings?, and a split needs at least 5; add strings, or give a validation list of its own",
        refused(FAILED, "train", "one.txt"),
    )


def test_line_of_100_mb(tmp_path, monkeypatch, capfd):
    """Such a line is never whole in memory."""
    monkeypatch.chdir(tmp_path)
    with Path("long.txt").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    code = run(["train", "long.txt"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert code == FAILED
    assert sentence(*capfd.readouterr()) == (
        "long.txt holds no strings (skipped 1: 1 too long (line 1)); give one string a line"
    )
    assert peak < 20_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["long.txt"]


def test_wrong_column(refused):
    Path("table.csv").write_text("id,name\n1,anna\n")
    assert refused(WRONG_USAGE, "train", "table.csv", "--column", "nmae") == (
        'table.csv has no column "nmae" (did you mean "name"?); its columns are id, name'
    )
    assert refused(WRONG_USAGE, "train", "table.csv", "--column", "3") == ("table.csv has no column 3; its rows have 2")
    Path("table.jsonl").write_text('{"id": 1, "name": "anna"}\n')
    assert refused(WRONG_USAGE, "train", "table.jsonl", "--column", "nmae") == (
        'table.jsonl has no key "nmae" (did you mean "name"?); its keys are id, name'
    )


def test_table_without_a_column_and_column_without_a_table(refused):
    Path("table.csv").write_text("id,name\n1,anna\n")
    assert refused(WRONG_USAGE, "train", "table.csv") == (
        "table.csv is read as csv, which has columns; name the one that holds the strings: id, name"
    )
    assert refused(WRONG_USAGE, "train", "list.txt", "--column", "name") == (
        "a column (name) was named, but list.txt is read as plain text; name the format csv, tsv or jsonl"
    )


def test_a_header_without_end_is_not_shown_whole(refused):
    Path("wide.csv").write_text(",".join(f"column{i}" for i in range(100_000)))
    message = refused(WRONG_USAGE, "train", "wide.csv", "--column", "name")
    assert message.startswith('wide.csv has no column "name"; its columns are column0, column1, ')
    assert message.endswith("...")
    assert len(message) < 300


def test_offline(refused, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("NO_PROXY", "*")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}/names.txt"
    monkeypatch.setitem(fetch.FETCHED, "makemore-names", fetch.FetchedList(url, "0" * 64, ""))
    assert refused(FAILED, "train", "makemore-names") == (
        f"cannot fetch makemore-names from {url} (ConnectionError); "
        "go online once, or download the file by hand and give its path"
    )


def test_damaged_gzip(refused, strings):
    data = gzip.compress("\n".join(strings).encode())
    Path("cut.txt.gz").write_bytes(data[:-20])
    assert refused(FAILED, "train", "cut.txt.gz") == (
        "cut.txt.gz is a damaged gzip file: Compressed file ended before the end-of-stream marker was reached; "
        "fetch or compress it again"
    )
    Path("flipped.txt.gz").write_bytes(data[:30] + bytes([data[30] ^ 0xFF]) + data[31:])
    message = refused(FAILED, "train", "flipped.txt.gz")
    assert message.startswith("flipped.txt.gz is a damaged gzip file: ")
    assert message.endswith("; fetch or compress it again")


@pytest.mark.parametrize("name", ["nosuch", "base64", "rot13"])
def test_unknown_encoding(refused, name):
    assert refused(WRONG_USAGE, "train", "list.txt", "--encoding", name) == (
        f'unknown encoding "{name}"; name one that Python knows, such as utf-8 or cp1252'
    )


def test_closed_standard_input(refused_in_shell):
    assert refused_in_shell(FAILED, "wavemore train - <&-") == (
        "standard input is closed, so no strings can be read from it; give a file"
    )
