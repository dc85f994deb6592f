"""New strings: independent draws from the model's own distribution, under conditions if there are some.

What is asked for is checked first, and it is an error, at once, if no string can meet it. Then strings are drawn
(`source.py`) and kept or rejected: for conditions that an automaton tells (`constraints.py`), so that what is kept is
distributed as the model says (`conditional.py`), and for what only finished strings tell: being on some list, and
being there already.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal

import numpy as np

from wavemore.errors import SamplingError, UsageError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.predictor import Distribution
from wavemore.sampling.shape import Shape
from wavemore.sampling.source import BLOCK, Source
from wavemore.settings.strict import whole_number

if TYPE_CHECKING:
    from wavemore.sampling.automaton import Automaton
    from wavemore.sampling.conditional import Conditional
    from wavemore.sampling.constraints import Condition


__all__ = ["MODES", "Mode", "Refusal", "Samples", "sample_strings"]

Mode = Literal["exact", "fast"]
MODES: tuple[Mode, ...] = ("exact", "fast")
Refusal = Callable[[list[str]], np.ndarray]
"""Says of finished strings which of them, (strings,) bool, are not wanted."""

_HOPELESS = 1 << 20  # strings drawn in a row without one to keep


@dataclass(frozen=True)
class Samples:
    """Strings as they were asked for: iterate over it, once."""

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
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    max_length: int = 1000,
    seed: int | None = None,
) -> Samples:
    """`n` independent strings, none of them empty: they follow the model's distribution given that, and given the
    conditions.

    conditions     what every string meets; see `constraints.py`
    refused        says of finished strings which are not wanted: they are drawn again
    unique         no string comes twice
    mode           "exact": distributed as the model's own strings that meet the conditions; "fast": drawn towards them
                   with a rough look ahead, and biased: some strings come too often, others too rarely
    temperature    divides the logits: below 1 likelier strings, above 1 stranger ones
    top_k, top_p   only so many of the likeliest characters at each step; only the likeliest that have this probability
                   together
    max_length     characters; strings are cut there that are the model's own, or its own behind a given beginning;
                   under other conditions strings end by then
    seed           a whole number for the same strings again, the first ones for any n; where None, strings differ

    Raises `UsageError` for arguments that make no sense and conditions that no string meets, `SamplingError` where too
    few strings do, both at once and not at the first string; the strings raise `ModelFileError` where the model's
    numbers overflow, and `SamplingError` where no more strings are found that are wanted.
    """
    _check(n=n, mode=mode, seed=seed, temperature=temperature, top_k=top_k, top_p=top_p, max_length=max_length)
    shape = Shape(float(temperature), None if top_k is None else int(top_k), top_p)
    entropy = int.from_bytes(os.urandom(8)) if seed is None else int(seed)
    filters = _Filters(refused, unique)
    nothing = np.zeros(0, dtype=np.int64)
    if not conditions:
        source = Source(distribution, (entropy,), shape, nothing, max_length)
        strings = _filtered(source, None, n, filters) if filters.some else _plain(source, n)
        return Samples(strings)
    from wavemore.sampling.constraints import conjunction

    automaton = conjunction(conditions, distribution.vocabulary)
    assert automaton is not None
    _check_left(automaton, distribution.vocabulary, n, filters)
    from wavemore.sampling.conditional import Conditional

    if mode == "fast":
        found = Conditional.approximate(distribution, automaton, shape, max_length, entropy)
        return Samples(_filtered(found.source, found, n, filters))
    found = Conditional.of(distribution, automaton, shape, max_length, entropy)
    if found.decided and not filters.some:
        return Samples(_plain(found.source, n), found.chance)
    return Samples(_filtered(found.source, found, n, filters), found.chance)


@dataclass(frozen=True)
class _Filters:
    """What only finished strings tell."""

    refused: Refusal | None
    unique: bool

    @property
    def some(self) -> bool:
        return self.refused is not None or self.unique


def _plain(source: Source, n: int) -> Iterator[str]:
    """The first `n` strings of a source."""
    start, room = 0, source.room()
    while start < n:
        strings = min(room, n - start)
        drawn = source.batch(start, strings)
        yield from source.decoded(drawn.ids)
        start += strings
        room = source.room(drawn.contexts / strings)  # the more strings begin alike, the more fit


def _filtered(source: Source, conditional: "Conditional | None", n: int, filters: _Filters) -> Iterator[str]:
    """The first `n` strings of a source that are kept. What is kept does not depend on how many are drawn at once."""
    known: set[str] = set()
    found, start, in_vain, room = 0, 0, 0, source.room()
    rate = 1.0 if conditional is None else conditional.kept
    while found < n:
        wanted = min(room, int(min(n - found, room) / max(rate, 1e-3)) + BLOCK)
        drawn = source.batch(start, wanted // BLOCK * BLOCK)
        strings = source.decoded(drawn.ids if conditional is None else drawn.ids[conditional.keep(drawn)])
        if filters.refused is not None and strings:
            unwanted = filters.refused(strings)
            strings = [string for string, refuse in zip(strings, unwanted, strict=True) if not refuse]
        if filters.unique:
            strings = [string for string in dict.fromkeys(strings) if string not in known]
            known.update(strings)
        yield from strings[: n - found]
        found += len(strings)
        start += len(drawn.ids)
        in_vain = 0 if strings else in_vain + len(drawn.ids)
        rate = (found + 1) / (start + 1)
        room = source.room(drawn.contexts / len(drawn.ids))
        if in_vain >= max(_HOPELESS, 30 / (1 if conditional is None else conditional.kept)):
            raise SamplingError(
                f"after {found:,} strings, {in_vain:,} were drawn in a row without another one that is wanted; "
                f"so fewer than {3 / in_vain:.1g} of them are (with 95 % confidence); ask for less"
            )


def _check_left(automaton: "Automaton", vocabulary: Vocabulary, n: int, filters: _Filters) -> None:
    """Raises `UsageError` where so few strings meet the conditions that they can be counted, and there are not as many
    as are asked for, or none that is wanted."""
    if not filters.some:
        return
    from wavemore.sampling.constraints import listed

    every = listed(automaton, vocabulary)
    if every is None:
        return
    left = len(every) if filters.refused is None else int((~filters.refused(every)).sum())
    if left == 0:
        raise UsageError(
            f"only {len(every):,} strings meet the conditions, and every one of them is refused; ask for less"
        )
    if filters.unique and left < n:
        raise UsageError(f"only {left:,} strings meet the conditions, and {n:,} different ones are asked for")


def _check(
    *,
    n: object,
    mode: object,
    seed: object,
    temperature: object,
    top_k: object,
    top_p: object,
    max_length: object,
) -> None:
    """Raises `UsageError` for an argument that makes no sense."""
    whole_number("the number of strings", n, 0)
    if mode not in MODES:
        raise UsageError(f"the mode is {mode!r}; it must be {' or '.join(MODES)}")
    if seed is not None:
        whole_number("the seed", seed, 0)
    if not isinstance(temperature, int | float | np.number) or not 0 < temperature < inf:
        raise UsageError(f"the temperature is {temperature!r}; it must be a finite number above 0")
    if top_k is not None:
        whole_number("top_k", top_k, 1)
    if top_p is not None and not (isinstance(top_p, int | float | np.number) and 0 < top_p <= 1):
        raise UsageError(f"top_p is {top_p!r}; it must be a number above 0 and up to 1")
    whole_number("the maximum length", max_length, 1)
