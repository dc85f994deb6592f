"""Samples of the model's own distribution, given a condition, in the cheapest way that is known to be good.

    exact     strings are tried, and what failed is remembered (`pruning.py`); where few come through, a guide
              (`guided.py`) takes over, whose error is measured and bounded
    strict    strings are tried, and no guide takes over: no error at all, until enough are found or eight million
              characters in a row have given none
    fast      guided strings, all of which are kept: biased

To prepare a guide costs as much as many strings that are tried. So it waits: preparing may cost half of what was spent
on trying, and a fixed amount that takes about a second. So few strings, and common conditions, never pay for a guide,
and preparing one in vain adds about a second, and half of the time that trying took, at most. Costs are counted in
characters that are drawn and not in seconds, so that a seed gives the same strings on every machine, and the first ones
for any number of strings.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import exp, inf, nan
from typing import final

import numpy as np

from wavemore.errors import SamplingError
from wavemore.predict.predictor import Distribution, finite
from wavemore.sampling.automaton import DEAD, Automaton
from wavemore.sampling.guided import Guided, Guiding
from wavemore.sampling.pruning import Pruning
from wavemore.sampling.sampler import AsDrawn, Batch, Filter, Sampler
from wavemore.sampling.shape import Shape
from wavemore.sampling.source import Source

__all__ = ["Exact", "Limits", "Preparation", "room_for"]

_GUIDED, _TRYING, _PRUNING = 1, 2, 4  # added to the seed, so that each source has random numbers of its own
_FEW = 100_000  # strings that trying can find to the last one


@dataclass(frozen=True)
class Limits:
    """When a guide is prepared and used, and when its strings are good enough. Costs are in characters."""

    common: float = 0.02
    """A share of tried strings that come through for which no guide is prepared."""
    free: float = 3e10
    """What preparing may cost beyond half of what was spent on trying, in multiplications."""
    character: int = 50_000
    """What each character costs beyond the model's own work, in multiplications."""
    first: int = 200_000
    """What the first round costs at least; later ones about as much as the round before."""
    rounds: int = 3
    """How often a guide is measured, at most; between two rounds it learns."""
    good: float = 0.1
    """The share of kept strings at which it learns no more."""
    guided_cost: float = 1.5
    """How many characters of trying take as long as one of guiding."""
    least_effective: float = 100.0
    """Effective sample size of guided strings: below it a bound from them means nothing."""
    most_clipped: float = 0.01
    """The highest `Guided.clipped` that is accepted."""
    rare: float = 2e-5
    """A share of the model's strings for which trying takes too long."""


_LIMITS = Limits()


@dataclass(frozen=True)
class Preparation:
    """What is found out about a condition once, and serves every seed."""

    source: Source
    """Plain strings that begin as every acceptable one does."""
    automaton: Automaton
    state: int
    """The automaton's, after the source's prefix."""
    begun: float
    """The chance of the prefix."""
    guiding: Guiding

    @classmethod
    def of(cls, distribution: Distribution, automaton: Automaton, shape: Shape, longest: int) -> "Preparation":
        """For an automaton that accepts something, but not the empty string. Raises `SamplingError` where the model
        makes no string with the beginning that all acceptable ones have."""
        prefix, state = _forced(automaton)
        source = Source(distribution, (0, _TRYING), shape, prefix, room_for(automaton, longest))
        begun = exp(_log_chance_of(distribution, shape, prefix))
        if begun == 0:
            raise SamplingError(
                f"every string that meets the conditions begins with {distribution.vocabulary.decode(prefix)!r}, and "
                "the model makes no such string; ask for fewer conditions"
            )
        return cls(source, automaton, state, begun, Guiding(source, automaton))

    def exact(self, seed: int, limits: Limits = _LIMITS) -> Sampler:
        """Strings of mode "exact"."""
        if len(self.source.prefix) and self.automaton.free[self.state]:  # what follows is the model's own
            return AsDrawn(replace(self.source, entropy=(seed,)), self.begun)
        return Exact(self, seed, limits)

    def strict(self, seed: int) -> Sampler:
        """Strings of mode "strict"."""
        return Pruning(replace(self.source, entropy=(seed, _PRUNING)), self.automaton, self.state, self.begun)

    def fast(self, seed: int) -> Sampler:
        """Strings of mode "fast". What share of the model's strings meets the condition is not measured."""
        guide, *_ = self.guiding.guide()
        source = replace(self.source, guide=replace(guide, patience=inf), entropy=(seed, _GUIDED))
        return Guided(
            source=source, kept=1.0, chance=nan, chance_error=nan, log_bound=-inf, clipped=nan, clipped_most=nan
        )

    def guided(self, seed: int, rounds: int) -> Guided:
        """Guided strings, when the guide has learned from this number of rounds."""
        found = self.guiding.round(rounds)
        chance, error = self.begun * found.chance, self.begun * found.chance_error
        return replace(found, chance=chance, chance_error=error, source=replace(found.source, entropy=(seed, _GUIDED)))


@final
@dataclass(frozen=True)
class Exact(Sampler):
    """Strings of mode "exact"."""

    preparation: Preparation
    seed: int
    limits: Limits = _LIMITS

    def batches(self, passes: Filter, missing: Callable[[], int]) -> Iterator[Batch]:
        limits, spent, prepared, next_cost, rounds = self.limits, 0, 0.0, 0.0, 0
        work = limits.character + self.preparation.source.distribution.predictor.work
        if passes.unique and self.preparation.automaton.size(_FEW) is not None:
            rounds = limits.rounds  # trying finds them all, to the last one
        tried = through = 0
        for batch in self.preparation.strict(self.seed).batches(passes, missing):
            yield batch
            tried, through = tried + batch.tried, through + batch.through
            if not batch.cost:
                continue
            next_cost = next_cost or max(limits.first, batch.cost * Guiding.LEAST / tried) * limits.guided_cost
            spent, rate, common = spent + batch.cost, (through + 1) / batch.cost, through >= limits.common * tried
            tried = through = 0
            while not common and rounds < limits.rounds and prepared + next_cost <= limits.free / work + spent / 2:
                guided = self.preparation.guided(self.seed, rounds)
                next_cost = guided.cost * limits.guided_cost
                prepared, rounds = prepared + next_cost, rounds + 1
                sound = guided.effective >= limits.least_effective and guided.clipped <= limits.most_clipped
                if sound and guided.kept * guided.strings / guided.cost > limits.guided_cost * rate:
                    yield from guided.batches(passes, missing)
                if guided.kept >= limits.good:
                    rounds = limits.rounds
                elif rounds == limits.rounds and not sound and max(guided.chance, batch.chance) < limits.rare:
                    about = f"about {guided.chance:.2g}" if guided.chance else "hardly any"
                    raise SamplingError(
                        f"the conditions are too rare for mode exact: {about} of the model's strings meet them; ask "
                        "for fewer conditions, or for mode fast, which is biased"
                    )


def room_for(automaton: Automaton, longest: int) -> int:
    """How long strings may be: `longest`, or twice the length of the shortest acceptable one if that is more."""
    return max(longest, 2 * int(automaton.distance[0]))


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
