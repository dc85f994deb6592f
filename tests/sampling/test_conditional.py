"""Samples under conditions, against the conditional distribution over every string of a tiny model."""

import random
from collections import Counter
from dataclasses import replace
from itertools import islice, product

import numpy as np
import pytest
from enumerated import ABC, EVERY, LONGEST, chi_square_z, enumerated, sharp_engine, short

from wavemore.errors import SamplingError, UsageError
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Distribution
from wavemore.sampling.conditional import Preparation
from wavemore.sampling.constraints import (
    Condition,
    Contains,
    EndsWith,
    Length,
    Never,
    Only,
    StartsWith,
    WithoutWords,
    conjunction,
)
from wavemore.sampling.patterns import Matches
from wavemore.sampling.sample import Samples, sample_strings
from wavemore.sampling.sampler import AsDrawn, Filter, Sampler
from wavemore.sampling.shape import UNSHAPED, Shape

SINGLE: list[Condition] = [
    StartsWith("b"),
    StartsWith("cab"),
    EndsWith("a"),
    EndsWith("bb"),
    EndsWith("cab"),
    Contains("cc"),
    Contains("bab"),
    Matches("(ab|c)*"),
    Matches("[ab]*c[ab]+"),
    Length(3, 3),
    Length(2, 4),
    Length(5),
    Only("ab"),
    Never("c"),
    WithoutWords(("a", "bb")),
    ~Contains("b"),
    StartsWith("a") | EndsWith("c"),
]


def combinations(count: int) -> list[list[Condition]]:
    """Random pairs and triples that at least three strings meet."""
    rng, found = random.Random(4), []
    while len(found) < count:
        some = rng.sample(SINGLE, rng.choice([2, 2, 3]))
        try:
            automaton = conjunction(some, ABC)
        except UsageError:
            continue
        assert automaton is not None
        accepted = (s for s in EVERY if automaton.accepts(ABC.encode(s)))
        if len(list(islice(accepted, 3))) == 3:  # no more are asked for: this runs whenever tests are collected
            found.append(some)
    return found


COMBINED = combinations(20)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return sharp_engine()


def draw(engine: Engine, n: int, conditions: list[Condition], **options) -> list[str]:
    return list(sample_strings(Distribution(engine, ABC), n, conditions=conditions, **options))


def prepared(
    engine: Engine, conditions: list[Condition], *, shape: Shape = UNSHAPED, longest: int = 1000
) -> Preparation:
    automaton = conjunction(conditions, ABC)
    assert automaton is not None
    return Preparation.of(Distribution(engine, ABC), automaton, shape, longest)


def drawn(sampler: Sampler, n: int) -> list[str]:
    return list(Samples(sampler, n))


WAYS = {
    "exact": lambda preparation: preparation.exact(1),
    "strict": lambda preparation: preparation.strict(1),
    "guided": lambda preparation: preparation.guided(1, 0),
    "guided, learned": lambda preparation: preparation.guided(1, 1),
}


@pytest.mark.parametrize("conditions", [*([one] for one in SINGLE), *COMBINED], ids=lambda c: " & ".join(map(str, c)))
@pytest.mark.parametrize("way", WAYS)
def test_exact_samples_follow_the_enumerated_distribution(engine: Engine, conditions: list[Condition], way: str):
    n = 8000
    probabilities = enumerated(engine, conditions, UNSHAPED)
    strings = drawn(WAYS[way](prepared(engine, conditions)), n)
    assert len(strings) == n
    assert short(strings).keys() <= probabilities.keys()
    assert short(strings).total() > n / 20
    assert chi_square_z(short(strings), probabilities) < 4.5


@pytest.mark.parametrize("conditions", [[EndsWith("cab")], [Matches("[ab]*c[ab]+")], [Length(5), Never("c")]])
def test_fast_samples_meet_the_conditions_and_are_biased(engine: Engine, conditions: list[Condition]):
    """The check that passes exact samples notices the bias."""
    probabilities = enumerated(engine, conditions, UNSHAPED)
    strings = draw(engine, 8000, conditions, seed=1, mode="fast")
    assert short(strings).keys() <= probabilities.keys()
    assert chi_square_z(short(strings), probabilities) > 10


@pytest.mark.parametrize(
    "shape", [Shape(temperature=0.6), Shape(temperature=1.7), Shape(top_k=2), Shape(top_p=0.7)], ids=str
)
@pytest.mark.parametrize("conditions", [[], [EndsWith("a")], [Contains("cb"), Length(2, 6)]], ids=str)
def test_a_shaped_distribution_under_conditions(engine: Engine, conditions: list[Condition], shape: Shape):
    probabilities = enumerated(engine, conditions or [Length(1)], shape)
    guided = drawn(prepared(engine, conditions, shape=shape).guided(1, 0), 8000) if conditions else []
    for strings in (guided, draw(engine, 8000, conditions, shape=shape, seed=1)):
        assert short(strings).keys() <= {s for s, p in probabilities.items() if p > 0}
        assert not strings or chi_square_z(short(strings), probabilities) < 4.5


@pytest.mark.parametrize("conditions", [[EndsWith("cab")], [Contains("bab"), Never("c")], [Length(3, 4)]], ids=str)
def test_the_chance_of_a_condition_is_measured(engine: Engine, conditions: list[Condition]):
    truth = sum(enumerated(engine, conditions, UNSHAPED).values())
    preparation = prepared(engine, conditions, longest=LONGEST)
    found, tried = preparation.guided(0, 0), Samples(preparation.strict(0), 2000)
    list(tried)
    for chance, error in ((found.chance, found.chance_error), (tried.chance, tried.chance_error)):
        assert abs(chance - truth) <= 4 * error + 0.01 * truth  # strings longer than 8 are few
        assert error < truth / 4
    assert found.clipped < 0.002


def test_a_seed_gives_the_same_strings_however_many_are_asked_for(engine: Engine):
    for mode in ("exact", "strict", "fast"):

        def some(n: int, seed: int, mode: str = mode) -> list[str]:
            return draw(engine, n, [EndsWith("cab")], seed=seed, mode=mode)

        many = some(3000, 3)
        assert some(7, 3) == many[:7]
        assert some(1500, 3) == many[:1500]
        assert some(7, 4) != many[:7]


def test_small_batches_give_the_same_strings(engine: Engine):
    found = prepared(engine, [EndsWith("cab")]).guided(1, 0)
    small = replace(found, source=replace(found.source, batch_bytes=1))
    assert small.source.room() < found.source.room()
    assert drawn(small, 3000) == drawn(found, 3000)


def test_a_beginning_is_drawn_without_rejection_and_as_without_other_conditions(engine: Engine):
    assert type(prepared(engine, [StartsWith("cab")]).exact(1)) is AsDrawn


def test_a_bound_that_is_too_low_would_be_noticed(engine: Engine):
    """With a bound far below the weights, kept strings follow the guide and not the model."""
    conditions: list[Condition] = [Matches("[ab]*c[ab]+")]
    found = prepared(engine, conditions).guided(1, 0)
    strings = drawn(replace(found, log_bound=-50.0), 8000)
    assert chi_square_z(short(strings), enumerated(engine, conditions, UNSHAPED)) > 10


def test_unique_strings(engine: Engine):
    conditions: list[Condition] = [Length(2, 2)]
    assert sorted(draw(engine, 9, conditions, unique=True, seed=1)) == sorted(
        "".join(s) for s in product("abc", repeat=2)
    )
    some = sample_strings(Distribution(engine, ABC), 10, conditions=conditions, unique=True, seed=1)
    found: list[str] = []
    with pytest.raises(SamplingError, match="only 9 such strings exist, and 10 are asked for"):
        found.extend(some)  # which keeps what came before
    assert len(set(found)) == 9
    assert len(set(sample_strings(Distribution(engine, ABC), 300, unique=True, seed=1))) == 300


def test_refused_strings_are_drawn_again(engine: Engine):
    def refused(strings: list[str]) -> np.ndarray:
        return np.array([s in ("aa", "ab", "b") for s in strings])

    kept = Counter(draw(engine, 5000, [Length(0, 3)], refused=refused, seed=1))
    probabilities = enumerated(engine, [Length(0, 3)], UNSHAPED)
    assert not kept.keys() & {"aa", "ab", "b"}
    assert chi_square_z(kept, {s: p for s, p in probabilities.items() if s not in ("aa", "ab", "b")}) < 4.5


def test_what_is_all_refused_is_told_before_anything_is_drawn(engine: Engine):
    with pytest.raises(UsageError, match="only 3 strings meet the conditions, and every one of them is refused"):
        draw(engine, 1, [Length(1, 1)], refused=lambda strings: np.ones(len(strings), bool))


def test_what_is_refused_for_ever_is_told(engine: Engine):
    passes = Filter(refused=lambda strings: np.ones(len(strings), bool))
    sentence = (
        r"0 strings were found, and then none among 2,048 more that were drawn: fewer than 0.001 of all can be used"
    )
    with pytest.raises(SamplingError, match=sentence):
        list(Samples(prepared(engine, [StartsWith("a")]).exact(1), 1, passes, hopeless=1 << 12))


def test_a_guided_string_has_the_weight_of_its_probabilities(engine: Engine):
    """The weights' mean over strings is each string's probability: an unbiased estimate of the enumerated one."""
    batch = prepared(engine, [EndsWith("cab")], longest=LONGEST).guided(5, 0).source.batch(0, 32 * 1024)
    weights = np.exp(batch.log_weights)
    probabilities = enumerated(engine, [EndsWith("cab")], UNSHAPED)
    strings = np.array(ABC.decode_rows(batch.ids))
    for string in sorted(probabilities, key=lambda s: -probabilities[s])[:5]:
        own = np.where(strings == string, weights, 0)
        assert abs(own.mean() - probabilities[string]) < 5 * own.std() / np.sqrt(len(own))


def test_a_condition_that_nearly_all_strings_meet_is_met_by_all(engine: Engine):
    """None of the strings that are tried first is too long, but one of some thousand is."""
    longest = max(map(len, sample_strings(Distribution(engine, ABC), 12 * 1024, seed=0)))
    conditions: list[Condition] = [Length(0, longest + 1)]
    assert max(map(len, draw(engine, 100_000, conditions, seed=7))) <= longest + 1
    assert (
        max(map(len, sample_strings(Distribution(engine, ABC), 100_000, seed=7))) > longest + 1
    )  # so that the check can fail


def test_a_beginning_that_the_shaped_model_never_makes(engine: Engine):
    first = "abc"[int(engine.start(1).logits[0, 1:].argmax())]
    other = next(c for c in "abc" if c != first)
    wishes: list[list[Condition]] = [[StartsWith(other)], [StartsWith(other), EndsWith("ab")]]
    for conditions in wishes:
        with pytest.raises(SamplingError, match=f"begins with '{other}', and the model makes no such string"):
            draw(engine, 3, conditions, shape=Shape(top_k=1))


def test_a_beginning_cut_at_the_maximum_length_is_cut_with_filters_too(engine: Engine):
    def nothing(strings: list[str]) -> np.ndarray:
        return np.zeros(len(strings), dtype=bool)

    conditions: list[Condition] = [StartsWith("ab")]
    plain = draw(engine, 50, conditions, max_length=3, seed=1)
    assert plain == draw(engine, 50, conditions, max_length=3, seed=1, refused=nothing)
    assert {len(s) for s in plain} == {2, 3, 4}  # twice the beginning


def test_strings_may_be_longer_where_a_condition_asks_for_it(engine: Engine):
    strings = draw(engine, 200, [Length(6)], max_length=4, seed=1)
    assert {len(s) for s in strings} > {6, 7}
