"""What the page draws is distributed exactly as the model's own strings that meet the conditions: G-tests of 100,000
strings against the distribution that is enumerated here, with fixed seeds. Each must have a p-value above 0.001."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from asked import CASES, SHORT, N, drawn, sharp_model
from enumerated import ABC, EVERY, enumerated, p_value, sharp_engine
from in_node import Page

from wavemore.sampling.automaton import Automaton
from wavemore.sampling.constraints import EndsWith, conjunction
from wavemore.sampling.shape import Shape


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    return sharp_model()


@pytest.mark.parametrize("case", ["as they come", "several"])
def test_strings_are_the_models_own(page: Page, model: dict[str, Any], case: str) -> None:
    wish, conditions, temperature = CASES[case]
    expected = enumerated(sharp_engine(), conditions, Shape(temperature=temperature))
    assert p_value(drawn(page, model, **wish), expected) > 0.001


def test_new_strings_are_the_models_own_without_those_of_its_list(page: Page, model: dict[str, Any]) -> None:
    for wish, conditions in ([{"endsWith": "a"}, [EndsWith("a"), SHORT]],):
        expected = enumerated(sharp_engine(), conditions, Shape())
        seen = sorted(expected, key=lambda string: -expected[string])[:30:2]
        assert sum(expected[string] for string in seen) > 0.1 * sum(expected.values())
        counts = drawn(page, {**model, "seen": seen}, isNew=True, **wish)
        assert p_value(counts, {s: p for s, p in expected.items() if s not in seen}) > 0.001


def test_strings_are_the_same_however_often_the_engine_forgets(page: Page, model: dict[str, Any]) -> None:
    forgetful = {**model, "table": {**model["table"], "bytes": 1 << 28}}
    for wish in ({"count": 3000}, {"count": 3000, "endsWith": "ca"}, {"count": 200, "likeliest": True}):
        assert page.strings(forgetful, seed=3, **wish) == page.strings(model, seed=3, **wish)


def test_a_seed_gives_the_same_strings_and_the_first_ones_for_any_number(page: Page, model: dict[str, Any]) -> None:
    for wish in ({}, {"endsWith": "ca"}, {"plausible": True}):
        many = page.strings(model, count=5000, seed=7, **wish)
        assert page.strings(model, count=5000, seed=7, **wish) == many
        assert page.strings(model, count=70, seed=7, **wish) == many[:70]
        assert page.strings(model, count=70, seed=8, **wish) != many[:70]
        assert page.strings(model, count=70, **wish) != page.strings(model, count=70, **wish)


def masked(automaton: Automaton) -> dict[str, float]:
    """The distribution of a wrong sampler: at each character what cannot be accepted is masked, and what is left is
    scaled up."""
    engine, found = sharp_engine(), dict[str, float]()
    waiting = [("", 0, 1.0, engine.start(1))]
    while waiting:
        string, state, chance, position = waiting.pop()
        logits = position.logits[position.context_of[0]].astype(float)
        allowed = automaton.open(np.array([state]), 8 - len(string))[0]
        allowed[0] &= bool(string)
        weights = np.where(allowed, np.exp(logits - logits.max()), 0)
        weights *= chance / weights.sum()
        if weights[0]:
            found[string] = float(weights[0])
        for i in np.flatnonzero(weights[1:]) + 1:
            after = engine.step(position, np.arange(1), np.array([i]))
            waiting.append((string + "abc"[i - 1], int(automaton.transitions[state, i]), float(weights[i]), after))
    return found


def test_a_sampler_that_only_masks_fails_the_test() -> None:
    conditions = [EndsWith("bca"), SHORT]
    automaton, expected = conjunction(conditions, ABC), enumerated(sharp_engine(), conditions, Shape())
    assert automaton is not None
    draw = np.random.default_rng(0)

    def counted(distribution: dict[str, float]) -> Counter[str]:
        names, chances = [*distribution], np.array([*distribution.values()])
        counts = draw.multinomial(N, chances / chances.sum())
        return Counter({name: int(count) for name, count in zip(names, counts, strict=True) if count})

    wrong = masked(automaton)
    assert wrong.keys() == expected.keys() <= set(EVERY)
    assert p_value(counted(wrong), expected) < 1e-12
    assert p_value(counted(expected), expected) > 0.001
