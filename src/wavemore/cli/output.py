"""What commands print: results to standard output, messages to standard error."""

import json
import sys
from collections.abc import Iterable, Mapping
from io import TextIOWrapper
from typing import Any

from wavemore.errors import FileError

__all__ = ["json_line", "say", "write_lines"]


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


def json_line(record: Mapping[str, Any]) -> str:
    """One record as one line of JSON."""
    return json.dumps(record, ensure_ascii=False)


def _write(text: str, *, flush: bool = False) -> None:
    try:
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()
    except BrokenPipeError:
        raise  # typer makes a quiet end of it
    except OSError as error:
        sys.stdout = None  # what is still buffered cannot be written: do not try again at exit
        raise FileError.of("write the results to", "standard output", error) from error
