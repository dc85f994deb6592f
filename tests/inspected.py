"""What the tests of inspections share: models and runs to look into, and the figures of pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from wavemore.inspection import Inspection, inspect_history
from wavemore.inspection.pictures import pictures_of
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.nn import BatchNorm1d, WaveNet
from wavemore.nn.inside import batch_statistics
from wavemore.predict.chunks import Chunks
from wavemore.runs.canvas import figure_type
from wavemore.runs.history import HistoryFile
from wavemore.settings.config import Recipe
from wavemore.train import Recorder
from wavemore.train.batches import SharedBatches, tree_of
from wavemore.train.run import Run

SMALL = {
    "model": {"groups": [2, 2], "embedding": 4, "hidden": 16},
    "train": {"form": "shared", "optimizer": "adamw", "rate": 0.01, "batch": 30},
}


def model_of(recipe: dict[str, Any], strings: list[str]) -> ModelFile:
    """An untrained model of these settings, its statistics those of the strings."""
    parsed = Recipe.from_dict(recipe)
    vocabulary = Vocabulary.of(strings)
    config = parsed.wavenet
    model = WaveNet(config, len(vocabulary), generator=torch.Generator().manual_seed(0))
    tree = tree_of(Chunks.of(strings, vocabulary, config.groups, config.cycles))
    for name, (mean, var) in batch_statistics(model, tree).items():
        norm = model.get_submodule(name)
        assert isinstance(norm, BatchNorm1d)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)
    return ModelFile(parsed, vocabulary, {name: tensor.numpy() for name, tensor in model.state_dict().items()})


def trained(
    path: Path,
    strings: list[str],
    change: Callable[[WaveNet], None] = lambda model: None,
    *,
    steps: int = 90,
    **settings: Any,
) -> Inspection:
    """A small run through training, its history at `path`; settings and first weights may be changed."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    recipe = Recipe.from_dict(SMALL).with_settings({"train.steps": steps, **named})
    vocabulary = Vocabulary.of(strings)
    part = SharedBatches(Chunks.of(strings, vocabulary, recipe.wavenet.groups), len(vocabulary))
    run = Run.of(recipe, len(vocabulary), part, part)
    assert isinstance(run.model, WaveNet)
    with torch.no_grad():
        change(run.model)
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
