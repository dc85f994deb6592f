"""Portions of work side by side."""

import os
import signal
import sys
import threading

import pytest

from wavemore import threads
from wavemore.threads import cores, interrupt_sets, side_by_side


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
