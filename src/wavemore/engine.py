"""The folded form: the same weights in NumPy alone, always in evaluation mode, each distinct chunk computed once.

    level 2      tanh( P[em] + Q[ma] + b )            P and Q: what a child contributes as the older and as the newer
                      |       |                       one, computed once for each distinct child and added wherever a
    level 1   P[e] + Q[m]   P[m] + Q[a]               chunk has that child
                |     |       |     |
                e     m       m     a

In evaluation mode a BatchNorm is an affine map of each channel, so it folds into the Linear before it:

    gamma * (x @ W + b - mean) / sqrt(var + eps) + beta  =  x @ (W * s) + (b - mean) * s + beta
    with s = gamma / sqrt(var + eps)

and a Linear over g flattened neighbours is the sum of g products, one for each neighbour's rows of the weight. So a
node costs g additions and a tanh; products are made for distinct children only. Two ways through the tree:

    chunk_logits    many given strings at once, level by level (`chunks.py`), for scoring and evaluating
    start, step     many strings side by side, character by character, for sampling: State in, State out

`nn.WaveNet` in evaluation mode is the oracle for both.

Shapes in this file
    S  strings   n  distinct chunks   T  context length   V  vocabulary, boundary id 0 included   H  channels of a level
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wavemore.chunks import Chunks, distinct, joined
from wavemore.config import ModelConfig
from wavemore.modelfile import ModelFile
from wavemore.vocabulary import BOUNDARY

__all__ = ["Engine", "State", "log_sum_exp"]

_EPS = 1e-5  # of BatchNorm
_ONE_THREAD = 1 << 18  # multiplications up to which OpenBLAS, which NumPy brings along, uses no second thread
_LOGITS_AT_ONCE = 1 << 18  # bounds the memory of the top level


class _Folded(NamedTuple):
    """A Linear with the BatchNorm behind it folded in."""

    pieces: list[np.ndarray]
    """g arrays (C, H), the rows of the weight for each neighbour, the oldest first."""
    bias: np.ndarray
    """(H,)."""


class _Nodes(NamedTuple):
    """The distinct nodes of one level at one depth of the strings."""

    ids: np.ndarray
    """(beginnings,): which node each distinct beginning of that depth has."""
    products: list[np.ndarray]
    """For each piece of the level above, (n, H): what a node contributes as that child."""


@dataclass(frozen=True)
class State:
    """Where many strings stand after the same number of characters: each distinct beginning once.

    Strings are numbered as at the start. Some may have ended; a state knows the ones that go on.
    """

    strings: np.ndarray
    """(alive,): the numbers of the strings that go on."""
    context_of: np.ndarray
    """(alive,): for each of them the row of `logits` that is its own."""
    logits: np.ndarray
    """(n, V) float32: of what follows, for each distinct context."""
    _beginning_of: tuple[np.ndarray, ...]
    """For the last depths, newest last, (S,): which distinct beginning each string has."""
    _nodes: tuple[tuple[_Nodes, ...], ...]
    """For the last depths, newest last, the nodes of each level."""
    _beginnings: int
    _depth: int
    """How many characters the next state's beginnings have."""
    _strings: int
    """How many strings there were at the start."""


class Engine:
    """Logits for chunks and for strings in the making. Holds weights and nothing that changes: safe between threads."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self.vocabulary_size = len(weights["embedding.weight"])
        self._embedding = weights["embedding.weight"]  # (V, E)
        self._levels = [_folded(weights, f"levels.{i}", g) for i, g in enumerate(config.groups)]
        self._head = _folded(weights, "head", 1)  # (H, V), (V,)
        # The characters are the nodes of level 0, and their products are the same at every depth.
        self._characters = [product(self._embedding, piece) for piece in self._levels[0].pieces]

    @classmethod
    def of(cls, model: ModelFile) -> "Engine":
        """The engine of a model file."""
        return cls(model.recipe.wavenet, model.weights)

    def chunk_logits(self, chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
        """The (n, V) float32 logits of the distinct contexts, in slices of some thousand rows, with each its slice."""
        products = [part[chunks.characters] for part in self._characters]
        for i, branch in enumerate(chunks.branches[:-1]):
            x = _node(products, branch.children, self._levels[i].bias)  # (n, H)
            above = zip(chunks.branches[i + 1].reach, self._levels[i + 1].pieces, strict=True)
            products = [product(x[:reach], piece) for reach, piece in above]
        top = chunks.branches[-1].children
        rows = max(256, _LOGITS_AT_ONCE // self.vocabulary_size)
        for start in range(0, top.shape[1], rows):
            part = slice(start, start + rows)
            yield part, self._top(_node(products, top[:, part], self._levels[-1].bias))

    def start(self, strings: int) -> State:
        """The state of so many strings before their first character."""
        everyone = np.arange(strings)
        nothing = np.zeros(strings, dtype=np.int64)
        empty = State(everyone, nothing, np.empty((0, self.vocabulary_size), np.float32), (), (), 1, 0, strings)
        return self._advanced(empty, everyone, nothing, np.array([BOUNDARY]), np.zeros(1, dtype=np.int64))

    def step(self, state: State, going_on: np.ndarray, characters: np.ndarray) -> State:
        """The state one character later. `going_on` numbers places of `state.strings`; each of these strings takes the
        id that stands in `characters` (none of them the boundary)."""
        strings = state.strings[going_on]
        before = state._beginning_of[-1][strings]
        # A beginning is the beginning one character earlier, and one more character.
        where, beginning = distinct(
            before * self.vocabulary_size + characters, state._beginnings * self.vocabulary_size
        )
        return self._advanced(state, strings, beginning, characters[where], strings[where])

    def _advanced(
        self, state: State, strings: np.ndarray, beginning: np.ndarray, last: np.ndarray, examples: np.ndarray
    ) -> State:
        """`beginning` says which distinct beginning each of `strings` has; of each of these `last` is the last
        character and `examples` a string that has it."""
        beginning_of = np.empty(state._strings, dtype=np.int64)
        beginning_of[strings] = beginning
        history = (*state._beginning_of, beginning_of)
        nodes: list[_Nodes] = [_Nodes(last, self._characters)]
        depths: list[Sequence[_Nodes]] = [*state._nodes, nodes]  # the newest's lower levels serve its upper ones
        x, size = self._embedding, 1
        for i, (g, level) in enumerate(zip(self.config.groups, self._levels, strict=True)):
            # The j-th oldest child lies (g - 1 - j) * size characters back; before the string all is padding, as at its
            # first depth.
            places = [max(len(history) - 1 - (g - 1 - j) * size, 0) for j in range(g)]
            rows = [depths[place][i].ids[history[place][examples]] for place in places]
            products = [depths[place][i].products[j] for j, place in enumerate(places)]
            size *= g
            if state._depth <= size:  # the chunk holds the whole beginning: no two are equal
                ids = np.arange(len(last))
            else:
                where, ids = distinct(joined(rows, [len(part) for part in products]), None)
                rows = [row[where] for row in rows]
            x = _node(products, rows, level.bias)  # (n, H)
            above = self._levels[i + 1].pieces if i + 1 < len(self._levels) else []
            nodes.append(_Nodes(ids, [product(x, piece) for piece in above]))
        kept = self.config.context  # depths that a later one can still look back to, the very first among them
        return State(
            strings,
            nodes[-1].ids[beginning],
            self._top(x),
            history[-kept:],
            (*state._nodes, tuple(nodes))[-kept:],
            len(last),
            state._depth + 1,
            state._strings,
        )

    def _top(self, x: np.ndarray) -> np.ndarray:
        """(n, H) nodes of the top level -> (n, V) logits."""
        out = product(x, self._head.pieces[0])
        out += self._head.bias
        return out


def product(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """x @ weight, (n, C) @ (C, H), in many products of the same few rows.

    That has two reasons. Libraries choose their method by the shape of a product, and methods differ in rounding: with
    blocks a row's result depends on nothing but that row, and a seed gives the same strings in any company. And
    products this small stay on one thread, where they are as fast as on two, and much faster on a busy machine.
    """
    n, block = len(x), 16 if 16 * weight.size <= _ONE_THREAD else 128
    whole = n // block * block
    out = np.empty((-(-n // block) * block, weight.shape[1]), dtype=np.float32)
    np.matmul(x[:whole].reshape(-1, block, x.shape[1]), weight, out=out[:whole].reshape(-1, block, weight.shape[1]))
    if whole < n:
        rest = np.zeros((block, x.shape[1]), dtype=np.float32)
        rest[: n - whole] = x[whole:]
        np.matmul(rest, weight, out=out[whole:])
    return out[:n]


def _node(products: Sequence[np.ndarray], children: Sequence[np.ndarray] | np.ndarray, bias: np.ndarray) -> np.ndarray:
    """tanh of the sum of what the children contribute: (n, H)."""
    y = products[0].take(children[0], axis=0)
    for part, row in zip(products[1:], children[1:], strict=True):
        y += part.take(row, axis=0)
    y += bias
    return np.tanh(y, out=y)


def _folded(weights: Mapping[str, np.ndarray], prefix: str, g: int) -> _Folded:
    """Folded in float64."""
    weight = weights[f"{prefix}.linear.weight"].astype(np.float64)
    bias = weights.get(f"{prefix}.linear.bias", np.zeros(weight.shape[1]))
    if f"{prefix}.norm.gamma" in weights:
        gamma, beta, mean, var = (
            weights[f"{prefix}.norm.{name}"].astype(np.float64)
            for name in ("gamma", "beta", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(var + _EPS)
        weight, bias = weight * scale, (bias - mean) * scale + beta
    return _Folded(np.split(weight.astype(np.float32), g), bias.astype(np.float32))


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """The log of the sum of exponentials over the last axis of (n, V), float64 and without overflow: (n,)."""
    highest = logits.max(axis=1)
    return highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1, dtype=np.float64))
