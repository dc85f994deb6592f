"""Compressed files: told by their first bytes when they are read, and by the ending of their name when written.

gzip, bzip2, xz and Zstandard. Python has Zstandard from 3.14 on; before, it needs the extra "zstd".
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from wavemore.errors import CorpusError, MissingExtraError

__all__ = ["compressed", "expanded", "without_ending"]


class _Kind(NamedTuple):
    name: str
    first: bytes
    """What a file begins with."""
    modules: tuple[str, ...]
    """The first of them that there is has `file`, its class of files."""
    file: str


_KINDS = {
    ".gz": _Kind("gzip", b"\x1f\x8b", ("gzip",), "GzipFile"),
    ".bz2": _Kind("bzip2", b"BZh", ("bz2",), "BZ2File"),
    ".xz": _Kind("xz", b"\xfd7zXZ\0", ("lzma",), "LZMAFile"),
    ".zst": _Kind("Zstandard", b"\x28\xb5\x2f\xfd", ("compression.zstd", "backports.zstd"), "ZstdFile"),
}


def without_ending(name: str | Path) -> str:
    """The name without the ending of a compressed file."""
    path = Path(name)
    return str(path.with_suffix("")) if path.suffix.lower() in _KINDS else str(name)


def expanded(raw: "io.BufferedReader[Any]", where: str) -> "io.BufferedReader[Any]":
    """The bytes that a compressed file holds; those of any other file as they are. `where` names it in messages.

    Raises `MissingExtraError`, and while it is read `CorpusError` for a damaged one.
    """
    head = raw.peek(8)
    for kind in _KINDS.values():
        if head.startswith(kind.first):
            open_ = _opener(kind)
            file = _Expanded(open_(fileobj=raw) if kind.name == "gzip" else open_(raw), kind.name, where)
            return io.BufferedReader(cast(io.RawIOBase, file), 1 << 16)
    return raw


@contextmanager
def compressed(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """Where the bytes of a file of this name go: compressed where its ending says so. The same bytes always give the
    same file. Raises `MissingExtraError`."""
    kind = _KINDS.get(Path(name).suffix.lower())
    if kind is None:
        yield file
        return
    open_ = _opener(kind)
    with open_("", "wb", 6, file, mtime=0) if kind.name == "gzip" else open_(file, "wb") as stream:
        yield stream


def _opener(kind: _Kind) -> Any:
    for module in kind.modules:
        try:
            return getattr(import_module(module), kind.file)
        except ModuleNotFoundError:
            continue
    raise MissingExtraError.of(kind.name, kind.modules[-1], "zstd")


class _Expanded(io.RawIOBase):
    """What a compressed file holds, the libraries' errors turned into our own."""

    def __init__(self, file: BinaryIO, kind: str, where: str) -> None:
        self._file, self._kind, self._where = file, kind, where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except MemoryError:
            raise
        except Exception as error:  # each library has its own, besides EOFError and OSErrors without a number
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise CorpusError(
                f"{self._where} is a damaged {self._kind} file: {error}; fetch or compress it again"
            ) from error
        buffer[: len(data)] = data
        return len(data)
