"""What every kind of model does with the state of strings in the making, against what it says of whole strings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_at_random import ABC, KINDS, network, rows

from wavemore.predict.predictor import Position, Predictor


@pytest.fixture(scope="module", params=KINDS)
def model(request: pytest.FixtureRequest) -> Predictor[Any]:
    return KINDS[request.param]()


def stepped(model: Predictor[Any], state: Any, strings: list[str], characters: str) -> tuple[Any, list[str]]:
    """The state after one character more of each string, a dot where it ends, and the strings; `strings` has what
    each string of the state has been so far."""
    going_on = np.array([place for place, number in enumerate(state.strings) if characters[number] != "."], np.int64)
    ids = np.array([ABC.encode(characters[state.strings[place]])[0] for place in going_on], np.int64)
    after = [s + c if c != "." else s for s, c in zip(strings, characters, strict=True)]
    return model.step(state, going_on, ids), after


def off(model: Predictor[Any], state: Any, strings: list[str]) -> float:
    """How far what a state says lies from what the model says of these strings, the numbers of which the state has."""
    expected = np.stack([rows(model, [strings[number]], ABC)[-1] for number in state.strings])
    found = state.logits[state.context_of]
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max())


def test_a_rearranged_state_stands_where_its_strings_stood_and_goes_on_from_there(model):
    state, strings = model.start(5), [""] * 5
    for characters in ("abcab", "aa.bc", "bc.ba"):  # the third string ends
        state, strings = stepped(model, state, strings, characters)
    assert state.strings.tolist() == [0, 1, 3, 4]
    before = state.logits.copy()
    places = np.array([3, 0, 3, 2, 0, 3])  # string 1, at place 1, is left out
    other = state.rearranged(places)
    others = [strings[number] for number in state.strings[places]]
    assert others == ["bca", "aab", "bca", "abb", "aab", "bca"]
    assert other.strings.tolist() == [0, 1, 2, 3, 4, 5]
    assert off(model, other, others) < 1e-5
    for characters in ("abcab.", "a.caa.", "b.abb.", "c.aca.", "a.bca.", "a.cab."):
        other, others = stepped(model, other, others, characters)
        assert off(model, other, others) < 1e-5
    assert other.strings.tolist() == [0, 2, 3, 4]
    other, others = other.rearranged(np.array([2, 2])), [others[3]] * 2
    other, others = stepped(model, other, others, "ab")
    assert off(model, other, others) < 1e-5
    # What the state was made of is as it was.
    assert np.array_equal(before, state.logits)
    assert state.strings.tolist() == [0, 1, 3, 4]
    state, strings = stepped(model, state, strings, "ab.ca")
    assert off(model, state, strings) < 1e-5


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(KINDS.keys() - {"bow", "rnn", "gru", "lstm", "transformer"})), st.data())
def test_any_arrangement_between_any_steps(kind, data):
    model = KINDS[kind]()
    state, strings = model.start(3), [""] * 3
    for _ in range(data.draw(st.integers(1, 7))):
        places = data.draw(st.lists(st.integers(0, len(state.strings) - 1), min_size=1, max_size=5))
        strings = [strings[number] for number in state.strings[places]]
        state = state.rearranged(np.array(places))
        characters = data.draw(st.text("abc.", min_size=len(places), max_size=len(places)))
        if characters.strip("."):
            state, strings = stepped(model, state, strings, characters)
        assert off(model, state, strings) < 1e-5


def test_the_comparison_notices_a_past_that_stays_where_it_was():
    model = network(0, groups=(2, 2, 2))
    state, strings = stepped(model, model.start(3), [""] * 3, "abc")
    forgetful, strings = Position.rearranged(state, np.array([2, 0, 1])), ["c", "a", "b"]
    assert off(model, forgetful, strings) < 1e-5  # what is said now does not tell
    forgetful, strings = stepped(model, forgetful, strings, "aaa")
    assert off(model, forgetful, strings) > 1e-3
