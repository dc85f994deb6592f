"""Progress on standard error, drawn with rich, which comes with typer."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

__all__ = ["TrainingProgress", "counted", "waiting", "watching"]

_EVERY = 0.1  # seconds between two drawings
_AFTER = 1.0  # seconds before the first
_AGAIN = 0.5  # seconds between two lines that only say that it goes on

Item = TypeVar("Item")


class TrainingProgress:
    """A bar with loss, steps a second and time left, and a line for each evaluation. A `train.Monitor`.

    The bar is for terminals; a log or a pipe gets the lines alone. With `quiet` nothing is written.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True, quiet=quiet, highlight=False, markup=False, emoji=False)
        self._bar = _bar(
            self._console,
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
            BarColumn(bar_width=24),
            TextColumn("loss {task.fields[loss]:.4f}  {task.fields[speed]:,.0f} steps/s"),
            TimeRemainingColumn(),
            TextColumn("left"),
            disable=quiet or not self._console.is_terminal,
        )
        self._steps = 0
        self._task = self._bar.add_task("", total=1, loss=float("nan"), speed=0.0)
        self._first: tuple[int, float] | None = None
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, steps: int, what: str) -> None:
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
        self._bar.update(self._task, completed=step, loss=loss, speed=done / seconds if seconds else 0.0, refresh=True)

    def evaluated(self, record: dict[str, Any]) -> None:
        width = len(f"{self._steps:,}")
        member = f"network {record['member'] + 1}  " if "member" in record else ""
        self._console.print(
            f"{member}step {record['step']:>{width},}  batch loss {record['batch_loss']:.4f}  "
            f"validation loss {record['validation_loss']:.4f}",
            soft_wrap=True,
        )


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


@contextmanager
def waiting(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Shows on a terminal's standard error that something is going on, and for how long, once it takes longer than a
    second: for work whose length nobody knows."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    begun, done = time.monotonic(), Event()

    def show() -> None:
        longest = 0
        if done.wait(_AFTER):
            return
        while True:
            line = f"{text}: {time.monotonic() - begun:.0f} s"
            longest = max(longest, len(line))
            sys.stderr.write(f"\r{line}")
            sys.stderr.flush()
            if done.wait(_AGAIN):
                break
        sys.stderr.write("\r" + " " * longest + "\r")
        sys.stderr.flush()

    shower = Thread(target=show, daemon=True)
    shower.start()
    try:
        yield
    finally:
        done.set()
        shower.join()


def _bar(console: "Console", *columns: "ProgressColumn", disable: bool = False, alive: bool = False) -> "Progress":
    from rich.progress import Progress

    # What the caller prints meanwhile is not ours: rich would send it to standard error.
    return Progress(
        *columns, console=console, auto_refresh=False, transient=True, redirect_stdout=False, disable=disable
    )


@contextmanager
def watching(text: str, *, quiet: bool = False) -> Iterator[Callable[..., None]]:
    """A function that shows numbers, put into `text`, on one line of a terminal's standard error. The line appears
    after a second and is gone at the end."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda *_: None
        return
    due = time.monotonic() + _AFTER
    longest = 0

    def watch(*numbers: int) -> None:
        nonlocal due, longest
        if time.monotonic() < due:
            return
        due = time.monotonic() + _EVERY
        line = text.format(*numbers)
        longest = max(longest, len(line))
        sys.stderr.write(f"\r{line:<{longest}}")
        sys.stderr.flush()

    try:
        yield watch
    finally:
        if longest:
            sys.stderr.write("\r" + " " * longest + "\r")
            sys.stderr.flush()
