"""A network with labels: the shared form equals the windowed one, in which each window's label shifts its nodes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from in_doubles import STRINGS, VOCABULARY, weights_of

from wavemore.lists.labelled import Labelled
from wavemore.nn import WaveNet
from wavemore.predict.chunks import Chunks
from wavemore.predict.conditioning import combined, condition_of, parted
from wavemore.predict.engine import Engine
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig
from wavemore.threads import Team
from wavemore.train.batches import batch_of
from wavemore.train.network import Network
from wavemore.train.optimisers import worked_out

LABELS = np.random.default_rng(1).integers(0, 6, len(STRINGS))
LABELLED = Labelled(STRINGS, LABELS)
SHAPES = {
    "two kinds of label": ModelConfig(groups=(2, 2), embedding=5, hidden=6, labels=(3, 2), conditioned=1),
    "two cycles": ModelConfig(
        groups=(2, 2), cycles=2, embedding=5, hidden=6, labels=(6,), conditioned=3, activation="gated", residual=True
    ),
    "every level": ModelConfig(
        groups=(3, 2), embedding=6, hidden=6, labels=(6,), conditioned=9, norm="layer", bias=True, skip=True
    ),
    "two kinds": ModelConfig(groups=(2, 2), embedding=5, hidden=6, labels=(2, 3), conditioned=2, norm="rms"),
}


def per_combination(rows: torch.Tensor, sizes: tuple[int, ...]) -> torch.Tensor:
    """Of each combination the sum of its rows, written out."""
    starts = np.cumsum([0, *sizes])
    every = np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)  # (C, kinds)
    return torch.stack([rows[torch.from_numpy(starts[:-1] + combination)].sum(0) for combination in every])


def as_taught(config: ModelConfig, weights: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
    """The loss over all windows by PyTorch, and its gradients."""
    windows = Windows.of(STRINGS, VOCABULARY, config.context)
    ids, places = torch.from_numpy(windows.ids), torch.from_numpy(windows.positions)
    label = torch.from_numpy(np.repeat(LABELS, [len(string) + 1 for string in STRINGS]))
    model = WaveNet(ModelConfig(**{**vars(config), "labels": ()}), len(VOCABULARY)).double()
    tensors = {name: torch.from_numpy(array.copy()) for name, array in weights.items()}
    model.load_state_dict({name: tensor for name, tensor in tensors.items() if "labels" not in name})
    shifts = {name: tensor.requires_grad_() for name, tensor in tensors.items() if "labels" in name}
    for name, rows in shifts.items():

        def shifted(_: object, __: object, y: torch.Tensor, rows: torch.Tensor = rows) -> torch.Tensor:
            of_each = per_combination(rows, config.labels)[label]
            return y + (of_each[:, None] if y.ndim == 3 else of_each)

        model.get_submodule(name.replace("labels.weight", "linear")).register_forward_hook(shifted)
    loss = F.cross_entropy(model(ids.unfold(0, config.context, 1)[places - config.context]), ids[places].long())
    loss.backward()
    gradients = {**dict(model.named_parameters()), **shifts}
    return loss.item(), {name: p.grad.numpy() for name, p in gradients.items() if p.grad is not None}


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_loss_and_gradients_are_those_of_the_windowed_form(config):
    weights = weights_of(config)
    expected, gradients = as_taught(config, weights)
    chunks = Chunks.of(STRINGS, VOCABULARY, config.groups, config.cycles, condition_of(LABELLED, config))
    network, batch = (
        Network(config, weights, np.random.default_rng(0), Team(1)),
        batch_of(chunks, len(VOCABULARY), np.float64),
    )
    loss, way = network.loss(batch)
    found = worked_out(network.gradients(batch, way))
    assert loss == pytest.approx(expected, rel=1e-12)
    largest = max(np.abs(gradient).max() for gradient in gradients.values())
    for name, gradient in gradients.items():
        np.testing.assert_allclose(found.pop(name), gradient, rtol=1e-9, atol=1e-10 * largest, err_msg=name)
    assert not found


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_the_folded_form_says_the_same_under_every_label(config):
    weights = {name: array.astype(np.float32) for name, array in weights_of(config).items()}
    chunks = Chunks.of(STRINGS, VOCABULARY, config.groups, config.cycles, condition_of(LABELLED, config))
    network = Network(config, dict(weights), np.random.default_rng(0), Team(1))
    logits = network.evaluated(batch_of(chunks, len(VOCABULARY)).tree)[1]
    for part, folded in Engine(config, weights).chunk_logits(chunks):
        np.testing.assert_allclose(folded, logits[part], atol=1e-5)


@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_character_by_character_each_string_keeps_its_label(config):
    engine = Engine(config, {name: array.astype(np.float32) for name, array in weights_of(config).items()})
    expected = {}
    for part in engine.predictions(LABELLED, VOCABULARY):
        expected |= dict(zip(part.rows.tolist(), part.logits[part.context_of], strict=True))
    firsts = np.cumsum([0, *(len(string) + 1 for string in STRINGS)])
    state = engine.start(len(STRINGS), LABELS)
    for depth in range(max(map(len, STRINGS)) + 1):
        for string, context in zip(state.strings, state.context_of, strict=True):
            np.testing.assert_array_equal(state.logits[context], expected[firsts[string] + depth])
        going_on = np.flatnonzero([len(STRINGS[string]) > depth for string in state.strings])
        ids = [VOCABULARY.encode(STRINGS[string])[depth] for string in state.strings[going_on]]
        if len(ids):
            state = engine.step(state, going_on, np.array(ids))


def test_chunks_below_what_labels_shift_are_shared():
    config = SHAPES["two cycles"]
    plain = Chunks.of(STRINGS, VOCABULARY, config.groups, config.cycles)
    twice = Labelled.under_each(STRINGS, [0, 1])
    both = Chunks.of(twice, VOCABULARY, config.groups, config.cycles, condition_of(twice, config))
    counts = [[branch.children.shape[1] for branch in chunks.branches] for chunks in (plain, both)]
    assert counts[1] == [counts[0][0], *(2 * count for count in counts[0][1:])]


def test_shifts_of_combinations_and_back():
    rows = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_allclose(combined(rows, (3, 2))[5], rows[2] + rows[4])
    d = np.random.default_rng(1).standard_normal((6, 3))
    np.testing.assert_allclose(parted(d, (3, 2))[1], d[2] + d[3])
    assert np.vdot(combined(rows, (3, 2)), d) == pytest.approx(np.vdot(rows, parted(d, (3, 2))))
