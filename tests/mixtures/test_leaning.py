"""A model that leans towards favourites: its probabilities by the formulas in plain Python, and planted styles."""

from collections import Counter
from itertools import product
from math import exp

import numpy as np
import pytest
from models_at_random import ABC, LIKED, leaning, mixture, network, overflowing, rows

import wavemore
from wavemore.errors import ModelFileError, UnknownCharacterError, UsageError
from wavemore.lists.corpus import read_corpus
from wavemore.predict.predictor import Distribution, log_probabilities

IDS = ".abc"


def by_hand(base: dict[str, list[float]], before: str, liked: list[str], strength: float) -> list[float]:
    """What may follow a beginning, the end first. `base` has the same of the model for every beginning."""
    longest = max(map(len, liked))
    seen, expected = Counter[str](), dict.fromkeys("abc", 0.0)
    ended, ends = [0.0] * (longest + 3), [0.0] * (longest + 3)  # by length, one to the right
    for string in liked:
        seen.update(string)
        ended[len(string) + 1] += 1
        for place in range(len(string) + 1):
            p = base[string[:place]]
            ends[place + 1] += p[0]
            if place < len(string):
                for character in "abc":
                    expected[character] += p[IDS.index(character)] / (1 - p[0])
    p = base[before][:]
    factors = {c: ((seen[c] + 0.2) / (expected[c] + 0.2)) ** strength for c in "abc"}
    scale = (1 - p[0]) / sum(factors[c] * p[IDS.index(c)] for c in "abc")
    p[1:] = [scale * factors[c] * p[IDS.index(c)] for c in "abc"]
    at = min(len(before), longest) + 1
    near, near_expected = (0.1 * x[at - 1] + 0.8 * x[at] + 0.1 * x[at + 1] for x in (ended, ends))
    p[0] *= ((near + 0.2) / (near_expected + 0.2)) ** strength
    p = [x / sum(p) for x in p]
    for length, a in ((1, 80.0), (2, 10.0), (3, 4.0)):
        context = ("." + before)[-length:]
        if len(context) < length:
            break
        after = Counter(
            text[i + length] for text in (f".{s}." for s in liked) for i in range(len(text) - length)
            if text[i : i + length] == context
        )  # fmt: skip
        p = [(strength * after[c] + a * x) / (strength * after.total() + a) for c, x in zip(IDS, p, strict=True)]
    return p


@pytest.mark.parametrize(
    ("strength", "liked"), [(1, LIKED), (2.5, ["a", "b", "ca", "ca"]), (0.5, ["cabcab", "c", "bb"])]
)
def test_what_follows_is_as_the_formulas_say(strength, liked):
    base, beginnings = network(6), ["".join(s) for n in range(8) for s in product("abc", repeat=n)]
    own = _following(base, beginnings)
    found = _following(leaning(base, strength, liked), beginnings)
    for before in beginnings:
        assert found[before] == pytest.approx(by_hand(own, before, sorted(set(liked)), strength), rel=2e-5), before


def _following(model, beginnings: list[str]) -> dict[str, list[float]]:
    found, ends = rows(model, beginnings, ABC), np.cumsum([len(s) + 1 for s in beginnings]) - 1
    chances = np.exp(found[ends].astype(np.float64))
    return dict(zip(beginnings, (chances / chances.sum(axis=1, keepdims=True)).tolist(), strict=True))


def test_without_strength_it_is_the_model():
    model, strings = mixture(order=4), ["abcab", "", "cab", "bbbbbbbbbb"]
    own, leant = (log_probabilities(Distribution(m, ABC), strings) for m in (model, leaning(model, 0)))
    assert leant == pytest.approx(own, abs=2e-6)


def test_many_favourites_and_the_greatest_strength_leave_something_to_the_model():
    draw = np.random.default_rng(1)
    liked = ["".join(draw.choice(list("ab"), 12)) for _ in range(2000)]
    leant = log_probabilities(Distribution(leaning(network(6), 10, liked), ABC), ["ccccc"])
    assert np.isfinite(leant).all()
    assert leant[0] < -10


@pytest.mark.parametrize(
    ("liked", "strength", "kind", "sentence"),
    [
        (["ab", "ab", "b"], 1, UsageError, "there are 2 different favourites; give 3 or more that have in common"),
        (["ab"], 1, UsageError, "there is 1 different favourite; give 3 or more that have in common"),
        (LIKED, -1, UsageError, "the strength is -1; it must be a number from 0 to 10"),
        (LIKED, float("nan"), UsageError, "the strength is nan; it must be a number from 0 to 10"),
        (LIKED, "2", UsageError, "the strength is '2'; it must be a number from 0 to 10"),
        (["ab", "bé", "c"], 1, UnknownCharacterError, "'é' (U+00E9) in 'bé' is not among the 3 characters"),
    ],
)
def test_what_cannot_be_leant_towards(liked, strength, kind, sentence):
    with pytest.raises(kind) as raised:
        leaning(network(6), strength, liked)
    assert str(raised.value).startswith(sentence)


def test_a_model_whose_numbers_overflow_says_so():
    with pytest.raises(ModelFileError, match="too large to compute with"):
        leaning(overflowing())


STYLES = {
    "ends in lyn": lambda string: string.endswith("lyn"),
    "has a z": lambda string: "z" in string,
    "of ten characters or more": lambda string: len(string) >= 10,
}


@pytest.mark.parametrize("style", STYLES)
def test_five_favourites_of_a_planted_style_bring_more_of_it(style):
    """At least five times as many, most others still there, few repeated, few of the favourites themselves."""
    model, holds = wavemore.load(), STYLES[style]
    listed = [string for string in read_corpus("names").strings if holds(string)]
    usual = np.mean([holds(string) for string in model.sample(20_000, seed=1)])
    shares, distinct, copies = [], [], []
    for seed in range(4):
        liked = np.random.default_rng(seed).choice(listed, 5, replace=False).tolist()
        drawn = model.sample(500, like=liked, seed=seed)
        shares.append(np.mean([holds(string) for string in drawn]))
        distinct.append(len(set(drawn)) / len(drawn))
        copies.append(np.mean([string in liked for string in drawn]))
    assert 0 < 5 * usual < np.mean(shares)
    assert max(shares) < 0.7
    assert np.mean(distinct) > 0.9
    assert max(copies) < 0.05


def test_more_strength_brings_more_of_it():
    model, liked = wavemore.load(), ["jocelyn", "jonalyn", "arlyn", "ginalyn", "katelyn"]
    shares = [
        np.mean([s.endswith("lyn") for s in model.sample(1000, like=liked, strength=strength, seed=1)])
        for strength in (0, 1, 2)
    ]
    assert shares[0] < 0.01 < 0.04 < shares[1] < shares[2] / 2


def test_it_says_of_strings_what_it_draws():
    """Under a condition: the shares of single strings among all that meet it, by their scores, and as drawn."""
    model = wavemore.load().leaning(["zoe", "ezra", "zara", "hazel"], 2)
    drawn = Counter(model.sample(4000, starts_with="ez", length=4, seed=1))
    every = [f"ez{a}{b}" for a, b in product("abcdefghijklmnopqrstuvwxyz", repeat=2)]
    chances = np.exp(model.score_samples(every))
    chances /= chances.sum()
    for string, chance in sorted(zip(every, chances.tolist(), strict=True), key=lambda pair: -pair[1])[:8]:
        assert abs(drawn[string] - 4000 * chance) < 4.5 * (4000 * chance) ** 0.5
    found = model.most_likely(8, starts_with="ez", length=4)
    assert [s for s, _ in found] == [every[i] for i in np.argsort(-chances)[:8]]
    (explained,) = model.explain(["ezra"])
    assert exp(explained.log_likelihood) == pytest.approx(exp(model.score_samples(["ezra"])[0]), rel=1e-5)
