"""What a run writes down, and that this changes nothing."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from interrupted import Interrupting
from recorded import measured

from wavemore.cli import run as command_line
from wavemore.errors import TrainingError
from wavemore.estimator import StringModel
from wavemore.fitting import fit_model
from wavemore.lists.corpus import read_corpus
from wavemore.models.origin import Lists
from wavemore.runs import history
from wavemore.runs.history import read_history
from wavemore.settings.config import Recipe
from wavemore.train.record import gradient_norm

STEP_KEYS = [
    *("record", "step", "passes", "seconds", "steps", "batch_loss", "mean_loss", "rate", "gradient_norm"),
    "steps_per_second",
]


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


@pytest.mark.slow
def test_the_number_of_records_is_bounded(fit):
    fit.recipe = fit.recipe.with_settings({"train.steps": 600, "train.evaluate_every": 300, "model.hidden": 4})
    fit()
    (run,) = fit.runs
    assert [record["record"] for record in run.records].count("step") == 74
    assert len(run.records) == 76
    assert [record["steps"] for record in run.records[:3]] == [8, 8, 8]
    assert run.records[0]["mean_loss"] != run.records[0]["batch_loss"]


def test_a_mean_loss_is_over_all_steps_since_the_last_record(fit):
    fit.recipe = fit.recipe.with_settings({"train.steps": 375})
    fit()
    (run,) = fit.runs
    assert [record["step"] for record in run.records[:12]] == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]
    done = 0
    for record in run.records:
        losses = fit.monitor.losses[done : done + record["steps"]]
        done += record["steps"]
        assert done == record["step"]
        assert record["mean_loss"] == pytest.approx(sum(losses) / len(losses))
        assert record["batch_loss"] == losses[-1]
    assert done == 375


def test_the_gradient_norm_is_that_of_all_parameters_together():
    assert gradient_norm({}) == 0.0
    gradients = {"weight": np.full((2, 3), 2.0), "bias": np.array([3.0, 4.0])}
    assert gradient_norm(gradients) == pytest.approx((6 * 4 + 9 + 16) ** 0.5)
    assert gradient_norm({name: torch.from_numpy(array) for name, array in gradients.items()}) == pytest.approx(7)
    assert gradient_norm({"weight": np.full(2, 1e30, np.float32)}) == np.inf


def test_an_ensemble_writes_whole_lines_of_each_member(fit):
    fit.recipe = fit.recipe.with_settings({"model.members": 3, "train.form": "shared", "train.threads": 3})
    fit()
    (run,) = fit.runs
    assert (run.about["members"], run.about["parameters"]) == (3, 3 * 328)
    for member in range(3):
        steps = [record["step"] for record in run.records if record["member"] == member]
        assert steps == list(range(1, 61))
    assert [(record["member"], record["step"]) for record in run.inside] == [(0, 1), (0, 30), (0, 60)]


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


@pytest.mark.slow
def test_a_run_that_diverges_leaves_its_last_steps(fit):
    settings = {"train.optimizer": "sgd", "train.rate": 1e6, "train.decay": "none", "train.warmup": 0}
    fit.recipe = fit.recipe.with_settings({**settings, "train.steps": 75_000, "train.evaluate_every": 1000})
    with pytest.raises(TrainingError) as error:
        fit()
    (record,) = fit.runs[0].records
    assert f"at step {record['step']};" in str(error.value)
    assert "NaN" not in fit.path.read_text()
    assert "Infinity" not in fit.path.read_text()


# The command.


def test_train_records_beside_the_model_and_not_in_it(folder):
    line = ["train", "list.txt", "--recipe", "tiny.toml", "-q", "-o", "m.safetensors"]
    assert command_line(line) == 0
    digest = sha256(Path("m.safetensors").read_bytes()).hexdigest()
    (run,) = read_history("m.history.jsonl")
    assert (run.about["command"], len(run.records)) == ("wavemore " + " ".join(line), 30)
    Path("m.history.jsonl").unlink()
    assert command_line([*line, "--no-record", "--force"]) == 0
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


def test_records_have_the_numbers_that_histories_know(fit):
    fit.recipe = fit.recipe.with_settings({"train.optimizer": "muon"})
    fit()
    (run,) = fit.runs
    known = {"record", "step", *history.NUMBERS}
    assert {name for record in run.records for name in record} == known
