"""What is asked for when strings are asked for, in one form for Python and the command line."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import normalise
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution
from wavemore.sampling.sample import Mode, Refusal, Samples, sample_strings
from wavemore.sampling.shape import UNSHAPED, Shape

if TYPE_CHECKING:
    from wavemore.sampling.constraints import Condition

__all__ = ["Wish", "WishFields"]


class WishFields(TypedDict, total=False):
    """The fields of `Wish` as keywords."""

    starts_with: str | Sequence[str]
    ends_with: str | Sequence[str]
    contains: str | Sequence[str]
    matches: str | Sequence[str]
    length: int | tuple[int | None, int | None] | None
    only: str
    never: str
    banned: str | Sequence[str]
    where: "Condition | None"
    not_in: "str | Path | Iterable[str]"
    new: bool


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What strings must be like; an empty text asks for nothing. Every string meets all that is asked for."""

    starts_with: str | Sequence[str] = ""
    """One text, or several that all hold; likewise below."""
    ends_with: str | Sequence[str] = ""
    contains: str | Sequence[str] = ()
    matches: str | Sequence[str] = ""
    """A regular expression for the whole string; see `patterns.Matches`."""
    length: int | tuple[int | None, int | None] | None = None
    """In characters: a number, or (least, most), where None is no limit."""
    only: str = ""
    """The only characters that a string may have."""
    never: str = ""
    """Characters that no string has."""
    banned: str | Sequence[str] = ()
    """Words that stand nowhere in a string."""
    where: "Condition | None" = None
    """A condition that you build yourself from those in `constraints.py`."""
    not_in: "str | Path | Iterable[str]" = ()
    """Strings that are refused: the strings themselves, or a file or a list's name to read them from."""
    new: bool = False
    """Whether strings of the list that the model was trained on are refused; its file knows them."""

    def conditions(self) -> "list[Condition]":
        """The conditions that an automaton can check. Raises `UsageError` for a value of a wrong type."""
        texts = (self.starts_with, self.ends_with, self.contains, self.matches, self.only, self.never, self.banned)
        if not any(texts) and self.length is None and self.where is None:
            return []  # nothing more is imported for a plain sample
        from wavemore.sampling import constraints as c
        from wavemore.sampling.patterns import Matches

        for name in ("only", "never"):
            if not isinstance(text := getattr(self, name), str):
                raise UsageError(f"{name} is {text!r}, of type {type(text).__name__}; it must be a string")
        if self.where is not None and not isinstance(self.where, c.Condition):
            raise UsageError(
                f"where is {self.where!r}; it must be a condition, such as StartsWith('an') | EndsWith('a')"
            )
        banned = _texts("banned", self.banned)
        asked: list[c.Condition | None] = [
            *(c.StartsWith(text) for text in _texts("starts_with", self.starts_with)),
            *(c.EndsWith(text) for text in _texts("ends_with", self.ends_with)),
            *(c.Contains(text) for text in _texts("contains", self.contains)),
            *(Matches(text) for text in _texts("matches", self.matches)),
            None if self.length is None else c.Length(*_limits(self.length)),
            c.Only(self.only) if self.only else None,
            c.Never(self.never) if self.never else None,
            c.WithoutWords(banned) if banned else None,
            self.where,
        ]
        return [condition for condition in asked if condition is not None]

    def refused(self, file: ModelFile) -> Refusal | None:
        """Which finished strings are not wanted. Raises `UsageError` where the file does not know its list, and what
        `read_corpus` raises."""
        known = _listed(self.not_in)
        if not self.new:
            return (lambda strings: _among(strings, known)) if known else None
        kept = file.fingerprints
        if kept is None:
            raise UsageError(
                "this model does not know which strings were on its list (data.remember was false, or an older version "
                "made it), so it cannot tell which strings are new; give the list itself as not_in"
            )
        return lambda strings: kept.any(strings) | _among(strings, known)

    def samples(
        self,
        file: ModelFile,
        distribution: Distribution,
        n: int,
        *,
        unique: bool = False,
        mode: Mode = "exact",
        shape: Shape = UNSHAPED,
        seed: int | None = None,
    ) -> Samples:
        """`n` strings drawn from a model; see `sample_strings`."""
        return sample_strings(
            distribution,
            n,
            conditions=self.conditions(),
            refused=self.refused(file),
            unique=unique,
            mode=mode,
            shape=shape,
            max_length=file.recipe.data.max_length,
            seed=seed,
        )

    def most_likely(
        self,
        file: ModelFile,
        distribution: Distribution,
        n: int,
        *,
        watch: "Callable[[int, int], object] | None" = None,
    ) -> list[tuple[str, float]]:
        """The `n` likeliest strings and their log-likelihoods; see `search.most_likely`. Raises `UsageError` for
        conditions that no string meets."""
        from wavemore.sampling.conditional import room_for
        from wavemore.sampling.constraints import conjunction
        from wavemore.sampling.search import most_likely

        automaton = conjunction(self.conditions(), file.vocabulary)
        longest = file.recipe.data.max_length
        if automaton is not None:
            longest = room_for(automaton, longest)
        return most_likely(
            distribution,
            n,
            automaton=automaton,
            refused=self.refused(file),
            max_length=longest,
            watch=watch,
        )


def _texts(name: str, texts: str | Sequence[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        return (texts,) if texts else ()
    several = tuple(texts) if isinstance(texts, Iterable) else (texts,)
    if not all(isinstance(text, str) for text in several):
        raise UsageError(f"{name} is {texts!r}; it must be a string or several")
    return several


def _limits(length: object) -> tuple[Any, Any]:
    """The least and the most length; `Length` refuses what is not a whole number."""
    if isinstance(length, tuple | list):
        if len(length) != 2:
            raise UsageError(f"the length is {length!r}; it must be a whole number or a pair (least, most)")
        return (0 if length[0] is None else length[0]), length[1]
    return length, length


def _listed(strings: "str | Path | Iterable[str]") -> set[str]:
    if isinstance(strings, str | Path):
        from wavemore.lists.corpus import read_corpus

        return set(read_corpus(strings).strings) if str(strings) else set()
    return {normalise(string) for string in _texts("not_in", tuple(strings))}


def _among(strings: list[str], known: set[str]) -> np.ndarray:
    return np.fromiter((normalise(string) in known for string in strings), dtype=bool, count=len(strings))
