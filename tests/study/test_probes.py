"""Probes find what is there, and nothing else."""

import numpy as np
import pytest
from tiny import tiny_strings

from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks
from wavemore.study.probes import common_endings, nearest, probed, ridge_score, targets


def test_ridge_finds_what_is_linear_and_not_what_is_absent():
    draw = np.random.default_rng(0)
    x, held_out = draw.normal(size=(500, 6)), draw.normal(size=(400, 6))
    matrix = draw.normal(size=(6, 3))
    there = ridge_score(x, {"a": x @ matrix + 1}, held_out, {"a": held_out @ matrix + 1})
    noise = ridge_score(x, {"a": draw.normal(size=(500, 3))}, held_out, {"a": draw.normal(size=(400, 3))})
    product = [(v[:, :1] * v[:, 1:2]) for v in (x, held_out)]
    assert there["a"] > 0.999
    assert abs(noise["a"]) < 0.1
    assert abs(ridge_score(x, {"a": product[0]}, held_out, {"a": product[1]})["a"]) < 0.1
    both = [np.hstack([v, p]) for v, p in zip((x, held_out), product, strict=True)]
    assert ridge_score(both[0], {"a": product[0]}, both[1], {"a": product[1]})["a"] > 0.999


def test_targets_stand_prediction_by_prediction():
    found = targets(["aba", "é"], ["aba"])
    assert found["next"].argmax(axis=1).tolist() == [0, 1, 0, 2, 0, 2]
    assert found["place"].argmax(axis=1).tolist() == [0, 1, 2, 3, 0, 1]
    assert found["ending"].argmax(axis=1).tolist() == [0, 0, 0, 1, 0, 0]
    assert common_endings(["xaba", "yaba", "ab", "zabc"]) == ["aba", "abc"]


def one_hot(chunks: Chunks, count: int) -> list[np.ndarray]:
    """Nodes that hold all their characters, side by side."""
    nodes = [np.eye(count)[chunks.characters]]
    for branch in chunks.branches:
        nodes.append(np.concatenate([nodes[-1][child] for child in branch.children], axis=1))
    return nodes


def test_a_level_that_only_copies_its_children_gains_nothing():
    strings = tiny_strings(200)
    vocabulary = Vocabulary.of(strings)
    parts = [Chunks.of(part, vocabulary, (2, 2)) for part in (strings[:150], strings[150:])]
    nodes = [one_hot(part, len(vocabulary)) for part in parts]
    asked = [targets(part, common_endings(strings)) for part in (strings[:150], strings[150:])]
    levels = probed(parts[0], parts[1], (nodes[0], nodes[1]), (asked[0], asked[1]))
    assert len(levels) == 2
    for level in levels:
        assert level["output"] == pytest.approx(level["input"], abs=1e-6)
    assert levels[0]["output"]["next"] > 0.5  # consonants and vowels take turns


def test_nearest_chunks_are_the_ones_with_like_nodes():
    strings = ["abab", "cdcd", "acac"] * 5
    vocabulary = Vocabulary.of(strings)
    chunks = Chunks.of(strings, vocabulary, (2,))
    texts = [
        "".join("." if c == 0 else "abcd"[c - 1] for c in chunks.characters[pair])
        for pair in chunks.branches[0].children.T
    ]
    newest = np.array([[text[1] == letter for letter in ".abcd"] for text in texts], dtype=float)
    (found,) = nearest(chunks, [np.zeros((5, 1)), newest], vocabulary, wanted=10, near=1)
    assert set(found) >= {"ab", "cd"}
    assert found["ba"] == ["ca"]
    assert found["ca"] == ["ba"]
