"""Which form a recipe is trained in: its batches, and the networks that learn from them.

The shared form in NumPy, but for what needs PyTorch: windows as taught, baselines, and a device that a user names.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Protocol

import numpy as np

from wavemore.errors import MissingExtraError, TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.start import Start
from wavemore.predict.chunks import Chunks
from wavemore.predict.predictor import Distribution
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig, Recipe, SequenceConfig
from wavemore.threads import Team, blas_on_one_thread, cores, free_memory
from wavemore.train.batches import Listed, SharedBatches, Taught, taught
from wavemore.train.learner import Learner
from wavemore.train.network import Network, first_weights
from wavemore.train.run import Run, seed_of

__all__ = ["Together", "made_ready", "runs_of", "torch_threads"]

_KEPT = 7  # numbers that a step holds for each chunk and channel, at most; from the peaks that were measured
_THREADS = 2  # that one network in NumPy has use for


class Together(Protocol):
    """Processes that train one network together, each its share of every batch. Each calls the same in the same
    order."""

    @property
    def runs_of(self) -> Callable[..., AbstractContextManager[list[Run]]]:
        """As `runs_of` of this module."""
        ...

    def any(self, asked: bool) -> bool:
        """Whether any of the processes is asked to stop: before each step."""
        ...


@contextmanager
def runs_of(
    recipe: Recipe,
    vocabulary: Vocabulary,
    training: Sequence[str],
    validation: Sequence[str],
    teacher: Distribution | np.ndarray | None = None,
) -> Iterator[list[Run]]:
    """The runs of a recipe's networks, ready to begin, within a context in which BLAS keeps to one thread: its own
    threads wait for each other in products as small as these, and for long where other processes are busy. In place
    of a `teacher` there may be what it expects, (n, V), of another call's `SharedBatches`.

    Raises `TrainingError` where the memory does not do or there is no such device, and `MissingExtraError`.
    """
    with blas_on_one_thread():
        if _is_shared(recipe):
            with _shared(recipe, vocabulary, training, validation, teacher) as runs:
                yield runs
        else:
            with torch_threads(recipe.train.threads or 1 if recipe.model.members == 1 else 1):
                yield _in_torch(recipe, vocabulary, training, validation)


def made_ready(recipe: Recipe) -> None:
    """Import what training by this recipe needs: PyTorch takes seconds, which are no training. Raises
    `MissingExtraError`."""
    if not _is_shared(recipe) or recipe.train.device != "cpu":
        _needs_torch("this recipe's training")
        import wavemore.train.in_torch  # noqa: F401


def _is_shared(recipe: Recipe) -> bool:
    """Whether each distinct chunk is computed once."""
    return not isinstance(recipe.model, SequenceConfig) and recipe.train.form == "shared"


@contextmanager
def _shared(
    recipe: Recipe,
    vocabulary: Vocabulary,
    training: Sequence[str],
    validation: Sequence[str],
    teacher: Distribution | np.ndarray | None,
) -> Iterator[list[Run]]:
    config, settings, size = recipe.wavenet, recipe.train, len(vocabulary)
    single = replace(config, members=1)
    part, held_out = (Listed(strings, vocabulary, config) for strings in (training, validation))
    _check_memory(part, recipe)
    expected = None
    if teacher is not None:
        chunks = Chunks.of(training, vocabulary, config.groups, config.cycles)
        expected = Taught(teacher if isinstance(teacher, np.ndarray) else taught(teacher, training, chunks), chunks)
    alone = config.members == 1 and settings.device == "cpu"
    team = Team(min(_THREADS, settings.threads or cores()) if alone else 1)

    start = Start(settings.start) if settings.start else None

    def network(seed: int, member: int) -> Learner:
        generator = np.random.default_rng(seed)
        if start is None:
            weights = first_weights(single, size, generator)
        else:
            weights = start.weights(member, vocabulary, training, generator)
        if settings.device == "cpu":
            return Network(single, weights, generator, team)
        _needs_torch(f'train.device = "{settings.device}"')
        from wavemore.train.in_torch import TreeLearner

        return TreeLearner.new(single, weights, seed, settings.device)

    seeds = [seed_of(settings.seed, member) for member in range(config.members)]
    try:
        yield [
            Run(
                settings,
                network(seed, member),
                SharedBatches(part, size, seed, expected, team),
                SharedBatches(held_out, size),
                member,
            )
            for member, seed in enumerate(seeds)
        ]
    finally:
        team.close()


def _check_memory(part: Listed, recipe: Recipe) -> None:
    """Raise `TrainingError` where the steps of all networks side by side would take more bytes than are free."""
    config, settings = recipe.wavenet, recipe.train
    batch, free = min(settings.batch, len(part)), free_memory()
    at_once = min(config.members, settings.threads or cores())
    if free is None or part.longest(batch) * _bytes_for_each(config) * at_once < free:  # nearly always
        return
    drawn = part.part(np.random.default_rng(0).permutation(len(part))[:batch])
    nodes = sum(branch.children.shape[1] for branch in drawn.branches)
    needed = nodes / len(config.levels) * _bytes_for_each(config) * at_once
    if needed > free:
        raise TrainingError(
            f"a step over {batch:,} strings, which have {nodes:,} different chunks, takes about {needed / 1e9:.1f} GB, "
            f"and {free / 1e9:.1f} GB are free; lower train.batch, or leave out long strings with data.max_length"
        )


def _bytes_for_each(config: ModelConfig) -> float:
    """How many bytes a step holds for each prediction whose chunks are all its own."""
    width = config.hidden * (2 if config.activation == "gated" else 1)
    return 4.0 * _KEPT * width * len(config.levels)


def _in_torch(recipe: Recipe, vocabulary: Vocabulary, training: Sequence[str], validation: Sequence[str]) -> list[Run]:
    settings, size = recipe.train, len(vocabulary)
    seeds = [seed_of(settings.seed, member) for member in range(recipe.model.members)]
    if isinstance(recipe.model, SequenceConfig):
        from wavemore.train.in_torch import SequenceBatches, SequenceLearner

        part, held_out = (SequenceBatches.of(strings, vocabulary, seeds[0]) for strings in (training, validation))
        part.check_memory(recipe.model, settings.batch)
        return [Run(settings, SequenceLearner.new(recipe.model, size, seeds[0], settings.device), part, held_out)]
    from wavemore.train.in_torch import WindowedBatches, WindowLearner

    config = replace(recipe.wavenet, members=1)
    (windows, chunks), (others, other_chunks) = (
        (
            Windows.of(strings, vocabulary, config.context),
            Chunks.of(strings, vocabulary, config.groups, config.cycles),
        )
        for strings in (training, validation)
    )
    runs = []
    for member, seed in enumerate(seeds):
        learner = WindowLearner.new(config, size, seed, settings.device)
        batches = WindowedBatches(windows, chunks, learner.generator)
        held_out = WindowedBatches(others, other_chunks, learner.generator)
        runs.append(Run(settings, learner, batches, held_out, member))
    return runs


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """PyTorch on `count` threads within this context. Raises `MissingExtraError`."""
    _needs_torch("training this recipe")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _needs_torch(what: str) -> None:
    """Raises `MissingExtraError` where PyTorch is missing."""
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(what, "PyTorch", "torch") from error
