"""Wishes that tests ask the page for, and the conditions of Python that say the same."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from enumerated import ABC, enumerated, p_value, sharp_engine
from in_node import Page, table_of

from wavemore.judging.likelihood import log_likelihoods
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Condition, Contains, EndsWith, Length, Never, Only, StartsWith
from wavemore.sampling.patterns import Matches
from wavemore.sampling.shape import Shape

N = 100_000
SHORT = Length(1, 8)

WISHES: list[tuple[dict[str, Any], list[Condition]]] = [
    ({"startsWith": "ab"}, [StartsWith("ab")]),
    ({"endsWith": "cca"}, [EndsWith("cca")]),
    ({"contains": "bab"}, [Contains("bab")]),
    ({"contains": ["aa", "ca"]}, [Contains("aa"), Contains("ca")]),
    ({"minLength": 3}, [Length(3)]),
    ({"maxLength": 4}, [Length(0, 4)]),
    ({"minLength": 2, "maxLength": 2}, [Length(2, 2)]),
    ({"only": "ab"}, [Only("ab")]),
    ({"never": "bx"}, [Never("bx")]),
    ({"pattern": "(ab|c)*[ac]{1,3}"}, [Matches("(ab|c)*[ac]{1,3}")]),
    (
        {"startsWith": "b", "endsWith": "a", "contains": "cc", "minLength": 4, "maxLength": 7, "pattern": ".*c.?a"},
        [StartsWith("b"), EndsWith("a"), Contains("cc"), Length(4, 7), Matches(".*c.?a")],
    ),
    ({"endsWith": "c", "never": "a", "minLength": 3}, [EndsWith("c"), Never("a"), Length(3)]),
]

CASES: dict[str, tuple[dict[str, Any], list[Condition], float]] = {
    "as they come": ({}, [SHORT], 1.0),
    "likelier": ({"temperature": 0.6}, [SHORT], 0.6),
    "stranger": ({"temperature": 1.7}, [SHORT], 1.7),
    "a beginning": ({"startsWith": "ca"}, [StartsWith("ca"), SHORT], 1.0),
    "an ending": ({"endsWith": "bca"}, [EndsWith("bca"), SHORT], 1.0),
    "within a length": ({"minLength": 5, "maxLength": 8}, [Length(5, 8)], 1.0),
    "an ending, stranger": ({"endsWith": "bca", "temperature": 1.7}, [EndsWith("bca"), SHORT], 1.7),
    "several": (
        {"startsWith": "a", "endsWith": "c", "contains": "bb", "maxLength": 8},
        [StartsWith("a"), EndsWith("c"), Contains("bb"), SHORT],
        1.0,
    ),
    "a rare pattern": ({"pattern": "(ac|bc)[ab]*b.{2}(ca)?c"}, [Matches("(ac|bc)[ab]*b.{2}(ca)?c"), SHORT], 1.0),
    "a rare one, likelier": (
        {"contains": ["cab", "bb"], "only": "abc", "minLength": 7, "maxLength": 8, "temperature": 0.6},
        [Contains("cab"), Contains("bb"), Only("abc"), Length(7, 8)],
        0.6,
    ),
}


def drawn(page: Page, model: dict[str, Any], **wish: Any) -> Counter[str]:
    """How often each of 100,000 strings came, of those that are enumerated too."""
    counts = Counter[str](page.does("counted", model=model, wish={"count": N, "seed": 11, "unique": False, **wish}))
    assert counts.total() == N
    return Counter({string: count for string, count in counts.items() if len(string) <= 8})


def sharp_model() -> dict[str, Any]:
    """The model whose strings are enumerated, as a table."""
    return table_of(sharp_engine(), ABC, 4)


GUIDED: dict[str, tuple[dict[str, Any], list[Condition], int]] = {
    "before it has learned": ({"endsWith": "bca"}, [EndsWith("bca"), SHORT], 1),
    "when it has learned": ({"endsWith": "bca"}, [EndsWith("bca"), SHORT], 2),
    "from a beginning, stranger": (
        {"startsWith": "c", "endsWith": "ab", "temperature": 1.5},
        [StartsWith("c"), EndsWith("ab"), SHORT],
        2,
    ),
}


def check_guided(page: Page, case: str) -> None:
    """What a guide keeps is the model's own, by a G-test."""
    wish, conditions, rounds = GUIDED[case]
    told = page.does("guided", model=sharp_model(), wish={"seed": 3, **wish}, rounds=rounds, count=30_000)
    assert told["sound"]
    assert told["clipped"] < 0.01
    assert told["kept"] > 0.1
    strings = [string for string, _ in told["found"]]
    temperature = wish.get("temperature", 1.0)
    expected = enumerated(sharp_engine(), conditions, Shape(temperature=temperature))
    assert p_value(Counter(string for string in strings if len(string) <= 8), expected) > 0.001
    scores = log_likelihoods(Distribution(sharp_engine(), ABC), strings[:300])
    np.testing.assert_allclose([score for _, score in told["found"][:300]], scores, atol=1e-4)
    longer = sum(len(string) > 8 for string in strings) / 30_000
    assert told["share"] * (1 - longer) == pytest.approx(sum(expected.values()), rel=0.1)
