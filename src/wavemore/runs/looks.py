"""One training step seen from inside, and the record of a history that holds it: written and read here alone."""

from collections.abc import Mapping
from math import isfinite, prod, sqrt
from typing import Any, NamedTuple, Self

import numpy as np

from wavemore.runs.measures import Histogram, Layer, Norm, Parameter, gradient_norms

__all__ = ["Look"]

_COUNTS = 2**53  # all counts are below
_LARGEST, _SMALLEST = 1e100, 1e-100  # far beyond what float32 holds, and their squares and ratios are numbers still
_PARTS = {
    "tanh": ("tanh",),
    "gelu": ("gelu",),
    "quick_gelu": ("quick_gelu",),
    "gated": ("tanh", "sigmoid"),
}  # of an activation, that may be flat


class Look(NamedTuple):
    """One training step, seen from inside."""

    step: int
    levels: tuple[Layer, ...]
    """From the bottom up; empty for a baseline."""
    parameters: tuple[Parameter, ...]
    norms: tuple[Norm, ...]

    @property
    def matrices(self) -> tuple[Parameter, ...]:
        """The parameters that are matrices; the few numbers of a norm or a bias may rightly start at zero."""
        return tuple(parameter for parameter in self.parameters if len(parameter.shape) > 1)

    @property
    def gradient_norms(self) -> dict[str, float]:
        """The length of the gradient of "embedding", "level 1" and so on, and "head", in this order."""
        return gradient_norms(self.parameters)

    def record(self) -> dict[str, Any]:
        """The look as a record of a history, ready for JSON; docs/history.md says what each key means. Shares keep four
        digits, and of each unit and channel nothing is kept."""
        return {
            "record": "inside",
            "step": self.step,
            "levels": [_level_record(layer) for layer in self.levels],
            "parameters": [_parameter_record(parameter) for parameter in self.parameters],
            "norms": [{"name": norm.name, "shift": norm.shift_size, "scale": norm.scale_size} for norm in self.norms],
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """The look that a record holds. Raises `KeyError`, `TypeError`, `ValueError`, `AttributeError` or
        `ArithmeticError` for a record that is not sound."""
        return cls(
            _whole(record["step"]),
            tuple(_level(level) for level in record["levels"]),
            tuple(_parameter(parameter) for parameter in record["parameters"]),
            tuple(Norm(str(norm["name"]), _size(norm["shift"]), _size(norm["scale"])) for norm in record["norms"]),
        )


def _level_record(layer: Layer) -> dict[str, Any]:
    return {
        "level": layer.level,
        "activation": layer.activation,
        "units": layer.units,
        "mean": layer.mean,
        "deviation": layer.deviation,
        "saturated": dict(layer.flat),
        "dead": list(layer.dead),
        "given": _histogram_record(layer.normed),
        "gives": _histogram_record(layer.activated),
    }


def _level(record: Mapping[str, Any]) -> Layer:
    activation = str(record["activation"])
    units, dead = _whole(record["units"], least=1), tuple(_whole(unit) for unit in record["dead"])
    if any(unit >= units for unit in dead):
        raise ValueError
    return Layer(
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


def _parameter_record(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "group": parameter.group,
        "shape": list(parameter.shape),
        "weight": parameter.weight,
        "gradient": parameter.gradient,
        "update": parameter.update,
        "zero_gradients": parameter.zeros,
        "log10_gradients": _histogram_record(parameter.magnitudes),
    }


def _parameter(record: Mapping[str, Any]) -> Parameter:
    weight, gradient, update = (_strength(record[name]) for name in ("weight", "gradient", "update"))
    shape = tuple(_whole(size) for size in record["shape"])
    _size(gradient * sqrt(prod(shape)))  # the gradient's length is a number too
    return Parameter(
        str(record["name"]),
        str(record["group"]),
        shape,
        weight,
        gradient,
        update,
        _size(record["zero_gradients"]),
        _histogram(record["log10_gradients"]),
    )


def _histogram_record(histogram: Histogram) -> dict[str, Any]:
    low, high = histogram.edges[[0, -1]].tolist()
    return {"from": low, "to": high, "shares": histogram.shares.round(4).tolist()}


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
