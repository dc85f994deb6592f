"""One part of a job: some row groups of a Parquet file scored, or some thousand samples, as one Parquet file.

A part is written whole or not at all, and its bytes depend on its inputs alone: whoever writes it, and however often,
writes the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from wavemore.errors import FileError, UsageError
from wavemore.files import whole_file
from wavemore.scale.carried import Carried
from wavemore.scale.drawing import sampled
from wavemore.scale.scorer import ROWS_AT_ONCE, Scorer
from wavemore.tables.columns import TEXTS
from wavemore.tables.parquet import compression_of, damaged, opened_parquet, pyarrow_for, without_views

if TYPE_CHECKING:
    from pyarrow import Table
    from pyarrow.parquet import ParquetFile

__all__ = ["Part", "Runner", "SamplePart", "ScorePart", "opened_file"]

_BYTES_READ = 1 << 28  # at once, with all columns
_FEWEST_READ = 1 << 10  # rows
_ROWS_WRITTEN = 1 << 17  # of a row group
_ROWS_LOOKED_AT = 1 << 16  # the first ones, for whether strings repeat


class Part(Protocol):
    """One output file, which may be written on any machine that sees its folder."""

    @property
    def target(self) -> str:
        """Its path below the job's folder."""
        ...

    @property
    def rows(self) -> int:
        """How many it has."""
        ...

    @property
    def shared(self) -> Any:
        """What all parts of a job have in common, the model: a dataclass field, so that it is sent once."""
        ...

    def write(self, folder: str) -> int:
        """Write it into the folder, and return how many rows it has."""
        ...


Runner: TypeAlias = Callable[[Sequence[Part], str], Iterable[int]]
"""Writes parts into a folder, and gives the rows of each as it is finished, in any order."""


@dataclass(frozen=True)
class ScorePart:
    """Some row groups of a file with the columns of `score`."""

    source: str
    groups: tuple[int, ...]
    rows: int
    column: str
    target: str
    shared: Scorer = field(repr=False)

    def write(self, folder: str) -> int:
        """Raises `FileError` and what `opened_parquet` raises; `UsageError` for a string that is no UTF-8."""
        pyarrow = pyarrow_for("Parquet")
        from pyarrow.parquet import ParquetWriter

        rows = 0
        with opened_file(self.source) as file, _written(folder, self.target) as out:
            schema = without_views(file.schema_arrow)
            for added in self.shared.schema:
                schema = schema.append(added)
            tables = (self._scored(pyarrow.Table.from_batches([batch])) for batch in self._batches(file))
            table = next(tables, schema.empty_table())
            how = {"compression": compression_of(file), "use_dictionary": self._dictionaries(file, table)}
            with ParquetWriter(out, schema, **how) as writer:
                while table is not None:
                    writer.write_table(table.cast(schema), _ROWS_WRITTEN)
                    rows += len(table)
                    table = None  # before the next one is made
                    pyarrow.default_memory_pool().release_unused()  # which it would keep for later
                    table = next(tables, None)
        return rows

    def _dictionaries(self, file: "ParquetFile", first: "Table") -> list[str]:
        """The columns that are written with a dictionary of their values. Where most strings are distinct the column of
        strings and those of their numbers go without one: it would be as large as the column, and to make it takes
        longer than to score."""
        paths = [file.schema.column(i).path for i in range(len(file.schema.names))]
        some = first.column("log_likelihood").slice(0, _ROWS_LOOKED_AT)
        if len(some.unique()) < len(some) / 2:
            return [*paths, *self.shared.names]
        return [*(path for path in paths if path != self.column), *(n for n in self.shared.names if n in TEXTS)]

    def _scored(self, table: "Table") -> "Table":
        try:
            return self.shared.appended(table, self.column)
        except UsageError as error:  # of a string that is no UTF-8, say
            raise UsageError(f"{self.source}, column {self.column}: {error}") from error

    def _batches(self, file: "ParquetFile") -> Iterator[Any]:
        pyarrow = pyarrow_for("Parquet")
        groups = [file.metadata.row_group(group) for group in self.groups]
        size = sum(group.total_byte_size for group in groups) / max(1, sum(group.num_rows for group in groups))
        rows = max(_FEWEST_READ, min(ROWS_AT_ONCE, int(_BYTES_READ / max(1, size))))
        batches = file.iter_batches(rows, row_groups=list(self.groups))
        while True:
            try:
                batch = next(batches, None)
            except (pyarrow.ArrowException, OSError) as error:
                raise damaged(self.source, error) from error
            if batch is None:
                return
            yield without_views(batch)


@dataclass(frozen=True)
class SamplePart:
    """Some batches of samples, a column "string"."""

    batches: tuple[tuple[int, int], ...]
    """The number of each batch and how many strings it has."""
    size: int
    """Of a batch that is full."""
    seed: int
    faithful: bool
    wish: dict[str, Any]
    target: str
    shared: Carried = field(repr=False)

    @property
    def rows(self) -> int:
        return sum(count for _, count in self.batches)

    def write(self, folder: str) -> int:
        """Raises `FileError` and what `sampled` raises."""
        pyarrow = pyarrow_for("Parquet")
        from pyarrow.parquet import ParquetWriter

        schema, rows = pyarrow.schema([("string", pyarrow.string())]), 0
        with _written(folder, self.target) as out, ParquetWriter(out, schema, compression="zstd") as writer:
            for number, count in self.batches:
                how = {"seed": self.seed, "size": self.size, "strings": count, "faithful": self.faithful}
                strings = sampled(self.shared, number, **how, **self.wish)
                writer.write_table(pyarrow.table([strings], ["string"]).cast(schema), self.size)
                rows += count
        return rows


@contextmanager
def opened_file(path: str) -> "Iterator[ParquetFile]":
    """A Parquet file. Raises `FileError` where it cannot be opened, and what `opened_parquet` raises."""
    try:
        raw = Path(path).open("rb")  # noqa: SIM115 - errors of the block are no errors of opening it
    except OSError as error:
        raise FileError.of("read", path, error) from error
    with raw, opened_parquet(raw, path) as file:
        yield file


@contextmanager
def _written(folder: str, target: str) -> Iterator[Any]:
    path = Path(folder) / target
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.of("make the folder", path.parent, error) from error
    with whole_file(path) as file:
        yield file
