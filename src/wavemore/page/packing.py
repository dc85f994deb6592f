"""A model file as the page has it: a header that is JSON, and the arrays that it names.

The header has

    format        the version of this layout
    characters    the vocabulary, each character by itself, in the order of ids from 1
    hidden, norm, activation    of the networks; null without one
    networks      of each that votes: see `networks.py`
    unshifted     how many levels labels leave as they are, from the bottom up
    ngram         see `ngrams.py`, with its weight in a mixture; null where there is none
    labels        their kinds, and the share of each combination; null where there are none
    quantiles     an array: log-likelihoods of held-out strings, evenly spread over ranks; null where there are none
    seen          see `seen.py`; null where the file keeps no fingerprints
    about         what people are told
    arrays        kind and shape of each array: see `arrays.py`
"""

import gzip
import json
from typing import Any, NamedTuple

import numpy as np

from wavemore.errors import UsageError
from wavemore.models.modelfile import ModelFile
from wavemore.page.arrays import Arrays
from wavemore.page.networks import network_told
from wavemore.page.ngrams import ngrams_told
from wavemore.page.seen import seen_told
from wavemore.predict.ngram import Ngram
from wavemore.settings.config import ModelConfig, NgramConfig

__all__ = ["FORMAT", "Packed", "packed"]

FORMAT = 1
_QUANTILES = 201  # half a percent apart


class Packed(NamedTuple):
    """A model for the page."""

    header: dict[str, Any]
    data: bytes
    """The arrays."""

    def text(self) -> str:
        """The header as JSON."""
        return json.dumps(self.header, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def compressed(self) -> bytes:
        """The arrays with gzip: the same ones are always the same bytes."""
        return gzip.compress(self.data, compresslevel=9, mtime=0)


def packed(file: ModelFile) -> Packed:
    """The model of a file, its weights folded and rounded to float16. Raises `UsageError` for a baseline that needs
    PyTorch, and `ModelFileError` for unsound counts."""
    config = file.recipe.model
    if not isinstance(config, ModelConfig | NgramConfig):
        which = f"the model {file.path}" if file.path else "the model"
        raise UsageError(
            f"{which} is of kind {config.kind!r}, which the page cannot run; it runs networks (wavenet) and n-grams"
        )
    arrays, size = Arrays(), len(file.vocabulary)
    network = config if isinstance(config, ModelConfig) else None
    networks = []
    if network is not None:
        members = file.members() if network.members > 1 else [file.network]
        networks = [network_told(network, member, size, arrays) for member in members]
    quantiles = None if file.held_out_scores is None else arrays.single(_thinned(file.held_out_scores))
    header = {
        "format": FORMAT,
        "characters": [*file.vocabulary.characters],
        "hidden": None if network is None else network.hidden,
        "norm": None if network is None else network.norm,
        "activation": None if network is None else network.activation,
        "networks": networks,
        "unshifted": 0 if network is None else network.unshifted,
        "ngram": _ngram(file, arrays),
        "labels": _labels(file),
        "quantiles": quantiles,
        "seen": seen_told(file.fingerprints, arrays),
        "about": _about(file),
        "arrays": arrays.told,
    }
    return Packed(header, arrays.data())


def _ngram(file: ModelFile, arrays: Arrays) -> dict[str, Any] | None:
    """Of an n-gram model, and of one that is mixed in."""
    config, size = file.recipe.model, len(file.vocabulary)
    if not isinstance(config, NgramConfig):
        if not isinstance(config, ModelConfig) or not config.ngram:
            return None
        config = NgramConfig(kind="ngram", order=config.ngram)
    name = f"the model {file.path}".rstrip()
    found = Ngram.of(config, size, file.ngram_arrays, name).arrays()  # which checks them
    return {"weight": file.ngram_weight, **ngrams_told(config.order, size, found["ngrams"], found["counts"], arrays)}


def _labels(file: ModelFile) -> dict[str, Any] | None:
    if file.labels is None:
        return None
    kinds = [{"name": name, "values": [*values]} for name, values in file.labels.kinds.items()]
    return {"kinds": kinds, "counts": file.labels.counts.tolist()}


def _thinned(scores: np.ndarray) -> np.ndarray:
    """At most 201 of the quantiles, evenly spread over their ranks; (Q,) float32."""
    return scores if len(scores) <= _QUANTILES else np.quantile(scores, np.linspace(0, 1, _QUANTILES))


def _about(file: ModelFile) -> dict[str, Any]:
    """What people are told of the model: numbers and texts, null where the file does not say so."""
    config, told = file.recipe.model, file.provenance
    data, split, losses = (_table(told, name) for name in ("data", "split", "losses"))
    return {
        "list": data.get("name"),
        "kind": _kind(file),
        "parameters": file.parameter_count,
        "shape": config.shape,
        "strings": data.get("strings"),
        "trainedOn": split.get("train"),
        "loss": losses or None,
        "version": told.get("version"),
        "unseenShare": file.unseen_share,
        "plausible": None if file.plausible is None else file.plausible._asdict(),
        "maxLength": file.recipe.data.max_length,
    }


def _kind(file: ModelFile) -> str:
    """What sort of model it is, in words."""
    config = file.recipe.model
    if isinstance(config, NgramConfig):
        return f"n-grams of up to {_counted(config.order, 'character')}"
    assert isinstance(config, ModelConfig)
    levels = _counted(len(config.levels), "level")
    networks = f"a network of {levels}" if config.members == 1 else f"{config.members} networks of {levels} each"
    return networks + (f", and n-grams of up to {_counted(config.ngram, 'character')}" if config.ngram else "")


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _table(told: Any, name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}
