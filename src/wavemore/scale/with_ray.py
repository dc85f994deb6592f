"""Scores in Ray Data: a dataset with columns added. Needs the extra "ray", which `tasks/on_ray.py` imports too."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import MissingExtraError
from wavemore.estimator import StringModel
from wavemore.scale.scorer import Scorer
from wavemore.threads import use_cores

if TYPE_CHECKING:
    from pyarrow import Table
    from ray.data import Dataset  # pyright: ignore[reportMissingImports]

__all__ = ["RowScorer", "ray_data", "scored"]

_ROWS_AT_ONCE = 1 << 17


class RowScorer:
    """What an actor of Ray does with a batch: it is made once in the actor, and so is its model."""

    def __init__(self, scorer: Scorer, column: str) -> None:
        use_cores(1)  # the actor has one, and there is one actor for each
        self.scorer, self.column = scorer, column

    def __call__(self, batch: "Table") -> "Table":
        return self.scorer.appended(batch, self.column)


def scored(
    dataset: "Dataset",
    column: str,
    model: "StringModel | str | Path | None" = None,
    *,
    workers: int = 1,
    batch_size: int = _ROWS_AT_ONCE,
    **options: Any,
) -> "Dataset":
    """The dataset with the columns of `wavemore score` for one of its columns. It is lazy, as all of Ray Data is, and
    raises at the first rows where the column is not there.

    workers       actors that work at the same time, each with a CPU of its own
    batch_size    rows that an actor gets at once; the more, the more they share
    options       those of `Scorer`
    """
    ray = ray_data()
    return dataset.map_batches(
        RowScorer,
        fn_constructor_args=(Scorer(model, **options), column),
        batch_format="pyarrow",  # the default format rounds a column of whole numbers with one null
        batch_size=batch_size,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
    )


def ray_data() -> Any:
    """Ray with its `data`. Raises `MissingExtraError`."""
    try:
        import ray  # pyright: ignore[reportMissingImports]
        import ray.data  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("Ray", error.name or "ray", "ray") from error
    return ray
