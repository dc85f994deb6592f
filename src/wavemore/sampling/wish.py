"""What is asked for when strings are asked for, in one form for Python and the command line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import Vocabulary, normalise
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution
from wavemore.sampling.preparations import Preparations
from wavemore.sampling.sample import Mode, Samples, plausible_by_itself, sample_strings
from wavemore.sampling.sampler import Refusal
from wavemore.sampling.shape import UNSHAPED, Shape
from wavemore.settings.strict import whole_number

if TYPE_CHECKING:
    from wavemore.models.apart import Apart
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
    distance: int
    fold_case: bool


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
    distance: int = 0
    """The fewest edits (a character put in, taken out or changed) that lead from a string to one of that list or of
    `not_in`: 2 or 3; 1 is as `new`. See `wavemore.models.apart`."""
    fold_case: bool = False
    """Whether a character that the model does not know stands for its other case, if the model knows that, in every
    text above; `matches` then takes both cases for one. `where` stays as it is."""

    @cached_property
    def _known(self) -> set[str]:
        """The strings of `not_in`, read once: a pipe gives them no second time."""
        return _listed(self.not_in)

    def asked(self) -> dict[str, Any]:
        """The fields that ask for something, by their names."""
        every = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {name: value for name, (value, default) in every.items() if value not in (default, (), "")}

    def folded(self, vocabulary: Vocabulary) -> "Wish":
        """The same wish in the characters of a vocabulary, if it is to be folded."""
        if not self.fold_case:
            return self
        texts = {name: tuple(map(vocabulary.folded, _texts(name, getattr(self, name)))) for name in _SEVERAL}
        characters = {name: vocabulary.folded(getattr(self, name)) for name in ("only", "never")}
        patterns = tuple("(?i)" + pattern for pattern in _texts("matches", self.matches))
        known = self._known
        not_in = known | set(map(vocabulary.folded, known))
        return replace(self, **texts, **characters, matches=patterns, not_in=not_in, fold_case=False)

    def in_vain(self, vocabulary: Vocabulary) -> Iterator[str]:
        """What is asked for without effect, because the model does not know some characters: a sentence each."""
        wish = self.folded(vocabulary)
        for name in ("only", "never"):
            text = normalise(getattr(wish, name))
            if unknown := "".join(c for c in dict.fromkeys(text) if not vocabulary.knows(c)):
                known = vocabulary.knows(vocabulary.folded(unknown))
                yield f"{name}: no string has {unknown!r} anyway, the model does not know it{_try(known)}"
        for name, strings in (("banned", _texts("banned", wish.banned)), ("not_in", wish._known)):
            unknown = [string for string in strings if not vocabulary.knows(string)]
            others = [string for string in unknown if vocabulary.knows(vocabulary.folded(string))]
            if others and wish is self:  # else both spellings stand there
                yield (
                    f"{name}: {len(others):,} of {len(strings):,} have characters that the model knows in the other "
                    f"case alone, such as {min(others)!r}{_try(True)}"
                )

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

    def apart(self, file: ModelFile, preparations: Preparations | None = None) -> "Apart | None":
        """What keeps the strings of a model from those of its list; None where no distance is asked for. Raises
        `UsageError` for a wrong one, and what `read_corpus` raises."""
        if whole_number("the distance", self.distance, 0) == 0:
            return None
        from wavemore.models.apart import Apart

        key = ("apart", self.distance, frozenset(self._known))
        return (preparations or Preparations()).kept(key, lambda: Apart.of(self.distance, file, self._known))

    def refused(self, file: ModelFile, apart: "Apart | None" = None) -> Refusal | None:
        """Which finished strings are not wanted; `apart` is what the method of that name has found. Raises `UsageError`
        where the file does not know its list, and what `read_corpus` raises."""
        known, kept = self._known, file.fingerprints
        if self.new and kept is None:
            raise UsageError(
                "this model does not know which strings were on its list (data.remember was false, or an older version "
                "made it), so it cannot tell which strings are new; give the list itself as not_in"
            )
        if apart is not None:
            return apart.refused
        if kept is not None and self.new:
            return lambda strings: kept.any(strings) | _among(strings, known)
        return (lambda strings: _among(strings, known)) if known else None

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
        preparations: Preparations | None = None,
        watch: "Callable[[int, int], object] | None" = None,
        plausible: bool = False,
    ) -> Samples:
        """`n` strings drawn from a model; see `sample_strings`. With `plausible` only those that are, by what
        its file says, or else by strings of its own."""
        wish, longest = self.folded(file.vocabulary), file.recipe.data.max_length
        apart = wish.apart(file, preparations)
        limits = (file.plausible or plausible_by_itself(distribution, longest)) if plausible else None
        samples = sample_strings(
            distribution,
            n,
            conditions=wish.conditions(),
            refused=wish.refused(file, apart),
            unique=unique,
            mode=mode,
            shape=shape,
            max_length=longest,
            seed=seed,
            preparations=preparations,
            watch=watch,
            plausible=limits,
        )
        samples.apart = apart
        return samples

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

        wish = self.folded(file.vocabulary)
        automaton = conjunction(wish.conditions(), file.vocabulary)
        longest = file.recipe.data.max_length
        if automaton is not None:
            longest = room_for(automaton, longest)
        return most_likely(
            distribution,
            n,
            automaton=automaton,
            refused=wish.refused(file, wish.apart(file)),
            max_length=longest,
            watch=watch,
        )


_SEVERAL = ("starts_with", "ends_with", "contains", "banned")


def _try(known: bool) -> str:
    return "; try --fold-case (in Python fold_case=True)" if known else ""


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
    if not isinstance(strings, str | Path):
        return {normalise(string) for string in _texts("not_in", tuple(strings))}
    if not str(strings):  # nothing more is imported for a plain sample
        return set()
    from wavemore.lists.corpus import read_corpus

    return set(read_corpus(strings).strings)


def _among(strings: list[str], known: set[str]) -> np.ndarray:
    return np.fromiter((normalise(string) in known for string in strings), dtype=bool, count=len(strings))
