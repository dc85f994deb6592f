"""From the name of a source to its bytes and lines: files, standard input, lists of the package and lists fetched once,
packed with gzip or not. What the bytes say is for `sources` and `tables`."""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.lists.fetch import FETCHED, fetched_path
from wavemore.settings.strict import suggestion

__all__ = [
    "LONGEST_LINE",
    "Lines",
    "codec_of",
    "embedded_lists",
    "lines_of",
    "opened",
    "place",
    "reading",
    "source_name",
    "too_long",
]

LONGEST_LINE = 1 << 24
"""Characters; a longer line of a table is not one."""
_WIDE = ("utf-16", "utf-32")

Lines: TypeAlias = Iterator[tuple[bytes, str]]


def embedded_lists() -> tuple[str, ...]:
    """The names of the lists in the package, sorted."""
    files = (resources.files("wavemore.lists") / "datasets").iterdir()
    return tuple(sorted(f.name.removesuffix(".txt") for f in files if f.name.endswith(".txt")))


def source_name(source: str | Path) -> str:
    """A short name for the source: the file's name without directories and endings, the list's name, or "stdin"."""
    if str(source) == "-":
        return "stdin"
    name = Path(source).name.split(".")[0] or "strings"
    return name.encode("utf-8", "backslashreplace").decode()  # bytes that have no character, as in a model file


def place(source: str | Path) -> str:
    """How messages call the source."""
    return "standard input" if str(source) == "-" else str(source)


def codec_of(encoding: str) -> str:
    """Python's own name of a text encoding. Raises `UsageError`."""
    try:
        codec = codecs.lookup(encoding).name
        io.TextIOWrapper(io.BytesIO(), codec)  # refuses codecs that are not of text, such as hex
    except LookupError as error:
        raise UsageError(
            f'unknown encoding "{encoding}"; name one that Python knows, such as utf-8 or cp1252'
        ) from error
    return codec


@contextmanager
def reading(source: str | Path, encoding: str) -> Iterator[io.BufferedReader]:
    """The source's bytes without gzip, checked to be what text in this encoding begins with. Whatever goes wrong while
    the block reads them is a `CorpusError` or a `FileError`."""
    codec, where = codec_of(encoding), place(source)
    with opened(source) as raw:
        try:
            yield _unpacked(raw, where, codec)
        except UnicodeError as error:
            raise CorpusError(
                f"{where} is not {encoding} text ({error}); name the encoding it has, or mend the file"
            ) from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise CorpusError(f"{where} is a damaged gzip file: {error}; fetch or pack it again") from error
        except FileError:
            raise
        except OSError as error:
            raise FileError.of("read", where, error) from error


@contextmanager
def opened(source: str | Path) -> Iterator[BinaryIO]:
    """The source's bytes as they are. Raises `FileError`, and what `fetched_path` raises."""
    if str(source) == "-":
        if sys.stdin is None:
            raise FileError("standard input is closed, so no strings can be read from it; give a file")
        yield cast(BinaryIO, _StandardInput())
        return
    path = Path(source)
    name = str(source)
    if not name:
        raise UsageError("the list has an empty name; give a file or a list's name")
    try:
        exists, is_file = path.exists(), path.is_file()
    except OSError as error:  # such as a name that is too long
        raise FileError.of("read", source, error) from error
    if not is_file and name in embedded_lists():
        with (resources.files("wavemore.lists") / "datasets" / f"{name}.txt").open("rb") as file:
            yield cast(BinaryIO, file)
        return
    if not exists:
        if name in FETCHED:
            path = fetched_path(name)
        else:
            known = (*embedded_lists(), *FETCHED)
            raise FileError(
                f'there is no file "{name}" and no list of that name{suggestion(name, known)}; '
                f"lists are {', '.join(known)}"
            )
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileError.of("read", source, error) from error
    with file:
        yield cast(BinaryIO, file)


class _StandardInput(io.RawIOBase):
    """Standard input as a stream that leaves it open when it is closed itself."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = cast(io.BufferedReader, sys.stdin.buffer).read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _unpacked(raw: BinaryIO, where: str, codec: str) -> "io.BufferedReader[Any]":
    """The bytes without gzip. Raises `CorpusError` where text in this codec cannot begin like this."""
    buffered = io.BufferedReader(cast(io.RawIOBase, raw), 1 << 16)
    head = buffered.peek(1 << 16)
    if head.startswith(b"\x1f\x8b"):
        buffered = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=buffered)), 1 << 16)
        head = buffered.peek(1 << 16)
    wide = codec.startswith(_WIDE)
    if not wide and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CorpusError(f"{where} begins as UTF-16 text does, not {codec}; name its encoding: utf-16")
    if not wide and b"\0" in head:
        raise CorpusError(
            f"{where} has a zero byte at position {head.index(0)}, so it is not {codec} text; "
            "give a text file, or name its encoding if it is utf-16 or utf-32"
        )
    return buffered


def lines_of(source: str | Path, encoding: str) -> Generator[tuple[bytes, str], None, None]:
    """Each line with its end, as bytes and as text; before all others a byte order mark and the name of the codec.
    Raises what `reading` raises, and `CorpusError` for a line without end."""
    codec, where = codec_of(encoding), place(source)
    with reading(source, encoding) as file:
        head = file.peek(4)[:4]
        if codec in _WIDE:  # whose byte order only a mark tells
            orders = [f"{codec}-le", f"{codec}-be"]
            codec = next((c for c in orders if head.startswith("\ufeff".encode(c))), orders[sys.byteorder == "big"])
        codec = codec.removesuffix("-sig").removesuffix("_sig")
        mark = "\ufeff".encode(codec, "ignore")
        mark = mark if mark and head.startswith(mark) else b""
        file.read(len(mark))
        yield mark, codec
        if "\na,".encode(codec) == b"\na,":
            yield from _byte_lines(file, codec, where)
        else:
            yield from _coded_lines(file, codec, encoding, where)


def _byte_lines(file: io.BufferedReader, codec: str, where: str) -> Lines:
    """Where a line ends is seen without decoding it. Bytes that cannot be decoded become lone surrogates."""
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            raise too_long(number, where, LONGEST_LINE, "bytes")
        yield raw, raw.decode(codec, "surrogateescape")


def _coded_lines(file: io.BufferedReader, codec: str, encoding: str, where: str) -> Lines:
    """UTF-16, UTF-32 and EBCDIC: the text is decoded, split, and encoded again."""
    wide = codec.startswith(_WIDE)
    errors = "strict" if wide else "surrogateescape"
    every = bytes(range(256))
    if not wide and every.decode(codec, errors).encode(codec, errors) != every:
        raise UsageError(
            f"text in {encoding} cannot be written back as it was, since some of its bytes mean the same; "
            "convert the list to utf-8 first"
        )
    number = 0
    with io.TextIOWrapper(cast(BinaryIO, file), codec, errors, newline="\n") as stream:
        while line := stream.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE and not line.endswith("\n"):
                raise too_long(number, where, LONGEST_LINE)
            yield line.encode(codec, errors), line


def too_long(line: int, source: object, most: int, unit: str = "characters") -> CorpusError:
    """The error for a line of a table that is longer than this."""
    return CorpusError(f"line {line} of {source} is longer than {most:,} {unit}; is it a table at all?")
