"""One network's training: its loop (forward, backward, step, look), and all that a checkpoint holds of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Any, NoReturn, Protocol, Self

import numpy as np

from wavemore.errors import CheckpointError, TrainingError
from wavemore.models.soundness import LARGEST_WEIGHT
from wavemore.runs.checkpoint import Checkpoint
from wavemore.settings.config import TrainConfig
from wavemore.train.batches import Batches
from wavemore.train.learner import Learner
from wavemore.train.optimisers import build_optimizer, put, rate_at

__all__ = ["Observer", "Progress", "Run", "seed_of", "total_steps"]

_STEPS_BETWEEN_EVALUATIONS = 2  # the fewest, where the settings name no number


@dataclass
class Progress:
    """Where a run stands. All of it goes into the checkpoint."""

    step: int = 0
    best_loss: float = inf
    best_step: int = 0
    without_gain: int = 0
    """Evaluations in a row without a lower validation loss."""
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, told: Any, steps: int) -> Self:
        """What a checkpoint tells of a run of so many steps. Raises `ValueError` where it is none of these things."""
        kinds = {"step": int, "best_loss": float, "best_step": int, "without_gain": int, "history": list}
        if not isinstance(told, dict) or {name: type(value) for name, value in told.items()} != kinds:
            raise ValueError("it does not tell where the run stood")
        if not 0 <= told["best_step"] <= told["step"] <= steps or told["without_gain"] < 0:
            raise ValueError(f"step {told['step']} is none of {steps}, or the best, {told['best_step']}, comes later")
        if not all(isinstance(record, dict) for record in told["history"]):
            raise ValueError("its history is none")
        return cls(**told)


class Observer(Protocol):
    """Who looks on while a network is trained, and changes nothing. Called at every step, so it must be cheap."""

    def before(self, run: "Run") -> None:
        """A step begins."""
        ...

    def forward(self, run: "Run", batch: Any, way: Any) -> None:
        """The batch went forward through the network; `gradients` was not called yet."""
        ...

    def after(self, run: "Run", loss: float, gradients: Mapping[str, Any]) -> None:
        """The step is done; `loss` is its batch's."""
        ...

    def note(self, run: "Run", evaluation: dict[str, Any] | None) -> None:
        """What was due after the step is done too: an evaluation's record of the history, where there was one."""
        ...


class Run:
    """One network on its way, together what a checkpoint holds."""

    def __init__(
        self, config: TrainConfig, learner: Learner, training: Batches, validation: Batches, member: int = 0
    ) -> None:
        """`member` is the network's number in an ensemble."""
        self.config, self.learner, self.member = config, learner, member
        self.training, self.validation = training, validation
        self.steps = total_steps(config, len(training))
        adjusted = {name: learner.weights[name] for name in learner.adjusted}
        self.optimizer = build_optimizer(config, adjusted, learner.matrices, learner.team)
        self.progress = Progress()
        self.average = {name: 1 * weight for name, weight in learner.weights.items()} if config.average else {}
        self.best = learner.arrays()

    def train(self, observer: Observer) -> Iterator[tuple[float, dict[str, Any] | None]]:
        """Take the steps that are left, and evaluate where it is due. After each step come its batch's loss, nats per
        character, and the record of an evaluation, where there was one; the run may then be left, and goes on from
        there. Raises `TrainingError` when a loss is not finite."""
        while not self.done:
            observer.before(self)
            with np.errstate(all="ignore"):  # a loss that is not finite tells
                batch = self.training.draw(self.config.batch)
                loss, way = self.learner.loss(batch)  # forward
                observer.forward(self, batch, way)
                rate = rate_at(self.config, self.progress.step, self.steps)
                gradients = self.optimizer.step(self.learner.gradients(batch, way), rate)  # backward, and the step
            self.progress.step += 1
            if not isfinite(loss):
                self._diverged(f"the loss is {loss}")
            self._move_average()
            observer.after(self, loss, gradients)
            evaluation = self._evaluated(loss) if self._evaluation_is_due else None
            observer.note(self, evaluation)
            yield loss, evaluation

    def checkpoint(self, about: dict[str, Any]) -> Checkpoint:
        """Where the run stands, apart from what the next steps change."""
        groups = {
            "weights": self.learner.arrays(),
            "best": self.best,
            "optimizer": self.optimizer.state(),
            "batches": self.training.state(),
            "learner": self.learner.state(),
            "average": self.average,
        }
        named = {f"{group}.{name}": array for group, arrays in groups.items() for name, array in arrays.items()}
        progress = {**vars(self.progress), "history": list(self.progress.history)}
        return Checkpoint({name: _copy(array) for name, array in named.items()}, progress, about)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up where a run with the same settings stood. Raises `CheckpointError`, and then stays as it is."""
        now = self.checkpoint({})
        _check_form(checkpoint, now)
        try:
            progress = Progress.of(checkpoint.progress, self.steps)
            for name, array in now.arrays.items():
                if name not in checkpoint.arrays:
                    raise ValueError(f"{name} is missing")
                found = checkpoint.arrays[name]
                if (found.shape, found.dtype) != (array.shape, array.dtype):
                    raise ValueError(
                        f"{name} is {found.dtype} of shape {found.shape}, and must be {array.dtype} of {array.shape}"
                    )
            self._take_up(checkpoint)
        except ValueError as error:
            self._take_up(now)
            raise CheckpointError(f"the checkpoint is not whole ({error}); start the run anew") from error
        self.progress = progress

    def _take_up(self, checkpoint: Checkpoint) -> None:
        """All but the progress. Raises `ValueError`."""
        self.learner.load(checkpoint.group("best"))
        self.best = self.learner.arrays()
        for name, array in checkpoint.group("average").items():
            put(self.average[name], array)
        self.learner.load(checkpoint.group("weights"))
        self.optimizer.restore(checkpoint.group("optimizer"))
        self.training.restore(checkpoint.group("batches"))
        self.learner.restore(checkpoint.group("learner"))

    def settle(self) -> int:
        """Put the weights to keep into the network; the step that they are from."""
        if self.config.keep == "last":
            self.learner.load(self._kept())
            return self.progress.step
        self.learner.load(self.best)
        return self.progress.best_step

    @property
    def done(self) -> bool:
        """Whether the run has had all its steps, or has stopped early."""
        return self.progress.step >= self.steps or 0 < self.config.patience <= self.progress.without_gain

    @property
    def parameter_count(self) -> int:
        """How many numbers training adjusts."""
        return sum(int(np.prod(self.learner.weights[name].shape)) for name in self.learner.adjusted)

    @property
    def _evaluation_is_due(self) -> bool:
        """Whether the validation part is to be looked at after this step."""
        a_pass = len(self.training) // min(self.config.batch, len(self.training))
        every = self.config.evaluate_every or max(_STEPS_BETWEEN_EVALUATIONS, a_pass)
        return self.progress.step % every == 0 or self.progress.step == self.steps

    def _evaluated(self, batch_loss: float) -> dict[str, Any]:
        """Look at the validation part, remember the best weights; the record for the history."""
        progress = self.progress
        sound = all(abs(weight).max() <= LARGEST_WEIGHT for weight in self.learner.weights.values())  # False for NaN
        if not sound:
            self._diverged(f"the loss is {batch_loss} and the largest weight is beyond {LARGEST_WEIGHT:g}")
        learned, kept = self.learner.arrays(), self._kept()
        self.learner.load(kept)
        loss = self.validation.loss([self.learner])
        self.learner.load(learned)  # the next step goes on from here
        if not isfinite(loss):
            self._diverged(f"the validation loss is {loss}")
        if loss < progress.best_loss:
            progress.best_loss, progress.best_step, progress.without_gain = loss, progress.step, 0
            self.best = kept
        else:
            progress.without_gain += 1
        record = {"step": progress.step, "batch_loss": batch_loss, "validation_loss": loss}
        progress.history.append(record)
        return record

    def _move_average(self) -> None:
        """The average of the weights a step on: of few steps the plain mean, then one that forgets. It begins in the
        middle of the run, since weights of its first half are worse than any average of them."""
        taken = self.progress.step - self.steps // 2
        if taken > 0 and self.average:
            share = max(1 / taken, 1 / max(1.0, self.config.average * self.steps))
            for name, average in self.average.items():
                average += share * (self.learner.weights[name] - average)  # noqa: PLW2901 - in place

    def _kept(self) -> dict[str, np.ndarray]:
        """A copy of the weights as they would be kept now."""
        if self.average and self.progress.step > self.steps // 2:
            return {name: _copy(average) for name, average in self.average.items()}
        return self.learner.arrays()

    def _diverged(self, what: str) -> NoReturn:
        raise TrainingError(
            f"{what} at step {self.progress.step}; lower the learning rate (train.rate is {self.config.rate:g})"
        )


def _check_form(stopped: Checkpoint, now: Checkpoint) -> None:
    """Raise `CheckpointError` where one run learned in NumPy and the other, of several ranks, in PyTorch."""
    kinds = [run.arrays["learner.generator"].dtype for run in (stopped, now) if "learner.generator" in run.arrays]
    if {*kinds} != {np.dtype(np.uint8), np.dtype(np.uint64)}:  # PyTorch's is of bytes
        return
    was, is_ = ("with", "without") if kinds[0] == np.uint8 else ("without", "with")
    raise CheckpointError(
        f"the stopped run was started {was} torchrun's ranks, and this one is {is_} them; with train.form = "
        f'"shared" go on as it was started, {was} torchrun, or start the run anew'
    )


def total_steps(config: TrainConfig, items: int) -> int:
    """How many steps a run over this many items has, if nothing stops it early."""
    return config.steps or max(config.least_steps, ceil(config.epochs * items / min(config.batch, items)))


def seed_of(seed: int, member: int) -> int:
    """The seed of a member of an ensemble; the first has the run's own."""
    return seed if member == 0 else int(np.random.SeedSequence([seed, member]).generate_state(1, np.uint64)[0]) >> 1


def _copy(array: Any) -> np.ndarray:
    """Of an array, or of a tensor on a device."""
    return np.array(array if isinstance(array, np.ndarray) else array.cpu().numpy())
