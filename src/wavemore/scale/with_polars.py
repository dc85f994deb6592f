"""Scores in Polars: an expression. Needs the extra "polars"."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import MissingExtraError
from wavemore.estimator import StringModel
from wavemore.scale.scorer import Scorer
from wavemore.tables.columns import TEXTS

if TYPE_CHECKING:
    from polars import Expr, Series

__all__ = ["scores_of"]


def scores_of(column: "str | Expr", model: "StringModel | str | Path | None" = None, **options: Any) -> "Expr":
    """The columns of `wavemore score` for a column or an expression, as one struct column: take a field of it, or
    `.unnest` them all. `options` are those of `Scorer`.

        frame.with_columns(scores_of("name", model).struct.field("log_likelihood"))

    The expression is elementwise, so a streaming query sends it portions and not the whole column."""
    try:
        import polars
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("Polars", "polars", "polars") from error
    scorer = Scorer(model, **options)
    kinds = {name: polars.String if name in TEXTS else polars.Float64 for name in scorer.names}

    def work(strings: "Series") -> "Series":
        table = polars.from_arrow(scorer(strings.to_arrow()))
        assert isinstance(table, polars.DataFrame)
        return table.to_struct(strings.name)

    expression = polars.col(column) if isinstance(column, str) else column
    return expression.map_batches(work, return_dtype=polars.Struct(kinds), is_elementwise=True)
