"""Finite automata over a vocabulary's ids: they read a string character by character and tell if it is acceptable.

    ends in "na"       n -> n                          State 0 has seen nothing of it, 1 has seen an n, 2 has seen "na"
                       ,-.                             and may end. From each state every character leads somewhere: an
             (0) -n-> (1) -a-> ((2))                   n to 1, other characters back to 0.

A string is acceptable if its ids lead from state 0 to an accepting state. Automata here are trimmed: every state can be
reached, and from every state an accepting one can, in `distance` more characters at least. So whoever takes only the
transitions that are there never runs into a dead end.

Shapes in this file
    Q  states   V  vocabulary, boundary id 0 included   k  states that are being explored
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import BOUNDARY

__all__ = ["DEAD", "Automaton", "both", "either", "neither", "searching"]

DEAD = -1
"""In place of a state: no acceptable string has this beginning."""

_LARGEST = 1 << 24  # numbers in a table of transitions
_PAIRS = 1 << 26  # pairs of states of two automata


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton; build it with `Automaton.of`. One that accepts nothing has no states."""

    transitions: np.ndarray
    """(Q, V) int32: the state after each id, `DEAD` where no acceptable string goes on with it. The boundary, column 0,
    is no character, and its column is `DEAD`."""
    accepting: np.ndarray
    """(Q,) bool: whether a string may end here."""
    distance: np.ndarray
    """(Q,) int64: the fewest characters that lead to an accepting state."""

    @classmethod
    def of(cls, transitions: np.ndarray, accepting: np.ndarray) -> "Automaton":
        """The automaton with these transitions, (Q, V), and accepting states, trimmed. Raises `UsageError` when it is
        too large."""
        distance = _distances(transitions, accepting)
        live = distance >= 0
        live &= _reached(np.where(np.append(live, False)[transitions], transitions, DEAD))
        if not len(live) or not live[0]:
            return cls(transitions[:0].astype(np.int32), accepting[:0], distance[:0])
        number = np.append(np.where(live, np.cumsum(live) - 1, DEAD), DEAD).astype(np.int32)
        return cls(number[transitions[live]], accepting[live], distance[live])

    @property
    def empty(self) -> bool:
        """Whether nothing is acceptable."""
        return not len(self.accepting)

    @property
    def free(self) -> np.ndarray:
        """(Q,) bool: whether from here on everything is acceptable, the end included."""
        allowed = (self.transitions[:, 1:] != DEAD).all(axis=1) & self.accepting
        return _distances(self.transitions, ~allowed) < 0  # no state that refuses something is ever reached

    def open(self, states: np.ndarray, left: int) -> np.ndarray:
        """(n,) states -> (n, V) bool: which ids leave an acceptable end within `left` more characters. The boundary
        does where the string may end."""
        distance = np.append(self.distance, left)  # the dead state is the last one, -1
        allowed = distance[self.transitions[states]] < left
        allowed[:, BOUNDARY] = self.accepting[states]
        return allowed

    def accepts(self, ids: Sequence[int] | np.ndarray) -> bool:
        """Whether a string of these ids is acceptable."""
        state = 0 if not self.empty else DEAD
        for character in ids:
            if state == DEAD:
                return False
            state = int(self.transitions[state, character])
        return state != DEAD and bool(self.accepting[state])

    def size(self, most: int) -> int | None:
        """How many strings are acceptable, the empty one included; None for more than `most`, as where a loop in the
        automaton makes them endless."""
        counts = np.zeros(
            len(self.accepting), dtype=np.float64
        )  # ways to reach each state, with a number of characters that grows
        counts[:1] = 1
        total = 0.0
        for _ in range(len(counts) + 1):
            total += counts[self.accepting].sum()
            if not counts.any():
                return int(total)
            if total > most or counts.sum() > most:  # from each of these an acceptable string goes on
                return None
            some = np.flatnonzero(counts)
            rows, ids = np.nonzero(self.transitions[some] != DEAD)
            states = some[rows]
            counts = np.bincount(self.transitions[states, ids], counts[states], minlength=len(counts))
        return None  # longer than there are states: a loop


def both(a: Automaton, b: Automaton) -> Automaton:
    """What both accept."""
    return _paired(a, b, np.logical_and)


def either(a: Automaton, b: Automaton) -> Automaton:
    """What at least one accepts."""
    return _paired(a, b, np.logical_or)


def neither(a: Automaton) -> Automaton:
    """What the automaton does not accept."""
    states = len(a.accepting)
    transitions = np.vstack([a.transitions, np.full(a.transitions.shape[1], DEAD)])
    transitions[transitions == DEAD] = states  # the state of all strings that it does not accept any more
    transitions[:, BOUNDARY] = DEAD
    return Automaton.of(transitions, np.append(~a.accepting, True))


def searching(words: Sequence[np.ndarray], vocabulary_size: int) -> tuple[np.ndarray, np.ndarray]:
    """The transitions, (Q, V), of a search for words in a string, and (Q,) bool whether one of them ends in a state
    (Aho and Corasick 1975). A state is the longest beginning of a word that the string ends in; state 0 is none."""
    trie: list[dict[int, int]] = [{}]
    ends = [False]
    for word in words:
        state = 0
        for character in map(int, word):
            if character not in trie[state]:
                trie[state][character] = len(trie)
                trie.append({})
                ends.append(False)
                check_size(len(trie), vocabulary_size)
            state = trie[state][character]
        ends[state] = True
    transitions = np.zeros((len(trie), vocabulary_size), dtype=np.int32)
    found = np.array(ends)
    fallback = np.zeros(len(trie), dtype=np.int64)  # the state of the string without its first character
    queue = [0]
    for state in queue:  # shorter beginnings first
        if state:
            transitions[state] = transitions[fallback[state]]
            found[state] |= found[fallback[state]]
        for character, following in trie[state].items():
            fallback[following] = transitions[state, character]
            transitions[state, character] = following
            queue.append(following)
    transitions[:, BOUNDARY] = DEAD
    return transitions, found


def check_size(states: int, vocabulary_size: int) -> None:
    """Raises `UsageError` for an automaton that is too large."""
    if states * vocabulary_size > _LARGEST:
        raise UsageError(
            f"the conditions together need an automaton of {states:,} states or more; with {vocabulary_size:,} "
            f"characters it must have at most {_LARGEST // vocabulary_size:,}: ask for fewer or shorter conditions"
        )


def _paired(a: Automaton, b: Automaton, accept: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Automaton:
    """The automaton whose states are pairs of a state of each; one of the two may be dead."""
    size = a.transitions.shape[1]
    # The dead state gets a row and a number of its own, the last, so that a pair of states is one number.
    tables = [np.vstack([part.transitions, np.full(size, DEAD, np.int32)]).astype(np.int64) for part in (a, b)]
    for table in tables:
        table[table == DEAD] = len(table) - 1
    accepts = [np.append(part.accepting, False) for part in (a, b)]
    wide = len(tables[1])
    start = (0 if not a.empty else len(tables[0]) - 1) * wide + (0 if not b.empty else wide - 1)
    never = len(tables[0]) * wide - 1  # both dead
    if len(tables[0]) * wide > _PAIRS:
        check_size(len(tables[0]) * wide, size)
    known = np.zeros(len(tables[0]) * wide, dtype=bool)
    known[[start, never]] = True
    frontier = np.array([start])
    pairs, found, count = [], [], 0
    while len(frontier):
        pairs.append(frontier)
        first, second = np.divmod(frontier, wide)
        following = tables[0][first] * wide + tables[1][second]  # (k, V)
        if accept is np.logical_and:  # one dead is both dead
            dead = (following // wide == len(tables[0]) - 1) | (following % wide == wide - 1)
            following[dead] = never
        following[:, BOUNDARY] = never
        found.append(following)
        frontier = np.unique(following[~known[following]])
        known[frontier] = True
        count += len(frontier)
        check_size(count, size)
    every = np.concatenate(pairs)
    number = np.full(len(known), DEAD, dtype=np.int32)
    number[every] = np.arange(len(every))
    transitions = number[np.concatenate(found)]
    first, second = np.divmod(every, wide)
    return Automaton.of(transitions, accept(accepts[0][first], accepts[1][second]))


def _distances(transitions: np.ndarray, accepting: np.ndarray) -> np.ndarray:
    """(Q,) int64: the fewest characters that lead from each state to an accepting one, -1 where none do."""
    sources, ids = np.nonzero(transitions != DEAD)
    targets = transitions[sources, ids]
    order = np.argsort(targets, kind="stable")
    sources, starts = sources[order], np.searchsorted(targets[order], np.arange(len(accepting) + 1))
    distance = np.full(len(accepting), -1, dtype=np.int64)
    frontier = np.flatnonzero(accepting)
    steps = 0
    while len(frontier):
        distance[frontier] = steps
        counts = starts[frontier + 1] - starts[frontier]
        edges = np.repeat(starts[frontier] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        before = np.unique(sources[edges])
        frontier = before[distance[before] < 0]
        steps += 1
    return distance


def _reached(transitions: np.ndarray) -> np.ndarray:
    """(Q,) bool: whether a state can be reached from state 0."""
    reached = np.zeros(len(transitions), dtype=bool)
    frontier = np.arange(len(transitions))[:1]
    while len(frontier):
        reached[frontier] = True
        following = np.unique(transitions[frontier])
        following = following[following != DEAD]
        frontier = following[~reached[following]]
    return reached
