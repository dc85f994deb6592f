"""Scores in DuckDB: a function of SQL. Needs the extra "duckdb"."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavemore.errors import MissingExtraError, UsageError
from wavemore.estimator import StringModel
from wavemore.scale.scorer import Scorer
from wavemore.tables.columns import TEXTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection  # pyright: ignore[reportMissingImports]

__all__ = ["register"]


def register(
    connection: "DuckDBPyConnection",
    model: "StringModel | str | Path | None" = None,
    *,
    column: str = "log_likelihood",
    name: str | None = None,
    **options: Any,
) -> None:
    """Give a connection a function from VARCHAR to one of the columns of `wavemore score`, named as that column or as
    `name` says. `options` are those of `Scorer`; -inf is a number, and NULL stays NULL.

        register(connection, "names.safetensors")
        connection.sql("SELECT name, log_likelihood(name) FROM 'people.parquet'")

    Raises `UsageError` where there is no such column or the connection has such a function."""
    try:
        import duckdb  # pyright: ignore[reportMissingImports]
        from duckdb.func import ARROW, SPECIAL  # pyright: ignore[reportMissingImports]
        from duckdb.sqltypes import DOUBLE, VARCHAR  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("DuckDB", "duckdb", "duckdb") from error
    scorer = Scorer(model, **options)
    if column not in scorer.names:
        raise UsageError(f'there is no column "{column}" of a score; there are {", ".join(scorer.names)}')

    def work(strings: Any) -> Any:
        return scorer(strings).column(column)

    kind = VARCHAR if column in TEXTS else DOUBLE
    try:
        connection.create_function(name or column, work, [VARCHAR], kind, type=ARROW, null_handling=SPECIAL)
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"DuckDB has not taken the function {name or column} ({reason}); give it another name"
        ) from error
