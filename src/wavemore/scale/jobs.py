"""Jobs of many files: which parts there are, which of them are finished, and the rest one after the other or on Ray.

The folder of a job holds its parts and `_job.json`, which says what job it is: started again, a job goes on with the
parts that are missing, and another job is refused. The parts, and the bytes of each, do not depend on who writes them.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from wavemore._version import __version__
from wavemore.errors import CorpusError, FileError, UsageError
from wavemore.estimator import StringModel
from wavemore.files import is_unfinished, write_whole
from wavemore.scale.carried import Carried
from wavemore.scale.drawing import BATCH
from wavemore.scale.parts import Part, Runner, SamplePart, ScorePart, opened_file
from wavemore.scale.runners import here, runner_of
from wavemore.scale.scorer import Scorer
from wavemore.settings.strict import whole_number
from wavemore.tables.columns import check_column, check_new
from wavemore.tables.parquet import holds_strings

__all__ = ["Done", "Job", "here", "runner_of", "sample_job", "score_job"]

_ABOUT = "_job.json"  # readers of folders of Parquet files pass over names like this one
_ROWS = 1 << 20  # of a part, about
_BATCHES = 8  # of samples, in a part


@dataclass(frozen=True)
class Done:
    """What a job has come to."""

    parts: int
    before: int
    """Parts that were finished already."""
    rows: int
    """Of those that were written now."""


@dataclass(frozen=True)
class Job:
    """Parts, and what they are parts of."""

    parts: Sequence[Part]
    folder: str
    about: dict[str, Any]

    def run(self, runner: Runner, *, progress: bool = False) -> Done:
        """Write what is not there yet. Raises `UsageError` for a folder that holds something else, `FileError`, and
        what the parts raise; parts that are finished by then stay."""
        from wavemore.progress import counted

        self._claim()
        left = [part for part in self.parts if not (Path(self.folder) / part.target).exists()]
        finished = counted(runner(left, self.folder), len(left), "parts", quiet=not progress)
        rows = sum(finished) if left else 0
        return Done(len(self.parts), len(self.parts) - len(left), rows)

    def _claim(self) -> None:
        path = Path(self.folder) / _ABOUT
        held = about_of(self.folder)
        wanted = json.loads(json.dumps(self.about))
        if held is None or (held != wanted and not _parts_in(self.folder)):  # one that had not begun makes room
            write_whole(path, json.dumps(self.about, indent=1).encode())
            return
        for key in {**held, **wanted}:
            if held.get(key) != wanted.get(key):
                raise UsageError(
                    f"{self.folder} holds parts of another job, with other {key}; name another folder, or empty it"
                )


def about_of(folder: str) -> dict[str, Any] | None:
    """What job a folder is of, None where it is empty; it is made where it is not there. Raises `FileError`, and
    `UsageError` for one that holds something else."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        there = {entry.name for entry in path.iterdir()}
        data = (path / _ABOUT).read_bytes() if _ABOUT in there else None
    except OSError as error:
        raise FileError.of("use the folder", folder, error) from error
    if data is None:
        if any(not name.startswith(".") for name in there):
            raise UsageError(f"the folder {folder} holds files that are no parts of a job; name an empty or a new one")
        return None
    try:
        held = json.loads(data)
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict):
        raise CorpusError(
            f"{path / _ABOUT} is damaged, so nobody knows what the parts in {folder} are; empty the folder"
        )
    return held


def _parts_in(folder: str) -> bool:
    """Whether a part is there, or is being written."""
    return any(
        path.is_file() and path.name != _ABOUT and (path.name[0] != "." or is_unfinished(path))
        for path in Path(folder).rglob("*")
    )


def score_job(
    sources: str | Path | Sequence[str | Path],
    column: str,
    folder: str | Path,
    model: "StringModel | str | Path | None" = None,
    **options: Any,
) -> Job:
    """The job of scoring a column of many Parquet files: each becomes files with the same rows and columns, and those
    of `score` added, of about a million rows each.

    sources    paths, or patterns such as "data/*.parquet"
    folder     for the parts; empty, or that of the same job before
    options    those of `Scorer`; rows are tidy as those of a table are

    Raises `FileError`, `CorpusError` for what is no Parquet, and `UsageError` for a column that is not there or holds
    no strings, for files whose parts would have one name, and for options that are none.
    """
    scorer = Scorer(model, tidy=True, **options)
    paths = _paths([sources] if isinstance(sources, str | Path) else sources, folder)
    names, parts = _names(paths), list[ScorePart]()
    for path, name in zip(paths, names, strict=True):
        groups = _groups(path, column, scorer.names)
        for number, (some, rows) in enumerate(groups):
            target = name if len(groups) == 1 else f"{name.removesuffix('.parquet')}-{number:05}.parquet"
            parts.append(ScorePart(os.path.abspath(path), some, rows, column, target, scorer))  # noqa: PTH100
    _check_apart(parts)
    about = {
        "what": "score",
        "wavemore": __version__,
        "model": scorer.carried.sum,
        "column": column,
        "options": options,
        "inputs": [[path, os.stat(path).st_size, os.stat(path).st_mtime_ns] for path in paths],  # noqa: PTH116
    }
    return Job(parts, str(folder), about)


def sample_job(
    n: int,
    folder: str | Path,
    model: "StringModel | str | Path | None" = None,
    *,
    seed: int | None = None,
    faithful: bool = False,
    **wish: Any,
) -> Job:
    """The job of drawing n strings, about a million a file, a column "string".

    seed        a whole number for the same strings again; where None, that of the folder's job, or a new one
    faithful    as `sampled` has it; then the files one after the other are what `model.sample(n, seed=seed)` gives
    wish        arguments of `StringModel.sample` that hold for each string by itself

    Raises `UsageError` for a folder that holds something else, and `FileError`.
    """
    whole_number("the number of strings", n, 0)
    carried = Carried(model)
    if seed is None:
        begun = (about_of(str(folder)) or {}).get("seed")
        seed = begun if isinstance(begun, int) else int.from_bytes(os.urandom(6))
    batches = [(i, min(BATCH, n - i * BATCH)) for i in range(-(-n // BATCH))]
    some = [tuple(batches[i : i + _BATCHES]) for i in range(0, len(batches), _BATCHES)]
    parts = [
        SamplePart(those, BATCH, seed, faithful, wish, f"part-{number:06}.parquet", carried)
        for number, those in enumerate(some)
    ]
    about = {
        "what": "sample",
        "wavemore": __version__,
        "model": carried.sum,
        "n": n,
        "seed": seed,
        "faithful": faithful,
        "wish": wish,
    }
    return Job(parts, str(folder), about)


def _paths(sources: Sequence[str | Path], folder: str | Path) -> list[str]:
    """The files that paths and patterns name, sorted, each once. A pattern passes over the job's own folder."""
    found: dict[str, str] = {}
    for source in map(str, sources):
        if has_magic(source) and not os.path.exists(source):  # noqa: PTH110 - there are files with brackets
            some = glob(source, recursive=True)  # noqa: PTH207 - of any folder
            some = [path for path in some if Path(folder).resolve() not in Path(path).resolve().parents]
            if not some:
                raise FileError(f"no file is named {source}; name one, or put the pattern into quotes")
        elif Path(source).is_dir():
            raise FileError(f"{source} is a folder; name the files in it, as in '{Path(source) / '*.parquet'}'")
        else:
            some = [source]
        for path in some:
            found.setdefault(os.path.abspath(path), path)  # noqa: PTH100
    return sorted(found.values())


def _names(paths: Sequence[str]) -> list[str]:
    """What the parts of each file are called: its path below the folder that all of them share."""
    folders = [os.path.abspath(os.path.dirname(path)) for path in paths]  # noqa: PTH100, PTH120
    shared = os.path.commonpath(folders)
    below = [os.path.relpath(os.path.abspath(path), shared) for path in paths]  # noqa: PTH100
    return [f"{name.removesuffix('.pq').removesuffix('.parquet')}.parquet" for name in below]


def _check_apart(parts: Sequence[ScorePart]) -> None:
    """Raise `UsageError` where two parts would be one file."""
    sources: dict[str, str] = {}
    for part in parts:
        other = sources.setdefault(part.target, part.source)
        if other != part.source:
            raise UsageError(
                f"{other} and {part.source} would both be written as {part.target}; rename one, or score them apart"
            )


def _groups(path: str, column: str, names: Sequence[str]) -> list[tuple[tuple[int, ...], int]]:
    """The row groups of each part of a file, and how many rows they have."""
    with opened_file(path) as file:
        there = file.schema_arrow.names
        check_column(column, there, path)
        check_new(names, there, path)
        kind = file.schema_arrow.field(column).type
        if not holds_strings(kind):
            raise UsageError(f'the column "{column}" of {path} holds {kind} and not strings; name another')
        parts: list[list[int]] = [[]]
        rows = [0]
        for group in range(file.metadata.num_row_groups):
            if rows[-1] >= _ROWS:
                parts.append([])
                rows.append(0)
            parts[-1].append(group)
            rows[-1] += file.metadata.row_group(group).num_rows
    return [(tuple(part), count) for part, count in zip(parts, rows, strict=True)]
