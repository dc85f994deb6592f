"""A table whose rows are scored: `RowScores` says what of each string, `Order` which rows and in which order."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from wavemore.errors import UnknownCharacterError, UsageError
from wavemore.judging.row_scores import RowScores
from wavemore.lists.layout import Layout
from wavemore.lists.rows import Skipped
from wavemore.lists.vocabulary import normalise
from wavemore.settings import strict
from wavemore.tables.columns import Column, Part, Portion, Table
from wavemore.tables.formats import open_table, write_json_lines
from wavemore.tables.ranking import ranked, taken

__all__ = ["Order", "ScoredTable", "Tally", "scored", "scored_table", "spread"]


@dataclass(frozen=True)
class Order:
    """Which rows there are, and in which order; as they come, where nothing is said.

    odd        this many rows alone, the most surprising first
    sort       all rows, by this added column, the lowest first; they are all held in memory
    reverse    whether `sort` puts the highest first

    Raises `UsageError` for values that do not go together.
    """

    odd: int | None = None
    sort: str | None = None
    reverse: bool = False

    def __post_init__(self) -> None:
        if self.odd is not None and self.sort is not None:
            raise UsageError("--odd and --sort exclude each other; choose one")
        if self.odd is not None:
            strict.whole_number("--odd", self.odd, 1)
        if self.reverse and self.sort is None:
            raise UsageError("--reverse goes with --sort; name the column to sort by")

    def check(self, names: Sequence[str]) -> None:
        """Raise `UsageError` where there is no such column to sort by."""
        if self.sort is not None and self.sort not in names:
            near = strict.suggestion(self.sort, names)
            raise UsageError(f'there is no added column "{self.sort}" to sort by{near}; there are {", ".join(names)}')

    def of(self, table: Table, parts: Iterable[Part]) -> Iterable[Part]:
        """The rows in this order."""
        if self.odd is not None:
            return ranked(table, parts, "surprise", most=self.odd, reverse=True)
        return parts if self.sort is None else ranked(table, parts, self.sort, reverse=self.reverse)


@dataclass
class Tally:
    """What there is to say of the rows when all are done."""

    without: Skipped = field(default_factory=Skipped)
    """Rows that are kept and have no score, and why."""
    trained_on: int = 0
    """Rows whose string the model was trained on; counted where the oddest are asked for."""
    unknown: int = 0
    """Rows with characters that the model does not know."""
    unscored: int = 0
    """Those of them that were to be scored without these characters, and have no other ones."""
    other_case: int = 0
    """Those of them whose characters it knows in the other case."""

    def places(self, portion: Portion) -> Sequence[int]:
        """The places of the rows that have a string; the others are counted."""
        for place, problem in portion.problems.items():
            self.without.add(problem, portion.numbers[place])
        rows = range(len(portion.texts))
        return [row for row in rows if row not in portion.problems] if portion.problems else rows


@dataclass(frozen=True)
class ScoredTable:
    """The rows of a table with their scores; `write` goes through them, once."""

    table: Table
    parts: Iterable[Part]
    tally: Tally
    """Full when all is written."""

    def write(self, file: BinaryIO, *, json: bool = False) -> None:
        """The table with the columns added, or with `json` each row's place, string and these columns alone, one JSON
        object a row."""
        if json:
            write_json_lines(file, self.parts, "row" if self.table.kind == "parquet" else "line")
        else:
            self.table.write(file, self.parts)


@contextmanager
def scored_table(
    source: str | Path | Sequence[str],
    scores: RowScores,
    order: Order,
    layout: Layout | None = None,
    *,
    progress: bool = False,
    printed: bool = False,
) -> Iterator[ScoredTable]:
    """A list or table with the scores of its rows; see `open_table` for the source and its layout.

    progress    a bar on standard error where it takes longer than a second
    printed     whether rows go to standard output

    Raises what reading the table raises, `UsageError` for a column to sort by that is not there, and while rows are
    written `UnknownCharacterError` where `scores.unknown` is "error".
    """
    from wavemore.progress import counted

    tally = Tally()
    scores = replace(scores, surprise=True) if order.odd is not None else scores
    with open_table(source, scores.names, layout) as table:
        order.check(scores.names)
        scores.prepare(progress=progress)
        portions = counted(
            table.portions(),
            None,
            "scoring",
            quiet=not progress,
            printed=printed and order == Order(),
            size=lambda portion: len(portion.texts),
        )
        yield ScoredTable(table, order.of(table, scored(table, portions, scores, tally)), tally)


def scored(table: Table, portions: Iterable[Portion], scores: RowScores, tally: Tally) -> Iterator[Part]:
    """The rows of a table and their columns. Rows without a string are kept and have no values.

    Raises what reading the table raises, and `UnknownCharacterError` where `scores.unknown` is "error".
    """
    for portion in portions:
        texts, kept, places = portion.texts, portion.kept, tally.places(portion)
        columns = scores.columns([texts[i] for i in places])
        unknown = columns["unknown"]
        strange = [i for i, characters in enumerate(unknown) if characters]
        tally.unknown += len(strange)
        if scores.surprise and (known := scores.judges[0].file.fingerprints) is not None:
            tally.trained_on += int(known.train([texts[i] for i in places]).sum())
        tally.unscored += sum(bool(np.isnan(columns["log_likelihood"][i])) for i in strange)  # type: ignore[arg-type]
        vocabulary = scores.judges[0].file.vocabulary
        tally.other_case += sum(vocabulary.knows(vocabulary.folded(unknown[i])) for i in strange)
        if strange and scores.unknown == "error":
            place = places[strange[0]]
            unit = "row" if table.kind == "parquet" else "line"
            raise _refusal(scores, texts[place], f"{unit} {portion.numbers[place]} of {table.source}")
        if len(places) < len(texts):
            columns = {name: spread(column, places, len(texts)) for name, column in columns.items()}
        part = Part(kept, texts, columns, portion.numbers)
        if strange and scores.unknown == "drop":
            gone = {places[i] for i in strange}
            part = taken(table, part, [i for i in range(len(texts)) if i not in gone])
        yield part


def _refusal(scores: RowScores, text: str, where: str) -> UnknownCharacterError:
    vocabulary = scores.judges[0].file.vocabulary
    text = normalise(text)
    try:
        vocabulary.encode(vocabulary.folded(text) if scores.fold_case else text)
    except UnknownCharacterError as error:
        return UnknownCharacterError(f"{where}: {error}")
    raise AssertionError(f"{text!r} has no unknown character")


def spread(column: Column, places: Sequence[int], rows: int) -> Column:
    """The column over more rows, where those at `places` have its values and the others none."""
    if isinstance(column, list):
        texts = [""] * rows
        for place, text in zip(places, column, strict=True):
            texts[place] = text
        return texts
    numbers = np.full(rows, np.nan)
    numbers[places] = column
    return numbers
