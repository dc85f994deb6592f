"""Ten thousand regular expressions at random, against `re.fullmatch` over all strings of up to six letters."""

import re
from itertools import product
from random import Random

import pytest
from patterns_at_random import pattern

from wavemore.lists.vocabulary import Vocabulary
from wavemore.sampling.patterns import Matches

pytestmark = pytest.mark.slow


def test_ten_thousand_patterns_match_what_python_says():
    vocabulary = Vocabulary("abc")
    strings = ["".join(letters) for length in range(7) for letters in product("abc", repeat=length)]
    spelled = [vocabulary.encode(string) for string in strings]
    rng, known = Random(0), set()
    while len(known) < 10_000:
        text = pattern(rng)
        if text in known:
            continue
        known.add(text)
        automaton, match = Matches(text).automaton(vocabulary), re.compile(text).fullmatch
        wrong = [s for s, ids in zip(strings, spelled, strict=True) if automaton.accepts(ids) != (match(s) is not None)]
        assert wrong == [], text
