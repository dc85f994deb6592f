"""Characters and their ids. Id 0 is the boundary: the start, the end and the padding of every string."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import UnknownCharacterError, UsageError

__all__ = [
    "BOUNDARY",
    "CHARACTERS",
    "Encoded",
    "Vocabulary",
    "has_surrogate",
    "lengths_of",
    "normalise",
    "unseen_share",
]

BOUNDARY = 0
CHARACTERS = 0x110000 - 0x800
"""How many characters Unicode has room for: all code points but the surrogates, in every version of it."""


def normalise(string: str) -> str:
    """The string in Unicode's NFC form, so that one text has one spelling in code points."""
    return string if string.isascii() else unicodedata.normalize("NFC", string)


def has_surrogate(text: str) -> bool:
    """Whether the text has a lone surrogate, which stands for a byte that could not be decoded, and is no character."""
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """The distinct characters (Unicode code points) of a list, sorted; the character at index i has id i + 1."""

    __repr__ = brief

    characters: str

    def __post_init__(self) -> None:
        points = self._code_points
        if (points[1:] <= points[:-1]).any():
            raise UsageError(
                "the characters of a vocabulary are distinct and sorted; build it with Vocabulary.of(strings)"
            )
        if has_surrogate(self.characters):
            first = next(filter(has_surrogate, self.characters))
            raise UsageError(f"{first!r} is a lone surrogate and not a character; a vocabulary cannot have it")

    @classmethod
    def of(cls, strings: Iterable[str]) -> "Vocabulary":
        """The vocabulary of all characters that stand in the strings."""
        characters: set[str] = set()
        for string in strings:
            characters.update(string)
        return cls("".join(sorted(characters)))

    def __len__(self) -> int:
        """How many ids there are, the boundary included."""
        return len(self.characters) + 1

    @cached_property
    def _code_points(self) -> np.ndarray:
        return _code_points(self.characters)

    @cached_property
    def _ids(self) -> np.ndarray:
        """The id of each code point up to one above the highest that has one, and -1 where there is none."""
        ids = np.full(int(self._code_points.max(initial=0)) + 2, -1, dtype=np.int32)
        ids[self._code_points] = np.arange(1, len(self.characters) + 1)
        return ids

    def encode(self, string: str) -> np.ndarray:
        """The ids of the string's characters, int32 of shape (len(string),).

        Raises `UnknownCharacterError` for the first character that the vocabulary lacks.
        """
        ids = self.encode_known(string)
        unknown = np.flatnonzero(ids < 0)
        if len(unknown):
            character = string[int(unknown[0])]
            other = self.folded(character)
            hint = f"; it knows {other!r}: write that, or try --fold-case (in Python fold_case=True)"
            raise UnknownCharacterError(
                f"{character!r} (U+{ord(character):04X}) in {string!r} is not among the {len(self.characters)} "
                f"characters that the model knows: {_excerpt(self.characters)}" + (hint if other != character else "")
            )
        return ids

    def encode_known(self, string: str) -> np.ndarray:
        """The ids of the string's characters, int32, with -1 for each that the vocabulary lacks."""
        points = _code_points(string)  # (len(string),)
        return self._ids.take(points, mode="clip")

    def knows(self, string: str) -> bool:
        """Whether every character of the string has an id."""
        return bool((self.encode_known(string) >= 0).all())

    def known_part(self, string: str) -> str:
        """The string without the characters that have no id."""
        return "".join(c for c, known in zip(string, self.encode_known(string) >= 0, strict=True) if known)

    def folded(self, string: str) -> str:
        """The string with each character that has no id in its other case, where that is a character that has one."""
        if self.knows(string):
            return string
        return "".join(self._other_case(character) for character in string)

    def _other_case(self, character: str) -> str:
        if character not in self.characters:
            for other in (character.lower(), character.upper()):
                if len(other) == 1 and other in self.characters:
                    return other
        return character

    def encode_all(self, strings: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The ids of all strings end to end, int32, and the length of each string, int64.

        Raises `UnknownCharacterError` for the first string with a character that the vocabulary lacks.
        """
        if isinstance(strings, Encoded) and strings.vocabulary == self:
            return strings.ids, strings.lengths.copy()
        lengths = lengths_of(strings)
        ids = self.encode_known("".join(strings))  # (characters,)
        if (ids < 0).any():
            for string in strings:
                self.encode(string)  # raises for the first that has one, and names it
        return ids, lengths

    def decode(self, ids: Sequence[int] | np.ndarray) -> str:
        """The characters of the ids, joined. Raises `UsageError` for the boundary id, which is not a character."""
        ids = np.asarray(ids, dtype=np.int64)
        if not ids.all():
            raise UsageError(f"id {BOUNDARY} is the boundary and not a character; leave it out before decoding")
        points = self._code_points[ids - 1]
        return points.astype("<u4").tobytes().decode("utf-32-le")

    def decode_rows(self, ids: np.ndarray) -> list[str]:
        """One string for each row of (strings, length) ids; boundaries fill the rows up at their end."""
        if "\0" in self.characters or not ids.size:  # NumPy's text cannot end in this character
            return [self.decode(row[row != BOUNDARY]) for row in ids]
        points = np.append(np.uint32(0), self._code_points)[ids]  # (strings, length), 0 after each string
        return np.ascontiguousarray(points, dtype=np.uint32).view(f"U{ids.shape[1]}")[:, 0].tolist()


@dataclass(frozen=True, repr=False, eq=False)
class Encoded(Sequence[str]):
    """Strings as the ids of their characters, for tables of millions of rows: a sequence of strings of which none is
    made before it is asked for. All of their characters are known, and each string is in NFC.

    Raises `UsageError` where lengths and ids do not fit together."""

    __repr__ = brief

    vocabulary: Vocabulary
    ids: np.ndarray
    """int32, (characters,): those of all strings end to end."""
    lengths: np.ndarray
    """int64, (strings,): how many characters each has."""

    def __post_init__(self) -> None:
        if int(self.lengths.sum()) != len(self.ids):
            raise UsageError(f"{len(self.ids):,} ids cannot be strings of {int(self.lengths.sum()):,} characters")

    @cached_property
    def _ends(self) -> np.ndarray:
        """(strings + 1,): where each string ends, and before them 0."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "Encoded": ...
    def __getitem__(self, place: int | slice) -> "str | Encoded":
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            if step != 1:
                raise UsageError(f"strings as ids have no slices with a step of {step}; take them one after the other")
            stop = max(start, stop)
            return Encoded(self.vocabulary, self.ids[self._ends[start] : self._ends[stop]], self.lengths[start:stop])
        place = range(len(self))[place]
        return self.vocabulary.decode(self.ids[self._ends[place] : self._ends[place + 1]])


def lengths_of(strings: Sequence[str]) -> np.ndarray:
    """How many characters each string has: int64, (strings,)."""
    if isinstance(strings, Encoded):
        return strings.lengths
    return np.fromiter(map(len, strings), dtype=np.int64, count=len(strings))


def unseen_share(strings: Iterable[str]) -> float:
    """How many of a further string's predictions, its characters and its end, are characters that stand in none of
    these strings: an estimate, above 0 and below 1.

    Each distinct string is left out in turn. m is how many characters in all stand in it and in no other one, N how
    many predictions all of them have, and the share is (m + 1/2) / (N + 1): the estimate of Turing and Good (I. J.
    Good, "The population frequencies of species", Biometrika 40, 1953) with whole strings left out in place of single
    characters, and half a count more of either kind (Krichevsky and Trofimov 1981), so that it is never 0 or 1.
    """
    distinct = set(strings)
    holders = Counter[str]()
    for string in distinct:
        holders.update(set(string))
    alone = {character for character, count in holders.items() if count == 1}
    new = sum(string.count(character) for string in distinct for character in alone & set(string)) if alone else 0
    return (new + 0.5) / (sum(map(len, distinct)) + len(distinct) + 1)


def _code_points(string: str) -> np.ndarray:
    return np.frombuffer(string.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _excerpt(characters: str, most: int = 60) -> str:
    return characters if len(characters) <= most else characters[:most] + "…"
