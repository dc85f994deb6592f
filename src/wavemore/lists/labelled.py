"""Strings with labels, of one kind or several, such as language and gender, and what labels there are.

Labels are numbered through all combinations, the last kind fastest: with 3 languages and 2 genders, label 5 is the last
language and the last gender.

Shapes in this file
    S  strings     C  combinations of labels
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias, overload

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import UsageError
from wavemore.lists.vocabulary import has_surrogate, normalise
from wavemore.settings.architecture import MOST_LABELS
from wavemore.settings.strict import suggestion

__all__ = ["Label", "Labelled", "Labels", "at", "checked_labels", "is_label", "joined"]

Label: TypeAlias = "str | Mapping[str, str] | Sequence[str]"
"""A value, "it"; a kind and a value, "language=it" or {"language": "it"}; or several of these, of different kinds."""

_LISTED = 12  # values of a kind that a message names
_BETWEEN = ", "  # between the values of several kinds


@dataclass(frozen=True, repr=False, eq=False)
class Labelled(Sequence[str]):
    """Strings, each with the number of its label: a sequence of strings whose slices keep their labels."""

    __repr__ = brief

    strings: Sequence[str]
    labels: np.ndarray
    """int64, (strings,)."""

    def __len__(self) -> int:
        return len(self.strings)

    def __iter__(self) -> Iterator[str]:
        return iter(self.strings)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> "str | Self":
        if isinstance(place, slice):
            return type(self)(self.strings[place], self.labels[place])
        return self.strings[place]

    def of(self, places: Sequence[int] | np.ndarray) -> Self:
        """Those at these places, in that order."""
        chosen = np.asarray(places, dtype=np.int64)
        return type(self)(_those(self.strings, chosen), self.labels[chosen])

    @classmethod
    def under_each(cls, strings: Sequence[str], labels: Sequence[int]) -> Self:
        """All strings under the first label, then all under the second, and so on."""
        return cls([*strings] * len(labels), np.repeat(np.asarray(labels, dtype=np.int64), len(strings)))


def joined(parts: Sequence[Sequence[str]]) -> Sequence[str]:
    """The strings of all parts, one part after the other, with their labels where all parts have them."""
    strings = [string for part in parts for string in part]
    labels = [part.labels for part in parts if isinstance(part, Labelled)]
    return Labelled(strings, np.concatenate(labels)) if len(labels) == len(parts) > 0 else strings


def at(strings: Sequence[str], places: np.ndarray) -> Sequence[str]:
    """The strings at these places, (S,), with their labels where they have any."""
    return strings.of(places) if isinstance(strings, Labelled) else _those(strings, places)


def _those(strings: Sequence[str], places: np.ndarray) -> list[str]:
    numbers: list[int] = places.tolist()
    return [strings[number] for number in numbers]


@dataclass(frozen=True, repr=False, eq=False)
class Labels:
    """The labels that a list has."""

    __repr__ = brief

    kinds: Mapping[str, tuple[str, ...]]
    """The values of each kind, by its name, sorted."""
    counts: np.ndarray
    """int64, (C,): how many strings of the training part have each combination."""

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[str]]) -> Self:
        """Those that stand in these columns, (S,) each, of which none has been counted. Raises `UsageError` where there
        are too many."""
        kinds = {name: tuple(sorted(set(values))) for name, values in columns.items()}
        sizes = [len(values) for values in kinds.values()]
        for name, values in kinds.items():
            if len(kinds) > 1 and (wrong := next((value for value in values if _BETWEEN in value), "")):
                raise UsageError(f"the {name} {wrong!r} holds a comma and a blank, which stand between kinds of label")
        if np.prod(sizes, dtype=np.float64) > MOST_LABELS:
            told = " and ".join(f"{len(values):,} of {name}" for name, values in kinds.items())
            raise UsageError(
                f"there are {told}, and a model has at most {MOST_LABELS:,} combinations of labels; is that a column "
                "of labels?"
            )
        return cls(kinds, np.zeros(int(np.prod(sizes)), dtype=np.int64))

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each kind has."""
        return tuple(map(len, self.kinds.values()))

    @property
    def occurring(self) -> np.ndarray:
        """The numbers of the labels that strings of the training part have: int64, rising."""
        return np.flatnonzero(self.counts)

    def numbers(self, columns: Mapping[str, Sequence[str]]) -> np.ndarray:
        """The number of each string's label: int64, (S,). Raises `UsageError` for kinds and values that there are not,
        naming the first string that has one."""
        if set(columns) != set(self.kinds):
            raise UsageError(
                f"the labels are of {_listing(columns)}; they must be of {_listing(self.kinds)}, as those of the list"
            )
        places = []
        for name, values in self.kinds.items():
            place_of = {value: place for place, value in enumerate(values)}
            found = [place_of.get(value, -1) for value in columns[name]]
            if -1 in found:
                number = found.index(-1)
                self._unknown(columns[name][number], name, f"string {number + 1} has ")
            places.append(found)
        found = np.zeros(len(places[0]), dtype=np.int64)
        for place, size in zip(places, self.sizes, strict=True):
            found = found * size + np.array(place, dtype=np.int64)
        return found

    def counted(self, numbers: np.ndarray) -> Self:
        """The same, with how many strings have each of these labels."""
        return replace(self, counts=np.bincount(numbers, minlength=len(self.counts)))

    def name(self, number: int) -> str:
        """A label in words: its values with commas."""
        places = np.unravel_index(number, self.sizes)
        return _BETWEEN.join(values[place] for values, place in zip(self.kinds.values(), places, strict=True))

    def chosen(self, label: Label) -> "Labels":
        """The same with the counts of the labels alone that are meant; one that is told in full and did not occur
        counts once. Raises `UsageError` for what is no label, or a part of one that did not occur."""
        told = self._told(label)
        shape = self.counts.reshape(self.sizes)
        kept = np.zeros_like(shape)
        place = tuple(values.index(told[name]) if name in told else slice(None) for name, values in self.kinds.items())
        kept[place] = shape[place]
        if len(told) == len(self.kinds):
            kept[place] = max(1, int(shape[place]))
        elif not kept.any():
            raise UsageError(f"no string of the list has the label {_listing(told.values())}; name one of each kind")
        return replace(self, counts=kept.reshape(-1))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, ready for JSON."""
        kinds = [{"name": name, "values": [*values]} for name, values in self.kinds.items()]
        return {"kinds": kinds, "counts": self.counts.tolist()}

    @classmethod
    def from_dict(cls, told: Any) -> Self:
        """The reverse. Raises `UsageError` for what is none."""
        try:
            kinds = {kind["name"]: tuple(kind["values"]) for kind in told["kinds"] if type(kind["values"]) is list}
            counts = told["counts"]
            words = [word for name, values in kinds.items() for word in (name, *values)]
            sound = bool(kinds) and all(isinstance(word, str) for word in words) and isinstance(counts, list)
            sound = sound and all(list(values) == sorted(set(values)) and values for values in kinds.values())
            sound = sound and len(kinds) == len(told["kinds"]) and all(map(is_label, words))
            sound = (
                sound
                and all(type(count) is int and 0 <= count < 1 << 62 for count in counts)
                and any(counts)
                and sum(counts) < 1 << 62
            )
        except (TypeError, KeyError) as error:
            raise UsageError("its labels are not sound") from error
        if not sound or np.prod([len(v) for v in kinds.values()], dtype=np.float64) != len(counts):
            raise UsageError("its labels are not sound")
        return cls(kinds, np.array(counts, dtype=np.int64))

    def _told(self, label: Label) -> dict[str, str]:
        """The value that is told of each kind."""
        if isinstance(label, Mapping):
            pairs = [*label.items()]
        else:
            several = label if isinstance(label, Iterable) and not isinstance(label, str) else [label]
            pairs = [self._pair(text) for text in several]
        told: dict[str, str] = {}
        for name, value in pairs:
            name = normalise(name) if isinstance(name, str) else name  # noqa: PLW2901
            value = normalise(value) if isinstance(value, str) else value  # noqa: PLW2901
            if name not in self.kinds:
                raise UsageError(f"there is no kind of label {name!r}; the model has {_listing(self.kinds)}")
            if value not in self.kinds[name]:
                self._unknown(value, name, "")
            if told.setdefault(name, value) != value:
                raise UsageError(f"{name} is both {told[name]!r} and {value!r}; a string has one {name}")
        if not told:
            raise UsageError(f"no label is told; name one of {_listing(self.kinds)}")
        return told

    def _pair(self, text: object) -> tuple[str, str]:
        """The kind and the value of a label that is told as a text."""
        if not isinstance(text, str):
            raise UsageError(f"the label is {text!r}; it must be a text such as {self._example}")
        text = normalise(text)
        kinds = [name for name, values in self.kinds.items() if text in values]
        if len(kinds) == 1:
            return kinds[0], text
        if len(kinds) > 1:
            raise UsageError(f"{text!r} may be {' or '.join(kinds)}; write {kinds[0]}={text}")
        name, equals, value = text.partition("=")
        if equals:
            return name, value
        every = [value for values in self.kinds.values() for value in values]
        there = "; ".join(f"{name}: {_listing(values)}" for name, values in self.kinds.items())
        raise UsageError(f"there is no label {text!r}{suggestion(text, every)}; the model has {there}")

    def _unknown(self, value: object, name: str, before: str) -> None:
        values = self.kinds[name]
        near = suggestion(str(value), values)
        raise UsageError(f"{before}{name} {value!r}, which the model does not have{near}; it has {_listing(values)}")

    @property
    def _example(self) -> str:
        name, values = next(iter(self.kinds.items()))
        return f'"{values[0]}" or "{name}={values[0]}"'


def is_label(text: str) -> bool:
    """Whether a text can be a label: it is not blank, and has nothing that would steer a terminal or break a table."""
    return bool(text.strip()) and text.strip().isprintable() and not has_surrogate(text)


def checked_labels(labels: object, strings: int, kind: str = "label") -> dict[str, list[str]]:
    """The labels of this many strings by their kind: from such a mapping, from a table, or from a sequence of labels of
    one kind. Raises `UsageError` for what are none."""
    table = isinstance(labels, Mapping) or hasattr(labels, "columns")
    columns: Any = labels if table else {kind: labels}
    found = {}
    for name, values in columns.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise UsageError(f"the labels are {values!r}; give one for each string")
        every = [*values]
        if len(every) != strings:
            raise UsageError(f"there are {strings:,} strings and {len(every):,} labels; give one for each string")
        for number, value in enumerate(every, start=1):
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole and (not isinstance(value, str) or not is_label(value)):
                raise UsageError(
                    f"the label of string {number} is {value!r}; it must be a text that is not blank and can be printed"
                )
        if (name := normalise(str(name))) in found:
            raise UsageError(f"two kinds of label are called {name!r}; call them differently")
        found[name] = [normalise(str(value).strip()) for value in every]
    if not found:
        raise UsageError("there are no labels; give one for each string, or leave them out")
    return found


def _listing(words: Iterable[str]) -> str:
    every = [word if word.isprintable() else ascii(word) for word in words]
    return ", ".join(every[:_LISTED]) + (f" and {len(every) - _LISTED:,} more" if len(every) > _LISTED else "")
