"""The strings of what a program holds in memory: lists, arrays and series of other libraries, none of which is
imported.

Taken are lists, tuples, sets, generators and all else that gives strings one by one: NumPy arrays of one dimension
(also `StringDType` and masked ones), Series and Index of pandas, Series of polars, arrays and chunked arrays of Arrow.
A value that stands for no value is missing: None, NaN, `pandas.NA`, `pandas.NaT`, a masked element, Arrow's null.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from wavemore.errors import UsageError

__all__ = ["is_missing", "items", "items_in_order"]

_LOOKED_AT = 100  # values of a table's column, to see whether it holds strings


def items(strings: object) -> Iterator[str | None]:
    """The strings of a container, one by one, and None where one is missing; those of a set sorted, so that the same
    set is the same list in every process. Raises `UsageError` for what holds no strings, and for an item that is
    none."""
    for number, item in enumerate(_opened(strings), start=1):
        if isinstance(item, str):
            yield str(item)
        elif is_missing(item):
            yield None
        else:
            value = item.as_py() if hasattr(item, "as_py") else item  # type: ignore[attr-defined] - of Arrow
            if not isinstance(value, str | None):
                raise UsageError(f"item {number} of the list is {_what(item)}; it must be a string{_mend(item)}")
            yield value


def items_in_order(strings: object) -> Iterator[str | None]:
    """The same where something is said of each string. Raises `UsageError` for what has no order, too."""
    if isinstance(strings, Mapping | set | frozenset):
        raise UsageError(
            f"the strings are a {type(strings).__name__}, which has no order to answer in; write sorted(strings)"
        )
    return items(strings)


def is_missing(value: object) -> bool:
    """Whether a value stands for none."""
    if value is None or type(value).__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return True
    return isinstance(value, float) and value != value


def _opened(strings: Any) -> Iterable[object]:
    """What gives the items. Raises `UsageError` where nothing does."""
    if isinstance(strings, str | bytes | bytearray):
        raise UsageError(
            f"a list of strings is needed, and {_short(strings)} is a single one; write [{_short(strings)}]"
        )
    if isinstance(strings, Mapping):
        if any(isinstance(value, Iterable) for value in strings.values()):
            raise UsageError(_table("a mapping", strings, list(strings)))
        return strings
    if isinstance(strings, set | frozenset):
        return sorted(strings, key=lambda item: item if isinstance(item, str) else "")
    kind = type(strings)  # what an instance has may be named by its values, as in pandas
    dimensions = getattr(strings, "ndim", None) if hasattr(kind, "ndim") else None
    if dimensions == 1:
        return strings
    names = _column_names(strings)
    if names is not None:
        raise UsageError(_table(f"a table ({kind.__module__.partition('.')[0]}.{kind.__name__})", strings, names))
    if dimensions is not None:
        column = "such as X[:, 0]" if dimensions == 2 else "an array of one dimension"
        raise UsageError(f"the strings are an array of shape {strings.shape}; give a single column of them, {column}")
    if hasattr(kind, "read"):
        raise UsageError(f"the list is an open file, {_short(strings)}; wavemore.read_corpus(file) reads its strings")
    if not isinstance(strings, Iterable) or isinstance(strings, Path):
        raise UsageError(f"the list is {_short(strings)}; it must be strings; read_corpus(path) reads them from a file")
    return strings.to_pylist() if hasattr(kind, "to_pylist") else strings  # type: ignore[attr-defined] - of Arrow


def _column_names(table: Any) -> list[Any] | None:
    """The names of a table's columns; None of what is no table."""
    kind = type(table)
    if hasattr(kind, "collect_schema"):  # of polars, whose LazyFrame warns of `columns`
        return table.collect_schema().names()
    for attribute in ("column_names", "columns"):
        if hasattr(kind, attribute) or kind.__name__ == "DataFrame":
            names = getattr(table, attribute, None)
            if names is not None and not callable(names):
                return list(names)
    return None


def _table(what: str, table: Any, names: Sequence[Any]) -> str:
    """The sentence for a table in place of one of its columns: the first that holds strings, or the first."""
    if not names:
        return f"the strings are {what} without columns; give a list of strings"
    seen = table.head(_LOOKED_AT).collect() if hasattr(type(table), "collect") else table  # of a lazy one
    name = next((name for name in names if _holds_strings(seen, name)), names[0])
    lazy = ".collect()" if hasattr(type(table), "collect") else ""
    return f"the strings are {what}, and one column of it is needed; give the column, such as df{lazy}[{name!r}]"


def _holds_strings(table: Any, name: Any) -> bool:
    """Whether the first value of a column that is not missing is a string."""
    try:
        column = table[name]
        first = column.to_pylist() if hasattr(column, "to_pylist") else column
        return isinstance(next((v for v in islice(first, _LOOKED_AT) if not is_missing(v)), None), str)
    except (TypeError, KeyError, IndexError, ValueError, AttributeError):  # what has columns of another manner
        return False


def _what(item: object) -> str:
    return f"{_short(item)}, of type {type(item).__name__}"


def _mend(item: object) -> str:
    """What to do about an item of some kinds."""
    if isinstance(item, bytes | bytearray | memoryview):
        return '; decode it, such as item.decode("utf-8")'
    return "; give one flat list of them" if isinstance(item, list | tuple) else ""


def _short(value: object, most: int = 60) -> str:
    shown = repr(value)
    return shown if len(shown) <= most else f"{shown[:most]}..."
