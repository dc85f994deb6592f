"""An engine that does as a cluster does, in this process: all that goes to a worker and comes back is pickled, several
tasks are handed out at a time, and some are done twice, as where a worker died."""

import pickle
import random
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from wavemore.tasks.task import NO_MORE, NOT_YET, Finished, LostError, Work


@dataclass
class Cluster:
    """Workers that keep what all tasks share. Call it as an `Engine`."""

    workers: int = 2
    at_once: int = 4
    """How many tasks are handed out."""
    lost_after: int | None = None
    """Tasks; then no worker is left."""
    tasks: list[Any] = field(default_factory=list)
    """All that were done."""

    def __call__(self, work: Work, shared: Any, tasks: Iterable[Any]) -> Generator[Finished, None, None]:
        sent = pickle.dumps(shared)
        places = [pickle.loads(sent) for _ in range(self.workers)]
        rest, running, chance = iter(tasks), list[Any](), random.Random(0)
        task: Any = None
        while True:
            while task is not NO_MORE and len(running) < self.at_once:
                task = next(rest, NO_MORE)
                if task is NOT_YET:
                    assert running, "nothing is under way that the next task could wait for"
                    break
                if task is not NO_MORE:
                    running.append(task)
            if not running:
                return
            chosen = running.pop(chance.randrange(len(running)))
            if chance.random() < 0.3:  # whoever does this dies
                work(chance.choice(places), pickle.loads(pickle.dumps(chosen)))
            result = pickle.dumps(work(chance.choice(places), pickle.loads(pickle.dumps(chosen))))
            self.tasks.append(chosen)
            lost = self.lost_after is not None and len(self.tasks) > self.lost_after
            yield Finished(chosen, _lost if lost else partial(pickle.loads, result))


def _lost() -> None:
    raise LostError("all workers of the test died")


@dataclass
class Clock:
    """In place of the module `time`: a second passes each time that somebody looks, which is after each step."""

    now: float = 0.0

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now
