"""One network's training: model, optimiser, generator and progress, step by step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from wavemore.errors import CheckpointError, ConfigError, TrainingError
from wavemore.models.modelfile import LARGEST_WEIGHT
from wavemore.nn import WaveNet
from wavemore.nn.sequence import SequenceModel
from wavemore.settings.config import ModelConfig, NgramConfig, Recipe, SequenceConfig, TrainConfig
from wavemore.train.batches import Batches
from wavemore.train.checkpoint import Checkpoint
from wavemore.train.optimisers import build_optimizer, rate_at

__all__ = ["Progress", "Run", "torch_threads", "total_steps"]

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


class Run:
    """One network on its way, together what a checkpoint holds.

    `member` is its number in an ensemble, which changes its seed and nothing else.
    """

    def __init__(
        self, recipe: Recipe, member: int, vocabulary_size: int, training: Batches[Any], validation: Batches[Any]
    ) -> None:
        self.config = recipe.train
        self.training, self.validation = training, validation
        self.steps = total_steps(recipe.train, len(training))
        self.generator = torch.Generator().manual_seed(_seed(recipe.train.seed, member))
        self.model = _network(recipe.model, vocabulary_size, self.generator)
        self.optimizer = build_optimizer(recipe.train, self.model)
        self.progress = Progress()
        self.best = self._weights()

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

    def step(self, watched: Any = None) -> float:
        """One step; the batch's loss in nats per character. The batch may be given to a `watched` model, which is this
        one seen from inside."""
        model = self.model if watched is None else watched
        loss = self.training.draw(model, self.config.batch, self.generator)
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
    def evaluation_is_due(self) -> bool:
        """Whether the validation part is to be looked at after this step."""
        a_pass = len(self.training) // min(self.config.batch, len(self.training))
        every = self.config.evaluate_every or max(_STEPS_BETWEEN_EVALUATIONS, a_pass)
        return self.progress.step % every == 0 or self.progress.step == self.steps

    def _diverged(self, what: str) -> NoReturn:
        raise TrainingError(
            f"{what} at step {self.progress.step}; lower the learning rate (train.rate is {self.config.rate:g})"
        )

    def _weights(self) -> dict[str, Tensor]:
        return {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}


def total_steps(config: TrainConfig, items: int) -> int:
    """How many steps a run over this many items has, if nothing stops it early."""
    return config.steps or max(config.least_steps, ceil(config.epochs * items / min(config.batch, items)))


def _network(
    config: ModelConfig | SequenceConfig | NgramConfig, size: int, generator: torch.Generator
) -> WaveNet | SequenceModel:
    """A network of these settings over so many ids, its weights drawn."""
    if isinstance(config, ModelConfig):
        return WaveNet(config, size, generator=generator)
    if isinstance(config, SequenceConfig):
        return SequenceModel(config, size, generator=generator)
    raise ConfigError(f'model.kind = "{config.kind}" cannot be: an n-gram model is counted, not trained')


def _seed(seed: int, member: int) -> int:
    """The seed of a member of an ensemble; the first has the run's own."""
    return seed if member == 0 else int(np.random.SeedSequence([seed, member]).generate_state(1, np.uint64)[0] >> 1)
