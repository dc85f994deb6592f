"""Configuration: frozen, strict, and one source for recipe files, the command line and the model file.

A *recipe* is a TOML file with three tables, `[model]`, `[train]` and `[data]`. Every key has a default; an unknown key,
a wrong type or a value out of range is a `ConfigError` that names the key as `table.key`, the value and what would do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from wavemore.conventions import brief, cut, in_short
from wavemore.errors import ConfigError, FileError
from wavemore.settings.architecture import ModelConfig, NgramConfig, SequenceConfig
from wavemore.settings.strict import check_settings, parse, plain, refuse, require, suggestion

__all__ = [
    "DataConfig",
    "ModelConfig",
    "NgramConfig",
    "Recipe",
    "SequenceConfig",
    "TrainConfig",
    "load_recipe",
    "recipe_names",
]


SEEDS = (0, 2**63 - 1)

_RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True, repr=False, kw_only=True)
class TrainConfig:
    """How a model is trained. The learning rate at a step is the product of three orthogonal parts: `rate` (or what
    `rate_steps` put in its place), the warm-up and the decay."""

    __repr__ = brief

    seed: int = 42
    """Seeds what draws the weights, and the order of the strings in each pass; in the windowed form one generator draws
    the weights and then the windows."""
    form: Literal["shared", "windowed"] = "shared"
    """"windowed": batches of windows drawn at random, as taught; "shared": batches of whole strings, each distinct
    chunk computed once."""
    steps: int = 0
    """How many steps; 0 leaves it to `epochs`."""
    epochs: float = 2.7
    """How many times each item of the training part is seen, where `steps` is 0."""
    least_steps: int = 40
    """The fewest steps that `epochs` may come to, so that a short list is learned too."""
    batch: int = 256
    """Items in a batch: windows, or strings in the shared form."""
    optimizer: Literal["sgd", "adamw", "muon"] = "muon"
    """"sgd": plain steps, as taught; "adamw": on everything; "muon": on the levels' matrices, and AdamW on all else."""
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
    """Decoupled weight decay: a step takes this share of the learning rate off a matrix. AdamW decays all matrices,
    Muon those of the levels."""
    average: float = 0.0
    """Over what share of the steps weights are averaged, running statistics included: from the middle of the run on an
    exponential moving average is kept beside the weights, and is what is evaluated and kept. 0 for none."""
    evaluate_every: int = 0
    """Steps between evaluations on the validation part, which is also evaluated at the end; 0 evaluates after each pass
    over the training part, but leaves at least 2 steps between."""
    keep: Literal["best", "last"] = "best"
    """Which weights the run ends with: those of the lowest validation loss, or the last."""
    patience: int = 0
    """Stop after this many evaluations in a row without a lower validation loss; 0 never stops early."""
    teacher: str = ""
    """A recipe, or a model file: what that model expects is learned in place of the characters that follow. A recipe's
    model is trained first, on the same strings, with this recipe's seed and threads."""
    start: str = ""
    """A model file whose networks this one's begin as, in place of random weights; "base" for the base model in the
    package, "" for none. Characters that it lacks are added, and the new model knows all that it knows."""
    threads: int = 0
    """How many threads, which changes no result: a single network has use for two, an ensemble trains as many members
    side by side, in processes where that pays. 0 means one for each core. A network in PyTorch has its own threads,
    and 0 means 1 there."""
    device: str = "cpu"
    """Where a network learns: "cpu", or a device that PyTorch knows, such as "cuda", which needs the extra torch. On a
    device batches are written out as windows; loss and gradients are the same but for rounding."""

    def __post_init__(self) -> None:
        check_settings(
            self,
            "train",
            seed=SEEDS,
            steps=(0, None),
            epochs=(0, 10**6),
            least_steps=(1, None),
            batch=(2, 2**20),  # BatchNorm needs a variance
            weight_decay=(0, None),
            evaluate_every=(0, None),
            patience=(0, None),
            threads=(0, 1024),
        )
        require(self.rate > 0, "train.rate", self.rate, "be above 0")
        require(self.matrix_rate > 0, "train.matrix_rate", self.matrix_rate, "be above 0")
        require(
            all(step >= 0 and rate > 0 for step, rate in self.rate_steps),
            "train.rate_steps",
            self.rate_steps,
            "be pairs [step, rate] with step 0 or more and rate above 0",
        )
        require(0 <= self.warmup < 1, "train.warmup", self.warmup, "be at least 0 and below 1")
        require(0 <= self.average < 1, "train.average", self.average, "be at least 0 and below 1")
        refuse(
            self.weight_decay > 0 and self.optimizer == "sgd",
            "train.weight_decay",
            self.weight_decay,
            'optimizer "sgd" does not decay weights; set it to 0',
        )
        refuse(
            self.teacher != "" and self.form != "shared",
            "train.teacher",
            self.teacher,
            'only form = "shared" learns from a teacher',
        )
        refuse(
            self.start != "" and (self.form != "shared" or self.teacher != ""),
            "train.start",
            self.start,
            'only form = "shared" without a teacher starts from another model',
        )


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
    remember: bool = True
    """Keep fingerprints of the strings and quantiles of held-out scores in the model file (`models/fingerprints.py`).
    Anyone who has the file can then test whether a string was on the list; false leaves them out."""
    private: bool = False
    """Keep nothing of the list in the model file but what the network learned: no fingerprints and scores, no n-grams
    mixed in, and neither the list's name and checksum nor the command."""

    def __post_init__(self) -> None:
        check_settings(self, "data", seed=SEEDS, max_length=(1, 10**6))
        refuse(
            self.split == "lecture" and self.seed != 42,
            "data.seed",
            self.seed,
            'split = "lecture" always has seed 42; leave the seed, or choose split = "random"',
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model's shape, its training and its data settings: all that `fit` needs except the strings."""

    description: str = ""
    model: ModelConfig | SequenceConfig | NgramConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def __post_init__(self) -> None:
        refuse(
            self.train.teacher != "" and self.model.kind != "wavenet",
            "train.teacher",
            self.train.teacher,
            'only a "wavenet" learns from a teacher',
        )
        refuse(
            self.train.start != "" and self.model.kind != "wavenet",
            "train.start",
            self.train.start,
            'only a "wavenet" starts from another model',
        )

    def __repr__(self) -> str:
        """Its kind and the settings that are not the usual ones."""
        changed = (
            f"{table}.{setting.name}={in_short(value)}"
            for table in ("model", "train", "data")
            for setting in fields(getattr(self, table))
            if setting.name != "kind" and (value := getattr(getattr(self, table), setting.name)) != setting.default
        )
        return cut(f"<Recipe {self.model.kind}: {', '.join(changed)}", 300) + ">"

    def with_labels(self, sizes: tuple[int, ...]) -> "Recipe":
        """For a list whose labels have so many values of each kind. An n-gram model knows no labels, so none is mixed
        in. Raises `ConfigError` where the model or its training knows none either."""
        if self.model.kind != "wavenet":
            raise ConfigError(f'model.kind = "{self.model.kind}" cannot have labels; only a "wavenet" has')
        for name, value, good in (
            ("form", self.train.form, "shared"),
            ("teacher", self.train.teacher, ""),
            ("device", self.train.device, "cpu"),
        ):
            if value != good:
                raise ConfigError(f'train.{name} = "{value}" cannot be with labels; set it to "{good}"')
        return replace(self, model=replace(self.wavenet, labels=sizes, ngram=0))

    def kept_private(self) -> "Recipe":
        """Without what would keep pieces of the list in the model file. Raises `ConfigError` where nothing is left."""
        if not self.model.trained:
            raise ConfigError(
                "data.private is true, and an n-gram model is nothing but pieces of the list; choose another recipe"
            )
        model = replace(self.model, ngram=0) if self.model.ngram else self.model
        return replace(self, data=replace(self.data, remember=False), model=model)

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """A copy with settings such as `{"train.steps": 100}` in place. Raises `ConfigError` for an unknown key."""
        tables = self.to_dict()
        if not isinstance(settings, Mapping):
            raise ConfigError(f'the settings are {settings!r}; they must be a table such as {{"train.steps": 100}}')
        if settings.get("model.kind", self.model.kind) != self.model.kind:
            raise ConfigError(
                f'model.kind = {settings["model.kind"]!r} cannot be set: this recipe is a "{self.model.kind}"; choose '
                "another recipe, or write one"
            )
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
        return plain(self)

    @property
    def wavenet(self) -> ModelConfig:
        """The model's shape where it is a WaveNet. Raises `ConfigError` for a baseline."""
        if not isinstance(self.model, ModelConfig):
            raise ConfigError(f'model.kind = "{self.model.kind}"; it must be "wavenet" for this')
        return self.model

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any]) -> Self:
        """The reverse of `to_dict`; missing keys take their defaults. Raises `ConfigError`."""
        return parse(cls, tables, "")


def load_recipe(source: str | Path | Recipe, *, others: Iterable[str] = ()) -> Recipe:
    """A recipe by its name, from a TOML file, or as it is. Raises `ConfigError`, whose sentence also lists `others`,
    words that the caller accepts in place of a recipe, and `FileError` for an unreadable file."""
    if isinstance(source, Recipe):
        return source
    if str(source) in recipe_names():
        text = (_RECIPES / f"{source}.toml").read_text(encoding="utf-8")
    elif str(source).endswith(".toml"):
        try:
            text = Path(source).read_text(encoding="utf-8")
        except OSError as error:
            raise FileError.of("read the recipe", source, error) from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"the recipe {source} is not a TOML file: it is not UTF-8 text") from error
    else:
        known = (*others, *recipe_names())
        raise ConfigError(
            f'unknown recipe "{source}"{suggestion(str(source), known)}; '
            f"recipes are {', '.join(known)}, or a file that ends in .toml"
        )
    import tomllib  # here, since loading a model does not need it

    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # its own error is a ValueError, as is that of an endless number
        raise ConfigError(f"the recipe {source} is not a TOML file: {error}") from error
    try:
        return Recipe.from_dict(tables)
    except ConfigError as error:
        raise ConfigError(f"the recipe {source}: {error}") from error


@cache
def recipe_names() -> tuple[str, ...]:
    """The names of the recipes in the package, sorted."""
    return tuple(sorted(file.stem for file in _RECIPES.glob("*.toml")))
