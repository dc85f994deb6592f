"""What the tests of inspections share: models and runs to look into, and the figures of pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wavemore.inspection import Inspection, inspect_history
from wavemore.inspection.onestep import batch_statistics
from wavemore.inspection.pictures import pictures_of
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.predict.chunks import Chunks
from wavemore.runs.canvas import figure_type
from wavemore.runs.history import HistoryFile
from wavemore.settings.config import Recipe
from wavemore.train import Recorder
from wavemore.train.batches import batch_of
from wavemore.train.forms import runs_of
from wavemore.train.network import Network, first_weights

SMALL = {
    "model": {"groups": [2, 2], "embedding": 4, "hidden": 16},
    "train": {"form": "shared", "optimizer": "adamw", "rate": 0.01, "batch": 30},
}


def model_of(recipe: dict[str, Any], strings: list[str]) -> ModelFile:
    """An untrained model of these settings, its statistics those of the strings."""
    parsed = Recipe.from_dict(recipe)
    vocabulary = Vocabulary.of(strings)
    config = parsed.wavenet
    weights = first_weights(config, len(vocabulary), np.random.default_rng(0))
    batch = batch_of(Chunks.of(strings, vocabulary, config.groups, config.cycles), len(vocabulary))
    for name, (mean, variance) in batch_statistics(config, weights, batch).items():
        weights[f"{name}.running_mean"][:] = mean
        weights[f"{name}.running_var"][:] = variance
    return ModelFile(parsed, vocabulary, weights)


def trained(
    path: Path,
    strings: list[str],
    change: Callable[[Network], None] = lambda network: None,
    *,
    steps: int = 90,
    **settings: Any,
) -> Inspection:
    """A small run through training, its history at `path`; settings and first weights may be changed."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    recipe = Recipe.from_dict(SMALL).with_settings({"train.steps": steps, **named})
    vocabulary = Vocabulary.of(strings)
    with runs_of(recipe, vocabulary, strings, strings) as (run,):
        assert isinstance(run.learner, Network)
        change(run.learner)
        recorder = Recorder([HistoryFile(path)], {"role": "model", "recipe": recipe.to_dict()})
        recorder.begin([run], resumed=False)
        for _ in run.train(recorder):
            pass
        recorder.close()
    (found,) = inspect_history(path)
    return found


def drawn(seen: Inspection, name: str) -> Any:
    """The figure of one picture."""
    (picture,) = (picture for picture in pictures_of(seen) if picture.name == name)
    figure = figure_type()(figsize=picture.size)
    picture.draw(figure)
    return figure


def labels(figure: Any) -> list[str]:
    """Those of all legends."""
    return [label for axes in figure.axes for label in axes.get_legend_handles_labels()[1]]
