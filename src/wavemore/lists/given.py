"""The strings that callers give: a list in memory, or whatever names one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.containers import items, items_in_order

if TYPE_CHECKING:
    from wavemore.lists.corpus import Corpus

__all__ = ["Given", "Listed", "Strings", "Weights", "corpus_of", "given", "labelled_corpus", "listed", "present"]

Strings: TypeAlias = "str | Path | IO[Any] | Iterable[str | None] | Corpus"
"""A file's path, "-" for standard input, a list's name, an open file, any iterable of strings (`containers.py`), a
mapping of strings to counts, or a `Corpus` read before."""
Listed: TypeAlias = "Iterable[str | None] | Corpus"
"""The same of what a program holds in memory."""
Weights: TypeAlias = Sequence[float] | np.ndarray | None
"""A number for each string, 0 or more: how often it counts; None for once each."""


class Given(NamedTuple):
    """Strings in the order in which they were given, some of which may be missing."""

    strings: Sequence[str]
    """Those that are there."""
    places: np.ndarray | None
    """(strings,): at which place each was given; None where none is missing."""
    given: int
    """How many there were, the missing ones included."""

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of the strings, (strings, ...), at their places among NaN: float64, (given, ...)."""
        if self.places is None:
            return values
        spread = np.full((self.given, *values.shape[1:]), np.nan)
        spread[self.places] = values
        return spread


def given(strings: "Listed") -> Given:
    """The strings of an iterable, or of a `Corpus`, of each of which something is said. Raises `UsageError` for a
    single string, for a table, for what has no order, and for an item that is no string."""
    held = getattr(strings, "strings", None)  # of a `Corpus`, which takes longer to import than a model to answer
    if isinstance(held, list):
        return Given(held, None, len(held))
    if isinstance(strings, list | tuple):  # the usual case, and quicker
        plain: list[Any] = [*strings]
        if set(map(type, plain)) <= {str}:
            return Given(plain, None, len(plain))
    every = list(items_in_order(strings))
    present = [string for string in every if string is not None]
    if len(present) == len(every):
        return Given(present, None, len(every))
    return Given(present, np.flatnonzero([string is not None for string in every]), len(every))


def present(strings: "Listed") -> Sequence[str]:
    """The strings of an iterable or a `Corpus` that are not missing. Raises `UsageError` as `given` does, but takes
    what has no order."""
    held = getattr(strings, "strings", None)
    return held if isinstance(held, list) else [string for string in items(strings) if string is not None]


def listed(strings: "Listed") -> Sequence[str]:
    """The same where each string must be there. Raises `UsageError` for a missing one, too."""
    found = given(strings)
    if found.places is not None:
        number = int(np.setdiff1d(np.arange(found.given), found.places)[0]) + 1
        raise UsageError(f"item {number} of the list is missing; leave it out, since each item must be a string")
    return found.strings


def corpus_of(strings: Strings, longest: int, weights: "Weights" = None) -> "Corpus":
    """The `Corpus` of whatever is given; see `read_corpus` for what it leaves out and raises. With weights each string
    stands as often as its weight says; see `repeated`. Missing strings are skipped and counted. Raises
    `UsageError` for weights of a file."""
    from wavemore.lists.corpus import Corpus, read_corpus, weighed_corpus

    if weights is not None and getattr(strings, "labels", None):
        raise UsageError("a list has either weights or labels; leave out sample_weight or the labels")
    if weights is not None:
        if isinstance(strings, str | Path):
            raise UsageError(f"sample_weight has a weight for each string of a list in memory, and {strings} is a file")
        if not isinstance(strings, Corpus):
            return weighed_corpus(items_in_order(strings), weights, longest)
        return replace(strings, strings=weighed_corpus(strings.strings, weights, longest).strings)
    return strings if isinstance(strings, Corpus) else read_corpus(strings, max_length=longest)


def labelled_corpus(strings: Strings, labels: object, longest: int) -> "Corpus":
    """The `Corpus` of strings in memory with their labels: one for each, or of each kind one for each. Raises
    `UsageError` for labels of a file, for labels that are none, and for strings that a list leaves out."""
    from wavemore.lists.labelled import checked_labels

    if isinstance(strings, str | Path):
        raise UsageError(
            f"labels are one for each string of a list in memory, and {strings} is a file; name its column"
        )
    every = [*items_in_order(strings)]
    found = checked_labels(labels, len(every))
    there = [place for place, string in enumerate(every) if string is not None]
    corpus = corpus_of([every[place] for place in there], longest)
    if len(corpus.strings) != len(there):
        raise UsageError(f"strings with labels cannot be left out, and {corpus.skipped}; leave out their labels too")
    return corpus.with_labels({kind: [values[place] for place in there] for kind, values in found.items()})
