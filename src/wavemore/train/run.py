"""One network's training: its loop (forward, backward, step, evaluation), and all that a checkpoint holds of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Any, NoReturn, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from wavemore.errors import CheckpointError, TrainingError
from wavemore.models.modelfile import LARGEST_WEIGHT
from wavemore.nn import SequenceModel, WaveNet
from wavemore.nn.wavenet import Passed
from wavemore.settings.config import Recipe, TrainConfig
from wavemore.train.batches import Batches
from wavemore.train.checkpoint import Checkpoint
from wavemore.train.optimisers import build_optimizer, rate_at

__all__ = ["Observer", "Progress", "Run", "torch_threads", "total_steps"]

_STEPS_BETWEEN_EVALUATIONS = 2  # the fewest, where the settings name no number


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """PyTorch on `count` threads within this context."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class Progress:
    """Where a run stands. All of it goes into the checkpoint."""

    step: int = 0
    best_loss: float = inf
    best_step: int = 0
    without_gain: int = 0
    """Evaluations in a row without a lower validation loss."""
    history: list[dict[str, Any]] = field(default_factory=list)


class Observer(Protocol):
    """Who looks on while a network is trained, and changes nothing. Called at every step, so it must be cheap."""

    def before(self, run: "Run") -> list[Passed] | None:
        """A step begins: a list to which what goes through each level is to be added, or None where nobody looks."""
        ...

    def after(self, run: "Run", loss: float) -> None:
        """The step is done; `loss` is its batch's."""
        ...

    def note(self, run: "Run", evaluation: dict[str, Any] | None) -> None:
        """What was due after the step is done too: an evaluation's record of the history, where there was one."""
        ...


class Run:
    """One network on its way, together what a checkpoint holds."""

    def __init__(
        self,
        config: TrainConfig,
        model: WaveNet | SequenceModel,
        generator: torch.Generator,
        training: Batches[Any],
        validation: Batches[Any],
        member: int = 0,
    ) -> None:
        """Batches are drawn from `generator`; `member` is the network's number in an ensemble."""
        self.config, self.model, self.generator, self.member = config, model, generator, member
        self.training, self.validation = training, validation
        self.steps = total_steps(config, len(training))
        self.optimizer = build_optimizer(config, model)
        self.progress = Progress()
        self.best = self._weights()

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        vocabulary_size: int,
        training: Batches[Any],
        validation: Batches[Any],
        member: int = 0,
    ) -> Self:
        """The run of a new network, which draws its weights and then its batches from one generator, seeded by the
        recipe's seed and the member's number."""
        generator = torch.Generator().manual_seed(_seed(recipe.train.seed, member))
        model = training.network(recipe.model, vocabulary_size, generator=generator)
        return cls(recipe.train, model, generator, training, validation, member)

    def train(self, observer: Observer) -> Iterator[tuple[float, dict[str, Any] | None]]:
        """Take the steps that are left, and evaluate where it is due. After each step come its batch's loss, nats per
        character, and the record of an evaluation, where there was one; the run may then be left, and goes on from
        there. Raises `TrainingError` when a loss is not finite."""
        while not self.done:
            seen = observer.before(self)
            loss = self.training.draw(self.model, self.config.batch, self.generator, seen)  # a scalar
            self.model.zero_grad()
            loss.backward()
            self.optimizer.step(rate_at(self.config, self.progress.step, self.steps))
            self.progress.step += 1
            if not isfinite(value := loss.item()):
                self._diverged(f"the loss is {value}")
            observer.after(self, value)
            evaluation = self._evaluated(value) if self._evaluation_is_due else None
            observer.note(self, evaluation)
            yield value, evaluation

    def checkpoint(self, about: dict[str, Any]) -> Checkpoint:
        """Where the run stands, apart from what the next steps change."""
        groups = {
            "weights": self._weights(),
            "best": self.best,
            "optimizer": self.optimizer.state(),
            "batches": self.training.state(),
        }
        named = {f"{group}.{name}": tensor for group, tensors in groups.items() for name, tensor in tensors.items()}
        named["generator"] = self.generator.get_state()
        progress = {**vars(self.progress), "history": list(self.progress.history)}
        return Checkpoint({name: tensor.clone() for name, tensor in named.items()}, progress, about)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up where a run with the same settings stood. Raises `CheckpointError`."""
        try:
            self.model.load_state_dict(checkpoint.group("weights"))
            self.best = checkpoint.group("best")
            self.optimizer.restore(checkpoint.group("optimizer"))
            self.training.restore(checkpoint.group("batches"))
            self.generator.set_state(checkpoint.tensors["generator"])
            self.progress = Progress(**checkpoint.progress)
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint is not whole ({error}); start the run anew") from error

    def settle(self) -> int:
        """Put the weights to keep into the model; the step that they are from."""
        if self.config.keep == "last":
            return self.progress.step
        self.model.load_state_dict(self.best)
        return self.progress.best_step

    def weights(self) -> dict[str, np.ndarray]:
        """The model's weights by name."""
        return {name: tensor.numpy() for name, tensor in self._weights().items()}

    @property
    def done(self) -> bool:
        """Whether the run has had all its steps, or has stopped early."""
        return self.progress.step >= self.steps or 0 < self.config.patience <= self.progress.without_gain

    @property
    def _evaluation_is_due(self) -> bool:
        """Whether the validation part is to be looked at after this step."""
        a_pass = len(self.training) // min(self.config.batch, len(self.training))
        every = self.config.evaluate_every or max(_STEPS_BETWEEN_EVALUATIONS, a_pass)
        return self.progress.step % every == 0 or self.progress.step == self.steps

    def _evaluated(self, batch_loss: float) -> dict[str, Any]:
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

    def _diverged(self, what: str) -> NoReturn:
        raise TrainingError(
            f"{what} at step {self.progress.step}; lower the learning rate (train.rate is {self.config.rate:g})"
        )

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}


def total_steps(config: TrainConfig, items: int) -> int:
    """How many steps a run over this many items has, if nothing stops it early."""
    return config.steps or max(config.least_steps, ceil(config.epochs * items / min(config.batch, items)))


def _seed(seed: int, member: int) -> int:
    """The seed of a member of an ensemble; the first has the run's own."""
    return seed if member == 0 else int(np.random.SeedSequence([seed, member]).generate_state(1, np.uint64)[0] >> 1)
