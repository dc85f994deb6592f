"""The likeliest strings of a model, in their exact order.

A string is never likelier than its beginnings: each further character adds a log-probability of 0 or below. (That holds
to the last bit: `log_sum_exp` is at least the largest logit, and rounding keeps an order.) So with any threshold, all
strings at least that likely are found by going on from the beginnings at least that likely, and from no others:

    threshold -4       -0.9 e -- -2.0 em -- -4.3 emm                 "emm" is dropped, and all that begins so
                      /         `
                  0 (             -3.1 el -- -3.4 ela -- -3.8 ela.   "ela" is found
                      `
                       -2.7 k -- -5.1 ki                             dropped

**Why the order is exact.** Nothing at least as likely as the threshold is dropped. It rises when n strings are known,
to the log-probability of the n-th of them: what is dropped then is not as likely as n known strings. So a search that
has found n strings has found the n likeliest. If it has found fewer, the next one begins anew with a lower threshold,
until n are found, or nothing was dropped and there are no more. The first threshold is -log(n): n strings cannot all be
likelier than 1/n. Each search takes a few times as long as the one before, so the last one takes most of the time.

**Memory** is bounded: the search goes on from a portion of some thousand neighbouring beginnings at once, the likeliest
portion first. The others wait without a state of the model, which is computed again when their turn comes. States take
`_STATE_BYTES` at most; a waiting beginning takes 20 bytes, and at each length no more than a portion times V wait.

Shapes in this file
    m  beginnings   k  strings   V  vocabulary, boundary id 0 included   Q  states of an automaton
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log
from typing import Any, Self

import numpy as np

from wavemore.errors import SamplingError
from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.predictor import Distribution, finite, log_sum_exp
from wavemore.sampling.automaton import DEAD, Automaton
from wavemore.settings.strict import whole_number

__all__ = ["most_likely"]

_STATE_BYTES = 1 << 27  # that the states of one portion may need, at worst
_CHILD_BYTES = 64  # that each character after a beginning needs while it is looked at
_STEP = 2.0  # nats by which the threshold is lowered at first
_FEW = 32  # strings, too few to tell how many more a lower threshold gives
_WORK = 1.5e11  # multiplications
_EACH = 50_000  # what a beginning takes beyond the model's own work
_FOR_A_STRING = 300  # beginnings
_SPARE = 1.2  # a new threshold aims at this many times n


def most_likely(
    distribution: Distribution,
    n: int,
    *,
    automaton: Automaton | None = None,
    refused: Callable[[list[str]], np.ndarray] | None = None,
    max_length: int = 1000,
    most: int | None = None,
    watch: Callable[[int, int], object] | None = None,
) -> list[tuple[str, float]]:
    """The `n` likeliest strings with the log-probability of each in nats, the likeliest first; of equally likely ones
    the first in the order of code points. The empty string is not among them. Probabilities are the model's own, as
    `log_likelihoods` has them, whatever the conditions are. Where fewer strings meet these, all that do.

    automaton     which strings are acceptable; where None, all
    refused       for a list of k acceptable strings, (k,) bool: which of them to leave out
    max_length    strings with more characters are left out
    most          how many beginnings are looked at; where None, as many as take some ten seconds on one core, and some
                  hundred more for each string
    watch         called again and again with the number of beginnings looked at and of strings found so far (both fall
                  when a search begins anew)

    The time grows with the number of beginnings that are as likely as the last string: it is long where only very
    unlikely strings meet the conditions. Raises `SamplingError` where `most` are too few; its `strings` are the
    likeliest ones in order, as far as they are known. Raises `UsageError` for arguments that make no sense,
    `ModelFileError` where the model's numbers overflow.
    """
    n, max_length = whole_number("the number of strings", n, 0), whole_number("the maximum length", max_length, 1)
    automaton = _everything(len(distribution.vocabulary)) if automaton is None else automaton
    if n == 0 or automaton.empty:
        return []
    with np.errstate(over="ignore", invalid="ignore"):  # numbers too large are refused
        if most is None:
            most = int(_WORK / (distribution.predictor.work + _EACH)) + _FOR_A_STRING * n
        return _Search(distribution, n, automaton, refused, max_length, most, watch).result()


def _everything(size: int) -> Automaton:
    """The automaton that accepts all strings of a vocabulary."""
    transitions = np.zeros((1, size), dtype=np.int32)
    transitions[:, BOUNDARY] = DEAD
    return Automaton(transitions, np.ones(1, dtype=bool), np.zeros(1, dtype=np.int64))


@dataclass(frozen=True)
class _Beginnings:
    """Beginnings of strings, all of one length, in order; so neighbours begin alike, and share states."""

    before: "_Beginnings | None"
    """The beginnings one character shorter; None for the one without characters."""
    places: np.ndarray
    """(m,) int32: which of these each continues."""
    characters: np.ndarray
    """(m,) int32: the last id of each."""
    log_p: np.ndarray
    """(m,) float64: the log-probability of each: that a string begins with it."""
    states: np.ndarray
    """(m,) int32: of the automaton."""
    length: int

    @classmethod
    def first(cls) -> Self:
        """The empty beginning, which all strings have."""
        nothing = np.zeros(1, dtype=np.int32)
        return cls(None, nothing, nothing, np.zeros(1), nothing, 0)

    def __len__(self) -> int:
        return len(self.log_p)

    def at(self, rows: np.ndarray) -> "_Beginnings":
        """Some of them."""
        arrays = [array[rows] for array in (self.places, self.characters, self.log_p, self.states)]
        return _Beginnings(self.before, *arrays, length=self.length)

    def portions(self, most: int) -> "list[_Beginnings]":
        """All of them, in as few portions of at most `most` as it takes, the likeliest portion last."""
        parts = np.array_split(np.arange(len(self)), -(-len(self) // most)) if len(self) else []
        parts.sort(key=lambda rows: np.logaddexp.reduce(self.log_p[rows]))
        return [self.at(rows) for rows in parts]

    def ids(self, rows: np.ndarray) -> np.ndarray:
        """The ids of some of them: (k, length) int32."""
        columns, at = [], self
        while at.before is not None:
            columns.append(at.characters[rows])
            rows, at = at.places[rows], at.before
        return np.stack(columns[::-1], axis=1) if columns else np.zeros((len(rows), 0), dtype=np.int32)


@dataclass
class _Found:
    """The n likeliest of the strings that were added, and a little more."""

    n: int
    threshold: float
    """Less likely strings are not added."""
    strings: list[str] = field(default_factory=list)
    log_p: np.ndarray = field(default_factory=lambda: np.zeros(0))
    """(k,) float64: the log-probability of each."""
    looked_at: int = 0
    """How many beginnings were continued."""
    dropped: float = -np.inf
    """The log-probability of the likeliest string or beginning below the threshold; with fewer than n strings the
    threshold was the same throughout."""
    finished: bool = True
    """Whether no beginning was left that is likely enough."""

    def add(self, strings: list[str], log_p: np.ndarray) -> None:
        """Strings at least as likely as the threshold, which rises when there are n."""
        self.strings += strings
        self.log_p = np.append(self.log_p, log_p)
        if len(self.strings) >= self.n + self.n // 8:
            self._keep_best()

    def ranked(self) -> list[tuple[str, float]]:
        """The n likeliest in their order."""
        pairs = zip(self.strings, self.log_p.tolist(), strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[: self.n]

    def _keep_best(self) -> None:
        last = np.partition(self.log_p, len(self.log_p) - self.n)[len(self.log_p) - self.n]  # the n-th largest
        kept = np.flatnonzero(self.log_p > last).tolist()
        equal = np.flatnonzero(self.log_p == last).tolist()
        kept += sorted(equal, key=self.strings.__getitem__)[: self.n - len(kept)]
        self.strings = [self.strings[i] for i in kept]
        self.log_p = self.log_p[kept]
        self.threshold = float(last)


@dataclass(frozen=True)
class _Search:
    """What `most_likely` was asked for."""

    distribution: Distribution
    n: int
    automaton: Automaton
    refused: Callable[[list[str]], np.ndarray] | None
    max_length: int
    most: int
    watch: Callable[[int, int], object] | None

    def result(self) -> list[tuple[str, float]]:
        """The n likeliest strings, or all."""
        threshold, step, before, left = -float(log(self.n)), _STEP, 1, self.most
        found, last = _Found(self.n, 0.0), 0.0
        while True:
            known, found = found, self._above(threshold, left)
            left -= found.looked_at
            if not found.finished:
                raise self._too_much(known, last)
            last = threshold
            if len(found.strings) >= self.n or found.dropped == -np.inf:
                return found.ranked()
            if found.looked_at < 2 * before:
                step *= 2
            elif found.looked_at > 4 * before:
                step /= 2
            before = found.looked_at
            missing = _lowering(found.log_p, threshold, self.n)
            lower = step if missing is None else float(np.clip(missing, step / 8, 2 * step))
            threshold = min(threshold, found.dropped) - lower

    def _too_much(self, known: _Found, threshold: float) -> SamplingError:
        """The error that keeps what an earlier search has found for certain."""
        strings = [string for string, _ in known.ranked()]
        error = SamplingError(
            f"only {len(strings):,} of the {self.n:,} likeliest strings are known after {self.most:,} beginnings: no "
            f"other string of log-likelihood {threshold:.1f} or more meets the conditions; ask for fewer strings or "
            "conditions, or draw samples"
        )
        error.strings = strings
        return error

    def _above(self, threshold: float, most: int) -> _Found:
        """All strings at least as likely as the threshold, or the n likeliest of them if there are more; some of them
        where that takes looking at more than `most` beginnings."""
        found = _Found(self.n, threshold)
        at_once = max(
            1,
            _STATE_BYTES // (self.distribution.predictor.remembered + _CHILD_BYTES * len(self.distribution.vocabulary)),
        )
        waiting = [_Beginnings.first()]
        latest: _Beginnings | None = None
        state: Any = None  # at the latest beginnings
        while waiting:
            beginnings = waiting.pop()
            beginnings = beginnings.at(np.flatnonzero(beginnings.log_p >= found.threshold))  # it may have risen
            if not len(beginnings):
                continue
            if found.looked_at >= most:
                found.finished = False
                break
            if latest is not None and beginnings.before is latest:
                everyone = np.arange(len(beginnings))
                state = state.rearranged(beginnings.places)
                state = self.distribution.predictor.step(state, everyone, beginnings.characters)
            else:
                state = self._state(beginnings)
            latest = beginnings
            waiting += self._longer(beginnings, state, found).portions(at_once)
            if self.watch is not None:
                self.watch(found.looked_at, min(self.n, len(found.strings)))
        return found

    def _state(self, beginnings: _Beginnings) -> Any:
        """The state of the model at beginnings, from the first character on."""
        everyone = np.arange(len(beginnings))
        state = self.distribution.predictor.start(len(beginnings))
        for characters in beginnings.ids(everyone).T:
            state = self.distribution.predictor.step(state, everyone, characters)
        return state

    def _longer(self, beginnings: _Beginnings, state: Any, found: _Found) -> _Beginnings:
        """The beginnings one character longer that are likely enough. Strings that end here are added to `found`."""
        length = beginnings.length
        logits = finite(state.logits)  # (., V)
        following = (logits - log_sum_exp(logits)[:, None])[state.context_of]  # (m, V) float64
        log_p = np.add(following, beginnings.log_p[:, None], out=following)
        states = self.automaton.transitions[beginnings.states]  # (m, V)
        allowed = states != DEAD
        if length + int(self.automaton.distance.max()) >= self.max_length:
            allowed &= length + 1 + self.automaton.distance[states] <= self.max_length
        allowed[:, BOUNDARY] = self.automaton.accepting[beginnings.states] & (length > 0)
        log_p[~allowed] = -np.inf
        likely = log_p >= found.threshold
        found.dropped = max(found.dropped, log_p.max(initial=-np.inf, where=~likely))
        found.looked_at += len(beginnings)
        self._add(beginnings, np.flatnonzero(likely[:, BOUNDARY]), log_p, found)
        likely[:, BOUNDARY] = False
        rows, ids = (numbers.astype(np.int32) for numbers in np.nonzero(likely))  # (k,) each
        return _Beginnings(beginnings, rows, ids, log_p[rows, ids], states[rows, ids], length + 1)

    def _add(self, beginnings: _Beginnings, rows: np.ndarray, log_p: np.ndarray, found: _Found) -> None:
        """Add the strings that end as the beginnings in these rows; log_p is (m, V)."""
        strings = self.distribution.vocabulary.decode_rows(beginnings.ids(rows))
        if self.refused is not None and strings:
            accepted = np.flatnonzero(~self.refused(strings))
            strings, rows = [strings[i] for i in accepted], rows[accepted]
        found.add(strings, log_p[rows, BOUNDARY])


def _lowering(log_p: np.ndarray, threshold: float, n: int) -> float | None:
    """By how many nats to lower the threshold so that about n strings are above it, where now strings of these
    log-probabilities, (k,), are; None where they are too few to tell. Their number is taken to grow with each nat as
    over the last one."""
    likelier = int((log_p >= threshold + 1).sum())
    if len(log_p) < _FEW or not 0 < likelier < len(log_p):
        return None
    return float(np.log(_SPARE * n / len(log_p)) / np.log(len(log_p) / likelier))
