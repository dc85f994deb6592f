"""Single nodes: neighbours of a chunk, and the tree of a string."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from inspected import model_of

from wavemore.inspection import inspect
from wavemore.nn import evaluation_mode
from wavemore.predict.windows import Windows


def test_neighbours_are_those_of_a_search_over_all(tiny_model, strings):
    found = inspect(tiny_model.file_, strings, chunk="ba").neighbourhoods
    assert [near.chunk for near in found] == ["ba", "··ba"]
    model = tiny_model.wavenet()
    windows = Windows.of(list(dict.fromkeys(strings)), tiny_model.file_.vocabulary, 4).contexts()
    with evaluation_mode(model):
        pairs = {tuple(pair) for row in windows.tolist() for pair in (row[:2], row[2:])}
        ids = torch.tensor(sorted(pairs))
        nodes = model.levels[0](model.embedding(ids))
    names = ["".join("·" if i == 0 else tiny_model.file_.vocabulary.characters[i - 1] for i in p) for p in ids.tolist()]
    distances = 1 - F.cosine_similarity(nodes, nodes[names.index("ba")][None])
    expected = sorted((float(d), name) for d, name in zip(distances, names, strict=True) if name != "ba")[:8]
    assert found[0].chunks == len(names)
    assert [text for text, _ in found[0].neighbours] == [name for _, name in expected]
    assert np.allclose([distance for _, distance in found[0].neighbours], [d for d, _ in expected], atol=1e-5)


def test_a_long_chunk_is_cut_to_what_a_level_sees(tiny_model, strings):
    found = inspect(tiny_model.file_, strings, chunk="kobado").neighbourhoods
    assert [near.chunk for near in found] == ["do", "bado"]


def test_the_tree_of_a_string(tiny_model, strings):
    tree = inspect(tiny_model.file_, strings, string="badoko", at=3).tree
    assert tree is not None
    assert (tree.before, tree.following) == ("bad", "o")
    assert [(node.level, node.place, node.text) for node in tree.nodes] == [
        (0, 0, "·"),
        (0, 1, "b"),
        (0, 2, "a"),
        (0, 3, "d"),
        (1, 0, "·b"),
        (1, 1, "ad"),
        (2, 0, "·bad"),
    ]
    model = tiny_model.wavenet()
    ids = [0, *tiny_model.file_.vocabulary.encode("bad").tolist()]
    with evaluation_mode(model):
        x = model.embedding(torch.tensor([ids]))
        assert np.allclose(tree.nodes[2].values, x[0, 2].numpy())
        x = model.levels[0](x)
        assert np.allclose(tree.nodes[5].values, x[0, 1].numpy(), atol=1e-6)
        probabilities = torch.softmax(model(torch.tensor([ids])), 1)[0].numpy()
    characters = ["", *tiny_model.file_.vocabulary.characters]
    assert dict(tree.probabilities) == pytest.approx(
        dict(zip(characters, probabilities.tolist(), strict=True)), abs=1e-5
    )
    shown = [p for _, p in tree.probabilities]
    assert shown == sorted(shown, reverse=True)


def test_the_tree_of_a_model_with_cycles_shows_what_each_node_reaches(strings):
    file = model_of({"model": {"groups": [2], "cycles": 2, "hidden": 4, "embedding": 4}}, strings)
    tree = inspect(file, strings, string="bad").tree
    assert tree is not None
    assert [node.text for node in tree.nodes] == ["b", "a", "a", "d", "ba", "ad", "bad"]
