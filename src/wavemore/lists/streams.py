"""From the name of a source to its bytes and lines: files, standard input, lists of the package and lists fetched once,
packed with gzip or not. What the lines say is for `sources`.

Lines end at LF or CRLF and nowhere else: `str.splitlines` would also split at form feeds, U+2028 and six more.
"""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, AnyStr, BinaryIO, NamedTuple, cast

from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.lists.fetch import FETCHED, fetched_path
from wavemore.settings.strict import suggestion

__all__ = ["Lines", "embedded_lists", "lines_of", "opened", "place", "source_name"]

_LONGEST_LINE = 1 << 24  # bytes
_WIDE = ("utf-16", "utf-32")


class Lines(NamedTuple):
    """The lines of a source, read once."""

    where: str
    """How messages call the source."""
    codec: str
    """Python's own name of its encoding, without what belongs to the byte order mark."""
    mark: bytes
    """A byte order mark, where it begins with one."""
    lines: Iterator[tuple[bytes, str]]
    """Each line with its end, as bytes and as text. Bytes that cannot be decoded are lone surrogates in the text."""


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


@contextmanager
def lines_of(source: str | Path, encoding: str, longest: int | None = None) -> Iterator[Lines]:
    """The lines of a file, of standard input ("-"), of an embedded list or of one that can be fetched.

    longest    bytes, or characters in UTF-16 and the like; of a longer line the rest is passed over, and where None,
               one that memory may not hold is an error

    Raises `FileError`, `CorpusError` for what is not text in this encoding, also while the lines are read, and
    `UsageError` for an unknown encoding.
    """
    codec, where = _codec(encoding), place(source)
    with opened(source) as raw:
        with _named(where, encoding):
            file = _unpacked(raw, where, codec)
            head = file.peek(4)[:4]
        if codec in _WIDE:  # whose byte order only a mark tells
            orders = [f"{codec}-le", f"{codec}-be"]
            codec = next((c for c in orders if head.startswith("\ufeff".encode(c))), orders[sys.byteorder == "big"])
        codec = codec.removesuffix("-sig").removesuffix("_sig")
        mark = "\ufeff".encode(codec, "ignore")
        mark = mark if mark and head.startswith(mark) else b""
        file.read(len(mark))
        yield Lines(where, codec, mark, _split(file, codec, where, encoding, longest))


def _codec(encoding: str) -> str:
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
def _named(where: str, encoding: str) -> Iterator[None]:
    """Within this context what goes wrong while the source is read is a `CorpusError` or a `FileError`."""
    try:
        yield
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
    path, name = Path(source), str(source)
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
        if name not in FETCHED:
            known = (*embedded_lists(), *FETCHED)
            raise FileError(
                f'there is no file "{name}" and no list of that name{suggestion(name, known)}; '
                f"lists are {', '.join(known)}"
            )
        path = fetched_path(name)
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


def _split(
    file: io.BufferedReader, codec: str, where: str, encoding: str, longest: int | None
) -> Iterator[tuple[bytes, str]]:
    errors = "strict" if codec.startswith(_WIDE) else "surrogateescape"
    with _named(where, encoding):
        if "\na,".encode(codec) == b"\na,":  # where a line ends is seen without decoding it
            for raw in _cut(file.readline, b"\n", where, longest):
                yield raw, raw.decode(codec, errors)
            return
        with io.TextIOWrapper(cast(BinaryIO, file), codec, errors, newline="\n") as stream:
            for line in _cut(stream.readline, "\n", where, longest):
                yield line.encode(codec, errors), line


def _cut(readline: Callable[[int], AnyStr], end: AnyStr, where: str, longest: int | None) -> Iterator[AnyStr]:
    """The lines, of which those that are longer than `longest` lose the rest, or are an error where it is None."""
    most = longest or _LONGEST_LINE
    for number, line in enumerate(iter(partial(readline, most), end[:0]), start=1):
        if len(line) == most and not line.endswith(end):
            if longest is None:
                unit = "bytes" if isinstance(line, bytes) else "characters"
                raise CorpusError(f"line {number} of {where} is longer than {most:,} {unit}; is it a table at all?")
            while (rest := readline(most)) and not rest.endswith(end):
                pass
        yield line
