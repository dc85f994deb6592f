"""From the name of a source to its bytes and lines: files, standard input, lists of the package and lists fetched once,
compressed or not. What the lines say is for `sources`.

Lines end at LF or CRLF and nowhere else, or at CR where there is no LF: `str.splitlines` would also split at form
feeds, U+2028 and six more.
"""

import codecs
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from glob import has_magic
from pathlib import Path
from typing import IO, Any, AnyStr, BinaryIO, NamedTuple, TypeAlias, cast

from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.lists.compression import expanded
from wavemore.lists.embedded import embedded_lists, embedded_of
from wavemore.lists.encodings import codec_of
from wavemore.lists.fetch import FETCHED, fetched_path
from wavemore.settings.strict import suggestion

__all__ = ["Lines", "Source", "is_read_once", "lines_of", "opened", "place", "source_name"]

Source: TypeAlias = str | Path | IO[Any]
"""A file's path, "-" for standard input, a list's name, or an open file."""

_LONGEST_LINE = 1 << 24  # bytes
_LONGEST_NAME = 255  # of a file, in most systems
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_TEXT = {
    b"PAR1": "a Parquet file; save it as CSV, or score it with --format parquet",
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save it as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save it as CSV",
    b"SQLite format 3": "an SQLite database; export a table of it as CSV",
    b"%PDF-": "a PDF; save its text",
    b"7z\xbc\xaf": "a 7z archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"ARROW1": "an Arrow file; save it as CSV or Parquet",
    b"\x89PNG": "a picture; give the text in it",
}


class Lines(NamedTuple):
    """The lines of a source, read once."""

    where: str
    """How messages call the source."""
    codec: str
    """Python's own name of its encoding, without what belongs to the byte order mark."""
    end: str
    """What ends a line, LF or CR. Before LF there may be a CR."""
    mark: bytes
    """A byte order mark, where it begins with one."""
    lines: Iterator[tuple[bytes, str]]
    """Each line with its end, as bytes and as text. Bytes that cannot be decoded are lone surrogates in the text."""


def source_name(source: Source) -> str:
    """A short name for the source: the file's name without directories and endings, the list's name, or "stdin"."""
    if str(source) == "-":
        return "stdin"
    name = Path(place(source)).name.split(".")[0] or "strings"
    return name.encode("utf-8", "backslashreplace").decode()  # bytes that have no character, as in a model file


def place(source: Source) -> str:
    """How messages call the source."""
    if isinstance(source, str | Path):
        return "standard input" if str(source) == "-" else str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "the open file"


def is_read_once(source: object) -> bool:
    """Whether this is standard input, or the path of a pipe or a device, which cannot be read again."""
    if not isinstance(source, str | Path):
        return False
    try:
        return str(source) == "-" or (Path(source).exists() and not Path(source).is_file())
    except (OSError, ValueError):  # no name of a file at all
        return False


@contextmanager
def lines_of(source: Source, encoding: str, longest: int | None = None) -> Iterator[Lines]:
    """The lines of a source. An open text file has an encoding of its own.

    longest    bytes, or characters in UTF-16 and the like; of a longer line the rest is passed over, and where None,
               one that memory may not hold is an error

    Raises `FileError`, `CorpusError` for what is not text in this encoding, also while the lines are read, and
    `UsageError` for an unknown encoding.
    """
    codec, where = codec_of(encoding), place(source)
    if _is_text(source):
        yield Lines(where, "utf-8", "\n", b"", _text_lines(cast(IO[str], source), where))
        return
    with opened(source) as raw:
        with _named(where, encoding):
            file = _unpacked(raw, where)
            head = file.peek(1 << 16)
        if codec in ("utf-8", "utf-8-sig"):
            codec = next((wide for mark, wide in _MARKS.items() if head.startswith(mark)), codec)
        _check_text(head, codec, where)
        if codec in _MARKS.values():  # whose byte order only a mark tells
            orders = [f"{codec}-le", f"{codec}-be"]
            codec = next((c for c in orders if head.startswith("\ufeff".encode(c))), orders[sys.byteorder == "big"])
        codec = codec.removesuffix("-sig").removesuffix("_sig")
        mark = "\ufeff".encode(codec, "ignore")
        mark = mark if mark and head.startswith(mark) else b""
        file.read(len(mark))
        text = head.decode(codec, "ignore")
        end = "\r" if "\r" in text[:-1] and "\n" not in text else "\n"
        yield Lines(where, codec, end, mark, _split(file, codec, end, where, encoding, longest))


@contextmanager
def _named(where: str, encoding: str) -> Iterator[None]:
    """Within this context what goes wrong while the source is read is a `CorpusError` or a `FileError`."""
    try:
        yield
    except UnicodeError as error:
        if isinstance(error, UnicodeDecodeError) and error.reason == "truncated data":
            codec = error.encoding.upper()
            raise CorpusError(
                f"{where} ends within a character of its {codec} text, so it is cut short; write or copy it again"
            ) from error
        raise CorpusError(
            f"{where} is not {encoding} text ({error}); name the encoding it has, or mend the file"
        ) from error
    except FileError:
        raise
    except OSError as error:
        raise FileError.of("read", where, error) from error


@contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """The source's bytes as they are. Raises `FileError`, and what `fetched_path` raises."""
    if not isinstance(source, str | Path):
        yield cast(BinaryIO, _LeftOpen(source))
        return
    if str(source) == "-":
        if sys.stdin is None:
            raise FileError("standard input is closed, so no strings can be read from it; give a file")
        yield cast(BinaryIO, _LeftOpen(sys.stdin.buffer))
        return
    path = _found(str(source))
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileError.of("read", source, error) from error
    with file:
        yield cast(BinaryIO, file)


def _found(name: str) -> Path:
    """The file of this name, or of the list of this name."""
    if not name:
        raise UsageError("the list has an empty name; give a file or a list's name")
    if (listed := embedded_of(name)) is not None:
        return listed.path
    path = Path(name)
    try:
        path.stat()
    except (FileNotFoundError, ValueError) as error:  # the latter for a zero character
        if name in FETCHED:
            return fetched_path(name)
        if path.is_symlink():
            raise FileError(f"cannot read {name}: it is a link to a file that is not there") from error
    except OSError as error:  # such as a name that is too long
        if len(name) <= _LONGEST_NAME:
            raise FileError.of("read", name, error) from error
    else:
        return path
    if "\n" in name or len(name) > _LONGEST_NAME:
        raise UsageError(
            f"the list is one string of {len(name):,} characters, {name[:40]!r}...; it must be several strings, or the "
            "name of a file"
        )
    known = (*embedded_lists(), *FETCHED)
    pattern = "; a pattern of many files is for wavemore score --on alone" if has_magic(name) else ""
    raise FileError(
        f'there is no file "{name}" and no list of that name{suggestion(name, known)}; '
        f"lists are {', '.join(known)}{pattern}"
    )


class _LeftOpen(io.RawIOBase):
    """A stream that leaves the file it reads open when it is closed itself."""

    def __init__(self, file: Any) -> None:
        self._read = file.read1 if hasattr(file, "read1") else file.read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _is_text(source: Source) -> bool:
    """Whether this is an open file of text. Raises `FileError` where it cannot be read."""
    if isinstance(source, str | Path):
        return False
    try:
        return isinstance(source.read(0), str)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {place(source)}: {error}") from error


def _unpacked(raw: BinaryIO, where: str) -> "io.BufferedReader[Any]":
    """The bytes that are not compressed. Raises `CorpusError` for what is known not to be text."""
    file = expanded(io.BufferedReader(cast(io.RawIOBase, raw), 1 << 16), where)
    head = file.peek(16)
    for first, what in _NO_TEXT.items():
        if head.startswith(first):
            raise CorpusError(f"{where} is {what}")
    if head[4:9] == b"\0\0\0\0{":  # the length of the JSON that a safetensors file begins with
        raise CorpusError(f"{where} is a model or another file of tensors and no list; name a list, such as names")
    return file


def _check_text(head: bytes, codec: str, where: str) -> None:
    """Raise `CorpusError` where text in this codec cannot begin like this."""
    if codec.startswith(("utf-16", "utf-32")):
        return
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CorpusError(f"{where} begins as UTF-16 text does, not {codec}; name its encoding: utf-16")
    if b"\0" in head:
        halves = [head[i : len(head) // 2 * 2 : 2] for i in (0, 1)]
        wide = next((w for w, half in zip(("be", "le"), halves, strict=True) if half.count(0) > 0.9 * len(half)), "")
        mend = "give a text file, or name its encoding if it is utf-16 or utf-32"
        mend = f"it looks like UTF-16: --encoding utf-16-{wide}" if wide else mend
        raise CorpusError(f"{where} has a zero byte at position {head.index(0)}, so it is not {codec} text; {mend}")


def _text_lines(file: IO[str], where: str) -> Iterator[tuple[bytes, str]]:
    with _named(where, getattr(file, "encoding", None) or "utf-8"):
        for number, line in enumerate(file):
            text = line.removeprefix("\ufeff") if number == 0 else line
            yield text.encode("utf-8", "surrogatepass"), text


def _split(
    file: io.BufferedReader, codec: str, end: str, where: str, encoding: str, longest: int | None
) -> Iterator[tuple[bytes, str]]:
    errors = "strict" if codec.startswith(("utf-16", "utf-32")) else "surrogateescape"
    with _named(where, codec if errors == "strict" else encoding):
        if end == "\n" and "\na,".encode(codec) == b"\na,":  # where a line ends is seen without decoding it
            for raw in _cut(file.readline, b"\n", where, longest):
                yield raw, raw.decode(codec, errors)
            return
        with io.TextIOWrapper(cast(BinaryIO, file), codec, errors, newline=end) as stream:
            for line in _cut(stream.readline, end, where, longest):
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
