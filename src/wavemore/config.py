"""Configuration: frozen, strict, and one source for recipe files, the command line and the model file.

A *recipe* is a TOML file with three tables, `[model]`, `[train]` and `[data]`. Every key has a default; an unknown key,
a wrong type or a value out of range is a `ConfigError` that names the key as `table.key`, the value and what would do.
"""

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from math import inf, prod
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, Self

from wavemore.errors import ConfigError, FileError

__all__ = ["DataConfig", "ModelConfig", "Recipe", "TrainConfig", "load_recipe", "recipe_names", "suggestion"]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a `WaveNet`. It and a vocabulary size fix every weight's shape."""

    groups: tuple[int, ...] = (2, 2, 2)
    """How many neighbours each level flattens into one; (8,) is direct flattening."""
    embedding: int = 24
    """Channels of the embedding."""
    hidden: int = 128
    """Channels of every level."""
    bias: bool = False
    """Whether the levels' Linears have a bias (the BatchNorm behind them makes it redundant)."""
    final_norm: bool = False
    """Whether a BatchNorm follows the last Linear (the notes' variant)."""

    @property
    def context(self) -> int:
        """How many ids one prediction sees: the product of the groups."""
        return prod(self.groups)

    def __post_init__(self) -> None:
        _check_types(self, "model")
        _require(len(self.groups) > 0, "model.groups", self.groups, "name at least one group, such as [2, 2, 2]")
        _require(all(n >= 1 for n in self.groups), "model.groups", self.groups, "each group is 1 or more")
        _require(self.context <= 4096, "model.groups", self.groups, "their product, the context, is at most 4096")
        _require(1 <= self.embedding <= 65536, "model.embedding", self.embedding, "from 1 to 65536")
        _require(1 <= self.hidden <= 65536, "model.hidden", self.hidden, "from 1 to 65536")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a model is trained. The learning rate at a step is the product of three orthogonal parts: `rate` (or what
    `rate_steps` put in its place), the warm-up and the decay."""

    seed: int = 42
    """Seeds the one generator that draws the weights and then the batches."""
    form: Literal["shared", "windowed"] = "shared"
    """"windowed": batches of windows drawn at random, as taught; "shared": batches of whole strings, each distinct
    chunk computed once."""
    steps: int = 0
    """How many steps; 0 leaves it to `epochs`."""
    epochs: float = 3.4
    """How many times each item of the training part is seen, where `steps` is 0."""
    least_steps: int = 40
    """The fewest steps that `epochs` may come to, so that a short list is learned too."""
    batch: int = 256
    """Items in a batch: windows, or strings in the shared form."""
    optimizer: Literal["sgd", "adamw", "muon"] = "muon"
    rate: float = 0.025
    """Learning rate."""
    matrix_rate: float = 0.1
    """Muon's learning rate for the matrices of the levels; `rate` is for all else. Both take the same course. Other
    optimisers have no use for it."""
    rate_steps: tuple[tuple[int, float], ...] = ()
    """Pairs (step, rate): from that step on, that rate."""
    warmup: float = 0.02
    """Share of the steps over which the rate rises linearly from 0."""
    decay: Literal["none", "linear", "cosine"] = "linear"
    """How the rate falls to 0 after the warm-up."""
    weight_decay: float = 0.0
    """AdamW's decoupled weight decay, on weight matrices only."""
    evaluate_every: int = 0
    """Steps between evaluations on the validation part, which is also evaluated at the end; 0 evaluates after each pass
    over the training part, but leaves at least 2 steps between."""
    keep: Literal["best", "last"] = "best"
    """Which weights the run ends with: those of the lowest validation loss, or the last."""
    patience: int = 0
    """Stop after this many evaluations in a row without a lower validation loss; 0 never stops early."""
    threads: int = 1
    """PyTorch threads. Two are faster on an idle machine, and many times slower beside other busy processes."""

    def __post_init__(self) -> None:
        _check_types(self, "train")
        _require(0 <= self.seed < 2**63, "train.seed", self.seed, "from 0 to 2**63 - 1")
        _require(self.steps >= 0, "train.steps", self.steps, "0 or more")
        _require(self.least_steps >= 1, "train.least_steps", self.least_steps, "1 or more")
        _require(self.batch >= 2, "train.batch", self.batch, "2 or more, since BatchNorm needs a variance")
        _require(self.batch <= 2**20, "train.batch", self.batch, "2**20 or less")
        _require(0 <= self.epochs <= 1e6, "train.epochs", self.epochs, "from 0 to a million")
        _require(self.rate > 0, "train.rate", self.rate, "above 0")
        _require(self.matrix_rate > 0, "train.matrix_rate", self.matrix_rate, "above 0")
        _require(
            all(step >= 0 and rate > 0 for step, rate in self.rate_steps),
            "train.rate_steps",
            self.rate_steps,
            "pairs [step, rate] with step 0 or more and rate above 0",
        )
        _require(0 <= self.warmup < 1, "train.warmup", self.warmup, "at least 0 and below 1")
        _require(self.weight_decay >= 0, "train.weight_decay", self.weight_decay, "0 or more")
        _require(
            self.weight_decay == 0 or self.optimizer == "adamw",
            "train.weight_decay",
            self.weight_decay,
            'only optimizer "adamw" decays weights; set it to 0',
        )
        _require(self.evaluate_every >= 0, "train.evaluate_every", self.evaluate_every, "0 or more")
        _require(self.patience >= 0, "train.patience", self.patience, "0 or more")
        _require(1 <= self.threads <= 1024, "train.threads", self.threads, "from 1 to 1024")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """How a list is cleaned and split."""

    split: Literal["random", "lecture"] = "random"
    """"random": 80/10/10 by distinct string; "lecture": the lecture's shuffle, in which duplicates may fall into two
    parts."""
    seed: int = 42
    """Seeds the split."""
    max_length: int = 1000
    """Longer strings are skipped, counted and reported."""

    def __post_init__(self) -> None:
        _check_types(self, "data")
        _require(0 <= self.seed < 2**63, "data.seed", self.seed, "from 0 to 2**63 - 1")
        _require(1 <= self.max_length <= 10**6, "data.max_length", self.max_length, "from 1 to 1000000")
        _require(
            self.split == "random" or self.seed == 42,
            "data.seed",
            self.seed,
            'split = "lecture" is the split with seed 42; leave the seed or choose split = "random"',
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model's shape, its training and its data settings: all that `fit` needs beside the strings."""

    description: str = ""
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """A copy with settings such as `{"train.steps": 100}` in place. Raises `ConfigError` for an unknown key."""
        tables = self.to_dict()
        if not isinstance(settings, Mapping):
            raise ConfigError(f'the settings are {settings!r}, and they are a table such as {{"train.steps": 100}}')
        for key, value in settings.items():
            key = str(key)  # noqa: PLW2901
            table, dot, name = key.partition(".")
            if not dot or table not in ("model", "train", "data"):
                known = [f"{t}.{k}" for t in ("model", "train", "data") for k in tables[t]]
                raise ConfigError(f'unknown setting "{key}"{suggestion(key, known)}; settings are written table.key')
            tables[table][name] = value
        return self.from_dict(tables)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers, ready for TOML or JSON."""
        return _plain(self)

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`; missing keys take their defaults. Raises `ConfigError`."""
        return _parse(cls, tables, "")


def load_recipe(source: str | Path | Recipe) -> Recipe:
    """A recipe by its name, from a TOML file, or as it is. Raises `ConfigError`; `FileError` for an unreadable file."""
    if isinstance(source, Recipe):
        return source
    if str(source) in recipe_names():
        text = (resources.files("wavemore") / "recipes" / f"{source}.toml").read_text(encoding="utf-8")
    elif str(source).endswith(".toml"):
        try:
            text = Path(source).read_text(encoding="utf-8")
        except OSError as error:
            raise FileError.of("read the recipe", source, error) from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"the recipe {source} is not a TOML file: it is not UTF-8 text") from error
    else:
        known = recipe_names()
        raise ConfigError(
            f'unknown recipe "{source}"{suggestion(str(source), known)}; '
            f"recipes are {', '.join(known)}, or a file that ends in .toml"
        )
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # beside its own error, for numbers and nesting without end
        raise ConfigError(f"the recipe {source} is not a TOML file: {error}") from error
    try:
        return Recipe.from_dict(tables)
    except ConfigError as error:
        raise ConfigError(f"the recipe {source}: {error}") from error


@cache
def recipe_names() -> tuple[str, ...]:
    """The names of the recipes in the package, sorted."""
    files = (resources.files("wavemore") / "recipes").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def suggestion(word: str, known: Iterable[str]) -> str:
    """' (did you mean "X"?)' for the nearest known word, or nothing where none is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""


def _check_types(config: Any, table: str) -> None:
    """Bring each field to its type, as a recipe's values are, or raise."""
    for name, kind in typing.get_type_hints(type(config)).items():
        object.__setattr__(config, name, _parse(kind, getattr(config, name), f"{table}.{name}"))


def _require(holds: bool, key: str, value: object, rule: str) -> None:
    if not holds:
        raise ConfigError(f"{key} = {_shown(value)} cannot be: {rule}")


def _shown(value: object) -> str:
    return str(_plain(value)) if not isinstance(value, str) else f'"{value}"'


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _parse(kind: Any, value: Any, where: str) -> Any:
    """`value` as `kind`, a dataclass or one of the few types its fields have; `where` is the key for messages."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} = {_shown(value)} cannot be: it is a table of settings")
        hints = typing.get_type_hints(kind)
        for key in value:
            if key not in hints:
                raise ConfigError(f'unknown key "{_join(where, key)}"{suggestion(str(key), hints)}')
        return kind(**{key: _parse(hints[key], item, _join(where, key)) for key, item in value.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        rule = "choose " + " or ".join(f'"{choice}"' for choice in arguments)
        _require(value in arguments, where, value, rule + (suggestion(str(value), arguments)))
        return value
    if origin is tuple:
        is_list = isinstance(value, list | tuple)
        if arguments[-1] is Ellipsis:
            items = "whole numbers" if arguments[0] is int else "lists"
            _require(is_list, where, value, f"it is a list of {items}")
            return tuple(_parse(arguments[0], item, where) for item in value)
        count = len(arguments)
        _require(is_list and len(value) == count, where, value, f"each item is a list of {count} numbers")
        return tuple(_parse(part, item, where) for part, item in zip(arguments, value, strict=True))
    return _parse_plain(kind, value, where)


def _parse_plain(kind: Any, value: Any, where: str) -> Any:
    """`value` as int, float, bool or str. NumPy's numbers count as Python's, and a whole number is a number."""
    if isinstance(value, Real) and not isinstance(value, bool):
        value = int(value) if isinstance(value, Integral) else float(value)
        _require(abs(value) < inf, where, value, "it is a finite number")
        _require(abs(value) < 2**63, where, value, "it is between -2**63 and 2**63")
        if kind is float:
            value = float(value)
    _require(type(value) is kind, where, value, f"it is {_NAMES[kind]}")
    return value


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
