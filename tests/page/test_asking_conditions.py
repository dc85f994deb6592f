"""The page's conditions mean what Python's mean, and each holds for every string that is drawn."""

from itertools import product
from random import Random
from typing import Any

import pytest
from asked import WISHES, sharp_model
from enumerated import ABC
from in_node import Page
from patterns_at_random import pattern

from wavemore.errors import WavemoreError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.sampling.constraints import Condition, EndsWith, Length, Only, StartsWith, conjunction
from wavemore.sampling.patterns import Matches

WIDE = Vocabulary("".join(sorted(set("abkKsSI019_ -[]^.\t\nßẞſiıİKÅåµμΣσςθϑϴΐéÉ中²٣|\\𐐀𐐨"))))

PIECES = [
    *("a", "b", "k", "\\", "[", "]", "(", ")", "(?:", "(?i)", "(?i:", "(?a:", "(?s:", "(?x: ", "(?-i:", "(?P<n>"),
    *("(?P=n)", "(?#c)", "(?=", "(?<!", "(?>", "(?(1)a|b)", "{2}", "{1,", "{,2}", "{3,1}", "*", "+", "?", "??", "*+"),
    *("|", "^", "$", "\\A", "\\Z", "\\b", "\\d", "\\w", "\\S", "\\x41", "\\u0061", "\\U00000061", "\\07", "\\1"),
    *(
        "\\123",
        "\\400",
        "\\q",
        "[^",
        "[a-c",
        "-",
        "a-z",
        "&&",
        "--",
        "~~",
        "||",
        "[[:alpha:]]",
        ".",
        "ß",
        "ſ",
        "İ",
        "µ",
    ),
    *(
        "ß",
        "ſ",
        "İ",
        "µ",
        " ",
        "#",
        "\n",
        "(?aiLmsux)",
        "(?u)",
        "(?m)",
        "(?sx)",
        "σ",
        "[Α-Ω]",
        "[k-s]",
        "[^K]",
        "{4294967295}",
        "{99999}",
    ),
]
REFUSED = {
    "(?=a)b": "look-around",
    "b(?<!a)": "look-around",
    r"(a)\1": "a back-reference",
    "(?P<n>a)(?P=n)": "a back-reference",
    "(a)?(?(1)b|c)": "a condition on a group",
    "(?>a|ab)c": "an atomic group",
    "a*+b": "a possessive repeat",
    r"a\b": "a word boundary",
    r"(?=a)\Bb{2}+": "a possessive repeat",
}
SETS = ["k", "S", "i", "ß", "ẞ", "ſ", "µ", "σ", "θ", "ΐ", "\\w", "\\d", "\\W", "a-z", "Α-Ω", "𐐀-𐐧", "é-ÿ", "^"]


def told(pattern: str, vocabulary: Vocabulary, strings: list[str]) -> list[int] | str:
    """Which strings Python's automaton accepts, or its sentence of why there is none."""
    try:
        automaton = Matches(pattern).automaton(vocabulary)
    except WavemoreError as error:
        return str(error)
    return [int(automaton.accepts(vocabulary.encode(string))) for string in strings]


def check_patterns(page: Page, vocabulary: Vocabulary, patterns: list[str], rng: Random) -> list[list[int] | str]:
    letters = vocabulary.characters
    strings = ["", *letters, *("".join(rng.choices(letters, k=rng.randint(2, 5))) for _ in range(40))]
    cases = [{"pattern": one, "strings": strings} for one in patterns]
    found = page.does("matches", characters=[*letters], cases=cases)
    expected = [told(one, vocabulary, strings) for one in patterns]
    assert dict(zip(patterns, found, strict=True)) == dict(zip(patterns, expected, strict=True))
    return expected


def test_patterns_drawn_at_random_match_what_python_matches(page: Page) -> None:
    rng = Random(1)
    expected = check_patterns(page, ABC, [pattern(rng) for _ in range(120)], rng)
    assert sum(isinstance(one, list) and 1 in one for one in expected) > 70


def test_what_is_no_pattern_is_refused_with_pythons_sentence(page: Page) -> None:
    rng = Random(2)
    patterns = [*REFUSED, *("".join(rng.choices(PIECES, k=rng.randint(1, 6))) for _ in range(200))]
    expected = check_patterns(page, WIDE, patterns, rng)
    assert sum(isinstance(one, str) for one in expected) > 50
    for (one, what), sentence in zip(REFUSED.items(), expected, strict=False):
        assert f"{one!r} has {what};" in str(sentence)


def test_case_is_ignored_as_in_python(page: Page) -> None:
    rng = Random(3)
    flags = ["(?i)", "(?ai)", "(?i)", "(?s)", "(?a)"]
    patterns = [
        rng.choice(flags) + "".join(f"[{''.join(rng.choices(SETS, k=rng.randint(1, 3)))}]" for _ in range(2)) + "?"
        for _ in range(100)
    ]
    expected = check_patterns(page, WIDE, patterns, rng)
    assert sum(isinstance(one, list) and 1 in one for one in expected) > 50


def test_a_pattern_that_takes_too_much_is_refused(page: Page) -> None:
    for one in ("(a|b|c)*a(a|b|c){16}", "((a{99}){99}){99}", "(" * 500 + "a" + ")" * 500, r"\N{DIGIT ONE}"):
        found = page.does("matches", characters=["a", "b", "c"], cases=[{"pattern": one, "strings": []}])
        (sentence,) = found
        assert isinstance(sentence, str)
        assert sentence.startswith(repr(one))
        if "N{" not in one:
            assert sentence == told(one, ABC, [])


@pytest.mark.parametrize(("wish", "conditions"), WISHES)
def test_conditions_accept_what_pythons_accept(page: Page, wish: dict[str, Any], conditions: list[Condition]) -> None:
    automaton = conjunction(conditions, ABC)
    assert automaton is not None
    strings = ["".join(s) for n in range(8) for s in product("abc", repeat=n)]
    found = page.does("accepts", characters=["a", "b", "c"], wish=wish, strings=strings)
    assert found == [int(automaton.accepts(ABC.encode(string))) for string in strings]
    assert 0 < sum(found) < len(found)


@pytest.mark.parametrize(("wish", "conditions"), [WISHES[1], WISHES[-2]])
def test_each_condition_holds_for_ten_thousand_strings(
    page: Page, wish: dict[str, Any], conditions: list[Condition]
) -> None:
    automaton = conjunction(conditions, ABC)
    assert automaton is not None
    strings = page.strings(sharp_model(), count=10_000, seed=5, unique=False, **wish)
    assert len(strings) == 10_000
    assert all(automaton.accepts(ABC.encode(string)) for string in set(strings))


IMPOSSIBLE: list[tuple[dict[str, Any], list[Condition]]] = [
    ({"startsWith": "abc", "maxLength": 2}, [StartsWith("abc"), Length(0, 2)]),
    ({"maxLength": 0}, [Length(0, 0)]),
    ({"pattern": "x+"}, [Matches("x+")]),
    ({"startsWith": "a", "endsWith": "b", "only": "ac"}, [StartsWith("a"), EndsWith("b"), Only("ac")]),
    (
        {"startsWith": "ab", "endsWith": "ca", "maxLength": 3},
        [StartsWith("ab"), EndsWith("ca"), Length(0, 3)],
    ),
]


@pytest.mark.parametrize(("wish", "conditions"), IMPOSSIBLE)
def test_what_no_string_can_meet_is_told_at_once(page: Page, wish: dict[str, Any], conditions: list[Condition]) -> None:
    with pytest.raises(WavemoreError) as error:
        conjunction(conditions, ABC)
    for likeliest in (False, True):
        (answer,) = page.sampled(sharp_model(), count=3, likeliest=likeliest, **wish)
        assert answer["error"] == str(error.value)


def test_wrong_numbers_and_characters_are_told(page: Page) -> None:
    model = sharp_model()
    wrong: dict[str, dict[str, Any]] = {
        "the number of strings is -1; it must be a whole number from 0 to 10,000,000": {"count": -1},
        "the temperature is 0; it must be a finite number above 0": {"count": 1, "temperature": 0},
        "the seed is 0.5; it must be a whole number of 0 or more": {"count": 1, "seed": 0.5},
        "the least length is 2.5; it must be a whole number of 0 or more": {"count": 1, "minLength": 2.5},
        "the least length is 4 and the most is 3; the most must not be smaller": {
            "count": 1,
            "minLength": 4,
            "maxLength": 3,
        },
        "'B' (U+0042) in 'aB' is not among the 3 characters that the model knows: abc; it knows 'b': write that": {
            "count": 1,
            "contains": "aB",
        },
    }
    for sentence, wish in wrong.items():
        assert page.sampled(model, **wish) == [{"id": 1, "error": sentence}]


def test_texts_are_quoted_as_python_quotes_them(page: Page) -> None:
    texts = ["a'b", "a'\"", "\n\t\r\\", "é \u200b\xa0\x85", "\U000e0001𐐀", ""]
    assert page.does("quoted", texts=texts) == list(map(repr, texts))
