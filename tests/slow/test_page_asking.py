"""All that the page draws, by G-tests of 100,000 strings each; and patterns at random, by the thousand."""

import re
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import pytest
from asked import CASES, GUIDED, SHORT, WISHES, check_guided, drawn, sharp_model
from enumerated import ABC, enumerated, p_value, sharp_engine
from in_node import Page
from labelled_page import LABELS, check_strings
from patterns_at_random import pattern

from wavemore.sampling.constraints import Condition, EndsWith, conjunction
from wavemore.sampling.shape import Shape

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with Page() as running:
        yield running


@pytest.mark.parametrize("case", CASES)
def test_strings_are_the_models_own(page: Page, case: str) -> None:
    wish, conditions, temperature = CASES[case]
    expected = enumerated(sharp_engine(), conditions, Shape(temperature=temperature))
    assert p_value(drawn(page, sharp_model(), **wish), expected) > 0.001


def test_new_strings_are_the_models_own_without_those_of_its_list(page: Page) -> None:
    for wish, conditions in (({}, [SHORT]), ({"endsWith": "a"}, [EndsWith("a"), SHORT])):
        expected = enumerated(sharp_engine(), conditions, Shape())
        seen = sorted(expected, key=lambda string: -expected[string])[:30:2]
        assert sum(expected[string] for string in seen) > 0.1 * sum(expected.values())
        counts = drawn(page, {**sharp_model(), "seen": seen}, isNew=True, **wish)
        assert p_value(counts, {s: p for s, p in expected.items() if s not in seen}) > 0.001


@pytest.mark.parametrize("case", GUIDED)
def test_what_a_guide_keeps_is_the_models_own(page: Page, case: str) -> None:
    check_guided(page, case)


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("conditions", [False, True])
def test_strings_are_those_of_the_label(page: Page, name: str, conditions: bool) -> None:
    check_strings(page, LABELS[name], conditions=conditions)


@pytest.mark.parametrize(("wish", "conditions"), WISHES)
def test_each_condition_holds_for_ten_thousand_strings(
    page: Page, wish: dict[str, Any], conditions: list[Condition]
) -> None:
    automaton = conjunction(conditions, ABC)
    assert automaton is not None
    strings = page.strings(sharp_model(), count=10_000, seed=5, unique=False, **wish)
    assert len(strings) == 10_000
    assert all(automaton.accepts(ABC.encode(string)) for string in set(strings))


def test_three_thousand_patterns_match_what_python_says(page: Page) -> None:
    strings = ["".join(letters) for length in range(6) for letters in product("abc", repeat=length)]
    rng = Random(0)
    patterns = sorted({pattern(rng) for _ in range(3000)})
    for start in range(0, len(patterns), 500):
        part = patterns[start : start + 500]
        cases = [{"pattern": one, "strings": strings} for one in part]
        for one, found in zip(part, page.does("matches", characters=[*"abc"], cases=cases), strict=True):
            match = re.compile(one).fullmatch
            assert found == [int(match(string) is not None) for string in strings], one


def test_why_fewer_strings_come_than_were_asked_for(page: Page) -> None:
    model = {
        "characters": ["a"],
        "table": {"context": 1, "logits": [-3.0, 0.0] * 2},
        "seen": ["a" * n for n in range(900)],
    }
    answers = page.sampled(model, count=3, isNew=True, seed=1)
    assert [answer["strings"] for answer in answers] == [[]] * len(answers)
    reason = answers[-1]["reason"]
    assert reason == f"{answers[-1]['looked']:,} strings were tried, and none of them is new"
    assert answers[-1]["looked"] > 1000
    assert "notes" not in answers[-1]
