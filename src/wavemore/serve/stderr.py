"""Lines on standard error that never keep a server from its work, whoever reads them, or does not."""

import os
import select
import sys
from contextlib import suppress

__all__ = ["to_stderr"]


def to_stderr(text: str) -> None:
    """A line on standard error, if there is one; left out where nobody reads there any more, or not fast enough."""
    if sys.stderr is None:
        return
    try:
        number = sys.stderr.fileno()
    except (OSError, ValueError):  # no file of the system's, as in tests and notebooks
        with suppress(ValueError):
            sys.stderr.write(text + "\n")
        return
    if _takes_more(number):
        with suppress(OSError):
            os.write(number, f"{text}\n".encode(errors="backslashreplace"))


def _takes_more(number: int) -> bool:
    """Whether a line can be written without waiting; a pipe that is full would stop all requests."""
    try:
        return bool(select.select([], [number], [], 0)[1])
    except (OSError, ValueError):  # Windows asks that of sockets alone
        return True
