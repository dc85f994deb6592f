"""Tasks side by side in processes of one thread each: small kernels in one process would wait for each other."""

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from wavemore.errors import TrainingError
from wavemore.tasks.task import NO_MORE, NOT_YET, Engine, Finished, Work

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing.connection import Connection

__all__ = ["processes"]

_SECONDS = 5.0  # that a process has to end


def processes(count: int, what: str) -> Engine:
    """An `Engine` of `count` processes. `what` they belong to, such as "the study", is named in the `TrainingError`
    that comes where one of them was ended from outside. Ctrl-C does not reach them; they end with this process,
    and in the midst of their tasks where no more results are taken."""

    return partial(_pooled, count, what)


def _pooled(count: int, what: str, work: Work, shared: Any, tasks: Iterable[Any]) -> Generator[Finished, None, None]:
    from concurrent.futures import FIRST_COMPLETED, wait
    from concurrent.futures.process import BrokenProcessPool

    rest, pending = iter(tasks), {}
    # It goes along with each task, since a process that ends before it has read what it is to begin with, and that is
    # more than a pipe holds, would be waited for without end.
    kept = pickle.dumps((work, shared))
    pool, leave = _pool(count)
    task: Any = None
    try:
        while True:
            while task is not NO_MORE and len(pending) <= count:  # one waits, so that no process does
                task = next(rest, NO_MORE)
                if task is NOT_YET:
                    break
                if task is not NO_MORE:
                    with _one_thread_each(), _interrupts_held_back():  # the processes start here
                        pending[pool.submit(_worked, kept, task)] = task
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
        if pending:  # nobody takes what comes of them; else this process would wait for them when it ends
            leave()


def _pool(count: int) -> "tuple[ProcessPoolExecutor, Callable[[], None]]":
    """Processes, and what ends them in the midst of their work."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    context = get_context("spawn")
    until, here = context.Pipe(duplex=False)
    return ProcessPoolExecutor(count, context, _begin, (until,)), here.close


_own: tuple[Work, Any] | None = None  # of this process, where it is one of a pool


def _begin(until: "Connection") -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_end_with, args=(until,), daemon=True).start()


def _end_with(until: "Connection") -> None:
    """Where the other end is closed, by the process that hands out tasks or with it, nobody takes what comes of
    them."""
    from multiprocessing.connection import wait

    wait([until])
    os.kill(os.getpid(), signal.SIGTERM)


def _end(number: int, frame: object) -> None:
    """End so that what is half written is removed; where that is held up, or the pool takes it for an error of a task,
    some seconds later all the same."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # being told again does not cut that short
    late = threading.Timer(_SECONDS, os._exit, [1])
    late.daemon = True
    late.start()
    sys.exit(1)


def _worked(kept: bytes, task: Any) -> Any:
    """What a process does."""
    global _own
    try:
        work, shared = _own = _own or pickle.loads(kept)  # all tasks of a process have the same
        return work(shared, task)
    except SystemExit:
        os._exit(1)  # and takes no other task


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
