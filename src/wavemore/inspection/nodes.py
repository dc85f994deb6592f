"""Single nodes: the text that each stands for, its nearest neighbours, and the whole tree of one string.

Shapes in this file
    n  distinct chunks of a level     H  channels     r  characters that a chunk of a level reaches     g  the group
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wavemore.errors import UsageError
from wavemore.lists.vocabulary import BOUNDARY, Vocabulary
from wavemore.predict.chunks import Chunks
from wavemore.settings.config import ModelConfig

__all__ = ["MOST_LEAVES", "PADDING", "Neighbourhood", "Node", "StringTree", "ids_of", "neighbours", "tree_nodes"]

PADDING = "·"
"""How the boundary is shown."""
MOST_LEAVES = 64
"""Of a tree that is drawn."""


class Neighbourhood(NamedTuple):
    """What a level holds to be most like one chunk."""

    level: int
    chunk: str
    """As far as the level sees: its last characters, padded where it is shorter."""
    neighbours: tuple[tuple[str, float], ...]
    """(text, cosine distance) of other chunks, the nearest first. The distance is 0 of the same direction, 1 of a right
    angle, 2 of the opposite."""
    chunks: int
    """Among how many distinct chunks of the list."""


class Node(NamedTuple):
    """One node of a string's tree."""

    level: int
    """0 of a leaf, which is a character."""
    place: int
    """From 0, the oldest."""
    text: str
    values: np.ndarray
    """(H,), or (E,) of a leaf."""


class StringTree(NamedTuple):
    """All that the model does before it predicts one character."""

    before: str
    """The characters that stand before the prediction."""
    following: str
    """What follows in the string: a character, or empty for its end."""
    nodes: tuple[Node, ...]
    """Level after level from the bottom up, the oldest first."""
    probabilities: tuple[tuple[str, float], ...]
    """(character, probability) of all that could follow, the most likely first; empty for the end."""


def ids_of(chunks: Chunks, config: ModelConfig) -> list[np.ndarray]:
    """The ids that the distinct chunks of each level stand for, (n, r): of level 0, the characters, first."""
    found = [chunks.characters[:, None].astype(np.int32)]
    for branch, (g, dilation) in zip(chunks.branches, config.levels, strict=True):
        below = found[-1]
        ids = np.zeros((branch.children.shape[1], below.shape[1] + (g - 1) * dilation), dtype=np.int32)
        for j, row in enumerate(branch.children):  # with several cycles children overlap, in equal ids
            ids[:, j * dilation : j * dilation + below.shape[1]] = below[row]
        found.append(ids)
    return found


def neighbours(
    level: int,
    ids: np.ndarray,
    values: np.ndarray,
    own_ids: np.ndarray,
    own_values: np.ndarray,
    vocabulary: Vocabulary,
    *,
    most: int,
) -> Neighbourhood:
    """The chunks nearest to one, (r,) and (H,), among (n, r) and (n, H); the chunk itself is not among them."""
    lengths = np.maximum(np.linalg.norm(values, axis=1) * np.linalg.norm(own_values), 1e-30)
    distances = 1 - values @ own_values / lengths  # (n,)
    distances[(ids == own_ids).all(axis=1)] = np.inf
    nearest = np.argsort(distances, kind="stable")[:most]
    found = [(shown(ids[i], vocabulary), max(0.0, float(distances[i]))) for i in nearest if np.isfinite(distances[i])]
    return Neighbourhood(level, shown(own_ids, vocabulary), tuple(found), len(ids))


def tree_nodes(
    chunks: Chunks, config: ModelConfig, values: Sequence[np.ndarray], vocabulary: Vocabulary, context: int
) -> tuple[Node, ...]:
    """The nodes under one context, `context` its number; `values` are (n, H) for each level, the embedding first.

    Raises `UsageError` where they are too many to look at."""
    if config.leaves > MOST_LEAVES:
        raise UsageError(
            f"the tree of one prediction has {config.leaves} leaves, and at most {MOST_LEAVES} can be shown; leave out "
            "--string, or look at a model with a shorter context"
        )
    texts = ids_of(chunks, config)
    rows = np.array([context])
    found: list[list[Node]] = []
    for level in range(len(config.levels), -1, -1):
        ids, numbers = texts[level], values[level]
        found.append([Node(level, i, shown(ids[row], vocabulary), numbers[row]) for i, row in enumerate(rows)])
        if level:
            rows = chunks.branches[level - 1].children[:, rows].T.reshape(-1)  # (nodes * g,), the oldest first
    return tuple(node for nodes in reversed(found) for node in nodes)


def shown(ids: np.ndarray, vocabulary: Vocabulary) -> str:
    """The text of some ids, the boundary as a dot."""
    return "".join(PADDING if i == BOUNDARY else vocabulary.characters[i - 1] for i in ids.tolist())
