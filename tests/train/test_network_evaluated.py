"""The network in NumPy as it is looked at: its nodes and logits in evaluation mode are those of the windows, its
statistics move as theirs in training mode, and a chunk has one dropout mask."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from configurations import model_configs
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import forward

from wavemore.errors import ShapeError
from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet, evaluation_mode
from wavemore.nn.wavenet import Passed
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig
from wavemore.threads import Team
from wavemore.train.batches import Batch, batch_of, tree_of
from wavemore.train.network import Network, first_weights

STRINGS = ["emma", "emily", "anna", "e", "annabel", "mmmmmmmmmmmm", "emma", ""]
ALPHABET = Vocabulary("abeilmny")


def both(config: ModelConfig) -> tuple[Network, WaveNet]:
    """A network in float64, no array of it at its first value of 0 or 1, and the windowed model with the same."""
    draw = np.random.default_rng(4)
    weights = {}
    for name, array in first_weights(config, len(ALPHABET), draw).items():
        noise = 0.3 * draw.standard_normal(array.shape)
        weights[name] = array + (np.abs(noise) if "running_var" in name else noise)
    model = WaveNet(config, len(ALPHABET)).double()
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
    return Network(config, weights, np.random.default_rng(0), Team(1)), model


def chunks_of(config: ModelConfig, strings: list[str] = STRINGS) -> Chunks:
    return Chunks.of(strings, ALPHABET, config.groups, config.cycles)


def batch_in_double(config: ModelConfig, strings: list[str] = STRINGS) -> Batch:
    return batch_of(chunks_of(config, strings), len(ALPHABET), np.float64)


@settings(deadline=None, max_examples=60)
@given(model_configs)
def test_in_evaluation_mode_nodes_and_logits_are_those_of_the_windows(config):
    network, model = both(config)
    chunks, windows = chunks_of(config), Windows.of(STRINGS, ALPHABET, config.context)
    nodes, logits = network.evaluated(tree_of(chunks, np.float64))
    expected = forward(config, network.weights, windows.contexts())
    np.testing.assert_allclose(logits[chunks.contexts], expected, atol=1e-10)
    seen: list[Passed] = []
    with evaluation_mode(model):
        model(torch.from_numpy(windows.contexts()), seen)
    row = chunks.contexts  # of each prediction the newest chunk of the level in turn, from the top down
    for i in range(len(seen), 0, -1):
        newest = seen[i - 1].nodes.reshape(len(row), -1, config.hidden)[:, -1]
        np.testing.assert_allclose(nodes[i][row], newest.numpy(), atol=1e-10)
        row = chunks.branches[i - 1].children[-1][row]
    np.testing.assert_array_equal(nodes[0], network.weights["embedding.weight"][chunks.characters])


@settings(deadline=None, max_examples=30)
@given(
    model_configs.map(lambda config: replace(config, dropout=0.0)),
    st.sampled_from([STRINGS, ["", "", ""], ["e"], ["mmmm"]]),
)
def test_running_statistics_move_as_those_of_the_windows(config, strings):
    """Of single chunks that several windows use, too."""
    network, model = both(config)
    windows = Windows.of(strings, ALPHABET, config.context)
    answers = torch.from_numpy(windows.answers().astype(np.int64))
    for _ in range(3):
        loss, _ = network.loss(batch_in_double(config, strings))
        with torch.no_grad():
            assert loss == pytest.approx(F.cross_entropy(model(torch.from_numpy(windows.contexts())), answers).item())
    for name, tensor in model.state_dict().items():
        np.testing.assert_allclose(network.weights[name], tensor.numpy(), atol=1e-10)


def test_the_comparison_notices_uses_that_are_left_out():
    config = ModelConfig(embedding=3, hidden=5)
    tree, counts = batch_in_double(config)
    flat = tree._replace(branches=tuple(branch._replace(uses=np.ones_like(branch.uses)) for branch in tree.branches))
    weighed, unweighed = (both(config)[0].loss(Batch(each, counts))[0] for each in (tree, flat))
    assert abs(weighed - unweighed) > 1e-3


@pytest.mark.parametrize("config", [ModelConfig(groups=(8,)), ModelConfig(norm="layer", final_norm=True)])
def test_one_row_is_refused_in_training_mode_and_taken_in_evaluation_mode(config):
    network, _ = both(config)
    before = network.arrays()
    with pytest.raises(ShapeError, match="one row has no variance"):
        network.loss(batch_in_double(config, [""]))
    assert all(np.array_equal(network.weights[name], array) for name, array in before.items())
    assert np.isfinite(network.evaluated(tree_of(chunks_of(config, [""]), np.float64))[1]).all()


def test_a_chunk_has_one_dropout_mask_for_all_windows_that_use_it():
    config = ModelConfig(embedding=3, hidden=50, norm="none", dropout=0.5)
    network, _ = both(config)
    batch = batch_in_double(config)
    first, again = (network.loss(batch)[1].levels[0].nodes for _ in range(2))
    plain = network.evaluated(batch.tree)[0][1]
    assert first.shape == (chunks_of(config).branches[0].children.shape[1], 50)  # a row for each distinct chunk
    assert 0.4 < (first == 0).mean() < 0.6
    assert not np.array_equal(first, again)
    for nodes in (first, again):
        kept = nodes != 0
        np.testing.assert_allclose(nodes[kept], 2 * plain[kept])  # scaled up, so that the mean stays
