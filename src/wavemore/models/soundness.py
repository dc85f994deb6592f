"""Whether a model file is sound: its metadata, and the names, types, shapes and values of its tensors."""

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from wavemore.errors import ModelFileError
from wavemore.settings.architecture import MIXED_IN
from wavemore.settings.config import Recipe

__all__ = ["FORMAT", "LARGEST_WEIGHT", "about_of", "check_weights"]

FORMAT = 1
"""The version of a model file's layout."""
LARGEST_WEIGHT = 1e9
"""Beyond, products could overflow."""
_DEEPEST = 32  # tables in tables; a model's own are 4 deep


def about_of(entry: str, path: object) -> dict[str, Any]:
    """The checked metadata."""
    try:
        about = json.loads(entry)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the model {path} has unsound metadata: {error}") from error
    if _depth(about) > _DEEPEST:
        raise ModelFileError(
            f"the model {path} has unsound metadata: it is nested more than {_DEEPEST} deep; train it or copy it again"
        )
    version = about.get("format") if isinstance(about, dict) else None
    if type(version) is not int or version < 1:
        raise ModelFileError(
            f"the model {path} has unsound metadata: its format is {version!r}, not a whole number from 1 up"
        )
    if version > FORMAT:
        raise ModelFileError(
            f"the model {path} has format {version}, written by a newer wavemore than this one, which reads up to "
            f"{FORMAT}; upgrade with: pip install -U wavemore"
        )
    for key, kind in (("recipe", dict), ("characters", str), ("provenance", dict)):
        if not isinstance(about.get(key), kind):
            raise ModelFileError(f'the model {path} has unsound metadata: "{key}" is missing or of the wrong type')
    return about


def _depth(value: Any) -> int:
    """How deeply tables and lists are nested, up to one more than a model's may be."""
    depth, layer = 0, [value]
    while depth <= _DEEPEST and (layer := [item for item in layer if isinstance(item, dict | list)]):
        layer = [part for item in layer for part in (item.values() if isinstance(item, dict) else item)]
        depth += 1
    return depth


def check_weights(weights: Mapping[str, np.ndarray], recipe: Recipe, size: int, path: object) -> None:
    """Names, types, shapes and values of all but the counts. It ends at the first tensor that is not there, however
    many the settings ask for."""
    surplus = dict.fromkeys(sorted(weights))
    weight_of_counts = {f"{MIXED_IN}weight": ()} if recipe.model.ngram else {}
    for name, shape in chain(recipe.model.weight_shapes(size), weight_of_counts.items()):
        _check_there(weights, name, path)
        _check_array(weights[name], f"the model {path} holds", name, shape)
        del surplus[name]
    for name in recipe.model.counts:
        _check_there(weights, name, path)
        del surplus[name]
    for name in surplus:
        raise ModelFileError(
            f"the model {path} has a tensor that does not belong there, {name}; train it or copy it again"
        )


def _check_there(weights: Mapping[str, np.ndarray], name: str, path: object) -> None:
    if name not in weights:
        raise ModelFileError(f"the model {path} lacks {name}; train it or copy it again")


def _check_array(array: np.ndarray, holds: str, name: str, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float32:
        raise ModelFileError(
            f"{holds} {name} as {array.dtype} of shape {array.shape}, and its settings need float32 of shape {shape}; "
            "train it or copy it again"
        )
    if not np.isfinite(array).all():
        raise ModelFileError(f"{holds} numbers in {name} that are not finite (NaN or infinity); train it again")
    if np.abs(array).max() > LARGEST_WEIGHT:
        raise ModelFileError(f"{holds} numbers in {name} that are too large to compute with; train it again")
    if name.endswith(".running_var") and (array < 0).any():
        raise ModelFileError(f"{holds} a negative variance in {name}; train it again")
    if name == f"{MIXED_IN}weight" and not 0 <= array <= 1:
        raise ModelFileError(f"{holds} {float(array):g} in {name}; it must be from 0 to 1; train it again")
