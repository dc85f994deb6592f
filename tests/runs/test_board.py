"""What TensorBoard is given: the numbers of the history."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from wavemore.cli import run as command_line
from wavemore.errors import FileError, MissingExtraError, TrainingError
from wavemore.runs.board import Board, _message
from wavemore.runs.history import read_history
from wavemore.runs.measures import Histogram
from wavemore.train import Checkpoint


class Event:
    """In place of TensorBoard's message: what it is made of."""

    def __init__(self, wall_time: float, step: int, **what: Any) -> None:
        assert wall_time > 1e9
        self.step, self.what = step, what


class SessionLog:
    """In place of TensorBoard's message."""

    START = 1

    def __init__(self, status: int) -> None:
        self.status = status


class Writer:
    """In place of TensorBoard's writer: keeps what it is given."""

    made: list["Writer"] = []

    def __init__(self, folder: str, max_queue_size: int, flush_secs: int) -> None:
        assert max_queue_size <= 10
        assert flush_secs <= 5
        self.folder, self.closed = folder, False
        self.begun: list[Event] = []
        self.scalars: list[tuple[str, float, int]] = []
        self.histograms: dict[tuple[str, int], dict[str, Any]] = {}
        self.made.append(self)

    def add_event(self, event: Event) -> None:
        if "summary" not in event.what:
            assert not self.scalars
            self.begun.append(event)
            return
        (value,) = event.what["summary"]["value"]
        if "histo" in value:
            self.histograms[value["tag"], event.step] = value["histo"]
        else:
            self.scalars.append((value["tag"], value["simple_value"], event.step))

    @property
    def purge_step(self) -> int:
        """What older files tell of this step and later ones is hidden."""
        version, start = self.begun
        assert version.what == {"file_version": "brain.Event:2"}
        assert start.what["session_log"].status == SessionLog.START
        assert version.step == start.step
        return start.step

    def close(self) -> None:
        self.closed = True


MODULES = [
    "tensorboard",
    "tensorboard.compat",
    "tensorboard.compat.proto",
    "tensorboard.compat.proto.event_pb2",
    "tensorboard.summary",
    "tensorboard.summary.writer",
    "tensorboard.summary.writer.event_file_writer",
]


@pytest.fixture
def writers(monkeypatch) -> list[Writer]:
    for name in MODULES:
        module: Any = ModuleType(name)
        module.Event, module.SessionLog, module.EventFileWriter = Event, SessionLog, Writer
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Writer, "made", [])
    return Writer.made


def test_tensorboard_has_the_numbers_of_the_history(folder, writers):
    line = ["train", "list.txt", "--recipe", "tiny.toml", "-q", "--tensorboard", "runs/a"]
    assert command_line(line) == 0
    (writer,) = writers
    (run,) = read_history("list.history.jsonl")
    assert (writer.folder, writer.purge_step, writer.closed) == ("runs/a", 0, True)
    tags = {"loss/batch": "batch_loss", "loss/validation": "validation_loss", "gradient_norm": "gradient_norm"}
    for tag, name in tags.items():
        written = [(value, step) for one, value, step in writer.scalars if one == tag]
        assert written == [(record[name], record["step"]) for record in run.records if name in record]
        assert written
    for inside in run.inside:
        step = inside["step"]
        assert ("saturated_tanh/level_2", inside["levels"][1]["saturated"]["tanh"], step) in writer.scalars
        shown = {tag: value for tag, value, at in writer.scalars if at == step}
        head = next(each for each in inside["parameters"] if each["name"] == "head.linear.weight")
        ratio = 10 ** shown["log10_update_to_weight/head.linear.weight"]
        assert ratio * head["weight"] == pytest.approx(head["update"])
        found = writer.histograms["activations/level_1", step]
        assert found["bucket"] == inside["levels"][0]["gives"]["shares"]
        assert (found["min"], found["max"], len(found["bucket_limit"])) == (-1, 1, 30)
        assert found["sum"] == pytest.approx(inside["levels"][0]["mean"], abs=0.04)
    with_board = Path("list.safetensors").read_bytes()
    assert command_line(["train", "list.txt", "--recipe", "tiny.toml", "-q", "--force"]) == 0
    assert Path("list.safetensors").read_bytes() == with_board


def test_tensorboard_of_an_ensemble_that_goes_on(fit, writers, tmp_path):
    fit.recipe = fit.recipe.with_settings({"model.members": 2, "train.form": "shared", "train.threads": 1})
    with pytest.raises(KeyboardInterrupt):
        fit(70, tensorboard=tmp_path / "runs")
    assert all(writer.closed for writer in writers)
    first, second = (member["step"] for member in Checkpoint.load(fit.checkpoint).progress["members"])
    assert (first, second > 0) == (60, True)
    fit(resume=True, tensorboard=tmp_path / "runs")
    places = [(Path(writer.folder).name, writer.purge_step) for writer in writers]
    assert places == [("network-1", 0), ("network-2", 0), ("network-1", 61), ("network-2", second + 1)]
    assert [step for tag, _, step in writers[3].scalars if tag == "passes"] == list(range(second + 1, 61))


def test_tensorboard_of_a_teacher_has_a_folder_of_its_own(writers, tmp_path):
    board = Board(tmp_path)
    board.begin({"role": "teacher", "members": 1}, None)
    assert writers[0].folder == str(tmp_path / "teacher")
    board.close()


@pytest.mark.parametrize("missing", MODULES[3::3])
def test_tensorboard_absent_leaves_nothing_behind(fit, tmp_path, monkeypatch, writers, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError) as error:
        fit(1, tensorboard=tmp_path / "runs")
    assert str(error.value) == (
        "writing for TensorBoard needs tensorboard, which is not installed; "
        "install it with: pip install 'wavemore[tensorboard]'"
    )
    assert not (tmp_path / "runs").exists()


def test_a_run_that_is_refused_leaves_no_folder(fit, tmp_path, writers):
    fit.recipe = fit.recipe.with_settings({"train.device": "nonsense"})
    for place in ("runs", "deep/runs/a"):
        with pytest.raises(TrainingError, match=r"train\.device"):
            fit(1, tensorboard=tmp_path / place)
        assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with pytest.raises(TrainingError):
        fit(1, tensorboard=tmp_path / "mine" / "runs")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine"]


def test_tensorboard_in_no_place(fit, tmp_path, writers):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"^cannot make the folder .*file/runs: Not a directory$"):
        fit(1, tensorboard=tmp_path / "file" / "runs")


def shown(folder: Path) -> Any:
    """What TensorBoard makes of the events in a folder."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import (  # pyright: ignore[reportMissingImports]
        EventAccumulator,
    )

    found = EventAccumulator(str(folder), size_guidance={"histograms": 0, "scalars": 0})
    found.Reload()
    return found


def test_tensorboard_itself_reads_what_is_written(fit, tmp_path):
    pytest.importorskip("tensorboard")
    with pytest.raises(KeyboardInterrupt):
        fit(50, tensorboard=tmp_path / "runs")
    fit(resume=True, tensorboard=tmp_path / "runs")
    found = shown(tmp_path / "runs")
    (run,) = fit.runs
    losses = [(event.step, event.value) for event in found.Scalars("loss/mean")]
    assert losses == [(record["step"], pytest.approx(record["mean_loss"])) for record in run.records]
    for event, inside in zip(found.Histograms("activations/level_1"), run.inside, strict=True):
        gives = inside["levels"][0]["gives"]
        assert event.step == inside["step"]
        assert event.histogram_value.bucket == pytest.approx(gives["shares"])
        assert event.histogram_value.bucket_limit == pytest.approx(np.linspace(gives["from"], gives["to"], 31)[1:])


def test_of_steps_that_are_taken_again_tensorboard_shows_the_later_ones(fit, tmp_path):
    pytest.importorskip("tensorboard")
    for until in (50, 20):  # the second run begins anew
        with pytest.raises(KeyboardInterrupt):
            fit(until, tensorboard=tmp_path / "runs")
    assert [event.step for event in shown(tmp_path / "runs").Scalars("loss/mean")] == list(range(1, 21))


def test_the_events_are_those_of_pytorchs_writer(fit, tmp_path):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard.writer import SummaryWriter  # pyright: ignore[reportPrivateImportUsage]

    edges, shares = np.linspace(-1, 1, 31), np.arange(30.0)
    board = Board(tmp_path / "ours")
    board.begin({"members": 1}, [6])
    board.write({"record": "step", "step": 7, "batch_loss": 2.5})
    board._events[0].add(7, "a/b", histo=_message(Histogram(edges, shares)))
    board.close()
    writer = SummaryWriter(str(tmp_path / "theirs"), purge_step=7)
    writer.add_scalar("loss/batch", 2.5, 7)
    middles = (edges[1:] + edges[:-1]) / 2
    writer.add_histogram_raw(
        "a/b",
        min=-1.0,
        max=1.0,
        num=shares.sum(),
        sum=float(shares @ middles),
        sum_squares=float(shares @ middles**2),
        bucket_limits=edges[1:].tolist(),
        bucket_counts=shares.tolist(),
        global_step=7,
    )
    writer.close()
    ours, theirs = (events_in(tmp_path / name) for name in ("ours", "theirs"))
    assert len(ours) == 5
    assert ours == theirs


def events_in(folder: Path) -> list[str]:
    """Every event of the one file, without its time and the writer's name."""
    from tensorboard.backend.event_processing.event_file_loader import (  # pyright: ignore[reportMissingImports]
        LegacyEventFileLoader,
    )

    (file,) = folder.iterdir()
    events = []
    for event in LegacyEventFileLoader(str(file)).Load():
        for field in ("wall_time", "source_metadata"):
            event.ClearField(field)
        events.append(str(event))
    return events
