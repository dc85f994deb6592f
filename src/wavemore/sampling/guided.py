"""Strings drawn with a guide towards a condition and kept with the right probability.

Every guided string meets the condition. Its weight w is the ratio of its probabilities under the model and under the
guide (`source.py`). If no weight is above a bound M and a string is kept with probability w / M, then kept strings are
distributed as the model's strings that meet the condition, whatever the guide. One string of M / mean(w) is kept.

No formula gives M: a guide makes mistakes, and its largest one is not known. M is chosen from some thousand strings
drawn for that purpose, as the lowest bound that leaves no more than a thousandth of their total weight above it. So
strings whose weight is above M come too rarely, by that share all together. It is measured again on other strings: as
far as it was measured, `Guided.clipped` is the total variation between what is kept and the model's own distribution.

The mean weight is the chance of the condition: the share of the model's strings that meet it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import exp, log, sqrt
from typing import ClassVar, NamedTuple, final

import numpy as np

from wavemore.sampling.automaton import Automaton
from wavemore.sampling.guide import Guide, Visits
from wavemore.sampling.lookahead import LookAhead, Places
from wavemore.sampling.sampler import Batch, Filter, Sampler
from wavemore.sampling.source import BLOCK, Drawn, Source

__all__ = ["Guided", "Guiding"]

_LOOKED_AT = 50_000  # evaluations of the model that the plain strings may cost from which a look ahead is made
_MEASURED = (
    150_000  # the same for the guided strings of one round: from one half the bound, from the other what is above
)
_MOST_LOOKED_AT, _MOST_MEASURED = 12 * BLOCK, 16 * BLOCK  # strings
_CLIPPED = 0.001  # the share of the total weight above the bound, when it is chosen
_TAIL = 1.959964  # standard deviations: an interval has 95 %
_MEASURING = 3  # added to the seed, so that these strings are others


@final
@dataclass(frozen=True, kw_only=True)
class Guided(Sampler):
    """Guided strings, all of which meet the condition; one of weight w stays with probability w / M."""

    source: Source
    kept: float
    """The share of the source's strings that will stay, about."""
    chance: float
    """The share of the model's strings that meet the condition, among those that begin with the source's prefix."""
    chance_error: float
    log_bound: float
    """log M; minus infinity where all of them stay."""
    clipped: float
    """The share of the weights above the bound, as measured: how far kept strings are from the model's distribution."""
    clipped_most: float
    """The upper end of its 95 % interval."""
    effective: float = 0.0
    """The effective sample size of the strings that were measured."""
    strings: int = 0
    """How many these were."""
    cost: int = 0
    """What it took to measure them, in characters."""

    def batches(self, passes: Filter, missing: Callable[[], int]) -> Iterator[Batch]:
        start, found, room, rate = 0, 0, self.source.room(), self.kept
        beginning = self.source.beginning()
        while True:
            wanted = min(room, int(min(missing(), room) / max(rate, 1e-3)) + BLOCK)
            drawn = self.source.batch(start, wanted // BLOCK * BLOCK, beginning=beginning)
            strings = self.source.decoded(drawn.ids[self._kept(drawn)])
            through, tried = len(strings), len(drawn.ids)
            if passes.some:
                strings = [strings[place] for place in np.flatnonzero(passes(strings))]
            known = (self.chance, self.chance_error, self.clipped, self.clipped_most)
            yield Batch(strings, tried, through, drawn.steps, *known)
            start, found = start + tried, found + len(strings)
            rate = (found + 1) / (start + 1)
            room = self.source.room(drawn.contexts / tried)

    def _kept(self, drawn: Drawn) -> np.ndarray:
        """(S,) bool: which strings of a batch stay."""
        with np.errstate(divide="ignore"):
            log_luck = np.log(drawn.luck)
        return drawn.ended & (log_luck < np.where(drawn.ended, drawn.log_weights, 0) - self.log_bound)


@dataclass
class Guiding:
    """A guide that learns round by round from strings that it has guided. What a round finds depends on the condition
    and the model alone, so rounds are kept for the next time."""

    LEAST: ClassVar[int] = BLOCK
    """Strings that the first round draws at least, half of them plain and half guided."""

    source: Source
    """Of the plain strings from which the look ahead is made."""
    automaton: Automaton
    _rounds: "dict[int, _Round]" = field(default_factory=dict)

    def round(self, number: int) -> Guided:
        """What guided strings tell when the guide has learned from those of this number of rounds."""
        for each in range(number + 1):
            if each not in self._rounds:  # should two threads find that out, both make the same
                self._rounds[each] = self._made(self._rounds[each - 1] if each else None, each)
        return self._rounds[number].guided

    def guide(self) -> tuple[Guide, int, int]:
        """A guide that has learned nothing yet, the strings that can be guided in one round, and what it cost."""
        least = self.LEAST // 2
        first = self.source.batch(0, least)
        each = first.evaluations / least
        plain = int(np.clip(_LOOKED_AT / each, least, _MOST_LOOKED_AT))
        tried = [first] if plain == least else _drawn(self.source, plain)
        samples = [string for drawn in tried for string in self.source.decoded(drawn.ids)]
        ahead = LookAhead.of(self.automaton, samples, self.source.distribution.vocabulary)
        guide = Guide(self.automaton, ahead).after(self.source.prefix)
        strings = int(np.clip(_MEASURED / (2 * each), least, _MOST_MEASURED))  # guided ones have less in common
        return guide, strings, _cost(tried)

    def _made(self, before: "_Round | None", number: int) -> "_Round":
        if before is None:
            guide, strings, cost = self.guide()
            source, visits = replace(self.source, guide=guide), ()
        else:
            source, strings, cost, visits = before.guided.source, before.guided.strings, 0, before.visits
            assert source.guide is not None
            source = replace(source, guide=replace(source.guide, ahead=source.guide.ahead.learned(*_learned(visits))))
        new: list[Visits] = []
        batches = _drawn(replace(source, entropy=(0, _MEASURING, number)), strings, new)
        log_weights = np.concatenate([drawn.log_weights for drawn in batches])
        turned_out = [visit._replace(log_past=visit.log_past + log_weights[visit.strings]) for visit in new]
        return _Round(_measured(source, log_weights, cost + _cost(batches)), (*visits, *turned_out))


class _Round(NamedTuple):
    guided: Guided
    visits: tuple[Visits, ...]
    """Where the guided strings of all rounds so far were, and in place of the past how it turned out."""


def _learned(visits: Sequence[Visits]) -> tuple[Places, np.ndarray]:
    """All places where guided strings were, and how likely an acceptable end turned out to be from there."""
    columns = zip(*(visit.places for visit in visits), strict=True)
    return Places(*map(np.concatenate, columns)), np.exp(np.concatenate([visit.log_past for visit in visits]))


def _drawn(source: Source, strings: int, visits: list[Visits] | None = None) -> list[Drawn]:
    """The first strings of a source, in as many batches as memory asks for."""
    batches, start, beginning = [], 0, source.beginning()
    while start < strings:
        new: list[Visits] = []
        batches.append(source.batch(start, min(source.room(), strings - start), new, beginning))
        if visits is not None:
            visits.extend(visit._replace(strings=visit.strings + start) for visit in new)
        start += len(batches[-1].ids)
    return batches


def _cost(batches: Sequence[Drawn]) -> int:
    return sum(drawn.cost for drawn in batches)


def _measured(source: Source, log_weights: np.ndarray, cost: int) -> Guided:
    """Bound and chance from the log-weights of guided strings."""
    strings, highest = len(log_weights), float(log_weights.max())
    if highest == -np.inf:
        return Guided(
            source=source,
            kept=0.0,
            chance=0.0,
            chance_error=0.0,
            log_bound=0.0,
            clipped=0.0,
            clipped_most=0.0,
            strings=strings,
            cost=cost,
        )
    weights = np.exp(log_weights - highest)
    bounding, rest = np.split(weights, [strings // 2])
    bound, scale = _bound(bounding), exp(highest)
    clipped, error = _clipped(rest, bound)
    whole = _clipped(weights, bound)
    return Guided(
        source=source,
        kept=float(np.minimum(1, weights / bound).mean()),
        chance=scale * float(weights.mean()),
        chance_error=scale * float(weights.std()) / sqrt(strings),
        log_bound=log(bound) + highest,
        clipped=clipped,
        clipped_most=max(clipped + _TAIL * error, whole[0] + _TAIL * whole[1]),  # where the rest has none above it
        effective=float(weights.sum() ** 2 / np.square(weights).sum()),
        strings=strings,
        cost=cost,
    )


def _bound(weights: np.ndarray) -> float:
    """The lowest bound that leaves no more than `_CLIPPED` of the total weight above it."""
    falling = -np.sort(-weights)
    above = np.cumsum(falling) - falling * np.arange(1, len(falling) + 1)  # of the weights, if each were the bound
    place = int(np.searchsorted(above, _CLIPPED * weights.sum(), side="right")) - 1
    return max(float(falling[max(place, 0)]), np.finfo(float).tiny)


def _clipped(weights: np.ndarray, bound: float) -> tuple[float, float]:
    """The share of the weights above a bound, and its standard error."""
    mean = max(float(weights.mean()), np.finfo(float).tiny)
    above = np.maximum(weights - bound, 0)
    share = float(above.mean()) / mean
    return share, float((above - share * weights).std()) / mean / sqrt(len(weights))
