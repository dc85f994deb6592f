"""What a run writes down on its way: the loop's numbers, now and then, for a history file or for TensorBoard.

Nothing here changes a run: the gradient's norm is read after the update, which leaves the gradients as they are.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

import torch

from wavemore.train.optim import rate_at
from wavemore.train.run import Run

__all__ = ["Recorder", "Sink"]

_RECORDS = 250  # of a run, beside those of evaluations: so many at least, twice as many at most; fewer of fewer steps


class Sink(Protocol):
    """Where records go. A recorder calls it from one thread at a time."""

    def begin(self, about: dict[str, Any], done: Sequence[int] | None) -> float:
        """A run begins, or goes on from so many steps of each member. `about` says what it is. The seconds that it has
        had, 0 where the sink does not know."""
        ...

    def write(self, record: dict[str, Any]) -> None:
        """One record of a step or an evaluation."""
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
    """Writes one record for each evaluation, and one every so many steps, to every sink; without a sink, nothing.

    Each network's steps are counted on its own thread; only the writing is done by one at a time.
    """

    def __init__(self, sinks: Sequence[Sink] = (), about: dict[str, Any] | None = None) -> None:
        """`about` is what the record of the run says beside what the networks know of themselves."""
        self._sinks = sinks
        self._about = about or {}
        self._lock = threading.Lock()
        self._runs: Sequence[Run] = ()
        self._since: list[_Since] = []
        self._every = 1
        self._start = 0.0

    def begin(self, runs: Sequence[Run], *, resumed: bool) -> None:
        """The networks that are about to be trained, or to go on. Raises `FileError`."""
        self._runs = runs
        self._every = max(1, sum(run.steps for run in runs) // _RECORDS)
        about = {
            **self._about,
            "parameters": sum(parameter.numel() for run in runs for parameter in run.model.parameters()),
            "members": len(runs),
            "steps": runs[0].steps,
            "items": len(runs[0].training),
        }
        done = [run.progress.step for run in runs] if resumed else None
        before = max((sink.begin(about, done) for sink in self._sinks), default=0.0)
        self._start = time.perf_counter() - before
        self._since = [_Since() for _ in runs]

    def step(self, member: int) -> float:
        """Let a network take a step and count it; the batch's loss. Called for each step, so it is cheap."""
        start = time.perf_counter()
        loss = self._runs[member].step()
        since = self._since[member]
        since.now = time.perf_counter()
        since.stepping += since.now - start
        since.steps += 1
        since.total_loss += loss
        since.batch_loss = loss
        return loss

    def note(self, member: int, evaluation: dict[str, Any] | None = None, *, last: bool = False) -> None:
        """Write a record where the network was evaluated, where one is due, or where this is the `last` of a run that
        is stopped. Raises `FileError`."""
        since = self._since[member]
        due = evaluation is not None or last or self._runs[member].progress.step % self._every == 0
        if not self._sinks or not due or not since.steps:
            return
        record = self._record(member, since, evaluation)
        with self._lock:
            for sink in self._sinks:
                sink.write(record)
        self._since[member] = _Since()

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
            "gradient_norm": gradient_norm(run.model),
            "steps_per_second": since.steps / since.stepping if since.stepping else None,
        }
        if config.optimizer == "muon":
            numbers["matrix_rate"] = rate * (config.matrix_rate / config.rate)
        if evaluation is not None:
            numbers["validation_loss"] = evaluation["validation_loss"]
        return {
            "record": "step" if evaluation is None else "evaluation",
            **({"member": member} if len(self._runs) > 1 else {}),
            "step": step,
            **{name: number if number is None or isfinite(number) else None for name, number in numbers.items()},
        }


@torch.no_grad()
def gradient_norm(model: torch.nn.Module) -> float:
    """The Euclidean norm of all gradients together, as they lie on the parameters; 0 where there are none."""
    norms = [torch.linalg.vector_norm(p.grad) for p in model.parameters() if p.grad is not None]
    return torch.linalg.vector_norm(torch.stack(norms)).item() if norms else 0.0
