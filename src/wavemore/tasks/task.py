"""What an engine does: some work, the same for all tasks, is done with each of them, and results come as they are
finished. It knows nothing of what is worked on."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from wavemore.errors import WavemoreError

__all__ = ["NOT_YET", "NO_MORE", "Engine", "Finished", "LostError", "Work", "here"]

NO_MORE = object()
"""What engines find at the end of the tasks."""

NOT_YET = object()
"""What stands among the tasks where the next one waits for one that is under way. They are asked again when one of
those is finished."""

Work: TypeAlias = Callable[[Any, Any], Any]
"""A function of a module, called with what all tasks share and with one task; other processes import it."""


class LostError(WavemoreError):
    """A task that no worker finishes: all that had it died over it, or the engine ended."""


@dataclass(frozen=True)
class Finished:
    """A task that is over."""

    task: Any
    result: Callable[[], Any]
    """What the work returned, to be asked for before the next task is; within this process it is worked out now.
    Raises what the work raised, and a `LostError` where a worker died over it too often."""


Engine: TypeAlias = Callable[[Work, Any, Iterable[Any]], Generator[Finished, None, None]]
"""Work, what all tasks share, and the tasks. They are taken from their iterable as there is room for them, so that it
may look at what is finished by then, say `NOT_YET`, and end early. Those that were taken are all given back as
`Finished`, in any order, each once."""


def here(work: Work, shared: Any, tasks: Iterable[Any]) -> Generator[Finished, None, None]:
    """An `Engine` in this process, one task after the other."""
    for task in tasks:
        yield Finished(task, partial(work, shared, task))
