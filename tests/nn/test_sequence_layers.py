"""What the models that read from the beginning are made of: packing, recurrent layers, the mean, turned positions."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from baselines import built, logits_of, trained_a_little
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.nn.packing import Packing
from wavemore.nn.transformer import turned
from wavemore.settings.config import SequenceConfig


@settings(deadline=None)
@given(st.lists(st.integers(1, 7), max_size=6).map(lambda lengths: sorted(lengths, reverse=True)))
def test_a_batch_is_packed_and_padded_and_packed_again(lengths):
    packing = Packing.of(lengths)
    x = torch.arange(1.0, sum(lengths) + 1)[:, None]  # (N, 1)
    padded = packing.padded(x)
    assert padded.shape == (max(lengths, default=0), len(lengths), 1)
    assert [int((padded[:, row] > 0).sum()) for row in range(len(lengths))] == lengths
    assert torch.equal(packing.packed(padded), x)
    assert packing.positions.tolist() == [t for t, count in enumerate(packing.counts) for _ in range(count)]


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_recurrent_layers_equal_torchs(kind):
    """`torch.nn`'s layers stack their gates in another order for a GRU: reset, kept, new; for an LSTM added, kept, new,
    read."""
    model = trained_a_little(SequenceConfig(kind=kind, embedding=4, hidden=6))
    weights = {name.removeprefix("layers.0."): tensor for name, tensor in model.state_dict().items()}
    order = {"rnn": [0], "gru": [0, 1, 2], "lstm": [0, 1, 3, 2]}[kind]
    theirs = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](4, 6, batch_first=True)

    def stacked(tensor: torch.Tensor) -> torch.Tensor:
        gates = tensor.chunk(len(order), dim=-1)
        return torch.cat([gates[i] for i in order], dim=-1)

    with torch.no_grad():
        theirs.weight_ih_l0.copy_(stacked(weights["input.weight"]).T)
        theirs.weight_hh_l0.copy_(stacked(weights["state.weight"]).T)
        theirs.bias_ih_l0.copy_(stacked(weights["input.bias"]))
        theirs.bias_hh_l0.zero_()
        x = torch.randn((5, 7, 4), generator=torch.Generator().manual_seed(0))
        ours = cast(Any, model.layers[0])(x.transpose(0, 1).reshape(-1, 4), Packing.of([7] * 5))
        assert torch.allclose(ours.view(7, 5, 6).transpose(0, 1), theirs(x)[0], atol=1e-5)


def test_an_lstm_keeps_what_it_has_at_first():
    bias = built(SequenceConfig(kind="lstm", embedding=4, hidden=3)).state_dict()["layers.0.input.bias"]
    assert bias.tolist() == [0] * 3 + [1] * 3 + [0] * 6


def test_the_mean_is_that_of_the_characters_so_far():
    model = trained_a_little(SequenceConfig(kind="bow", embedding=4, hidden=6))
    x = torch.randn((1, 5, 4), generator=torch.Generator().manual_seed(0))
    means = torch.stack([x[:, : t + 1].mean(1) for t in range(5)], dim=1)
    found = cast(Any, model.layers[0])(x[0], Packing.of([5]))
    assert torch.allclose(found, torch.cat([x, means], dim=2)[0], atol=1e-6)


def test_a_bag_of_words_knows_no_order_but_the_newest():
    model = trained_a_little(SequenceConfig(kind="bow", embedding=4, hidden=6, layers=2))
    assert np.allclose(logits_of(model, "abcd")[-1], logits_of(model, "cabd")[-1], atol=1e-5)
    assert not np.allclose(logits_of(model, "abcd")[-1], logits_of(model, "abdc")[-1], atol=1e-3)


def test_turned_products_depend_on_how_far_apart_positions_are():
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.randn((1, 1, 1, 7), generator=generator) for _ in range(2))

    def product(i: int, j: int) -> torch.Tensor:
        return (turned(query, torch.tensor([i])) * turned(key, torch.tensor([j]))).sum()

    assert torch.allclose(product(9, 4), product(105, 100), atol=1e-4)
    assert not torch.allclose(product(9, 4), product(9, 5), atol=1e-3)
    assert torch.allclose(turned(query, torch.tensor([30])).norm(), query.norm())
