"""Model files of random weights, sound or not, for the tests of `wavemore.models.modelfile`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from wavemore.errors import ModelFileError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.models.soundness import FORMAT
from wavemore.settings.config import Recipe

RECIPE = Recipe.from_dict({"model": {"groups": [2, 2], "embedding": 2, "hidden": 3}})
CHARACTERS = "\0 abcé\u2028名😀"
PROVENANCE = {"data": {"name": "été", "strings": 3}, "losses": {"train": 1.25, "validation": None}, "seed": 42}

Weights = dict[str, np.ndarray]


def a_model(seed: int = 0) -> ModelFile:
    draw = np.random.default_rng(seed)
    vocabulary = Vocabulary(CHARACTERS)
    shapes = dict(RECIPE.wavenet.weight_shapes(len(vocabulary)))
    weights = {name: draw.random(shape, dtype=np.float32) for name, shape in shapes.items()}
    return ModelFile(RECIPE, vocabulary, weights, PROVENANCE)


def about_of(model: ModelFile) -> dict[str, Any]:
    """The metadata as the file holds it."""
    return {
        "format": FORMAT,
        "recipe": model.recipe.to_dict(),
        "characters": model.vocabulary.characters,
        "provenance": dict(model.provenance),
    }


def write(path: Path, weights: Weights, entry: object) -> None:
    """A file with any weights and any metadata, sound or not."""
    text = entry if isinstance(entry, str) else json.dumps(entry)
    path.write_bytes(safetensors.numpy.save(weights, {"wavemore": text}))


def refusal(path: Path) -> str:
    """What `ModelFile.load` says against a file: exactly a `ModelFileError`, in one line that names the file."""
    with pytest.raises(ModelFileError) as caught:
        ModelFile.load(path)
    assert type(caught.value) is ModelFileError
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message
