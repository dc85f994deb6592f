"""Global conditioning (van den Oord et al. 2016, section 2.5): a label shifts what the top levels compute.

    y = [x @ weight of each child] + shift[label]          before the norm, at the levels that a label shifts
    logits = nodes @ head + bias + shift[label]

Chunks below these levels are the same under every label, so each is computed once for all of them. A string may have a
label of several kinds, such as a language and a gender: its shift is the sum of theirs. Labels are numbered through all
combinations, the last kind fastest: with 3 languages and 2 genders, label 5 is the last language and the last gender.

Shapes in this file
    K  values of all kinds together     C  combinations     W  channels that are shifted
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.labelled import Labelled
from wavemore.predict.chunks import Condition
from wavemore.settings.config import ModelConfig

__all__ = ["combined", "condition_of", "parted"]


def condition_of(strings: Sequence[str], config: ModelConfig) -> Condition | None:
    """What the labels of these strings shift in a network of these settings; None where it has no labels. Raises
    `UsageError` for strings without labels."""
    if not config.labels:
        return None
    if not isinstance(strings, Labelled):
        raise UsageError("the network has labels, and these strings have none; choose a label first")
    return Condition(strings.labels, len(config.levels) - config.unshifted)


def combined(rows: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The shift of each combination, (C, W), from those of each value, (K, W). `sizes` has how many values each kind
    has."""
    total = np.zeros((*sizes, rows.shape[1]), rows.dtype)
    for axis, part in enumerate(_split(rows, sizes)):
        total += part.reshape(*(size if i == axis else 1 for i, size in enumerate(sizes)), -1)
    return total.reshape(prod(sizes), -1)


def parted(combinations: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The reverse for gradients: what each value gets, (K, W), from what each combination gets, (C, W)."""
    whole = combinations.reshape(*sizes, -1)
    kinds = range(len(sizes))
    return np.concatenate([whole.sum(axis=tuple(i for i in kinds if i != axis)) for axis in kinds])


def _split(rows: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    return np.split(rows, np.cumsum(sizes)[:-1])
