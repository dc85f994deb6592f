"""One model, one file: safetensors, with everything else that is needed to use it in the file's metadata.

The metadata has one entry, "wavemore", a JSON object:

    format        the version of this layout, a whole number
    recipe        model, training and data settings
    characters    the vocabulary, in order of ids from 1
    provenance    where the model comes from: data, split, losses, seed, version, command
    labels        of a network with labels their kinds, values and counts; else it is not there

The tensors are the model's parameters and running statistics, float32, and the int64 arrays of an n-gram model, named
and shaped as its settings say (`settings/architecture.py`). Beside them stands what the file keeps of its list, under
the names of `fingerprints.py`. Reading checks all of it, except what the n-grams say: `Ngram.of` checks that when they
are first used. Nothing in the file is ever executed. The same model is always the same bytes.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from wavemore.errors import ConfigError, FileError, ModelFileError, UsageError
from wavemore.files import write_whole
from wavemore.lists.labelled import Label, Labels
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.fingerprints import LOG_LIKELIHOODS, OF_THE_LIST, SURPRISE, Fingerprints, log_likelihoods_of, ranks
from wavemore.models.plausible import Plausible
from wavemore.models.soundness import FORMAT, about_of, check_weights
from wavemore.settings.architecture import MIXED_IN
from wavemore.settings.config import Recipe

__all__ = ["ModelFile", "is_model_file", "pretrained_path"]

_LIST = "{path} is a list and no model; train one first: wavemore train {path}, or name the file of one"


@dataclass(frozen=True, repr=False)
class ModelFile:
    """What a model file holds."""

    recipe: Recipe
    vocabulary: Vocabulary
    weights: Mapping[str, np.ndarray]
    """float32 arrays, named and shaped as `recipe.model.weight_shapes` says, and int64 arrays, `recipe.model.counts`;
    a mixture has the float32 "ngram.weight" too."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    labels: Labels | None = None
    """Those that the network has; None where it has none."""
    path: str = field(default="", compare=False)
    """Where it was read from, for messages."""
    fingerprints: Fingerprints | None = field(default=None, compare=False)
    """Those of the strings that it was made from; None where it keeps none."""
    held_out_scores: np.ndarray | None = field(default=None, compare=False)
    """(Q,) float32: quantiles of the log-likelihoods of the validation strings, rising; None where it keeps none."""
    plausible: Plausible | None = field(default=None, compare=False)
    """Which strings are plausible, by the validation strings; None where it does not say so."""

    def __repr__(self) -> str:
        return f"<ModelFile {self.summary}>"

    @property
    def summary(self) -> str:
        """In a line: the list's name, how many strings it had, the kind of model, how many parameters it has."""
        data = self.provenance.get("data")
        told = data if isinstance(data, dict) else {}
        name, strings = str(told.get("name") or "")[:40], told.get("strings")
        of = f"of {name!r}, " if name else ""
        counted = f"{strings:,} strings, " if isinstance(strings, int) else ""
        return f"{of}{counted}{self.recipe.model.kind}, {self.parameter_count:,} parameters"

    @property
    def parameter_count(self) -> int:
        """How many numbers were learned: all weights but running statistics; of an n-gram model its counts alone."""
        return sum(
            array.size
            for name, array in self.weights.items()
            if ".running_" not in name and name.removeprefix(MIXED_IN) != "ngrams"
        )

    @property
    def network(self) -> dict[str, np.ndarray]:
        """The weights without those of an n-gram model that is mixed in."""
        return {name: array for name, array in self.weights.items() if not name.startswith(MIXED_IN)}

    @property
    def ngram_arrays(self) -> dict[str, np.ndarray]:
        """`ngrams` and `counts` of an n-gram model, whether it is the whole or mixed in."""
        return {name.removeprefix(MIXED_IN): self.weights[name] for name in self.recipe.model.counts}

    @property
    def ngram_weight(self) -> float | None:
        """The share that an n-gram model has in a mixture, from 0 to 1; None where none is mixed in."""
        weight = self.weights.get(f"{MIXED_IN}weight")
        return None if weight is None else float(weight)

    @property
    def unseen_share(self) -> float:
        """How many predictions are characters that the model does not know, above 0 and below 1; see `unseen_share` in
        `lists/vocabulary.py`. Of a file that does not say so, as if none had been new in its list, whose strings have
        two predictions at least: 0.5 / (2 n + 1) of n distinct strings, or of 1,000 where it does not say that."""
        data = self.provenance.get("data")
        share, distinct = (data.get(key) for key in ("unseen_share", "distinct")) if isinstance(data, dict) else (0, 0)
        if isinstance(share, float) and 0 < share < 1:
            return share
        return 0.5 / (2 * (distinct if isinstance(distinct, int) and distinct > 0 else 1000) + 1)

    def members(self) -> list[dict[str, np.ndarray]]:
        """The weights of each network of an ensemble, under the names of a single one."""
        count = self.recipe.wavenet.members
        prefixes = [f"members.{i}." for i in range(count)]
        return [{n.removeprefix(p): a for n, a in self.weights.items() if n.startswith(p)} for p in prefixes]

    def given(self, label: Label) -> "ModelFile":
        """The model of the strings with this label: a network without labels where all of it is told, else the mixture
        of those that fit. The scores of held-out strings are of all labels together, and are left out. Raises
        `UsageError` where there is no such label, or the model has none."""
        if self.labels is None:
            which = f"the model {self.path}".rstrip()
            raise UsageError(f"{which} has no labels, or one was chosen already; train one with --label COLUMN")
        labels = self.labels.chosen(label)
        if len(labels.occurring) > 1:
            return replace(self, labels=labels, held_out_scores=None)
        from wavemore.models.conditioned import under_label

        config, weights = under_label(self.recipe.wavenet, self.weights, int(labels.occurring[0]))
        recipe = replace(self.recipe, model=config)
        return replace(self, recipe=recipe, weights=weights, labels=None, held_out_scores=None)

    def percentiles(self, log_likelihoods: np.ndarray) -> np.ndarray:
        """How many held-out strings are less likely, in percent, interpolated: float64, (N,).

        log_likelihoods    (N,), nats, as `score_samples` gives them; minus infinity has rank 0

        Raises `UsageError` where the file has no scores of held-out strings.
        """
        if self.held_out_scores is None:
            raise UsageError(
                f"{f'the model {self.path}'.rstrip()} has no scores of held-out strings to rank others among; train it "
                "again, with a validation part and data.remember = true"
            )
        return 100 * ranks(self.held_out_scores, log_likelihoods)

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all. Raises `FileError`."""
        from safetensors.numpy import save  # here, since loading a model does not need it

        about = {
            "format": FORMAT,
            "recipe": self.recipe.to_dict(),
            "characters": self.vocabulary.characters,
            "provenance": dict(self.provenance),
            **({} if self.labels is None else {"labels": self.labels.to_dict()}),
        }
        of_the_list = {} if self.fingerprints is None else self.fingerprints.arrays()
        if self.held_out_scores is not None:
            of_the_list[LOG_LIKELIHOODS] = self.held_out_scores
        if self.plausible is not None:
            of_the_list[SURPRISE] = self.plausible.array()
        arrays = {name: np.asarray(array, order="C") for name, array in {**self.weights, **of_the_list}.items()}
        # A single metadata entry: with several, safetensors writes them in an order that changes from run to run.
        write_whole(path, save(arrays, {"wavemore": json.dumps(about)}))

    @classmethod
    def load(cls, path: str | Path) -> "ModelFile":
        """Read and check a file. Raises `FileError` when it cannot be opened, `ModelFileError` when it is unsound."""
        try:
            if Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
                raise FileError(f"cannot read the model {path}: it is a pipe or a device; copy it into a file first")
            with Path(path).open("rb"):  # safetensors' own messages do not tell a missing file from a directory
                pass
            with safe_open(str(path), framework="np") as file:
                entry = (file.metadata() or {}).get("wavemore")
                if entry is None:
                    raise ModelFileError(f"{path} is a safetensors file, but not a wavemore model; train one with it")
                about = about_of(entry, path)
                weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
        except FileError:
            raise
        except OSError as error:
            from wavemore.lists.embedded import embedded_lists

            if str(path) in embedded_lists():
                raise FileError(_LIST.format(path=path)) from error
            raise FileError.of("read the model", path, error) from error
        except (SafetensorError, KeyError, TypeError, AttributeError) as error:  # the last for types that NumPy lacks
            if _looks_like_a_list(path):
                raise ModelFileError(_LIST.format(path=path)) from error
            raise ModelFileError(
                f"{path} is not a wavemore model, or is damaged or cut short ({error}); train it or copy it again"
            ) from error
        try:
            recipe = Recipe.from_dict(about["recipe"])
            vocabulary = Vocabulary(about["characters"])
            labels = Labels.from_dict(about["labels"]) if "labels" in about else None
            if getattr(recipe.model, "labels", ()) != (() if labels is None else labels.sizes):
                raise UsageError("its labels are not those of its settings")
        except (ConfigError, UsageError) as error:
            raise ModelFileError(f"the model {path} has unsound metadata: {error}") from error
        if not vocabulary.characters:
            raise ModelFileError(
                f"the model {path} has unsound metadata: it knows no characters; train it or copy it again"
            )
        of_the_list = {name: weights.pop(name) for name in OF_THE_LIST if name in weights}
        check_weights(weights, recipe, len(vocabulary), path)
        fingerprints = Fingerprints.from_arrays(of_the_list, f"the model {path}")
        scores = log_likelihoods_of(of_the_list, f"the model {path}")
        plausible = Plausible.from_arrays(of_the_list, f"the model {path}")
        return cls(recipe, vocabulary, weights, about["provenance"], labels, str(path), fingerprints, scores, plausible)


def pretrained_path() -> Path:
    """The model in the package, trained on the embedded names."""
    return Path(__file__).parent / "pretrained" / "names.safetensors"


def is_model_file(path: str | Path) -> bool:
    """Whether the file is a wavemore model, by its metadata alone. Of a pipe nothing is read: it can be read once."""
    if not os.path.isfile(path):  # noqa: PTH113 - which takes any name
        return False
    try:
        with safe_open(str(path), framework="np") as file:
            return "wavemore" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def _looks_like_a_list(path: str | Path) -> bool:
    """Whether a file that is no model is text, or has the ending of a list."""
    from wavemore.lists.layout import format_told

    if format_told(path, None, {".txt": "text", ".parquet": "parquet", ".pq": "parquet"}):
        return True
    with Path(path).open("rb") as file:
        head = file.read(1 << 12)
    if Path(path).suffix == ".safetensors" or b"\0" in head:  # as there is in the length that a model begins with
        return False
    try:
        return bool(head[: head.rfind(b"\n") + 1].decode())  # a whole line
    except UnicodeDecodeError:
        return False
