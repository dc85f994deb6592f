"""A process that is forked from one that has scored and sampled can score and sample too, with every kind of model.

A server that loads its models once and then forks its workers does this.
"""

import os
import signal
import threading
from typing import Any

import pytest
from models_at_random import ABC, KINDS

from wavemore.judging.likelihood import log_likelihoods
from wavemore.predict.predictor import Distribution
from wavemore.sampling.constraints import EndsWith
from wavemore.sampling.sample import sample_strings
from wavemore.threads import side_by_side

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

STRINGS = ["abc", "cab", "", "bb"] * 8
SECONDS = 60  # after which a child that does not answer is ended


def answers(distribution: Distribution) -> list[Any]:
    """Scores, samples, and samples under a condition."""
    sample = [*sample_strings(distribution, 20, seed=1, max_length=20)]
    conditional = [*sample_strings(distribution, 5, seed=1, max_length=20, conditions=[EndsWith("a")])]
    return [log_likelihoods(distribution, STRINGS).tolist(), sample, conditional]


def of_a_child(distribution: Distribution, expected: list[Any]) -> int:
    """How a forked process ends: 0 where it gives the expected answers, 1 where others, -14 where none in time."""
    child = os.fork()
    if child == 0:
        signal.alarm(SECONDS)
        side_by_side(lambda start: start, range(100))  # needs threads of its own
        os._exit(0 if answers(distribution) == expected else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_forked_process_answers_as_its_parent_does(kind):
    distribution = Distribution(KINDS[kind](), ABC)
    expected = answers(distribution)
    side_by_side(lambda start: start, range(100))  # the parent has its threads
    assert of_a_child(distribution, expected) == 0


def test_a_process_may_be_forked_while_another_thread_works():
    distribution = Distribution(KINDS["mixture"](), ABC)
    expected, done = answers(distribution), threading.Event()

    def work() -> None:
        while not done.is_set():
            log_likelihoods(distribution, STRINGS)
            side_by_side(lambda start: start, range(100))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert [of_a_child(distribution, expected) for _ in range(5)] == [0] * 5
    finally:
        done.set()
        worker.join()


def test_another_answer_is_noticed():
    distribution = Distribution(KINDS["n-gram"](), ABC)
    assert of_a_child(distribution, []) == 1
