"""What TensorBoard is given: the numbers of the history."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wavemore.cli import run as command_line
from wavemore.errors import FileError, MissingExtraError
from wavemore.runs.history import read_history
from wavemore.train import Checkpoint
from wavemore.train.board import Board


class Writer:
    """In place of TensorBoard's writer: keeps what it is given."""

    made: list["Writer"] = []

    def __init__(self, folder: str, *, purge_step: int, flush_secs: int) -> None:
        self.folder, self.purge_step, self.closed = folder, purge_step, False
        self.scalars: list[tuple[str, float, int]] = []
        self.histograms: dict[tuple[str, int], dict[str, Any]] = {}
        self.made.append(self)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.scalars.append((tag, value, step))

    def add_histogram_raw(self, tag: str, *, global_step: int, **numbers: Any) -> None:
        self.histograms[tag, global_step] = numbers

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def writers(monkeypatch) -> list[Writer]:
    module = ModuleType("torch.utils.tensorboard.writer")
    module.SummaryWriter = Writer  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", ModuleType("torch.utils.tensorboard"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard.writer", module)
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
        assert found["bucket_counts"] == inside["levels"][0]["gives"]["shares"]
        assert (found["min"], found["max"], len(found["bucket_limits"])) == (-1, 1, 30)
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


def test_tensorboard_absent_or_in_no_place(fit, tmp_path, monkeypatch, request):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError) as error:
        fit(1, tensorboard=tmp_path / "runs")
    assert str(error.value) == (
        "writing for TensorBoard needs tensorboard, which is not installed; "
        "install it with: pip install 'wavemore[tensorboard]'"
    )
    monkeypatch.undo()
    request.getfixturevalue("writers")
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"^cannot make the folder .*file/runs: Not a directory$"):
        fit(1, tensorboard=tmp_path / "file" / "runs")


def test_tensorboard_itself_reads_what_is_written(fit, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing import event_accumulator  # pyright: ignore[reportMissingImports]

    fit(tensorboard=tmp_path / "runs")
    found = event_accumulator.EventAccumulator(str(tmp_path / "runs"))
    found.Reload()
    (run,) = fit.runs
    losses = [(event.step, event.value) for event in found.Scalars("loss/mean")]
    assert losses == [(record["step"], pytest.approx(record["mean_loss"])) for record in run.records]
