import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from wavemore.errors import UnknownCharacterError, UsageError
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet, sample_as_taught
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Distribution, log_sum_exp
from wavemore.sampling.constraints import StartsWith
from wavemore.sampling.sample import Samples, sample_strings
from wavemore.sampling.sampler import AsDrawn
from wavemore.sampling.shape import Shape
from wavemore.sampling.source import Source, running_sums
from wavemore.settings.config import ModelConfig

ABC = Vocabulary("abc")


@pytest.fixture(scope="module")
def net() -> WaveNet:
    net = WaveNet(ModelConfig(groups=(2,), embedding=3, hidden=6), 4, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        net.head.linear.weight *= 20  # type: ignore[operator, union-attr]
        net.head.linear.bias[0] += 1.5  # type: ignore[index, union-attr] - strings are short, so few are rare
    return net.eval()


@pytest.fixture(scope="module")
def engine(net: WaveNet) -> Engine:
    return Engine(net.config, {name: tensor.numpy() for name, tensor in net.state_dict().items()})


def draw(engine: Engine, n: int, **options) -> list[str]:
    return list(sample_strings(Distribution(engine, ABC), n, **options))


def chi_square_z(counts: Counter[str], probabilities: dict[str, float], n: int) -> float:
    """How many standard deviations the chi-square statistic lies above its mean; rare strings share one cell."""
    cells = {s: p for s, p in probabilities.items() if p * n >= 5}
    statistic = sum((counts[s] - n * p) ** 2 / (n * p) for s, p in cells.items())
    rest_p, rest_count = 1 - sum(cells.values()), n - sum(counts[s] for s in cells)
    statistic += (rest_count - n * rest_p) ** 2 / (n * rest_p)
    return (statistic - len(cells)) / np.sqrt(2 * len(cells))


def enumerated(engine: Engine, prefix: str = "", most: int = 7) -> dict[str, float]:
    """The model's distribution over strings that begin so, but for the empty one, up to a length."""
    strings = [prefix + "".join(s) for n in range(most + 1) for s in itertools.product("abc", repeat=n)]
    strings = [s for s in strings if s]
    scores = np.exp(log_likelihoods(Distribution(engine, ABC), strings))
    return dict(zip(strings, scores / chance_of_beginning(engine, prefix), strict=True))


def chance_of_beginning(engine: Engine, prefix: str) -> float:
    """The chance of a string that begins so; of a string that is not empty, where the beginning is."""
    ended = np.exp(log_likelihoods(Distribution(engine, ABC), [prefix])[0])
    state = engine.start(1)
    for character in ABC.encode(prefix):
        state = engine.step(state, np.array([0]), np.array([character]))
    end = np.exp(state.logits[0, 0] - log_sum_exp(state.logits)[0])
    return ended / end if prefix else 1 - end


def test_samples_follow_the_enumerated_distribution(engine):
    n = 20_000
    probabilities = enumerated(engine)
    assert chi_square_z(Counter(draw(engine, n, seed=1)), probabilities, n) < 4


def test_the_check_notices_a_wrong_temperature(engine):
    n = 20_000
    assert chi_square_z(Counter(draw(engine, n, seed=1, shape=Shape(temperature=1.3))), enumerated(engine), n) > 10


def test_the_taught_sampler_follows_the_same_distribution(engine, net):
    generator = torch.Generator().manual_seed(0)
    strings = Counter(ABC.decode(ids) if (ids := sample_as_taught(net, generator)) else "" for _ in range(3000))
    del strings[""]  # the lecture's sampler may give an empty string, ours does not
    assert chi_square_z(strings, enumerated(engine), strings.total()) < 4


def test_a_beginning_conditions_and_does_not_bias(engine):
    n = 5000
    strings = draw(engine, n, seed=2, conditions=[StartsWith("ab")])
    assert all(s.startswith("ab") for s in strings)
    assert chi_square_z(Counter(strings), enumerated(engine, "ab", most=8), n) < 4


def test_a_beginning_longer_than_the_context(engine):
    assert all(s.startswith("abcabc") for s in draw(engine, 20, seed=2, conditions=[StartsWith("abcabc")]))


def test_a_seed_gives_the_same_strings_however_many_are_asked_for(engine):
    many = draw(engine, 2500, seed=3)
    assert draw(engine, 7, seed=3) == many[:7]
    assert draw(engine, 1, seed=3) == many[:1]
    assert draw(engine, 1030, seed=3) == many[:1030]
    assert draw(engine, 7, seed=4) != many[:7]
    assert many[:1024] != many[1024:2048]  # blocks are independent


def test_without_a_seed_strings_differ_from_call_to_call(engine):
    assert draw(engine, 50) != draw(engine, 50)


def test_no_string_is_empty_and_each_is_cut_at_the_maximum_length(engine):
    assert {len(s) for s in draw(engine, 500, seed=1, max_length=3)} == {1, 2, 3}


def test_a_model_that_never_ends_is_ended():
    endless = WaveNet(ModelConfig(groups=(1,), embedding=2, hidden=2), 4)
    with torch.no_grad():
        endless.head.linear.bias[0] = -1e9  # type: ignore[index, union-attr]
    weights = {name: tensor.numpy() for name, tensor in endless.state_dict().items()}
    assert [len(s) for s in draw(Engine(endless.config, weights), 2)] == [1000, 1000]


def test_a_low_temperature_gives_the_likeliest_character_each_time(engine):
    assert len(set(draw(engine, 100, seed=1, shape=Shape(temperature=1e-4), max_length=10))) == 1


def test_nothing_is_asked_for(engine):
    assert draw(engine, 0) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n": -1}, "the number of strings is -1; it must be a whole number of 0 or more"),
        ({"n": 1.5}, "the number of strings is 1.5; it must be a whole number of 0 or more"),
        ({"seed": -1}, "the seed is -1; it must be a whole number of 0 or more"),
        ({"n": True}, "the number of strings is True; it must be a whole number of 0 or more"),
        ({"max_length": 2.5}, "the maximum length is 2.5; it must be a whole number of 1 or more"),
        ({"max_length": 0}, "the maximum length is 0; it must be a whole number of 1 or more"),
        ({"mode": "quick"}, "the mode is 'quick'; it must be exact, strict or fast"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_drawn(engine, options, sentence):
    with pytest.raises(UsageError) as error:
        sample_strings(Distribution(engine, ABC), **{"n": 1, **options})
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ({"temperature": 0}, "the temperature is 0; it must be a finite number above 0"),
        ({"temperature": float("nan")}, "the temperature is nan; it must be a finite number above 0"),
        ({"temperature": float("inf")}, "the temperature is inf; it must be a finite number above 0"),
        ({"temperature": "1"}, "the temperature is '1'; it must be a finite number above 0"),
        ({"temperature": 2j}, "the temperature is 2j; it must be a finite number above 0"),
        ({"top_k": 0}, "top_k is 0; it must be a whole number of 1 or more"),
        ({"top_p": 0}, "top_p is 0; it must be a number above 0 and up to 1"),
        ({"top_p": 1.5}, "top_p is 1.5; it must be a number above 0 and up to 1"),
    ],
)
def test_a_shape_that_makes_no_sense_is_refused_when_it_is_made(shape, sentence):
    with pytest.raises(UsageError) as error:
        Shape(**shape)
    assert str(error.value) == sentence


def test_a_temperature_too_large_for_a_number_is_refused():
    with pytest.raises(UsageError, match="it must be a finite number above 0"):
        Shape(temperature=10**400)


def test_a_beginning_with_an_unknown_character(engine):
    with pytest.raises(UnknownCharacterError, match=r"'x' \(U\+0078\) in 'ax' is not among the 3 characters"):
        sample_strings(Distribution(engine, ABC), 1, conditions=[StartsWith("ax")])


def test_batches_and_threads_do_not_change_a_string(engine):
    """Strings for one seed: in one batch with two BLAS threads, in batches of one block, and with one BLAS thread."""
    with threadpool_limits(2):
        whole = draw(engine, 5000, seed=8)
    source = Source(Distribution(engine, ABC), (8,), Shape(), np.zeros(0, dtype=np.int64), 1000, batch_bytes=1)
    assert list(Samples(AsDrawn(source, 1.0), 5000)) == whole
    with threadpool_limits(1):
        assert draw(engine, 5000, seed=8) == whole


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 5), (4, 5), (5, 4), (3000, 27), (2048, 1)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_running_sums_are_those_of_one_row_after_the_other(shape, kind):
    """To the bit, however many rows: a string must not depend on its company."""
    weights = np.random.default_rng(0).exponential(size=shape).astype(kind)
    before = weights.copy()
    sums = running_sums(weights)
    assert sums.dtype == np.float64
    assert np.array_equal(sums, np.cumsum(weights, axis=1, dtype=np.float64))
    assert np.array_equal(weights, before)


@pytest.mark.parametrize("temperature", [1e-300, 1e300])
def test_extreme_temperatures_are_their_limits(engine, temperature):
    strings = draw(engine, 300, seed=1, shape=Shape(temperature=temperature), max_length=4)
    assert all(strings)
    if temperature < 1:
        first = engine.start(1).logits[0]
        assert {s[0] for s in strings} == {"abc"[int(first[1:].argmax())]}  # the boundary is likelier, but may not come
        assert first.argmax() == 0
        assert len(set(strings)) == 1
    else:
        assert {s[0] for s in strings} == set("abc")


def test_a_character_that_text_arrays_cannot_end_in():
    vocabulary = Vocabulary("\0a")
    assert vocabulary.decode_rows(np.array([[2, 1, 0], [1, 0, 0], [2, 2, 2]])) == ["a\0", "\0", "aaa"]


def test_two_hundred_thousand_samples_pass_the_chi_square_test(engine):
    n = 200_000
    assert abs(chi_square_z(Counter(draw(engine, n, seed=5)), enumerated(engine, most=8), n)) < 4


def test_samples_of_an_alphabet_with_combining_marks_have_a_score_and_begin_as_asked():
    """Drawn strings are left as they were drawn, though another spelling of the same text may have other characters."""
    vocabulary = Vocabulary("ex\u0301")
    weights = WaveNet(ModelConfig(groups=(2,), embedding=3, hidden=6), 4).state_dict()
    engine = Engine(ModelConfig(groups=(2,), embedding=3, hidden=6), {n: t.numpy() for n, t in weights.items()})
    strings = list(sample_strings(Distribution(engine, vocabulary), 300, conditions=[StartsWith("e")], seed=1))
    assert any("e\u0301" in s for s in strings)
    assert all(s.startswith("e") for s in strings)
    assert np.isfinite(log_likelihoods(Distribution(engine, vocabulary), strings)).all()
