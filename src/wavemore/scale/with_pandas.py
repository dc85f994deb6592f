"""Scores in pandas: a frame with columns added."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import UsageError
from wavemore.estimator import StringModel
from wavemore.scale.scorer import Scorer
from wavemore.tables.columns import check_column, check_new
from wavemore.tables.parquet import pyarrow_for

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["appended", "scored"]


def scored(
    frame: "DataFrame", column: str, model: "StringModel | str | Path | None" = None, **options: Any
) -> "DataFrame":
    """A frame with the columns of `wavemore score` for one of its columns, its index as it was. `options` are those of
    `Scorer`. Raises `UsageError` for a column that is not there or holds no strings."""
    return appended(frame, column, Scorer(model, **options))


def appended(frame: "DataFrame", column: str, scorer: Scorer) -> "DataFrame":
    """The same with a scorer that is there already."""
    pyarrow = pyarrow_for("a column of pandas")
    check_column(column, list(frame.columns), "the frame")
    check_new(scorer.names, list(frame.columns), "the frame")
    try:
        strings = pyarrow.array(frame[column], from_pandas=True)
    except (pyarrow.ArrowException, UnicodeEncodeError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f'the column "{column}" holds values that are no strings ({reason}); take them out') from error
    if strings.null_count == len(strings) and strings.type == pyarrow.float64():  # a column of no values, to pandas
        strings = pyarrow.nulls(len(strings))
    found = scorer(strings).to_pandas()
    return frame.assign(**{name: found[name].to_numpy() for name in scorer.names})
