"""Preparations that are kept for the next call, also when several threads ask at once."""

import copy
import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from enumerated import ABC, sharp_engine

from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import Condition, Contains, EndsWith, Length, Never
from wavemore.sampling.preparations import Preparations
from wavemore.sampling.sample import sample_strings
from wavemore.sampling.shape import UNSHAPED

THREADS, CALLS = 8, 10_000
KEYS: list[list[Condition]] = [[Length(1, most)] for most in range(1, 10)]


@pytest.fixture
def often_switched() -> Iterator[None]:
    """Threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("often_switched")
def test_threads_each_get_what_they_asked_for(monkeypatch):
    monkeypatch.setattr(Preparations, "_new", staticmethod(lambda _, conditions, *__: ("made for", conditions)))
    preparations, nothing = Preparations(), Distribution(sharp_engine(), ABC)

    def ask(thread: int) -> int:
        asked = (KEYS[(thread + call * (thread + 1)) % len(KEYS)] for call in range(CALLS))
        made: Any = ((preparations.of(nothing, conditions, UNSHAPED, 10), conditions) for conditions in asked)
        return sum(found == ("made for", conditions) for found, conditions in made)

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(ask, range(THREADS))) == [CALLS] * THREADS
    assert 0 < len(preparations._known) <= 4


def test_threads_draw_the_same_strings_as_one_alone():
    distribution, preparations = Distribution(sharp_engine(), ABC), Preparations()
    wishes: list[Condition] = [*map(EndsWith, "abc"), *map(Contains, ("bb", "ca", "cab")), Length(2, 3), Never("b")]

    def drawn(preparations: Preparations | None) -> list[list[str]]:
        known: Any = {"seed": 1, "preparations": preparations}
        return [list(sample_strings(distribution, 20, conditions=[wish], **known)) for wish in wishes]

    expected = drawn(None)
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(lambda _: drawn(preparations), range(THREADS))) == [expected] * THREADS


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda known: pickle.loads(pickle.dumps(known))],
    ids=["copy", "deep", "pickle"],
)
def test_copies_begin_empty_and_work(copied):
    distribution, preparations = Distribution(sharp_engine(), ABC), Preparations()
    expected = list(sample_strings(distribution, 9, conditions=[EndsWith("b")], seed=1, preparations=preparations))
    other = copied(preparations)
    assert len(preparations._known) == 1
    assert len(other._known) == 0
    assert list(sample_strings(distribution, 9, conditions=[EndsWith("b")], seed=1, preparations=other)) == expected
    assert len(other._known) == 1


def test_the_last_four_are_kept():
    distribution, preparations = Distribution(sharp_engine(), ABC), Preparations()
    wishes: list[Condition] = [EndsWith("a"), EndsWith("b"), Never("c"), Contains("ab")]
    first = [preparations.of(distribution, [wish], UNSHAPED, 10) for wish in wishes]
    assert preparations.of(distribution, [wishes[0]], UNSHAPED, 10) is first[0]  # which now is the latest
    preparations.of(distribution, [Length(2)], UNSHAPED, 10)
    again = [
        preparations.of(distribution, [wish], UNSHAPED, 10) is kept for wish, kept in zip(wishes, first, strict=True)
    ]
    assert again == [True, False, False, False]  # asking for the second again took the place of the third, and so on
