"""What a recipe is trained with: NumPy or PyTorch, which give the same; and what is said where PyTorch or a device is
missing."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_strings

from wavemore.cli import run as command_line
from wavemore.errors import TrainingError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Tanh
from wavemore.settings.config import ModelConfig, Recipe, SequenceConfig, load_recipe, recipe_names
from wavemore.threads import Team
from wavemore.train.batches import Listed, SharedBatches
from wavemore.train.forms import runs_of
from wavemore.train.in_torch import TreeLearner
from wavemore.train.learner import Learner
from wavemore.train.network import Network, first_weights
from wavemore.train.optimisers import build_optimizer, worked_out

STRINGS = tiny_strings()
VOCABULARY = Vocabulary.of(STRINGS)
V = len(VOCABULARY)


# --- a network on a device


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"norm": "layer", "activation": "gelu", "bias": True},
        {"norm": "rms", "activation": "gated", "residual": True, "embedding": 8},
        {"norm": "none", "skip": True, "final_norm": True},
        {"groups": (2, 2), "cycles": 2},
        {"groups": (3, 2)},
    ],
)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_on_a_device_a_network_learns_as_it_does_in_numpy(settings, optimizer):
    """Here the device is the CPU: the same batches, written out as windows."""
    config = ModelConfig(**{"groups": (2, 2, 2), "embedding": 5, "hidden": 8, **settings})
    rate = 0.5 if optimizer == "sgd" else 0.02
    recipe = Recipe().with_settings({"train.optimizer": optimizer, "train.rate": rate})
    weights = first_weights(config, V, np.random.default_rng(0))
    copies = {name: array.copy() for name, array in weights.items()}
    learners: list[Learner] = [
        Network(config, copies, np.random.default_rng(0), Team(1)),
        TreeLearner.new(config, weights, 0, "cpu"),
    ]
    adjusted = [{name: learner.weights[name] for name in learner.adjusted} for learner in learners]
    assert [*adjusted[0]] == [*adjusted[1]]
    assert learners[0].matrices == learners[1].matrices
    optimizers = [build_optimizer(recipe.train, each, learners[0].matrices, Team(1)) for each in adjusted]
    batches = SharedBatches(Listed(STRINGS, VOCABULARY, config), V)
    losses = []
    for _ in range(6):
        batch = batches.draw(17)
        (one, way), (other, back) = (learner.loss(batch) for learner in learners)
        assert one == pytest.approx(other, abs=1e-5)
        losses.append(one)
        found = worked_out(learners[0].gradients(batch, way)), worked_out(learners[1].gradients(batch, back))
        assert {*found[0]} == {*found[1]} == {*learners[0].adjusted}
        for name, gradient in found[0].items():
            np.testing.assert_allclose(gradient, found[1][name], rtol=1e-3, atol=1e-5, err_msg=name)
        for optimizer_, gradients in zip(optimizers, (found[0], found[0]), strict=True):
            optimizer_.step(gradients.items(), rate)
    assert losses[-1] < losses[0]
    one, other = (learner.arrays() for learner in learners)
    for name, array in one.items():
        np.testing.assert_allclose(array, other[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_on_a_device_a_run_has_the_same_losses(strings):
    """ "cpu:0" is PyTorch's other name of the CPU."""
    settings = {"train.optimizer": "adamw", "train.rate": 0.01, "train.steps": 12, "train.batch": 20}
    recipe = Recipe.from_dict({"model": {"groups": [2, 2], "embedding": 4, "hidden": 8}}).with_settings(settings)
    losses = []
    for device in ("cpu", "cpu:0"):
        with runs_of(recipe.with_settings({"train.device": device}), VOCABULARY, strings, strings) as (run,):
            assert isinstance(run.learner, Network if device == "cpu" else TreeLearner)
            losses.append([loss for loss, _ in run.train(Idle())])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


class Idle:
    """An observer that sees nothing."""

    def before(self, run: Any) -> None: ...
    def forward(self, run: Any, batch: Any, way: Any) -> None: ...
    def after(self, run: Any, loss: float, gradients: Any) -> None: ...
    def note(self, run: Any, evaluation: Any) -> None: ...


@pytest.mark.parametrize("recipe", ["fast", "lecture", "gru"])
@pytest.mark.parametrize("device", ["cuda", "mps", "nonsense", "meta", "", "cuda:99", "cpu:x"])
def test_a_device_that_is_not_there_is_refused_and_nothing_is_left(folder, capfd, recipe, device):
    if device.startswith("cuda") and torch.cuda.is_available() and device != "cuda:99":
        pytest.skip("there is a GPU")
    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("there is a GPU")
    before = sorted(path.name for path in folder.iterdir())
    line = ["train", "list.txt", "--recipe", recipe, "--set", f"train.device={device}", "--set", "train.steps=3", "-q"]
    assert command_line(line) == 1
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.startswith(f'wavemore: train.device = "{device}" cannot be used here (')
    assert told.err.endswith('); use "cpu"\n')
    assert told.err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == before


# --- windows as taught


def test_the_windowed_form_learns_as_the_lectures_loop_does_to_the_bit():
    recipe = load_recipe("lecture").with_settings(
        {"model.embedding": 10, "model.hidden": 20, "train.steps": 60, "train.threads": 1, "train.evaluate_every": 25}
    )
    config = recipe.train
    assert (config.form, config.optimizer, config.rate, config.batch) == ("windowed", "sgd", 0.1, 32)
    with runs_of(recipe, VOCABULARY, STRINGS, STRINGS[:9]) as (run,):
        found = [loss for loss, _ in run.train(Idle())]
        weights = run.learner.arrays()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        losses, model = lectures_loop(steps=60, seed=config.seed)
    finally:
        torch.set_num_threads(threads)
    assert found == losses
    assert losses[-1] < losses[0]
    assert np.array_equal(weights["embedding.weight"], model.layers[0].weight.detach().numpy())
    assert np.array_equal(weights["head.linear.weight"], model.layers[-1].weight.detach().numpy())


def lectures_loop(steps: int, seed: int) -> tuple[list[float], Any]:
    """The network and the loop of the lecture, as in its notebook."""
    contexts, answers = [], []
    for string in STRINGS:
        context = [0] * 8
        for character in [*VOCABULARY.encode(string).tolist(), 0]:
            contexts.append(context)
            answers.append(character)
            context = [*context[1:], character]
    x, y = torch.tensor(contexts), torch.tensor(answers)
    g = torch.Generator().manual_seed(seed)
    model = Sequential(
        [
            Embedding(V, 10, generator=g),
            *(FlattenConsecutive(2), Linear(10 * 2, 20, bias=False, generator=g), BatchNorm1d(20), Tanh()),
            *(FlattenConsecutive(2), Linear(20 * 2, 20, bias=False, generator=g), BatchNorm1d(20), Tanh()),
            *(FlattenConsecutive(2), Linear(20 * 2, 20, bias=False, generator=g), BatchNorm1d(20), Tanh()),
            Linear(20, V, generator=g),
        ]
    )
    with torch.no_grad():
        model.layers[-1].weight *= 0.1  # pyright: ignore[reportOperatorIssue]
    losses = []
    for _ in range(steps):
        ix = torch.randint(0, x.shape[0], (32,), generator=g)
        loss = F.cross_entropy(model(x[ix]), y[ix])
        for p in model.parameters():
            p.grad = None
        loss.backward()
        for p in model.parameters():
            assert p.grad is not None
            p.data += -0.1 * p.grad
        losses.append(loss.item())
    return losses, model


# --- without PyTorch

WITHOUT_TORCH = """
import json, sys
sys.modules["torch"] = None
from wavemore.cli import run
from wavemore.settings.config import load_recipe
told = {}
for name in sys.argv[1:]:
    line = ["train", "list.txt", "--recipe", name, "-q", "-o", f"{name}.safetensors", "--set", "train.steps=3"]
    for key in ("batch=16", "evaluate_every=0", "least_steps=1", "patience=0"):
        line += ["--set", f"train.{key}"]
    teacher = load_recipe(name).train.teacher
    if teacher:
        line += ["--set", "train.teacher=ngram"]
    if load_recipe(name).model.members > 2:
        line += ["--set", "model.members=2"]
    told[name] = run(line)
print(json.dumps(told))
"""


def needs_torch(recipe: Recipe) -> bool:
    return isinstance(recipe.model, SequenceConfig) or recipe.train.form == "windowed"


def without_torch(folder: Path, names: list[str]) -> tuple[dict[str, int], str]:
    """The exit code of training each recipe where PyTorch is not, and what is written to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *names], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_every_recipe_but_windows_and_baselines_trains_without_pytorch(folder):
    names = [name for name in recipe_names() if not needs_torch(load_recipe(name))]
    assert {"fast", "best", "small", "mlp", "teacher", "ngram"} <= {*names}
    codes, err = without_torch(folder, names)
    assert codes == dict.fromkeys(names, 0), err
    assert all((folder / f"{name}.safetensors").exists() for name in names)


def test_a_recipe_that_needs_pytorch_says_how_to_install_it(folder):
    names = [name for name in recipe_names() if needs_torch(load_recipe(name))]
    assert {"lecture", "flat-12k", "gru", "transformer", "bow"} <= {*names}
    before = sorted(path.name for path in folder.iterdir())
    codes, err = without_torch(folder, names)
    assert codes == dict.fromkeys(names, 1)
    sentence = (
        "wavemore: training this recipe needs PyTorch, which is not installed; "
        "install it with: pip install 'wavemore[torch]'"
    )
    assert err.splitlines() == [sentence] * len(names)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_device_needs_pytorch_too(folder):
    script = 'import sys; sys.modules["torch"] = None; from wavemore.cli import run; sys.exit(run(sys.argv[1:]))'
    line = ["train", "list.txt", "--set", "train.device=cuda", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", script, *line], cwd=folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        'wavemore: train.device = "cuda" needs PyTorch, which is not installed; '
        "install it with: pip install 'wavemore[torch]'\n"
    )


def test_members_are_networks_of_their_own():
    recipe = Recipe.from_dict({"model": {"groups": [2, 2], "members": 3, "hidden": 8}, "train": {"steps": 2}})
    for form in ("shared", "windowed"):
        with runs_of(recipe.with_settings({"train.form": form}), VOCABULARY, STRINGS, STRINGS) as runs:
            shapes = dict(replace(recipe.wavenet, members=1).weight_shapes(V))
            for run in runs:
                assert {name: array.shape for name, array in run.learner.arrays().items()} == shapes
            assert [run.member for run in runs] == [0, 1, 2]
            firsts = [run.learner.arrays()["embedding.weight"] for run in runs]
            assert not np.array_equal(firsts[0], firsts[1])
            assert not np.array_equal(firsts[1], firsts[2])


def test_a_tree_too_large_to_be_written_out_is_refused():
    config = ModelConfig(groups=(2, 2, 2), cycles=4, embedding=2, hidden=2)
    weights = first_weights(config, V, np.random.default_rng(0))
    message = (
        'on train.device = "cpu:0" the tree of each window is written out, and with model.cycles = 4 it has 4,096 '
        'leaves, more than 512; use fewer cycles, or the device "cpu", where each distinct chunk is computed once'
    )
    with pytest.raises(TrainingError) as caught:
        TreeLearner.new(config, weights, 0, "cpu:0")
    assert str(caught.value) == message
