"""What a run writes down on its way: the loop's numbers, now and then, for a history file or for TensorBoard; and at a
few steps what is inside of the network.

Nothing here changes a run: a step that is watched from inside is the same step.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, Protocol

import numpy as np

from wavemore.train.optimisers import rate_at
from wavemore.train.run import Run
from wavemore.train.watch import Watch, watched_steps

__all__ = ["Recorder", "Since", "Sink"]

_RECORDS = 75  # of a network, beside those of evaluations: at most; of fewer steps, one each


class Sink(Protocol):
    """Where records go. A recorder calls it from one thread at a time."""

    def begin(self, about: dict[str, Any], done: Sequence[int] | None) -> float:
        """A run begins, or goes on: then `done` has how many steps each member has taken. `about` says what the run is.
        Returns the seconds that it has taken so far, 0 where the sink does not know."""
        ...

    def write(self, record: dict[str, Any]) -> None:
        """One record of a step, an evaluation, or the inside."""
        ...

    def close(self) -> None:
        """The run is over, or stopped."""
        ...


@dataclass
class Since:
    """What one network has done since its last record. It goes along where another process goes on with the run."""

    steps: int = 0
    total_loss: float = 0.0
    batch_loss: float = 0.0
    """That of the last step."""
    gradients: Mapping[str, Any] = field(default_factory=dict)
    """Those of the last step."""
    stepping: float = 0.0
    """Seconds that the steps took: neither evaluating nor recording counts, nor waiting for a thread."""
    began: float = 0.0
    """`perf_counter` before the last step."""
    ended: float = 0.0
    """`perf_counter` after it."""


class Recorder:
    """Writes one record for each evaluation, one every few steps, and one of the inside at a few steps of the first
    network, to every sink; without a sink, nothing. An `Observer`.

    Each network's steps are counted on its own thread; only the writing is done by one at a time.
    """

    def __init__(self, sinks: Sequence[Sink] = (), about: dict[str, Any] | None = None) -> None:
        """`about` is what the record of the run says beside what the networks know of themselves."""
        self._sinks = sinks
        self._about = about or {}
        self._lock = threading.Lock()
        self._since: list[Since] = []
        self._every = 1
        self._start = 0.0
        self._watched: frozenset[int] = frozenset()
        self._watch: Watch | None = None  # of the first network's step

    def begin(self, runs: Sequence[Run], *, resumed: bool) -> None:
        """The networks that are about to be trained, or to go on. Raises `FileError`."""
        first = runs[0]
        self._every = -(-first.steps // _RECORDS)
        self._watched = watched_steps(first.steps) if self._sinks else frozenset()
        about = {
            **self._about,
            "parameters": sum(run.parameter_count for run in runs),
            "members": len(runs),
            "steps": first.steps,
            "items": len(first.training),
        }
        done = [run.progress.step for run in runs] if resumed else None
        before = max((sink.begin(about, done) for sink in self._sinks), default=0.0)
        self._start = time.perf_counter() - before
        self._since = [Since() for _ in runs]

    def before(self, run: Run) -> None:
        """A step begins; of few steps the inside is watched."""
        if run.member == 0:
            self._watch = Watch(run.learner) if run.progress.step + 1 in self._watched else None
        self._since[run.member].began = time.perf_counter()

    def forward(self, run: Run, batch: Any, way: Any) -> None:
        """The batch went forward."""
        if run.member == 0 and self._watch is not None:
            self._watch.forward(batch, way)

    def after(self, run: Run, loss: float, gradients: Mapping[str, Any]) -> None:
        """The step is done: count it, and write what was seen inside. Raises `FileError`."""
        since = self._since[run.member]
        since.ended = time.perf_counter()
        since.stepping += since.ended - since.began
        since.steps += 1
        since.total_loss += loss
        since.batch_loss = loss
        since.gradients = gradients
        if run.member == 0 and self._watch is not None:
            look, self._watch = self._watch.look(run.progress.step, gradients), None
            if look is not None:
                self.write({**self._of("inside", run), **look.record()})

    def note(self, run: Run, evaluation: dict[str, Any] | None = None, *, last: bool = False) -> None:
        """Write a record where the network was evaluated, where one is due, or where this is the `last` of a run that
        is stopped. Raises `FileError`."""
        since = self._since[run.member]
        due = evaluation is not None or last or run.progress.step % self._every == 0
        if self._sinks and due and since.steps:
            self.write(self._record(run, since, evaluation))
            self._since[run.member] = Since()

    def left(self, run: Run) -> tuple[Since, dict[str, Any] | None]:
        """What a network has done since its last record, for the recorder of the process that goes on with it; and the
        record to write where none does, if there is any."""
        since = self._since[run.member]
        due = self._sinks and since.steps
        return replace(since, gradients={}), self._record(run, since, None) if due else None

    def take_up(self, run: Run, since: Since) -> None:
        """Count on from what `left` gave."""
        self._since[run.member] = replace(since)

    def close(self) -> None:
        """The run is over, or stopped."""
        for sink in self._sinks:
            sink.close()

    @property
    def writes(self) -> bool:
        """Whether records go anywhere."""
        return bool(self._sinks)

    @property
    def elapsed(self) -> float:
        """Seconds that the run has taken."""
        return time.perf_counter() - self._start

    def write(self, record: dict[str, Any]) -> None:
        """Hand a record to every sink. Raises `FileError`."""
        with self._lock:
            for sink in self._sinks:
                sink.write(record)

    def _of(self, kind: str, run: Run) -> dict[str, Any]:
        """How the record of a network begins."""
        number = {"member": run.member} if len(self._since) > 1 else {}
        return {"record": kind, **number, "step": run.progress.step}

    def _record(self, run: Run, since: Since, evaluation: dict[str, Any] | None) -> dict[str, Any]:
        step, items, config = run.progress.step, len(run.training), run.config
        rate = rate_at(config, step - 1, run.steps)
        numbers = {
            "passes": step * min(config.batch, items) / items,
            "seconds": round(since.ended - self._start, 4),
            "steps": since.steps,
            "batch_loss": since.batch_loss,
            "mean_loss": since.total_loss / since.steps,
            "rate": rate,
            "gradient_norm": gradient_norm(since.gradients),
            "steps_per_second": since.steps / since.stepping if since.stepping else None,
        }
        if config.optimizer == "muon":
            numbers["matrix_rate"] = rate * (config.matrix_rate / config.rate)
        if evaluation is not None:
            numbers["validation_loss"] = evaluation["validation_loss"]
        return {
            **self._of("step" if evaluation is None else "evaluation", run),
            **{name: number if number is None or isfinite(number) else None for name, number in numbers.items()},
        }


def gradient_norm(gradients: Mapping[str, Any]) -> float:
    """The Euclidean norm of all gradients together; 0 where there are none."""
    with np.errstate(over="ignore", invalid="ignore"):
        return sum(float((gradient * gradient).sum()) for gradient in gradients.values()) ** 0.5
