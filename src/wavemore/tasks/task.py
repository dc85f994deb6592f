"""What an engine does: some work, the same for all tasks, is done with each of them, and results come as they are
finished. It knows nothing of what is worked on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

__all__ = ["NO_MORE", "Engine", "Finished", "Work", "here"]

NO_MORE = object()
"""What engines find at the end of the tasks."""

Work: TypeAlias = Callable[[Any, Any], Any]
"""A function of a module, called with what all tasks share and with one task; other processes import it."""


@dataclass(frozen=True)
class Finished:
    """A task that is over."""

    task: Any
    result: Callable[[], Any]
    """What the work returned, to be asked for before the next task is; within this process it is worked out now.
    Raises what the work raised, and a `WavemoreError` where a worker died over it too often."""


Engine: TypeAlias = Callable[[Work, Any, Iterable[Any]], Iterator[Finished]]
"""Work, what all tasks share, and the tasks. They are taken from their iterable as there is room for them, so that it
may look at what is finished by then, and end early. Those that were taken are all given back as `Finished`, in any
order, each once."""


def here(work: Work, shared: Any, tasks: Iterable[Any]) -> Iterator[Finished]:
    """An `Engine` in this process, one task after the other."""
    for task in tasks:
        yield Finished(task, partial(work, shared, task))
