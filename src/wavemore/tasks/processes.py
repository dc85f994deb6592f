"""Tasks side by side in processes of one thread each: small kernels in one process would wait for each other."""

import os
import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from wavemore.errors import TrainingError
from wavemore.tasks.task import NO_MORE, NOT_YET, Engine, Finished, Work

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

__all__ = ["processes"]


def processes(count: int, what: str) -> Engine:
    """An `Engine` of `count` processes. `what` they belong to, such as "the study", is named in the `TrainingError`
    that comes where one of them was ended from outside. Ctrl-C does not reach them."""

    return partial(_pooled, count, what)


def _pooled(count: int, what: str, work: Work, shared: Any, tasks: Iterable[Any]) -> Generator[Finished, None, None]:
    from concurrent.futures import FIRST_COMPLETED, wait
    from concurrent.futures.process import BrokenProcessPool

    rest, pending = iter(tasks), {}
    pool = _pool(count, work, shared)
    task: Any = None
    try:
        while True:
            while task is not NO_MORE and len(pending) <= count:  # one waits, so that no process does
                task = next(rest, NO_MORE)
                if task is NOT_YET:
                    break
                if task is not NO_MORE:
                    with _one_thread_each(), _interrupts_held_back():  # the processes start here
                        pending[pool.submit(_worked, task)] = task
            if not pending:
                return
            for future in wait(pending, None, FIRST_COMPLETED).done:
                error = future.exception()
                if isinstance(error, BrokenProcessPool):  # no task of it will be done
                    raise TrainingError(
                        f"a process of {what} was ended from outside, perhaps because memory ran out; what was done is "
                        "kept, and the same command goes on with it"
                    ) from error
                yield Finished(pending.pop(future), future.result)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _pool(count: int, work: Work, shared: Any) -> "ProcessPoolExecutor":
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return ProcessPoolExecutor(count, get_context("spawn"), _begin, (work, shared))


_own: tuple[Work, Any] | None = None  # of this process, where it is one of a pool


def _begin(work: Work, shared: Any) -> None:
    global _own
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _own = work, shared


def _worked(task: Any) -> Any:
    assert _own is not None
    work, shared = _own
    return work(shared, task)


@contextmanager
def _one_thread_each(
    names: Iterable[str] = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
) -> Iterator[None]:
    """Processes that start within this context have one thread for their products: they share the cores already."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(before, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C waits until the end of this context, and never reaches processes that start within it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which would else start within this context, and let signals through after it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
