"""What is said of each string of a list: log-likelihood, bits, rank, guess number, and which of several models fits it.

`Scoring` makes columns from strings; `scored` carries them from the portions of a table to what it writes.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypeAlias, get_args

import numpy as np

from wavemore.errors import UnknownCharacterError, UsageError
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import Skipped
from wavemore.lists.sources import source_name
from wavemore.lists.vocabulary import Vocabulary, normalise
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.predict.predictor import Distribution
from wavemore.settings.strict import suggestion
from wavemore.tables.columns import Column, Columns, Part, Portion, Table
from wavemore.tables.ranking import taken

if TYPE_CHECKING:
    from wavemore.judging.guessing import Guesses

__all__ = ["ALSO", "UNKNOWN", "Judge", "Scoring", "Tally", "Unknown", "check_ranking", "scored"]

Unknown: TypeAlias = Literal["zero", "ignore", "drop", "error"]
UNKNOWN: tuple[Unknown, ...] = get_args(Unknown)
ALSO = ("percentile", "guess_number")
_GUESSES = ("guess_number", "guess_number_low", "guess_number_high")


class Judge(NamedTuple):
    """A model that scores."""

    name: str
    file: ModelFile
    distribution: Distribution

    @classmethod
    def load(cls, path: str | Path | None = None) -> Self:
        """The model of a file, named after it; without a path the one in the package. Raises `FileError`,
        `ModelFileError`, and what `distribution_of` raises."""
        path = pretrained_path() if path is None else path
        file = ModelFile.load(path)
        return cls(source_name(path), file, distribution_of(file))


@dataclass(frozen=True)
class Scoring:
    """What is to be said of each string.

    judges     the model, and others that it is compared with
    unknown    of a string with characters that a model does not know: "zero" gives it the probability that it has,
               zero; "ignore" scores it without them. "drop" and "error" are zero too, but `scored` leaves the row out,
               or stops there
    also       of `ALSO`: "percentile", the share of held-out strings that are less likely; "guess_number", how many
               strings are likelier, with a 95 % interval

    Raises `UsageError` for settings that do not exist, and for a percentile that the model file has no scores for.
    """

    judges: Sequence[Judge]
    unknown: Unknown = "zero"
    also: Collection[str] = ()

    def __post_init__(self) -> None:
        if self.unknown not in UNKNOWN:
            near = suggestion(self.unknown, UNKNOWN)
            raise UsageError(
                f'unknown characters cannot be treated as "{self.unknown}"{near}; {", ".join(UNKNOWN)} can'
            )
        for name in self.also:
            if name not in ALSO:
                raise UsageError(f'there is no column "{name}"{suggestion(name, ALSO)}; choose of {", ".join(ALSO)}')
        if "percentile" in self.also:
            self.judges[0].file.percentiles(np.zeros(0))

    @cached_property
    def names(self) -> list[str]:
        """The columns, in order."""
        return [
            *("log_likelihood", "bits_per_character"),
            *(["percentile"] if "percentile" in self.also else []),
            *(_GUESSES if "guess_number" in self.also else []),
            *self._others,
            *(["log_ratio", "best"] if self._others else []),
            "unknown",
        ]

    def columns(self, strings: Sequence[str]) -> Columns:
        """The columns of these strings, which are taken in NFC as those of a list are.

        log_likelihood         (strings,), nats, all characters and the boundary at the end; -inf where the
                               probability is zero
        bits_per_character     the same as bits a prediction, without its sign
        log_likelihood_NAME    the same as log_likelihood of another model
        log_ratio              log_likelihood less the highest one of the other models, nats; NaN where all are -inf
        best                   the model under which the string is likeliest; "" where all are -inf
        unknown                the characters that the first model does not know
        """
        strings = list(map(normalise, strings))
        judge = self.judges[0]
        scores, lengths, unknown = self._scores(judge, strings)
        columns: Columns = {"log_likelihood": scores, "bits_per_character": -scores / np.log(2) / (lengths + 1)}
        if "percentile" in self.also:
            columns["percentile"] = self.judges[0].file.percentiles(scores)
        if "guess_number" in self.also:
            columns |= zip(_GUESSES, self._guesses.numbers(scores), strict=True)
        if self._others:
            columns |= self._compared(scores, strings)
        columns["unknown"] = unknown
        return columns

    @cached_property
    def _others(self) -> list[str]:
        return [f"log_likelihood_{name}" for name in self._judge_names[1:]]

    @cached_property
    def _judge_names(self) -> list[str]:
        """The names of the models, made distinct."""
        names: list[str] = []
        for judge in self.judges:
            name, number = judge.name, 1
            while name in names:
                number += 1
                name = f"{judge.name}_{number}"
            names.append(name)
        return names

    @cached_property
    def _guesses(self) -> "Guesses":
        from wavemore.judging.guessing import Guesses

        return Guesses.of(self.judges[0].distribution, seed=0)

    def _scores(self, judge: Judge, strings: list[str]) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Log-likelihoods (strings,), numbers of scored characters (strings,), and the unknown ones of each string."""
        vocabulary = judge.file.vocabulary
        found = _unknown(vocabulary, strings)
        if found and self.unknown == "ignore":
            strings = list(strings)
            for place, characters in found.items():
                strings[place] = "".join(c for c in strings[place] if c not in characters)
        lengths = np.fromiter(map(len, strings), np.int64, len(strings))
        unknown = [""] * len(strings)
        for place, characters in found.items():
            unknown[place] = characters
        if not found or self.unknown == "ignore":
            return log_likelihoods(judge.distribution, strings), lengths, unknown
        scores = np.full(len(strings), -np.inf)
        known = [i for i, characters in enumerate(unknown) if not characters]
        scores[known] = log_likelihoods(judge.distribution, [strings[i] for i in known])
        return scores, lengths, unknown

    def _compared(self, scores: np.ndarray, strings: list[str]) -> Columns:
        """The columns that other models give."""
        others = [self._scores(judge, strings)[0] for judge in self.judges[1:]]
        every = np.stack([scores, *others])  # (judges, strings)
        with np.errstate(invalid="ignore"):  # -inf less -inf
            ratio = scores - every[1:].max(axis=0)
        highest = zip(every.argmax(axis=0).tolist(), every.max(axis=0).tolist(), strict=True)
        best = ["" if score == -np.inf else self._judge_names[i] for i, score in highest]
        return {**dict(zip(self._others, others, strict=True)), "log_ratio": ratio, "best": best}


def _unknown(vocabulary: Vocabulary, strings: Sequence[str]) -> dict[int, str]:
    """The distinct characters that the vocabulary lacks, for the places of the strings that have some."""
    text = "".join(strings)
    places = np.flatnonzero(vocabulary.encode_known(text) < 0)  # of characters
    if not len(places):
        return {}
    ends = np.cumsum(np.fromiter(map(len, strings), np.int64, len(strings)))  # (strings,)
    found: dict[int, str] = {}
    for string, place in zip(np.searchsorted(ends, places, side="right").tolist(), places.tolist(), strict=True):
        before = found.get(string, "")
        if text[place] not in before:
            found[string] = before + text[place]
    return found


@dataclass
class Tally:
    """What there is to say of the rows when all are done."""

    without: Skipped = field(default_factory=Skipped)
    """Rows that are kept and have no score, and why."""
    unknown: int = 0
    """Rows with characters that the model does not know."""


def scored(table: Table, portions: Iterable[Portion], scoring: Scoring, tally: Tally) -> Iterator[Part]:
    """The rows of a table and their columns. Rows without a string are kept and have no values.

    Raises what reading the table raises, and `UnknownCharacterError` where `scoring.unknown` is "error".
    """
    for portion in portions:
        for place, problem in portion.problems.items():
            tally.without.add(problem, portion.numbers[place])
        texts, kept = portion.texts, portion.kept
        places = [i for i in range(len(texts)) if i not in portion.problems] if portion.problems else range(len(texts))
        columns = scoring.columns([texts[i] for i in places])
        unknown = columns["unknown"]
        strange = [i for i, characters in enumerate(unknown) if characters]
        tally.unknown += len(strange)
        if strange and scoring.unknown == "error":
            place = places[strange[0]]
            unit = "row" if table.kind == "parquet" else "line"
            raise _refusal(scoring.judges[0], texts[place], f"{unit} {portion.numbers[place]} of {table.source}")
        if len(places) < len(texts):
            columns = {name: _spread(column, places, len(texts)) for name, column in columns.items()}
        part = Part(kept, texts, columns)
        if strange and scoring.unknown == "drop":
            gone = {places[i] for i in strange}
            part = taken(table, part, [i for i in range(len(texts)) if i not in gone])
        yield part


def _refusal(judge: Judge, text: str, where: str) -> UnknownCharacterError:
    try:
        judge.file.vocabulary.encode(normalise(text))
    except UnknownCharacterError as error:
        return UnknownCharacterError(f"{where}: {error}")
    raise AssertionError(f"{text!r} has no unknown character")


def _spread(column: Column, places: Sequence[int], rows: int) -> Column:
    """The column over more rows, of which those at `places` have its values and the others none."""
    if isinstance(column, list):
        texts = [""] * rows
        for place, text in zip(places, column, strict=True):
            texts[place] = text
        return texts
    numbers = np.full(rows, np.nan)
    numbers[places] = column
    return numbers


def check_ranking(scoring: Scoring, column: str) -> None:
    """Raise `UsageError` where there is no such column to sort by."""
    if column not in scoring.names:
        near = suggestion(column, scoring.names)
        raise UsageError(f'there is no added column "{column}" to sort by{near}; there are {", ".join(scoring.names)}')
