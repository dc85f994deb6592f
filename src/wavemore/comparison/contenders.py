"""What a comparison compares, a row of its table each: recipes and model files by their names, and the one split that
all of them share."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from wavemore.errors import ConfigError, UsageError, WavemoreError
from wavemore.models.modelfile import ModelFile, is_model_file
from wavemore.models.start import resolved
from wavemore.settings.config import DataConfig, Recipe, load_recipe, recipe_names
from wavemore.settings.sizing import AUTO, FITTED, sized
from wavemore.settings.strict import suggestion

__all__ = ["Contender", "contenders_of", "data_of"]


@dataclass(frozen=True)
class Contender:
    """A recipe, which is fitted with each seed, or a model file, which is only evaluated."""

    name: str
    source: str
    recipe: Recipe | None = None
    file: ModelFile | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Changes to a recipe, which `recipe` has already."""
    teacher: str = ""
    """What the recipe learns from: a digest of the teacher's settings, or of its file."""
    problem: str = ""
    """Why there is neither recipe nor file."""

    @property
    def differs_by_seed(self) -> bool:
        """Whether other seeds give other models: a file is one model, and n-grams are counted."""
        return self.recipe is not None and self.recipe.model.trained

    def fitting(self, strings: Sequence[str]) -> Self:
        """The same; of the recipes "auto" and "best" with the settings that fit these strings. Raises `ConfigError`."""
        if self.source not in FITTED:
            return self
        return replace(self, recipe=resolved(self.source, self.settings, strings))


def contenders_of(rows: Iterable[str | Contender], settings: Mapping[str, Any] | None = None) -> list[Contender]:
    """What the rows name, recipes and models loaded; a file that cannot be is a `problem`. Raises `UsageError`."""
    settings = {} if settings is None else settings
    if "train.seed" in settings:
        raise UsageError("train.seed is what the seeds of a comparison set; leave it out of the settings")
    found = [row if isinstance(row, Contender) else _contender(str(row), settings) for row in rows]
    if not found:
        raise UsageError("there is nothing to compare; name recipes or model files, such as fast")
    for i, one in enumerate(found):
        if any(one.source == other.source for other in found[:i]):
            raise UsageError(f"{one.source} is named twice among the rows; name it once")
        if any(one.name == other.name for other in found[:i]):
            raise UsageError(f"two rows are named {one.name}; give one a name of its own: NAME={one.source}")
    if settings and all(one.recipe is None for one in found):
        raise UsageError("settings change recipes, and there is none among the rows; leave them out")
    return found


def data_of(contenders: Sequence[Contender]) -> DataConfig:
    """How all of them have the list cleaned and split. Raises `UsageError` where their recipes differ in it."""
    recipes = [(one.name, one.recipe) for one in contenders if one.recipe is not None]
    for name, recipe in recipes[1:]:
        first, other = recipes[0][1].to_dict()["data"], recipe.to_dict()["data"]
        for key in first:
            if first[key] != other[key]:
                raise UsageError(
                    f"the rows do not split the list alike: data.{key} is {first[key]} for {recipes[0][0]} and "
                    f"{other[key]} for {name}; make it one, as with data.{key}={first[key]}"
                )
    found = [recipe for _, recipe in recipes] or [one.file.recipe for one in contenders if one.file is not None]
    return found[0].data if found else DataConfig()


def _contender(text: str, settings: Mapping[str, Any]) -> Contender:
    """What a row names, such as "fast", "mine.toml", "names.safetensors" or "ours=mine.toml"."""
    name, equals, source = text.partition("=")
    if not equals or Path(text).exists():
        name, source = Path(text).name.removesuffix(".toml").removesuffix(".safetensors"), text
    if not name or not source:
        raise UsageError(f'the row "{text}" is empty; name a recipe or a model file, such as fast')
    names = (AUTO, *recipe_names())
    is_recipe = source in names or source.endswith(".toml")
    if not is_recipe and not source.endswith(".safetensors") and not Path(source).exists():
        raise ConfigError(
            f'"{source}" is neither a recipe{suggestion(source, names)} nor a file; '
            f"recipes are {', '.join(names)}, or a file that ends in .toml"
        )
    try:
        if not is_recipe:
            return Contender(name, source, file=ModelFile.load(source))
        recipe = sized(()) if source == AUTO else load_recipe(source)
    except WavemoreError as error:
        return Contender(name, source, problem=str(error))
    try:
        recipe = recipe.with_settings(settings)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from error
    try:
        return Contender(name, source, recipe=recipe, settings=settings, teacher=_teacher(recipe.train.teacher))
    except WavemoreError as error:
        return Contender(name, source, problem=str(error))


def _teacher(teacher: str) -> str:
    """A digest of a teacher, which must be there; empty for none."""
    if not teacher:
        return ""
    if is_model_file(teacher):
        return sha256(Path(teacher).read_bytes()).hexdigest()
    return sha256(json.dumps(load_recipe(teacher).to_dict(), sort_keys=True).encode()).hexdigest()
