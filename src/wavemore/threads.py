"""Threads, and what the machine has for them: portions of work side by side on all cores, a second thread for what is
not needed at once, BLAS on one thread, free memory; and Ctrl-C that waits for what is under way.

NumPy lets other threads run while it computes.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["Later", "Team", "blas_on_one_thread", "cores", "free_memory", "interrupt_sets", "side_by_side", "use_cores"]

_T = TypeVar("_T")

_FEW = 4  # portions; for as few as these, threads gain nothing


def side_by_side(work: Callable[[int], object], starts: Sequence[int]) -> None:
    """Call `work` with each start, in any order. Raises the first of their errors."""
    if len(starts) <= _FEW or cores() < 2:
        for start in starts:
            work(start)
        return
    for _ in _pool().map(work, starts):
        pass


class Later(Generic[_T]):
    """A result that is not needed yet."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work: Callable[[], _T] | None = work
        self._ready: threading.Lock | None = None
        self._result: _T | None = None
        self._error: BaseException | None = None

    def hold(self) -> None:
        """Let those who ask wait until `release`."""
        self._ready = threading.Lock()
        self._ready.acquire()

    def release(self) -> None:
        """It is worked out."""
        assert self._ready is not None
        self._ready.release()

    def result(self) -> _T:
        """Wait for it, or work it out now where nobody else does. Raises what the work raised."""
        if self._ready is not None:
            with self._ready:
                pass
        self.work()
        if self._error is not None:
            raise self._error
        return cast(_T, self._result)

    def work(self) -> None:
        """Work it out, once."""
        if self._work is not None:
            try:
                self._result = self._work()
            except BaseException as error:
                self._error = error
            self._work = None


class Team:
    """A second thread, or none: work that is not needed at once is done there one piece after the other, while the
    first thread goes on. Results do not depend on whether there is one.

    To wait for a thread that sleeps takes a tenth of a millisecond, so work is handed over in pieces that take longer,
    and seldom waited for.
    """

    def __init__(self, threads: int) -> None:
        self._queue: SimpleQueue[Later[Any] | None] = SimpleQueue()
        self._closed = False
        self._second = (
            threading.Thread(target=self._serve, name="wavemore-second", daemon=True) if threads > 1 else None
        )
        if self._second is not None:
            self._second.start()

    def later(self, work: Callable[[], _T]) -> Later[_T]:
        """Have it done; the result waits for whoever asks. Without a second thread it is done when asked for."""
        later = Later(work)
        if self._second is not None:
            if self._closed:
                raise RuntimeError("the team is closed")
            later.hold()
            self._queue.put(later)
        return later

    def close(self) -> None:
        """End the second thread, once it has done what is left for it."""
        self._closed = True
        self._queue.put(None)

    def _serve(self) -> None:
        import numpy as np

        np.seterr(over="ignore", invalid="ignore", divide="ignore")  # `np.errstate` reaches no other thread
        while (later := self._queue.get()) is not None:
            later.work()
            later.release()


class _OneThread:
    """How many ask that BLAS keeps to one thread, and how it was before the first of them. The number of threads is the
    whole process's, and those who ask may begin and end in any order."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked = 0
        self.before: Any = None


_one_thread = _OneThread()


@contextmanager
def blas_on_one_thread() -> Iterator[None]:
    """Within this context BLAS has no threads of its own. Its number of threads before comes back after the last of
    several such contexts that overlap."""
    from threadpoolctl import threadpool_limits  # which looks through the libraries that are loaded

    with _one_thread.lock:
        _one_thread.asked += 1
        if _one_thread.asked == 1:
            _one_thread.before = threadpool_limits(1, user_api="blas")
    try:
        yield
    finally:
        with _one_thread.lock:
            _one_thread.asked -= 1
            if not _one_thread.asked:
                _one_thread.before.restore_original_limits()


def free_memory() -> float | None:
    """Bytes of memory that are free; None where the system does not tell as Linux does."""
    try:
        told = Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]
    except (OSError, IndexError):
        return None
    return 1024.0 * int(told)


class _Most:
    """How many cores this process is to use at most."""

    cores: int | None = None


def use_cores(most: int | None) -> None:
    """From now on let this process use so many cores at most, None for all: for a worker of an engine that runs one on
    each. Results do not depend on it."""
    _Most.cores = most


def cores() -> int:
    """How many cores this process may use."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return found if _Most.cores is None else min(found, _Most.cores)


@contextmanager
def interrupt_sets(stopped: threading.Event) -> Iterator[None]:
    """Within this context the first Ctrl-C sets the event, so that no step is cut in two; a second one interrupts.
    Only the main thread may handle signals: on any other this changes nothing, nor where Ctrl-C is ignored already."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        yield
        return

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
