"""The folded form against the windowed form, its oracle."""

import copy

import numpy as np
import pytest
import torch
from configurations import model_configs
from hypothesis import given, settings
from hypothesis import strategies as st
from models_at_random import rows
from threadpoolctl import threadpool_limits

from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet, evaluation_mode
from wavemore.predict.activation import activated
from wavemore.predict.chunks import Chunks
from wavemore.predict.engine import Engine
from wavemore.predict.ensemble import Ensemble
from wavemore.predict.folding import product
from wavemore.predict.predictor import log_sum_exp
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig

alphabets = st.text(min_size=1, max_size=40).map(lambda text: "".join(sorted(set(text))))


def with_random_weights(config: ModelConfig, vocabulary_size: int, seed: int) -> WaveNet:
    """A model none of whose weights or statistics is where it started."""
    generator = torch.Generator().manual_seed(seed)
    model = WaveNet(config, vocabulary_size, generator=generator)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(torch.rand(tensor.shape, generator=generator) * 0.5 - 0.25)
    return model


def engine_of(model: WaveNet) -> Engine:
    return Engine(model.config, {name: tensor.numpy() for name, tensor in model.state_dict().items()})


def windowed_logits(model: WaveNet, strings: list[str], vocabulary: Vocabulary) -> np.ndarray:
    """One row for each prediction of each string."""
    with evaluation_mode(model):
        return model(torch.from_numpy(Windows.of(strings, vocabulary, model.config.context).contexts())).numpy()


def chunk_logits(engine: Engine, strings: list[str], vocabulary: Vocabulary) -> np.ndarray:
    chunks = Chunks.of(strings, vocabulary, engine.config.groups, engine.config.cycles)
    return np.concatenate([logits for _, logits in engine.chunk_logits(chunks)])[chunks.contexts]


def stepped_logits(engine: Engine | Ensemble, strings: list[str], vocabulary: Vocabulary) -> np.ndarray:
    """The same rows, the strings taken side by side, one character at a time."""
    ids = [vocabulary.encode(string) for string in strings]
    found: dict[tuple[int, int], np.ndarray] = {}
    state = engine.start(len(strings))
    while True:
        depth = len({place for _, place in found})
        for string, context in zip(state.strings, state.context_of, strict=True):
            found[int(string), depth] = state.logits[context]
        going_on = np.flatnonzero([len(ids[string]) > depth for string in state.strings])
        if not len(going_on):
            return np.stack([found[key] for key in sorted(found)])
        state = engine.step(state, going_on, np.array([ids[s][depth] for s in state.strings[going_on]]))


def assert_equal(found: np.ndarray, expected: np.ndarray, rounding: float = 0.0) -> None:
    """Equal but for 1e-5, or four times the rounding of the expected numbers themselves, where that is more."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < max(1e-5 * max(1, np.abs(expected).max()), 4 * rounding)


@settings(deadline=None, max_examples=300)
@given(model_configs, alphabets, st.integers(0, 2**31), st.data())
def test_both_ways_through_the_tree_equal_the_windowed_form(config, alphabet, seed, data):
    strings = data.draw(st.lists(st.text(alphabet, max_size=12), min_size=1, max_size=8))
    vocabulary = Vocabulary(alphabet)
    model = with_random_weights(config, len(vocabulary), seed)
    engine = engine_of(model)
    expected = windowed_logits(model, strings, vocabulary)
    # A LayerNorm over two channels that are nearly equal makes much of their last digits, in the windowed form too.
    exact = windowed_logits(copy.deepcopy(model).double(), strings, vocabulary)
    rounding = float(np.abs(expected - exact).max())
    assert_equal(chunk_logits(engine, strings, vocabulary), expected, rounding)
    assert_equal(stepped_logits(engine, strings, vocabulary), expected, rounding)


@pytest.mark.parametrize("groups", [(2,) * 7, (16, 8), (128,)])
def test_long_contexts_and_longer_strings(groups):
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list("abc"), size=n)) for n in (0, 1, 127, 128, 129, 300)]
    model = with_random_weights(ModelConfig(groups=groups, embedding=4, hidden=8), 4, 1)
    expected = windowed_logits(model, strings, Vocabulary("abc"))
    assert_equal(chunk_logits(engine_of(model), strings, Vocabulary("abc")), expected)
    assert_equal(stepped_logits(engine_of(model), strings, Vocabulary("abc")), expected)


DEEP = [
    {"groups": (2, 2), "cycles": 3, "activation": "gated", "residual": True, "norm": "layer"},
    {"groups": (2, 2, 2), "cycles": 2, "activation": "gated", "residual": True, "norm": "batch", "skip": True},
    {"groups": (3, 2), "cycles": 2, "activation": "tanh", "norm": "rms", "bias": True},
    {"groups": (2, 2), "cycles": 3, "activation": "quick_gelu", "skip": True, "norm": "layer", "bias": True},
    {"groups": (2,) * 5, "cycles": 2, "activation": "gated", "residual": True, "norm": "none"},
    {"groups": (1, 2), "cycles": 4, "activation": "gelu", "residual": True, "norm": "layer", "final_norm": True},
]


@pytest.mark.parametrize("shape", DEEP, ids=str)
def test_a_deep_network_says_the_same_to_the_bit_both_ways_alone_in_company_and_in_an_ensemble(shape):
    """Hundreds of strings share some children and not others: products are then made both at nodes and at parents."""
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list("abcde"), size=n)) for n in draw.integers(0, 14, 400)]
    vocabulary = Vocabulary("abcde")
    config = ModelConfig(**{"embedding": 6, "hidden": 12, **shape})
    models = [with_random_weights(config, len(vocabulary), seed) for seed in range(2)]
    one, other = map(engine_of, models)
    together = chunk_logits(one, strings, vocabulary)
    expected = windowed_logits(models[0], strings, vocabulary)
    exact = windowed_logits(copy.deepcopy(models[0]).double(), strings, vocabulary)
    assert_equal(together, expected, float(np.abs(expected - exact).max()))
    assert np.array_equal(stepped_logits(one, strings, vocabulary), together)
    few = strings[:20]
    first = sum(map(len, few)) + len(few)
    for alone in (chunk_logits(one, few, vocabulary), stepped_logits(one, few, vocabulary)):
        assert np.array_equal(alone, together[:first])
    assert np.array_equal(chunk_logits(one, strings[:1], vocabulary), together[: len(strings[0]) + 1])
    voted = (together + chunk_logits(other, strings, vocabulary)) / np.float32(2)
    ensemble = Ensemble([one, other])
    assert np.array_equal(stepped_logits(ensemble, strings, vocabulary), voted)
    said = rows(ensemble, strings, vocabulary)
    assert np.array_equal(said, voted)


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 96, 192, 300])
@pytest.mark.parametrize("norm", ["layer", "rms"])
def test_what_stands_between_levels_does_not_depend_on_a_rows_company(norm, channels):
    config = ModelConfig(norm=norm, activation="tanh", hidden=channels)
    draw = np.random.default_rng(0)
    y, gamma = (draw.normal(size=size).astype(np.float32) for size in [(130, channels), channels])
    whole = activated(y.copy(), config, gamma, gamma)
    for some in ([5], [129], [3, 2], list(range(129, -1, -1)), list(range(17))):
        assert np.array_equal(activated(y[some], config, gamma, gamma), whole[some])


def test_sums_beyond_what_exp_can_hold_give_a_gate_that_is_shut_or_open():
    """tanh(a) sigmoid(b) of channels that have been multiplied by -2 and -1."""
    config = ModelConfig(norm="none", activation="gated", hidden=5)
    signal, gate = np.array([1e4, -1e4, 1e4, 0, 90]), np.array([1e4, 1e4, -1e4, 1e4, -90])
    y = np.concatenate([-2 * signal, -gate])[None].astype(np.float32)
    assert np.array_equal(activated(y, config, None, None)[0].round(6), [1, -1, 0, 0, 0])


def test_the_comparison_notices_statistics_that_were_not_folded():
    model = with_random_weights(ModelConfig(), 4, 0)
    engine = engine_of(model)
    model.levels[1].norm.running_mean += 0.01  # type: ignore[operator, union-attr]
    expected = windowed_logits(model, ["abcab"], Vocabulary("abc"))
    assert np.abs(chunk_logits(engine, ["abcab"], Vocabulary("abc")) - expected).max() > 1e-4


def test_more_contexts_than_fit_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wavemore.predict.engine._LOGITS_AT_ONCE", 1 << 18)
    draw = np.random.default_rng(0)
    strings = ["".join(draw.choice(list("abcdefgh"), size=9)) for _ in range(6000)]
    vocabulary = Vocabulary("abcdefgh")
    model = with_random_weights(ModelConfig(embedding=3, hidden=4), len(vocabulary), 1)
    engine = engine_of(model)
    assert len(list(engine.chunk_logits(Chunks.of(strings, vocabulary, (2, 2, 2))))) > 1
    assert_equal(chunk_logits(engine, strings, vocabulary), windowed_logits(model, strings, vocabulary))


@pytest.mark.parametrize("shape", [(96, 50), (128, 128), (512, 512)])
def test_a_row_of_a_product_does_not_depend_on_its_company_or_on_threads(shape):
    """To the bit: a seed must give the same strings in every batch."""
    draw = np.random.default_rng(0)
    x, weight = (draw.normal(size=size).astype(np.float32) for size in [(700, shape[0]), shape])
    with threadpool_limits(2):
        whole = product(x, weight)
    with threadpool_limits(1):
        assert np.array_equal(product(x, weight), whole)
    for some in ([5], [699], list(range(130)), list(range(699, -1, -1)), [3] * 400):
        assert np.array_equal(product(x[some], weight), whole[some])
    assert np.allclose(whole, x @ weight, atol=1e-3)


def test_log_sum_exp_neither_overflows_nor_loses_mass():
    logits = (np.random.default_rng(0).normal(size=(6, 9)) * 1e4).astype(np.float32)
    assert log_sum_exp(logits) == pytest.approx(logits.max(axis=1), abs=1)
    assert np.exp(np.zeros(9) - log_sum_exp(np.zeros((1, 9), np.float32))).sum() == pytest.approx(1)


@pytest.mark.parametrize("shape", [(1, 9), (7, 1), (1, 1), (5000, 27)])
def test_log_sum_exp_leaves_its_logits_alone_and_takes_each_row_by_itself(shape):
    logits = (np.random.default_rng(0).normal(size=shape) * 9).astype(np.float32)
    before = logits.copy()
    found = log_sum_exp(logits)
    assert np.array_equal(logits, before)
    assert found == pytest.approx(np.log(np.exp(logits.astype(np.float64)).sum(axis=1)), rel=1e-6)
    assert np.array_equal(log_sum_exp(logits[-1:]), found[-1:])


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(hidden=64, activation="gated", residual=True),
        ModelConfig(groups=(2,) * 4, cycles=2, skip=True, hidden=32, residual=True, norm="layer"),
        ModelConfig(groups=(4, 2), hidden=48),
        ModelConfig(groups=(2, 2), cycles=3, hidden=96, activation="gated", residual=True, norm="layer"),
    ],
)
@pytest.mark.parametrize("cached", [True, False])
def test_a_string_in_the_making_takes_no_more_than_remembered(config, cached, monkeypatch):
    """Summed over all arrays of a state of strings that differ from the first character on. Caches take more."""
    for limit in ("_FEW", "_MANY"):
        monkeypatch.setattr(f"wavemore.predict.steps.{limit}", 0 if cached else 256)
    vocabulary = Vocabulary("".join(map(chr, range(97, 97 + 40))))
    engine = engine_of(with_random_weights(config, len(vocabulary), 0))
    draw, strings = np.random.default_rng(0), 40
    state = engine.start(strings)
    for depth in range(config.context + 3):
        following = np.arange(1, 41) if depth == 0 else draw.integers(1, 41, strings)
        state = engine.step(state, np.arange(strings), following)
    tables = sum(cache._row_of.nbytes for cache in state._caches)  # which are there for any number of strings
    held = _bytes(state) - _bytes(engine.network.characters) - tables
    assert (0.4 if cached else 0.2) * engine.remembered < held / strings < engine.remembered


def _bytes(value: object) -> int:
    return sum(array.nbytes for array in {id(array): array for array in _arrays(value)}.values())


def _arrays(value: object) -> list[np.ndarray]:
    """Every array in a state, whatever holds it."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, tuple | list):
        return [array for item in value for array in _arrays(item)]
    return [array for item in vars(value).values() for array in _arrays(item)] if hasattr(value, "__dict__") else []
