"""The folded form against the windowed form, its oracle."""

import copy

import numpy as np
import pytest
import torch
from configurations import model_configs
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet, evaluation_mode
from wavemore.predict.chunks import Chunks
from wavemore.predict.engine import Engine
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


def stepped_logits(engine: Engine, strings: list[str], vocabulary: Vocabulary) -> np.ndarray:
    """The same rows, the strings taken side by side, one character at a time."""
    ids = [vocabulary.encode(string) for string in strings]
    rows: dict[tuple[int, int], np.ndarray] = {}
    state = engine.start(len(strings))
    while True:
        depth = len(rows and {place for _, place in rows})
        for string, context in zip(state.strings, state.context_of, strict=True):
            rows[int(string), depth] = state.logits[context]
        going_on = np.flatnonzero([len(ids[string]) > depth for string in state.strings])
        if not len(going_on):
            return np.stack([rows[key] for key in sorted(rows)])
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
    for rows in ([5], [699], list(range(130)), list(range(699, -1, -1)), [3] * 400):
        assert np.array_equal(product(x[rows], weight), whole[rows])
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
    ],
)
@pytest.mark.parametrize("few", [0, 256])  # with caches, without
def test_a_string_in_the_making_takes_no_more_than_remembered(config, few, monkeypatch):
    """Summed over all arrays of a state of strings that differ from the first character on."""
    monkeypatch.setattr("wavemore.predict.engine._FEW", few)
    vocabulary = Vocabulary("".join(map(chr, range(97, 97 + 40))))
    engine = engine_of(with_random_weights(config, len(vocabulary), 0))
    draw, strings = np.random.default_rng(0), 40
    state = engine.start(strings)
    for depth in range(config.context + 3):
        following = np.arange(1, 41) if depth == 0 else draw.integers(1, 41, strings)
        state = engine.step(state, np.arange(strings), following)
    tables = sum(cache._row_of.nbytes for cache in state._caches)  # which are there for any number of strings
    held = _bytes(state) - _bytes(engine._characters) - tables
    assert 0.5 * engine.remembered < held / strings < engine.remembered


def _bytes(value: object) -> int:
    return sum(array.nbytes for array in {id(array): array for array in _arrays(value)}.values())


def _arrays(value: object) -> list[np.ndarray]:
    """Every array in a state, whatever holds it."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, tuple | list):
        return [array for item in value for array in _arrays(item)]
    return [array for item in vars(value).values() for array in _arrays(item)] if hasattr(value, "__dict__") else []
