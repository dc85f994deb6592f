"""What commands print: results to standard output, messages to standard error.

A file and a pipe get all characters as they are. On a terminal those that would steer it are escaped, here and for all
commands: see `tables/visible.py`.
"""

import codecs
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from wavemore.errors import FileError, UsageError
from wavemore.tables.visible import visible, visible_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from wavemore.judging.scored_table import ScoredTable
    from wavemore.scale.jobs import Job

__all__ = ["json_line", "result_file", "run_job", "say", "say_without", "write_lines", "write_rows"]


def say(message: str) -> None:
    """One message on standard error, on one line."""
    if sys.stderr is not None:
        one_line = " ".join(message.split("\n"))
        if sys.stderr.isatty():
            one_line = visible(one_line)
        print(f"wavemore: {one_line}", file=sys.stderr, flush=True)


def write_lines(lines: Iterable[str], *, coloured: bool = False) -> None:
    """Lines on standard output, in UTF-8 with LF. Raises `FileError` when it is closed or full.

    coloured    the lines have colours for a terminal, and what else would steer it is escaped in them
    """
    if sys.stdout is None:
        raise FileError("cannot write the results: standard output is closed")
    if isinstance(sys.stdout, TextIOWrapper):
        # A file's name may hold bytes that are no UTF-8 and so have no character.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    as_shown = visible if _is_terminal() and not coloured else str
    with _cut_short():
        for line in lines:
            _write(as_shown(line) + "\n")
        _write("", flush=True)


@contextmanager
def result_file(output: str | None, text: "TextTold | None" = None) -> Iterator[BinaryIO]:
    """Where bytes go: a file that is written whole or not at all, compressed where its name ends in .gz or the like, or
    standard output where `output` is None or "-". Raises `FileError`, and `MissingExtraError` for .zst.

    text    what the bytes are, for a terminal; without it, UTF-8
    """
    if output in (None, "-"):
        stream = _Terminal(text or TextTold()) if _is_terminal() else _StandardOutput()
        with _cut_short():
            yield cast(BinaryIO, stream)
            stream.flush()
        return
    from wavemore.files import whole_file
    from wavemore.lists.compression import compressed

    try:
        with whole_file(output) as file, compressed(file, output) as stream:
            yield stream
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; {output} was not written") from None


def write_rows(found: "ScoredTable", output: str | None, *, json: bool) -> None:
    """Into a file, or to standard output. Raises `UsageError` for a file whose name tells of another format, and for
    Parquet on a terminal."""
    kind = "jsonl" if json else found.table.kind
    _check(output, kind)
    text = (
        TextTold(is_json=True) if json else TextTold(found.table.codec, found.table.line_end, kind.startswith("json"))
    )
    with result_file(output, text) as file:
        found.write(file, json=json)


def run_job(
    make: "Callable[[str], Job]", on: str, output: str | None, useless: Mapping[str, bool], *, quiet: bool
) -> None:
    """Run a job of many files, into the folder `output`. Raises `UsageError` without one, and for options that were
    given and are of no use to a job (`useless`)."""
    from wavemore.scale.jobs import runner_of

    for name in (name for name, given in useless.items() if given):
        raise UsageError(f"--{name} has no use with --on, whose parts are written one by one; leave one of them out")
    if not output or output == "-":
        raise UsageError("--on writes many files; name a folder for them, as in --output out")
    runner = runner_of(on)
    try:
        done = make(output).run(runner, progress=not quiet)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; what is finished stays in {output}, and the same command goes on") from None
    if not quiet:
        before = f"; of these were there already: {done.before:,}" if done.before else ""
        say(f"{output}: {done.rows:,} rows were written; parts in all: {done.parts:,}{before}")


def say_without(found: "ScoredTable") -> None:
    """How many rows have no string, and why; and what else was found."""
    table, without = found.table, found.tally.without
    if without.counts:
        reasons = str(without).removeprefix("skipped ")
        reasons = reasons.replace("(line", "(row") if table.kind == "parquet" else reasons
        ragged = "; ragged rows are written as they were" if without.counts["ragged"] else ""
        say(f"{table.source}: rows without a score: {reasons}{ragged}")
    for note in table.notes.all():
        say(f"{table.source}: {note}")


def json_line(record: Mapping[str, Any]) -> str:
    """One record as one line of JSON."""
    import json  # which takes 2 ms that --help does without

    line = json.dumps(record, ensure_ascii=False)
    return visible_json(line) if _is_terminal() else line


class TextTold(NamedTuple):
    """What is known of a text that comes as bytes."""

    codec: str = "utf-8"
    line_end: str = "\n"
    is_json: bool = False


def _check(output: str | None, kind: str) -> None:
    from wavemore.lists.compression import without_ending
    from wavemore.tables.formats import format_of_name

    if output in (None, "-"):
        if kind == "parquet" and _is_terminal():
            raise UsageError("Parquet cannot be read on a terminal; name a file with --output, or add --json")
        return
    named = format_of_name(output)
    if named not in ("text", kind):
        ending = "".join(Path(output).suffixes[-2 if without_ending(output) != output else -1 :])
        raise UsageError(f"{output} would hold {kind}, and {ending} is for {named}; give it another ending")


@contextmanager
def _cut_short() -> Iterator[None]:
    """Ctrl-C within says that there would have been more to print."""
    try:
        yield
    except KeyboardInterrupt:
        with suppress(FileError):  # what has been printed is there, as far as it came
            _write("", flush=True)
        raise KeyboardInterrupt("stopped; what was printed is not all") from None


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


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


class _Terminal(io.RawIOBase):
    """A terminal for the bytes of a text, which it shows in lines. Tabs stay, which stand between cells; bytes that are
    no text in its encoding are escaped."""

    def __init__(self, text: TextTold) -> None:
        self._decoder = codecs.getincrementaldecoder(text.codec)("backslashreplace")
        self._show = visible_json if text.is_json else visible
        self._end = text.line_end
        self._held = ""  # a CR, which may be half of a line end

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._show_text(self._decoder.decode(bytes(data)))
        return len(data)

    def flush(self) -> None:
        if sys.stdout is not None:
            self._show_text(self._decoder.decode(b"", final=True), final=True)
            _write("", flush=True)

    def _show_text(self, text: str, *, final: bool = False) -> None:
        text = self._held + text
        self._held = "\r" if text.endswith("\r") and self._end == "\n" and not final else ""
        text = text.removesuffix(self._held).replace("\r\n", "\n").replace(self._end, "\n")
        _write("\n".join("\t".join(map(self._show, line.split("\t"))) for line in text.split("\n")))
