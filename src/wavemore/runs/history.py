"""The history of a run: what training wrote down on its way, one JSON record a line, in a file beside the model.

A file is one run, or two where a teacher was trained first. A run begins with a record of what it is; the records after
it are those of steps, of evaluations, and of the inside of the network:

    {"record": "run", "format": 1, "role": "model", "version": "0.1.0", "list": {...}, "seed": 42, "parameters": ...}
    {"record": "step", "step": 12, "passes": 0.1, "seconds": 0.2, "steps": 3, "batch_loss": 2.9, "mean_loss": 3.0, ...}
    {"record": "evaluation", "step": 100, ..., "validation_loss": 2.1}
    {"record": "inside", "step": 100, "levels": [...], "parameters": [...], "norms": [...]}

docs/history.md says what each key means.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from wavemore.errors import FileError
from wavemore.files import check_writable, write_whole

__all__ = [
    "NUMBERS",
    "HistoryFile",
    "PastRun",
    "check_history",
    "history_path",
    "is_history",
    "read_history",
    "remove_history",
]

FORMAT = 1
NUMBERS = (
    *("passes", "seconds", "steps", "batch_loss", "mean_loss", "rate", "matrix_rate", "gradient_norm"),
    *("steps_per_second", "validation_loss"),
)
"""What a record may say beside its step and its member; null where a number was not finite."""

INSIDE = ("levels", "parameters", "norms")
"""What a record of the inside has: a list of tables each."""

_BEGINNING = b'{"record": "run",'
_IDENTITY = ("role", "recipe", "list", "split")  # what must be the same for a run to be the one that goes on


@dataclass(frozen=True)
class PastRun:
    """One run of a history."""

    about: dict[str, Any]
    """What the run is: role, recipe, list, seed, parameters."""
    written: list[dict[str, Any]]
    """All other records, in the order in which they were written."""

    @property
    def records(self) -> list[dict[str, Any]]:
        """Those of steps and evaluations."""
        return [one for one in self.written if one["record"] != "inside"]

    @property
    def inside(self) -> list[dict[str, Any]]:
        """Those of the inside of the first network."""
        return [one for one in self.written if one["record"] == "inside"]

    @property
    def role(self) -> str:
        """ "model", or "teacher" of the model that follows."""
        return str(self.about.get("role", "model"))

    def until(self, done: Sequence[int]) -> "PastRun":
        """The same without what each member wrote after the steps that `done` has for it."""
        at = dict(enumerate(done))
        return PastRun(self.about, [one for one in self.written if one["step"] <= at.get(one.get("member", 0), 0)])


def history_path(model: str | Path) -> Path:
    """Where the history of a model file lies: names.history.jsonl beside names.safetensors."""
    return Path(f"{str(model).removesuffix('.safetensors')}.history.jsonl")


def check_history(path: str | Path) -> None:
    """Refuse before training a history that could not be written, or would replace something else. Raises
    `FileError`."""
    check_writable(path)
    path = Path(path)
    if not path.is_file() or not path.stat().st_size:
        return
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError), path.open("rb") as file:
        if json.loads(file.readline())["record"] == "run":
            return
    raise FileError(f"{path} exists and is not the history of a run, so it is left alone; move it, or record elsewhere")


def read_history(path: str | Path) -> list[PastRun]:
    """The runs of a history. A last line that was cut short counts for nothing: its run was killed while it wrote.

    Raises `FileError` for a file that cannot be read, has a line that is no record, or has another format.
    """
    try:
        lines = Path(path).read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise FileError.of("read", path, error) from error
    if not lines or b'"run"' not in lines[0]:
        raise FileError(f"{path} is not the history of a run; give a file that training has recorded")
    runs: list[PastRun] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if record["record"] == "run":
                runs.append(PastRun(record, []))
            else:
                _check(record)
                runs[-1].written.append(record)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise FileError(f"line {number} of {path} is not a record of a history; mend or remove it") from error
    for run in runs:
        if run.about.get("format") != FORMAT:
            raise FileError(
                f"the history {path} has format {run.about.get('format')}, and this wavemore reads {FORMAT}; "
                "read it with the version that wrote it"
            )
    return runs


def is_history(path: str | Path) -> bool:
    """Whether a name is that of a history, or the file begins as one does."""
    if str(path).endswith(".history.jsonl"):
        return True
    if not Path(path).is_file():  # what comes through a pipe can be read once alone
        return False
    with suppress(OSError), Path(path).open("rb") as file:
        return file.read(len(_BEGINNING)) == _BEGINNING
    return False


def remove_history(path: str | Path) -> None:
    """Let the history of a model go that is replaced by one without. Raises `FileError`."""
    check_history(path)
    if Path(path).is_file():
        try:
            Path(path).unlink()
        except OSError as error:
            raise FileError.of("remove", path, error) from error


class HistoryFile:
    """The file that a fit writes: replaced when its first run begins, and from then on appended to, a whole line at a
    time. A `train.Sink`."""

    def __init__(self, path: str | Path) -> None:
        """Raises what `check_history` raises."""
        check_history(path)
        self._path = Path(path)
        self._file: BinaryIO | None = None
        self._begun = False

    def begin(self, about: dict[str, Any], done: Sequence[int] | None) -> float:
        """A run begins, or goes on: then `done` has how many steps each member has taken, and what was written of later
        ones is dropped. Returns the seconds that the run has taken so far. Raises `FileError`."""
        about = json.loads(json.dumps({"record": "run", "format": FORMAT, **about}))
        runs = self._kept(about, done)
        if done is None or not runs:
            runs.append(PastRun(about, []))
        lines = [_line(record) for run in runs for record in (run.about, *run.written)]
        write_whole(self._path, b"".join(lines))
        self._begun = True
        try:
            self._file = self._path.open("ab")
        except OSError as error:
            raise FileError.of("write", self._path, error) from error
        return max((record.get("seconds") or 0.0 for record in runs[-1].written), default=0.0)

    def write(self, record: dict[str, Any]) -> None:
        """One record of a step, an evaluation, or the inside. Raises `FileError`."""
        assert self._file is not None
        try:
            self._file.write(_line(record))
            self._file.flush()
        except OSError as error:
            raise FileError.of("write", self._path, error) from error

    def close(self) -> None:
        """The run is over, or stopped."""
        if self._file is not None:
            with suppress(OSError):  # a full disk has been said
                self._file.close()
            self._file = None

    def _kept(self, about: dict[str, Any], done: Sequence[int] | None) -> list[PastRun]:
        """What stays of the file: the run of the teacher before that of its pupil, and of a run that goes on all up to
        there; nothing where that run was not recorded."""
        if not self._path.is_file() or (done is None and not self._begun):
            return []
        runs = read_history(self._path)
        if done is None:
            return runs
        same = [i for i, run in enumerate(runs) if all(run.about.get(key) == about.get(key) for key in _IDENTITY)]
        return [*runs[: same[-1]], runs[same[-1]].until(done)] if same else []


def _line(record: dict[str, Any]) -> bytes:
    return (json.dumps(record) + "\n").encode()


def _check(record: dict[str, Any]) -> None:
    """Raise a `TypeError` or a `KeyError` for what is not a record of a step, an evaluation, or the inside."""
    whole: Iterable[Any] = (record["step"], record.get("member", 0))
    if not all(type(number) is int and number >= 0 for number in whole):
        raise TypeError
    if not all(isinstance(record.get(name), int | float | None) for name in NUMBERS):
        raise TypeError
    if record["record"] == "inside" and not all(isinstance(record[name], list) for name in INSIDE):
        raise TypeError
