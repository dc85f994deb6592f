"""Wishes that tests ask the page for, and the conditions of Python that say the same."""

from collections import Counter
from typing import Any

from enumerated import ABC, sharp_engine
from in_node import Page, table_of

from wavemore.sampling.constraints import Condition, Contains, EndsWith, Length, Never, Only, StartsWith
from wavemore.sampling.patterns import Matches

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
    """The strings that are enumerated too."""
    strings = page.strings(model, count=N, **{"seed": 11, **wish})
    assert len(strings) == N
    return Counter(string for string in strings if len(string) <= 8)


def sharp_model() -> dict[str, Any]:
    """The model whose strings are enumerated, as a table."""
    return table_of(sharp_engine(), ABC, 4)
