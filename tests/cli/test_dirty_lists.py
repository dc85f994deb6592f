"""Files that are cut, damaged, or not what their name says: one sentence says what is wrong and what to do."""

import bz2
import gzip
import json
import lzma
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import FAILED, WRONG_USAGE

from wavemore.cli import run
from wavemore.lists.corpus import read_corpus

JAPANESE = [f"{a}{b}" for a in "さくたはなこゆけんじ" for b in "ろうみどかおるまひし"]


def parquet(names: list[str]) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pyarrow.table({"name": names}), "whole.parquet")
    data = Path("whole.parquet").read_bytes()
    Path("whole.parquet").unlink()
    return data


def spoiled(data: bytes, start: int, end: int) -> bytes:
    return data[:start] + b"\xff" * len(data[start:end]) + data[end:]


def unbalanced(names: list[str]) -> bytes:
    rows = [f"{i},{name}" for i, name in enumerate(names)]
    rows[50] = rows[50].replace(",", ',"')
    return "\n".join(["id,name", *rows]).encode()


TEXT: Callable[[list[str]], bytes] = lambda names: ("\n".join(names) + "\n").encode()  # noqa: E731
DIRTY: dict[str, tuple[str, Callable[[list[str]], bytes], str]] = {
    "a damaged footer": (
        "t.parquet --column name",
        lambda names: spoiled(parquet(names), -200, -8),
        "t.parquet is no Parquet file, or is damaged or cut short (",
    ),
    "a footer without its end": (
        "t.parquet --column name",
        lambda names: parquet(names)[:-20],
        "t.parquet is no Parquet file, or is damaged or cut short (",
    ),
    "a footer of no size": (
        "t.parquet --column name",
        lambda names: spoiled(parquet(names), -8, -5),
        "t.parquet is no Parquet file, or is damaged or cut short (",
    ),
    "Parquet that is a CSV": (
        "t.parquet --column name",
        lambda names: b"id,name\n" + TEXT(names),
        "t.parquet is no Parquet file; name the format it has, as in --format csv, or write it again",
    ),
    "an unbalanced quote": (
        "t.csv --column name",
        unbalanced,
        "line 52 of t.csv opens a quote that nothing closes; close or double it",
    ),
    "gzip without its end": ("t.gz", lambda names: gzip.compress(TEXT(names))[:-20], "t.gz is a damaged gzip file: "),
    "bzip2 without its end": ("t.bz2", lambda names: bz2.compress(TEXT(names))[:-9], "t.bz2 is a damaged bzip2 file: "),
    "xz without its end": ("t.xz", lambda names: lzma.compress(TEXT(names))[:-9], "t.xz is a damaged xz file: "),
    "Zstandard that is none": (
        "t.zst",
        lambda names: b"\x28\xb5\x2f\xfd" + TEXT(names),
        "t.zst is a damaged Zstandard file: ",
    ),
    "UTF-16 of an odd number of bytes": (
        "t.txt",
        lambda names: TEXT(names).decode().encode("utf-16")[:-1],
        "t.txt ends within a character of its UTF-16-LE text, so it is cut short; write or copy it again",
    ),
    "UTF-16 without a mark, cut": (
        "t.txt --encoding utf-16-be",
        lambda names: TEXT(names).decode().encode("utf-16-be")[:-1],
        "t.txt ends within a character of its UTF-16-BE text, so it is cut short; write or copy it again",
    ),
    "UTF-32 without its end": (
        "t.txt",
        lambda names: TEXT(names).decode().encode("utf-32")[:-3],
        "t.txt ends within a character of its UTF-32-LE text, so it is cut short; write or copy it again",
    ),
    "UTF-16 of lone surrogates": (
        "t.txt --encoding utf-16-le",
        lambda names: TEXT(names).decode().encode("utf-16-le") + b"\x00\xd8\n\x00" * 9,
        "t.txt is not utf-16-le text (",
    ),
    "a JSON array of strings, cut in a string": (
        "t.json",
        lambda names: json.dumps(names)[:-3].encode(),
        "the JSON array of t.json has no end (line 1: Unterminated string), so it is cut short; write or copy it again",
    ),
    "a JSON array of strings, cut after a comma": (
        "t.json",
        lambda names: (json.dumps(names[:50])[:-1] + ",\n").encode(),
        "the JSON array of t.json has no end (line 2: Expecting value), so it is cut short; write or copy it again",
    ),
    "a JSON array of objects, cut in an object": (
        "t.json --column name",
        lambda names: json.dumps([{"name": name} for name in names], indent=0)[:-4].encode(),
        "the JSON array of t.json has no end (line ",
    ),
    "a 7z archive": ("t.txt", lambda names: b"7z\xbc\xaf\x27\x1c" + bytes(90), "t.txt is a 7z archive; unpack it"),
    "a RAR archive": ("t.txt", lambda names: b"Rar!\x1a\x07" + bytes(90), "t.txt is a RAR archive; unpack it"),
    "a picture": ("t.txt", lambda names: b"\x89PNG\r\n\x1a\n", "t.txt is a picture; give the text in it"),
    "an Arrow file": ("t.txt", lambda names: b"ARROW1\0\0", "t.txt is an Arrow file; save it as CSV or Parquet"),
}


@pytest.fixture
def names() -> list[str]:
    return read_corpus("names").strings[:400]


@pytest.mark.parametrize("what", DIRTY)
@pytest.mark.parametrize("command", ["score", "odd", "train"])
def test_it_is_said_and_what_to_do(refused, tmp_path, names, command, what):
    line, made, said = DIRTY[what]
    name, *options = line.split()
    if what.startswith("Zstandard"):
        pytest.importorskip("backports.zstd")
    Path(name).write_bytes(made(names))
    if command == "train" and name.endswith(".parquet"):
        if what == "Parquet that is a CSV":
            return  # a list is read whatever its name
        said = "t.parquet is a Parquet file; save it as CSV, or score it with --format parquet"
    output = ["-o", "new.safetensors" if command == "train" else f"new{Path(name).suffix}"]
    message = refused(FAILED, command, name, *options, *output)
    assert message.startswith(said)
    assert ";" in message  # what to do


@pytest.mark.parametrize("command", ["score", "odd", "train"])
@pytest.mark.parametrize("name", ["nosuch", "utf-9", "base64", "", "x" * 500])
def test_an_encoding_that_is_none(refused, names, command, name):
    said = f'unknown encoding "{name[:40]}"; name one that Python knows, such as utf-8 or cp1252'
    assert refused(WRONG_USAGE, command, "list.txt", "--encoding", name) == said
    if command != "train":
        Path("t.parquet").write_bytes(parquet(names))
        assert refused(WRONG_USAGE, command, "t.parquet", "--column", "name", "--encoding", name) == said


@pytest.mark.parametrize(
    ("encoding", "strings"),
    [
        ("shift_jis", JAPANESE),
        ("euc_jp", JAPANESE),
        ("gb18030", JAPANESE),
        ("utf-8", JAPANESE),
        ("big5", [f"{a}{b}" for a in "王李張劉陳楊黃" for b in "小明大華文美麗"]),
        ("euc_kr", [f"{a}{b}" for a in "김이박최정강조" for b in "민서준하윤지은"]),
    ],
)
def test_text_that_is_cut_within_a_character(answer, capfd, encoding, strings):
    """One row is lost, which is said, with what can be done."""
    Path("cut.txt").write_bytes("\n".join(strings).encode(encoding)[:-1])
    last = len(strings)
    guess, advice = (
        r"it looks like .*: --encoding \S+",
        "unreadable rows are not of this encoding or format; mend them, .*",
    )
    cut = "it looks like UTF-8 that is cut within a character; mend these rows"
    mend = re.compile(cut if encoding == "utf-8" else f"{guess}|{advice}")
    _, trained = answer(f"train cut.txt --encoding {encoding} --recipe ngram -o m.safetensors")
    first, second = trained.splitlines()[:2]
    assert first == f"wavemore: cut: skipped 1: 1 unreadable (line {last})"
    assert mend.fullmatch(second.removeprefix("wavemore: cut: "))
    _, scored = answer(f"score m.safetensors cut.txt --encoding {encoding} -o scored.tsv")
    first, second = scored.splitlines()[:2]
    assert first == f"wavemore: cut.txt: rows without a score: 1: 1 unreadable (line {last})"
    assert mend.fullmatch(second.removeprefix("wavemore: cut.txt: "))
    lines = Path("scored.tsv").read_bytes().split(b"\n")
    assert len(lines) == last + 1
    assert lines[-1].endswith(strings[-1].encode(encoding)[:-1])


def test_text_that_is_cut_everywhere(refused):
    Path("cut.txt").write_bytes(b"\n".join(string.encode("shift_jis")[:-1] for string in JAPANESE))
    assert refused(FAILED, "train", "cut.txt", "--encoding", "shift_jis") == (
        "100 rows of cut.txt cannot be read (the first is line 1); name the encoding and format it has"
    )


def test_what_is_written_before_a_damaged_place_is_thrown_away(tmp_path, names, monkeypatch, capfd):
    """The pages of a Parquet file are read one by one."""
    monkeypatch.chdir(tmp_path)
    Path("t.parquet").write_bytes(spoiled(parquet(names), 20, 320))
    assert run(["score", "t.parquet", "--column", "name", "-o", "new.parquet"]) == FAILED
    assert capfd.readouterr().err.startswith("wavemore: t.parquet is no Parquet file, or is damaged or cut short (")
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
