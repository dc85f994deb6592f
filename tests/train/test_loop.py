"""Training itself: resuming exactly, stopping early, keeping the best, interrupts and errors."""

import signal
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from interrupted import Interrupting, Run, same
from safetensors.torch import load_file, save_file

from wavemore.errors import CheckpointError, FileError, TrainingError
from wavemore.estimator import StringModel
from wavemore.settings.config import TrainConfig
from wavemore.train import Checkpoint
from wavemore.train.run import total_steps


@pytest.fixture
def run(tiny_recipe, strings, tmp_path) -> Run:
    return Run(tiny_recipe, strings, tmp_path / "run.checkpoint")


@pytest.mark.parametrize("form", ["shared", "windowed"])
@pytest.mark.parametrize("settings", [{}, {"train.optimizer": "sgd", "train.rate": 0.1}, {"train.optimizer": "muon"}])
def test_a_run_interrupted_twice_and_resumed_ends_in_the_same_numbers(run, settings, form):
    run.recipe = run.recipe.with_settings({**settings, "train.form": form})
    whole = run()
    with pytest.raises(KeyboardInterrupt):
        run(7)
    assert Checkpoint.load(run.path).progress["step"] == 7
    with pytest.raises(KeyboardInterrupt):
        run(35, resume=True)
    assert same(run(resume=True), whole)


def test_the_comparison_of_runs_notices_a_lost_generator(run):
    whole = run()
    with pytest.raises(KeyboardInterrupt):
        run(7)
    checkpoint = Checkpoint.load(run.path)
    checkpoint.tensors["generator"] = torch.Generator().manual_seed(42).get_state()
    checkpoint.save(run.path)
    assert not same(run(resume=True), whole)


def test_ctrl_c_is_handled_as_before_once_training_is_over(run):
    before = signal.getsignal(signal.SIGINT)
    run()
    with pytest.raises(KeyboardInterrupt):
        run(3)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_run_that_is_interrupted_in_its_last_step_is_finished(run):
    assert run(60).history[-1]["step"] == 60


def test_a_finished_run_that_is_resumed_gives_its_result_again(run):
    assert same(run(), run(resume=True))


def test_the_best_weights_are_kept_or_the_last(run):
    run.recipe = run.recipe.with_settings({"train.rate": 0.3, "train.decay": "none", "train.warmup": 0.0})
    best = run()
    losses = {record["step"]: record["validation_loss"] for record in best.history}
    assert best.validation_loss == min(losses.values())
    assert losses[best.step] == best.validation_loss
    run.recipe = run.recipe.with_settings({"train.keep": "last"})
    last = run()
    assert (last.step, last.validation_loss) == (60, losses[60])


def test_early_stopping(run):
    settings = {"train.patience": 2, "train.evaluate_every": 5, "train.steps": 5000, "train.rate": 0.2}
    run.recipe = run.recipe.with_settings(settings)
    trained = run()
    assert trained.history[-1]["step"] == trained.step + 2 * 5 < 5000


def test_evaluation_after_each_pass_with_some_steps_between_and_at_the_end(run):
    run.recipe = run.recipe.with_settings({"train.evaluate_every": 0, "train.form": "shared", "train.batch": 2})
    assert [record["step"] for record in run().history] == [25, 50, 60]  # 50 strings, 2 a batch
    run.recipe = run.recipe.with_settings({"train.batch": 50, "train.steps": 5})
    assert [record["step"] for record in run().history] == [2, 4, 5]


def test_the_number_of_steps():
    assert total_steps(TrainConfig(steps=7, epochs=100), 1000) == 7
    assert total_steps(TrainConfig(epochs=2.5, batch=10, least_steps=1), 1000) == 250
    assert total_steps(TrainConfig(epochs=2.5, batch=10, least_steps=300), 1000) == 300
    assert total_steps(TrainConfig(epochs=2.5, batch=256, least_steps=1), 20) == 3  # the batch is the whole list


def test_a_loss_that_is_no_number_is_an_error_that_names_step_and_rate(run):
    with pytest.raises(KeyboardInterrupt):
        run(7)
    checkpoint = Checkpoint.load(run.path)
    checkpoint.tensors["weights.head.linear.bias"][0] = float("inf")
    checkpoint.save(run.path)
    sentence = r"^the loss is (nan|inf) at step 8; lower the learning rate \(train.rate is 0.01\)$"
    with pytest.raises(TrainingError, match=sentence):
        run(resume=True)


def test_a_checkpoint_of_another_run_is_refused(run):
    with pytest.raises(KeyboardInterrupt):
        run(7)
    with pytest.raises(CheckpointError, match="the stopped run had other settings than this one"):
        run(resume=True, about={"settings": {}, "command": "a test"})


def test_unsound_checkpoints_are_refused(run):
    with pytest.raises(FileError, match=r"cannot read the checkpoint .*: No such file or directory"):
        run(resume=True)
    run.path.write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match="is not a sound checkpoint"):
        run(resume=True)
    with pytest.raises(KeyboardInterrupt):
        run(7)
    tensors = load_file(run.path)
    save_file(tensors, run.path)  # the metadata are gone
    with pytest.raises(CheckpointError, match="is not a sound checkpoint"):
        run(resume=True)


@pytest.mark.parametrize("entry", ["{}", "[]", '{"format": 1}', '{"format": 1, "progress": {}, "about": []}', "{"])
def test_checkpoints_with_odd_metadata_are_refused(run, entry):
    with pytest.raises(KeyboardInterrupt):
        run(7)
    save_file(load_file(run.path), run.path, {"wavemore-checkpoint": entry})
    with pytest.raises(CheckpointError, match="is not a sound checkpoint"):
        run(resume=True)


def test_a_checkpoint_that_lacks_a_tensor_is_refused(run):
    with pytest.raises(KeyboardInterrupt):
        run(7)
    checkpoint = Checkpoint.load(run.path)
    del checkpoint.tensors["weights.embedding.weight"]
    checkpoint.save(run.path)
    with pytest.raises(CheckpointError, match="the checkpoint is not whole"):
        run(resume=True)


def test_the_number_of_torch_threads_is_given_back(run):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_fit_resumes_from_its_checkpoint(strings, tiny_recipe, tmp_path, monkeypatch):
    path = tmp_path / "fit.checkpoint"
    whole = StringModel(tiny_recipe).fit(strings)
    monkeypatch.setattr("wavemore.progress.TrainingProgress", lambda quiet: nullcontext(Interrupting(11)))
    with pytest.raises(KeyboardInterrupt):
        StringModel(tiny_recipe).fit(strings, checkpoint=path)
    monkeypatch.undo()
    resumed = StringModel(tiny_recipe).fit(strings, checkpoint=path, resume=True)
    assert resumed.file_.weights.keys() == whole.file_.weights.keys()
    assert all(np.array_equal(a, whole.file_.weights[name]) for name, a in resumed.file_.weights.items())
    with pytest.raises(CheckpointError, match="the stopped run had other list or split than this one"):
        StringModel(tiny_recipe).fit(strings[1:], checkpoint=path, resume=True)
