"""Frozen dataclasses from plain tables and back, strictly: an unknown key, a wrong type or a value out of range is a
`ConfigError` that names the key as `table.key`, the value and what would do."""

import dataclasses
import difflib
import typing
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import inf
from numbers import Integral, Real
from types import UnionType
from typing import Any, Literal, TypeVar, Union

from wavemore.errors import ConfigError, UsageError

__all__ = ["check_settings", "one_of", "parse", "plain", "refuse", "require", "suggestion", "whole_number"]


Choice = TypeVar("Choice", bound=str)

_LONGEST = 1000  # items in a list
_WIDEST = 500  # characters of a value in a message


def whole_number(name: str, value: object, least: int) -> int:
    """An argument as an int; NumPy's whole numbers count, truth values do not. Raises `UsageError`, which calls it
    `name`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise UsageError(f"{name} is {value!r}; it must be a whole number of {least} or more")
    return int(value)


def one_of(name: str, value: Choice, choices: Sequence[Choice]) -> Choice:
    """The value, where it is one of some words. Raises `UsageError`."""
    if value not in choices:
        raise UsageError(
            f'{name} is "{value}"{suggestion(str(value), choices)}; it must be one of {", ".join(choices)}'
        )
    return value


def suggestion(word: str, known: Iterable[str]) -> str:
    """' (did you mean "X"?)' for the nearest known word, or nothing where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""


def check_settings(config: Any, table: str, **ranges: tuple[float, float | None]) -> None:
    """Bring each field to its type, as a recipe's values are, and hold those that are named in their ranges, the ends
    included, where None is no end. Raises `ConfigError`."""
    for name, kind in _hints(type(config)).items():
        object.__setattr__(config, name, parse(kind, getattr(config, name), f"{table}.{name}"))
    for name, (least, most) in ranges.items():
        value = getattr(config, name)
        holds = value >= least and (most is None or value <= most)
        require(holds, f"{table}.{name}", value, f"be from {least} to {most}" if most else f"be {least} or more")


def require(holds: bool, key: str, value: object, rule: str) -> None:
    """Raise `ConfigError` where the rule, such as "be 1 or more", does not hold."""
    if not holds:
        raise ConfigError(f"{key} = {_shown(value)}; it must {rule}")


def refuse(holds: bool, key: str, value: object, why: str) -> None:
    """Raise `ConfigError` where a value does not go with the others."""
    if holds:
        raise ConfigError(f"{key} = {_shown(value)} has no use: {why}")


def _shown(value: object) -> str:
    """As a recipe writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        value = value[:_WIDEST]
    shown = str(plain(value)) if not isinstance(value, str) else f'"{value}"'
    return shown if len(shown) <= _WIDEST else f"{shown[:_WIDEST]}..."


def plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def parse(kind: Any, value: Any, where: str) -> Any:
    """`value` as `kind`, a dataclass or one of the few types its fields have; `where` is the key for messages."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} = {_shown(value)}; it must be a table of settings")
        hints = _hints(kind)
        for key in value:
            if key not in hints:
                raise ConfigError(f'unknown key "{_join(where, key)}"{suggestion(str(key), hints)}')
        return kind(**{key: parse(hints[key], item, _join(where, key)) for key, item in value.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, UnionType):
        return _parse_one_of(arguments, value, where)
    if origin is Literal:
        if value not in arguments:
            rule = "be " + " or ".join(f'"{choice}"' for choice in arguments)
            require(False, where, value, rule + suggestion(str(value), arguments))
        return value
    if origin is tuple:
        is_list = isinstance(value, list | tuple)
        if arguments[-1] is Ellipsis:
            items = "whole numbers" if arguments[0] is int else "lists"
            require(is_list, where, value, f"be a list of {items}")
            require(len(value) <= _LONGEST, where, value, f"be a list of at most {_LONGEST:,} {items}")
            return tuple(parse(arguments[0], item, where) for item in value)
        count = len(arguments)
        require(is_list and len(value) == count, where, value, f"be a list of {count} numbers")
        return tuple(parse(part, item, where) for part, item in zip(arguments, value, strict=True))
    return _parse_plain(kind, value, where)


def _parse_one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    """`value` as the dataclass among `kinds` whose "kind" it names; the first where it names none."""
    if isinstance(value, kinds):
        return value
    if not isinstance(value, Mapping):
        return parse(kinds[0], value, where)
    choices = {name: kind for kind in kinds for name in typing.get_args(_hints(kind)["kind"])}
    name = value.get("kind", next(iter(choices)))
    return parse(choices[parse(Literal[tuple(choices)], name, _join(where, "kind"))], value, where)


@cache
def _hints(kind: type) -> dict[str, Any]:
    """The type of each field of a dataclass."""
    return typing.get_type_hints(kind)


def _parse_plain(kind: Any, value: Any, where: str) -> Any:
    """`value` as int, float, bool or str. NumPy's numbers count as Python's, and a whole number is a number."""
    if isinstance(value, Real) and not isinstance(value, bool):
        value = int(value) if isinstance(value, Integral) else float(value)
        require(abs(value) < inf, where, value, "be a finite number")
        require(abs(value) < 2**63, where, value, "be between -2**63 and 2**63")
        if kind is float:
            value = float(value)
    require(type(value) is kind, where, value, f"be {_NAMES[kind]}")
    return value


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
