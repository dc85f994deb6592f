"""Settings that fit a list: depth, context, width, dropout and steps, by how many strings it has, how long they are and
how many characters they are made of.

The figures come from trials on parts of the embedded lists, on names.txt and on molecules (docs/log.md). Two or three
dilation cycles gain more than width or a longer context. Short lists need small batches, strong decay of the weights,
dropout, an average of the weights, and several networks that vote; long lists of short strings a high rate and few
passes; long strings a context that covers them. A list of fewer than 1,000 names whose characters the base model in the
package knows starts from that model. The n-gram that is mixed in helps most on short lists, and on many long
strings no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wavemore.settings.config import ModelConfig, Recipe, TrainConfig, load_recipe

__all__ = ["AUTO", "FITTED", "Known", "chosen", "gains", "resolved", "sized", "started"]

AUTO = "auto"
"""In place of a recipe's name: settings that fit the list."""

FITTED = (AUTO, "best")
"""The recipes that fit themselves to the list."""

_NAME = 7  # characters of a name and its end: a list is as large as its characters are names
_FEW, _SOME, _MANY = 1_000, 10_000, 200_000  # names
_TOO_FEW = 100
_LABELLED = 5  # times as long a list is learned as a short one, where it has labels: each has a part of it alone
_LABELLED_PASSES = 12.0  # over such a list
_LONG = 24  # characters of strings that are learned as long ones
_AT_ONCE = 2_000  # characters in a batch, about
_KNOWN = 0.9  # of a list's characters that a base model must know
_CHARACTERS = 5e6  # that a network reads at most, if one pass is not more already


def resolved(
    recipe: str | Path | Recipe, settings: Mapping[str, Any], strings: Sequence[str], *, labelled: bool = False
) -> Recipe:
    """The recipe of this name or file with these settings in place; sized by the strings, which may have labels, where
    it is one of `FITTED`. Raises `ConfigError`."""
    fits = recipe in FITTED
    found = sized(strings, str(recipe), labelled=labelled) if fits else load_recipe(recipe, others=[AUTO])
    return found.with_settings(settings)


def sized(strings: Sequence[str], recipe: str = AUTO, *, labelled: bool = False) -> Recipe:
    """The recipe for a list of these strings, duplicates counted once, which may have labels; `recipe` is one of
    `FITTED`."""
    count, lengths, alphabet = _measured(strings)
    characters = int(lengths.sum()) + count  # and the boundaries
    size, usual = characters / _NAME, float(np.quantile(lengths, 0.8)) if count else 8.0
    embedding = 24 if alphabet < 200 else 64
    batch = max(4, min(256, count // 32, _AT_ONCE * count // max(1, characters)))
    groups, cycles = _depth(usual, size / _LABELLED if labelled else size)
    if recipe != AUTO:
        best = load_recipe(recipe)
        model = replace(best.wavenet, groups=groups, cycles=cycles, embedding=embedding)
        return replace(best, model=model, train=replace(best.train, batch=batch))
    few, long = size < (_LABELLED * _SOME if labelled else _SOME), usual > _LONG
    model = ModelConfig(
        groups=groups,
        cycles=cycles,
        embedding=embedding,
        hidden=64 if size < _FEW else 120 if long else 96 if size < _MANY else 128,
        norm="batch",
        activation="quick_gelu" if long and not few else "gated",
        residual=True,
        dropout=0.3 if size < _FEW // 4 else 0.15 if size < _FEW else 0.0,
        members=4 if few else 2 if size < _MANY else 1,
        ngram=0 if labelled or (long and not few) else 6,
    )
    passes = (_LABELLED_PASSES if labelled else 5.0) if few else 6.0 if long else 3.2
    train = TrainConfig(
        epochs=max(1.0, min(passes, _CHARACTERS / max(1, characters))),
        least_steps=20,
        batch=batch,
        rate=0.006 if long or size < _FEW // 4 else 0.008 if few else 0.016,
        weight_decay=0.5 if few else 0.2 if long else 0.1,
        average=0.2 if size < _FEW else 0.15 if few else 0.04,
        keep="last",
    )
    return Recipe(description="Chosen for the list", model=model, train=train)


class Known(NamedTuple):
    """What a model can start from."""

    name: str
    """A model file's path, or "base"."""
    model: ModelConfig
    characters: str


def gains(strings: Sequence[str], base: Known) -> bool:
    """Whether a model of these strings, duplicates counted once, is better when it starts from the base model."""
    count, lengths, _ = _measured(strings)
    if not count or (int(lengths.sum()) + count) / _NAME >= _FEW or np.quantile(lengths, 0.8) > _LONG:
        return False
    known = set(base.characters)
    return sum(character in known for string in set(strings) for character in string) >= _KNOWN * int(lengths.sum())


def started(strings: Sequence[str], start: Known) -> Recipe:
    """The recipe for a list of these strings whose model starts from another: few steps, whose number grows a little
    more slowly than the list, and a network that forgets channels at random, so that little of the start is lost."""
    count, _, _ = _measured(strings)
    model = replace(start.model, dropout=0.2, members=1, ngram=6)
    train = TrainConfig(
        steps=max(4, round(0.33 * count**0.9)),
        batch=64,
        optimizer="adamw",
        rate=0.002,
        warmup=0.2,
        keep="last",
        start=start.name,
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
    begun = f"start {train.start}, " if train.start else ""
    return (
        f"chosen for {count:,} different strings, {lengths.mean() if count else 0:.1f} characters long on average, of "
        f"{alphabet:,} different characters: {begun}context {model.context}, {len(model.levels)} levels of "
        f"{model.hidden}, dropout {model.dropout:g}, {voting}{counted}, {length} in batches of {train.batch}{few}"
    )


def _measured(strings: Sequence[str]) -> tuple[int, np.ndarray, int]:
    """How many different strings there are, their lengths, and of how many different characters."""
    distinct = set(strings)
    lengths = np.fromiter(map(len, distinct), dtype=np.int64, count=len(distinct))
    return len(distinct), lengths, len(set().union(*distinct))


def _depth(usual: float, size: float) -> tuple[tuple[int, ...], int]:
    """Groups and cycles: a context of 7 to 127 characters for strings that are usually so long, about as long as they
    are. A third cycle pays from some 10,000 names on; of longer strings there are more levels already."""
    levels = min(6, max(2, int(np.ceil(np.log2(max(usual, 1.0) / 3)))))
    return (2,) * levels, 3 if levels == 2 and size >= _SOME else 2
