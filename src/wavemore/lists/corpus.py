"""A list of strings, cleaned, and its split into parts. What was left out is counted and said, never lost silently."""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b, sha256
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import NamedTuple

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.counts import repeated
from wavemore.lists.sources import problem_of, read_rows
from wavemore.lists.streams import place, source_name
from wavemore.lists.vocabulary import normalise
from wavemore.settings.config import DataConfig

__all__ = ["Corpus", "Parts", "Skipped", "frequent", "read_corpus", "split"]

_FREQUENT = 10  # times the median count
FEWEST_STRINGS = 20
"""A list is split from this many strings up."""


@dataclass
class Skipped:
    """What cleaning left out: how many rows for each reason, and the first few line numbers of each."""

    counts: Counter[str] = field(default_factory=Counter)
    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, reason: str, line: int) -> None:
        """Count one row."""
        self.counts[reason] += 1
        lines = self.lines.setdefault(reason, [])
        if len(lines) < 5:
            lines.append(line)

    def __str__(self) -> str:
        """'skipped 3: 2 blank (lines 4, 9), 1 unreadable (line 7)', or an empty string when nothing was."""
        if not self.counts:
            return ""
        reasons = ", ".join(self._reason(reason) for reason in sorted(self.counts))
        return f"skipped {self.counts.total():,}: {reasons}"

    def _reason(self, reason: str) -> str:
        lines, count = self.lines[reason], self.counts[reason]
        numbers = ", ".join(f"{line:,}" for line in lines) + (", ..." if count > len(lines) else "")
        return f"{count:,} {reason} (line{'s' if count > 1 else ''} {numbers})"


@dataclass(frozen=True)
class Corpus:
    """The strings of a list in their order, duplicates kept, in NFC."""

    name: str
    strings: list[str]
    skipped: Skipped

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the strings, each with a line end, as hexadecimal digits: equal for equal lists."""
        digest = sha256()
        for string in self.strings:
            digest.update(string.encode("utf-8") + b"\n")
        return digest.hexdigest()


class Parts(NamedTuple):
    """A list in its parts, each in the order of the list. Validation and test may be empty."""

    train: Sequence[str]
    validation: Sequence[str]
    test: Sequence[str]


def read_corpus(
    source: str | Path | Iterable[str],
    *,
    column: str | None = None,
    encoding: str = "utf-8",
    format: str | None = None,
    max_length: int = 1000,
) -> Corpus:
    """The clean strings of a source: a path, "-" for standard input, a list's name, any iterable of strings, or a
    mapping of strings to counts, such as a `collections.Counter` (see `repeated`).

    Rows of files lose the white space around them; strings of an iterable are taken as they are. Skipped and counted
    are rows without a string, as `Row` names them, and strings that hold a line break. Raises `CorpusError` when no
    string is left, or when most rows are unreadable, and what `read_rows` raises.
    """
    if isinstance(source, str | Path):
        name, where = source_name(source), place(source)
        read = read_rows(source, column=column, encoding=encoding, format=format, longest=max_length)
        rows = (row[:3] for row in read)
    else:
        name, where = "strings", "the list"
        if isinstance(source, Mapping) and any(count is not None for count in source.values()):
            source = repeated(list(source), list(source.values()))
        rows = _given(source, max_length)
    strings: list[str] = []
    skipped = Skipped()
    for line, text, problem in rows:
        broken = "with a line break" if "\n" in text or "\r" in text else ""
        if problem or broken:
            skipped.add(problem or broken, line)
        else:
            strings.append(normalise(text))
    unreadable = skipped.counts["unreadable"]
    if unreadable > len(strings):
        first = skipped.lines["unreadable"][0]
        raise CorpusError(
            f"{_counted(unreadable, 'row')} of {where} cannot be read (the first is line {first}); "
            "name the encoding and format it has"
        )
    if not strings:
        why = f" ({skipped})" if skipped.counts else ""
        raise CorpusError(f"{where} holds no strings{why}; give one string a line")
    return Corpus(name, strings, skipped)


def split(corpus: Corpus, config: DataConfig) -> Parts:
    """Training, validation and test part, about 80, 10 and 10 % of the strings.

    "random" draws by distinct string, so that duplicates never fall into two parts: distinct strings are ordered by a
    keyed hash, which depends on the seed and the strings alone and not on their order or on a library's version. A part
    ends where it has its share of the rows; `frequent` strings are in the training part.
    "lecture" is the lecture's: all strings shuffled by Python's `random` with seed 42 and cut at 80 and 90 %.

    Raises `CorpusError` for fewer than 20 strings or 3 distinct ones.
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
        first, second = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
        return Parts(shuffled[:first], shuffled[first:second], shuffled[second:])
    counts = Counter(strings)
    if len(counts) < 3:
        raise CorpusError(
            f"{corpus.name} has {_counted(len(counts), 'distinct string')}, and a split into three parts needs at "
            "least 3 distinct strings; add strings, or give a validation list of its own"
        )
    part_of = _parts(counts, config.seed)
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


def _given(strings: Iterable[str], longest: int) -> Iterator[tuple[int, str, str]]:
    """The number of each item, from 1, its text, and why it is no string of a list."""
    if not isinstance(strings, Iterable):
        raise UsageError(f"the list is {strings!r}; it must be strings, or the path of a file that holds some")
    for number, string in enumerate(strings, start=1):
        if not isinstance(string, str):
            raise UsageError(
                f"item {number} of the list is {string!r}, of type {type(string).__name__}, and not a string"
            )
        text = str(string)
        problem = problem_of(text, longest)
        if problem == "unreadable":
            raise CorpusError(
                f"item {number} of the list holds a lone surrogate, which no text may: {text!r}; mend or remove it"
            )
        yield number, text, problem


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
