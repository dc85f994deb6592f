"""Batches of whole strings, and that each baseline learns from them."""

from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_strings

from wavemore.errors import TrainingError
from wavemore.estimator import fit
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn.packing import Packed
from wavemore.nn.sequence import SequenceModel
from wavemore.settings.config import SequenceConfig, TrainConfig
from wavemore.train import Recorder
from wavemore.train.in_torch import SequenceBatches, SequenceLearner
from wavemore.train.run import Run

STRINGS = tiny_strings()
VOCABULARY = Vocabulary.of(STRINGS)
KINDS = ["bow", "rnn", "gru", "lstm", "transformer"]


def built(kind: str = "gru", **settings) -> SequenceModel:
    config = SequenceConfig(**{"kind": kind, "embedding": 6, "hidden": 16, "heads": 2, **settings})
    return SequenceModel(config, len(VOCABULARY), generator=torch.Generator().manual_seed(0))


def plain_loss(model: SequenceModel, strings: list[str]) -> float:
    """The mean over all predictions, each string by itself through the plain form."""
    total, count = 0.0, 0
    with torch.no_grad():
        for string in strings:
            ids = torch.tensor([0, *VOCABULARY.encode(string).tolist(), 0])
            total += F.cross_entropy(model(ids[None, :-1])[0], ids[1:], reduction="sum").item()
            count += len(string) + 1
    return total / count


def texts(packed: Packed) -> list[str]:
    """The strings of a batch, read from how they are laid out."""
    padded = packed.packing.padded(packed.ids[:, None])[:, :, 0].T  # (B, L)
    return ["".join(VOCABULARY.decode(row[row > 0])) for row in padded.numpy()]


def learner_of(kind: str = "gru", **settings) -> SequenceLearner:
    return SequenceLearner(built(kind, **settings), torch.Generator().manual_seed(1), torch.device("cpu"))


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_the_means_over_predictions(kind):
    learner, batches = learner_of(kind), SequenceBatches.of(STRINGS, VOCABULARY)
    expected = plain_loss(built(kind).eval(), STRINGS)
    assert batches.loss([learner]) == pytest.approx(expected, abs=1e-5)
    assert learner.loss(batches.draw(1000))[0] == pytest.approx(expected, abs=1e-5)
    assert batches.loss([learner]) != pytest.approx(plain_loss(built(kind).eval(), STRINGS[:30]), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_a_plain_pass(kind):
    learner, model = learner_of(kind), built(kind)
    batch = SequenceBatches.of(STRINGS, VOCABULARY).draw(1000)
    _, way = learner.loss(batch)
    found = dict(learner.gradients(batch, way))
    total = torch.zeros(())
    for string in STRINGS:
        ids = torch.tensor([0, *VOCABULARY.encode(string).tolist(), 0])
        total = total + F.cross_entropy(model(ids[None, :-1])[0], ids[1:], reduction="sum")
    (total / sum(len(string) + 1 for string in STRINGS)).backward()
    assert list(found) == learner.adjusted == [name for name, _ in model.named_parameters()]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        np.testing.assert_allclose(found[name], parameter.grad.numpy(), rtol=1e-3, atol=1e-6)


def test_the_loss_is_the_same_in_portions_of_any_size(monkeypatch):
    learner, batches = learner_of(), SequenceBatches.of(STRINGS, VOCABULARY)
    whole = batches.loss([learner])
    monkeypatch.setattr("wavemore.train.in_torch._NUMBERS_AT_ONCE", 64 * 20)
    assert batches.loss([learner]) == pytest.approx(whole, abs=1e-6)


def test_the_loss_is_that_of_evaluation_mode_and_the_mode_before_returns():
    learner, batches = learner_of(dropout=0.5), SequenceBatches.of(STRINGS, VOCABULARY)
    assert batches.loss([learner]) == batches.loss([learner])
    assert learner.model.training
    batch = batches.draw(60)
    assert learner.loss(batch)[0] != learner.loss(batch)[0]


def test_no_string_is_drawn_twice_in_a_pass_and_each_pass_has_a_new_order():
    batches = SequenceBatches.of(STRINGS, VOCABULARY)
    assert len(batches) == 60
    drawn = [texts(batches.draw(20)) for _ in range(6)]
    first, second = ([s for batch in drawn[i : i + 3] for s in batch] for i in (0, 3))
    assert Counter(first) == Counter(second) == Counter(STRINGS)
    assert first != second


def test_the_seed_makes_the_order():
    one, same, other = (texts(SequenceBatches.of(STRINGS, VOCABULARY, seed).draw(20)) for seed in (0, 0, 1))
    assert one == same != other


def test_batches_go_on_from_their_state():
    def drawn(resume_at: int | None) -> list[list[str]]:
        batches, found = SequenceBatches.of(STRINGS, VOCABULARY), []
        for i in range(5):
            if i == resume_at:
                state = batches.state()
                batches = SequenceBatches.of(STRINGS, VOCABULARY)
                batches.restore(state)
            found.append(texts(batches.draw(16)))
        return found

    for resume_at in range(5):  # a pass has three batches, and a rest that is too small for one
        assert drawn(resume_at) == drawn(None)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns_a_tiny_list_with_the_projects_optimiser(kind):
    learner, batches = learner_of(kind, hidden=32), SequenceBatches.of(STRINGS, VOCABULARY)
    config = TrainConfig(
        rate=0.01, matrix_rate=0.05, weight_decay=0.1, batch=30, steps=60, warmup=0, decay="none", evaluate_every=60
    )
    before = batches.loss([learner])
    assert before == pytest.approx(np.log(len(VOCABULARY)), abs=0.1)
    assert learner.matrices
    run = Run(config, learner, batches, batches)
    recorder = Recorder()
    recorder.begin([run], resumed=False)
    for _ in run.train(recorder):
        pass
    # The law that the strings were drawn by has 1.27: alternating consonants and vowels, one to four pairs of them.
    assert batches.loss([learner]) < 1.3


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_takes_more_memory_than_is_free_is_refused_before_it(kind):
    strings = ["ab" * 2500] * 300
    batches = SequenceBatches.of(strings, Vocabulary.of(strings))
    config = SequenceConfig(kind=kind, hidden=96, layers=3)
    with pytest.raises(TrainingError) as caught:
        batches.check_memory(config, 256, free=1e9)
    assert str(caught.value).startswith(
        "a step over 256 strings of 5,000 characters on average (the longest has 5,000) takes about "
    )
    assert str(caught.value).endswith(
        f" GB with a {kind}, and 1.0 GB are free; lower train.batch, or leave out long strings with data.max_length"
    )
    batches.check_memory(config, 1, free=1e9)


def test_memory_is_refused_in_training_too(monkeypatch):
    monkeypatch.setattr("wavemore.train.in_torch.free_memory", lambda: 1000.0)
    with pytest.raises(TrainingError, match=r"GB are free; lower train\.batch"):
        fit(STRINGS, recipe="rnn", settings={"train.steps": 1})
