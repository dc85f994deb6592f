"""The lists in the package: where each lies, and which column of a table holds its strings and which its labels."""

import os.path
from pathlib import Path
from typing import NamedTuple

__all__ = ["Embedded", "embedded", "embedded_lists", "embedded_of"]

_DATASETS = Path(__file__).parent / "datasets"
_LABELS = {"people": ("language", "gender"), "surnames": ("language",), "places": ("country",)}
"""The columns of labels of the lists that are tables; all other lists are plain text."""


class Embedded(NamedTuple):
    """A list in the package."""

    path: Path
    column: str | None
    """The column that holds the strings, of CSV with a header; None of plain text."""
    labels: tuple[str, ...]
    """The columns that say something of each string; () of plain text."""


def embedded_lists() -> tuple[str, ...]:
    """The names of the lists in the package, sorted."""
    return tuple(sorted(file.stem for file in _DATASETS.iterdir() if file.suffix in (".txt", ".csv")))


def embedded(name: str) -> Embedded:
    """The list in the package of this name, which must be one of `embedded_lists`."""
    if labels := _LABELS.get(name):
        return Embedded(_DATASETS / f"{name}.csv", "name", labels)
    return Embedded(_DATASETS / f"{name}.txt", None, ())


def embedded_of(source: object) -> Embedded | None:
    """The list in the package that a source names; None of one that names a file, or anything else."""
    if not isinstance(source, str | Path) or str(source) not in embedded_lists() or os.path.isfile(source):  # noqa: PTH113 - catches what Path's does not
        return None
    return embedded(str(source))
