"""What commands print: results to standard output, messages to standard error."""

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from wavemore.errors import FileError, UsageError

if TYPE_CHECKING:
    from wavemore.judging.scored_table import ScoredTable

__all__ = ["json_line", "result_file", "say", "say_without", "write_lines", "write_rows"]


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


def write_rows(found: "ScoredTable", output: str | None, *, json: bool) -> None:
    """Into a file, or to standard output. Raises `UsageError` for a file whose name tells of another format, and for
    Parquet on a terminal."""
    _check(output, "jsonl" if json else found.table.kind)
    with result_file(output) as file:
        found.write(file, json=json)


def say_without(found: "ScoredTable") -> None:
    """How many rows have no string, and why; and what else was found."""
    table, without = found.table, found.tally.without
    if without.counts:
        reasons = str(without).removeprefix("skipped ")
        reasons = reasons.replace("(line", "(row") if table.kind == "parquet" else reasons
        say(f"{table.source}: rows without a score: {reasons}")
    for note in table.notes.all():
        say(f"{table.source}: {note}")


def json_line(record: Mapping[str, Any]) -> str:
    """One record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False)


def _check(output: str | None, kind: str) -> None:
    from wavemore.lists.compression import without_ending
    from wavemore.tables.formats import format_of_name

    if output in (None, "-"):
        if kind == "parquet" and sys.stdout is not None and sys.stdout.isatty():
            raise UsageError("Parquet cannot be read on a terminal; name a file with --output, or add --json")
        return
    named = format_of_name(output)
    if named not in ("text", kind):
        ending = "".join(Path(output).suffixes[-2 if without_ending(output) != output else -1 :])
        raise UsageError(f"{output} would hold {kind}, and {ending} is for {named}; give it another ending")


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
