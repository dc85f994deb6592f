"""Regular expressions, against `re.fullmatch` over every string up to a length."""

import re
from itertools import product
from random import Random

import numpy as np
import pytest
from enumerated import chi_square_z, enumerated, sharp_engine, short
from hypothesis import given, settings
from hypothesis import strategies as st
from patterns_at_random import pattern

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.predictor import Distribution
from wavemore.sampling.patterns import Matches
from wavemore.sampling.sample import sample_strings
from wavemore.sampling.shape import UNSHAPED

ABC = Vocabulary("abc")
EVERY = ["".join(s) for n in range(6) for s in product("abc", repeat=n)]


def accepted(text: str, strings: list[str], vocabulary: Vocabulary = ABC) -> list[str]:
    automaton = Matches(text).automaton(vocabulary)
    return [string for string in strings if automaton.accepts(vocabulary.encode(string))]


def matching(text: str, strings: list[str]) -> list[str]:
    return [string for string in strings if re.fullmatch(text, string)]


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_a_pattern_matches_what_python_says(rng: Random):
    text = pattern(rng)
    assert accepted(text, EVERY) == matching(text, EVERY)


@pytest.mark.parametrize(
    "text",
    [
        *("a|ab|abc", "(a|b)*?b", "[abc]{0,4}cca", "ab+?", "a|a*?b", "(a|ab)(c|bcb)?", "(?:a|ab|b)+?c"),
        *("^a|b$", "(^a|b)c", "a(b$)?", r"\Aa*\Z", "^^ab", "(?:^)*a", "(?:a$)*", "$^", "a^b", "(^|a)b"),
        *("(?i)ABC|[AB]+", "(?i:B)a", "(?x) a b # both\n | c", "(?s).", "(?a:\\w)", "(?P<first>a)b", "a(?#comment)b"),
        *("[^\\W\\d]", "[a-c-]", "[]a]", "[^]a]+", "\\x61", "\\u0061b", "\\N{LATIN SMALL LETTER A}", "[\\x61-\\x62]c"),
        *("", "()", "a{0}b", "(|a)+b", "(a?){3}", "(a*)*b", "((a*)+)*", "(?:a{,2}b){2,3}", "x|a", "[xyz]*c"),
    ],
)
def test_patterns_of_many_kinds(text: str):
    assert accepted(text, EVERY) == matching(text, EVERY)


@pytest.mark.parametrize(
    "text",
    [r"\w+", "(?i)STRASSE", "(?i)ſtr.*", r"[^\W_]+", "é", "e\u0301", "[à-ü]{2}", "(?a)\\w*", "(?i)[^k]", "(?i)K"],
)
def test_characters_beyond_ascii(text: str):
    vocabulary = Vocabulary.of(["strasseſßéàükK\u212a_😀١ı"])
    strings = [*vocabulary.characters, "strasse", "STRASSE", "ſtrasse", "éà", "üé", "١١", "_", "kK"]
    known = [string for string in strings if vocabulary.knows(string)]
    assert accepted(text, known, vocabulary) == matching(text.replace("e\u0301", "é"), known)


def test_line_ends():
    """`$` also matches before a line end that ends the string; nothing here says that, so it is refused."""
    lines = Vocabulary("\nab")
    strings = ["", "a", "a\n", "\n", "a\nb"]
    for text in ("a.", "(?s)a.", "a\n?", r"a\Z", r"a\n"):
        assert accepted(text, strings, lines) == matching(text, strings)
    for text in ("a$\n", "(?m)^a$", "(?m)^a"):
        with pytest.raises(UsageError, match=r"has \^ or \$ where strings can have line ends: write \\A and \\Z"):
            Matches(text).automaton(lines)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("(?=a)b", "has look-around; a pattern must do without look-around, back-references"),
        ("(?<!a)b", "has look-around; "),
        ("(?!)", "has look-around; "),
        (r"(a)\1", "has a back-reference; "),
        ("(?P<x>a)(?P=x)", "has a back-reference; "),
        ("(a)?(?(1)b|c)", "has a condition on a group; "),
        ("(?>a|ab)c", "has an atomic group; "),
        ("a*+b", "has a possessive repeat; "),
        (r"a\b", "has a word boundary; "),
        (r"\Ba", "has a word boundary; "),
        ("(ab", "cannot be used as a regular expression: missing ), unterminated subpattern at position 0"),
        (r"\p{L}", r"cannot be used as a regular expression: bad escape \p at position 0"),
        (r"a\z", "cannot be used as a regular expression: bad escape"),
        ("[[:alpha:]]", "cannot be used as a regular expression: Possible nested set at position 1"),
        ("[a&&b]", "cannot be used as a regular expression: Possible set intersection at position 2"),
        ("a{2,1}", "cannot be used as a regular expression: min repeat greater than max repeat at position 2"),
        ("a{99999999999}", "cannot be used as a regular expression: the repetition number is too large"),
        ("a{1,999999999}", "has 999,999,999 pieces when its counts are written out; they must be at most 10,000"),
        ("((((a?b?){10}){10}){10}){4}", "needs too large an automaton"),
        ("((((a{10}){10}){10}){10}){10}", "pieces when its counts are written out; they must be at most 10,000"),
        ("(" * 5000 + "a" + ")" * 5000, "is nested too deeply"),
        ("[ab]*a[ab]{20}", "needs too large an automaton; write it with smaller counts"),
    ],
)
def test_what_cannot_be_used_is_named(text: str, sentence: str):
    if text == r"a\z" and re.compile("a").flags and _python_knows_small_z():
        pytest.skip("this Python knows it")
    with pytest.raises(UsageError) as raised:
        Matches(text).automaton(ABC)
    assert str(raised.value).startswith(repr(text))
    assert sentence in str(raised.value)


def _python_knows_small_z() -> bool:
    try:
        re.compile(r"a\z")
    except re.error:
        return False
    return True


def test_long_patterns_that_are_light():
    assert accepted("a{5000}", ["a" * 4999, "a" * 5000, "a" * 5001]) == ["a" * 5000]
    assert accepted("(a?){300}a{300}", ["a" * n for n in (299, 300, 600, 601)]) == ["a" * 300, "a" * 600]
    assert accepted("(((a|b){0,10}c){0,3}c){0,3}", ["", "a", "cc", "abcabcc"]) == ["", "cc", "abcabcc"]
    assert len(Matches("[ab]*a[ab]{10}").automaton(ABC).accepting) == 2**11 + 1  # the one before the string


@pytest.mark.parametrize("text", ["a|ab|abc", "a|a*?b", "(a|ab)(c|bcb)?", "(?:b|ba|bac)", "[abc]{0,4}cca", "(a|b)*?b"])
def test_exact_samples_follow_the_enumerated_distribution(text: str):
    engine, conditions = sharp_engine(), [Matches(text)]
    probabilities = enumerated(engine, conditions, UNSHAPED)
    drawn = list(sample_strings(Distribution(engine, ABC), 8000, conditions=conditions, seed=1))
    assert short(drawn).keys() <= probabilities.keys()
    assert len(short(drawn)) >= min(3, len(probabilities))
    assert abs(chi_square_z(short(drawn), probabilities)) < 4.5
    assert np.isfinite(chi_square_z(short(drawn), probabilities))
