"""The likeliest strings, against all strings there are."""

import itertools
import tracemalloc
from typing import Any

import numpy as np
import pytest
from models_at_random import ABC, KINDS, network, overflowing

from wavemore.errors import ModelFileError, UsageError
from wavemore.judging.likelihood import log_likelihoods
from wavemore.lists.vocabulary import Vocabulary
from wavemore.mixtures.mixture import Mixture
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.nn.sequence_predictor import SequencePredictor
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution, Predictor, log_probabilities
from wavemore.sampling.automaton import Automaton
from wavemore.sampling.sample import sample_strings
from wavemore.sampling.search import most_likely
from wavemore.settings.config import NgramConfig

Ranked = list[tuple[str, float]]
LONGEST = 5
EVERY = ["".join(s) for length in range(1, LONGEST + 1) for s in itertools.product("abc", repeat=length)]

# Over "abc": strings that begin with "b" and end in "a"; those with an even number of "a"; and two strings alone.
BEGINS_AND_ENDS = Automaton.of(
    np.array([[-1, -1, 1, -1], [-1, 2, 1, 1], [-1, 2, 1, 1]]), np.array([False, False, True])
)
EVEN = Automaton.of(np.array([[-1, 1, 0, 0], [-1, 0, 1, 1]]), np.array([True, False]))
CA_AND_CB = Automaton.of(np.array([[-1, -1, -1, 1], [-1, 2, 2, -1], [-1, -1, -1, -1]]), np.array([False, False, True]))
NOTHING = Automaton.of(np.array([[-1, 0, 0, 0]]), np.array([False]))


def accepted(automaton: Automaton | None, strings: list[str]) -> list[str]:
    return [s for s in strings if automaton is None or automaton.accepts(ABC.encode(s))]


def ranking(model: Predictor[Any], strings: list[str], n: int) -> Ranked:
    pairs = zip(strings, log_likelihoods(Distribution(model, ABC), strings).tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:n]


def assert_same(found: Ranked, expected: Ranked, off: float = 1e-6) -> None:
    """The same strings in the same order with the same log-probabilities; strings as likely as each other to `off`,
    which rounding may turn about, as sets."""
    assert len(found) == len(expected)
    assert len({string for string, _ in found}) == len(found)
    assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
    numbers, others = (np.array([log_p for _, log_p in pairs]) for pairs in (found, expected))
    assert np.abs(numbers - others).max(initial=0) < off
    expected_of = dict(expected)
    last = expected[-1][1] if expected else 0.0
    assert all(abs(expected_of.get(string, last) - log_p) < off for string, log_p in found)


def test_the_comparison_notices_an_exchange_a_wrong_number_and_a_missing_string():
    model = network(0)
    expected = ranking(model, EVERY, 30)
    assert_same(expected, expected)
    (first, p), (second, q) = expected[4:6]
    for wrong in (
        [*expected[:4], (second, q), (first, p), *expected[6:]],
        [*expected[:4], (second, p), (first, q), *expected[6:]],
        [*expected[:4], (first, p + 2e-6), *expected[5:]],
        [*expected[:4], *ranking(model, EVERY, 31)[5:]],
        expected[:-1],
    ):
        with pytest.raises(AssertionError):
            assert_same(wrong, expected)


# --- against all strings


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("automaton", [None, BEGINS_AND_ENDS, EVEN], ids=["all", "begins and ends", "even"])
def test_the_likeliest_of_all_strings_in_their_order(kind, automaton):
    model = KINDS[kind]()
    strings = accepted(automaton, EVERY)
    off = 1e-5 if isinstance(model, SequencePredictor) else 1e-6  # PyTorch's packed form and its steps round apart
    for n in (1, 7, 50, len(strings), len(strings) + 5):
        found = most_likely(Distribution(model, ABC), n, automaton=automaton, max_length=LONGEST)
        assert_same(found, ranking(model, strings, n), off)


@pytest.mark.parametrize(("order", "seed"), [(1, 0), (2, 1), (3, 2), (4, 3)])
def test_strings_of_any_length(order, seed):
    """As many as are likelier than all beginnings of a longer string."""
    short = Ngram.fit(["a", "ab", "c", "b", "ba", "ca", "ac", "cab"], ABC, NgramConfig(kind="ngram", order=order))
    model = Mixture(network(seed, spread=0.5), short, 0.5)
    longest = log_probabilities(Distribution(model, ABC), EVERY[-(3**LONGEST) :]).reshape(-1, LONGEST + 1)
    bound = longest[:, :LONGEST].sum(axis=1).max()
    certain = [pair for pair in ranking(model, EVERY, len(EVERY)) if pair[1] > bound]
    assert len(certain) >= 20
    assert_same(most_likely(Distribution(model, ABC), len(certain)), certain)


def test_probabilities_under_a_condition_are_the_models_own():
    model = network(0)
    found = most_likely(Distribution(model, ABC), 20, automaton=BEGINS_AND_ENDS)
    assert [log_p for _, log_p in found] == pytest.approx(
        log_likelihoods(Distribution(model, ABC), [s for s, _ in found]), abs=1e-6
    )
    assert all(string.startswith("b") and string.endswith("a") for string, _ in found)


@pytest.mark.parametrize("model", [network(0), network(1, spread=9.0)])
def test_fewer_strings_than_were_asked_for(model):
    assert_same(most_likely(Distribution(model, ABC), 100, automaton=CA_AND_CB), ranking(model, ["ca", "cb"], 2))
    assert_same(
        most_likely(Distribution(model, ABC), 100, max_length=2), ranking(model, accepted(None, EVERY[:12]), 12)
    )
    assert most_likely(Distribution(model, ABC), 100, automaton=CA_AND_CB, max_length=1) == []
    assert most_likely(Distribution(model, ABC), 100, automaton=NOTHING) == []
    assert most_likely(Distribution(model, ABC), 0) == []


def test_a_string_far_less_likely_than_all_others_is_found():
    model, string = network(1, spread=30.0), "cbacbacbacba"
    chain = np.full((13, 4), -1)
    chain[np.arange(12), ABC.encode(string)] = np.arange(1, 13)
    found = most_likely(Distribution(model, ABC), 5, automaton=Automaton.of(chain, np.arange(13) == 12))
    assert_same(found, ranking(model, [string], 1))
    assert found[0][1] < -100


def test_what_is_refused_is_left_out_and_others_take_its_place():
    model = network(0)
    shown: list[str] = []

    def refused(strings: list[str]) -> np.ndarray:
        shown.extend(strings)
        return np.array(["a" in string for string in strings])

    without = [string for string in EVERY if "a" not in string]
    for n in (1, 10, len(without), len(EVERY)):
        found = most_likely(Distribution(model, ABC), n, refused=refused, max_length=LONGEST)
        assert_same(found, ranking(model, without, n))
    even = most_likely(Distribution(model, ABC), 10, refused=refused, automaton=BEGINS_AND_ENDS, max_length=3)
    assert even == []
    assert "" not in shown


@pytest.mark.parametrize("at_once", [1 << 12, 5])
def test_equally_likely_strings_come_in_the_order_of_their_characters(at_once, monkeypatch):
    model = network(0, spread=0.0)  # all characters and the end are as likely
    monkeypatch.setattr("wavemore.sampling.search._STATE_BYTES", at_once * (model.remembered + 64 * len(ABC)))
    third = list(map("".join, itertools.product("abc", repeat=3)))
    for n in (2, 3, 20, 38):
        found = most_likely(Distribution(model, ABC), n)
        assert [string for string, _ in found] == [*EVERY[:12], *third][:n]
        assert [log_p for _, log_p in found] == pytest.approx([-(len(s) + 1) * np.log(4) for s, _ in found])


# --- portions


@pytest.mark.parametrize("kind", ["network with skips", "ensemble", "mixture", "n-gram"])
@pytest.mark.parametrize("automaton", [None, BEGINS_AND_ENDS])
def test_portions_of_any_size_give_the_same(kind, automaton, monkeypatch):
    model = KINDS[kind]()
    options: dict[str, Any] = {"automaton": automaton, "max_length": 7}
    whole = most_likely(Distribution(model, ABC), 25, **options)
    each = model.remembered + 64 * len(ABC)
    for strings in (0, 2, 7):
        monkeypatch.setattr("wavemore.sampling.search._STATE_BYTES", strings * each)
        assert most_likely(Distribution(model, ABC), 25, **options) == whole


def test_a_threshold_that_begins_too_low_or_falls_too_far_changes_nothing(monkeypatch):
    model = network(0)
    whole = most_likely(Distribution(model, ABC), 40)
    for step in (0.1, 30.0):
        monkeypatch.setattr("wavemore.sampling.search._STEP", step)
        monkeypatch.setattr("wavemore.sampling.search._STATE_BYTES", 5 * (model.remembered + 64 * len(ABC)))
        assert most_likely(Distribution(model, ABC), 40, max_length=12) == [
            pair for pair in whole if len(pair[0]) <= 12
        ]


def test_memory_stays_within_its_bound(monkeypatch):
    """A model that finds all characters as likely: beginnings of one length are as likely, and none is dropped."""
    letters = Vocabulary("".join(map(chr, range(97, 97 + 26))))
    model = network(0, letters, spread=0.01, groups=(2, 2, 2), hidden=64, embedding=24)

    def peak(most: int) -> int:
        monkeypatch.setattr("wavemore.sampling.search._STATE_BYTES", most)
        tracemalloc.start()
        found = most_likely(Distribution(model, letters), 300)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(found) == 300
        return used

    # And the table by which a cache finds the nodes of chunks of 4 characters, and the rows that are in the making:
    # some thousand at once, however many there are.
    bound = (1 << 22) + 4 * 27**4 + 6 * 2048 * 4 * 64
    assert peak(1 << 22) < bound
    assert peak(1 << 28) > bound  # without a bound


# --- the model in the package


@pytest.fixture(scope="module")
def names() -> Distribution:
    return distribution_of(ModelFile.load(pretrained_path()))


def test_no_sample_is_likelier_than_the_likeliest_but_those_among_them(names):
    found = most_likely(names, 1000)
    samples = list(set(sample_strings(names, 20_000, seed=1)))
    scores = log_likelihoods(names, samples)
    among = np.isin(samples, [string for string, _ in found])
    assert among.sum() > 100
    assert scores[among].min() >= found[-1][1] - 1e-6
    assert scores[~among].max() <= found[-1][1] + 1e-6
    assert most_likely(names, 30) == found[:30]
    own = log_likelihoods(names, [string for string, _ in found])
    assert [log_p for _, log_p in found] == pytest.approx(own, abs=1e-6)


def test_whoever_watches_hears_of_the_search(names):
    calls: list[tuple[int, int]] = []
    found = most_likely(names, 200, watch=lambda looked_at, strings: calls.append((looked_at, strings)))
    assert len(found) == 200
    assert len(calls) > 20
    assert max(strings for _, strings in calls) == calls[-1][1] == 200
    assert all(looked_at > 0 for looked_at, _ in calls)


def test_an_interrupt_ends_the_search(names):
    def interrupt(looked_at: int, strings: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        most_likely(names, 10, watch=interrupt)


# --- what is refused


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n": -1}, "the number of strings is -1; it must be a whole number of 0 or more"),
        ({"n": 1.5}, "the number of strings is 1.5; it must be a whole number of 0 or more"),
        ({"n": True}, "the number of strings is True; it must be a whole number of 0 or more"),
        ({"max_length": 0}, "the maximum length is 0; it must be a whole number of 1 or more"),
        ({"max_length": 2.5}, "the maximum length is 2.5; it must be a whole number of 1 or more"),
    ],
)
def test_arguments_that_make_no_sense(options, sentence):
    with pytest.raises(UsageError) as error:
        most_likely(Distribution(network(0), ABC), **{"n": 1, **options})
    assert str(error.value) == sentence


def test_a_model_that_overflows_is_one_sentence_and_no_warning():
    with pytest.raises(ModelFileError) as error:
        most_likely(Distribution(overflowing(), ABC), 5)
    assert str(error.value) == "the model's numbers are too large to compute with; train it again"
