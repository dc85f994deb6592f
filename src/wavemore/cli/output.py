"""What commands print: results to standard output, messages to standard error."""

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, BinaryIO, cast

from wavemore.errors import FileError

__all__ = ["json_line", "result_file", "say", "write_lines"]


def say(message: str) -> None:
    """One message on standard error, on one line."""
    if sys.stderr is not None:
        one_line = " ".join(message.split("\n"))
        print(f"wavemore: {one_line}", file=sys.stderr, flush=True)


def write_lines(lines: Iterable[str]) -> None:
    """Lines on standard output, in UTF-8 with LF. Raises `FileError` when it is closed or full."""
    if sys.stdout is None:
        raise FileError("cannot write the results: standard output is closed")
    if isinstance(sys.stdout, TextIOWrapper):
        # A file's name may hold bytes that are no UTF-8 and so have no character.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    for line in lines:
        _write(line + "\n")
    _write("", flush=True)


@contextmanager
def result_file(output: str | None) -> Iterator[BinaryIO]:
    """Where bytes go: a file that is written whole or not at all, compressed where its name ends in .gz or the like, or
    standard output where `output` is None or "-". Raises `FileError`, and `MissingExtraError` for .zst."""
    if output in (None, "-"):
        stream = _StandardOutput()
        yield cast(BinaryIO, stream)
        stream.flush()
        return
    from wavemore.files import whole_file
    from wavemore.lists.compression import compressed

    with whole_file(output) as file, compressed(file, output) as stream:
        yield stream


def json_line(record: Mapping[str, Any]) -> str:
    """One record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False)


def _write(text: str, *, flush: bool = False) -> None:
    with _written():
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()


@contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # typer makes a quiet end of it
    except OSError as error:
        sys.stdout = None  # what is still buffered cannot be written: do not try again at exit
        raise FileError.of("write the results to", "standard output", error) from error


class _StandardOutput(io.RawIOBase):
    """Standard output for bytes. Raises `FileError` when it is closed or full."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if sys.stdout is None:
            raise FileError("cannot write the results: standard output is closed")
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is None:  # text alone, as in a notebook
            _write(bytes(data).decode("utf-8", "backslashreplace"))
            return len(data)
        with _written():
            return buffer.write(data)

    def flush(self) -> None:
        if sys.stdout is not None:
            _write("", flush=True)
