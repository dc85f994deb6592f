"""Portions of work side by side on all cores, and Ctrl-C that waits for what is under way.

NumPy lets other threads run while it computes.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["cores", "interrupt_sets", "side_by_side"]

_FEW = 4  # portions; for as few as these, threads gain nothing


def side_by_side(work: Callable[[int], object], starts: Sequence[int]) -> None:
    """Call `work` with each start, in any order. Raises the first of their errors."""
    if len(starts) <= _FEW or cores() < 2:
        for start in starts:
            work(start)
        return
    for _ in _pool().map(work, starts):
        pass


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def interrupt_sets(stopped: threading.Event) -> Iterator[None]:
    """Within this context the first Ctrl-C sets the event, so that no step is cut in two; a second one interrupts.
    Only the main thread may handle signals: on any other this changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@cache
def _pool() -> "ThreadPoolExecutor":
    from concurrent.futures import ThreadPoolExecutor  # which takes longer to import than a small model to answer

    return ThreadPoolExecutor(cores(), "wavemore")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a child process has none of its parent's threads
