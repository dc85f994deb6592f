"""What a model of a short list starts from: the networks of a model that has learned many lists, made to know the
characters of this one.

A character that the start does not know gets a drawn embedding and the head's mean column. Then the head's bias moves
until the characters are expected as often as they stand on the list:

    bias(c)  +=  log (n(c) + a q(c)) / (n + a) / q(c)        n(c): how often c is the answer on the list, n in all

q(c) is the mean probability that the network gives c at the places of the list, and a how many predictions that weighs.
So one pass over the list does what many small steps would, and gradients need not find out which alphabet it is.

Shapes in this file
    N  predictions   n  distinct contexts   V  vocabulary, boundary id 0 included   R  channels that the head reads
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from wavemore.errors import ConfigError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.predict.chunks import Chunks
from wavemore.predict.engine import Engine
from wavemore.settings.config import ModelConfig, Recipe
from wavemore.settings.sizing import AUTO, Known, gains, started
from wavemore.settings.sizing import resolved as sized_by
from wavemore.settings.strict import plain

__all__ = ["BASE", "NONE", "Start", "base_path", "digest_of", "resolved"]

BASE = "base"
"""In place of a path: the base model in the package."""
NONE = ""
"""In place of a path: random weights."""

_WEIGHS = 100.0  # predictions that the start's own expectation of a character counts as
_ROUNDS = 3
_RARE = 20  # characters whose bias a new one's is like
_FREE = ("dropout", "members", "ngram")
"""Settings of a model that may be others than those of its start."""
_OTHERWISE = ("train.teacher", "train.form")
_CHARACTER = ("embedding.weight", "head.linear.weight", "head.linear.bias")


def base_path() -> Path:
    """The base model in the package, trained on all lists in it, which a short list starts from."""
    return pretrained_path().with_name("base.safetensors")


class Start:
    """A model to start from.

    name    a path, or "base"

    Raises `FileError` or `ModelFileError` as `ModelFile.load` does, and `ConfigError` for a model that is no WaveNet.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.file = ModelFile.load(base_path() if name == BASE else name)
        kind = self.file.recipe.model.kind
        if kind != "wavenet":
            raise ConfigError(
                f'train.start = "{name}" cannot be: that model is of kind "{kind}"; it must be of kind "wavenet"'
            )
        if self.file.labels is not None:
            raise ConfigError(
                f'train.start = "{name}" cannot be: that model has labels; start from one of its labels, as '
                "model.given(label).save(path) writes it"
            )
        if self.file.recipe.wavenet.final_norm:
            raise ConfigError(
                f'train.start = "{name}" cannot be: that model has model.final_norm = true, so its head has no bias; '
                "it must have false"
            )

    @property
    def characters(self) -> str:
        """Those that it knows."""
        return self.file.vocabulary.characters

    @property
    def known(self) -> Known:
        """What settings of a model that starts from it depend on."""
        return Known(self.name, self._config, self.characters)

    def origin(self, *, private: bool) -> dict[str, str]:
        """What a model's provenance says of its start: its name, of a private model without a path, and a digest."""
        return {"name": Path(self.name).name if private else self.name, "weights": digest_of(self.file)}

    def check(self, config: ModelConfig) -> None:
        """Raises `ConfigError` where networks of these settings cannot take up its weights."""
        for one in fields(config):
            own, asked = getattr(self._config, one.name), getattr(config, one.name)
            if own != asked and one.name not in _FREE:
                raise ConfigError(
                    f'train.start = "{self.name}" cannot be: that model has model.{one.name} = {plain(own)!r}, and '
                    f"the recipe {plain(asked)!r}; the two must be the same"
                )

    @property
    def _config(self) -> ModelConfig:
        return self.file.recipe.wavenet

    def weights(
        self, member: int, vocabulary: Vocabulary, strings: Sequence[str], generator: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """The weights that a network begins with, float32: those of the start's network of this number, over this
        vocabulary, which has all its characters; `strings` are those to learn."""
        members = self.file.members() if self._config.members > 1 else [self.file.network]
        old = members[member % len(members)]
        weights = {name: array.copy() for name, array in old.items()}
        ids = np.concatenate([[0], vocabulary.encode(self.characters)])  # of the start's characters
        embedding, head, bias = (old[name] for name in _CHARACTER)
        size = len(vocabulary)
        new = {
            "embedding.weight": generator.standard_normal((size, embedding.shape[1]), dtype=np.float32)
            * embedding.std(),
            "head.linear.weight": np.repeat(head.mean(axis=1, keepdims=True), size, axis=1),  # (R, V)
            "head.linear.bias": np.full(size, np.sort(bias)[:_RARE].mean(), dtype=np.float32),
        }
        new["embedding.weight"][ids] = embedding
        new["head.linear.weight"][:, ids] = head
        new["head.linear.bias"][ids] = bias
        weights.update(new)
        return {**weights, "head.linear.bias": self._calibrated(weights, vocabulary, strings)}

    def _calibrated(
        self, weights: Mapping[str, np.ndarray], vocabulary: Vocabulary, strings: Sequence[str]
    ) -> np.ndarray:
        """The head's bias with which characters are expected about as often as they stand in the strings: (V,)."""
        chunks = Chunks.of(strings, vocabulary, self._config.groups, self._config.cycles)
        uses = np.bincount(chunks.contexts, minlength=chunks.branches[-1].children.shape[1])  # (n,)
        found = np.bincount(chunks.answers, minlength=len(vocabulary))  # (V,)
        logits = np.concatenate([part for _, part in Engine(self._config, weights).chunk_logits(chunks)])  # (n, V)
        logits = logits.astype(np.float64)
        bias = weights["head.linear.bias"].astype(np.float64)
        for _ in range(_ROUNDS):
            chances = np.exp(logits - logits.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
            expected = uses @ chances / uses.sum()  # (V,)
            shift = np.log(found / expected + _WEIGHS) - np.log(uses.sum() + _WEIGHS)
            bias, logits = bias + shift, logits + shift
        return bias.astype(np.float32)


def digest_of(file: ModelFile) -> str:
    """A digest of a file's weights, which tells it from others."""
    digest = sha256()
    for name, array in sorted(file.weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def resolved(
    recipe: str | Path | Recipe, settings: Mapping[str, Any], strings: Sequence[str], *, labelled: bool = False
) -> Recipe:
    """The recipe of this name or file with these settings in place, sized by the strings where it fits itself to a
    list. Without labels "auto" starts from the base model where the strings are few, their characters are known to it,
    and no setting asks for another network. Raises `ConfigError`, and `FileError` or `ModelFileError` for a start that
    cannot be read."""
    if recipe != AUTO or not strings or labelled:
        return sized_by(recipe, settings, strings, labelled=labelled)
    name = settings.get("train.start")
    if name is None and any(key in _OTHERWISE or _shapes(key) for key in settings):
        return sized_by(recipe, settings, strings, labelled=labelled)
    start = Start(BASE if name is None else str(name)) if name != NONE else None
    if start is None or (name is None and not gains(strings, start.known)):
        return sized_by(recipe, settings, strings, labelled=labelled)
    recipe = started(strings, start.known)
    if "train.epochs" in settings:  # which says how long in place of the steps
        recipe = recipe.with_settings({"train.steps": 0})
    return recipe.with_settings(settings)


def _shapes(key: str) -> bool:
    """Whether a setting is one in which a model must be like its start."""
    table, _, name = key.partition(".")
    return table == "model" and name not in _FREE
