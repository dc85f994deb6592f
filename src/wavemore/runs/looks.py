"""One training step seen from inside, as the record of a history holds it."""

from collections.abc import Mapping
from math import isfinite, prod, sqrt
from typing import Any, NamedTuple

import numpy as np

from wavemore.runs.measures import Histogram, NormSizes, Parameter, gradient_norms

__all__ = ["LevelSeen", "Look", "look_of"]

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


def look_of(record: Mapping[str, Any]) -> Look:
    """The look that a record holds. Raises `KeyError`, `TypeError`, `ValueError`, `AttributeError` or `ArithmeticError`
    for a record that is not sound."""
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
