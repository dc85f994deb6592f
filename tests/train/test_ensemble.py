"""Networks that vote: trained side by side, run as one, stopped and resumed, and the same on any number of threads."""

import threading
from collections import Counter

import numpy as np
import pytest
import torch
from configurations import model_configs
from hypothesis import given, settings
from hypothesis import strategies as st
from interrupted import Run, same_but_for_order

from wavemore.errors import CheckpointError, TrainingError
from wavemore.estimator import StringModel
from wavemore.judging.likelihood import log_likelihoods
from wavemore.models.modelfile import ModelFile
from wavemore.predict.chunks import Chunks
from wavemore.predict.ensemble import Ensemble
from wavemore.predict.predictor import Distribution, log_probabilities
from wavemore.sampling.sample import sample_strings
from wavemore.settings.config import Recipe
from wavemore.train import Checkpoint, Recorder, loop
from wavemore.train.run import Run as One


@pytest.fixture
def recipe(tiny_recipe: Recipe) -> Recipe:
    return tiny_recipe.with_settings({"model.members": 3, "train.form": "shared", "train.optimizer": "muon"})


@pytest.fixture
def run(recipe, strings, tmp_path) -> Run:
    return Run(recipe, strings, tmp_path / "run.checkpoint")


def test_members_are_trained_the_same_on_any_number_of_threads(run):
    whole = run()
    for threads in (1, 2, 3):
        run.recipe = run.recipe.with_settings({"train.threads": threads})
        assert same_but_for_order(run(), whole)
    first, second = (whole.weights[f"members.{i}.embedding.weight"] for i in (0, 1))
    assert not np.array_equal(first, second)


def test_the_first_member_is_the_network_that_the_seed_gives_alone(run):
    whole = run()
    run.recipe = run.recipe.with_settings({"model.members": 1})
    alone = run()
    assert all(np.array_equal(array, whole.weights[f"members.0.{name}"]) for name, array in alone.weights.items())


def test_an_interrupted_ensemble_ends_in_the_same_numbers(run):
    whole = run()
    with pytest.raises(KeyboardInterrupt):
        run(50)
    progress = Checkpoint.load(run.path).progress["members"]
    assert 0 < sum(member["step"] for member in progress) < 180
    with pytest.raises(KeyboardInterrupt):
        run(120, resume=True)
    assert same_but_for_order(run(resume=True), whole)


def test_a_checkpoint_of_fewer_members_is_refused(run):
    with pytest.raises(KeyboardInterrupt):
        run(50)
    state = Checkpoint.load(run.path)
    state.progress["members"].pop()
    state.save(run.path)
    with pytest.raises(CheckpointError, match="members are missing"):
        run(resume=True)


def test_a_member_that_diverges_stops_the_others(run, monkeypatch):
    """The first to step fails at once; the others, which wait for that, soon hear of it."""
    monkeypatch.setattr(loop, "pays", lambda *_: False)  # here, and not in processes
    run.recipe = run.recipe.with_settings({"train.threads": 3, "train.steps": 1000})
    failed, taken = threading.Event(), Counter[int]()

    class Failing(Recorder):
        def before(self, run: One) -> None:
            taken[run.member] += 1
            if next(iter(taken)) == run.member:
                failed.set()
                raise TrainingError("diverged")
            assert failed.wait(60)
            super().before(run)

    with pytest.raises(TrainingError, match="diverged"):
        run(recorder=Failing())
    first, *others = taken.values()
    assert first == 1
    assert sum(others) < 500


def test_a_run_that_diverges_says_what_to_do(run):
    run.recipe = run.recipe.with_settings({"train.optimizer": "sgd", "train.rate": 1e9, "train.steps": 100000})
    with pytest.raises(TrainingError, match="lower the learning rate"):
        run()


def test_the_losses_are_those_of_the_ensemble_and_lower_than_the_members(recipe, strings):
    model = StringModel(recipe).fit(strings, validation=strings[:30])
    losses = model.file_.provenance["losses"]
    assert model.evaluate(strings[:30]).nats_per_character == pytest.approx(losses["validation"], abs=1e-5)
    assert isinstance(model.distribution_.predictor, Ensemble)
    apart = [
        -log_likelihoods(Distribution(one, model.file_.vocabulary), strings[:30]).sum()
        for one in model.distribution_.predictor.members
    ]
    together = -model.score_samples(strings[:30]).sum()
    assert together < np.mean(apart)


def test_a_saved_ensemble_is_the_same(recipe, strings, tmp_path):
    model = StringModel(recipe).fit(strings)
    model.save(tmp_path / "e.safetensors")
    loaded = StringModel.load(tmp_path / "e.safetensors")
    assert loaded.sample(20, seed=1) == model.sample(20, seed=1)
    assert np.array_equal(loaded.score_samples(strings), model.score_samples(strings))
    single = ModelFile.load(tmp_path / "e.safetensors").recipe.with_settings({"model.members": 1}).wavenet
    shapes = dict(single.weight_shapes(len(loaded.file_.vocabulary)))
    count = sum(int(np.prod(shape)) for name, shape in shapes.items() if "running" not in name)
    assert loaded.file_.parameter_count == 3 * count
    assert len(loaded.file_.members()) == 3


@settings(deadline=None, max_examples=40)
@given(model_configs, st.integers(0, 2**31), st.integers(1, 3))
def test_the_folded_form_equals_the_windowed_form(config, seed, members):
    """The mean of the members' logits, for whole strings and step by step."""
    from dataclasses import replace

    from wavemore.lists.vocabulary import Vocabulary
    from wavemore.nn import WaveNet
    from wavemore.predict.engine import Engine
    from wavemore.predict.windows import Windows

    strings, vocabulary = ["abba", "b", "", "aabbaabba"], Vocabulary("ab")
    generator = torch.Generator().manual_seed(seed)
    nets = [WaveNet(replace(config, dropout=0.0), 3, generator=generator) for _ in range(members)]
    contexts = torch.from_numpy(Windows.of(strings, vocabulary, config.context).contexts())
    engine = Ensemble(
        Engine(config, {name: tensor.numpy() for name, tensor in one.state_dict().items()}) for one in nets
    )
    with torch.no_grad():
        logits = torch.stack([net.eval()(contexts) for net in nets])  # (members, N, V)
        expected = torch.log_softmax(logits.mean(0), 1).numpy()
    chunks = Chunks.of(strings, vocabulary, config.groups, config.cycles)
    found = log_probabilities(Distribution(engine, vocabulary), strings)
    assert np.abs(found - expected[np.arange(len(found)), chunks.answers]).max() < 1e-5 * max(1, np.abs(expected).max())
    state = engine.start(1)
    shares = state.logits - np.log(np.exp(state.logits).sum())
    assert np.abs(shares[0] - expected[0]).max() < 1e-5 * max(1, np.abs(expected).max())
    assert len(list(sample_strings(Distribution(engine, vocabulary), 5, seed=0, max_length=20))) == 5


def test_members_are_trained_where_a_system_does_not_tell_its_free_cores(run, monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity")
    assert run().step
