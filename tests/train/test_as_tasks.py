"""Networks that learn as tasks: the same bytes and records as here, whoever does which steps, and when it is stopped or
its workers are lost."""

import signal
from pathlib import Path
from typing import Any

import pytest
from interrupted import Interrupting, Run, same_but_for_order
from on_engine import Clock, Cluster

from wavemore.errors import ConfigError, FileError, TrainingError
from wavemore.estimator import StringModel
from wavemore.predict.ngram import Ngram
from wavemore.predict.predictor import Distribution
from wavemore.settings.config import NgramConfig, Recipe
from wavemore.tasks.task import LostError, here
from wavemore.train import Checkpoint, Recorder, as_tasks

MANY = {"model.members": 3, "train.form": "shared", "train.optimizer": "muon", "train.threads": 1}
SHORT = {"train.steps": 24, "train.evaluate_every": 8}


@pytest.fixture(autouse=True)
def short(monkeypatch) -> None:
    """A portion has five steps."""
    monkeypatch.setattr(as_tasks, "_SECONDS", 6.0)
    monkeypatch.setattr(as_tasks, "time", Clock())


@pytest.fixture
def run(tiny_recipe: Recipe, strings, tmp_path) -> Run:
    return Run(tiny_recipe.with_settings({**MANY, **SHORT}), strings, tmp_path / "run.checkpoint")


class Kept:
    """A sink that keeps the records."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.done: Any = None

    def begin(self, about: dict[str, Any], done: Any) -> float:
        self.done = done
        return 0.0

    def write(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    def close(self) -> None: ...

    def steps(self, members: int) -> list[int]:
        """How many of each network's steps are in a record."""
        counted = [0] * members
        for record in self.records:
            counted[record.get("member", 0)] += record.get("steps", 0)
        return counted

    def untimed(self) -> list[dict[str, Any]]:
        timed = ("seconds", "steps_per_second")
        told = [{name: value for name, value in record.items() if name not in timed} for record in self.records]
        return sorted(told, key=lambda record: (record.get("member", 0), record["step"], record["record"]))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model.dropout": 0.3, "train.average": 0.2, "train.keep": "last"},
        {"model.members": 1},
        pytest.param(
            {"model.members": 2, "train.form": "windowed", "train.optimizer": "adamw"}, marks=pytest.mark.slow
        ),
        {"train.patience": 1, "train.evaluate_every": 2, "train.rate": 0.5, "train.steps": 60},
    ],
)
def test_tasks_give_the_same_bytes(run, settings):
    run.recipe = run.recipe.with_settings(settings)
    whole = run()
    engine = Cluster()
    assert same_but_for_order(run(engine=engine), whole)
    begun = {task.state.progress["step"] for task in engine.tasks}
    assert begun == set(range(0, max(begun) + 1, 5))
    assert len(begun) > 1
    assert same_but_for_order(run(engine=here), whole)


def test_they_learn_from_a_teacher_too(run):
    ngram = Ngram.fit(run.training, run.vocabulary, NgramConfig(kind="ngram", order=3))
    teacher = Distribution(ngram, run.vocabulary)
    whole = run(teacher=teacher)
    assert same_but_for_order(run(teacher=teacher, engine=Cluster()), whole)
    assert not same_but_for_order(run(), whole)


def test_networks_take_turns(run):
    """With few workers too, so that all end at about the same time."""
    engine = Cluster(at_once=1)
    run(engine=engine)
    assert [task.member for task in engine.tasks] == [0, 1, 2] * 5


def test_a_start_is_not_read_by_workers(run, strings):
    """Its file may be on this machine alone."""
    start = run.path.with_name("start.safetensors")
    StringModel(run.recipe).fit(strings).save(start)
    run.recipe = run.recipe.with_settings({"train.start": str(start), "train.rate": 0.003})
    whole = run()

    class Elsewhere(Cluster):
        def __call__(self, *of: Any) -> Any:
            start.unlink()
            return super().__call__(*of)

    assert same_but_for_order(run(engine=Elsewhere()), whole)


@pytest.mark.parametrize("settings", [{}, {"model.members": 1, "train.steps": 100, "train.evaluate_every": 33}])
def test_records_are_the_same_but_for_the_time(run, settings):
    run.recipe = run.recipe.with_settings(settings)
    run(recorder=Recorder([expected := Kept()]))
    run(recorder=Recorder([sink := Kept()]), engine=Cluster())
    assert sink.untimed() == expected.untimed()
    assert {"step", "evaluation", "inside"} <= {record["record"] for record in sink.records}
    for member in range(run.recipe.model.members):
        times = [one["seconds"] for one in sink.records if one.get("member", 0) == member and "seconds" in one]
        assert times == sorted(times)
        assert 0 <= times[0] < times[-1] < 60


class Counting(Interrupting):
    """Keeps what a bar and its lines show."""

    def __init__(self, *steps: int) -> None:
        super().__init__(*steps)
        self.shown: list[tuple[int, float]] = []
        self.lines: list[dict[str, Any]] = []

    def begin(self, steps: int, what: str) -> None:
        self.total = steps

    def step(self, step: int, loss: float) -> None:
        self.shown.append((step, loss))
        for one in range(self.shown[-2][0] if len(self.shown) > 1 else 0, step):
            super().step(one + 1, loss)

    def evaluated(self, record: dict[str, Any]) -> None:
        self.lines.append(record)


def test_a_monitor_hears_of_all_steps_and_evaluations(run):
    run(monitor=(expected := Counting()))
    run(monitor=(monitor := Counting()), engine=Cluster())

    def sorted_lines(of: Counting) -> list[dict[str, Any]]:
        return sorted(of.lines, key=lambda line: (line["member"], line["step"]))

    assert sorted_lines(monitor) == sorted_lines(expected)
    assert monitor.shown[-1][0] == monitor.total == 72
    assert [step for step, _ in monitor.shown] == sorted({step for step, _ in monitor.shown})


@pytest.mark.parametrize("members", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_a_stopped_run_goes_on_here_or_there(run, members):
    run.recipe = run.recipe.with_settings({"model.members": members, "train.steps": 80, "train.evaluate_every": 30})
    expected, first, second = run(), Kept(), Kept()
    with pytest.raises(KeyboardInterrupt):
        run(monitor=Counting(members * 20), engine=Cluster(), recorder=Recorder([first]))
    state = Checkpoint.load(run.path)
    done = [one["step"] for one in (state.progress["members"] if members > 1 else [state.progress])]
    assert members * 20 <= sum(done) < members * 80
    assert first.steps(members) == done
    before = run.path.read_bytes()
    assert same_but_for_order(run(resume=True), expected)
    run.path.write_bytes(before)
    assert same_but_for_order(run(resume=True, engine=Cluster(), recorder=Recorder([second])), expected)
    assert second.done == done
    assert [one + other for one, other in zip(done, second.steps(members), strict=True)] == [80] * members
    assert same_but_for_order(run(resume=True, engine=Cluster()), expected)  # of a finished run


def test_what_is_done_is_kept_on_the_way(run):
    """Where this process is killed, no more is lost than a few seconds."""

    class Killing(Interrupting):
        def step(self, step: int, loss: float) -> None:
            if step > 40:
                raise KeyError("killed")

    with pytest.raises(KeyError, match="killed"):
        run(monitor=Killing(), engine=Cluster())
    steps = [member["step"] for member in Checkpoint.load(run.path).progress["members"]]
    assert sum(steps) > 0
    assert same_but_for_order(run(resume=True, engine=Cluster()), run())


@pytest.mark.parametrize("lost_after", [8, pytest.param(0, marks=pytest.mark.slow)])
def test_lost_workers_lose_no_run(run, lost_after):
    # A record comes every three steps, and a task ends in between.
    run.recipe = run.recipe.with_settings({"train.steps": 160, "train.evaluate_every": 80})
    sink = Kept()
    with pytest.raises(LostError, match="all workers"):
        run(engine=Cluster(lost_after=lost_after), recorder=Recorder([sink]))
    steps = [member["step"] for member in Checkpoint.load(run.path).progress["members"]]
    assert sum(steps) == 5 * lost_after
    assert sink.steps(3) == steps
    assert same_but_for_order(run(resume=True, engine=Cluster()), run())


def test_a_loss_that_is_no_number_is_told_in_a_sentence(run):
    run.recipe = run.recipe.with_settings({"train.rate": 1e18, "train.optimizer": "sgd", "train.steps": 10_000})
    sink = Kept()
    with pytest.raises(TrainingError, match="lower the learning rate") as error:
        run(engine=Cluster(), recorder=Recorder([sink]))
    assert f"at step {sink.records[-1]['step']};" in str(error.value)


def test_an_error_of_a_sink_ends_all(run):
    class Full(Kept):
        def write(self, record: dict[str, Any]) -> None:
            raise FileError("cannot write: No space left on device")

    before, engine = signal.getsignal(signal.SIGINT), Cluster()
    with pytest.raises(FileError, match="No space left"):
        run(recorder=Recorder([Full()]), engine=engine)
    assert len(engine.tasks) <= 2
    assert signal.getsignal(signal.SIGINT) is before


def test_a_device_is_refused_before_anything_is_made(run, strings, cluster):
    sentence = (
        'train.device = "cuda", and on a cluster a network has one CPU and no device; set it to "cpu", or train here'
    )
    run.recipe = run.recipe.with_settings({"train.device": "cuda"})
    with pytest.raises(ConfigError) as error:
        run(engine=cluster)
    assert str(error.value) == sentence
    with pytest.raises(ConfigError) as error:
        StringModel(run.recipe).fit(strings, on="ray", checkpoint=run.path)
    assert str(error.value) == sentence
    assert not run.path.exists()
    assert cluster.tasks == []


@pytest.mark.parametrize("members", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_a_fit_with_a_teacher_of_its_own_is_the_same_file(run, strings, cluster, members, tmp_path):
    """The teacher's networks are tasks too; n-grams are mixed in here."""
    teacher = tmp_path / "teacher.toml"
    teacher.write_text(
        "[model]\ngroups = [2, 2]\nembedding = 4\nhidden = 8\nmembers = 2\n[train]\nsteps = 20\nbatch = 32\n"
    )
    settings = {"model.members": members, "model.ngram": 3, "train.teacher": str(teacher), "train.average": 0.2}
    recipe = run.recipe.with_settings({**settings, "train.steps": 20, "train.evaluate_every": 10})

    def fitted(on: str) -> bytes:
        StringModel(recipe).fit(strings, on=on).save(tmp_path / f"{on}.safetensors")
        return Path(tmp_path / f"{on}.safetensors").read_bytes()

    assert fitted("ray") == fitted("here")
    found = [task.member for task in cluster.tasks]
    assert set(found) == {0, 1}
    assert len(found) >= 2 + members
