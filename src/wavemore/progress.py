"""What standard error shows: progress, drawn with rich, which comes with typer, and lines of a server."""

import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

__all__ = ["TrainingProgress", "Watch", "counted", "to_stderr", "waiting", "watching"]

_EVERY = 0.1  # seconds between two drawings
_AFTER = 1.0  # seconds before the first
_REDRAWN = 0.5  # seconds between two drawings of a line of numbers

Item = TypeVar("Item")


class TrainingProgress:
    """A bar with loss, steps a second and time left, and a line for each evaluation. A `train.Monitor`.

    The bar is for terminals, and so is what says that it goes on before the first step and after the last; a log or a
    pipe gets the lines alone. With `quiet` nothing is written.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True, quiet=quiet, highlight=False, markup=False, emoji=False)
        self._bar = _bar(
            self._console,
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[measured]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            disable=quiet or not self._console.is_terminal,
        )
        self._steps = 0
        self._task = self._bar.add_task("", total=1, measured="")
        self._first: tuple[int, float] | None = None
        self._next = 0.0
        self._quiet, self._waiting = quiet, ExitStack()

    def __enter__(self) -> Self:
        self._waiting.enter_context(waiting("learning", quiet=self._quiet))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._waiting.close()
        if not self._bar.disable:  # rich before 13.9 writes a blank line into a log
            self._bar.stop()

    def begin(self, steps: int, what: str) -> None:
        self._waiting.close()
        self._steps, self._first = steps, None
        if what:
            self._console.print(what, soft_wrap=True)
        self._bar.update(self._task, total=steps)
        self._bar.start()  # not before: without a total it cannot be drawn

    def step(self, step: int, loss: float) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        if self._first is None:
            self._first = (step, now)
        done, seconds = step - self._first[0], now - self._first[1]
        speed = done / seconds if seconds else 0.0
        measured = f"loss {loss:.4f}  {speed:,.0f} steps/s"
        self._bar.update(self._task, completed=step, measured=measured, refresh=True)

    def evaluated(self, record: dict[str, Any]) -> None:
        width = len(f"{self._steps:,}")
        member = f"network {record['member'] + 1}  " if "member" in record else ""
        self._console.print(
            f"{member}step {record['step']:>{width},}  batch loss {record['batch_loss']:.4f}  "
            f"validation loss {record['validation_loss']:.4f}",
            soft_wrap=True,
        )

    def end(self) -> None:
        if not self._bar.disable:
            self._bar.stop()
        self._waiting.enter_context(waiting("evaluating what was learned", quiet=self._quiet))


def counted(
    items: Iterable[Item],
    total: int | None,
    what: str,
    *,
    quiet: bool = False,
    printed: bool = False,
    size: Callable[[Item], int] = lambda item: 1,
) -> Iterator[Item]:
    """The items, with a bar on a terminal's standard error once they take longer than a second. An item counts as many
    times as its `size` says.

    printed    whether the items appear on standard output as they come. On a terminal that shows progress enough, and
               there is no bar
    """
    printed = printed and sys.stdout is not None and sys.stdout.isatty()
    if quiet or printed or sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn(what, markup=False), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn()
    bar = _bar(Console(stderr=True), *columns)
    task = bar.add_task(what, total=total)
    due = time.monotonic() + _AFTER
    shown = False
    done = 0
    try:
        for item in items:
            yield item
            done += size(item)
            if time.monotonic() >= due:
                if not shown:
                    bar.start()
                    shown = True
                bar.update(task, completed=done, refresh=True)
                due = time.monotonic() + _EVERY
    finally:
        if shown:
            bar.stop()


def _bar(console: "Console", *columns: "ProgressColumn", disable: bool = False) -> "Progress":
    from rich.progress import Progress

    # What the caller prints meanwhile is not ours: rich would send it to standard error.
    return Progress(
        *columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False, disable=disable
    )


class Watch:
    """Numbers on one line of a terminal's standard error, and the seconds so far. A thread of its own draws them:
    whatever takes long, the line moves."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._numbers: tuple[int, ...] = (0,) * text.count("{")
        self._length = 0
        self._drawing = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def __call__(self, *numbers: int) -> None:
        self._numbers = numbers

    def hide(self) -> None:
        """Take the line away until it is drawn again, before something else is written on the terminal."""
        with self._drawing:
            self._write("")

    def hidden(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, each with the line taken away before."""
        for item in items:
            self.hide()
            yield item

    def end(self) -> None:
        """Take the line away for good."""
        self._over.set()
        self._thread.join()
        self.hide()

    def _draw(self) -> None:
        begun, pause = time.monotonic(), _AFTER
        while not self._over.wait(pause):
            with self._drawing:
                between = ", " if self._numbers else ": "
                self._write(f"{self._text.format(*self._numbers)}{between}{time.monotonic() - begun:.0f} s")
            pause = _REDRAWN

    def _write(self, line: str) -> None:
        if line or self._length:
            sys.stderr.write(f"\r{line:<{self._length}}" + ("" if line else "\r"))
            sys.stderr.flush()
        self._length = len(line)


@contextmanager
def watching(text: str, *, quiet: bool = False) -> Iterator[Watch | None]:
    """What shows numbers, put into `text`, from the first second on; None without a terminal."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    watch = Watch(text)
    try:
        yield watch
    finally:
        watch.end()


@contextmanager
def waiting(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Shows that something is going on, and for how long, from the first second on: for work whose length nobody
    knows."""
    with watching(text, quiet=quiet):
        yield


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
