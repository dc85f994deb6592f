"""The inside of a network through its training: what a run's history says of the steps that were looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, prod, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wavemore.errors import FileError
from wavemore.history import PastRun, read_history
from wavemore.inspection.course_findings import course_findings
from wavemore.measures import Histogram, NormSizes, Parameter, gradient_norms

__all__ = ["Course", "LevelSeen", "Look", "inspect_history"]


_COUNTS = 2**53  # all counts are below
_LARGEST, _SMALLEST = 1e100, 1e-100  # far beyond what float32 holds, and their squares and ratios are numbers still
_PARTS = {"tanh": ("tanh",), "gelu": ("gelu",), "gated": ("tanh", "sigmoid")}  # of an activation, that may be flat


class LevelSeen(NamedTuple):
    """What one level's activation did in one step, over the windows of the batch."""

    level: int
    activation: str
    units: int
    mean: float
    deviation: float
    """Of what the activation gives, over windows and units."""
    flat: Mapping[str, float]
    """The share of values at which each part of the activation is flat."""
    dead: tuple[int, ...]
    """The numbers of the units, from 0, whose output hardly varies."""
    normed: Histogram
    """What the activation is given."""
    activated: Histogram
    """What it gives."""


class Look(NamedTuple):
    """One training step, seen from inside."""

    step: int
    levels: tuple[LevelSeen, ...]
    """From the bottom up; empty for a baseline."""
    parameters: tuple[Parameter, ...]
    norms: tuple[NormSizes, ...]

    @property
    def matrices(self) -> tuple[Parameter, ...]:
        """The parameters that are matrices; the few numbers of a norm or a bias may rightly start at zero."""
        return tuple(parameter for parameter in self.parameters if len(parameter.shape) > 1)

    @property
    def gradient_norms(self) -> dict[str, float]:
        """The length of the gradient of "embedding", "level 1" and so on, and "head", in this order."""
        return gradient_norms(self.parameters)


@dataclass(frozen=True)
class Course:
    """One network's way through training, at the steps that were looked at."""

    name: str
    """The run's name, with its role where it is a teacher."""
    about: Mapping[str, Any]
    """What the run is, as its history says."""
    looks: tuple[Look, ...]
    """In the order of their steps; one at least."""

    @property
    def note(self) -> str:
        """Which network of the model it is, where there are several."""
        members = self.about.get("members", 1)
        return f"the first of {members} networks" if members > 1 else ""

    @property
    def steps(self) -> np.ndarray:
        """(k,): the steps that were looked at."""
        return np.array([look.step for look in self.looks])

    def some(self, count: int) -> list[Look]:
        """So many looks at even distances, the first and the last among them; all where there are no more."""
        places = np.linspace(0, len(self.looks) - 1, min(count, len(self.looks))).round().astype(int)
        return [self.looks[i] for i in places]

    @cached_property
    def findings(self) -> list[str]:
        """What wants attention, a sentence each; empty for a sound run."""
        return course_findings(self.looks)


def inspect_history(path: str | Path) -> list[Course]:
    """Look into a network through its training: one course for each run of the history that training left at `path`,
    that of a teacher before that of its pupil. The run may still go on. Of an ensemble it is the first network.

    Raises `FileError` for a file that is not the history of a run, cannot be read, or says nothing of the inside.
    """
    name = Path(path).name.removesuffix(".history.jsonl")
    runs = read_history(path)
    for run in runs:
        if type(members := run.about.get("members", 1)) is not int:
            raise FileError(f'a run in {path} has the members "{members}", which is no whole number; mend its record')
    courses = [
        Course(name if run.role == "model" else f"{name}, {run.role}", run.about, _looks(run, path))
        for run in runs
        if run.inside
    ]
    if not courses:
        raise FileError(
            f"the history {path} has no record of the inside yet; look again when its run has taken a step, or train "
            "the model again if an earlier version wrote it"
        )
    return courses


def _looks(run: PastRun, path: str | Path) -> tuple[Look, ...]:
    looks = []
    for record in run.inside:
        try:
            looks.append(_look(record))
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            step = record["step"]
            raise FileError(
                f"the record of the inside at step {step} of {path} is not sound; remove its line"
            ) from error
    if len({_kind(look) for look in looks}) > 1:
        raise FileError(f"the records of the inside in {path} are of different networks; remove the odd ones")
    return tuple(sorted(looks, key=lambda look: look.step))


def _kind(look: Look) -> tuple[Any, ...]:
    """What is the same at all looks into one network."""
    return (
        tuple((parameter.name, parameter.group, parameter.shape) for parameter in look.parameters),
        tuple((level.level, level.activation, level.units) for level in look.levels),
        tuple(norm.name for norm in look.norms),
    )


def _look(record: Mapping[str, Any]) -> Look:
    return Look(
        _whole(record["step"]),
        tuple(_level(level) for level in record["levels"]),
        tuple(_parameter(parameter) for parameter in record["parameters"]),
        tuple(NormSizes(str(norm["name"]), _size(norm["shift"]), _size(norm["scale"])) for norm in record["norms"]),
    )


def _level(record: Mapping[str, Any]) -> LevelSeen:
    activation = str(record["activation"])
    units, dead = _whole(record["units"], least=1), tuple(_whole(unit) for unit in record["dead"])
    if any(unit >= units for unit in dead):
        raise ValueError
    return LevelSeen(
        _whole(record["level"]),
        activation,
        units,
        _number(record["mean"]),
        _size(record["deviation"]),
        {part: _size(record["saturated"][part]) for part in _PARTS[activation]},
        dead,
        _histogram(record["given"]),
        _histogram(record["gives"]),
    )


def _parameter(record: Mapping[str, Any]) -> Parameter:
    shape = tuple(_whole(size) for size in record["shape"])
    weight, gradient, update = (_strength(record[name]) for name in ("weight", "gradient", "update"))
    return Parameter(
        str(record["name"]),
        str(record["group"]),
        shape,
        weight,
        gradient,
        _size(gradient * sqrt(prod(shape))),
        update,
        _size(record["zero_gradients"]),
        _histogram(record["log10_gradients"]),
    )


def _histogram(record: Mapping[str, Any]) -> Histogram:
    shares = np.array([_size(share) for share in record["shares"]])
    low, high = _number(record["from"]), _number(record["to"])
    if not len(shares) or low >= high:
        raise ValueError
    return Histogram(np.linspace(low, high, len(shares) + 1), shares)


def _number(value: Any) -> float:
    """Raises `ValueError`, `TypeError` or `OverflowError` for what is no finite number of a sensible size."""
    if not isfinite(value) or abs(value) > _LARGEST:
        raise ValueError
    return float(value)


def _whole(value: Any, *, least: int = 0) -> int:
    """A count. Raises `ValueError`."""
    if type(value) is not int or not least <= value < _COUNTS:
        raise ValueError
    return value


def _size(value: Any) -> float:
    """A number that is not below 0."""
    if (number := _number(value)) < 0:
        raise ValueError
    return number


def _strength(value: Any) -> float:
    """A root mean square: a size that is 0, or that can be divided by."""
    if 0 < (size := _size(value)) < _SMALLEST:
        raise ValueError
    return size
