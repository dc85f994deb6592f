"""What writes the parts of a job: this process, a process for each core, or a cluster of Ray, where each part is a task
of one CPU, and a task whose worker dies is done again elsewhere.

Every worker must see the job's folder and files under the same paths.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from wavemore.scale.parts import Part, Runner
from wavemore.tasks.engines import engine_of
from wavemore.tasks.processes import processes
from wavemore.tasks.task import Engine
from wavemore.tasks.task import here as one_by_one
from wavemore.threads import cores, use_cores

__all__ = ["here", "on_cores", "runner_of", "runner_on"]

_WORTH_PROCESSES = 1 << 19  # rows: with fewer, processes take longer to start than they save


def here(parts: Sequence[Part], folder: str) -> Iterator[int]:
    """A `Runner` in this process, one part after the other."""
    return (part.write(folder) for part in parts)


def on_cores(parts: Sequence[Part], folder: str) -> Iterator[int]:
    """A `Runner` on this machine: a process for each core, or this one alone where there is little to do."""
    count = min(cores(), len(parts))
    if count < 2 or sum(part.rows for part in parts) < _WORTH_PROCESSES:
        return here(parts, folder)
    return iter(runner_on(processes(count, "the job"))(parts, folder))


def runner_of(on: str) -> Runner:
    """What runs a job: "here" for this machine, "ray" for a cluster on it or the one that `RAY_ADDRESS` names, or
    "ray=ADDRESS". Raises `UsageError` for anything else, `MissingExtraError` without Ray."""
    engine = engine_of(on, one_by_one, "a job")
    return on_cores if engine is one_by_one else runner_on(engine)


def runner_on(engine: Engine) -> Runner:
    """A `Runner` whose parts are an engine's tasks."""

    def run(parts: Sequence[Part], folder: str) -> Iterator[int]:
        if not parts:
            return
        shared = parts[0].shared, os.path.abspath(folder)  # noqa: PTH100
        # The model goes once to each machine, and not with each part.
        bare: list[Any] = list(parts)
        for finished in engine(_written, shared, (replace(part, shared=None) for part in bare)):
            yield finished.result()

    return run


def _written(shared: tuple[Any, str], part: Any) -> int:
    """What a worker does."""
    use_cores(1)  # there is a worker for each
    model, folder = shared
    return replace(part, shared=model).write(folder)
