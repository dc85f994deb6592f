"""New strings: independent draws from the model's own distribution, under conditions if there are some.

What is asked for is checked first: if no string can meet it, that is an error at once. Then strings are drawn
(`source.py`) and kept or rejected: by conditions that an automaton checks (`constraints.py`), so that what is kept is
distributed as the model says (`conditional.py`), and by what only finished strings tell: whether they are on some
list, and whether they came before.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Literal

import numpy as np

from wavemore.errors import SamplingError, UsageError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.predictor import Distribution
from wavemore.sampling.shape import UNSHAPED, Shape
from wavemore.sampling.source import BLOCK, AsDrawn, Sampler, Source
from wavemore.settings.strict import whole_number

if TYPE_CHECKING:
    from wavemore.sampling.automaton import Automaton
    from wavemore.sampling.constraints import Condition


__all__ = ["MODES", "Filters", "Mode", "Refusal", "Samples", "drawn", "sample_strings"]

Mode = Literal["exact", "fast"]
MODES: tuple[Mode, ...] = ("exact", "fast")
Refusal = Callable[[list[str]], np.ndarray]
"""Tells which of a list of finished strings, (strings,) bool, are not wanted."""

_HOPELESS = 1 << 20  # strings drawn in a row without one to keep


@dataclass(frozen=True)
class Samples:
    """Strings as they were asked for. Iterate over it once."""

    strings: Iterator[str]
    chance: float | None = None
    """The share of the model's strings, the empty one aside, that meet the conditions; None where it is not measured:
    without conditions, and in mode "fast"."""

    def __iter__(self) -> Iterator[str]:
        return self.strings


def sample_strings(
    distribution: Distribution,
    n: int,
    *,
    conditions: "Sequence[Condition]" = (),
    refused: Refusal | None = None,
    unique: bool = False,
    mode: Mode = "exact",
    shape: Shape = UNSHAPED,
    max_length: int = 1000,
    seed: int | None = None,
) -> Samples:
    """`n` independent strings, none of them empty, distributed as the model's own strings that meet the conditions.

    conditions     what every string meets; see `constraints.py`
    refused        tells which finished strings are not wanted; others are drawn in their place
    unique         no string comes twice
    mode           "exact": distributed as the model's own strings that meet the conditions; "fast": drawn towards the
                   conditions with a rough look ahead, and biased: some strings come too often, others too rarely
    shape          how the distribution of each character is shaped before one is drawn from it
    max_length     in characters; without conditions, or with a beginning alone, longer strings are cut there; under
                   other conditions strings end by then
    seed           a whole number for the same strings again, the first ones for any n; where None, strings differ

    Raises `UsageError` for arguments that make no sense and conditions that no string meets, `SamplingError` where too
    few strings meet them, both at once and not at the first string. Iterating raises `ModelFileError` where the model's
    numbers overflow, and `SamplingError` where no more strings are found that can be used.
    """
    whole_number("the number of strings", n, 0)
    if mode not in MODES:
        raise UsageError(f"the mode is {mode!r}; it must be {' or '.join(MODES)}")
    whole_number("the maximum length", max_length, 1)
    entropy = int.from_bytes(os.urandom(8)) if seed is None else whole_number("the seed", seed, 0)
    filters = Filters(refused, unique)
    if not conditions:
        nothing = np.zeros(0, dtype=np.int64)
        everything = AsDrawn(Source(distribution, (entropy,), shape, nothing, max_length), 1.0, nan, nan)
        return Samples(drawn(everything, n, filters))
    from wavemore.sampling.conditional import approximate, exact
    from wavemore.sampling.constraints import conjunction

    automaton = conjunction(conditions, distribution.vocabulary)
    assert automaton is not None
    _check_left(automaton, distribution.vocabulary, n, filters)
    sampler = (exact if mode == "exact" else approximate)(distribution, automaton, shape, max_length, entropy)
    return Samples(drawn(sampler, n, filters), None if isnan(sampler.chance) else sampler.chance)


@dataclass(frozen=True)
class Filters:
    """What only finished strings tell."""

    refused: Refusal | None = None
    unique: bool = False

    @property
    def some(self) -> bool:
        return self.refused is not None or self.unique


_NO_FILTERS = Filters()


def drawn(sampler: Sampler, n: int, filters: Filters = _NO_FILTERS, hopeless: int = _HOPELESS) -> Iterator[str]:
    """The first `n` strings of a sampler that pass the filters. Raises `SamplingError` when none of `hopeless` strings
    in a row does, or of more where few stay."""
    if isinstance(sampler, AsDrawn) and not filters.some:
        return _plain(sampler.source, n)
    return _filtered(sampler, n, filters, hopeless)


def _plain(source: Source, n: int) -> Iterator[str]:
    """The first `n` strings of a source."""
    start, room = 0, source.room()
    while start < n:
        strings = min(room, n - start)
        batch = source.batch(start, strings)
        yield from source.decoded(batch.ids)
        start += strings
        room = source.room(batch.contexts / strings)  # the more strings begin alike, the more fit


def _filtered(sampler: Sampler, n: int, filters: Filters, hopeless: int) -> Iterator[str]:
    """What is kept does not depend on how many strings are drawn at once."""
    source, known = sampler.source, set[str]()
    found, start, in_vain, room, rate = 0, 0, 0, source.room(), sampler.kept
    while found < n:
        wanted = min(room, int(min(n - found, room) / max(rate, 1e-3)) + BLOCK)
        batch = source.batch(start, wanted // BLOCK * BLOCK)
        strings = source.decoded(batch.ids[sampler.keep(batch)])
        if filters.refused is not None and strings:
            unwanted = filters.refused(strings)
            strings = [string for string, refuse in zip(strings, unwanted, strict=True) if not refuse]
        if filters.unique:
            strings = [string for string in dict.fromkeys(strings) if string not in known]
            known.update(strings)
        yield from strings[: n - found]
        found += len(strings)
        start += len(batch.ids)
        in_vain = 0 if strings else in_vain + len(batch.ids)
        rate = (found + 1) / (start + 1)
        room = source.room(batch.contexts / len(batch.ids))
        if in_vain >= max(hopeless, 30 / sampler.kept):
            raise SamplingError(
                f"{found:,} strings were found, and then none among {in_vain:,} more that were drawn: fewer than "
                f"{3 / in_vain:.1g} of all can be used (with 95 % confidence); ask for fewer strings or conditions"
            )


def _check_left(automaton: "Automaton", vocabulary: Vocabulary, n: int, filters: Filters) -> None:
    """Raises `UsageError` where the strings that meet the conditions can be counted, and there are fewer than are asked
    for, or all of them are refused."""
    if not filters.some:
        return
    from wavemore.sampling.constraints import listed

    every = listed(automaton, vocabulary)
    if every is None:
        return
    left = len(every) if filters.refused is None else int((~filters.refused(every)).sum())
    if left == 0:
        raise UsageError(
            f"only {len(every):,} strings meet the conditions, and every one of them is refused; ask for other ones"
        )
    if filters.unique and left < n:
        raise UsageError(f"only {left:,} strings meet the conditions, and {n:,} different ones are asked for")
