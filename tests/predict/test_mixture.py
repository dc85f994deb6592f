"""A network and an n-gram model as one, against the mean of the two in plain arithmetic."""

import itertools
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from interrupted import Interrupting
from models_at_random import ABC, COUNTED, mixture, network, rows, stepped_rows

from wavemore.errors import ConfigError, ModelFileError
from wavemore.estimator import StringModel
from wavemore.fitting import Lists, fit_model
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.corpus import read_corpus
from wavemore.lists.vocabulary import Vocabulary
from wavemore.models.modelfile import ModelFile
from wavemore.predict.engine import Engine
from wavemore.predict.ensemble import Ensemble
from wavemore.predict.mixture import Mixture, best_weight, mixed
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import ModelConfig, NgramConfig, Recipe
from wavemore.train import Checkpoint

lists = st.lists(st.text("abc", max_size=12), min_size=1, max_size=6)
orders = st.sampled_from([1, 2, 3, 6, 64])
weights = st.sampled_from([0.0, 0.01, 0.4, 1.0])


def expected_rows(model: Mixture, strings: list[str], vocabulary: Vocabulary = ABC) -> np.ndarray:
    """The probabilities before each character and each end, in float64."""
    logits = rows(model.network, strings, vocabulary).astype(np.float64)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return (1 - model.weight) * shares + model.weight * np.exp(rows(model.ngram, strings, vocabulary).astype(float))


# --- the contract


@settings(deadline=None, max_examples=150)
@given(lists, orders, weights, st.integers(0, 99), st.sampled_from([(2, 2), (2,), (2, 2, 2), (1,)]))
def test_the_model_is_the_mean_of_its_two(strings, order, weight, seed, groups):
    model = mixture(order, weight, seed, groups=groups)
    found = np.exp(rows(model, strings, ABC))
    assert np.abs(found - expected_rows(model, strings)).max() < 1e-6
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_the_comparison_notices_pairs_that_are_the_networks_contexts_alone(monkeypatch):
    from wavemore.predict import mixture as module

    monkeypatch.setattr(module, "_pairs", lambda contexts, count, *_: module.distinct(contexts, count))
    model = mixture(order=6, groups=(1,))  # the network sees one character, the n-gram model five
    found = np.exp(rows(model, COUNTED, ABC))
    assert np.abs(found - expected_rows(model, COUNTED)).max() > 1e-2


@settings(deadline=None, max_examples=150)
@given(lists, orders, weights, st.integers(0, 99), st.sampled_from([(2, 2), (1,)]))
def test_steps_and_predictions_say_the_same_and_no_string_changes_another(strings, order, weight, seed, groups):
    model = mixture(order, weight, seed, groups=groups)
    whole = rows(model, strings, ABC)
    assert np.isfinite(whole).all()
    assert np.abs(stepped_rows(model, strings, ABC) - whole).max() < 1e-6 * max(1, np.abs(whole).max())
    assert np.array_equal(np.concatenate([rows(model, [string], ABC) for string in strings]), whole)


@settings(deadline=None, max_examples=100)
@given(st.text("abc", max_size=6), st.text("abc", max_size=9), st.text("abc", max_size=6), orders, st.integers(0, 9))
def test_neither_later_characters_nor_ones_older_than_both_contexts_matter(old, context, later, order, seed):
    model = mixture(order, seed=seed)
    short = rows(model, [old + context], ABC)
    assert np.array_equal(rows(model, [old + context + later], ABC)[: len(short)], short)
    if len(context) >= max(4, order - 1):
        assert np.array_equal(rows(model, ["b" + old + context], ABC)[-1], short[-1])


def test_a_state_has_a_row_for_each_distinct_pair():
    model = mixture(order=6, groups=(2,))
    state = model.start(3)
    for characters in (
        "abb",
        "bab",
        "ccc",
    ):  # the network tells "bc" alone; the n-grams know "abc" and "bac", not "bbc"
        state = model.step(state, np.arange(3), ABC.encode(characters))
    assert len(state.network.logits) == 2
    assert len(state.logits) == 3
    expected = expected_rows(model, ["abc", "bac", "bbc"])[[3, 7, 11]]
    assert np.abs(np.exp(state.logits[state.context_of]) - expected).max() < 1e-6
    state = model.step(state, np.array([0, 2]), ABC.encode("ab"))
    assert state.strings.tolist() == [0, 2]
    assert len(state.context_of) == 2


# --- samples


def test_samples_follow_the_probabilities_of_all_strings():
    model = mixture(order=3, weight=0.5)
    every = ["".join(s) for length in range(1, 6) for s in itertools.product("abc", repeat=length)]
    shares = expected_rows(model, ["", *every])
    answers = np.concatenate([np.append(ABC.encode(string), 0) for string in ["", *every]])
    each = np.log(shares[np.arange(len(answers)), answers])
    starts = np.cumsum([0, *(len(string) + 1 for string in ["", *every[:-1]])])
    empty, *chances = np.exp(np.add.reduceat(each, starts))
    n = 100_000
    drawn = Counter(sample_strings(Distribution(model, ABC), n, seed=1))
    expected = n * np.array(chances) / (1 - empty)
    counts = np.array([drawn[string] for string in every])
    frequent = expected >= 10
    rest = n - counts[frequent].sum(), n - expected[frequent].sum()
    statistic = ((counts - expected)[frequent] ** 2 / expected[frequent]).sum() + (rest[0] - rest[1]) ** 2 / rest[1]
    assert frequent.sum() > 50
    assert abs(statistic - frequent.sum()) < 4 * math.sqrt(2 * frequent.sum())
    assert np.abs(log_likelihoods(Distribution(model, ABC), every) - np.log(chances)).max() < 1e-5


@pytest.mark.parametrize("seed", [0, 1])  # a network, and two that vote
def test_a_seed_gives_the_same_strings_however_many_are_asked_for(seed):
    model = mixture(order=6, seed=seed, spread=2.0)
    every = list(sample_strings(Distribution(model, ABC), 3000, seed=5))
    for n in (1, 7, 1024, 1025):
        assert list(sample_strings(Distribution(model, ABC), n, seed=5)) == every[:n]


def test_an_alphabet_of_four_thousand_characters_in_bounded_memory():
    alphabet = "".join(map(chr, range(0x1F000, 0x1F000 + 4000)))
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list(alphabet[:40]), size=draw.integers(1, 9))) for _ in range(400)]
    vocabulary = Vocabulary(alphabet)
    ngram = Ngram.fit(strings, vocabulary, NgramConfig(kind="ngram", order=4))
    model = Mixture(network(0, vocabulary, groups=(1,)), ngram, 0.3)  # 41 contexts of the network, and many pairs
    portions = list(model.predictions(strings, vocabulary))
    assert len(portions) > 2
    assert max(part.logits.size for part in portions) <= 256 * 4001
    assert sorted(np.concatenate([part.rows for part in portions])) == list(range(sum(map(len, strings)) + 400))
    assert np.exp(portions[0].logits).sum(axis=1) == pytest.approx(1, abs=1e-4)
    alone = np.concatenate([rows(model, [string], vocabulary) for string in strings[:20]])
    assert np.array_equal(rows(model, strings, vocabulary)[: len(alone)], alone)
    assert np.abs(stepped_rows(model, strings[:20], vocabulary) - rows(model, strings[:20], vocabulary)).max() < 1e-5
    assert model.remembered > 40 * 4001


# --- the weight


def test_a_mixture_of_log_probabilities_neither_overflows_nor_underflows():
    one, two = (np.array(v, np.float32) for v in ([-1e9, -0.5, -5e8, -80], [-0.25, -1e9, -1e9, -80]))
    assert mixed(one, two, 0.5) == pytest.approx([-0.25 - math.log(2), -0.5 - math.log(2), -5e8, -80])
    assert np.array_equal(mixed(one, two, 0.0), one)
    assert np.array_equal(mixed(one, two, 1.0), two)


def on_a_grid(network: np.ndarray, ngram: np.ndarray, prior: float = 15.0, steps: int = 20_000) -> float:
    """The weight by trying: predictions of which one model alone holds the answer possible are added, as a prior."""
    grid = np.linspace(0, 1, steps + 1)[1:-1]
    sums = prior * (0.35 * np.log(grid) + 0.65 * np.log(1 - grid))
    for one, two in zip(network, ngram, strict=True):
        sums += np.logaddexp(np.log(1 - grid) + one, np.log(grid) + two)
    return float(grid[sums.argmax()])


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(0, 80), st.floats(-3, 3), st.sampled_from([0.1, 2.0, 400.0]))
def test_the_weight_is_the_best_of_a_fine_grid(seed, n, shift, spread):
    draw = np.random.default_rng(seed)
    one, two = -spread * draw.exponential(size=n), -spread * draw.exponential(size=n) + min(0, shift)
    assert best_weight(one, two) == pytest.approx(on_a_grid(one, two), abs=1e-4)


def test_few_predictions_leave_the_weight_in_the_middle_and_many_decide_it():
    assert best_weight(np.zeros(0), np.zeros(0)) == pytest.approx(0.35)
    worse, better = np.full(100_000, -3.0), np.full(100_000, -1.0)
    few = slice(5)
    assert 0.35 < best_weight(worse[few], better[few]) < 0.6
    assert 0.1 < best_weight(better[few], worse[few]) < 0.35
    assert best_weight(worse, better) > 0.999
    assert best_weight(better, worse) < 0.001
    assert best_weight(np.full(9, -np.inf), np.full(9, -1.0)) == pytest.approx((0.35 * 15 + 9) / 24)
    draw = np.random.default_rng(0)
    one, two = -draw.exponential(size=20_000), -1.1 * draw.exponential(size=20_000)
    assert best_weight(one, two) == pytest.approx(on_a_grid(one, two, prior=0.0, steps=1000), abs=3e-3)


# --- fitting


@pytest.fixture
def recipe(tiny_recipe: Recipe) -> Recipe:
    return tiny_recipe.with_settings({"model.ngram": 3, "train.form": "shared"})


@pytest.mark.parametrize("members", [1, 2])
def test_a_fitted_mixture_is_better_than_its_network(recipe, strings, members):
    held_out = strings[:20]
    recipe = recipe.with_settings({"model.members": members, "train.steps": 30})
    model = StringModel(recipe).fit(strings[20:], validation=held_out)
    engine, losses = model.distribution_.predictor, model.file_.provenance["losses"]
    assert isinstance(engine, Mixture)
    assert isinstance(engine.network, Ensemble if members == 2 else Engine)
    alone = StringModel(recipe, settings={"model.ngram": 0}).fit(strings[20:], validation=held_out)
    assert losses["network"] == alone.file_.provenance["losses"]
    for part, listed in (("train", strings[20:]), ("validation", held_out)):
        assert model.evaluate(listed).nats_per_character == pytest.approx(losses[part], abs=1e-5)
        assert alone.evaluate(listed).nats_per_character == pytest.approx(losses["network"][part], abs=1e-5)
    assert losses["validation"] < losses["network"]["validation"]
    assert model.file_.ngram_weight == engine.weight
    apart = alone.file_.parameter_count
    assert model.file_.parameter_count == apart + engine.ngram.parameters + 1


def test_the_torch_network_of_a_mixture_is_the_network_alone(recipe, strings):
    model = StringModel(recipe).fit(strings)
    state = model.wavenet().state_dict()
    assert state.keys() == model.file_.network.keys()
    assert not any(name.startswith("ngram") for name in state)


def test_saved_and_loaded_it_is_the_same_to_the_bit(recipe, strings, tmp_path):
    model = StringModel(recipe, settings={"model.members": 2}).fit(strings)
    model.save(tmp_path / "one.safetensors")
    loaded = StringModel.load(tmp_path / "one.safetensors")
    assert loaded.file_.weights.keys() == model.file_.weights.keys()
    for name, array in model.file_.weights.items():
        assert loaded.file_.weights[name].dtype == array.dtype
        assert np.array_equal(loaded.file_.weights[name], array)
    loaded.save(tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    assert np.array_equal(loaded.score_samples(strings), model.score_samples(strings))
    assert loaded.sample(30, seed=3) == model.sample(30, seed=3)


TEACHER = """
[model]
groups = [2, 2, 2]
embedding = 4
hidden = 8
ngram = 2
[train]
epochs = 0
steps = 40
evaluate_every = 20
"""


def fit(recipe: Recipe, strings: list[str], path: Path, *interrupts: int, resume: bool = False) -> ModelFile:
    monitor = Interrupting(*interrupts)
    return fit_model(Lists(read_corpus(strings)), recipe, monitor=monitor, checkpoint=path, resume=resume)[0]


def same(one: ModelFile, two: ModelFile) -> bool:
    return one.provenance == two.provenance and all(
        np.array_equal(one.weights[name], two.weights[name]) for name in one.weights.keys() | two.weights.keys()
    )


def test_a_stopped_run_ends_in_the_same_mixture(recipe, strings, tmp_path):
    whole = fit(recipe, strings, tmp_path / "run.checkpoint")
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, strings, tmp_path / "run.checkpoint", 30)
    assert same(fit(recipe, strings, tmp_path / "run.checkpoint", resume=True), whole)


@pytest.mark.parametrize("order", [0, 3])
def test_a_mixture_teaches_and_travels_in_its_pupils_checkpoint(recipe, strings, tmp_path, order, monkeypatch):
    (tmp_path / "teacher.toml").write_text(TEACHER)
    path = tmp_path / "run.checkpoint"
    recipe = recipe.with_settings({"model.ngram": order, "train.teacher": str(tmp_path / "teacher.toml")})
    whole = fit(recipe, strings, path)
    teacher = Checkpoint.load(path).group("teacher")
    assert {name for name in teacher if name.startswith("ngram")} == {"ngram.ngrams", "ngram.counts", "ngram.weight"}
    assert ("ngram.weight" in whole.weights) == (order > 0)
    monkeypatch.setattr(Interrupting, "begin", lambda self, steps, what: setattr(self, "steps", () if what else (15,)))
    with pytest.raises(KeyboardInterrupt):  # in the pupil's run
        fit(recipe, strings, path)
    monkeypatch.undo()
    assert same(fit(recipe, strings, path, resume=True), whole)
    taught = StringModel(tmp_path / "teacher.toml").fit(strings)
    taught.save(tmp_path / "teacher.safetensors")
    recipe = recipe.with_settings({"train.teacher": str(tmp_path / "teacher.safetensors")})
    by_file = fit(recipe, strings, path)
    assert by_file.weights.keys() == whole.weights.keys()


# --- files


@pytest.fixture
def path(recipe, strings, tmp_path) -> Path:
    StringModel(recipe, settings={"train.steps": 2}).fit(strings).save(tmp_path / "mixed.safetensors")
    return tmp_path / "mixed.safetensors"


def spoil(path: Path, name: str, array: np.ndarray | None) -> None:
    """Put another array, or none, in the place of one."""
    from safetensors import safe_open

    with safe_open(str(path), framework="np") as file:
        metadata = file.metadata()
        weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dictionary
    weights.pop(name, None)
    path.write_bytes(safetensors.numpy.save(weights if array is None else {**weights, name: array}, metadata))


@pytest.mark.parametrize(
    ("name", "array", "why"),
    [
        ("ngram.weight", None, "lacks ngram.weight; train it or copy it again"),
        ("ngram.counts", None, "lacks ngram.counts; train it or copy it again"),
        (
            "ngram.more",
            np.zeros(1, np.float32),
            "has a tensor that does not belong there, ngram.more; train it or copy it again",
        ),
        (
            "ngram.weight",
            np.full(1, 0.5, np.float32),
            "holds ngram.weight as float32 of shape (1,), and its settings need float32 of shape (); "
            "train it or copy it again",
        ),
        (
            "ngram.weight",
            np.full((), 0.5),
            "holds ngram.weight as float64 of shape (), and its settings need float32 of shape (); "
            "train it or copy it again",
        ),
        ("ngram.weight", np.full((), 1.5, np.float32), "holds 1.5 in ngram.weight; it must be from 0 to 1"),
        ("ngram.weight", np.full((), -0.25, np.float32), "holds -0.25 in ngram.weight; it must be from 0 to 1"),
        (
            "ngram.weight",
            np.full((), np.nan, np.float32),
            "holds numbers in ngram.weight that are not finite (NaN or infinity); train it again",
        ),
        ("ngram.counts", np.zeros(3, np.int64), "has unsound n-grams: "),
        (
            "ngram.ngrams",
            np.zeros(3, np.float32),
            "has unsound n-grams: ngrams are float32 of shape (3,), and they need",
        ),
    ],
)
def test_a_spoilt_file_is_refused(path, name, array, why):
    spoil(path, name, array)
    with pytest.raises(ModelFileError) as caught:
        StringModel.load(path).sample(1)
    assert str(caught.value).startswith(f"the model {path} {why}")
    assert "\n" not in str(caught.value)


def test_an_n_gram_models_file_is_named_too(strings, tmp_path):
    path = tmp_path / "counted.safetensors"
    StringModel("ngram").fit(strings).save(path)
    spoil(path, "counts", np.zeros(3, np.int64))
    with pytest.raises(ModelFileError, match=rf"^the model {path} has unsound n-grams: there are [\d,]+ of them and 3"):
        StringModel.load(path).sample(1)


def test_files_from_before_there_were_mixtures_load(tiny_path: Path):
    import json

    file = ModelFile.load(tiny_path)
    recipe = file.recipe.to_dict()
    del recipe["model"]["ngram"]
    about = {"format": 1, "recipe": recipe, "characters": file.vocabulary.characters, "provenance": {}}
    tiny_path.write_bytes(safetensors.numpy.save(dict(file.weights), {"wavemore": json.dumps(about)}))
    assert ModelFile.load(tiny_path).ngram_weight is None
    assert isinstance(StringModel.load(tiny_path).distribution_.predictor, Engine)


@pytest.mark.parametrize("order", [-1, 65])
def test_orders_that_make_no_sense(order):
    with pytest.raises(ConfigError, match=rf"^model\.ngram = {order}; it must be from 0 to 64$"):
        ModelConfig(ngram=order)
