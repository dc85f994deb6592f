"""A search for the likeliest strings that is given too little work, or just enough."""

from itertools import pairwise

import pytest
from models_at_random import ABC, network

from wavemore.errors import SamplingError
from wavemore.models.kinds import distribution_of
from wavemore.models.modelfile import ModelFile, pretrained_path
from wavemore.predict.predictor import Distribution
from wavemore.sampling.automaton import Automaton
from wavemore.sampling.constraints import Length, conjunction
from wavemore.sampling.patterns import Matches
from wavemore.sampling.search import most_likely
from wavemore.sampling.wish import Wish


@pytest.fixture(scope="module")
def names() -> Distribution:
    return distribution_of(ModelFile.load(pretrained_path()))


@pytest.mark.parametrize("wish", [{"length": 1000}, {"contains": ["q", "x", "zz"]}, {"ends_with": "sigma"}], ids=str)
def test_a_search_that_takes_too_long_is_told(names, wish):
    automaton = conjunction(Wish(**wish).conditions(), names.vocabulary)
    sentence = (
        "only 0 of the 3 likeliest strings are known after 10,000 beginnings: no other string of log-likelihood -"
    )
    with pytest.raises(SamplingError, match=sentence) as error:
        most_likely(names, 3, automaton=automaton, most=10_000)
    assert error.value.strings == []


def test_a_search_that_takes_too_long_keeps_what_is_certain(names):
    all_of_them = [string for string, _ in most_likely(names, 300)]
    with pytest.raises(SamplingError, match="of the 300 likeliest strings are known after 8,000 beginnings") as error:
        most_likely(names, 300, most=8_000)
    known = error.value.strings
    assert known is not None
    assert 10 < len(known) < 300
    assert known == all_of_them[: len(known)]


def test_a_search_that_ends_with_its_last_beginning_is_kept(names):
    calls: list[int] = []
    expected = most_likely(names, 20, watch=lambda looked_at, _: calls.append(looked_at))
    ends = [i for i, (one, after) in enumerate(pairwise([*calls, 0])) if after <= one]  # of the searches, one by one
    needed = sum(calls[i] for i in ends)
    before_last_portion = needed - calls[-1] + calls[-2]
    for most in (needed + 1, needed, before_last_portion + 1):
        assert most_likely(names, 20, most=most) == expected
    for most in (before_last_portion, needed - calls[-1], 1):
        with pytest.raises(SamplingError, match=f"of the 20 likeliest strings are known after {most:,} beginnings"):
            most_likely(names, 20, most=most)


@pytest.mark.parametrize(
    "automaton", [Matches("ca|cb").automaton(ABC), Length(1, 3).automaton(ABC), None], ids=["two", "to 3", "all"]
)
@pytest.mark.parametrize("n", [1, 2, 30])
def test_every_bound_on_the_work_gives_all_strings_or_the_first_of_them(automaton: Automaton | None, n: int):
    distribution = Distribution(network(0), ABC)
    expected = most_likely(distribution, n, automaton=automaton, max_length=4)
    strings, known, whole = [string for string, _ in expected], [], []
    for most in range(1, 800, 7):
        try:
            found = most_likely(distribution, n, automaton=automaton, max_length=4, most=most)
        except SamplingError as error:
            known.append((len(whole), error.strings or []))
        else:
            whole.append(found)
    assert whole
    assert all(enough == 0 and some == strings[: len(some)] for enough, some in known)
    assert all(found == expected for found in whole)


def test_a_search_ends_by_itself(names, monkeypatch):
    monkeypatch.setattr("wavemore.sampling.search._WORK", 1e9)  # some ten thousand beginnings
    with pytest.raises(SamplingError, match="only 0 of the 3 likeliest strings are known after"):
        most_likely(names, 3, automaton=conjunction([Length(1001)], names.vocabulary), max_length=2000)
    assert len(most_likely(names, 3)) == 3
