"""What a string must look like: small conditions that combine with `&`, `|` and `~`.

    StartsWith("an") & ~Contains("x") & Length(3, 8)

Each condition becomes a finite automaton over a vocabulary's ids (`automaton.py`), and so does every combination. So
before anything is drawn it is known whether any string can meet them, and at every character which ones can follow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import final

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import BOUNDARY, Vocabulary, normalise
from wavemore.sampling.automaton import DEAD, Automaton, both, check_size, either, neither, searching
from wavemore.settings.strict import whole_number

__all__ = [
    "Condition",
    "Contains",
    "EndsWith",
    "Length",
    "Never",
    "Only",
    "StartsWith",
    "WithoutWords",
    "conjunction",
    "every_string",
]


class Condition:
    """A condition on a string. Its text, `str(condition)`, completes "a string that ..."."""

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        """The automaton of the strings that meet it. Raises `UnknownCharacterError` for text that the vocabulary cannot
        spell, `UsageError` for what makes no sense or is too large."""
        raise NotImplementedError

    def __and__(self, other: "Condition") -> "Condition":
        return _Pair(self, other, "and")

    def __or__(self, other: "Condition") -> "Condition":
        return _Pair(self, other, "or")

    def __invert__(self) -> "Condition":
        return _Not(self)


@final
@dataclass(frozen=True)
class StartsWith(Condition):
    """Begins with this text."""

    text: str

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        ids = _ids(self.text, vocabulary)
        transitions = np.full((len(ids) + 1, len(vocabulary)), DEAD)
        transitions[np.arange(len(ids)), ids] = np.arange(1, len(ids) + 1)
        transitions[len(ids), 1:] = len(ids)
        return Automaton.of(transitions, np.arange(len(ids) + 1) == len(ids))

    def __str__(self) -> str:
        return f"starts with {self.text!r}"


@final
@dataclass(frozen=True)
class EndsWith(Condition):
    """Ends with this text."""

    text: str

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        return Automaton.of(*searching([_ids(self.text, vocabulary)], len(vocabulary)))

    def __str__(self) -> str:
        return f"ends with {self.text!r}"


@final
@dataclass(frozen=True)
class Contains(Condition):
    """Has this text somewhere."""

    text: str

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        transitions, found = searching([_ids(self.text, vocabulary)], len(vocabulary))
        transitions[found, 1:] = np.flatnonzero(found)[:, None]  # once found, it stays so
        return Automaton.of(transitions, found)

    def __str__(self) -> str:
        return f"contains {self.text!r}"


@final
@dataclass(frozen=True)
class WithoutWords(Condition):
    """Has none of these words anywhere."""

    words: tuple[str, ...]

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        spelled = [normalise(word) for word in self.words]
        if "" in spelled:
            raise UsageError("a banned word is empty, and every string contains the empty word; leave it out")
        known = [vocabulary.encode(word) for word in spelled if vocabulary.knows(word)]  # no string has the others
        transitions, found = searching(known, len(vocabulary))
        transitions[np.append(found, False)[transitions]] = DEAD
        return Automaton.of(transitions, ~found)

    def __str__(self) -> str:
        return f"has none of the banned words {_listing(self.words)}"


@final
@dataclass(frozen=True)
class Length(Condition):
    """Has at least `least` characters (Unicode code points), and at most `most` unless that is None."""

    least: int = 0
    most: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("least", self.least), ("most", self.most)):
            if value is not None:
                whole_number(f"the {name} length", value, 0)
        if self.most is not None and self.most < self.least:
            raise UsageError(
                f"the least length is {self.least} and the most is {self.most}; the most must not be smaller"
            )

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        states = (self.least if self.most is None else self.most) + 1
        check_size(states, len(vocabulary))
        transitions = np.repeat(np.arange(1, states + 1)[:, None], len(vocabulary), axis=1)
        transitions[:, BOUNDARY] = DEAD
        transitions[-1, 1:] = states - 1 if self.most is None else DEAD
        return Automaton.of(transitions, np.arange(states) >= self.least)

    def __str__(self) -> str:
        if self.most is None:
            return f"has at least {_characters(self.least)}"
        if self.least == self.most:
            return f"has exactly {_characters(self.most)}"
        return f"has at most {_characters(self.most)}" + (f" and at least {self.least}" if self.least else "")


@final
@dataclass(frozen=True)
class Only(Condition):
    """Has only these characters."""

    characters: str

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        return _of_characters(_known(self.characters, vocabulary))

    def __str__(self) -> str:
        return f"has only the characters {self.characters!r}"


@final
@dataclass(frozen=True)
class Never(Condition):
    """Has none of these characters."""

    characters: str

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        return _of_characters(~_known(self.characters, vocabulary))

    def __str__(self) -> str:
        return f"has none of the characters {self.characters!r}"


@final
@dataclass(frozen=True)
class _Pair(Condition):
    left: Condition
    right: Condition
    word: str

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        join = both if self.word == "and" else either
        return join(self.left.automaton(vocabulary), self.right.automaton(vocabulary))

    def __str__(self) -> str:
        return f"({self.left} {self.word} {self.right})"


@final
@dataclass(frozen=True)
class _Not(Condition):
    condition: Condition

    def automaton(self, vocabulary: Vocabulary) -> Automaton:
        return neither(self.condition.automaton(vocabulary))

    def __str__(self) -> str:
        return f"not ({self.condition})"


def conjunction(conditions: Sequence[Condition], vocabulary: Vocabulary) -> Automaton | None:
    """The automaton of the strings, one character long or longer, that meet all conditions; None without conditions.

    Where no string meets them, raises a `UsageError` that names one condition, or two, if these alone rule out all.
    """
    if not conditions:
        return None
    some = Length(1)  # no sample is empty
    parts = [condition.automaton(vocabulary) for condition in conditions]
    for condition, part in zip(conditions, parts, strict=True):
        if both(part, some.automaton(vocabulary)).empty:
            raise _impossible([condition], vocabulary)
    whole = reduce(both, parts, some.automaton(vocabulary))
    if whole.empty:
        for pair in combinations(range(len(parts)), 2):
            if both(both(parts[pair[0]], parts[pair[1]]), some.automaton(vocabulary)).empty:
                raise _impossible([conditions[i] for i in pair], vocabulary)
        raise _impossible(conditions, vocabulary)
    return whole


def every_string(automaton: Automaton, vocabulary: Vocabulary, most: int = 10_000) -> list[str] | None:
    """All strings that an automaton accepts, if there are at most `most`; otherwise None."""
    if automaton.size(most) is None:
        return None
    strings, places = [], [(0, "")] if not automaton.empty else []
    while places:
        state, string = places.pop()
        if automaton.accepting[state]:
            strings.append(string)
        for character in np.flatnonzero(automaton.transitions[state] != DEAD):
            places.append((int(automaton.transitions[state, character]), string + vocabulary.decode([int(character)])))
    return strings


def _impossible(conditions: Sequence[Condition], vocabulary: Vocabulary) -> UsageError:
    wish = " and ".join(map(str, conditions))
    return UsageError(
        f"no string that the model can make {wish}; it makes strings of one character or more, "
        f"of {_excerpt(vocabulary.characters)}"
    )


def _ids(text: str, vocabulary: Vocabulary) -> np.ndarray:
    """The ids of a condition's text, in NFC where it is not spelled otherwise in the vocabulary."""
    return vocabulary.encode(text if vocabulary.knows(text) else normalise(text))


def _known(characters: str, vocabulary: Vocabulary) -> np.ndarray:
    """(V,) bool: which ids are among the characters; characters that the vocabulary lacks are in no string anyway."""
    ids = vocabulary.encode_known(normalise(characters))
    among = np.zeros(len(vocabulary), dtype=bool)
    among[ids[ids >= 0]] = True
    return among


def _of_characters(allowed: np.ndarray) -> Automaton:
    """Any string of the allowed ids, (V,)."""
    transitions = np.where(allowed, 0, DEAD)[None]
    transitions[:, BOUNDARY] = DEAD
    return Automaton.of(transitions, np.ones(1, dtype=bool))


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


def _listing(words: Iterable[str], most: int = 60) -> str:
    listing = ", ".join(map(repr, words))
    return listing if len(listing) <= most else listing[:most] + "..."


def _excerpt(characters: str, most: int = 60) -> str:
    return repr(characters) if len(characters) <= most else repr(characters[:most]) + "..."
