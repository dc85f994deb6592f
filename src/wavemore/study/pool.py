"""Trials side by side: processes of one thread each, since small kernels in one process would wait for each other."""

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wavemore.errors import TrainingError
from wavemore.settings.config import Recipe
from wavemore.study.measuring import Workplace
from wavemore.study.trials import Data, Trial
from wavemore.threads import cores, interrupt_sets

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

__all__ = ["measured_trials"]

_MOST_PROCESSES = 8
_LOOK_EVERY = 0.2  # seconds, for Ctrl-C

Measured = tuple[Trial, dict[str, Any]]


def measured_trials(trials: Sequence[Trial], data: Data, base: Recipe, processes: int) -> Iterator[Measured]:
    """Each trial with its figures, as they are done, in this many processes; 0 is one a core, and 8 at most.

    After Ctrl-C come the trials under way, which take seconds, and then a `KeyboardInterrupt`; a second Ctrl-C does not
    wait for them. Raises `TrainingError` where a process was ended from outside.
    """
    processes = min(processes or min(cores(), _MOST_PROCESSES), len(trials))
    stopped = threading.Event()
    with interrupt_sets(stopped):
        yield from (
            _here(trials, data, base, stopped) if processes <= 1 else _pooled(trials, data, base, processes, stopped)
        )
    if stopped.is_set():
        raise KeyboardInterrupt


def _here(trials: Sequence[Trial], data: Data, base: Recipe, stopped: threading.Event) -> Iterator[Measured]:
    """One after another in this process."""
    place = Workplace(data, base)
    for trial in trials:
        if stopped.is_set():
            return
        yield trial, place.measure(trial)


def _pooled(
    trials: Sequence[Trial], data: Data, base: Recipe, processes: int, stopped: threading.Event
) -> Iterator[Measured]:
    """As they are done by a pool."""
    from concurrent.futures import FIRST_COMPLETED, wait
    from concurrent.futures.process import BrokenProcessPool

    with _one_thread_each(), _interrupts_held_back():  # the processes start here, and are never interrupted themselves
        pool = _pool(processes, data, base)
        pending = {pool.submit(_measure, trial): trial for trial in trials}
    try:
        while pending and not stopped.is_set():
            for future in wait(pending, _LOOK_EVERY, FIRST_COMPLETED).done:
                yield pending.pop(future), future.result()
        under_way = [(future, trial) for future, trial in pending.items() if not future.cancel()]
        yield from ((trial, future.result()) for future, trial in under_way)
    except BrokenProcessPool as error:
        raise TrainingError(
            "a process of the study was ended from outside, perhaps because memory ran out; what was done is kept, and "
            "the same command goes on with it"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _pool(processes: int, data: Data, base: Recipe) -> "ProcessPoolExecutor":
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    return ProcessPoolExecutor(processes, get_context("spawn"), _begin, (data, base))


_place: Workplace | None = None  # of this process, where it is one of a pool


def _begin(data: Data, base: Recipe) -> None:
    global _place
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _place = Workplace(data, base)


def _measure(trial: Trial) -> dict[str, Any]:
    assert _place is not None
    return _place.measure(trial)


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
