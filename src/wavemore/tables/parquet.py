"""Parquet files read in batches and written again with columns added. Needs pyarrow."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from wavemore.errors import CorpusError, FileError, MissingExtraError, UsageError
from wavemore.lists.encodings import codec_of
from wavemore.lists.layout import Layout
from wavemore.lists.rows import listing, tidied
from wavemore.lists.streams import Source, opened, place
from wavemore.tables.columns import LONGEST_STRING, TEXTS, Column, Part, Portion, Table, check_column, check_new

if TYPE_CHECKING:
    from pyarrow import Array, DataType
    from pyarrow.parquet import ParquetFile

__all__ = [
    "compression_of",
    "damaged",
    "holds_strings",
    "open_parquet",
    "opened_parquet",
    "pyarrow_for",
    "without_views",
]

_ROWS_AT_ONCE = 1 << 17  # also of a row group that is written
_WRITTEN = {"UNCOMPRESSED": "NONE"}  # compressions that a writer calls by another name


@contextmanager
def open_parquet(source: Source, names: Sequence[str], layout: Layout) -> Iterator[Table]:
    """The table of a Parquet file or of standard input, its strings in the column of that name. Raises `FileError`,
    `CorpusError` for what is no Parquet, `UsageError` for a wrong column, `MissingExtraError` without pyarrow."""
    pyarrow_for("Parquet")
    codec_of(layout.encoding)  # of no use here, and wrong all the same
    with opened(source) as raw, tempfile.TemporaryFile() as spooled:
        if not raw.seekable():
            _spool(raw, spooled, place(source))
        with opened_parquet(raw if raw.seekable() else cast(BinaryIO, spooled), place(source)) as file:
            yield _Parquet(place(source), file, names, layout)


def _spool(raw: BinaryIO, file: Any, where: str) -> None:
    """Parquet is read from its end, so a stream becomes a file first."""
    try:
        shutil.copyfileobj(raw, file)
    except OSError as error:
        raise FileError.of("read", where, error) from error
    file.seek(0)


class _Parquet(Table):
    """A Parquet file. It keeps its schema, its metadata and the compression of its first column."""

    def __init__(self, source: str, file: "ParquetFile", names: Sequence[str], layout: Layout) -> None:
        super().__init__(source, "parquet")
        there, column = file.schema_arrow.names, layout.column
        if column is None:
            raise UsageError(
                f"{source} is read as parquet, which has columns; name the one that holds the strings: {listing(there)}"
            )
        self._file, self._names, self._column, self._strip = file, names, column, layout.strip
        check_column(column, there, source)
        check_new(names, there, source)
        kind = file.schema_arrow.field(column).type
        if layout.numbers and str(kind).startswith(("int", "uint", "bool")):
            return
        if not holds_strings(kind):
            raise UsageError(f'the column "{column}" of {source} holds {kind} and not strings; name another')

    def portions(self) -> Iterator[Portion]:
        pyarrow = pyarrow_for("Parquet")
        first = 1
        try:
            for batch in map(without_views, self._file.iter_batches(_ROWS_AT_ONCE)):
                cells = batch.column(self._column).cast(pyarrow.string()).to_pylist()
                tidy = [tidied(cell, LONGEST_STRING, strip=self._strip) for cell in cells]
                for i, (text, problem) in enumerate(tidy):
                    self.notes.look_at((first + i, text, problem, b"", None))
                problems = {i: problem for i, (_, problem) in enumerate(tidy) if problem}
                texts, numbers = [text for text, _ in tidy], range(first, first + len(tidy))
                yield Portion(numbers, texts, problems, pyarrow.Table.from_batches([batch]))
                first += len(tidy)
        except (pyarrow.ArrowException, UnicodeDecodeError, OSError) as error:
            raise damaged(self.source, error) from error

    def write(self, file: BinaryIO, parts: Iterable[Part]) -> None:
        pyarrow = pyarrow_for("Parquet")
        from pyarrow.parquet import ParquetWriter

        schema = without_views(self._file.schema_arrow)
        fields = [pyarrow.field(n, pyarrow.string() if n in TEXTS else pyarrow.float64()) for n in self._names]
        for field in fields:
            schema = schema.append(field)
        with ParquetWriter(file, schema, compression=compression_of(self._file)) as writer:
            for part in parts:
                table = part.kept
                for field in fields:
                    table = table.append_column(field, _array(part.columns[field.name]))
                writer.write_table(table, _ROWS_AT_ONCE)

    def take(self, kept: Any, places: Sequence[int]) -> Any:
        return kept.take(pyarrow_for("Parquet").array(places, "int64"))

    def join(self, kept: Sequence[Any]) -> Any:
        return pyarrow_for("Parquet").concat_tables(kept)


def compression_of(file: "ParquetFile") -> str:
    """That of a file's first column, as a writer calls it."""
    about = file.metadata
    compression = about.row_group(0).column(0).compression if about.num_row_groups else "SNAPPY"
    return _WRITTEN.get(compression, compression)


def without_views(held: Any) -> Any:
    """A batch or a schema with plain strings in place of views of strings, of which pyarrow takes no rows."""
    pyarrow = pyarrow_for("Parquet")
    schema = held if isinstance(held, pyarrow.Schema) else held.schema
    plain = {"string_view": pyarrow.string(), "binary_view": pyarrow.binary()}
    for i, field in enumerate(schema):
        if (kind := plain.get(str(field.type))) is not None:
            schema = schema.set(i, field.with_type(kind))
    return schema if isinstance(held, pyarrow.Schema) else held.cast(schema)


def _array(column: Column) -> "Array":
    """The values of a column, (rows,). Where there is no number it is null; infinity is a number."""
    pyarrow = pyarrow_for("Parquet")
    if isinstance(column, list):
        return pyarrow.array(column, pyarrow.string())
    return pyarrow.array(column, pyarrow.float64(), mask=np.isnan(column))


def opened_parquet(raw: BinaryIO, where: str) -> "ParquetFile":
    """A file as Parquet; `where` is what messages call it. Raises `CorpusError` for what is none."""
    pyarrow = pyarrow_for("Parquet")
    from pyarrow.parquet import ParquetFile

    first = raw.read(4)
    raw.seek(0)
    if first != b"PAR1":
        raise CorpusError(f"{where} is no Parquet file; name the format it has, as in --format csv, or write it again")
    try:
        return ParquetFile(raw, pre_buffer=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise damaged(where, error) from error


def damaged(where: str, error: Exception) -> CorpusError:
    """The sentence for what pyarrow cannot read."""
    reason = str(error).split("\n")[0].rstrip(".")
    return CorpusError(f"{where} is no Parquet file, or is damaged or cut short ({reason}); write or copy it again")


def holds_strings(kind: "DataType") -> bool:
    """Whether a column of this type of Arrow's is one of strings: of any of their types, a dictionary of them, or null,
    which is what writers make of a column without a single value."""
    kind = kind.value_type if str(kind).startswith("dictionary<") else kind
    return str(kind) in ("string", "large_string", "string_view", "null")


def pyarrow_for(purpose: str) -> Any:
    """pyarrow, or the `MissingExtraError` that says what needs it."""
    try:
        import pyarrow
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(purpose, "pyarrow", "parquet") from error
    return pyarrow
