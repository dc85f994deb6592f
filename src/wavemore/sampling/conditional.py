"""Samples of the model's own distribution, given a condition, by rejection.

Where many of the model's strings meet the condition, strings are drawn as they come and those that do not meet it are
rejected. Where few do, strings are drawn with a guide that looks ahead (`lookahead.py`), so that each of them meets it.
Such a string's weight w is the ratio of its probabilities under the model and under the guide (`source.py`). If no
weight is above a bound M and a string is kept with probability w / M, then kept strings are distributed as the model's
strings that meet the condition, whatever the guide. One string of M / mean(w) is kept.

No formula gives M: a guide makes mistakes, and its largest one is not known. M is chosen from some thousand strings
drawn for that purpose, as the lowest bound that leaves no more than a thousandth of their total weight above it. So
strings whose weight is above M come too rarely, by that share all together. It is measured again on other strings,
`Guided.clipped`, and no more than a hundredth is accepted: as far as it was measured, it is the total variation
between what is drawn and the model's own distribution.

The mean weight is the chance of the condition: the share of the model's strings that meet it.
"""

from dataclasses import dataclass, replace
from math import exp, inf, log, nan, sqrt
from typing import final

import numpy as np

from wavemore.errors import SamplingError
from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.predictor import Distribution, finite
from wavemore.sampling.automaton import DEAD, Automaton
from wavemore.sampling.guide import Guide, Visits
from wavemore.sampling.lookahead import LookAhead, Places
from wavemore.sampling.shape import Shape
from wavemore.sampling.source import BLOCK, AsDrawn, Drawn, Sampler, Source

__all__ = ["Guided", "Limits", "Rejecting", "approximate", "exact", "room_for"]

_TRIED = 12 * BLOCK  # plain strings, to see how many meet the condition; the look ahead is made from them too
_MEASURED = 16 * BLOCK  # guided strings: from one half the bound, from the other what lies above it
_ROUNDS = 2  # times at most that the look ahead learns from guided strings
_GOOD = 0.1  # the share of kept strings at which it learns no more
_CLIPPED = 0.001  # the share of the total weight above the bound, when it is chosen
_ENOUGH = 30  # strings that meet the condition, for a share that can be relied on
_GUIDED, _TRYING, _MEASURING = 1, 2, 3  # added to the seed, so that each source has random numbers of its own


@dataclass(frozen=True)
class Limits:
    """When a guide is used, and when its strings are good enough."""

    common: float = 0.02
    """A share of the model's strings for which no guide is needed."""
    guided_cost: float = 2.5
    """How many plain strings cost as much as a guided one."""
    least_effective: float = 0.01
    """The effective sample size of guided strings, as a share of them: below it a bound from them means nothing."""
    most_clipped: float = 0.01
    """The highest `Guided.clipped` that is accepted."""
    rare: float = 2e-5
    """A share of the model's strings for which plain rejection takes too long."""


_LIMITS = Limits()


@final
@dataclass(frozen=True)
class Rejecting(Sampler):
    """Strings as they come; those that meet the condition stay."""

    automaton: Automaton

    def keep(self, drawn: Drawn) -> np.ndarray:
        return _accepted(self.automaton, drawn)


@final
@dataclass(frozen=True)
class Guided(Sampler):
    """Guided strings, all of which meet the condition; one of weight w stays with probability w / M."""

    log_bound: float
    """log M; minus infinity where all of them stay."""
    clipped: float
    """The share of the weights above the bound, as measured: how far kept strings are from the model's distribution."""

    def keep(self, drawn: Drawn) -> np.ndarray:
        with np.errstate(divide="ignore"):
            log_luck = np.log(drawn.luck)
        return drawn.ended & (log_luck < np.where(drawn.ended, drawn.log_weights, 0) - self.log_bound)


def exact(
    distribution: Distribution,
    automaton: Automaton,
    shape: Shape,
    longest: int,
    seed: int,
    limits: Limits = _LIMITS,
) -> Sampler:
    """The sampler for an automaton that accepts something, but not the empty string. Raises `SamplingError` where the
    model makes such strings too rarely."""
    prefix, state = _forced(automaton)
    source = Source(distribution, (seed,), shape, prefix, room_for(automaton, longest))
    begun = exp(_log_chance_of(distribution, shape, prefix))
    if begun == 0:
        raise SamplingError(
            f"every string that meets the conditions begins with {distribution.vocabulary.decode(prefix)!r}, and the "
            "model makes no such string; ask for fewer conditions"
        )
    if len(prefix) and automaton.free[state]:  # what follows is the model's own
        return AsDrawn(source, kept=1.0, chance=begun, chance_error=0.0)
    tried = _drawn(replace(source, entropy=(0, _TRYING)), _TRIED)
    hits = int(sum(_accepted(automaton, drawn).sum() for drawn in tried))
    share = hits / _TRIED
    error = sqrt(max(share, 1 / _TRIED) * (1 - share) / _TRIED)
    plain = Rejecting(source, share, begun * share, begun * error, automaton)
    if share >= limits.common:
        return plain
    samples = [string for drawn in tried for string in source.decoded(drawn.ids)]
    guide = Guide(automaton, LookAhead.of(automaton, samples, distribution.vocabulary)).after(prefix)
    found, effective = _learned(replace(source, guide=guide, entropy=(seed, _GUIDED)))
    sound = effective >= limits.least_effective and found.clipped <= limits.most_clipped
    chance, error = begun * found.chance, begun * found.chance_error
    if not sound and hits < _ENOUGH and found.chance < limits.rare:
        raise SamplingError(
            f"the conditions are too rare for mode exact: {_about(chance)} of the model's strings meet them; ask for "
            "fewer conditions, or for mode fast, which is biased"
        )
    if sound and found.kept > limits.guided_cost * found.chance:
        return replace(found, chance=chance, chance_error=error)
    if hits >= _ENOUGH:
        return plain
    return replace(plain, kept=found.chance, chance=chance, chance_error=error)


def approximate(distribution: Distribution, automaton: Automaton, shape: Shape, longest: int, seed: int) -> Sampler:
    """The sampler of mode "fast": guided strings, all of which stay. They meet the condition, but are distributed as
    the guide says, and what share of the model's strings does meet it is not known."""
    nothing = np.zeros(0, dtype=np.int64)
    source = Source(distribution, (0, _TRYING), shape, nothing, room_for(automaton, longest))
    samples = [string for drawn in _drawn(source, _TRIED) for string in source.decoded(drawn.ids)]
    guide = Guide(automaton, LookAhead.of(automaton, samples, distribution.vocabulary), patience=inf)
    return Guided(replace(source, guide=guide, entropy=(seed, _GUIDED)), 1.0, nan, nan, log_bound=-inf, clipped=nan)


def _about(chance: float) -> str:
    return (
        f"about {chance:.2g}"
        if chance > 0
        else f"none of {_MEASURED:,} that were drawn towards them, and so hardly any"
    )


def room_for(automaton: Automaton, longest: int) -> int:
    """How long strings may be: `longest`, or twice the length of the shortest acceptable one if that is more."""
    return max(longest, 2 * int(automaton.distance[0]))


def _drawn(source: Source, strings: int, visits: list[Visits] | None = None) -> list[Drawn]:
    """The first strings of a source, whole blocks, in as many batches as memory asks for."""
    batches, start = [], 0
    while start < strings:
        new: list[Visits] = []
        batches.append(source.batch(start, min(source.room(), strings - start), new))
        if visits is not None:
            visits.extend(visit._replace(strings=visit.strings + start) for visit in new)
        start += len(batches[-1].ids)
    return batches


def _learned(source: Source) -> tuple[Guided, float]:
    """The sampler after its look ahead has learned from guided strings, and their effective sample size as a share of
    them. The chance is among strings that begin with the prefix."""
    guide = source.guide
    assert guide is not None
    places, ahead = Places(*(np.zeros(0, dtype=np.int64) for _ in range(3))), np.zeros(0)
    number = 0
    while True:
        visits: list[Visits] = []
        batches = _drawn(replace(source, entropy=(0, _MEASURING, number)), _MEASURED, visits)
        log_weights = np.concatenate([drawn.log_weights for drawn in batches])
        found, effective = _measured(source, log_weights)
        if found.kept >= _GOOD or number == _ROUNDS:
            return found, effective
        number += 1
        places = Places(*(np.concatenate([old, *new]) for old, new in zip(places, _columns(visits), strict=True)))
        turned_out = [np.exp(visit.log_past + log_weights[visit.strings]) for visit in visits]
        ahead = np.concatenate([ahead, *turned_out])
        source = replace(source, guide=replace(guide, ahead=guide.ahead.learned(places, ahead)))


def _columns(visits: list[Visits]) -> list[list[np.ndarray]]:
    """Contexts, states and codes of all visits."""
    return [list(column) for column in zip(*(visit.places for visit in visits), strict=True)]


def _measured(source: Source, log_weights: np.ndarray) -> tuple[Guided, float]:
    """Bound and chance from the log-weights of guided strings, and their effective sample size as a share of them."""
    highest = float(log_weights.max())
    if highest == -np.inf:
        return Guided(source, 0.0, 0.0, 0.0, log_bound=0.0, clipped=0.0), 0.0
    weights = np.exp(log_weights - highest)
    effective = float(weights.sum() ** 2 / np.square(weights).sum() / len(weights))
    bounding, rest = np.split(weights, 2)
    bound = _bound(bounding)
    clipped = float(np.maximum(rest - bound, 0).sum() / max(rest.sum(), np.finfo(float).tiny))
    scale = exp(highest)
    kept = float(np.minimum(1, weights / bound).mean())
    log_bound = log(bound) + highest
    error = scale * float(weights.std()) / sqrt(len(weights))
    return Guided(source, kept, scale * float(weights.mean()), error, log_bound, clipped), effective


def _bound(weights: np.ndarray) -> float:
    """The lowest bound that leaves no more than `_CLIPPED` of the total weight above it."""
    falling = -np.sort(-weights)
    above = np.cumsum(falling) - falling * np.arange(1, len(falling) + 1)  # of the weights, if each were the bound
    place = int(np.searchsorted(above, _CLIPPED * weights.sum(), side="right")) - 1
    return max(float(falling[max(place, 0)]), np.finfo(float).tiny)


def _accepted(automaton: Automaton, drawn: Drawn) -> np.ndarray:
    """(S,) bool: which strings of a batch meet the condition; one that was cut does not."""
    transitions = np.vstack([automaton.transitions, np.full(automaton.transitions.shape[1], DEAD)])
    states = np.zeros(len(drawn.ids), dtype=np.int64)
    for column in drawn.ids.T:
        states = np.where(column == BOUNDARY, states, transitions[states, column])
    return np.append(automaton.accepting, False)[states] & drawn.ended


def _forced(automaton: Automaton) -> tuple[np.ndarray, int]:
    """The ids that every acceptable string begins with, and the state after them."""
    state, prefix = 0, []
    while not automaton.accepting[state]:
        following = np.flatnonzero(automaton.transitions[state] != DEAD)
        if len(following) != 1:
            break
        prefix.append(int(following[0]))
        state = int(automaton.transitions[state, following[0]])
    return np.array(prefix, dtype=np.int64), state


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # numbers too large are refused
def _log_chance_of(distribution: Distribution, shape: Shape, prefix: np.ndarray) -> float:
    """The log of the chance that a string begins with these ids."""
    predictor = distribution.predictor
    state, log_chance = predictor.start(1), 0.0
    for depth, character in enumerate(prefix):
        weights = shape.weights(finite(state.logits), may_end=depth > 0)[0].astype(np.float64)
        log_chance += float(np.log(weights[character] / weights.sum()))
        state = predictor.step(state, np.arange(1), np.array([character]))
    return log_chance
