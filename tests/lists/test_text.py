"""The lines of plain lists, in any encoding, packed or not."""

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import refusal, rows, texts, written

from wavemore.errors import CorpusError

lines = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\ufeff"), max_size=20), max_size=10)


@settings(deadline=None)
@given(lines, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans(), st.booleans())
def test_lines_come_back_numbered(strings: list[str], end: str, mark: bool, packed: bool, ended: bool):
    text = "".join(string + end for string in strings)
    if strings and strings[-1] and not ended:
        text = text.removesuffix(end)
    data = text.encode("utf-8-sig" if text and mark else "utf-8")
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "list.txt", gzip.compress(data) if packed else data)
        found = rows(path, format="text")
    kept = [string if string.strip() else "" for string in strings]
    assert found == [(n, string, "" if string else "blank") for n, string in enumerate(kept, start=1)]


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


@pytest.mark.parametrize("wide", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("named", ["utf-8", "utf-8-sig"])
def test_the_mark_of_a_wide_encoding_is_obeyed(tmp_path: Path, wide: str, named: str):
    mark = "" if wide in ("utf-16", "utf-32") else "\ufeff"
    path = written(tmp_path / "list.txt", f"{mark}José\r\nさくら\n".encode(wide))
    assert texts(path, encoding=named) == ["José", "さくら"]


def test_utf_16_under_another_name_is_said_to_be_it(tmp_path: Path):
    path = written(tmp_path / "list.txt", "anna\n".encode("utf-16"))
    assert refusal(CorpusError, path, encoding="cp1252") == (
        f"{path} begins as UTF-16 text does, not cp1252; name its encoding: utf-16"
    )


@pytest.mark.parametrize("wide", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_told(tmp_path: Path, wide: str):
    path = written(tmp_path / "list.txt", "anna\nemma\n".encode(wide))
    assert refusal(CorpusError, path).endswith(f"so it is not utf-8 text; it looks like UTF-16: --encoding {wide}")


def test_a_zero_byte_is_no_text(tmp_path: Path):
    path = written(tmp_path / "list.txt", b"an\0na\n")
    assert refusal(CorpusError, path) == (
        f"{path} has a zero byte at position 2, so it is not utf-8 text; "
        "give a text file, or name its encoding if it is utf-16 or utf-32"
    )


def test_damaged_utf_16_is_an_error(tmp_path: Path):
    path = written(tmp_path / "list.txt", b"\xd8\xd8a\0\n\0")
    message = refusal(CorpusError, path, encoding="utf-16-le")
    assert message.startswith(f"{path} is not utf-16-le text (")
    assert message.endswith("); name the encoding it has, or mend the file")
    assert refusal(CorpusError, written(path, "anna\n".encode("utf-16-le")[:-1]), encoding="utf-16-le") == (
        f"{path} ends within a character of its UTF-16-LE text, so it is cut short; write or copy it again"
    )


@pytest.mark.parametrize(("encoding", "byte"), [("utf-8", b"\xff"), ("cp1252", b"\x81"), ("ascii", b"\xe9")])
def test_a_line_that_is_not_of_the_encoding_is_unreadable_alone(tmp_path: Path, encoding: str, byte: bytes):
    path = written(tmp_path / "list.txt", b"anna\nb" + byte + b"b\ncleo\n")
    assert rows(path, encoding=encoding) == [(1, "anna", ""), (2, "", "unreadable"), (3, "cleo", "")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_of_a_line_too_long_the_rest_is_passed_over(tmp_path: Path, end: str):
    long, blanks = "b" * 3_000_000, " " * 1000
    path = written(
        tmp_path / "list.txt", f"{'a' * 10}{end}{long}{end}{blanks}c{blanks}{end}{'d' * 11}{end}{'e' * 5000}"
    )
    assert rows(path, longest=10, strip=True) == [
        (1, "a" * 10, ""),
        (2, "", "too long"),
        (3, "c", ""),
        (4, "", "too long"),
        (5, "", "too long"),
    ]


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
    assert message.endswith("; fetch or compress it again")
