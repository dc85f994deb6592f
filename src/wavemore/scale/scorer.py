"""The columns of `wavemore score` over Arrow: what every engine calls, and what the command line calls.

    scorer = Scorer(model, percentile=True)
    scorer(table.column("name"))    # a pyarrow.RecordBatch, one row for each

A row's values do not depend on the rows beside it, so they are the same to the bit whatever the partitioning, the
engine and the number of workers; on processors of one kind, since NumPy's exponentials and products may round
otherwise on another. That holds for all models in NumPy, and not for PyTorch's recurrent networks and Transformers.
"""

from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.scale.carried import Carried
from wavemore.scale.texts import Distinct, by_beginning, check_column_of_arrow
from wavemore.tables.columns import LONGEST_STRING, TEXTS, Column, Columns, check_column, check_new
from wavemore.tables.parquet import pyarrow_for

if TYPE_CHECKING:
    from pyarrow import Array, ChunkedArray, RecordBatch, Schema, Table

    from wavemore.judging.row_scores import RowScores

__all__ = ["ROWS_AT_ONCE", "Scorer", "log_likelihoods"]

ROWS_AT_ONCE = 1 << 18
"""Rows that are scored together: more share a little more, and take more memory."""

_MOST = 8  # that a process keeps, as of models
_scores: "dict[tuple[str, str], RowScores]" = {}  # of this process
_lock = Lock()


@dataclass(frozen=True, init=False, repr=False, eq=False)
class Scorer:
    """A model and which columns it gives of each string. It pickles as the bytes of the model's file.

    model       a `StringModel`, the path of its file, or None for the model in the package
    tidy        whether blank strings, and strings of more than 131,072 characters, have no values, as rows of a table
                have none in `wavemore score`; without it all strings are scored, as `score_samples` does
    options     those of `StringModel.row_scores` but `against`: unknown ("zero", "floor" or "ignore"), percentile,
                guess_number, posterior, fold_case

    Raises `UsageError` as `row_scores` does, and for options that leave rows out or stop.
    """

    __repr__ = brief

    carried: Carried
    tidy: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __init__(
        self, model: "StringModel | str | Path | Carried | None" = None, *, tidy: bool = False, **options: Any
    ) -> None:
        if options.get("unknown") in ("drop", "error"):
            raise UsageError(
                f"unknown={options['unknown']!r} takes rows out of a table, and an engine wants one for each; "
                'choose "zero", "floor" or "ignore", and filter by the column "unknown"'
            )
        if "against" in options:
            raise UsageError("several models are one Scorer each; score with each and compare the columns")
        if none := [name for name in options if name not in signature(StringModel.row_scores).parameters]:
            raise UsageError(f"there are no such options of a score: {', '.join(none)}")
        object.__setattr__(self, "carried", model if isinstance(model, Carried) else Carried(model))
        object.__setattr__(self, "tidy", tidy)
        object.__setattr__(self, "options", options)
        self.names  # noqa: B018 - raises for options that are none

    @property
    def scores(self) -> "RowScores":
        """What says the columns; one for all scorers alike in this process."""
        key = (self.carried.sum, repr(sorted(self.options.items())))
        with _lock:
            if (known := _scores.get(key)) is not None:
                return known
            found = self.carried.model().row_scores(**self.options)
            while len(_scores) >= _MOST:
                _scores.pop(next(iter(_scores)))
            _scores[key] = found
            return found

    @property
    def names(self) -> list[str]:
        """The columns, in order."""
        return self.scores.names

    @property
    def schema(self) -> "Schema":
        """Of what it gives: float64, null where there is no value; and texts, "" where there is none."""
        pyarrow = pyarrow_for("a column of Arrow")
        return pyarrow.schema([(n, pyarrow.string() if n in TEXTS else pyarrow.float64()) for n in self.names])

    def __call__(self, array: "Array | ChunkedArray") -> "RecordBatch":
        """The columns of a column of strings, one row for each row. See `Distinct.of` for its types and errors; raises
        `ModelFileError` where the model's numbers overflow."""
        pyarrow = pyarrow_for("a column of Arrow")
        check_column_of_arrow(array)
        parts = [self._part(array[start : start + ROWS_AT_ONCE]) for start in range(0, len(array), ROWS_AT_ONCE)]
        if not parts:
            parts = [self._part(array)]
        if len(parts) == 1:
            return parts[0]
        return pyarrow.Table.from_batches(parts).combine_chunks().to_batches()[0]

    def appended(self, table: "Table", column: str) -> "Table":
        """A pyarrow.Table with the columns of one of its columns added. Raises `UsageError` where that is not there,
        and where one that is added is there already."""
        check_column(column, table.column_names, "the table")
        check_new(self.names, table.column_names, "the table")
        found = self(table.column(column))
        for added in found.schema:
            table = table.append_column(added, found.column(added.name))
        return table

    def _part(self, array: "Array | ChunkedArray") -> "RecordBatch":
        pyarrow = pyarrow_for("a column of Arrow")
        strings = Distinct.of(array)
        columns = self._columns(strings)
        there = strings.rows >= 0
        if self.tidy:
            without = strings.blank() | (strings.lengths > LONGEST_STRING)
            there &= ~without[strings.rows] if len(strings) else there
        return pyarrow.RecordBatch.from_arrays(
            [_taken(columns[name], strings.rows, there) for name in self.names], schema=self.schema
        )

    def _columns(self, strings: Distinct) -> Columns:
        """The columns of the distinct strings, (D,) each."""
        scores = self.scores
        plain, encoded = strings.plain(scores.judges[0].file.vocabulary)
        order, encoded = by_beginning(encoded)
        of_plain, places = scores.columns(encoded), np.flatnonzero(plain)[order]
        if plain.all():
            return {name: _merged(len(strings), (places, of_plain[name])) for name in scores.names}
        others = np.flatnonzero(~plain)
        if self.tidy:
            others = others[strings.lengths[others] <= LONGEST_STRING]
        of_others = scores.columns(strings.at(others))
        return {
            name: _merged(len(strings), (places, of_plain[name]), (others, of_others[name])) for name in scores.names
        }


def log_likelihoods(model: "StringModel | str | Path | Carried | None", array: "Array | ChunkedArray") -> "Array":
    """The log-likelihood of each string of an Arrow column in nats, `pyarrow.float64`, null where the string is:
    to the bit what `score_samples` gives. See `Scorer` for a process that asks more than once, and for errors."""
    return Scorer(model)(array).column("log_likelihood")


def _merged(count: int, *parts: tuple[np.ndarray, Column]) -> Column:
    """A column with `count` rows from parts of it, each with its places."""
    if isinstance(parts[0][1], list):
        texts = [""] * count
        for places, column in parts:
            if not any(column):  # as there are mostly
                continue
            for place, text in zip(places.tolist(), column, strict=True):
                texts[place] = text
        return texts
    numbers = np.full(count, np.nan)
    for places, column in parts:
        numbers[places] = column
    return numbers


def _taken(column: Column, rows: np.ndarray, there: np.ndarray) -> "Array":
    """The values of distinct strings, (D,), as those of rows, (R,): where a row is not there, null or ""."""
    pyarrow = pyarrow_for("a column of Arrow")
    if isinstance(column, list):
        if not any(column):
            column = []
        places = np.where(there & (len(column) > 0), rows, len(column))
        return pyarrow.array([*column, ""], pyarrow.string()).take(pyarrow.array(places))
    values = np.append(column, np.nan)[np.where(there, rows, len(column))]
    return pyarrow.array(values, pyarrow.float64(), mask=np.isnan(values))
