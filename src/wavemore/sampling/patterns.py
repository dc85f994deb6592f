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

_REPEATED = 1000  # times at most, as the automaton grows with them


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
            raise UsageError(f"{self.pattern!r} repeats something more than {_REPEATED:,} times, which is too often")
        size = len(vocabulary)
        # The library wants every state to go on. So all bytes go on, as characters that no string has.
        tokens = {bytes([byte]): [size] for byte in range(256)}
        tokens.update({character.encode(): [i] for i, character in enumerate(vocabulary.characters, start=1)})
        pattern = self.pattern.removeprefix("^")  # it is the whole string that matches, as these two would say
        pattern = re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1", normalise(pattern))
        try:
            index = outlines_core.Index(pattern, outlines_core.Vocabulary(size + 1, tokens))
        except ValueError as error:
            raise UsageError(
                f"{self.pattern!r} is no regular expression that can be used (its syntax is that of Rust's regex "
                f"crate, without look-around and back-references): {_fault(self.pattern, error)}"
            ) from error
        return _indexed(index.get_initial_state(), index.get_transitions(), index.get_final_states(), size)

    def __str__(self) -> str:
        return f"matches {self.pattern!r}"


def _indexed(
    start: int, transitions: dict[int, dict[int, int]], final: Iterable[int], vocabulary_size: int
) -> Automaton:
    """The automaton of states with numbers of any size."""
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
    """What is wrong with a pattern. The library hardly says; Python's own parser does, if it refuses it too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as own:
        return str(own)
    return " ".join(str(error).split())
