"""The values inside a WaveNet are those that its logits are made of, its batch statistics those of the windows."""

import torch
from configurations import model_configs
from hypothesis import given, settings
from inspected import model_of

from wavemore.lists.vocabulary import Vocabulary
from wavemore.nn import WaveNet, evaluation_mode
from wavemore.nn.inside import batch_statistics, inside
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows
from wavemore.settings.config import ModelConfig
from wavemore.train.batches import tree_of


@settings(max_examples=30, deadline=None)
@given(config=model_configs)
def test_the_values_inside_are_those_that_the_logits_are_made_of(config):
    strings = ["abca", "b", "cab"]
    vocabulary = Vocabulary.of(strings)
    model = WaveNet(config, len(vocabulary), generator=torch.Generator().manual_seed(1)).eval()
    chunks = Chunks.of(strings, vocabulary, config.groups, config.cycles)
    tree = tree_of(chunks)
    nodes = [level.nodes for level in inside(model, tree)]
    row = torch.arange(len(nodes[-1]))
    newest = [nodes[-1]]
    for i in range(len(nodes) - 2, -1, -1):
        row = tree.branches[i + 1].children[-1][row]
        newest.insert(0, nodes[i][row])
    with evaluation_mode(model):
        assert torch.allclose(model.head(model.read(newest)), model.shared(tree), atol=1e-5)


def test_batch_statistics_are_those_of_the_windows(strings):
    file = model_of({"model": {"groups": [2, 2], "hidden": 8, "final_norm": True}}, strings)
    model = WaveNet.of(file.recipe.wavenet, file.weights)
    found = batch_statistics(model, tree_of(Chunks.of(strings, file.vocabulary, (2, 2))))
    assert list(found) == ["levels.0.norm", "levels.1.norm", "head.norm"]
    windows = torch.from_numpy(Windows.of(strings, file.vocabulary, 4).contexts())
    linear = model.levels[0].linear(model.levels[0].flatten(model.embedding(windows))).reshape(-1, 8)  # pyright: ignore
    assert torch.allclose(found["levels.0.norm"][0], linear.mean(0), atol=1e-5)
    assert torch.allclose(found["levels.0.norm"][1], linear.var(0), rtol=1e-4)
    bare = WaveNet(ModelConfig(norm="layer"), 5)
    assert batch_statistics(bare, tree_of(Chunks.of(["ab"], Vocabulary("abcd"), (2, 2, 2)))) == {}
