"""Conditions against brute force: every string over a small alphabet, up to a length."""

import itertools
import random
import re

import numpy as np
import pytest

from wavemore.errors import UnknownCharacterError, UsageError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.sampling.automaton import DEAD, Automaton
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
    every_string,
)
from wavemore.sampling.patterns import Matches

ABC = Vocabulary("abc")
EVERY = ["".join(s) for n in range(7) for s in itertools.product("abc", repeat=n)]

PLAIN = {
    "starts": (StartsWith("ab"), lambda s: s.startswith("ab")),
    "ends": (EndsWith("aba"), lambda s: s.endswith("aba")),
    "ends in a repetition": (EndsWith("aa"), lambda s: s.endswith("aa")),
    "contains": (Contains("bab"), lambda s: "bab" in s),
    "contains nothing": (Contains(""), lambda s: True),
    "without words": (WithoutWords(("ab", "cc", "bca")), lambda s: not any(w in s for w in ("ab", "cc", "bca"))),
    "without a part of a word": (WithoutWords(("abcab", "bc")), lambda s: "bc" not in s),
    "exactly": (Length(3, 3), lambda s: len(s) == 3),
    "at most": (Length(0, 4), lambda s: len(s) <= 4),
    "at least": (Length(2), lambda s: len(s) >= 2),
    "only": (Only("bc"), lambda s: set(s) <= set("bc")),
    "never": (Never("b"), lambda s: "b" not in s),
    "matches": (Matches("a(b|c)*a?"), lambda s: re.fullmatch("a(b|c)*a?", s) is not None),
    "matches with anchors": (Matches("^[ab]+c$"), lambda s: re.fullmatch("[ab]+c", s) is not None),
    "matches where one way is closed": (Matches("ab|cd0"), lambda s: s == "ab"),
}
BOTH = {
    "and": (StartsWith("a") & EndsWith("b"), lambda s: s[:1] == "a" and s[-1:] == "b"),
    "or": (StartsWith("a") | Length(2, 2), lambda s: s[:1] == "a" or len(s) == 2),
    "not": (~Contains("ab"), lambda s: "ab" not in s),
    "not not": (~~Contains("ab"), lambda s: "ab" in s),
    "nested": (
        ~(StartsWith("a") & ~Length(0, 3)) | EndsWith("c"),
        lambda s: not (s[:1] == "a" and len(s) > 3) or s[-1:] == "c",
    ),
}
ALL = {**PLAIN, **BOTH}


@pytest.mark.parametrize("name", ALL)
def test_an_automaton_accepts_what_the_condition_says(name: str):
    condition, says = ALL[name]
    automaton = condition.automaton(ABC)
    assert [s for s in EVERY if automaton.accepts(ABC.encode(s))] == [s for s in EVERY if says(s)]
    assert any(map(says, EVERY))
    check_trimmed(automaton)


def check_trimmed(automaton: Automaton):
    """No dead end, nothing that cannot be reached, and distances that are those of the nearest end."""
    states = range(len(automaton.accepting))
    assert (automaton.transitions[:, 0] == DEAD).all()
    reached, queue = {0}, [0]
    for state in queue:
        for following in automaton.transitions[state][automaton.transitions[state] != DEAD]:
            if int(following) not in reached:
                reached.add(int(following))
                queue.append(int(following))
    assert reached == set(states)
    for state in states:
        following = automaton.transitions[state][automaton.transitions[state] != DEAD]
        nearest = 0 if automaton.accepting[state] else 1 + min(automaton.distance[following])
        assert automaton.distance[state] == nearest


@pytest.mark.parametrize("seed", range(30))
def test_random_combinations(seed: int):
    rng = random.Random(seed)
    names = rng.sample(sorted(ALL), 3)
    (a, says_a), (b, says_b), (c, says_c) = (ALL[name] for name in names)
    condition = (a | b) & ~c
    automaton = condition.automaton(ABC)
    wanted = [s for s in EVERY if (says_a(s) or says_b(s)) and not says_c(s)]
    assert [s for s in EVERY if automaton.accepts(ABC.encode(s))] == wanted
    if not automaton.empty:
        check_trimmed(automaton)


def test_a_conjunction_leaves_out_the_empty_string():
    found = conjunction([Length(0, 1)], ABC)
    assert found is not None
    assert every_string(found, ABC) == ["c", "b", "a"]
    assert conjunction([], ABC) is None


def test_what_can_be_counted_is_listed_and_what_cannot_is_not():
    found = conjunction([Length(2, 3), Never("c"), StartsWith("b")], ABC)
    assert found is not None
    assert sorted(every_string(found, ABC) or []) == ["ba", "baa", "bab", "bb", "bba", "bbb"]
    assert found.size(6) == 6
    assert found.size(5) is None
    endless = conjunction([EndsWith("a")], ABC)
    assert endless is not None
    assert endless.size(10**9) is None
    assert every_string(endless, ABC) is None


def test_from_where_everything_is_acceptable():
    found = StartsWith("ab").automaton(ABC)
    assert found.free.tolist() == [False, False, True]
    assert not EndsWith("a").automaton(ABC).free.any()
    assert Contains("c").automaton(ABC).free.tolist() == [False, True]
    assert Length(0, 30_000).automaton(ABC).free.sum() == 0  # in a moment: work is not quadratic


@pytest.mark.parametrize(
    ("conditions", "sentence"),
    [
        ([StartsWith("ab"), Never("b")], "no string that the model can make starts with 'ab' and has none of the "),
        (
            [Length(2, 2), StartsWith("a"), Contains("bcb")],
            "make has exactly 2 characters and contains 'bcb'; it makes",
        ),
        ([Only("xyz")], "no string that the model can make has only the characters 'xyz'; it makes strings of one "),
        ([Length(0, 0)], "no string that the model can make has exactly 0 characters; "),
        ([Matches("x+")], "no string that the model can make matches 'x+'; "),
        ([Length(2, 3), EndsWith("ab"), StartsWith("ba"), Never("c"), Contains("bb")], "and contains 'bb'; it"),
        (
            [Length(3, 3), StartsWith("a"), EndsWith("c"), Contains("bb")],
            "has exactly 3 characters and starts with 'a'",
        ),
    ],
)
def test_what_no_string_meets_is_said_with_its_reason(conditions: list[Condition], sentence: str):
    with pytest.raises(UsageError) as raised:
        conjunction(conditions, ABC)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (WithoutWords(("a", "")), "a banned word is empty"),
        (
            Length(0, 10**9),
            "the conditions together need an automaton of 1,000,000,001 states or more; with 4 characters",
        ),
        (Contains("a" * 5000) & Length(0, 5000), "the conditions together need an automaton of"),
    ],
)
def test_a_condition_that_cannot_be_used(condition: Condition, sentence: str):
    with pytest.raises(UsageError) as raised:
        condition.automaton(ABC)
    assert sentence in str(raised.value)


@pytest.mark.parametrize("condition", [StartsWith("x"), EndsWith("x"), Contains("ax")])
def test_text_that_the_model_cannot_spell(condition: Condition):
    with pytest.raises(UnknownCharacterError, match=r"'x' \(U\+0078\)"):
        condition.automaton(ABC)


def test_characters_and_words_that_the_model_cannot_spell_are_in_no_string_anyway():
    assert Never("x").automaton(ABC).free.all()
    assert WithoutWords(("x", "ax")).automaton(ABC).free.all()
    assert [s for s in EVERY if Only("abx").automaton(ABC).accepts(ABC.encode(s))] == [s for s in EVERY if "c" not in s]


@pytest.mark.parametrize(("least", "most"), [(-1, None), (2.5, None), (0, -1), (0, "3"), (True, None), (3, 2)])
def test_a_length_that_makes_no_sense(least: object, most: object):
    with pytest.raises(UsageError, match="length"):
        Length(least, most)  # type: ignore[arg-type]


def test_unicode():
    vocabulary = Vocabulary.of(["ångström", "😀é日本"])
    assert EndsWith("é").automaton(vocabulary).accepts(vocabulary.encode("日é"))  # spelled with a combining mark
    matches = Matches(r"\w+").automaton(vocabulary)
    assert matches.accepts(vocabulary.encode("日本é"))
    assert not matches.accepts(vocabulary.encode("😀"))
    assert Matches("[å-ö😀]{2}").automaton(vocabulary).accepts(vocabulary.encode("😀ö"))


def test_a_condition_says_what_it_is():
    condition = ~(StartsWith("a") & Length(1)) | Matches("b+")
    assert str(condition) == "(not ((starts with 'a' and has at least 1 character)) or matches 'b+')"
    assert str(Length(2, 4)) == "has at most 4 characters and at least 2"


def test_an_automaton_of_nothing():
    nothing = Automaton.of(np.zeros((1, 4), np.int32), np.zeros(1, bool))
    assert nothing.empty
    assert not nothing.accepts([])
    assert nothing.size(1) == 0
