"""One model, one file: safetensors, with everything else that is needed to use it in the file's metadata.

The metadata has one entry, "wavemore", a JSON object:

    format        the version of this layout, a whole number
    recipe        model, training and data settings
    characters    the vocabulary, in order of ids from 1
    provenance    where the model comes from: data, split, losses, seed, version, command

The tensors are the model's parameters and running statistics, float32, under the names of `weight_shapes`, and the
int64 arrays of an n-gram model. Beside them stands what the file remembers of its list, under the names of
`fingerprints.py`. Reading checks all of it, but what the n-grams say, which `Ngram.of` checks when
they are first used; nothing in the file is ever executed. The same model is always the same bytes.
"""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from wavemore.errors import ConfigError, FileError, ModelFileError, UsageError
from wavemore.files import write_whole
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.fingerprints import LOG_LIKELIHOODS, REMEMBERED, Seen, log_likelihoods_of
from wavemore.models.weights import weight_shapes
from wavemore.settings.config import ModelConfig, NgramConfig, Recipe, SequenceConfig

__all__ = ["FORMAT", "LARGEST_WEIGHT", "ModelFile", "is_model_file", "pretrained_path"]

FORMAT = 1
LARGEST_WEIGHT = 1e9  # beyond, products could overflow
_NGRAM = "ngram."  # before the names of what is mixed in with a network
_COUNTED = ("ngrams", "counts")


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds."""

    recipe: Recipe
    vocabulary: Vocabulary
    weights: Mapping[str, np.ndarray]
    """float32 arrays, named and shaped as `weight_shapes` says; of an n-gram model int64 `ngrams` and `counts`, which
    have "ngram." before their names where the model is mixed in, and the float32 `ngram.weight` beside them."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    path: str = field(default="", compare=False)
    """Where it was read from, for messages."""
    seen: Seen | None = field(default=None, compare=False)
    """Fingerprints of the strings that it was made from; None where it keeps none."""
    held_out_scores: np.ndarray | None = field(default=None, compare=False)
    """(Q,) float32: quantiles of the log-likelihoods of the validation strings, rising; None where it keeps none."""

    @property
    def parameter_count(self) -> int:
        """How many numbers were learned: all weights but running statistics; of an n-gram model its counts alone."""
        return sum(
            array.size
            for name, array in self.weights.items()
            if ".running_" not in name and name.removeprefix(_NGRAM) != "ngrams"
        )

    @property
    def network(self) -> dict[str, np.ndarray]:
        """The weights without those of an n-gram model that is mixed in."""
        return {name: array for name, array in self.weights.items() if not name.startswith(_NGRAM)}

    @property
    def ngram_arrays(self) -> dict[str, np.ndarray]:
        """`ngrams` and `counts` of an n-gram model, whether it is the whole or mixed in."""
        prefix = "" if isinstance(self.recipe.model, NgramConfig) else _NGRAM
        return {name: self.weights[prefix + name] for name in _COUNTED}

    @property
    def ngram_weight(self) -> float | None:
        """The share that an n-gram model has in a mixture, from 0 to 1; None where none is mixed in."""
        weight = self.weights.get(f"{_NGRAM}weight")
        return None if weight is None else float(weight)

    def members(self) -> list[dict[str, np.ndarray]]:
        """The weights of each network of an ensemble, under the names of a single one."""
        count = self.recipe.wavenet.members
        prefixes = [f"members.{i}." for i in range(count)]
        return [{n.removeprefix(p): a for n, a in self.weights.items() if n.startswith(p)} for p in prefixes]

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all. Raises `FileError`."""
        about = {
            "format": FORMAT,
            "recipe": self.recipe.to_dict(),
            "characters": self.vocabulary.characters,
            "provenance": dict(self.provenance),
        }
        remembered = {} if self.seen is None else self.seen.arrays()
        if self.held_out_scores is not None:
            remembered[LOG_LIKELIHOODS] = self.held_out_scores
        arrays = {name: np.asarray(array, order="C") for name, array in {**self.weights, **remembered}.items()}
        # A single metadata entry: with several, safetensors writes them in an order that changes from run to run.
        write_whole(path, safetensors.numpy.save(arrays, {"wavemore": json.dumps(about)}))

    @classmethod
    def load(cls, path: str | Path) -> "ModelFile":
        """Read and check a file. Raises `FileError` when it cannot be opened, `ModelFileError` when it is unsound."""
        try:
            with Path(path).open("rb"):  # safetensors' own messages do not tell a missing file from a directory
                pass
            with safe_open(str(path), framework="np") as file:
                entry = (file.metadata() or {}).get("wavemore")
                if entry is None:
                    raise ModelFileError(f"{path} is a safetensors file, but not a wavemore model; train one with it")
                about = _about(entry, path)
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
        except OSError as error:
            from wavemore.lists.streams import embedded_lists

            if str(path) in embedded_lists():
                raise FileError(
                    f"{path} is a list and no model; train one first: wavemore train {path}, or name the file of one"
                ) from error
            raise FileError.of("read the model", path, error) from error
        except (SafetensorError, KeyError, TypeError, AttributeError) as error:  # the last for types that NumPy lacks
            raise ModelFileError(
                f"{path} is not a wavemore model, or is damaged or cut short ({error}); train it or copy it again"
            ) from error
        try:
            recipe = Recipe.from_dict(about["recipe"])
            vocabulary = Vocabulary(about["characters"])
        except (ConfigError, UsageError) as error:
            raise ModelFileError(f"the model {path} has unsound metadata: {error}") from error
        if not vocabulary.characters:
            raise ModelFileError(
                f"the model {path} has unsound metadata: it knows no characters; train it or copy it again"
            )
        remembered = {name: weights.pop(name) for name in REMEMBERED if name in weights}
        _check(weights, recipe.model, len(vocabulary), path)
        seen = Seen.from_arrays(remembered, f"the model {path}")
        scores = log_likelihoods_of(remembered, f"the model {path}")
        return cls(recipe, vocabulary, weights, about["provenance"], str(path), seen, scores)


def pretrained_path() -> Path:
    """The model in the package, trained on the embedded names."""
    return Path(str(resources.files("wavemore.models") / "pretrained" / "names.safetensors"))


def is_model_file(path: str | Path) -> bool:
    """Whether the file is a wavemore model, by its metadata alone."""
    try:
        with safe_open(str(path), framework="np") as file:
            return "wavemore" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def _about(entry: str, path: object) -> dict[str, Any]:
    """The checked metadata."""
    try:
        about = json.loads(entry)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"the model {path} has unsound metadata: {error}") from error
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


def _check(
    weights: Mapping[str, np.ndarray], config: ModelConfig | SequenceConfig | NgramConfig, size: int, path: object
) -> None:
    """Names, types, shapes and values, but what n-grams say: `Ngram.of` checks that."""
    if isinstance(config, NgramConfig):
        _check_names(weights, set(_COUNTED), path)
        return
    if isinstance(config, ModelConfig) and config.members * len(config.levels) > len(weights):
        raise ModelFileError(f"the model {path} has fewer tensors than its settings need; train it or copy it again")
    shapes, counted = weight_shapes(config, size), set[str]()
    if isinstance(config, ModelConfig) and config.ngram:
        shapes, counted = {**shapes, f"{_NGRAM}weight": ()}, {_NGRAM + name for name in _COUNTED}
    _check_names(weights, shapes.keys() | counted, path)
    _check_weights(weights, shapes, path)


def _check_names(weights: Mapping[str, np.ndarray], names: Set[str], path: object) -> None:
    for name in sorted(weights.keys() ^ names):
        state = "lacks" if name in names else "has a tensor that does not belong there,"
        raise ModelFileError(f"the model {path} {state} {name}; train it or copy it again")


def _check_weights(weights: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], path: object) -> None:
    for name, shape in shapes.items():
        array = weights[name]
        if array.shape != shape or array.dtype != np.float32:
            raise ModelFileError(
                f"the model {path} holds {name} as {array.dtype} of shape {array.shape}, and its settings need float32 "
                f"of shape {shape}; train it or copy it again"
            )
        if not np.isfinite(array).all():
            raise ModelFileError(
                f"the model {path} holds numbers in {name} that are not finite (NaN or infinity); train it again"
            )
        if np.abs(array).max() > LARGEST_WEIGHT:
            raise ModelFileError(
                f"the model {path} holds numbers in {name} that are too large to compute with; train it again"
            )
        if name.endswith(".running_var") and (array < 0).any():
            raise ModelFileError(f"the model {path} holds a negative variance in {name}")
        if name == f"{_NGRAM}weight" and not 0 <= array <= 1:
            raise ModelFileError(
                f"the model {path} holds {float(array):g} in {name}; it must be from 0 to 1; train it again"
            )
