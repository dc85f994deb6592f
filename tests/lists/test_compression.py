"""Compressed files are told by their first bytes, and written as the ending of their name says."""

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rows import refusal, texts, written

from wavemore.errors import CorpusError, MissingExtraError
from wavemore.lists.compression import compressed, without_ending

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd.compress,
}
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "Zstandard"}
LONG = "".join(f"name{i}\n" for i in range(20_000)).encode()


@pytest.mark.parametrize("ending", COMPRESS)
def test_it_is_told_by_the_first_bytes_and_may_have_several_parts(tmp_path: Path, ending: str):
    compress = COMPRESS[ending]
    path = written(tmp_path / "list", compress(b"an") + compress(b"na\nbob\n"))
    assert texts(path) == ["anna", "bob"]


@pytest.mark.parametrize("ending", COMPRESS)
def test_the_ending_before_it_tells_the_format(tmp_path: Path, ending: str):
    path = written(tmp_path / f"list.csv{ending}", COMPRESS[ending](b"id,name\n1,anna\n"))
    assert texts(path, column="name") == ["anna"]


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("spoil", [lambda data: data[:-9], lambda data: data[: len(data) // 2] + b"\0\xff" * 70])
def test_a_damaged_file_is_an_error(tmp_path: Path, ending: str, spoil: Callable[[bytes], bytes]):
    path = written(tmp_path / f"list{ending}", spoil(COMPRESS[ending](LONG)))
    message = refusal(CorpusError, path)
    assert message.startswith(f"{path} is a damaged {NAMES[ending]} file: ")
    assert message.endswith("; fetch or compress it again")


@pytest.mark.parametrize("ending", COMPRESS)
def test_what_is_written_can_be_read_and_is_the_same_each_time(tmp_path: Path, ending: str):
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        with compressed(file, f"list.csv{ending}") as stream:
            stream.write(LONG)
    assert files[0].getvalue() == files[1].getvalue()
    assert len(files[0].getvalue()) < len(LONG) / 2
    assert texts(written(tmp_path / "list", files[0].getvalue())) == LONG.decode().split()


def test_other_endings_are_written_as_they_are():
    file = io.BytesIO()
    with compressed(file, "list.csv") as stream:
        stream.write(b"anna\n")
    assert file.getvalue() == b"anna\n"


def test_an_ending_goes_once():
    named = {"a.csv.gz": "a.csv", "a.csv": "a.csv", "a.gz.zst": "a.gz", "a.ZST": "a"}
    assert {name: without_ending(name) for name in named} == named


def test_without_its_package_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    path = written(tmp_path / "list", zstd.compress(b"anna\n"))
    assert refusal(MissingExtraError, path) == (
        "Zstandard needs backports.zstd, which is not installed; install it with: pip install 'wavemore[zstd]'"
    )


@pytest.mark.parametrize(
    ("first", "what"),
    [
        (b"PAR1", "a Parquet file; save it as CSV, or score it with --format parquet"),
        (b"PK\x03\x04", "a zip archive or an Excel workbook; unpack it, or save it as CSV"),
        (b"\xd0\xcf\x11\xe0", "an Excel workbook; save it as CSV"),
        (b"SQLite format 3\0", "an SQLite database; export a table of it as CSV"),
        (b"%PDF-1.7", "a PDF; save its text"),
    ],
)
def test_files_that_are_no_text_are_called_what_they_are(tmp_path: Path, first: bytes, what: str):
    path = written(tmp_path / "list", first + b"\n\xff\x00")
    assert refusal(CorpusError, path) == f"{path} is {what}"
    assert (
        refusal(CorpusError, written(tmp_path / "packed", gzip.compress(first))) == f"{tmp_path / 'packed'} is {what}"
    )
