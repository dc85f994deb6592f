"""Engines of tasks: they take no more tasks than they have room for, give each back once, and an error is its own
task's; and which engine a command names."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from wavemore.errors import CorpusError, FileError, MissingExtraError, TrainingError, UsageError
from wavemore.tasks import on_ray
from wavemore.tasks.engines import engine_of
from wavemore.tasks.processes import processes
from wavemore.tasks.task import NOT_YET, Engine, here


def added(shared: int, task: int) -> tuple[int, int]:
    """The sum, and the process that made it."""
    if task == 3:
        raise CorpusError("three is none")
    if task == 99:
        os.kill(os.getpid(), signal.SIGKILL)
    return shared + task, os.getpid()


def results(engine: Engine, tasks: Iterator[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for finished in engine(added, 10, tasks):
        assert finished.task not in found
        try:
            found[finished.task] = finished.result()
        except CorpusError as error:
            found[finished.task] = str(error)
    return found


def test_here_tasks_are_taken_one_by_one():
    seen: list[int] = []
    taken: list[list[int]] = []

    def tasks() -> Iterator[int]:
        for task in range(5):
            taken.append([*seen])
            yield task

    for finished in here(added, 10, tasks()):
        if finished.task != 3:
            assert finished.result() == (10 + finished.task, os.getpid())
        seen.append(finished.task)
    assert taken == [[], [0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]


def test_processes_do_them_side_by_side_and_take_one_more_than_they_are():
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(8):
            taken.append(task)
            yield task

    engine = processes(2, "the sweep")
    running = engine(added, 10, tasks())
    assert isinstance(running, Generator)
    next(running)
    assert taken == [0, 1, 2]
    running.close()
    found = results(engine, iter(range(8)))
    assert found.pop(3) == "three is none"
    assert {task: total for task, (total, _) in found.items()} == {task: 10 + task for task in (0, 1, 2, 4, 5, 6, 7)}
    assert os.getpid() not in {process for _, process in found.values()}
    assert results(engine, iter(())) == {}


def test_a_script_that_starts_processes_while_it_is_imported_ends(tmp_path):
    """Its processes end before they have read what is more than a pipe holds."""
    script = tmp_path / "unguarded.py"
    lines = ["from test_engines import added, processes", "list(processes(2, 'the sweep')(added, bytes(1 << 20), [1]))"]
    script.write_text("\n".join(lines))
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command, env = [sys.executable, str(script)], {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "a process of the sweep was ended from outside" in done.stderr
    assert "if __name__ == '__main__':" in done.stderr


def written(folder: Path, seconds: float) -> None:
    """Tell which process this is, and work; what is left in the midst is taken away."""
    file = folder / str(os.getpid())
    file.touch()
    try:
        time.sleep(seconds)
    finally:
        file.unlink()


def under_way(folder: Path) -> list[Path]:
    """Of each process that works there what /proc has of it."""
    until = time.monotonic() + 60
    while not (there := list(folder.iterdir())) and time.monotonic() < until:
        time.sleep(0.05)
    return [Path("/proc") / path.name for path in there]


def check_ended(folder: Path, processes: list[Path]) -> None:
    until = time.monotonic() + 30
    while any(process.exists() for process in processes) and time.monotonic() < until:
        time.sleep(0.05)
    assert processes
    assert not any(process.exists() for process in processes)
    assert not list(folder.iterdir())


on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc which processes there are")


@on_linux
def test_processes_end_with_the_one_that_started_them(tmp_path):
    script = "from pathlib import Path; from test_engines import processes, written\n"
    script += f"list(processes(1, 'it')(written, Path({str(tmp_path)!r}), [100.0]))"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path})
    working = under_way(tmp_path)
    parent.kill()
    parent.wait()
    check_ended(tmp_path, working)


@on_linux
def test_processes_whose_results_nobody_takes_end_at_once(tmp_path):
    running = processes(1, "it")(written, tmp_path, [0.0, 100.0, 100.0])
    next(running)
    working = under_way(tmp_path)
    assert all(process.exists() for process in working)
    running.close()
    check_ended(tmp_path, working)


def stubborn(folder: Path, task: int) -> None:
    """Work that takes an end for a mistake, as the pool does between two tasks."""
    file = folder / str(os.getpid())
    file.touch()
    with suppress(SystemExit):
        time.sleep(100.0)
    file.unlink()
    time.sleep(100.0)


@on_linux
def test_processes_that_do_not_end_when_they_are_told_end_later(tmp_path):
    running = processes(1, "it")(stubborn, tmp_path, [0])
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            next(running)
        except TrainingError as error:
            failed.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    working = under_way(tmp_path)
    os.kill(int(working[0].name), signal.SIGTERM)
    check_ended(tmp_path, working)
    waiting.join(30)
    assert "was ended from outside" in str(failed)


def in_turn(done: dict[int, Any]) -> Iterator[Any]:
    """Two tasks, and one after them that waits for both."""
    yield 0
    yield 1
    while len(done) < 2:
        yield NOT_YET
    yield sum(total for total, _ in done.values())


@pytest.mark.parametrize("engine", [here, processes(2, "the sweep")], ids=["here", "processes"])
def test_a_task_may_wait_for_those_before_it(engine):
    done: dict[int, Any] = {}
    for finished in engine(added, 10, in_turn(done)):
        done[finished.task] = finished.result()
    assert {task: total for task, (total, _) in done.items()} == {0: 10, 1: 11, 21: 31}


def test_a_process_that_was_ended_is_one_sentence():
    with pytest.raises(TrainingError) as error:
        results(processes(1, "the sweep"), iter([1, 99, 2]))
    assert str(error.value) == (
        "a process of the sweep was ended from outside, perhaps because memory ran out; what was done is kept, and the "
        "same command goes on with it"
    )


def test_engines_by_name(monkeypatch):
    assert engine_of("here", here, "a sweep") is here
    for on in ("yarn", "ray=", "here=there", ""):
        with pytest.raises(UsageError) as error:
            engine_of(on, here, "a sweep")
        assert str(error.value) == (
            f'a sweep runs on "{on}"; it must be here, ray, or ray=ADDRESS such as ray=10.0.0.5:6379'
        )
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"^Ray needs ray, which is not installed; .*'wavemore\[ray\]'$"):
        engine_of("ray", here, "a sweep")


class _NoRay:
    """As much of Ray as it takes to refuse an address."""

    @staticmethod
    def is_initialized() -> bool:
        return False


class _NoStart(_NoRay):
    """Ray, whose processes do not start in time."""

    @staticmethod
    def init(**_: Any) -> None:
        raise Exception("The node timed out during startup. This could happen because some of it failed.")  # noqa: TRY002


def test_a_cluster_that_does_not_start_is_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", _NoStart)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(FileError) as error:
        next(on_ray.ray_engine()(added, 10, iter([1])))
    assert str(error.value) == (
        "cannot use a cluster of Ray on this machine: The node timed out during startup. This could happen because "
        "some of it failed"
    )


def test_an_address_is_checked_before_anything_is_made(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", _NoRay)
    with pytest.raises(UsageError, match=r'^"nowhere" is no address of a cluster; write HOST:PORT'):
        engine_of("ray=nowhere", here, "a sweep")
    monkeypatch.setenv("RAY_ADDRESS", "nowhere:70000")
    with pytest.raises(UsageError, match=r'^"nowhere:70000" is no address of a cluster'):
        on_ray.ray_engine()
    with pytest.raises(OSError, match=r"^cannot reach a cluster of Ray at 127.0.0.1:1: .*; is it running there\?$"):
        on_ray.ray_engine("127.0.0.1:1")
