"""Members of an ensemble that are trained in processes: the same bytes, and no process stays behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from interrupted import Interrupting, Run, same, same_but_for_order

from wavemore.errors import FileError, TrainingError
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.settings.config import NgramConfig, Recipe, load_recipe
from wavemore.train import Recorder, loop
from wavemore.train.forms import runs_of
from wavemore.train.workers import Worker, pays

UNGUARDED = """
import wavemore
strings = [a + b + c + d for a in "bdlm" for b in "aeo" for c in "bdn" for d in "aei"]
settings = {"train.threads": 2, "model.members": 2, "train.epochs": 80, "train.batch": 16, "train.start": ""}
model = wavemore.fit(strings, settings=settings, progress=False)
print(len(model.sample(3, seed=1)))
"""


class Kept:
    """A sink that keeps the records."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def begin(self, about: dict[str, Any], done: Any) -> float:
        return 0.0

    def write(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    def close(self) -> None: ...


@pytest.fixture
def recipe(tiny_recipe: Recipe) -> Recipe:
    return tiny_recipe.with_settings(
        {"model.members": 3, "train.form": "shared", "train.optimizer": "muon", "train.threads": 2}
    )


@pytest.fixture
def run(recipe, strings, tmp_path) -> Run:
    return Run(recipe, strings, tmp_path / "run.checkpoint")


@pytest.fixture
def started(monkeypatch) -> list[Worker]:
    """The workers that are started from now on, however short the run is."""
    found = []

    class Counted(Worker):
        def __init__(self, *of: Any) -> None:
            super().__init__(*of)
            found.append(self)

    monkeypatch.setattr(loop, "Worker", Counted)
    monkeypatch.setattr(loop, "pays", lambda *_: True)
    return found


def ended(workers: list[Worker]) -> bool:
    return all(worker._process.returncode is not None for worker in workers)


CHANGED = {"model.dropout": 0.3, "train.average": 0.2, "train.keep": "last"}


@pytest.mark.parametrize(
    ("workers", "settings"),
    [(2, CHANGED), (3, {}), *(pytest.param(*both, marks=pytest.mark.slow) for both in ((2, {}), (3, CHANGED)))],
)
def test_processes_give_the_same_bytes(run, workers, settings, request):
    run.recipe = run.recipe.with_settings(settings)
    whole = run()
    started = request.getfixturevalue("started")
    run.recipe = run.recipe.with_settings({"train.threads": workers})
    assert same_but_for_order(run(), whole)
    assert len(started) == workers
    assert ended(started)


@pytest.mark.slow
def test_they_learn_from_a_teacher_too(run, request):
    ngram = Ngram.fit(run.training, run.vocabulary, NgramConfig(kind="ngram", order=3))
    teacher = Distribution(ngram, run.vocabulary)
    whole = run(teacher=teacher)
    assert len(request.getfixturevalue("started")) == 0
    assert same_but_for_order(run(teacher=teacher), whole)
    assert not same(run(), whole)


def test_records_are_the_same_but_for_the_time(run, request):
    def records() -> list[dict[str, Any]]:
        run(recorder=Recorder([sink := Kept()]))
        assert all(0 <= record["seconds"] < 60 for record in sink.records if "seconds" in record)
        timed = ("seconds", "steps_per_second")
        told = [{name: value for name, value in record.items() if name not in timed} for record in sink.records]
        return sorted(told, key=lambda record: (record["member"], record["step"], record["record"]))

    expected = records()
    request.getfixturevalue("started")
    assert records() == expected
    assert {"step", "evaluation", "inside"} <= {record["record"] for record in expected}


@pytest.mark.slow
def test_a_stopped_run_goes_on_with_any_number_of_processes(run, request):
    whole = run()
    started = request.getfixturevalue("started")

    class AtOnce(Interrupting):
        def step(self, step: int, loss: float) -> None:
            if not self.losses:
                os.kill(os.getpid(), signal.SIGINT)
            super().step(step, loss)

    run.recipe = run.recipe.with_settings({"train.steps": 400, "train.evaluate_every": 100})
    with pytest.raises(KeyboardInterrupt):
        run(monitor=AtOnce())
    assert ended(started)
    assert same_but_for_order(run(resume=True), run())
    run.recipe = run.recipe.with_settings({"train.steps": 60, "train.evaluate_every": 20})
    assert same_but_for_order(run(), whole)


def test_a_loss_that_is_no_number_is_told_in_a_sentence(run, started):
    run.recipe = run.recipe.with_settings({"train.rate": 1e18, "train.optimizer": "sgd"})
    with pytest.raises(TrainingError, match="lower the learning rate"):
        run()
    assert started
    assert ended(started)


def test_a_process_that_is_killed_is_told_in_a_sentence(run, started):
    class Killing(Interrupting):
        def step(self, step: int, loss: float) -> None:
            started[0]._process.kill()

    run.recipe = run.recipe.with_settings({"train.steps": 100_000})
    with pytest.raises(TrainingError, match=r"ended with signal 9.*train\.threads = 1"):
        run(monitor=Killing())
    assert ended(started)


def test_an_error_of_a_sink_ends_all(run, started):
    class Full(Kept):
        def write(self, record: dict[str, Any]) -> None:
            raise FileError("cannot write: No space left on device")

    run.recipe = run.recipe.with_settings({"train.steps": 100_000})
    with pytest.raises(FileError, match="No space left"):
        run(recorder=Recorder([Full()]))
    assert ended(started)


def test_where_no_process_can_be_started_all_is_done_here(run, started, monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    here = run()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert same_but_for_order(run(), here)
    assert not started


def test_the_package_is_found_wherever_it_lies(run, started, tmp_path, monkeypatch):
    """Also where the folder's name has what stands between folders in PYTHONPATH."""
    folder = tmp_path / "a:b"
    folder.mkdir()
    (folder / "wavemore").symlink_to(Path(loop.__file__).parents[1])
    monkeypatch.setattr(sys, "path", [str(folder), *(p for p in sys.path if not (Path(p) / "wavemore").exists())])
    assert run().weights
    assert started


def test_only_long_runs_are_worth_it(strings, recipe):
    def worth(changed: Recipe) -> bool:
        with runs_of(changed, Run(changed, strings, Path()).vocabulary, strings[:50], strings[50:]) as runs:
            return pays(changed, runs)

    assert not worth(recipe)
    best = load_recipe("best").with_settings({"model.members": 2})
    assert worth(best.with_settings({"train.steps": 2000}))


@pytest.mark.parametrize("where", ["script.py", pytest.param("-", marks=pytest.mark.slow)])
def test_a_script_without_a_guard_is_run_once(where, tmp_path):
    """And one that stands on standard input, in a folder of its own."""
    (tmp_path / "script.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, where],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        input=UNGUARDED if where == "-" else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_no_process_outlives_its_parent(tmp_path):
    long = UNGUARDED.replace("80,", "40000,")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", long], cwd=tmp_path, env=environment)
    try:
        tasks = Path(f"/proc/{parent.pid}/task")
        children = wait_for(lambda: [pid for one in tasks.iterdir() for pid in (one / "children").read_text().split()])
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: all(gone(child) for child in children))


def gone(pid: str) -> bool:
    """Whether a process has ended; where nobody asks how, it stands there as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for(found: Any) -> Any:
    for _ in range(300):
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError("it did not come")
