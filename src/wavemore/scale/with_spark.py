"""Scores in Spark: a key and the columns of `wavemore score`, to be joined. Needs the extra "spark"."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import MissingExtraError, UsageError
from wavemore.estimator import StringModel
from wavemore.scale.scorer import Scorer
from wavemore.tables.columns import TEXTS, check_column, check_new
from wavemore.threads import use_cores

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import DataFrame  # pyright: ignore[reportMissingImports]

__all__ = ["scored"]


def scored(
    frame: "DataFrame",
    key: str,
    column: str,
    model: "StringModel | str | Path | None" = None,
    **options: Any,
) -> "DataFrame":
    """A frame of the key and of the scores of a column. Spark sends whole rows to Python and back, so nothing else is
    sent: join the result with the frame where you need its other columns. `options` are those of `Scorer`.

    Raises `UsageError` where one of the two columns is not there, and where that of the strings holds none."""
    try:
        from pyspark.sql.types import (  # pyright: ignore[reportMissingImports]
            CharType,
            DoubleType,
            NullType,
            StringType,
            StructField,
            StructType,
            VarcharType,
        )
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("Spark", "pyspark", "spark") from error
    for name in (key, column):
        check_column(name, frame.columns, "the frame")
    kind = frame.schema[column].dataType
    if not isinstance(kind, StringType | CharType | VarcharType | NullType):
        raise UsageError(
            f'the column "{column}" of the frame holds {kind.simpleString()} and not strings; name another, or cast it'
        )
    scorer = Scorer(model, **options)
    check_new(scorer.names, [key], "the frame")
    fields = [StructField(n, StringType() if n in TEXTS else DoubleType()) for n in scorer.names]

    def work(batches: "Iterator[RecordBatch]") -> "Iterator[RecordBatch]":
        import pyarrow

        use_cores(1)  # Spark runs one process for each core
        for batch in batches:
            found = scorer(batch.column(column))
            arrays = [batch.column(key), *found.columns]
            yield pyarrow.RecordBatch.from_arrays(arrays, [key, *found.schema.names])

    selected = frame.select(*dict.fromkeys((key, column)))
    return selected.mapInArrow(work, StructType([frame.schema[key], *fields]))
