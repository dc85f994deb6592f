"""Samples of the model's own distribution, given a condition, by rejection.

Where many of the model's strings meet the condition, strings are drawn as they come and those that do not meet it are
rejected. Where few do, strings are drawn under the guide of a look ahead (`lookahead.py`), so that each of them meets
it. Such a string's weight w is the ratio of its probabilities under the model and under the guide (`source.py`). If no
weight is above a bound M and a string is kept with probability w / M, then kept strings are distributed as the model's
strings that meet the condition, whatever the guide. One string of M / mean(w) is kept.

No formula gives M: a guide errs, and where it errs most no one knows. It is the lowest bound that no more than a
thousandth of the weights lies above, among some thousand strings that are drawn for that purpose. Strings whose weight
is above it come too rarely by that much, all together. That share is measured again on other strings,
`Conditional.clipped`, and no more than a hundredth is accepted: as far as it was measured, it is the total variation
between what is drawn and the model's own distribution.

The mean weight is the chance of the condition: how many of the model's strings meet it.
"""

from dataclasses import dataclass, replace
from math import exp, inf, log, nan, sqrt
from typing import Any

import numpy as np

from wavemore.errors import SamplingError
from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.predictor import Distribution, Predictor, finite
from wavemore.sampling.automaton import DEAD, Automaton
from wavemore.sampling.guide import Guide, Visits
from wavemore.sampling.lookahead import LookAhead, Places
from wavemore.sampling.shape import Shape
from wavemore.sampling.source import BLOCK, Drawn, Source

__all__ = ["Conditional", "room_for"]

_TRIED = 12 * BLOCK  # of the model's strings, to see how many meet the condition; the look ahead is made of them too
_COMMON = 0.02  # a share that needs no guide
_MEASURED = 16 * BLOCK  # guided strings that the bound comes from, and what lies above it
_ROUNDS = 2  # of guided strings that the look ahead learns from, at most
_GOOD = 0.1  # a share of kept strings that needs no more of them
_CLIPPED = 0.001  # of the weights
_GUIDED_COST = 2.5  # of a guided string, in plain ones
_LEAST_EFFECTIVE = 0.01  # share of guided strings that must count, or else a bound from them is worth nothing
_MOST_CLIPPED = 0.01
_RARE = 2e-5  # the share of the model's strings below which plain ones are no way out
_ENOUGH = 30  # strings that meet the condition, for a share that can be relied on
_GUIDED, _TRYING, _MEASURING = 1, 2, 3  # what the seed's sources are for


@dataclass(frozen=True)
class Conditional:
    """Where samples that meet a condition come from."""

    source: Source
    """Of strings that are kept or rejected; guided, if it has a guide."""
    automaton: Automaton
    """The condition; of strings from a guide, or from a prefix that decides it, every one meets it."""
    chance: float
    """The share of the model's strings, the empty one aside, that meet the condition."""
    chance_error: float
    """The standard error of this share."""
    kept: float
    """The share of the source's strings that will be kept, about."""
    log_bound: float = 0.0
    """log M."""
    clipped: float = 0.0
    """The share of the weights above the bound, as measured: how far kept strings are from the model's distribution."""
    decided: bool = False
    """Whether a beginning decides all, so that no string is rejected."""

    @classmethod
    def of(
        cls, distribution: Distribution, automaton: Automaton, shape: Shape, longest: int, seed: int
    ) -> "Conditional":
        """The source for an automaton that accepts something, but not the empty string. Raises `SamplingError` where
        the model makes such strings too rarely."""
        prefix, state = _forced(automaton)
        source = Source(distribution, (seed,), shape, prefix, room_for(automaton, longest))
        begun = exp(_log_chance_of(distribution.predictor, shape, prefix))
        if begun == 0:
            raise SamplingError(
                f"every string that meets the conditions begins with {distribution.vocabulary.decode(prefix)!r}, and "
                "the model makes none that does; ask for less"
            )
        if len(prefix) and automaton.free[state]:  # what follows is the model's own
            return cls(source, automaton, begun, 0.0, 1.0, decided=True)
        tried = _drawn(replace(source, entropy=(0, _TRYING)), _TRIED)
        hits = int(sum(_accepted(automaton, drawn).sum() for drawn in tried))
        share = hits / _TRIED
        error = sqrt(max(share, 1 / _TRIED) * (1 - share) / _TRIED)
        plain = cls(source, automaton, begun * share, begun * error, share)
        if share >= _COMMON:
            return plain
        samples = [string for drawn in tried for string in source.decoded(drawn.ids)]
        guide = Guide(automaton, LookAhead.of(automaton, samples, distribution.vocabulary)).after(prefix)
        found, effective = _learned(replace(source, guide=guide, entropy=(seed, _GUIDED)), automaton)
        sound = effective >= _LEAST_EFFECTIVE and found.clipped <= _MOST_CLIPPED
        if not sound and hits < _ENOUGH and found.chance < _RARE:
            raise SamplingError(
                f"the conditions are too rare for mode exact: {_about(begun * found.chance)} of the model's strings "
                "meet them; ask for less, or for mode fast, which is biased"
            )
        if sound and found.kept > _GUIDED_COST * found.chance:
            return replace(found, chance=begun * found.chance, chance_error=begun * found.chance_error)
        if hits >= _ENOUGH:
            return plain
        return replace(plain, chance=begun * found.chance, chance_error=begun * found.chance_error, kept=found.chance)

    @classmethod
    def approximate(
        cls, distribution: Distribution, automaton: Automaton, shape: Shape, longest: int, seed: int
    ) -> "Conditional":
        """The source of mode "fast": guided strings, all of which are kept. They meet the condition, but are
        distributed as the guide says, and what share of the model's strings does meet it is not known."""
        nothing = np.zeros(0, dtype=np.int64)
        source = Source(distribution, (0, _TRYING), shape, nothing, room_for(automaton, longest))
        samples = [string for drawn in _drawn(source, _TRIED) for string in source.decoded(drawn.ids)]
        guide = Guide(automaton, LookAhead.of(automaton, samples, distribution.vocabulary), patience=inf)
        return cls(replace(source, guide=guide, entropy=(seed, _GUIDED)), automaton, nan, nan, 1.0, -inf)

    def keep(self, drawn: Drawn) -> np.ndarray:
        """(S,) bool: which strings of a batch stay."""
        if self.decided:
            return np.ones(len(drawn.ids), dtype=bool)
        if self.source.guide is None:
            return _accepted(self.automaton, drawn)
        with np.errstate(divide="ignore"):
            log_luck = np.log(drawn.luck)
        return drawn.ended & (log_luck < np.where(drawn.ended, drawn.log_weights, 0) - self.log_bound)


def _about(chance: float) -> str:
    return f"about {chance:.2g}" if chance > 0 else f"of {_MEASURED:,} drawn towards them none"


def room_for(automaton: Automaton, longest: int) -> int:
    """How long strings may be: so long, or, where the shortest acceptable one asks for it, twice that."""
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


def _learned(source: Source, automaton: Automaton) -> tuple[Conditional, float]:
    """What guided strings tell, when the look ahead has learned from some of them, and the share of them that count.
    The chance is that behind the prefix."""
    guide = source.guide
    assert guide is not None
    places, ahead = Places(*(np.zeros(0, dtype=np.int64) for _ in range(3))), np.zeros(0)
    number = 0
    while True:
        visits: list[Visits] = []
        batches = _drawn(replace(source, entropy=(0, _MEASURING, number)), _MEASURED, visits)
        log_weights = np.concatenate([drawn.log_weights for drawn in batches])
        found, effective = _measured(source, automaton, log_weights)
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


def _measured(source: Source, automaton: Automaton, log_weights: np.ndarray) -> tuple[Conditional, float]:
    """Bound and chance from the log-weights of guided strings, and the share of these strings that count."""
    highest = float(log_weights.max())
    if highest == -np.inf:
        return Conditional(source, automaton, 0.0, 0.0, 0.0), 0.0
    weights = np.exp(log_weights - highest)
    effective = float(weights.sum() ** 2 / np.square(weights).sum() / len(weights))
    bounding, rest = np.split(weights, 2)
    bound = _bound(bounding)
    clipped = float(np.maximum(rest - bound, 0).sum() / max(rest.sum(), np.finfo(float).tiny))
    scale = exp(highest)
    kept = float(np.minimum(1, weights / bound).mean())
    log_bound = log(bound) + highest
    error = scale * float(weights.std()) / sqrt(len(weights))
    return Conditional(source, automaton, scale * float(weights.mean()), error, kept, log_bound, clipped), effective


def _bound(weights: np.ndarray) -> float:
    """The lowest bound above which no more than `_CLIPPED` of the weights lies."""
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
    """The ids that every acceptable string begins with, and the state behind them."""
    state, prefix = 0, []
    while not automaton.accepting[state]:
        following = np.flatnonzero(automaton.transitions[state] != DEAD)
        if len(following) != 1:
            break
        prefix.append(int(following[0]))
        state = int(automaton.transitions[state, following[0]])
    return np.array(prefix, dtype=np.int64), state


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # numbers too large are refused
def _log_chance_of(predictor: Predictor[Any], shape: Shape, prefix: np.ndarray) -> float:
    """The log of the chance that a string begins so."""
    state, log_chance = predictor.start(1), 0.0
    for depth, character in enumerate(prefix):
        weights = shape.weights(finite(state.logits), may_end=depth > 0)[0].astype(np.float64)
        log_chance += float(np.log(weights[character] / weights.sum()))
        state = predictor.step(state, np.arange(1), np.array([character]))
    return log_chance
