"""One run of a comparison, on whatever machine: a model is fitted, or was there before, and evaluated."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wavemore.comparison.folder import Place
from wavemore.errors import CheckpointError, CorpusError, MissingExtraError
from wavemore.fitting import fit_model
from wavemore.judging.evaluate import evaluate, parts_of
from wavemore.lists.corpus import Corpus
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile
from wavemore.models.origin import Lists
from wavemore.provenance import measured
from wavemore.settings.config import DataConfig, Recipe

if TYPE_CHECKING:
    from wavemore.train import Monitor

__all__ = ["Made", "Making", "Order", "made"]


@dataclass(frozen=True)
class Order:
    """What to make a run of."""

    turn: int
    """Which of the comparison's runs it is, from 0."""
    title: str
    recipe: Recipe | None
    file: ModelFile | None = field(default=None, repr=False)
    """Where there is no recipe."""
    place: Place | None = None
    """Where checkpoints go, if anywhere."""


@dataclass(frozen=True)
class Made:
    """A run that is made."""

    file: ModelFile = field(repr=False)
    seconds: float | None
    """Of fitting; None of a model that was there before."""
    losses: dict[str, dict[str, Any]]
    """What `Evaluation.to_dict` says of each part that was looked at."""
    measured: dict[str, Any]
    """Where it was fitted; empty of a model that was there before."""


def made(making: "Making", order: Order) -> Made:
    """The work of a task. Raises what fitting raises, and `CorpusError` where a model was trained on another split."""
    if order.recipe is None:
        assert order.file is not None
        return Made(order.file, None, making.losses(order.file, order.title), {})
    if order.recipe.model.trained:
        _make_ready(order.recipe)
    file, seconds = making.fit(order.recipe, order.title, order.place)
    return Made(file, seconds, making.losses(file, order.title), measured())


@dataclass(frozen=True)
class Making:
    """What all runs share."""

    corpus: Corpus
    data: DataConfig
    parts: Sequence[str]
    """The parts to look at, and with each its unseen strings."""
    progress: bool
    """Whether each run shows how far it is."""
    command: str

    def fit(self, recipe: Recipe, title: str, place: Place | None) -> tuple[ModelFile, float]:
        """A model, and the seconds that fitting it took. At a place in the folder a stopped run goes on."""
        if place is not None and place.checkpoint.exists():
            try:
                return self._fit_from(recipe, title, place, resume=True)
            except CheckpointError:  # spoiled
                place.clear()
        return self._fit_from(recipe, title, place, resume=False)

    def _fit_from(self, recipe: Recipe, title: str, place: Place | None, *, resume: bool) -> tuple[ModelFile, float]:
        """From the start, or from the place's checkpoint; the seconds include those of the stopped run."""
        from wavemore.progress import TrainingProgress

        before = place.seconds if place is not None and resume else 0.0
        start = time.perf_counter()

        def passed() -> float:
            seconds = before + time.perf_counter() - start
            if place is not None:
                place.seconds = seconds
            return seconds

        with TrainingProgress(quiet=not self.progress) as bar:
            try:
                file, _ = fit_model(
                    Lists(self.corpus),
                    recipe,
                    monitor=_Watch(bar, title, passed),
                    checkpoint=None if place is None else place.checkpoint,
                    resume=resume,
                    command=self.command,
                )
            finally:
                seconds = passed()
                if place is not None and not place.checkpoint.exists():
                    place.clear()
        return file, seconds

    def losses(self, file: ModelFile, title: str) -> dict[str, dict[str, Any]]:
        """What `Evaluation.to_dict` says of each part to look at. Raises `CorpusError` where the split is not ours."""
        from wavemore.progress import counted

        theirs = parts_of(file, self.corpus)
        if "validation" not in theirs:
            raise CorpusError(
                f"the model was not trained on a split of {self.corpus.name} as it stands here, so nobody knows which "
                "of its strings it has seen"
            )
        data = file.recipe.data
        if (data.split, data.seed) != (self.data.split, self.data.seed):
            raise CorpusError(
                f"the model was trained on another split ({data.split}, seed {data.seed}), so it has seen strings "
                "that are held out here"
            )
        distribution = distribution_of(file)
        losses: dict[str, dict[str, Any]] = {}
        for part in self.parts:
            for name in (part, f"{part} unseen"):
                strings = theirs.get(name)
                if strings is None:
                    continue
                if part in losses and len(strings) == len(theirs[part]):  # the very same strings
                    losses[name] = losses[part]
                    continue
                watched = counted(strings, len(strings), f"{title}, evaluating {name}", quiet=not self.progress)
                losses[name] = evaluate(distribution, watched).to_dict()
        return losses


class _Watch:
    """A monitor that names the run, and at every evaluation has the seconds written down that have passed."""

    def __init__(self, monitor: "Monitor", title: str, passed: Callable[[], object]) -> None:
        self.step, self.end = monitor.step, monitor.end
        self._monitor, self._title, self._passed = monitor, title, passed

    def begin(self, steps: int, what: str) -> None:
        self._monitor.begin(steps, f"{self._title}, {what}" if what else self._title)

    def evaluated(self, record: dict[str, Any]) -> None:
        self._monitor.evaluated(record)
        self._passed()


def _make_ready(recipe: Recipe) -> None:
    """Import what fitting needs, so that no run's seconds have that in them; a row for which something is missing says
    so in its turn."""
    from wavemore.train.forms import made_ready

    with suppress(MissingExtraError):
        made_ready(recipe)
