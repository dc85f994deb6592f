"""Steps seen from inside: equal to a plain pass over the same batch, and the same step to the bit."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from configurations import model_configs
from hypothesis import given, settings

from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import BatchNorm1d, WaveNet
from wavemore.nn.wavenet import Level
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig, Recipe
from wavemore.train.forms import runs_of
from wavemore.train.in_torch import WindowLearner
from wavemore.train.learner import Rows
from wavemore.train.run import Run
from wavemore.train.watch import Watch, watched_steps


@contextmanager
def run_of(strings: list[str], model: dict[str, Any], train: dict[str, Any]) -> Iterator[Run]:
    """A new run over the strings."""
    recipe = Recipe.from_dict({"model": {"groups": [2, 2], "embedding": 4, "hidden": 8, **model}, "train": train})
    with runs_of(recipe, Vocabulary.of(strings), strings, strings) as runs:
        yield runs[0]


class Watching:
    """An observer of one run's steps: the last look is kept."""

    def __init__(self, rows: int) -> None:
        self.rows, self.look = rows, None

    def before(self, run: Run) -> None:
        self.watch = Watch(run.learner, self.rows)

    def forward(self, run: Run, batch: Any, way: Any) -> None:
        self.watch.forward(batch, way)

    def after(self, run: Run, loss: float, gradients: Mapping[str, Any]) -> None:
        self.look = self.watch.look(run.progress.step, gradients)

    def note(self, run: Run, evaluation: dict[str, Any] | None) -> None: ...


def watched(run: Run, rows: int = 1000) -> dict[str, Any]:
    """The record of the run's next step."""
    observer = Watching(rows)
    next(run.train(observer))
    assert observer.look is not None
    return observer.look.record()


def plainly(model: WaveNet, contexts: torch.Tensor) -> tuple[list[Any], torch.Tensor]:
    """What each level's activation is given and gives, (rows, channels), and the logits, in training mode."""
    x = model.embedding(contexts)
    values = []
    for level in model.levels:
        assert isinstance(level, Level)
        y = level.linear(level.flatten(x))  # pyright: ignore[reportCallIssue]
        normed = y if level.norm is None else level.norm(y)
        x = level.activation(normed)
        values.append((normed.detach().flatten(0, -2), x.detach().flatten(0, -2)))
    return values, model.head(x)


SGD = {"optimizer": "sgd", "rate": 0.5, "warmup": 0, "decay": "none", "steps": 100, "form": "windowed", "batch": 60}


@pytest.mark.parametrize("form", ["windowed", "shared"])
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
@pytest.mark.parametrize("activation", ["tanh", "gelu", "quick_gelu", "gated"])
def test_the_numbers_are_those_of_a_plain_pass_over_the_same_batch(strings, form, norm, activation):
    """The batch of the shared form is all strings, and the plain pass is over all their windows."""
    config = ModelConfig(groups=(2, 2), embedding=4, hidden=8, norm=norm, activation=activation)
    windows = Windows.of(strings, Vocabulary.of(strings), 4)
    rows = torch.arange(len(windows.positions))
    with run_of(strings, {"norm": norm, "activation": activation}, {**SGD, "form": form}) as run:
        model = WaveNet.of(config, run.learner.arrays()).train()
        if form == "windowed":
            assert isinstance(run.learner, WindowLearner)
            generator = run.learner.generator.clone_state()
            rows = torch.randint(0, len(windows.positions), (60,), generator=generator)
        record = watched(run)
    contexts = torch.from_numpy(windows.contexts())[rows]
    answers = torch.from_numpy(windows.answers())[rows].long()
    old = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    values, logits = plainly(model, contexts)
    F.cross_entropy(logits, answers).backward()
    for level, (normed, activated) in zip(record["levels"], values, strict=True):
        assert level["mean"] == pytest.approx(float(activated.mean()), abs=1e-5)
        assert level["deviation"] == pytest.approx(float(activated.std(correction=0)), rel=1e-4)
        first = normed[:, :8] if activation == "gated" else normed
        flat = first < -2.24 if "gelu" in activation else torch.tanh(first).abs() > 0.97
        name = activation if "gelu" in activation else "tanh"
        assert level["saturated"][name] == pytest.approx(float(flat.float().mean()), abs=1e-3)
        spread = activated.std(0, correction=0)
        assert level["dead"] == torch.nonzero(spread < 0.01).flatten().tolist()
        counts, _ = np.histogram(np.clip(normed.numpy(), -6, 6), 30, (-6, 6))
        assert np.allclose(level["given"]["shares"], counts / counts.sum(), atol=2e-3)
        assert (level["given"]["from"], level["given"]["to"]) == (-6, 6)
    assert [each["name"] for each in record["parameters"]] == list(old)
    for each in record["parameters"]:
        gradient = model.get_parameter(each["name"]).grad
        assert gradient is not None
        size = float(gradient.square().mean().sqrt())
        assert each["gradient"] == pytest.approx(size, rel=2e-3, abs=1e-8)
        assert each["weight"] == pytest.approx(float(old[each["name"]].square().mean().sqrt()), rel=1e-5)
        assert each["update"] == pytest.approx(0.5 * size, rel=2e-3, abs=1e-7)
    norms = {name: layer for name, layer in model.named_modules() if isinstance(layer, BatchNorm1d)}
    assert [each["name"] for each in record["norms"]] == list(norms)
    for each in record["norms"]:  # of the first step, whose running statistics are 0 and 1
        norm_ = norms[each["name"]]
        mean, var = norm_.running_mean / 0.1, (norm_.running_var - 0.9) / 0.1
        assert each["shift"] == pytest.approx(float(mean.square().mean().sqrt()), rel=1e-3)
        factor = float(torch.exp(((var.log() / 2).square()).mean().sqrt()))
        assert each["scale"] == pytest.approx(factor, rel=2e-3)


@settings(max_examples=30, deadline=None)
@given(config=model_configs)
def test_a_model_that_is_watched_gives_what_it_gives_to_the_bit(config):
    """Of the rows, what an activation is given and gives; and the weights after two steps are the same."""
    strings = ["abca", "b", "cab"]
    train = {"steps": 2, "batch": 3, "optimizer": "adamw"}
    for form in ("shared", "windowed"):
        ends = []
        for rows in (0, 10**6):
            recipe = Recipe.from_dict({"train": {**train, "form": form}})
            with runs_of(replace(recipe, model=config), Vocabulary.of(strings), strings, strings) as (run,):
                observer = Watching(rows) if rows else Idle()
                losses = [loss for loss, _ in run.train(observer)]
                ends.append((losses, run.learner.arrays()))
            if isinstance(observer, Watching):
                assert len(observer.watch._levels) == len(config.levels)
        (one, before), (other, after) = ends
        assert one == other
        assert all(np.array_equal(array, after[name]) for name, array in before.items())


class Idle:
    """An observer that sees nothing."""

    def before(self, run: Run) -> None: ...
    def forward(self, run: Run, batch: Any, way: Any) -> None: ...
    def after(self, run: Run, loss: float, gradients: Mapping[str, Any]) -> None: ...
    def note(self, run: Run, evaluation: dict[str, Any] | None) -> None: ...


def test_of_many_rows_some_are_taken_as_often_as_they_are_used(strings):
    records = []
    for rows in (1000, 20):
        with run_of(strings, {}, {**SGD, "form": "shared"}) as run:
            records.append(watched(run, rows))
    whole, some = records
    for one, two in zip(whole["levels"], some["levels"], strict=True):
        assert two["deviation"] != one["deviation"]
        assert two["deviation"] == pytest.approx(one["deviation"], rel=0.25)
    values = np.arange(6.0)[:, None]
    uses = np.array([1.0, 60.0, 1.0, 1.0, 30.0, 7.0])

    def look(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return values[rows], values[rows]

    assert Rows.of("tanh", uses, 6, look).uses.tolist() == uses.tolist()  # few, so all of them
    rows = Rows.of("tanh", uses, 5, look)
    assert rows.normed.ravel().tolist() == [1, 1, 1, 4, 4]
    assert rows.uses.tolist() == [1] * 5


def test_a_baseline_shows_its_parameters_alone(strings):
    recipe = Recipe.from_dict({"model": {"kind": "gru", "embedding": 4, "hidden": 8}, "train": {"steps": 9}})
    with runs_of(recipe, Vocabulary.of(strings), strings, strings) as (run,):
        record = watched(run)
    assert (record["levels"], record["norms"]) == ([], [])
    assert {each["group"] for each in record["parameters"]} == {"embedding", "layer 1", "head"}


@pytest.mark.parametrize("form", ["shared", "windowed"])
def test_a_step_whose_numbers_are_not_finite_has_no_record(strings, form):
    observer = Watching(rows=10)
    with run_of(strings, {"norm": "none", "activation": "gelu"}, {**SGD, "form": form}) as run:
        for name in run.learner.adjusted:
            run.learner.weights[name][...] *= np.float32(1e30)
        with pytest.raises(TrainingError, match=r"^the loss is"):
            next(run.train(observer))
    assert observer.look is None
    with np.errstate(invalid="ignore", over="ignore"):
        assert observer.watch.look(1, run.learner.arrays()) is None


def test_watched_steps_are_few_and_even_and_hold_both_ends():
    assert watched_steps(1) == {1}
    assert watched_steps(2) == {1, 2}
    assert watched_steps(60) == {1, 30, 60}
    assert sorted(watched_steps(271)) == [1, 40, 78, 117, 155, 194, 232, 271]
    assert len(watched_steps(200_000)) == 10
