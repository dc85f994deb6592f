"""Configuration: strict, with messages that say what would do, and the same from file, settings and model file."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.errors import ConfigError, FileError, UsageError
from wavemore.settings.config import (
    DataConfig,
    ModelConfig,
    Recipe,
    TrainConfig,
    load_recipe,
    recipe_names,
)
from wavemore.settings.strict import suggestion

PUBLISHED_PARAMETERS = {
    "flat-12k": 12_097,
    "flat-22k": 22_097,
    "lecture": 76_579,
    "lecture-22k": 22_397,
    "notes": 45_624,
    "fast": 76_579,
    "small": 76_058,
    "best": 12 * 227_075,  # and the counts of an n-gram
    "teacher": 4 * 227_075,
    "mlp": 266_275,
}
BASELINES = {"bow", "gru", "lstm", "ngram", "rnn", "transformer"}
AS_TAUGHT = ["flat-12k", "flat-22k", "lecture", "lecture-22k", "notes"]

positive = st.floats(min_value=1e-6, max_value=1e6)
recipes = st.builds(
    Recipe,
    description=st.text(max_size=10),
    model=st.builds(
        ModelConfig,
        groups=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
        embedding=st.integers(1, 65536),
        hidden=st.integers(1, 65536),
        bias=st.booleans(),
        final_norm=st.booleans(),
    ),
    train=st.builds(
        TrainConfig,
        seed=st.integers(0, 2**63 - 1),
        steps=st.integers(1, 2**63 - 1),
        rate=positive,
        rate_steps=st.lists(st.tuples(st.integers(0, 10**6), positive), max_size=3).map(tuple),
        warmup=st.floats(0, 1, exclude_max=True),
        decay=st.sampled_from(["none", "linear", "cosine"]),
        keep=st.sampled_from(["best", "last"]),
    ),
    data=st.builds(DataConfig, seed=st.integers(0, 2**63 - 1), max_length=st.integers(1, 10**6)),
)


def message(tables: dict[str, Any]) -> str:
    """What `Recipe.from_dict` says against the tables."""
    with pytest.raises(ConfigError) as caught:
        Recipe.from_dict(tables)
    return str(caught.value)


@settings(deadline=None)
@given(recipes)
def test_to_dict_and_back_is_the_same_recipe(recipe: Recipe):
    assert Recipe.from_dict(recipe.to_dict()) == recipe


def test_to_dict_holds_lists_and_no_tuples():
    recipe = Recipe(train=TrainConfig(rate_steps=((5, 0.1),)))
    assert recipe.to_dict()["model"]["groups"] == [2, 2, 2]
    assert recipe.to_dict()["train"]["rate_steps"] == [[5, 0.1]]


def test_missing_keys_take_their_defaults():
    assert Recipe.from_dict({"train": {"steps": 7}}) == Recipe(train=TrainConfig(steps=7))


def test_a_recipe_is_frozen_and_hashable():
    recipe = Recipe.from_dict({"train": {"rate_steps": [[5, 0.1]]}})
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.model.hidden = 5  # pyright: ignore[reportAttributeAccessIssue]
    assert hash(recipe) == hash(Recipe.from_dict(recipe.to_dict()))


def test_context_is_the_product_of_the_groups():
    assert [ModelConfig(groups=groups).context for groups in [(2, 2, 2), (8,), (4, 2), (3,)]] == [8, 8, 8, 3]


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"modle": {}}, 'unknown key "modle" (did you mean "model"?)'),
        ({"model": {"hiden": 5}}, 'unknown key "model.hiden" (did you mean "hidden"?)'),
        ({"train": {"xyz": 5}}, 'unknown key "train.xyz"'),
        ({"model": 5}, "model = 5 cannot be: it is a table of settings"),
        ({"description": 5}, "description = 5 cannot be: it is text"),
        ({"model": {"groups": 8}}, "model.groups = 8 cannot be: it is a list of whole numbers"),
        ({"model": {"groups": [2, "a"]}}, 'model.groups = "a" cannot be: it is a whole number'),
        ({"model": {"bias": 1}}, "model.bias = 1 cannot be: it is true or false"),
        ({"train": {"steps": 10.5}}, "train.steps = 10.5 cannot be: it is a whole number"),
        ({"train": {"steps": "10"}}, 'train.steps = "10" cannot be: it is a whole number'),
        ({"train": {"steps": True}}, "train.steps = True cannot be: it is a whole number"),
        ({"train": {"rate": False}}, "train.rate = False cannot be: it is a number"),
        ({"train": {"rate": "fast"}}, 'train.rate = "fast" cannot be: it is a number'),
        ({"train": {"rate_steps": 5}}, "train.rate_steps = 5 cannot be: it is a list of lists"),
        ({"train": {"rate_steps": [5]}}, "train.rate_steps = 5 cannot be: each item is a list of 2 numbers"),
        ({"train": {"rate_steps": [[5]]}}, "train.rate_steps = [5] cannot be: each item is a list of 2 numbers"),
        (
            {"train": {"keep": "lasst"}},
            'train.keep = "lasst" cannot be: choose "best" or "last" (did you mean "last"?)',
        ),
        ({"data": {"split": 5}}, 'data.split = 5 cannot be: choose "random" or "lecture"'),
    ],
)
def test_an_unknown_key_or_a_wrong_type_is_named(tables: dict[str, Any], sentence: str):
    assert message(tables) == sentence


@pytest.mark.parametrize(
    ("table", "key", "value", "rule"),
    [
        ("model", "groups", [], "name at least one group, such as [2, 2, 2]"),
        ("model", "groups", [2, 0], "each group is 1 or more"),
        ("model", "groups", [4097], "their product, the context, is at most 4096"),
        ("model", "embedding", 0, "from 1 to 65536"),
        ("model", "hidden", 65537, "from 1 to 65536"),
        ("train", "seed", -1, "from 0 to 2**63 - 1"),
        ("train", "steps", -1, "0 or more"),
        ("train", "least_steps", 0, "1 or more"),
        ("train", "batch", 1, "2 or more, since BatchNorm needs a variance"),
        ("train", "batch", 2**20 + 1, "2**20 or less"),
        ("train", "rate", 0.0, "above 0"),
        ("train", "rate_steps", [[-1, 0.1]], "pairs [step, rate] with step 0 or more and rate above 0"),
        ("train", "rate_steps", [[5, 0.0]], "pairs [step, rate] with step 0 or more and rate above 0"),
        ("train", "warmup", 1.0, "at least 0 and below 1"),
        ("train", "weight_decay", -0.1, "0 or more"),
        ("train", "evaluate_every", -1, "0 or more"),
        ("train", "patience", -1, "0 or more"),
        ("train", "threads", -1, "from 0 to 1024"),
        ("train", "threads", 1025, "from 0 to 1024"),
        ("data", "seed", -1, "from 0 to 2**63 - 1"),
        ("data", "max_length", 0, "from 1 to 1000000"),
        ("data", "max_length", 10**6 + 1, "from 1 to 1000000"),
        ("train", "rate", float("nan"), "it is a finite number"),
        ("train", "rate", float("-inf"), "it is a finite number"),
        ("train", "rate", 10**400, "it is between -2**63 and 2**63"),
        ("train", "steps", -(2**63), "it is between -2**63 and 2**63"),
    ],
)
def test_a_value_out_of_range_is_named_with_what_would_do(table: str, key: str, value: object, rule: str):
    assert message({table: {key: value}}) == f"{table}.{key} = {value} cannot be: {rule}"


def test_values_that_do_not_fit_together_are_named():
    assert message({"train": {"optimizer": "sgd", "weight_decay": 0.1}}) == (
        'train.weight_decay = 0.1 cannot be: optimizer "sgd" does not decay weights; set it to 0'
    )
    assert message({"train": {"form": "windowed", "teacher": "best"}}) == (
        'train.teacher = "best" cannot be: only form = "shared" learns from a teacher'
    )
    assert message({"model": {"kind": "gru"}, "train": {"teacher": "best"}}) == (
        'train.teacher = "best" cannot be: only a "wavenet" learns from a teacher'
    )
    assert message({"model": {"groups": [8], "residual": True}}).startswith(
        "model.residual = True cannot be: there is nothing to add"
    )
    assert message({"model": {"groups": [8], "skip": True}}).startswith(
        "model.skip = True cannot be: there is nothing to skip"
    )
    assert message({"data": {"split": "lecture", "seed": 1}}) == (
        'data.seed = 1 cannot be: split = "lecture" is the split with seed 42; '
        'leave the seed or choose split = "random"'
    )


def test_the_ends_of_the_ranges_are_inside():
    Recipe.from_dict({"model": {"groups": [4096], "embedding": 65536, "hidden": 1}})
    Recipe.from_dict({"train": {"seed": 0, "steps": 1, "batch": 2, "warmup": 0, "threads": 1024, "patience": 0}})
    Recipe.from_dict({"data": {"seed": 2**63 - 1, "max_length": 1}})


def test_a_config_error_is_wrong_usage_and_a_value_error():
    assert issubclass(ConfigError, UsageError)
    assert issubclass(ConfigError, ValueError)
    assert ConfigError.exit_code == 2


def test_whole_numbers_serve_as_numbers_and_numpy_numbers_as_pythons():
    train = Recipe().with_settings({"train.rate": 1, "train.steps": np.int64(5), "train.warmup": np.float32(0.5)}).train
    assert (train.rate, train.steps, train.warmup) == (1.0, 5, 0.5)
    assert [type(value) for value in (train.rate, train.steps, train.warmup)] == [float, int, float]


def test_settings_change_what_they_name_and_nothing_else():
    changed = load_recipe("lecture").with_settings({"train.steps": 5, "model.groups": (4, 2), "data.split": "random"})
    expected = load_recipe("lecture").to_dict()
    expected["train"]["steps"], expected["model"]["groups"], expected["data"]["split"] = 5, [4, 2], "random"
    assert changed.to_dict() == expected


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("train.stps", 'unknown key "train.stps" (did you mean "steps"?)'),
        ("steps", 'unknown setting "steps" (did you mean "train.steps"?); settings are written table.key'),
        ("trian.steps", 'unknown setting "trian.steps" (did you mean "train.steps"?); settings are written table.key'),
        ("description", 'unknown setting "description"; settings are written table.key'),
        ("train.steps.x", 'unknown key "train.steps.x" (did you mean "steps"?)'),
    ],
)
def test_an_unknown_setting_is_named_with_a_suggestion(key: str, sentence: str):
    with pytest.raises(ConfigError) as caught:
        Recipe().with_settings({key: 5})
    assert str(caught.value) == sentence


def test_suggestion_is_the_nearest_word_or_nothing():
    assert suggestion("lectur", ["notes", "lecture", "lecture-22k"]) == ' (did you mean "lecture"?)'
    assert suggestion("xyz", ["notes", "lecture"]) == ""


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
    """The defaults are the taught model, trained as `fast` is; a recipe of one's own starts from there."""
    fast = load_recipe("fast")
    settings = {"model.activation": "gelu", "model.residual": True, "train.weight_decay": 0.1}
    assert Recipe(description=fast.description).with_settings(settings) == fast


def test_the_kind_of_a_model_is_its_recipes():
    with pytest.raises(ConfigError, match='this recipe is a "wavenet"; choose another recipe'):
        Recipe().with_settings({"model.kind": "gru"})
    assert load_recipe("gru").with_settings({"model.kind": "gru"}) == load_recipe("gru")


def test_more_levels_than_anyone_needs_are_refused():
    assert message({"model": {"groups": [1] * 20, "cycles": 64}}).endswith("at most 256 levels")
