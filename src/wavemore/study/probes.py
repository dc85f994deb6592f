"""What a linear probe finds in the nodes of each level (Alain, Bengio 2016), in closed form with NumPy.

A probe is a ridge regression from a node to what one asks of it, as indicators of classes. Its score is R²: the share
of the indicators' variance on held-out strings that it explains. 0 is what knowing the frequencies alone gives.

A level is judged by what it makes of its input: the probe on the node against the probe on the node's children laid
side by side, which hold all that the node was made of. Where the node's is better, the level has brought into linear
reach what was not there before.

Shapes in this file
    N  predictions     n  distinct chunks of a level     C  channels     K  classes
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks

__all__ = ["QUESTIONS", "nearest", "probed", "ridge_score", "targets"]

QUESTIONS = {
    "next": "class of the next character: vowel, other, end of the string",
    "place": "place in the string, 0 to 7 and beyond",
    "ending": "whether the last three characters are one of the 50 commonest endings",
}

_PLACES = 9
_ENDINGS, _ENDING_LENGTH = 50, 3
_RIDGE = 1e-3  # of the mean variance of the channels


def probed(
    training: Chunks,
    validation: Chunks,
    nodes: tuple[Sequence[np.ndarray], Sequence[np.ndarray]],
    asked: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
) -> list[dict[str, dict[str, float]]]:
    """For each level, from the bottom up, R² by question of its "input" and its "output".

    `nodes` are those of the chunks of both parts, embedding first, as `TrialRun.nodes` gives them; `asked` the targets
    of both parts. Probes are fitted on the first part and scored on the second.
    """
    views = [_views(chunks, found) for chunks, found in zip((training, validation), nodes, strict=True)]
    levels = []
    for fitted, scored in zip(*views, strict=True):
        level: dict[str, dict[str, float]] = {}
        for name, x, held_out in zip(("input", "output"), fitted, scored, strict=True):
            level[name] = ridge_score(x, asked[0], held_out, asked[1])
        levels.append(level)
    return levels


def ridge_score(
    x: np.ndarray, y: Mapping[str, np.ndarray], held_out: np.ndarray, wanted: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """R² on held-out rows of the ridge regressions of each target: x is (N, C), each y (N, K)."""
    mean = x.mean(axis=0)
    centred = (x - mean).astype(np.float64)  # (N, C)
    gram = centred.T @ centred  # (C, C)
    gram[np.diag_indices_from(gram)] += _RIDGE * max(float(np.trace(gram)) / len(gram), 1e-12)
    scores = {}
    for name, target in y.items():
        base = target.mean(axis=0)  # (K,)
        weight = np.linalg.solve(gram, centred.T @ (target - base))  # (C, K)
        off = wanted[name] - base  # (N, K)
        left = off - (held_out - mean) @ weight
        scores[name] = float(1 - np.square(left).sum() / max(np.square(off).sum(), 1e-12))
    return scores


def targets(strings: Sequence[str], endings: Sequence[str]) -> dict[str, np.ndarray]:
    """What is asked of each prediction of the strings, as indicators: float64, (N, K) by question."""
    classes, places, known = [], [], []
    wanted = set(endings)
    for string in strings:
        classes += [0 if _is_vowel(character) else 1 for character in string] + [2]
        places += [min(place, _PLACES - 1) for place in range(len(string) + 1)]
        known += [int(string[max(0, end - _ENDING_LENGTH) : end] in wanted) for end in range(len(string) + 1)]
    return {"next": np.eye(3)[classes], "place": np.eye(_PLACES)[places], "ending": np.eye(2)[known]}


def common_endings(strings: Sequence[str]) -> list[str]:
    """The commonest endings of three characters."""
    counts = Counter(string[-_ENDING_LENGTH:] for string in strings if len(string) >= _ENDING_LENGTH)
    return [ending for ending, _ in counts.most_common(_ENDINGS)]


def nearest(
    chunks: Chunks, nodes: Sequence[np.ndarray], vocabulary: Vocabulary, *, wanted: int = 4, near: int = 5
) -> list[dict[str, list[str]]]:
    """For each level its most used chunks and to each the nearest others, by the cosine of their nodes. Chunks that
    padding begins are left out where others are enough."""
    found = []
    texts = [("." if i == 0 else vocabulary.characters[i - 1]) for i in chunks.characters.tolist()]
    for branch, node, uses in zip(chunks.branches, nodes[1:], chunks.uses(), strict=True):
        texts = ["".join(texts[child] for child in children) for children in branch.children.T.tolist()]
        candidates = [i for i in np.argsort(-uses, kind="stable").tolist() if texts[i][0] != "."][:2000]
        if len(candidates) <= near:
            candidates = np.argsort(-uses, kind="stable").tolist()[:2000]
        rows = node[candidates] - node[candidates].mean(axis=0)
        rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        likeness = rows[:wanted] @ rows.T  # (wanted, candidates)
        np.fill_diagonal(likeness, -np.inf)  # itself
        order = np.argsort(-likeness, axis=1, kind="stable")[:, :near]
        found.append(
            {texts[candidates[i]]: [texts[candidates[j]] for j in row] for i, row in enumerate(order.tolist())}
        )
    return found


def _views(chunks: Chunks, nodes: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each level the children, side by side, and the newest node under each prediction: (N, g C) and (N, H)."""
    row = chunks.contexts  # (N,) of the level in turn, from the top down
    found = []
    for i in range(len(chunks.branches) - 1, -1, -1):
        children = chunks.branches[i].children  # (g, n)
        flat = np.concatenate([nodes[i][child[row]] for child in children], axis=1)
        found.append((flat, nodes[i + 1][row]))
        row = children[-1][row]
    return found[::-1]


def _is_vowel(character: str) -> bool:
    """Whether a letter is a vowel, accents aside; y counts as one."""
    return unicodedata.normalize("NFD", character)[0].lower() in "aeiouy"
