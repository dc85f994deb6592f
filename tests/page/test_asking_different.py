"""No string comes twice in one asking, as Python's `unique` has it; and what is told where few or rare ones come."""

import re
from collections import Counter
from typing import Any

import pytest
from asked import sharp_model
from enumerated import enumerated, p_value, sharp_engine
from in_node import Page, model_of

import wavemore
from wavemore.sampling.constraints import EndsWith, Length
from wavemore.sampling.shape import Shape

RARE = "bbbbcccccaaaa"  # a guide leads to it


def strings_in(answers: list[dict[str, Any]]) -> list[str]:
    return [one["string"] for answer in answers for one in answer["strings"]]


@pytest.mark.parametrize("wish", [{}, {"startsWith": "ca"}, {"endsWith": "ca"}, {"endsWith": RARE}])
def test_strings_are_different_unless_that_is_not_wished(page: Page, wish: dict[str, Any]) -> None:
    some = {"count": 150, "seed": 1, "temperature": 0.8, **wish}
    strings = page.strings(sharp_model(), **some)
    assert len(set(strings)) == len(strings) == 150
    repeated = page.strings(sharp_model(), unique=False, **some)
    assert len(set(repeated)) < 150
    assert strings[:5] == [*dict.fromkeys(repeated)][:5]  # the same draws, without those that came before


def test_they_are_drawn_without_replacement(page: Page) -> None:
    chances = enumerated(sharp_engine(), [Length(1, 3), EndsWith("ca")], Shape())
    total = sum(chances.values())
    of = {string: chance / total for string, chance in chances.items()}
    expected = {f"{a} {b}": of[a] * of[b] / (1 - of[a]) for a in of for b in of if a != b}
    wish = {"maxLength": 3, "endsWith": "ca"}
    counts = Counter[str](page.does("pairs", model=sharp_model(), wish=wish, seeds=1000))
    assert p_value(counts, expected) > 0.001
    with_replacement = {f"{a} {b}": of[a] * of[b] for a in of for b in of}
    assert p_value(counts, with_replacement) < 1e-12


def test_where_fewer_different_strings_can_come_that_is_told(page: Page) -> None:
    answers = page.sampled(sharp_model(), count=50, maxLength=2, seed=1)
    strings = strings_in(answers)
    assert sorted(strings) == sorted([a + b for a in "abc" for b in ("", *"abc")])
    assert answers[-1]["reason"] == "the model makes no others that can be used"
    only = {"characters": ["a", "b"], "table": {"context": 1, "logits": [-90, 0, -90, 0, -90, -90, 0, -90, -90]}}
    answers = page.sampled(only, count=3, seed=1)  # without a condition there is no memory of what came
    assert strings_in(answers) == ["a"]
    again = re.fullmatch("the last ([0-9,]+) that came were all among them", answers[-1]["reason"])
    assert again
    assert int(again[1].replace(",", "")) >= 500


def test_what_was_passed_over_comes_where_nothing_else_is_left(page: Page) -> None:
    model = {**sharp_model(), "about": {"plausible": {"mean": 0.9, "worst": 1.4}}}
    answers = page.sampled(model, count=50, maxLength=2, seed=1, plausible=True)
    assert len(set(strings_in(answers))) == len(strings_in(answers)) == 12
    few = answers[-1]["implausible"]
    assert 1 < few <= 12
    assert answers[-1]["notes"][0] == (
        f"{few} of the 12 strings are not plausible: hardly any that meets the conditions is"
    )


def test_of_strings_that_are_not_plausible_those_shown_alone_are_counted(page: Page) -> None:
    model = {**sharp_model(), "about": {"plausible": {"mean": 1e-6, "worst": 1e-6}}}  # none is, and one of eight comes
    for count in (2, 4, 10):  # a portion may have more than are still wanted
        answers = page.sampled(model, count=count, endsWith="a", seed=1, plausible=True)
        assert len(strings_in(answers)) == answers[-1]["implausible"] == count


def test_how_rare_strings_are_is_told(page: Page) -> None:
    answers = page.sampled(sharp_model(), count=5, endsWith=RARE, seed=1)
    told = re.fullmatch("about 1 in ([0-9,]+) of the model's strings meet the conditions", answers[-1]["notes"][0])
    assert told
    assert int(told[1].replace(",", "")) == pytest.approx(1 / answers[-1]["share"], rel=0.06)
    assert answers[-1]["share"] < 1e-5
    common = page.sampled(sharp_model(), count=5, endsWith="a", seed=1)
    assert common[-1]["notes"] == []
    assert all("notes" not in answer for answer in answers[:-1])


def test_the_packages_model_is_led_to_what_hardly_any_of_its_strings_meets(page: Page) -> None:
    model = model_of(wavemore.load().file_)
    wish = {"startsWith": "x", "endsWith": "x", "contains": "q", "plausible": True}
    answers = page.sampled(model, count=5, seed=2, **wish)
    strings = strings_in(answers)
    assert len(set(strings)) == 5
    assert all(re.fullmatch("x.*q.*x", string) for string in strings)
    assert answers[-1]["looked"] < 60_000
    assert answers[-1]["clipped"] < 0.01
    assert 1e-8 < answers[-1]["share"] < 1e-7  # the command says 1 in 37,000,000
