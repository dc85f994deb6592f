"""Strings that come with counts or weights, as a list in which each string stands as often as it counts."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from wavemore.errors import UsageError

__all__ = ["checked_weights", "repeated"]

Item = TypeVar("Item")

_MOST = 2_000_000  # rows that counts become: beyond, a list would take too much memory
_MOST_EACH = 4  # or on average, where there are many strings
_ROWS_EACH = 20  # on average, of weights that are no counts


def repeated(strings: Sequence[Item], weights: Sequence[float] | np.ndarray, where: str = "") -> list[Item]:
    """The strings in their order, each as often as its weight says.

    Whole numbers that add up to at most 2,000,000, or to four a string, are counts: each string stands exactly so
    often. Other weights are scaled, to 20 rows a string on average or to that many rows in all, and rounded so that the
    rows up to each string are right to one: a string whose share is below one row may be left out.

    weights    (strings,), 0 or more, not all 0
    where      the list that has them as counts

    Raises `UsageError` for weights that are none.
    """
    given = checked_weights(strings, weights)
    with np.errstate(over="ignore"):
        total = given.sum()
    if not 1e-300 < total < 1e300:
        raise UsageError(
            f"the {f'counts of {where}' if where else f'weights of the {len(strings):,} strings'} add up to {total:g}; "
            "that must be above 0 and below 1e300"
        )
    if len(np.unique(given[given > 0])) == 1 and total < np.count_nonzero(given):
        given, total = (given > 0).astype(np.float64), float(np.count_nonzero(given))  # all alike: once each
    whole = bool((given == np.floor(given)).all())
    rows = total if whole else float(_ROWS_EACH * len(strings))
    ends = np.cumsum(given)
    most = max(_MOST, _MOST_EACH * len(strings))
    if not whole or rows > most:
        ends = np.floor(ends * (min(rows, most) / total) + 0.5)
    times = np.diff(ends, prepend=0).astype(np.int64)
    return [string for string, count in zip(strings, times.tolist(), strict=True) for _ in range(count)]


def checked_weights(strings: Sequence[Item], weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """The weights as numbers, float64, (strings,). Raises `UsageError` for what is none."""
    try:
        given = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError("the weights of the strings must be numbers, one for each string") from error
    if given.shape != (len(strings),):
        raise UsageError(f"there are {len(strings):,} strings and {given.size:,} weights; give one for each string")
    wrong = np.flatnonzero(~(np.isfinite(given) & (given >= 0)))
    if len(wrong):
        place = int(wrong[0])
        raise UsageError(
            f"the weight of string {place + 1}, {strings[place]!r}, is {given[place]:g}; it must be 0 or more"
        )
    return given
