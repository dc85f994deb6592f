"""Regular expressions as conditions: finite automata over a vocabulary's ids, made by Rust's regex engine."""

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np

from wavemore.errors import MissingExtraError, UsageError
from wavemore.lists.vocabulary import Vocabulary, normalise
from wavemore.sampling.automaton import DEAD, Automaton, check_size
from wavemore.sampling.constraints import Condition

__all__ = ["Matches"]

_REPEATED = 1000  # times at most that something is repeated, as the automaton grows with it


@final
@dataclass(frozen=True)
class Matches(Condition):
    r"""Matches a regular expression as a whole. The syntax is that of Rust's regex crate, which is Python's but for
    look-around and back-references; `.`, `\w` and `\d` know Unicode. Needs the extra `regex`."""

    pattern: str

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        try:
            import outlines_core
        except ImportError as error:
            raise MissingExtraError.of("matching a regular expression", "outlines-core", "regex") from error
        if any(len(count) > 4 or int(count) > _REPEATED for count in re.findall(r"\{(?:\d*,)?(\d+)", self.pattern)):
            raise UsageError(
                f"{self.pattern!r} repeats something more than {_REPEATED:,} times; a count must not be above that"
            )
        size = len(vocabulary)
        # The library refuses states from which nothing goes on, so any byte may follow, as a token that no string has.
        tokens = {bytes([byte]): [size] for byte in range(256)}
        tokens.update({character.encode(): [i] for i, character in enumerate(vocabulary.characters, start=1)})
        pattern = self.pattern.removeprefix("^")  # the whole string must match anyway
        pattern = re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1", normalise(pattern))
        try:
            index = outlines_core.Index(pattern, outlines_core.Vocabulary(size + 1, tokens))
        except ValueError as error:
            raise UsageError(
                f"{self.pattern!r} cannot be used as a regular expression (its syntax is that of Rust's regex crate, "
                f"without look-around and back-references): {_fault(self.pattern, error)}"
            ) from error
        return _indexed(index.get_initial_state(), index.get_transitions(), index.get_final_states(), size)

    def __str__(self) -> str:
        return f"matches {self.pattern!r}"


def _indexed(
    start: int, transitions: dict[int, dict[int, int]], final: Iterable[int], vocabulary_size: int
) -> Automaton:
    """The automaton of states that are numbered anyhow."""
    number = {start: 0}
    for state, following in transitions.items():
        for other in (state, *following.values()):
            number.setdefault(other, len(number))
    check_size(len(number), vocabulary_size)
    table = np.full((len(number), vocabulary_size), DEAD)
    for state, following in transitions.items():
        ids = [character for character in following if character < vocabulary_size]
        table[number[state], ids] = [number[following[character]] for character in ids]
    accepting = np.zeros(len(number), dtype=bool)
    accepting[[number[state] for state in final if state in number]] = True
    return Automaton.of(table, accepting)


def _fault(pattern: str, error: ValueError) -> str:
    """What is wrong with a pattern: what Python's own parser says, if it refuses it too; the library hardly says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as own:
        return str(own)
    return " ".join(str(error).split())
