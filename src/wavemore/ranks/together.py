"""How a recipe is trained by several ranks, and which recipes are not."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from wavemore.errors import ConfigError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.predictor import Distribution
from wavemore.ranks.learners import BatchesOverRanks, StepOfFirst, learner_over_ranks
from wavemore.ranks.world import World
from wavemore.settings.config import ModelConfig, Recipe
from wavemore.train.batches import Batches, Listed, SharedBatches
from wavemore.train.forms import runs_of, torch_threads
from wavemore.train.run import Run

__all__ = ["Ranks"]


class Ranks:
    """The ranks, as the loop needs them: a `train.loop.Together`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ended = threading.Event()

    @contextmanager
    def runs_of(
        self,
        recipe: Recipe,
        vocabulary: Vocabulary,
        training: Sequence[str],
        validation: Sequence[str],
        teacher: Distribution | np.ndarray | None = None,
    ) -> Iterator[list[Run]]:
        """As `forms.runs_of`; raises `ConfigError` too, for a recipe that ranks do not train."""
        self.check(recipe)
        mine = replace(recipe, train=replace(recipe.train, device=_device(recipe, self.world)))
        with (
            _ending_sets(self._ended),
            torch_threads(recipe.train.threads or 1),
            runs_of(mine, vocabulary, training, validation, teacher) as (run,),
        ):
            drawn = min(recipe.train.batch, len(run.training))
            if drawn < self.world.size:
                raise ConfigError(
                    f"a batch has {drawn} items, and {self.world.size} ranks need one each; raise train.batch, or "
                    "start fewer ranks"
                )
            part, held_out = (
                BatchesOverRanks(whole, *self._own(recipe.wavenet, vocabulary, strings), self.world)
                for whole, strings in ((run.training, training), (run.validation, validation))
            )
            learner = learner_over_ranks(run.learner, self.world)
            together = Run(recipe.train, learner, part, held_out)
            together.optimizer = StepOfFirst(together.optimizer, learner)
            yield [together]

    def any(self, asked: bool) -> bool:
        """Whether any rank is asked to stop."""
        return self.world.any(asked or self._ended.is_set())

    def check(self, recipe: Recipe) -> None:
        """Raise `ConfigError` for a recipe that ranks do not train together."""
        model, instead = recipe.model, "start this without torchrun"
        if not isinstance(model, ModelConfig):
            wrong = f'model.kind = "{model.kind}", and several ranks train a "wavenet" only'
        elif model.members > 1:
            wrong = f"model.members = {model.members}, and several ranks train one network only, as a teacher too"
            instead = f"take a recipe of one network, such as fast or lecture, or {instead}"
        elif model.labels:
            wrong = "the list has labels, and several ranks train a network without labels only"
        else:
            return
        raise ConfigError(f"{wrong}; {instead}")

    def _own(self, config: ModelConfig, vocabulary: Vocabulary, strings: Sequence[str]) -> tuple[Batches | None, int]:
        """This rank's strings of an evaluation, and how many predictions they have."""
        own = strings[self.world.share(len(strings))]
        predictions = sum(map(len, own)) + len(own)
        return SharedBatches(Listed(own, vocabulary, config), len(vocabulary)) if own else None, predictions


def _device(recipe: Recipe, world: World) -> str:
    """The device of this rank. By another name than "cpu" a WaveNet learns in PyTorch there too."""
    device = recipe.train.device
    if device == "cpu":
        return "cpu:0" if recipe.train.form == "shared" else "cpu"
    if ":" in device:
        raise ConfigError(
            f'train.device = "{device}" is one device, and there are {world.size} ranks; to give each its own, write '
            f'"{device.partition(":")[0]}"'
        )
    if device == "cuda":
        torch.cuda.set_device(world.local)
    return f"{device}:{world.local}"


@contextmanager
def _ending_sets(ended: threading.Event) -> Iterator[None]:
    """Within this context SIGTERM, by which torchrun ends all ranks, sets the event, so that the run is kept. Only the
    main thread may handle signals: on any other this changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
