"""A list of strings, cleaned, and its split into parts. What was left out is counted and said, never lost silently."""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b, sha256
from itertools import accumulate, zip_longest
from pathlib import Path
from statistics import median
from typing import NamedTuple, cast

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import CorpusError
from wavemore.lists.containers import items
from wavemore.lists.counts import checked_weights, repeated
from wavemore.lists.labelled import Labelled, Labels, checked_labels
from wavemore.lists.layout import Layout
from wavemore.lists.rows import Notes, Row, Skipped, tidied
from wavemore.lists.sources import labelled, open_rows, weighed
from wavemore.lists.streams import Source, source_name
from wavemore.lists.vocabulary import normalise
from wavemore.settings.config import DataConfig

__all__ = ["Corpus", "Parts", "Skipped", "frequent", "read_corpus", "split", "weighed_corpus"]

_FREQUENT = 10  # times the median count
FEWEST_STRINGS = 5
"""A list is split from this many strings up."""


@dataclass(frozen=True)
class Corpus:
    """The strings of a list in their order, duplicates kept, in NFC."""

    __repr__ = brief

    name: str
    strings: list[str]
    skipped: Skipped
    notes: tuple[str, ...] = ()
    """What else there is to say of the list, a sentence each."""
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The labels of the strings by their kind, (strings,) each."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the strings, each with a line end, as hexadecimal digits: equal for equal lists."""
        digest = sha256()
        for string in self.strings:
            digest.update(string.encode("utf-8") + b"\n")
        return digest.hexdigest()

    @property
    def labelling(self) -> str:
        """All labels as one text: equal for equal labels of equal lists."""
        return "\n".join(word for name, values in self.labels.items() for word in (name, *values))

    def with_labels(self, labels: Mapping[str, Sequence[str]]) -> "Corpus":
        """The same strings with these labels, (strings,) of each kind. Raises `UsageError` for what are none."""
        return replace(self, labels=checked_labels(labels, len(self.strings)))


class Parts(NamedTuple):
    """A list in its parts, each in the order of the list. Validation and test may be empty."""

    __repr__ = brief

    train: Sequence[str]
    validation: Sequence[str]
    test: Sequence[str]


def read_corpus(
    source: Source | Iterable[str | None],
    *,
    column: str | None = None,
    encoding: str = "utf-8",
    format: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    strip: bool = False,
    counts: str | None = None,
    labels: tuple[str, ...] = (),
    numbers: bool = False,
    max_length: int = 1000,
) -> Corpus:
    """The clean strings of a source: a path, "-" for standard input, a list's name, an open file, any iterable of
    strings, or a mapping of strings to counts, such as a `collections.Counter` (see `repeated`). `Layout` has the
    meaning of the options; all of them but `strip` are for files alone.

    Strings are taken as they are, in NFC. Skipped and counted are rows without a string, as `Row` names them, and
    strings that hold a line break; `notes` say what else was found. Raises `CorpusError` when no string is left, or
    when most rows are unreadable, and what `open_rows` raises.
    """
    if not isinstance(source, str | Path) and not hasattr(type(source), "read"):
        if isinstance(source, Mapping) and any(count is not None for count in source.values()):
            return weighed_corpus(list(items(source)), list(source.values()), max_length, strip=strip)
        return _filled("strings", "the list", _given(source, max_length, strip=strip), Notes())
    layout = Layout(
        column=column,
        encoding=encoding,
        format=format,
        delimiter=delimiter,
        header=header,
        strip=strip,
        counts=counts,
        labels=labels,
        numbers=numbers,
    )
    source = cast(Source, source)
    with open_rows(source, layout, max_length) as found:
        rows = found.rows if counts is None else weighed(found, counts)
        rows = labelled(found, labels) if labels else rows
        return _filled(source_name(source), found.lines.where, rows, found.notes, tuple(map(normalise, labels)))


def weighed_corpus(
    strings: object, weights: Sequence[float] | np.ndarray, longest: int, *, strip: bool = False
) -> Corpus:
    """The clean strings of an iterable, each as often as its weight says; see `repeated`. Raises `UsageError` for
    weights that are none, and what `read_corpus` raises."""
    every = list(items(strings))
    counts = checked_weights(every, weights).tolist()
    return _filled("strings", "the list", _given(every, longest, strip=strip, counts=counts), Notes())


def _given(strings: object, longest: int, *, strip: bool, counts: Sequence[float | None] = ()) -> Iterator[Row]:
    """The items of an iterable as rows, with how often each counts; a missing one is a row without a string. Raises
    `UsageError` for an item that is no string, and `CorpusError` for one that no text can be."""
    for number, (item, count) in enumerate(zip_longest(items(strings), counts), start=1):
        text, problem = tidied(item, longest, strip=strip)
        if problem == "unreadable":
            raise CorpusError(
                f"item {number} of the list holds a lone surrogate, which no text may: {item!r}; mend or remove it"
            )
        yield number, text, problem, b"", count


def _filled(name: str, where: str, rows: Iterable[Row], notes: Notes, kinds: Sequence[str] = ()) -> Corpus:
    """The corpus of these rows, in which each string stands as often as it counts, with labels of these kinds."""
    strings, counts, skipped = list[str](), list[float](), Skipped()
    labels: dict[str, list[str]] = {kind: [] for kind in kinds}
    for row in rows:
        line, text, problem, _, held = row
        if problem or text.strip() != text:
            notes.look_at(row)
        if not problem and ("\n" in text or "\r" in text):
            problem = "with a line break"
        if problem:
            skipped.add(problem, line)
        else:
            strings.append(normalise(text))
            if isinstance(held, float):
                counts.append(held)
            if isinstance(held, tuple):
                for kind, label in zip(kinds, held, strict=True):
                    labels[kind].append(label)
    if (count := skipped.counts["unreadable"]) > len(strings):
        raise CorpusError(
            f"{_counted(count, 'row')} of {where} cannot be read (the first is line {skipped.lines['unreadable'][0]}); "
            f"{notes.looks_like or 'name the encoding and format it has'}"
        )
    if not strings:
        why = f" ({skipped})" if skipped.counts else ""
        raise CorpusError(f"{where} holds no strings{why}; give one string a line")
    if counts:
        distinct, total = len(set(strings)), sum(counts)
        strings = repeated(strings, counts, where)
        if len(strings) != total:
            gone = distinct - len(set(strings))
            rest = f", in which {gone:,} of {distinct:,} strings have less than a row and are left out" if gone else ""
            notes.add(f"its counts add up to {total:,g} and are scaled to {len(strings):,} rows{rest}")
    return Corpus(name, strings, skipped, notes.all(), labels)


def split(corpus: Corpus, config: DataConfig) -> Parts:
    """Training, validation and test part, about 80, 10 and 10 % of the strings.

    "random" draws by distinct string, so that duplicates never fall into two parts: distinct strings are ordered by a
    keyed hash, which depends on the seed and the strings alone and not on their order or on a library's version. A part
    ends where it has its share of the rows; `frequent` strings are in the training part.
    "lecture" is the lecture's: all strings shuffled by Python's `random` with seed 42 and cut at 80 and 90 %.

    Raises `CorpusError` for fewer than 5 strings or 3 distinct ones.
    """
    strings = corpus.strings
    if len(strings) < FEWEST_STRINGS:
        raise CorpusError(
            f"{corpus.name} has {_counted(len(strings), 'string')}, and a split needs at least {FEWEST_STRINGS}; "
            "add strings, or give a validation list of its own"
        )
    if config.split == "lecture":
        shuffled = list(strings)
        random.Random(42).shuffle(shuffled)
        if corpus.labels:
            raise CorpusError('data.split = "lecture" keeps no labels; choose split = "random"')
        second = int(0.9 * len(shuffled))
        first = min(int(0.8 * len(shuffled)), second - 1)  # of 5 strings too one is for validation
        return Parts(shuffled[:first], shuffled[first:second], shuffled[second:])
    counts = Counter(strings)
    if len(counts) < 3:
        raise CorpusError(
            f"{corpus.name} has {_counted(len(counts), 'distinct string')}, and a split into three parts needs at "
            "least 3 distinct strings; add strings, or give a validation list of its own"
        )
    part_of = _parts(counts, config.seed)
    if corpus.labels:
        every = Labelled(strings, Labels.of(corpus.labels).numbers(corpus.labels))
        places = {name: [i for i, s in enumerate(strings) if part_of.get(s, "train") == name] for name in Parts._fields}
        return Parts(*(every.of(places[name]) for name in Parts._fields))
    parts = ([s for s in strings if part_of.get(s, "train") == name] for name in Parts._fields)
    return Parts(*parts)


def frequent(counts: Mapping[str, int]) -> list[str]:
    """The strings whose count is more than ten times the median count. A split leaves them in the training part: one
    that is held out would be most of its part, and the model would take what is commonest for odd."""
    most = _FREQUENT * median(counts.values())
    return [string for string, count in counts.items() if count > most]


def _parts(counts: Mapping[str, int], seed: int) -> dict[str, str]:
    """The part of each distinct string that is held out: about a tenth of the rows each, or, where frequent strings are
    most of the rows, a quarter of the others."""
    kept = set(frequent(counts))
    ordered = sorted((string for string in counts if string not in kept), key=_order(seed))
    ends = list(accumulate(counts[string] for string in ordered))
    rows = max(1, round(min(0.1 * sum(counts.values()), 0.25 * ends[-1])))
    last = len(ordered) if kept else len(ordered) - 1  # a string at least to train on
    first = min(bisect_left(ends, rows) + 1, last - 1)
    second = min(bisect_left(ends, ends[first - 1] + rows, first) + 1, last)
    return {**dict.fromkeys(ordered[:first], "validation"), **dict.fromkeys(ordered[first:second], "test")}


def _order(seed: int):  # noqa: ANN202 - a sort key
    key = seed.to_bytes(8, "little")
    return lambda string: blake2b(string.encode("utf-8"), digest_size=16, key=key).digest()


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
