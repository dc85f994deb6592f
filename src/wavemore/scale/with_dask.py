"""Scores in Dask: a frame with columns added, partition by partition. Needs the extra "dask"."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import MissingExtraError
from wavemore.estimator import StringModel
from wavemore.scale.scorer import Scorer
from wavemore.scale.with_pandas import appended
from wavemore.tables.columns import TEXTS, check_column

if TYPE_CHECKING:
    from dask.dataframe import DataFrame  # pyright: ignore[reportMissingImports]

__all__ = ["scored"]


def scored(
    frame: "DataFrame", column: str, model: "StringModel | str | Path | None" = None, **options: Any
) -> "DataFrame":
    """A lazy frame with the columns of `wavemore score` for one of its columns; `options` are those of `Scorer`.
    Raises `UsageError` for a column that is not there."""
    try:
        import dask.dataframe  # pyright: ignore[reportMissingImports]  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("Dask", error.name or "dask", "dask") from error
    check_column(column, list(frame.columns), "the frame")
    scorer = Scorer(model, **options)
    return frame.map_partitions(_of_partition, column, scorer, meta=_of_partition(frame._meta, column, scorer))


def _of_partition(frame: Any, column: str, scorer: Scorer) -> Any:
    """Of a frame of pandas. Texts are of the type that Dask has for them: of plain objects it would not know, when it
    writes Parquet, that they are texts."""
    return appended(frame, column, scorer).astype({name: "string[pyarrow]" for name in scorer.names if name in TEXTS})
