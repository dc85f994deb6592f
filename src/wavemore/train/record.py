"""What a run writes down on its way: the loop's numbers, now and then, for a history file or for TensorBoard; and at a
few steps what is inside of the network.

Nothing here changes a run: the gradient's norm is read after the update, which leaves the gradients as they are, and a
step that is watched from inside is the same step.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

import torch

from wavemore.train.optimisers import rate_at
from wavemore.train.run import Run
from wavemore.train.watch import Watch, watched_steps

__all__ = ["Recorder", "Sink"]

_RECORDS = 75  # of a network, beside those of evaluations: at most; of fewer steps, one each


class Sink(Protocol):
    """Where records go. A recorder calls it from one thread at a time."""

    def begin(self, about: dict[str, Any], done: Sequence[int] | None) -> float:
        """A run begins, or goes on from so many steps of each member. `about` says what it is. The seconds that it has
        had, 0 where the sink does not know."""
        ...

    def write(self, record: dict[str, Any]) -> None:
        """One record of a step, an evaluation, or the inside."""
        ...

    def close(self) -> None:
        """The run is over, or stopped."""
        ...


@dataclass
class _Since:
    """What one network has done since its last record."""

    steps: int = 0
    total_loss: float = 0.0
    batch_loss: float = 0.0
    """That of the last step."""
    stepping: float = 0.0
    """Seconds that the steps took: neither evaluating nor recording counts, nor waiting for a thread."""
    now: float = 0.0
    """`perf_counter` after the last step."""


class Recorder:
    """Writes one record for each evaluation, one every so many steps, and one of the inside at a few steps of the first
    network, to every sink; without a sink, nothing.

    Each network's steps are counted on its own thread; only the writing is done by one at a time.
    """

    def __init__(self, sinks: Sequence[Sink] = (), about: dict[str, Any] | None = None) -> None:
        """`about` is what the record of the run says beside what the networks know of themselves."""
        self._sinks = sinks
        self._about = about or {}
        self._lock = threading.Lock()
        self._runs: Sequence[Run] = ()
        self._parameters: list[list[torch.nn.Parameter]] = []
        self._since: list[_Since] = []
        self._every = 1
        self._start = 0.0
        self._watched: frozenset[int] = frozenset()
        self._watch: Watch | None = None  # of the step that was taken last

    def begin(self, runs: Sequence[Run], *, resumed: bool) -> None:
        """The networks that are about to be trained, or to go on. Raises `FileError`."""
        self._runs = runs
        self._parameters = [list(run.model.parameters()) for run in runs]
        self._every = -(-runs[0].steps // _RECORDS)
        about = {
            **self._about,
            "parameters": sum(parameter.numel() for each in self._parameters for parameter in each),
            "members": len(runs),
            "steps": runs[0].steps,
            "items": len(runs[0].training),
        }
        self._watched = watched_steps(runs[0].steps) if self._sinks else frozenset()
        done = [run.progress.step for run in runs] if resumed else None
        before = max((sink.begin(about, done) for sink in self._sinks), default=0.0)
        self._start = time.perf_counter() - before
        self._since = [_Since() for _ in runs]

    def step(self, member: int) -> float:
        """Let a network take a step and count it; the batch's loss. Called for each step, so it is cheap."""
        run = self._runs[member]
        if member == 0 and run.progress.step + 1 in self._watched:
            return self._watched_step(run)
        return self._counted(member, run.step)

    def _watched_step(self, run: Run) -> float:
        watch = Watch(run.model)
        loss = self._counted(0, lambda: run.step(watch.model))
        self._watch = watch  # not of a step that diverged
        return loss

    def _counted(self, member: int, step: Callable[[], float]) -> float:
        start = time.perf_counter()
        loss = step()
        since = self._since[member]
        since.now = time.perf_counter()
        since.stepping += since.now - start
        since.steps += 1
        since.total_loss += loss
        since.batch_loss = loss
        return loss

    def note(self, member: int, evaluation: dict[str, Any] | None = None, *, last: bool = False) -> None:
        """Write a record where the network was evaluated, where one is due, or where this is the `last` of a run that
        is stopped; and one of the inside, where it was watched. Raises `FileError`."""
        if member == 0:
            self._note_inside()
        since = self._since[member]
        due = evaluation is not None or last or self._runs[member].progress.step % self._every == 0
        if not self._sinks or not due or not since.steps:
            return
        self._write(self._record(member, since, evaluation))
        self._since[member] = _Since()

    def _note_inside(self) -> None:
        watch, self._watch = self._watch, None
        inside = None if watch is None else watch.record()
        if inside is not None:
            self._write({**self._of("inside", 0), **inside})

    def _write(self, record: dict[str, Any]) -> None:
        with self._lock:
            for sink in self._sinks:
                sink.write(record)

    def _of(self, kind: str, member: int) -> dict[str, Any]:
        """How the record of a network begins."""
        number = {"member": member} if len(self._runs) > 1 else {}
        return {"record": kind, **number, "step": self._runs[member].progress.step}

    def close(self) -> None:
        """The run is over, or stopped."""
        for sink in self._sinks:
            sink.close()

    def _record(self, member: int, since: _Since, evaluation: dict[str, Any] | None) -> dict[str, Any]:
        run = self._runs[member]
        step, items, config = run.progress.step, len(run.training), run.config
        rate = rate_at(config, step - 1, run.steps)
        numbers = {
            "passes": step * min(config.batch, items) / items,
            "seconds": round(since.now - self._start, 4),
            "steps": since.steps,
            "batch_loss": since.batch_loss,
            "mean_loss": since.total_loss / since.steps,
            "rate": rate,
            "gradient_norm": gradient_norm(self._parameters[member]),
            "steps_per_second": since.steps / since.stepping if since.stepping else None,
        }
        if config.optimizer == "muon":
            numbers["matrix_rate"] = rate * (config.matrix_rate / config.rate)
        if evaluation is not None:
            numbers["validation_loss"] = evaluation["validation_loss"]
        return {
            **self._of("step" if evaluation is None else "evaluation", member),
            **{name: number if number is None or isfinite(number) else None for name, number in numbers.items()},
        }


@torch.no_grad()
def gradient_norm(parameters: Sequence[torch.nn.Parameter]) -> float:
    """The Euclidean norm of all gradients together, as they lie on the parameters; 0 where there are none."""
    gradients = [p.grad.flatten() for p in parameters if p.grad is not None]
    return torch.linalg.vector_norm(torch.cat(gradients)).item() if gradients else 0.0
