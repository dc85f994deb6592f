"""Settings chosen for a list: sensible for any, said in a sentence, and better than the n-gram on few strings."""

import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.estimator import StringModel
from wavemore.lists.corpus import read_corpus
from wavemore.settings.config import NgramConfig, Recipe, load_recipe
from wavemore.settings.sizing import chosen, sized

LOG = Path(__file__).resolve().parents[2] / "docs" / "log.md"


def strings_of(count: int, length: int, alphabet: int) -> list[str]:
    draw = np.random.default_rng(count)
    ids = draw.integers(0x4E00, 0x4E00 + alphabet, size=(count, length))
    return ["".join(map(chr, row)) for row in ids]


@pytest.mark.parametrize(
    ("length", "context"),
    [(3, 7), (12, 7), (13, 15), (24, 15), (25, 31), (48, 31), (49, 63), (96, 63), (97, 127), (200, 127)],
)
def test_the_context_grows_with_the_strings(length, context):
    assert sized(strings_of(100, length, 20)).wavenet.context == context


def test_fifty_strings_have_the_settings_that_won_the_trials():
    found = re.search(
        r"now has for 50 strings: hidden (\S+), gated, BatchNorm,\s+dropout (\S+), batches of (\S+), (\S+) passes\.",
        LOG.read_text(encoding="utf-8"),
    )
    assert found is not None
    recipe = sized(strings_of(50, 6, 20))
    model, train = recipe.wavenet, recipe.train
    assert (model.activation, model.norm, model.members) == ("gated", "batch", 4)
    assert [model.hidden, model.dropout, train.batch, train.epochs] == [float(figure) for figure in found.groups()]


def test_more_strings_have_a_wider_network_larger_batches_and_fewer_passes():
    recipes = [sized([f"{i:x}" for i in range(count)]) for count in (50, 500, 5_000, 50_000, 500_000)]
    recipes.append(sized(["x" * 40 + f"{i:x}" for i in range(200_000)]))
    rising = [(recipe.wavenet.hidden, recipe.train.batch) for recipe in recipes[:-1]]
    falling = [(recipe.wavenet.members, recipe.wavenet.dropout, recipe.train.epochs) for recipe in recipes]
    for columns in (rising, [[-figure for figure in row] for row in falling]):
        for column in zip(*columns, strict=True):
            assert list(column) == sorted(column)
            assert len(set(column)) > 1
    for recipe, count in zip(recipes[:-1], (50, 500, 5_000, 50_000, 500_000), strict=True):
        assert 4 <= recipe.train.batch <= 256
        assert count / recipe.train.batch >= 10  # steps in a pass
    assert recipes[2].wavenet.dropout == 0
    assert recipes[-1].train.epochs >= 1


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=30), max_size=50))
def test_any_list_has_a_recipe_and_a_sentence(strings):
    recipe = sized(strings)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    sentence = chosen(recipe, strings)
    assert f"context {recipe.wavenet.context}" in sentence
    assert f"{len(set(strings)):,} different strings" in sentence


def test_it_is_said_that_strings_are_too_few():
    few, enough = (strings_of(count, 5, 20) for count in (30, 300))
    assert "teaches little" in chosen(sized(few), few)
    assert "teaches little" not in chosen(sized(enough), enough)


def test_large_alphabets_and_long_strings_are_learned():
    strings = strings_of(60, 5, 4000) + strings_of(5, 200, 3)
    model = StringModel(settings={"train.steps": 3}).fit(strings)
    assert np.isfinite(model.score_samples(strings)).all()
    assert len(model.sample(3, seed=0)) == 3


@pytest.mark.parametrize(
    "name", ["names", *(pytest.param(name, marks=pytest.mark.slow) for name in ("towns", "dinosaurs"))]
)
def test_on_fifty_strings_it_beats_the_n_gram_and_the_taught_model_on_held_out_ones(name):
    """The taught model is trained as long as is best for it, which its own recipe would not do."""
    strings = sorted(set(read_corpus(name).strings))
    random.Random(1).shuffle(strings)
    few, held_out = strings[:50], strings[-600:]

    def loss(model: StringModel) -> float:
        return model.fit(few, validation=held_out[:60]).evaluate(held_out).nats_per_character

    ours = loss(StringModel())
    assert ours < loss(StringModel(Recipe(model=NgramConfig(kind="ngram"))))
    taught = {"train.optimizer": "sgd", "train.rate": 0.1, "train.form": "windowed", "train.batch": 32}
    assert ours < loss(StringModel(Recipe(), settings={**taught, "train.steps": 400, "train.evaluate_every": 10}))


def test_what_was_chosen_is_said(capsys, strings):
    StringModel(settings={"train.steps": 2}).fit(strings, progress=True)
    assert "chosen for" in capsys.readouterr().err.replace("\n", " ")
    StringModel("fast", settings={"train.steps": 2}).fit(strings, progress=True)
    assert "chosen for" not in capsys.readouterr().err


def test_batches_of_long_strings_are_small():
    assert sized(["x" * 100 + f"{i:x}" for i in range(12_800)]).train.batch == 19
    assert sized(["x" * 1000 + f"{i:x}" for i in range(12_800)]).train.batch == 4
    assert sized([f"{i:x}" for i in range(12_800)]).train.batch == 256


def test_a_setting_that_changes_the_choice_is_in_the_sentence():
    strings = ["emma", "anna", "lina"]
    recipe = sized(strings).with_settings({"train.steps": 300, "model.dropout": 0.5})
    assert "dropout 0.5" in chosen(recipe, strings)
    assert "300 steps" in chosen(recipe, strings)


def test_long_strings_are_as_many_as_their_characters():
    molecules, names = strings_of(6_000, 44, 35), strings_of(6_000, 6, 27)
    long, short = sized(molecules), sized(names)
    assert (long.wavenet.context, long.wavenet.hidden, long.wavenet.ngram) == (31, 120, 0)
    assert (short.wavenet.context, short.wavenet.hidden, short.wavenet.ngram) == (7, 96, 6)


def test_best_fits_its_context_and_batch_to_the_list_and_nothing_else():
    recipe = load_recipe("best")
    for length, context, batch in (7, 10, 250), (52, 63, 37):
        strings = strings_of(20_000, length, 27)
        found = sized(strings, "best")
        assert (found.wavenet.context, found.train.batch) == (context, batch)
        shape = replace(found.wavenet, groups=recipe.wavenet.groups, cycles=recipe.wavenet.cycles)
        assert replace(found, model=shape, train=replace(found.train, batch=recipe.train.batch)) == recipe
        assert StringModel("best", seed=3).resolved_recipe(strings) == found.with_settings({"train.seed": 3})
