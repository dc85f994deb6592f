"""The training loop: draw a batch of contexts, step down the gradient, now and then look at the validation part."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Any, NoReturn, Protocol

import numpy as np
import torch
from torch import Tensor

from wavemore.chunks import Chunks
from wavemore.config import Recipe, TrainConfig
from wavemore.errors import CheckpointError, TrainingError
from wavemore.modelfile import LARGEST_WEIGHT
from wavemore.nn import WaveNet
from wavemore.train.batches import Batches, SharedBatches, WindowedBatches
from wavemore.train.checkpoint import Checkpoint
from wavemore.train.optim import build_optimizer, rate_at
from wavemore.vocabulary import Vocabulary
from wavemore.windows import Windows

__all__ = ["Monitor", "Trained", "train"]


_STEPS_BETWEEN_EVALUATIONS = 2  # the fewest, where the settings name no number


class Monitor(Protocol):
    """Who watches a run. The loop calls `step` after every step, so it must be cheap."""

    def begin(self, steps: int) -> None:
        """The run has this many steps in all."""
        ...

    def step(self, step: int, loss: float) -> None:
        """`step` steps are done; `loss` is the last batch's, in nats per character."""
        ...

    def evaluated(self, record: dict[str, Any]) -> None:
        """The validation part was evaluated: one record of the history."""
        ...


@dataclass
class Trained:
    """What a run ends with."""

    weights: dict[str, np.ndarray]
    step: int
    """The step that the weights are from."""
    train_loss: float
    validation_loss: float
    history: list[dict[str, Any]]


@dataclass
class _Progress:
    """Where a run stands. All of it goes into the checkpoint."""

    step: int = 0
    best_loss: float = inf
    best_step: int = 0
    without_gain: int = 0
    """Evaluations in a row without a lower validation loss."""
    history: list[dict[str, Any]] = field(default_factory=list)


class _Run:
    """One run: model, optimiser, generator and progress, together what a checkpoint holds."""

    def __init__(
        self, recipe: Recipe, vocabulary_size: int, training: Batches, validation: Batches, about: dict[str, Any]
    ) -> None:
        self.config = recipe.train
        self.training, self.validation = training, validation
        self.steps = total_steps(recipe.train, len(training))
        self.about = about
        self.generator = torch.Generator().manual_seed(recipe.train.seed)
        self.model = WaveNet(recipe.wavenet, vocabulary_size, generator=self.generator)
        self.optimizer = build_optimizer(recipe.train, self.model)
        self.progress = _Progress()
        self.best = self._weights()

    def checkpoint(self) -> Checkpoint:
        groups = {
            "weights": self._weights(),
            "best": self.best,
            "optimizer": self.optimizer.state(),
            "batches": self.training.state(),
        }
        tensors = {f"{group}.{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
        tensors["generator"] = self.generator.get_state()
        return Checkpoint(tensors, dict(vars(self.progress)), self.about)

    def restore(self, checkpoint: Checkpoint) -> None:
        for key, value in self.about.items():
            if checkpoint.about.get(key) != value and key != "command":
                raise CheckpointError(
                    f"the stopped run had other {key} than this one; continue it with the same list and settings, "
                    "or start the run anew"
                )
        try:
            self.model.load_state_dict(checkpoint.group("weights"))
            self.best = checkpoint.group("best")
            self.optimizer.restore(checkpoint.group("optimizer"))
            self.training.restore(checkpoint.group("batches"))
            self.generator.set_state(checkpoint.tensors["generator"])
            self.progress = _Progress(**checkpoint.progress)
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint is not whole ({error}); start the run anew") from error
        self.about = checkpoint.about

    def step(self) -> float:
        """One step; the batch's loss in nats per character."""
        loss = self.training.draw(self.model, self.config.batch, self.generator)
        for parameter in self.model.parameters():
            parameter.grad = None
        loss.backward()
        self.optimizer.step(rate_at(self.config, self.progress.step, self.steps))
        self.progress.step += 1
        if not isfinite(value := loss.item()):
            self._diverged(f"the loss is {value}")
        return value

    def evaluate(self, batch_loss: float) -> dict[str, Any]:
        """Look at the validation part, remember the best weights; the record for the history."""
        progress = self.progress
        loss = self.validation.loss(self.model)
        sound = all(
            tensor.abs().max() <= LARGEST_WEIGHT for tensor in self.model.state_dict().values()
        )  # False for NaN
        if not isfinite(loss) or not sound:
            self._diverged(f"the validation loss is {loss} and the largest weights are beyond {LARGEST_WEIGHT:g}")
        if loss < progress.best_loss:
            progress.best_loss, progress.best_step, progress.without_gain = loss, progress.step, 0
            self.best = self._weights()
        else:
            progress.without_gain += 1
        record = {"step": progress.step, "batch_loss": batch_loss, "validation_loss": loss}
        progress.history.append(record)
        return record

    def finish(self) -> Trained:
        """Settle on the weights to keep and evaluate them."""
        step, validation_loss = self.progress.step, self.progress.history[-1]["validation_loss"]
        if self.config.keep == "best":
            self.model.load_state_dict(self.best)
            step, validation_loss = self.progress.best_step, self.progress.best_loss
        return Trained(
            weights={name: tensor.numpy() for name, tensor in self._weights().items()},
            step=step,
            train_loss=self.training.loss(self.model),
            validation_loss=validation_loss,
            history=self.progress.history,
        )

    def _diverged(self, what: str) -> NoReturn:
        raise TrainingError(
            f"{what} at step {self.progress.step}; lower the learning rate (train.rate is {self.config.rate:g})"
        )

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    @property
    def done(self) -> bool:
        return self.progress.step >= self.steps or 0 < self.config.patience <= self.progress.without_gain

    @property
    def evaluation_is_due(self) -> bool:
        a_pass = len(self.training) // min(self.config.batch, len(self.training))
        every = self.config.evaluate_every or max(_STEPS_BETWEEN_EVALUATIONS, a_pass)
        return self.progress.step % every == 0 or self.progress.step == self.steps


def total_steps(config: TrainConfig, items: int) -> int:
    """How many steps a run over this many items has, if nothing stops it early."""
    return config.steps or max(config.least_steps, ceil(config.epochs * items / min(config.batch, items)))


def train(
    recipe: Recipe,
    vocabulary: Vocabulary,
    training: Sequence[str],
    validation: Sequence[str],
    *,
    about: dict[str, Any],
    monitor: Monitor,
    resume: Checkpoint | None = None,
    save: Callable[[Checkpoint], None] | None = None,
) -> Trained:
    """Train a new model on the strings of `training`, or go on with a stopped run.

    `about` says what the run is, for its checkpoints; `resume` is a checkpoint to go on from, whose `about` must agree;
    `save` gets a checkpoint after each evaluation, and when Ctrl-C stops the run after the step it is in.

    Raises `TrainingError` when the loss is no longer finite, `CheckpointError` when `resume` belongs to another run,
    and `KeyboardInterrupt` after Ctrl-C, once `save` has its checkpoint.
    """
    data, held_out = (_batches(recipe, vocabulary, strings) for strings in (training, validation))
    run = _Run(recipe, len(vocabulary), data, held_out, about)
    if resume is not None:
        run.restore(resume)
    monitor.begin(run.steps)
    with _threads(recipe.train.threads), _stop_on_interrupt() as stopped:
        while not run.done and not stopped.is_set():
            loss = run.step()
            monitor.step(run.progress.step, loss)
            if run.evaluation_is_due:
                monitor.evaluated(run.evaluate(loss))
                if save is not None:
                    save(run.checkpoint())
        if not run.done:
            if save is not None:
                save(run.checkpoint())
            raise KeyboardInterrupt
        return run.finish()


def _batches(recipe: Recipe, vocabulary: Vocabulary, strings: Sequence[str]) -> Batches:
    """A part of a list in the form that the recipe names."""
    if recipe.train.form == "windowed":
        return WindowedBatches(Windows.of(strings, vocabulary, recipe.wavenet.context))
    return SharedBatches(Chunks.of(strings, vocabulary, recipe.wavenet.groups, recipe.wavenet.cycles))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """PyTorch on `count` threads within this context."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """Within this context the first Ctrl-C sets the event, so no step is cut in two; a second one interrupts."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield stopped
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, handle)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)
