"""Configuration: strict, with messages that say what would do, and the same from file, settings and model file."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.errors import ConfigError, UsageError
from wavemore.settings.config import (
    DataConfig,
    ModelConfig,
    Recipe,
    TrainConfig,
    load_recipe,
)
from wavemore.settings.strict import suggestion

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
        ({"model": 5}, "model = 5; it must be a table of settings"),
        ({"description": 5}, "description = 5; it must be text"),
        ({"model": {"groups": 8}}, "model.groups = 8; it must be a list of whole numbers"),
        ({"model": {"groups": [2, "a"]}}, 'model.groups = "a"; it must be a whole number'),
        ({"model": {"bias": 1}}, "model.bias = 1; it must be true or false"),
        ({"train": {"steps": 10.5}}, "train.steps = 10.5; it must be a whole number"),
        ({"train": {"steps": "10"}}, 'train.steps = "10"; it must be a whole number'),
        ({"train": {"steps": True}}, "train.steps = true; it must be a whole number"),
        ({"train": {"rate": False}}, "train.rate = false; it must be a number"),
        ({"train": {"rate": "fast"}}, 'train.rate = "fast"; it must be a number'),
        ({"train": {"rate_steps": 5}}, "train.rate_steps = 5; it must be a list of lists"),
        ({"train": {"rate_steps": [5]}}, "train.rate_steps = 5; it must be a list of 2 numbers"),
        ({"train": {"rate_steps": [[5]]}}, "train.rate_steps = [5]; it must be a list of 2 numbers"),
        (
            {"train": {"keep": "lasst"}},
            'train.keep = "lasst"; it must be "best" or "last" (did you mean "last"?)',
        ),
        ({"data": {"split": 5}}, 'data.split = 5; it must be "random" or "lecture"'),
    ],
)
def test_an_unknown_key_or_a_wrong_type_is_named(tables: dict[str, Any], sentence: str):
    assert message(tables) == sentence


@pytest.mark.parametrize(
    ("table", "key", "value", "rule"),
    [
        ("model", "groups", [], "name at least one group, such as [2, 2, 2]"),
        ("model", "groups", [2, 0], "have groups of 1 or more"),
        ("model", "groups", [4097], "have a product, the context, of at most 4096"),
        ("model", "embedding", 0, "be from 1 to 65536"),
        ("model", "hidden", 65537, "be from 1 to 65536"),
        ("train", "seed", -1, "be from 0 to 9223372036854775807"),
        ("train", "steps", -1, "be 0 or more"),
        ("train", "least_steps", 0, "be 1 or more"),
        ("train", "batch", 1, "be from 2 to 1048576"),
        ("train", "batch", 2**20 + 1, "be from 2 to 1048576"),
        ("train", "rate", 0.0, "be above 0"),
        ("train", "rate_steps", [[-1, 0.1]], "be pairs [step, rate] with step 0 or more and rate above 0"),
        ("train", "rate_steps", [[5, 0.0]], "be pairs [step, rate] with step 0 or more and rate above 0"),
        ("train", "warmup", 1.0, "be at least 0 and below 1"),
        ("train", "weight_decay", -0.1, "be 0 or more"),
        ("train", "evaluate_every", -1, "be 0 or more"),
        ("train", "patience", -1, "be 0 or more"),
        ("train", "threads", -1, "be from 0 to 1024"),
        ("train", "threads", 1025, "be from 0 to 1024"),
        ("data", "seed", -1, "be from 0 to 9223372036854775807"),
        ("data", "max_length", 0, "be from 1 to 1000000"),
        ("data", "max_length", 10**6 + 1, "be from 1 to 1000000"),
        ("train", "rate", float("nan"), "be a finite number"),
        ("train", "rate", float("-inf"), "be a finite number"),
        ("train", "rate", 10**400, "be between -2**63 and 2**63"),
        ("train", "steps", -(2**63), "be between -2**63 and 2**63"),
    ],
)
def test_a_value_out_of_range_is_named_with_what_would_do(table: str, key: str, value: object, rule: str):
    assert message({table: {key: value}}) == f"{table}.{key} = {value}; it must {rule}"


def test_values_that_do_not_fit_together_are_named():
    assert message({"train": {"optimizer": "sgd", "weight_decay": 0.1}}) == (
        'train.weight_decay = 0.1 has no use: optimizer "sgd" does not decay weights; set it to 0'
    )
    assert message({"train": {"form": "windowed", "teacher": "best"}}) == (
        'train.teacher = "best" has no use: only form = "shared" learns from a teacher'
    )
    assert message({"model": {"kind": "gru"}, "train": {"teacher": "best"}}) == (
        'train.teacher = "best" has no use: only a "wavenet" learns from a teacher'
    )
    assert message({"model": {"groups": [8], "residual": True}}).startswith(
        "model.residual = true has no use: the only level has other channels"
    )
    assert message({"model": {"groups": [8], "skip": True}}).startswith(
        "model.skip = true has no use: the top level is the only one"
    )
    assert message({"data": {"split": "lecture", "seed": 1}}) == (
        'data.seed = 1 has no use: split = "lecture" always has seed 42; leave the seed, or choose split = "random"'
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


def test_the_kind_of_a_model_is_its_recipes():
    with pytest.raises(ConfigError, match='this recipe is a "wavenet"; choose another recipe'):
        Recipe().with_settings({"model.kind": "gru"})
    assert load_recipe("gru").with_settings({"model.kind": "gru"}) == load_recipe("gru")


def test_more_levels_than_anyone_needs_are_refused():
    said = message({"model": {"groups": [1] * 20, "cycles": 64}})
    assert said.endswith("; it must make at most 256 levels with all cycles")
