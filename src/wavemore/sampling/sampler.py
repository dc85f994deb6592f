"""Where strings come from that meet conditions and pass filters: the contract of all samplers, and the plainest one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import NamedTuple, final

import numpy as np

from wavemore.lists.labelled import Labelled, at
from wavemore.sampling.source import BLOCK, Source

__all__ = ["AsDrawn", "Batch", "Filter", "Refusal", "Sampler"]

_FIRST = 8 * BLOCK
_SPARE = 8  # strings more than twice as many as are asked for: of a few, half may be refused

Refusal = Callable[[list[str]], np.ndarray]
"""Tells which of a list of finished strings, (strings,) bool, are not wanted."""


class Filter:
    """What only finished strings tell: whether they are refused, and, for unique ones, whether they came before.
    `more` says that not all that pass are used, so that more may be asked for than are missing."""

    def __init__(self, refused: Refusal | None = None, *, unique: bool = False, more: bool = False) -> None:
        self.refused, self.unique, self.more = refused, unique, more
        self._known: set[str] = set()

    @property
    def some(self) -> bool:
        """Whether a string that is drawn may not be used."""
        return self.refused is not None or self.unique or self.more

    def __call__(self, strings: list[str]) -> np.ndarray:
        """(strings,) bool: which of them pass."""
        passing = np.ones(len(strings), dtype=bool)
        if self.refused is not None and strings:
            passing = ~self.refused(strings)
        if self.unique:
            for place in np.flatnonzero(passing):
                passing[place] = strings[place] not in self._known
                self._known.add(strings[place])
        return passing


class Batch(NamedTuple):
    """Strings that stay, what they cost, and what is known by then."""

    strings: Sequence[str]
    """With their labels where these were drawn."""
    tried: int
    """Strings that were drawn for them."""
    through: int
    """Those among them that meet the conditions, before the filter."""
    steps: int
    """Characters and ends that were drawn for them."""
    chance: float = nan
    """The share of the model's strings, the empty one aside, that meet the conditions; NaN where it is not known."""
    chance_error: float = nan
    """The standard error of this share."""
    clipped: float = 0.0
    """The total variation between the distribution of these strings and the model's own, as measured; NaN where it was
    not measured. 0 is exact."""
    clipped_most: float = 0.0
    """The upper end of its 95 % interval."""
    cost: int = 0
    """In characters, of the strings that were tried together and of which these are the last; 0 where more follow."""


class Sampler(ABC):
    """Strings that meet conditions."""

    @abstractmethod
    def batches(self, passes: Filter, missing: Callable[[], int]) -> Iterator[Batch]:
        """Strings that pass the filter, batch by batch, until there are no more. `missing` says how many are still
        asked for: batches may be smaller then, but the strings are the same."""


@final
@dataclass(frozen=True)
class AsDrawn(Sampler):
    """Every string stays: there is no condition, or all strings that begin with the source's prefix meet it."""

    source: Source
    chance: float

    def batches(self, passes: Filter, missing: Callable[[], int]) -> Iterator[Batch]:
        start, room, beginning = 0, self.source.room(), self.source.beginning()
        done = kept = tried = 0  # done: strings from `start` on that have come already
        while True:
            strings = min(room, missing())
            few = 2 * strings + _SPARE
            if passes.some and start == done == 0 and few < BLOCK:
                strings = few
            elif passes.some:  # more may be asked for after these, and every block begins anew
                # The more are drawn at once, the cheaper each is: so a few tell first how many pass.
                strings = -(-strings * tried // kept) if kept else min(strings, _FIRST)
                strings = min(room, (strings + BLOCK) // BLOCK * BLOCK)
            drawn = self.source.batch(start, strings, beginning=beginning)
            found: Sequence[str] = self.source.decoded(drawn.ids[done:])
            passing = np.flatnonzero(passes([*found])) if passes.some else None
            if drawn.labels is not None:
                found = Labelled(found, drawn.labels[done:])
            if passing is not None:
                found = at(found, passing)
            kept, tried = kept + len(found), tried + strings - done
            yield Batch(found, strings - done, strings - done, drawn.steps, self.chance, 0.0)
            room = self.source.room(drawn.contexts / strings)  # the more strings begin alike, the more fit
            start, done = (start, strings) if strings % BLOCK else (start + strings, 0)
