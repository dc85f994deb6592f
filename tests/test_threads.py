"""Portions of work side by side."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from wavemore import threads
from wavemore.threads import Team, blas_on_one_thread, cores, interrupt_sets, side_by_side


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch):
    """As on a machine with two cores, whatever this one has."""
    threads._pool.cache_clear()
    monkeypatch.setattr(threads, "cores", lambda: 2)
    yield
    threads._pool.cache_clear()


@pytest.mark.parametrize("count", [0, 1, 4, 5, 100])
def test_every_portion_is_worked_on_once(two_cores: None, count: int):
    done: list[int] = []
    side_by_side(done.append, range(count))
    assert sorted(done) == list(range(count))


def test_many_portions_are_worked_on_side_by_side(two_cores: None):
    meeting = threading.Barrier(2, timeout=10)  # breaks if one thread has to do both
    side_by_side(lambda start: meeting.wait() if start < 2 else None, range(8))


def test_few_portions_stay_on_the_callers_thread(two_cores: None):
    names = set[str]()
    side_by_side(lambda _: names.add(threading.current_thread().name), range(4))
    assert names == {threading.current_thread().name}


def test_an_error_reaches_the_caller(two_cores: None):
    def work(start: int) -> None:
        if start == 7:
            raise ValueError("seven")

    with pytest.raises(ValueError, match="seven"):
        side_by_side(work, range(10))


@pytest.mark.skipif(sys.platform == "win32", reason="processes do not fork there")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(two_cores: None):
    side_by_side(lambda _: None, range(8))  # the parent's threads are running now
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # in place of waiting for ever
        done: list[int] = []
        side_by_side(done.append, range(8))
        os._exit(0 if sorted(done) == list(range(8)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_there_is_at_least_one_core():
    assert cores() >= 1


def test_the_first_ctrl_c_sets_the_event_and_the_second_interrupts():
    stopped = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    with interrupt_sets(stopped):
        signal.raise_signal(signal.SIGINT)
        assert stopped.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_on_another_thread_ctrl_c_is_left_alone():
    before, found = signal.getsignal(signal.SIGINT), []

    def elsewhere() -> None:
        with interrupt_sets(threading.Event()):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [before]


@pytest.fixture(params=[1, 2])
def team(request: pytest.FixtureRequest) -> Iterator[Team]:
    team = Team(request.param)
    yield team
    team.close()


def test_what_is_left_for_later_is_done_once_and_in_order(team: Team):
    done: list[int] = []
    laters = [team.later(partial(done.append, number)) for number in range(100)]
    for later in laters:
        assert later.result() is None
        assert later.result() is None
    assert done == list(range(100))
    assert [team.later(partial(pow, 2, n)).result() for n in range(5)] == [1, 2, 4, 8, 16]


def test_a_team_has_as_many_threads_as_it_should():
    found = []
    for count in (1, 2):
        team = Team(count)
        found.append(team.later(threading.get_ident).result() == threading.get_ident())
        team.close()
    assert found == [True, False]


def test_what_was_left_for_later_raises_where_it_is_asked_for(team: Team):
    def fail() -> None:
        raise KeyError("later")

    failing, fine = team.later(fail), team.later(lambda: 1)
    for _ in range(2):
        with pytest.raises(KeyError, match="later"):
            failing.result()
    assert fine.result() == 1


def test_the_second_of_a_team_does_not_warn_of_numbers_that_are_too_large():
    """`np.errstate` is about one thread, and a run that diverges tells so itself. Here each warning is an error."""
    team = Team(2)
    large = np.full(3, 1e38, np.float32)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for work in (lambda: large * large, lambda: large * large - large * large, lambda: 1 / (large - large)):
            team.later(work).result()
    team.close()


def test_a_team_that_is_closed_takes_nothing_more():
    team = Team(2)
    last = team.later(lambda: 1)
    team.close()
    assert last.result() == 1
    with pytest.raises(RuntimeError, match="the team is closed"):
        team.later(lambda: 2)


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_blas_keeps_to_one_thread_until_the_last_context_ends():
    """They overlap where two models are learned in two threads of a process."""
    with threadpool_limits(2, user_api="blas"):
        first, second = blas_on_one_thread(), blas_on_one_thread()
        for context in (first, second):
            context.__enter__()
            assert blas_threads() == {1}
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == {2}
        with pytest.raises(KeyError), blas_on_one_thread():
            raise KeyError
        assert blas_threads() == {2}
