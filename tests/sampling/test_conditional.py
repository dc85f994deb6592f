"""Samples under conditions, against the conditional distribution over every string of a tiny model."""

import random
from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from wavemore.errors import SamplingError, UsageError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet
from wavemore.predict.engine import Engine
from wavemore.predict.predictor import Distribution
from wavemore.sampling.conditional import Conditional
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
from wavemore.sampling.guide import Shape
from wavemore.sampling.patterns import Matches
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import ModelConfig

ABC = Vocabulary("abc")
LONGEST = 8
EVERY = ["".join(s) for n in range(1, LONGEST + 1) for s in product("abc", repeat=n)]

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
        if sum(automaton.accepts(ABC.encode(s)) for s in EVERY) >= 3:
            found.append(some)
    return found


COMBINED = combinations(20)


@pytest.fixture(scope="module")
def engine() -> Engine:
    net = WaveNet(ModelConfig(groups=(2, 2), embedding=3, hidden=6), 4, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        net.head.linear.weight *= 12  # type: ignore[operator, union-attr]
        net.head.linear.bias[0] += 0.5  # type: ignore[index, union-attr]
    return Engine(net.config, {name: tensor.numpy() for name, tensor in net.eval().state_dict().items()})


def enumerated(engine: Engine, conditions: list[Condition], shape: Shape) -> dict[str, float]:
    """The probability of every string of up to 8 characters that meets the conditions, among them, derived here step by
    step from the logits."""
    automaton = conjunction(conditions, ABC)
    found: dict[str, float] = {}
    states, chances, strings = engine.start(1), np.ones(1), [""]
    for depth in range(LONGEST + 1):
        weights = shape.weights(states.logits, may_end=depth > 0).astype(float)[states.context_of]
        weights /= weights.sum(axis=1, keepdims=True)
        found.update({s: p for s, p in zip(strings, chances * weights[:, 0], strict=True) if s})
        if depth == LONGEST:
            break
        parents, ids = np.repeat(np.arange(len(strings)), 3), np.tile([1, 2, 3], len(strings))
        chances = chances[parents] * weights[parents, ids]
        strings = [strings[i] + "abc"[c - 1] for i, c in zip(parents, ids, strict=True)]
        states = engine.step(engine.rearranged(states, parents), np.arange(len(parents)), ids)
    assert automaton is not None
    return {s: p for s, p in found.items() if automaton.accepts(ABC.encode(s))}


def chi_square_z(counts: Counter[str], probabilities: dict[str, float]) -> float:
    """How many standard deviations the chi-square statistic lies above its mean; rare strings share one cell."""
    n, total = counts.total(), sum(probabilities.values())
    cells = {s: p / total * n for s, p in probabilities.items() if p / total * n >= 8}
    rest = n - sum(cells.values())
    statistic = sum((counts[s] - e) ** 2 / e for s, e in cells.items())
    if rest >= 8:
        statistic += (n - sum(counts[s] for s in cells) - rest) ** 2 / rest
    return (statistic - len(cells)) / np.sqrt(2 * max(1, len(cells)))


def draw(engine: Engine, n: int, conditions: list[Condition], **options) -> list[str]:
    return list(sample_strings(Distribution(engine, ABC), n, conditions=conditions, **options))


def short(strings: list[str]) -> Counter[str]:
    """Those among them that are enumerated."""
    return Counter(string for string in strings if len(string) <= LONGEST)


@pytest.fixture
def guided(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look ahead even where the condition is common."""
    monkeypatch.setattr("wavemore.sampling.conditional._COMMON", 2.0)
    monkeypatch.setattr("wavemore.sampling.conditional._GUIDED_COST", 0.0)


@pytest.mark.parametrize("conditions", [*([one] for one in SINGLE), *COMBINED], ids=lambda c: " & ".join(map(str, c)))
@pytest.mark.parametrize("way", ["as it comes", "guided"])
def test_exact_samples_follow_the_enumerated_distribution(
    engine: Engine, conditions: list[Condition], way: str, request: pytest.FixtureRequest
):
    if way == "guided":
        request.getfixturevalue("guided")
    n = 8000
    probabilities = enumerated(engine, conditions, Shape())
    drawn = draw(engine, n, conditions, seed=1)
    assert len(drawn) == n
    assert short(drawn).keys() <= probabilities.keys()
    assert short(drawn).total() > n / 20
    assert chi_square_z(short(drawn), probabilities) < 4.5


@pytest.mark.parametrize("conditions", [[EndsWith("cab")], [Matches("[ab]*c[ab]+")], [Length(5), Never("c")]])
def test_fast_samples_meet_the_conditions_and_are_biased(engine: Engine, conditions: list[Condition]):
    """The check that passes exact samples notices the bias."""
    probabilities = enumerated(engine, conditions, Shape())
    drawn = draw(engine, 8000, conditions, seed=1, mode="fast")
    assert short(drawn).keys() <= probabilities.keys()
    assert chi_square_z(short(drawn), probabilities) > 10


@pytest.mark.parametrize(
    "shape", [Shape(temperature=0.6), Shape(temperature=1.7), Shape(top_k=2), Shape(top_p=0.7)], ids=str
)
@pytest.mark.parametrize("conditions", [[], [EndsWith("a")], [Contains("cb"), Length(2, 6)]], ids=str)
def test_a_shaped_distribution_under_conditions(
    engine: Engine, conditions: list[Condition], shape: Shape, guided: None
):
    probabilities = enumerated(engine, conditions or [Length(1)], shape)
    options = {"temperature": shape.temperature, "top_k": shape.top_k, "top_p": shape.top_p}
    drawn = short(draw(engine, 8000, conditions, seed=1, **options))
    assert drawn.keys() <= {s for s, p in probabilities.items() if p > 0}
    assert chi_square_z(drawn, probabilities) < 4.5


@pytest.mark.parametrize("conditions", [[EndsWith("cab")], [Contains("bab"), Never("c")], [Length(3, 4)]], ids=str)
def test_the_chance_of_a_condition_is_measured(engine: Engine, conditions: list[Condition], guided: None):
    truth = sum(enumerated(engine, conditions, Shape()).values())
    automaton = conjunction(conditions, ABC)
    assert automaton is not None
    found = Conditional.of(Distribution(engine, ABC), automaton, Shape(), LONGEST, 0)
    assert abs(found.chance - truth) <= 4 * found.chance_error + 0.01 * truth  # strings longer than 8 are few
    assert found.clipped < 0.002


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_a_seed_gives_the_same_strings_however_many_are_asked_for(
    engine: Engine, mode: str, guided: None, monkeypatch: pytest.MonkeyPatch
):
    conditions: list[Condition] = [EndsWith("cab")]
    many = draw(engine, 3000, conditions, seed=3, mode=mode)
    assert draw(engine, 7, conditions, seed=3, mode=mode) == many[:7]
    assert draw(engine, 1500, conditions, seed=3, mode=mode) == many[:1500]
    assert draw(engine, 7, conditions, seed=4, mode=mode) != many[:7]
    monkeypatch.setattr("wavemore.sampling.source._BATCH_BYTES", 1)
    assert draw(engine, 3000, conditions, seed=3, mode=mode) == many


def test_a_beginning_is_drawn_without_rejection_and_as_without_other_conditions(engine: Engine):
    automaton = conjunction([StartsWith("cab")], ABC)
    assert automaton is not None
    found = Conditional.of(Distribution(engine, ABC), automaton, Shape(), LONGEST, 0)
    assert found.kept == 1
    assert found.source.guide is None


def test_a_bound_that_is_too_low_would_be_noticed(engine: Engine, guided: None, monkeypatch: pytest.MonkeyPatch):
    """With a bound far below the weights, kept strings follow the guide and not the model."""
    conditions: list[Condition] = [Matches("[ab]*c[ab]+")]
    of = Conditional.of

    def low(*arguments: object) -> Conditional:
        return replace(of(*arguments), log_bound=-50.0)  # type: ignore[arg-type]

    monkeypatch.setattr(Conditional, "of", low)
    drawn = draw(engine, 8000, conditions, seed=1)
    assert chi_square_z(short(drawn), enumerated(engine, conditions, Shape())) > 10


def test_unique_strings(engine: Engine):
    conditions: list[Condition] = [Length(2, 2)]
    assert sorted(draw(engine, 9, conditions, unique=True, seed=1)) == sorted(
        "".join(s) for s in product("abc", repeat=2)
    )
    with pytest.raises(UsageError, match="only 9 strings meet the conditions, and 10 different ones are asked for"):
        draw(engine, 10, conditions, unique=True)
    drawn = list(sample_strings(Distribution(engine, ABC), 300, unique=True, seed=1))
    assert len(set(drawn)) == 300


def test_refused_strings_are_drawn_again(engine: Engine):
    def refused(strings: list[str]) -> np.ndarray:
        return np.array([s in ("aa", "ab", "b") for s in strings])

    kept = Counter(draw(engine, 5000, [Length(0, 3)], refused=refused, seed=1))
    probabilities = enumerated(engine, [Length(0, 3)], Shape())
    assert not kept.keys() & {"aa", "ab", "b"}
    assert chi_square_z(kept, {s: p for s, p in probabilities.items() if s not in ("aa", "ab", "b")}) < 4.5


def test_what_is_all_refused_is_told_before_anything_is_drawn(engine: Engine):
    with pytest.raises(UsageError, match="only 3 strings meet the conditions, and every one of them is refused"):
        sample_strings(
            Distribution(engine, ABC), 1, conditions=[Length(1, 1)], refused=lambda strings: np.ones(len(strings), bool)
        )


def test_what_is_refused_for_ever_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("wavemore.sampling.sample._HOPELESS", 1 << 12)
    with pytest.raises(
        SamplingError, match=r"after 0 strings, .* were drawn in a row without another one that is wanted"
    ):
        list(sample_strings(Distribution(engine, ABC), 1, refused=lambda strings: np.ones(len(strings), bool)))


def test_a_condition_that_the_model_hardly_meets_is_told_with_its_chance(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("wavemore.sampling.conditional._LEAST_EFFECTIVE", 1.1)
    monkeypatch.setattr("wavemore.sampling.conditional._RARE", 1.0)
    with pytest.raises(
        SamplingError, match=r"too rare for mode exact: about [\d.e-]+ of the model's strings meet them"
    ):
        draw(engine, 1, [EndsWith("cab"), Length(7)])


def test_a_guided_string_has_the_weight_of_its_probabilities(engine: Engine, guided: None):
    """The weights' mean over strings is each string's probability: an unbiased estimate of the enumerated one."""
    automaton = conjunction([EndsWith("cab")], ABC)
    assert automaton is not None
    source = Conditional.of(Distribution(engine, ABC), automaton, Shape(), LONGEST, 5).source
    drawn = source.batch(0, 32 * 1024)
    weights = np.exp(drawn.log_weights)
    probabilities = enumerated(engine, [EndsWith("cab")], Shape())
    strings = np.array(ABC.decode_rows(drawn.ids))
    for string in sorted(probabilities, key=lambda s: -probabilities[s])[:5]:
        own = np.where(strings == string, weights, 0)
        assert abs(own.mean() - probabilities[string]) < 5 * own.std() / np.sqrt(len(own))


def test_a_condition_that_nearly_all_strings_meet_is_met_by_all(engine: Engine):
    """None of the strings that are tried first is too long, but one of some thousand is."""
    longest = max(map(len, sample_strings(Distribution(engine, ABC), 12 * 1024, seed=0)))
    conditions: list[Condition] = [Length(0, longest + 1)]
    drawn = draw(engine, 100_000, conditions, seed=7)
    assert max(map(len, drawn)) <= longest + 1
    assert (
        max(map(len, sample_strings(Distribution(engine, ABC), 100_000, seed=7))) > longest + 1
    )  # so that the check can fail


def test_a_beginning_that_the_shaped_model_never_makes(engine: Engine):
    first = "abc"[int(engine.start(1).logits[0, 1:].argmax())]
    other = next(c for c in "abc" if c != first)
    wishes: list[list[Condition]] = [[StartsWith(other)], [StartsWith(other), EndsWith("ab")]]
    for conditions in wishes:
        with pytest.raises(SamplingError, match=f"begins with '{other}', and the model makes none that does"):
            draw(engine, 3, conditions, top_k=1)


def test_a_beginning_cut_at_the_maximum_length_is_cut_with_filters_too(engine: Engine):
    def nothing(strings: list[str]) -> np.ndarray:
        return np.zeros(len(strings), dtype=bool)

    conditions: list[Condition] = [StartsWith("ab")]
    plain = list(sample_strings(Distribution(engine, ABC), 50, conditions=conditions, max_length=3, seed=1))
    assert plain == list(
        sample_strings(Distribution(engine, ABC), 50, conditions=conditions, max_length=3, seed=1, refused=nothing)
    )
    assert {len(s) for s in plain} == {2, 3, 4}  # twice the beginning


def test_strings_may_be_longer_where_a_condition_asks_for_it(engine: Engine):
    drawn = list(sample_strings(Distribution(engine, ABC), 200, conditions=[Length(6)], max_length=4, seed=1))
    assert {len(s) for s in drawn} > {6, 7}
