"""Batches of whole strings, and that each baseline learns from them."""

import copy
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny import tiny_strings

from wavemore.errors import TrainingError
from wavemore.estimator import fit
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn.sequence import SequenceModel
from wavemore.settings.config import SequenceConfig, TrainConfig
from wavemore.train.optimisers import build_optimizer
from wavemore.train.sequences import SequenceBatches

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


class Noting:
    """A model that notes the strings of each batch: how they are laid out, it reads from the packing."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []

    def packed(self, ids: torch.Tensor, packing) -> torch.Tensor:
        padded = packing.padded(ids[:, None])[:, :, 0].T  # (B, L)
        self.seen.append(["".join(VOCABULARY.decode(row[row > 0])) for row in padded.numpy()])
        return torch.zeros((len(ids), len(VOCABULARY)), requires_grad=True)


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_the_means_over_predictions(kind):
    model = built(kind).eval()
    batches = SequenceBatches.of(STRINGS, VOCABULARY)
    expected = plain_loss(model, STRINGS)
    assert batches.loss(model) == pytest.approx(expected, abs=1e-5)
    assert batches.draw(model, 1000, torch.Generator()).item() == pytest.approx(expected, abs=1e-5)
    assert batches.loss(model) != pytest.approx(plain_loss(model, STRINGS[:30]), abs=1e-5)


def test_the_loss_is_the_same_in_portions_of_any_size(monkeypatch):
    model, batches = built(), SequenceBatches.of(STRINGS, VOCABULARY)
    whole = batches.loss(model)
    monkeypatch.setattr("wavemore.train.sequences._NUMBERS_AT_ONCE", 64 * 20)
    assert batches.loss(model) == pytest.approx(whole, abs=1e-6)


def test_the_loss_is_that_of_evaluation_mode_and_the_mode_before_returns():
    model, batches = built(dropout=0.5), SequenceBatches.of(STRINGS, VOCABULARY)
    assert batches.loss(model) == batches.loss(model)
    assert model.training


def test_no_string_is_drawn_twice_in_a_pass_and_each_pass_has_a_new_order():
    batches, model, generator = SequenceBatches.of(STRINGS, VOCABULARY), Noting(), torch.Generator().manual_seed(0)
    assert len(batches) == 60
    for _ in range(6):
        batches.draw(model, 20, generator)  # type: ignore[arg-type] - all that it needs of a model
    first, second = ([s for batch in model.seen[i : i + 3] for s in batch] for i in (0, 3))
    assert Counter(first) == Counter(second) == Counter(STRINGS)
    assert first != second


def test_batches_go_on_from_their_state():
    def drawn(resume: bool) -> list[list[str]]:
        batches, model, generator = SequenceBatches.of(STRINGS, VOCABULARY), Noting(), torch.Generator().manual_seed(0)
        for i in range(5):
            if i == 2 and resume:
                state, before = batches.state(), generator.get_state()
                batches, generator = SequenceBatches.of(STRINGS, VOCABULARY), torch.Generator()
                batches.restore(state)
                generator.set_state(before)
            batches.draw(model, 16, generator)  # type: ignore[arg-type]
        return model.seen

    assert drawn(resume=True) == drawn(resume=False)


def test_a_copy_goes_its_own_way():
    batches, model = SequenceBatches.of(STRINGS, VOCABULARY), Noting()
    other = copy.copy(batches)
    for part in (batches, other):
        part.draw(model, 40, torch.Generator().manual_seed(0))  # type: ignore[arg-type]
    assert model.seen[0] == model.seen[1]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns_a_tiny_list_with_the_projects_optimiser(kind):
    model, batches = built(kind, hidden=32), SequenceBatches.of(STRINGS, VOCABULARY)
    optimizer = build_optimizer(TrainConfig(rate=0.01, matrix_rate=0.05, weight_decay=0.1), model)
    generator = torch.Generator().manual_seed(1)
    before = batches.loss(model)
    assert before == pytest.approx(np.log(len(VOCABULARY)), abs=0.1)
    for _ in range(60):
        loss = batches.draw(model, 30, generator)
        model.zero_grad()
        loss.backward()
        optimizer.step(0.01)
    # The law that the strings were drawn by has 1.27: alternating consonants and vowels, one to four pairs of them.
    assert batches.loss(model) < 1.3


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
    monkeypatch.setattr("wavemore.train.sequences._free", lambda: 1000.0)
    with pytest.raises(TrainingError, match=r"GB are free; lower train\.batch"):
        fit(STRINGS, recipe="rnn", settings={"train.steps": 1})
