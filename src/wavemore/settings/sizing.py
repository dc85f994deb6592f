"""Settings that fit a list: context, width, dropout and steps, by how many strings it has, how long they are and how
many characters they are made of.

The figures come from trials on parts of the embedded lists and of names.txt (docs/log.md). Short lists need small
batches, dropout, and several networks that vote; long ones need a wide network and few passes. The n-gram that is mixed
in always helps, most of all on short lists.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavemore.settings.config import ModelConfig, Recipe, TrainConfig, load_recipe

__all__ = ["AUTO", "chosen", "resolved", "sized"]

AUTO = "auto"
"""In place of a recipe's name: settings that fit the list."""

_FEW, _SOME, _MANY = 1_000, 10_000, 200_000  # strings
_TOO_FEW = 100
_VOTING = 3_000  # strings up to which several networks are trained within seconds
_AT_ONCE = 1 << 15  # characters in a batch, which bound its memory
_CHARACTERS = 3e7  # that training reads at most, if one pass is not more already


def resolved(recipe: str | Path | Recipe, settings: Mapping[str, Any], strings: Sequence[str]) -> Recipe:
    """The recipe of this name or file with these settings in place; sized by the strings where it is "auto". Raises
    `ConfigError`."""
    found = sized(strings) if recipe == AUTO else load_recipe(recipe, others=[AUTO])
    return found.with_settings(settings)


def sized(strings: Sequence[str]) -> Recipe:
    """The recipe for a list of these strings, duplicates counted once."""
    count, lengths, alphabet = _measured(strings)
    characters = int(lengths.sum()) + count  # and the boundaries
    model = ModelConfig(
        groups=_groups(lengths),
        embedding=24 if alphabet < 200 else 64,
        hidden=64 if count < _FEW else 96 if count < _SOME else 128 if count < _MANY else 192,
        norm="batch",
        activation="gated",
        residual=True,
        dropout=0.3 if count < _FEW // 4 else 0.1 if count < _FEW else 0.0,
        members=4 if count < _VOTING else 1,
        ngram=6,
    )
    train = TrainConfig(
        epochs=max(1.0, min(6.0, _CHARACTERS / max(1, characters))),
        least_steps=20,
        batch=max(4, min(256, count // 32, _AT_ONCE * count // max(1, characters))),
        rate=0.008,
        weight_decay=0.3,
        keep="last",
    )
    return Recipe(description="Chosen for the list", model=model, train=train)


def chosen(recipe: Recipe, strings: Sequence[str]) -> str:
    """What a sized recipe has, and for what list, in a sentence."""
    count, lengths, alphabet = _measured(strings)
    model, train = recipe.wavenet, recipe.train
    voting = "one network" if model.members == 1 else f"{model.members} networks that vote"
    length = f"{train.steps:,} steps" if train.steps else f"{train.epochs:.3g} passes"
    counted = f" and {model.ngram}-grams" if model.ngram else ""
    few = "; so short a list teaches little: a few hundred strings give better samples" if count < _TOO_FEW else ""
    return (
        f"chosen for {count:,} different strings, {lengths.mean() if count else 0:.1f} characters long on average, of "
        f"{alphabet:,} different characters: context {model.context}, hidden {model.hidden}, "
        f"dropout {model.dropout:g}, {voting}{counted}, {length} in batches of {train.batch}{few}"
    )


def _measured(strings: Sequence[str]) -> tuple[int, np.ndarray, int]:
    """How many different strings there are, their lengths, and of how many different characters."""
    distinct = set(strings)
    lengths = np.fromiter(map(len, distinct), dtype=np.int64, count=len(distinct))
    return len(distinct), lengths, len(set().union(*distinct))


def _groups(lengths: np.ndarray) -> tuple[int, ...]:
    """Levels of two, for a context of 4 to 64 characters that covers at least half of most strings. One level more was
    no better on names, most of which fit into 8 characters, and costs a third more."""
    usual = float(np.quantile(lengths, 0.8)) if len(lengths) else 8.0
    levels = int(np.ceil(np.log2(max(usual, 1.0))))
    return (2,) * min(6, max(2, levels - (levels > 3)))
