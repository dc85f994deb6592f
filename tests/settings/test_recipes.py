"""The recipes of the package, and recipes from files."""

from pathlib import Path

import numpy as np
import pytest

from wavemore.errors import ConfigError, FileError
from wavemore.settings.config import (
    DataConfig,
    ModelConfig,
    Recipe,
    TrainConfig,
    load_recipe,
    recipe_names,
)

PUBLISHED_PARAMETERS = {
    "flat-12k": 12_097,
    "flat-22k": 22_097,
    "lecture": 76_579,
    "lecture-22k": 22_397,
    "notes": 45_624,
    "fast": 76_579,
    "small": 76_481,
    "best": 4 * 347_171,  # and the counts of an n-gram
    "teacher": 3 * 268_019,
    "mlp": 266_275,
}
BASELINES = {"bow", "gru", "lstm", "ngram", "rnn", "transformer"}
AS_TAUGHT = ["flat-12k", "flat-22k", "lecture", "lecture-22k", "notes"]


def test_the_package_has_these_recipes():
    assert set(recipe_names()) == {*PUBLISHED_PARAMETERS, *BASELINES}


@pytest.mark.parametrize("name", PUBLISHED_PARAMETERS)
def test_each_recipe_has_its_published_number_of_parameters(name: str):
    """With 27 ids: a-z and the boundary."""
    shapes = dict(load_recipe(name).wavenet.weight_shapes(27))
    trained = [np.prod(shape) for key, shape in shapes.items() if ".running_" not in key]
    assert sum(trained) == PUBLISHED_PARAMETERS[name]


@pytest.mark.parametrize("name", AS_TAUGHT)
def test_recipes_of_published_numbers_train_as_taught(name: str):
    recipe = load_recipe(name)
    assert recipe.train == TrainConfig(
        seed=42,
        form="windowed",
        steps=200_000,
        batch=32,
        optimizer="sgd",
        rate=0.1,
        rate_steps=((150_000, 0.01),),
        warmup=0.0,
        decay="none",
        evaluate_every=10_000,
        keep="last",
    )
    assert recipe.data == DataConfig(split="lecture")


def test_every_recipe_says_what_it_is():
    assert all(load_recipe(name).description for name in recipe_names())


def test_a_recipe_is_returned_as_it_is():
    recipe = Recipe(description="mine")
    assert load_recipe(recipe) is recipe


def test_a_recipe_file_is_read_by_its_path(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('description = "é"\n[model]\ngroups = [4, 2]\n[train]\nrate = 1\n', encoding="utf-8")
    expected = Recipe(description="é", model=ModelConfig(groups=(4, 2)), train=TrainConfig(rate=1.0))
    assert load_recipe(path) == load_recipe(str(path)) == expected


def test_an_unknown_recipe_is_named_with_a_suggestion_and_the_known_ones():
    with pytest.raises(ConfigError) as caught:
        load_recipe("lectures")
    assert str(caught.value) == (
        'unknown recipe "lectures" (did you mean "lecture"?); '
        f"recipes are {', '.join(recipe_names())}, or a file that ends in .toml"
    )


def test_a_recipe_file_that_cannot_be_read_is_named(tmp_path: Path):
    path = tmp_path / "none.toml"
    with pytest.raises(FileError) as caught:
        load_recipe(path)
    assert str(caught.value) == f"cannot read the recipe {path}: No such file or directory"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[train]\nstps = 5", 'the recipe {path}: unknown key "train.stps" (did you mean "steps"?)'),
        (b"\xff", "the recipe {path} is not a TOML file: it is not UTF-8 text"),
    ],
)
def test_what_is_wrong_in_a_recipe_file_is_named_with_its_path(tmp_path: Path, content: bytes, sentence: str):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_recipe(path)
    assert str(caught.value) == sentence.format(path=path)


@pytest.mark.parametrize(
    "text", ["steps =", "x = " + "[" * 10_000, "x = " + "1" * 5_000], ids=["cut", "nested", "long"]
)
def test_what_is_not_toml_is_one_sentence(tmp_path: Path, text: str):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"^the recipe \S+ is not a TOML file: .+$"):
        load_recipe(path)


def test_fast_is_the_model_as_taught_but_for_what_it_names():
    """The defaults are the taught model, trained with the optimiser and the course of `fast`."""
    fast = load_recipe("fast")
    settings = {
        "model.activation": "quick_gelu",
        "model.residual": True,
        "model.ngram": 6,
        "train.weight_decay": 0.1,
        "train.batch": 512,
        "train.epochs": 2.95,
        "train.rate": 0.035,
        "train.matrix_rate": 0.14,
    }
    assert Recipe(description=fast.description).with_settings(settings) == fast
