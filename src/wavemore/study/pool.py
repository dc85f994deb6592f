"""The trials of a study as tasks of an engine."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import takewhile
from threading import Event
from typing import Any

from wavemore.provenance import measured
from wavemore.settings.config import Recipe
from wavemore.study.measuring import Workplace
from wavemore.study.trials import Data, Trial
from wavemore.tasks.engines import engine_of
from wavemore.tasks.processes import processes
from wavemore.tasks.task import Engine, here
from wavemore.threads import cores, interrupt_sets

__all__ = ["measured_trials", "trials_on"]

_MOST_PROCESSES = 8

Measured = tuple[Trial, dict[str, Any]]


def trials_on(on: str, count: int) -> Engine:
    """The engine that is named, as `engine_of` has it; here as many processes, and 0 is one a core, 8 at most."""
    count = count or min(cores(), _MOST_PROCESSES)
    return engine_of(on, here if count <= 1 else processes(count, "the study"), "a study")


def measured_trials(trials: Sequence[Trial], data: Data, base: Recipe, engine: Engine) -> Iterator[Measured]:
    """Each trial with its figures, as they are done.

    After Ctrl-C come the trials that were handed out, which take seconds, and then a `KeyboardInterrupt`; a second
    Ctrl-C does not wait for them. Raises what the engine raises.
    """
    stopped = Event()
    with interrupt_sets(stopped):
        for trial in engine(_measured, Workplace(data, base), takewhile(lambda _: not stopped.is_set(), trials)):
            yield trial.task, trial.result()
    if stopped.is_set():
        raise KeyboardInterrupt


def _measured(place: Workplace, trial: Trial) -> dict[str, Any]:
    return {"measured": _machine(), **place.measure(trial)}


_machine = cache(measured)
