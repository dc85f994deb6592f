"""The strings that callers give: a list in memory, or whatever names one."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.rows import items

if TYPE_CHECKING:
    from wavemore.lists.corpus import Corpus

__all__ = ["Strings", "Weights", "corpus_of", "listed"]

Strings: TypeAlias = "str | Path | IO[Any] | Iterable[str] | Corpus"
"""A file's path, "-" for standard input, a list's name, an open file, any iterable of strings, a mapping of strings to
counts, or a `Corpus` read before."""
Weights: TypeAlias = Sequence[float] | np.ndarray | None
"""A number for each string, 0 or more: how often it counts; None for once each."""


def listed(strings: "Iterable[str] | Corpus") -> Sequence[str]:
    """The strings of an iterable or a `Corpus`. Raises `UsageError` for a single string, and for what is no string."""
    given = getattr(strings, "strings", None)  # of a `Corpus`, which takes longer to import than a model to answer
    return given if isinstance(given, list) else list(items(strings))


def corpus_of(strings: Strings, longest: int, weights: "Weights" = None) -> "Corpus":
    """The `Corpus` of whatever is given; see `read_corpus` for what it leaves out and raises. With weights each string
    stands as often as its weight says; see `repeated`. Raises `UsageError` for weights of a file."""
    from wavemore.lists.corpus import Corpus, read_corpus

    if weights is not None:
        from wavemore.lists.counts import repeated

        if isinstance(strings, str | Path):
            raise UsageError(f"sample_weight has a weight for each string of a list in memory, and {strings} is a file")
        name, skipped = (strings.name, strings.skipped) if isinstance(strings, Corpus) else ("strings", None)
        weighted = read_corpus(repeated(list(listed(strings)), weights), max_length=longest)
        return Corpus(name, weighted.strings, skipped or weighted.skipped)
    return strings if isinstance(strings, Corpus) else read_corpus(strings, max_length=longest)
