"""The history of a run: what is written, that it changes nothing, and what stays of it when a run stops or goes on."""

import json
import os
import sys
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from interrupted import Interrupting
from torch import nn

from wavemore.cli import run as command_line
from wavemore.errors import FileError, MissingExtraError, TrainingError
from wavemore.estimator import StringModel
from wavemore.fitting import Lists, fit_model
from wavemore.lists.corpus import read_corpus
from wavemore.runs import history
from wavemore.runs.history import PastRun, check_history, history_path, read_history
from wavemore.settings.config import Recipe
from wavemore.train import Checkpoint
from wavemore.train.board import Board
from wavemore.train.record import gradient_norm

STEP_KEYS = [
    *("record", "step", "passes", "seconds", "steps", "batch_loss", "mean_loss", "rate", "gradient_norm"),
    "steps_per_second",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.history.jsonl"


class Fit:
    """One list and recipe, fitted with a history and a checkpoint, and stopped after some steps."""

    def __init__(self, recipe: Recipe, strings: list[str], folder: Path) -> None:
        self.recipe, self.strings = recipe, strings
        self.path, self.checkpoint = folder / "m.history.jsonl", folder / "m.checkpoint"

    def __call__(self, *interrupts: int, resume: bool = False, record: bool = True, **options: Any) -> None:
        fit_model(
            Lists(read_corpus(self.strings)),
            self.recipe,
            monitor=Interrupting(*interrupts),
            checkpoint=self.checkpoint,
            resume=resume,
            record=self.path if record else None,
            **options,
        )

    def stopped(self, *interrupts: int, resume: bool = False, record: bool = True) -> None:
        with pytest.raises(KeyboardInterrupt):
            self(*interrupts, resume=resume, record=record)

    @property
    def runs(self) -> list[PastRun]:
        return read_history(self.path)


@pytest.fixture
def fit(tiny_recipe, strings, tmp_path) -> Fit:
    return Fit(tiny_recipe, strings, tmp_path)


def measured(run: PastRun) -> list[dict[str, Any]]:
    """The records without what a clock says."""
    return [{k: v for k, v in one.items() if k not in ("seconds", "steps_per_second")} for one in run.records]


def test_one_record_a_step_and_one_of_what_the_run_is(fit):
    fit(command="a test")
    (run,) = fit.runs
    assert list(run.about) == [
        *("record", "format", "role", "version", "started", "command", "list", "split", "recipe", "seed"),
        *("parameters", "members", "steps", "items"),
    ]
    assert (run.about["parameters"], run.about["seed"], run.about["steps"]) == (328, 42, 60)
    assert Recipe.from_dict(run.about["recipe"]) == fit.recipe
    assert [record["step"] for record in run.records] == list(range(1, 61))
    assert [record["record"] for record in run.records[18:21]] == ["step", "evaluation", "step"]
    assert list(run.records[0]) == STEP_KEYS
    assert list(run.records[19]) == [*STEP_KEYS, "validation_loss"]
    assert run.records[29]["passes"] == pytest.approx(30 * 32 / run.about["items"])
    times = [record["seconds"] for record in run.records]
    assert times == sorted(times)
    assert all(record["steps_per_second"] > 0 for record in run.records)
    assert all(record["batch_loss"] == record["mean_loss"] for record in run.records)
    rates = [record["rate"] for record in run.records]
    assert rates[5] == max(rates) == 0.01
    assert rates[0] == pytest.approx(0.01 / 6)


def test_the_numbers_are_those_of_the_run(fit, strings):
    model = StringModel(fit.recipe).fit(strings, record=fit.path)
    evaluations = [record for record in fit.runs[0].records if record["record"] == "evaluation"]
    assert [{key: record[key] for key in model.history_[0]} for record in evaluations] == model.history_


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"train.optimizer": "muon", "train.form": "shared"},
        {"model.members": 3, "train.form": "shared"},
        {"model.dropout": 0.3, "train.form": "shared"},
        {"model.activation": "gated", "model.norm": "layer", "model.skip": True, "train.threads": 2},
        {"model.activation": "gelu", "model.norm": "none", "model.dropout": 0.3, "model.final_norm": True},
    ],
)
def test_recording_changes_no_byte_of_the_model(fit, strings, tmp_path, settings):
    digests = []
    for record in (None, fit.path):
        model = StringModel(fit.recipe.with_settings(settings)).fit(strings, record=record)
        model.save(tmp_path / "m.safetensors")
        digests.append(sha256((tmp_path / "m.safetensors").read_bytes()).hexdigest())
    assert [record["step"] for record in fit.runs[0].inside] == [1, 30, 60]
    assert digests[0] == digests[1]


def test_muon_has_two_rates(fit):
    fit.recipe = fit.recipe.with_settings({"train.optimizer": "muon", "train.matrix_rate": 0.1})
    fit()
    for record in fit.runs[0].records:
        assert record["matrix_rate"] == pytest.approx(10 * record["rate"])


def test_the_number_of_records_is_bounded(fit):
    fit.recipe = fit.recipe.with_settings({"train.steps": 2000, "train.evaluate_every": 1000, "model.hidden": 4})
    fit()
    (run,) = fit.runs
    assert [record["record"] for record in run.records].count("step") == 74
    assert len(run.records) == 76
    assert [record["steps"] for record in run.records[:3]] == [27, 27, 27]
    assert run.records[0]["mean_loss"] != run.records[0]["batch_loss"]


def test_a_mean_loss_is_over_all_steps_since_the_last_record(fit, monkeypatch):
    fit()
    every_step = [record["batch_loss"] for record in fit.runs[0].records]
    monkeypatch.setattr("wavemore.train.record._RECORDS", 10)
    fit()
    (run,) = fit.runs
    assert [record["step"] for record in run.records] == [6, 12, 18, 20, 24, 30, 36, 40, 42, 48, 54, 60]
    done = 0
    for record in run.records:
        losses = every_step[done : done + record["steps"]]
        done += record["steps"]
        assert done == record["step"]
        assert record["mean_loss"] == pytest.approx(sum(losses) / len(losses))


def test_the_gradient_norm_is_that_of_all_parameters_together():
    model = nn.Linear(3, 2)
    assert gradient_norm(list(model.parameters())) == 0.0
    model.weight.grad, model.bias.grad = torch.full((2, 3), 2.0), torch.tensor([3.0, 4.0])
    assert gradient_norm(list(model.parameters())) == pytest.approx((6 * 4 + 9 + 16) ** 0.5)


def test_an_ensemble_writes_whole_lines_of_each_member(fit):
    fit.recipe = fit.recipe.with_settings({"model.members": 3, "train.form": "shared", "train.threads": 3})
    fit()
    (run,) = fit.runs
    assert (run.about["members"], run.about["parameters"]) == (3, 3 * 328)
    for member in range(3):
        steps = [record["step"] for record in run.records if record["member"] == member]
        assert steps == list(range(1, 61))
    assert [(record["member"], record["step"]) for record in run.inside] == [(0, 1), (0, 30), (0, 60)]


def test_ctrl_c_loses_nothing_and_resume_goes_on_in_the_same_file(fit, monkeypatch):
    monkeypatch.setattr("wavemore.train.record._RECORDS", 10)
    fit()
    whole = fit.runs[0]
    fit.stopped(9)
    stopped = fit.runs[0]
    assert [record["step"] for record in stopped.records] == [6, 9]
    fit(resume=True)
    (run,) = fit.runs
    assert run.about == stopped.about
    assert run.records[:2] == stopped.records
    assert [record["step"] for record in run.records[:4]] == [6, 9, 12, 18]
    assert measured(run)[3:] == measured(whole)[2:]
    assert all(one["seconds"] <= two["seconds"] for one, two in pairwise(run.records))


def test_resume_drops_what_was_written_after_its_checkpoint(fit):
    """As when a run was killed, and its last line cut short."""
    fit.stopped(25)
    checkpoint = fit.checkpoint.read_bytes()
    fit.stopped(33, resume=True)
    fit.checkpoint.write_bytes(checkpoint)
    with fit.path.open("ab") as file:
        file.write(b'{"record": "st')
    assert [record["step"] for record in fit.runs[0].inside] == [1, 30]
    fit(resume=True)
    assert [record["step"] for record in fit.runs[0].records] == list(range(1, 61))
    assert fit.path.read_bytes().endswith(b"}\n")
    inside = fit.runs[0].inside
    fit()
    assert fit.runs[0].inside == inside


def test_resume_drops_for_each_member_what_it_did_after_its_checkpoint(fit):
    fit.recipe = fit.recipe.with_settings({"model.members": 3, "train.form": "shared", "train.threads": 2})
    fit()
    whole = fit.runs[0]
    fit.stopped(50)
    fit(resume=True)

    def sorted_(run: PastRun) -> list[dict[str, Any]]:
        return sorted(measured(run), key=lambda record: (record["member"], record["step"]))

    assert sorted_(fit.runs[0]) == sorted_(whole)


def test_a_run_that_was_not_recorded_begins_where_it_is_resumed(fit):
    """And what lies there is of another run, so it goes."""
    other = fit.recipe
    fit.recipe = fit.recipe.with_settings({"train.seed": 7})
    fit()
    fit.recipe = other
    fit.stopped(9, record=False)
    fit(resume=True)
    (run,) = fit.runs
    assert run.about["seed"] == 42
    assert [record["step"] for record in run.records] == list(range(10, 61))


def test_a_new_run_replaces_the_history(fit):
    fit()
    fit.recipe = fit.recipe.with_settings({"train.steps": 5})
    fit()
    assert [len(run.records) for run in fit.runs] == [5]


def test_counts_have_no_history(fit):
    fit()
    ngram = Recipe.from_dict({"model": {"kind": "ngram", "order": 2}})
    fit_model(Lists(read_corpus(fit.strings)), ngram, monitor=Interrupting(), record=fit.path)
    assert not fit.path.exists()


@pytest.mark.parametrize("interrupt", [30, 90])
def test_a_teacher_comes_before_its_pupil(fit, tmp_path, interrupt):
    """Stopped in either of them, too."""
    teacher = tmp_path / "teacher.toml"
    teacher.write_text(
        "[model]\ngroups = [2, 2]\nembedding = 4\nhidden = 8\n[train]\nsteps = 60\nbatch = 32\nevaluate_every = 20\n"
    )
    fit.recipe = fit.recipe.with_settings({"train.teacher": str(teacher), "train.form": "shared"})
    fit()
    whole = fit.runs
    assert [(run.role, len(run.records)) for run in whole] == [("teacher", 60), ("model", 60)]

    class Counting(Interrupting):
        """Steps of both runs together."""

        done = 0

        def step(self, step: int, loss: float) -> None:
            self.done += 1
            super().step(self.done, loss)

    with pytest.raises(KeyboardInterrupt):
        fit_model(
            Lists(read_corpus(fit.strings)),
            fit.recipe,
            monitor=Counting(interrupt),
            checkpoint=fit.checkpoint,
            record=fit.path,
        )
    assert sum(len(run.records) for run in fit.runs) == interrupt
    fit(resume=True)
    assert [measured(run) for run in fit.runs] == [measured(run) for run in whole]
    assert [run.inside for run in fit.runs] == [run.inside for run in whole]
    assert all([record["step"] for record in run.inside] == [1, 30, 60] for run in whole)


def test_a_run_that_diverges_leaves_its_last_steps(fit, monkeypatch):
    monkeypatch.setattr("wavemore.train.record._RECORDS", 1)
    settings = {"train.optimizer": "sgd", "train.rate": 1e6, "train.decay": "none", "train.evaluate_every": 1000}
    fit.recipe = fit.recipe.with_settings({**settings, "train.steps": 1000})
    with pytest.raises(TrainingError) as error:
        fit()
    (record,) = fit.runs[0].records
    assert f"at step {record['step']};" in str(error.value)
    assert "NaN" not in fit.path.read_text()
    assert "Infinity" not in fit.path.read_text()


# The file.


def test_the_name_of_a_history():
    assert history_path("a/names.safetensors") == Path("a/names.history.jsonl")
    assert history_path("names") == Path("names.history.jsonl")


def test_what_is_no_history_is_left_alone(path, fit):
    path.write_text("emma\nolivia\n")
    sentence = "exists and is not the history of a run, so it is left alone; move it, or record elsewhere"
    with pytest.raises(FileError, match=sentence):
        fit()
    assert path.read_text() == "emma\nolivia\n"
    with pytest.raises(
        FileError, match=f"^{path} is not the history of a run; give a file that training has recorded$"
    ):
        read_history(path)
    path.write_text("")
    check_history(path)


def test_an_unwritable_place_is_refused_before_training(fit, tmp_path):
    fit.path = tmp_path / "nosuch" / "m.jsonl"
    with pytest.raises(FileError, match=r"^cannot write .*nosuch/m\.jsonl: No such file or directory$"):
        fit(1)  # would be interrupted in its first step
    fit.path = tmp_path
    with pytest.raises(FileError, match="Is a directory"):
        fit(1)


def test_a_full_disk_is_one_sentence(fit):
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("this system has no /dev/full")
    fit.path = Path("/dev/full")
    with pytest.raises(FileError, match=r"^cannot write /dev/full: No space left on device$"):
        fit()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[]", "line 2 of .* is not a record of a history; mend or remove it"),
        ("{", "line 2 of .* is not a record of a history; mend or remove it"),
        ('{"record": "step"}', "line 2 of .* is not a record"),
        ('{"record": "step", "step": -1}', "line 2 of .* is not a record"),
        ('{"record": "step", "step": 1, "member": "a"}', "line 2 of .* is not a record"),
        ('{"record": "step", "step": 1, "batch_loss": "low"}', "line 2 of .* is not a record"),
        ('{"record": "inside", "step": 1}', "line 2 of .* is not a record"),
        ('{"record": "inside", "step": 1, "levels": [], "parameters": [], "norms": 0}', "line 2 of .* is not a record"),
        ('{"record": "run", "format": 9}', "has format 9, and this wavemore reads 1; read it with the version that"),
    ],
)
def test_unsound_histories_are_refused(path, line, sentence):
    path.write_text(json.dumps({"record": "run", "format": 1}) + f"\n{line}\n")
    with pytest.raises(FileError, match=sentence):
        read_history(path)


def test_a_history_that_is_not_there(path):
    with pytest.raises(FileError, match=f"^cannot read {path}: No such file or directory$"):
        read_history(path)


# The command.


@pytest.fixture
def folder(tmp_path, strings, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("\n".join(strings))
    Path("tiny.toml").write_text(
        "[model]\ngroups = [2, 2]\nembedding = 4\nhidden = 8\n[train]\nsteps = 30\nbatch = 32\n"
    )
    return tmp_path


def test_train_records_beside_the_model_and_not_in_it(folder):
    line = ["train", "list.txt", "--recipe", "tiny.toml", "-q", "-o", "m.safetensors"]
    assert command_line(line) == 0
    digest = sha256(Path("m.safetensors").read_bytes()).hexdigest()
    (run,) = read_history("m.history.jsonl")
    assert (run.about["command"], len(run.records)) == ("wavemore " + " ".join(line), 30)
    Path("m.history.jsonl").unlink()
    assert command_line([*line, "--no-record"]) == 0
    assert not Path("m.history.jsonl").exists()
    assert sha256(Path("m.safetensors").read_bytes()).hexdigest() == digest


def test_train_refuses_to_replace_what_is_no_history(folder, capfd):
    Path("m.history.jsonl").write_text("mine\n")
    assert command_line(["train", "nosuch.txt", "-o", "m.safetensors"]) == 1
    assert capfd.readouterr().err == (
        "wavemore: m.history.jsonl exists and is not the history of a run, so it is left alone; "
        "move it, or record elsewhere\n"
    )


def test_train_into_a_device_has_no_history(folder):
    assert command_line(["train", "list.txt", "--recipe", "tiny.toml", "-q", "-o", "/dev/null"]) == 0
    assert not Path("/dev/null.history.jsonl").exists()


# TensorBoard.


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
    assert command_line(["train", "list.txt", "--recipe", "tiny.toml", "-q"]) == 0
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


def test_records_have_the_numbers_that_histories_know(fit):
    fit.recipe = fit.recipe.with_settings({"train.optimizer": "muon"})
    fit()
    (run,) = fit.runs
    known = {"record", "step", *history.NUMBERS}
    assert {name for record in run.records for name in record} == known
