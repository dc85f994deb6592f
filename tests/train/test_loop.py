"""Training itself: resuming exactly, stopping early, keeping the best, interrupts and errors."""

import re
import signal
from contextlib import nullcontext
from itertools import product
from threading import get_ident

import numpy as np
import pytest
import torch
from interrupted import Interrupting, Run, same, same_but_for_order

from wavemore.errors import CheckpointError, TrainingError
from wavemore.estimator import StringModel
from wavemore.lists.vocabulary import Vocabulary
from wavemore.settings.config import Recipe, TrainConfig
from wavemore.train import Checkpoint
from wavemore.train.gradients import d_weight
from wavemore.train.learner import state_of
from wavemore.train.run import total_steps


@pytest.fixture
def run(tiny_recipe, strings, tmp_path) -> Run:
    return Run(tiny_recipe, strings, tmp_path / "run.checkpoint")


CHANGED = [
    {},
    {"train.optimizer": "sgd", "train.rate": 0.1},
    {"train.optimizer": "muon"},
    {"model.dropout": 0.3, "model.norm": "layer", "train.batch": 13},  # whose passes end within
    {"model.members": 2, "model.dropout": 0.3, "train.steps": 25},
    {"train.average": 0.1, "train.keep": "last"},
]


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        *(("shared", settings) for settings in CHANGED),
        *(("windowed", settings) for settings in (CHANGED[3], CHANGED[4])),
        *(pytest.param("windowed", settings, marks=pytest.mark.slow) for settings in (*CHANGED[:3], CHANGED[5])),
    ],
)
def test_a_run_interrupted_twice_and_resumed_ends_in_the_same_numbers(run, settings, form):
    run.recipe = run.recipe.with_settings({**settings, "train.form": form})
    whole = run()
    with pytest.raises(KeyboardInterrupt):
        run(7)
    told = Checkpoint.load(run.path).progress
    assert sum(one["step"] for one in told.get("members", [told])) >= 7
    with pytest.raises(KeyboardInterrupt):
        run(35, resume=True)
    assert same_but_for_order(run(resume=True), whole)


def test_a_run_stopped_at_any_step_ends_in_the_same_bytes(run):
    """In the midst of a pass, at its end, and before and after an evaluation: 50 strings make three batches a pass."""
    changed = {"train.form": "shared", "train.optimizer": "muon", "train.batch": 16, "model.dropout": 0.2}
    run.recipe = run.recipe.with_settings({**changed, "train.steps": 11, "train.evaluate_every": 4})
    whole = run()
    for step in range(1, 11):
        with pytest.raises(KeyboardInterrupt):
            run(step)
        assert Checkpoint.load(run.path).progress["step"] == step
        assert same(run(resume=True), whole), step


@pytest.mark.parametrize("kind", ["bow", "rnn", "gru", "lstm", "transformer"])
def test_a_baseline_that_is_stopped_and_resumed_ends_in_the_same_numbers(run, kind):
    model = {"kind": kind, "embedding": 4, "hidden": 8, "layers": 1, "dropout": 0.3}
    run.recipe = Recipe.from_dict({"model": model, "train": {"steps": 9, "batch": 20, "evaluate_every": 4}})
    whole = run()
    for step in (1, 3, 5):  # within a pass of two batches, and between two
        with pytest.raises(KeyboardInterrupt):
            run(step)
        assert same(run(resume=True), whole)


@pytest.mark.parametrize("settings", [{}, {"train.optimizer": "muon", "model.dropout": 0.3, "model.hidden": 40}])
def test_one_thread_and_two_give_the_same_bytes(run, settings, monkeypatch):
    long = [a + b + c + d for a, b, c, d in product("bdlm", "aeo", "bdn", "ai")]
    run.training, run.vocabulary = long, Vocabulary.of([*long, *run.validation])
    changed = {**settings, "train.form": "shared", "train.batch": 70, "train.steps": 12, "model.groups": [2, 2, 2]}
    run.recipe = run.recipe.with_settings(changed)
    trained, taken = [], []
    monkeypatch.setattr("wavemore.train.level.d_weight", lambda *given: taken.append(get_ident()) or d_weight(*given))
    for threads in (1, 2, 3):
        run.recipe = run.recipe.with_settings({"train.threads": threads})
        taken.clear()
        trained.append(run())
        assert (get_ident() in taken) == (threads == 1)
    assert all(same(one, trained[0]) for one in trained[1:])


@pytest.mark.parametrize(
    ("form", "name", "other"),
    [
        ("windowed", "learner.generator", torch.Generator().manual_seed(42).get_state().numpy()),
        ("shared", "learner.generator", state_of(np.random.default_rng(42))),
        ("shared", "batches.next", np.asarray(0)),
        ("shared", "batches.pass", np.asarray(0)),
        ("shared", "optimizer.steps", np.asarray(0)),
    ],
)
def test_the_comparison_of_runs_notices_what_is_lost(run, form, name, other):
    run.recipe = run.recipe.with_settings({"train.form": form, "model.dropout": 0.3})
    whole = run()
    with pytest.raises(KeyboardInterrupt):
        run(7)
    checkpoint = Checkpoint.load(run.path)
    assert not np.array_equal(checkpoint.arrays[name], other)
    checkpoint.arrays[name] = other
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


def test_a_run_goes_on_with_another_number_of_threads(run):
    run.recipe = run.recipe.with_settings({"train.form": "shared", "train.threads": 2})
    whole = run()
    with pytest.raises(KeyboardInterrupt):
        run(7)
    run.recipe = run.recipe.with_settings({"train.threads": 1})
    assert same(whole, run(resume=True))


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


@pytest.mark.parametrize("form", ["shared", "windowed"])
def test_a_loss_that_is_no_number_is_an_error_that_names_step_and_rate(run, form):
    run.recipe = run.recipe.with_settings({"train.form": form})
    with pytest.raises(KeyboardInterrupt):
        run(7)
    checkpoint = Checkpoint.load(run.path)
    checkpoint.arrays["weights.head.linear.bias"][0] = float("inf")
    checkpoint.save(run.path)
    sentence = r"^the loss is (nan|inf) at step 8; lower the learning rate \(train.rate is 0.01\)$"
    with pytest.raises(TrainingError, match=sentence):
        run(resume=True)


@pytest.mark.parametrize("form", ["shared", "windowed"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
@pytest.mark.parametrize(
    ("norm", "activation", "rate"), [("batch", "tanh", 1e9), ("none", "gelu", 1e9), ("rms", "gated", 1e18)]
)
def test_a_run_that_diverges_says_so_in_one_sentence_and_keeps_its_checkpoint(
    run, form, optimizer, norm, activation, rate
):
    """And NumPy warns of nothing: here each warning is an error."""
    settings = {"train.form": form, "train.optimizer": optimizer, "model.norm": norm, "model.activation": activation}
    run.recipe = run.recipe.with_settings({**settings, "train.steps": 200, "train.evaluate_every": 1})
    with pytest.raises(KeyboardInterrupt):
        run(3)
    before = run.path.read_bytes()
    run.recipe = run.recipe.with_settings({"train.rate": rate, "train.warmup": 0.0, "train.evaluate_every": 100})
    with pytest.raises(TrainingError) as caught:
        run()
    assert re.fullmatch(
        r"the (loss is \S+( and the largest weight is beyond 1e\+09)?|validation loss is (nan|inf)) "
        rf"at step \d+; lower the learning rate \(train\.rate is {re.escape(f'{rate:g}')}\)",
        str(caught.value),
    )
    assert run.path.read_bytes() == before


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
