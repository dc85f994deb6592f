"""The folded form: the same weights in NumPy alone, always in evaluation mode, each distinct chunk computed once.

    level 2      tanh( P[em] + Q[ma] + b )            P and Q: what a child contributes as the older and as the newer
                      |       |                       one, computed once for each distinct child and added wherever a
    level 1   P[e] + Q[m]   P[m] + Q[a]               chunk has that child
                |     |       |     |
                e     m       m     a                 (tanh stands for whatever norm and activation the model has)

In evaluation mode a BatchNorm is an affine map of each channel, so it folds into the Linear before it:

    gamma * (x @ W + b - mean) / sqrt(var + eps) + beta  =  x @ (W * s) + (b - mean) * s + beta
    with s = gamma / sqrt(var + eps)

and a Linear over g flattened neighbours is the sum of g products, one for each neighbour's rows of the weight. So a
node costs g additions and a tanh; products are made for distinct children only. A residual adds the newest child
itself, and with skip connections each node contributes to the logits too; the top level's residual is computed as such
a skip where logits are narrower than nodes. Two ways through the tree:

    chunk_logits    many given strings at once, level by level (`chunks.py`), for scoring and evaluating
    start, step     many strings side by side, character by character, for sampling: State in, State out

`nn.WaveNet` in evaluation mode is the oracle for both.

Shapes in this file
    S  strings   n  distinct chunks   T  context length   V  vocabulary, boundary id 0 included   H  channels of a level
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY, Vocabulary
from wavemore.predict.activation import activated
from wavemore.predict.chunks import Chunks, distinct, joined
from wavemore.predict.folding import folded_linear, product
from wavemore.predict.predictor import Position, Predictions
from wavemore.settings.config import ModelConfig
from wavemore.threads import side_by_side

__all__ = ["Engine", "State", "predictions_of"]

_NORM = ("gamma", "beta")
_ROWS_AT_ONCE = 2048  # from the children to what the nodes contribute; with fewer, threads wait for each other
_LOGITS_AT_ONCE = 1 << 21  # bounds the memory of the top level


class _Level(NamedTuple):
    """What makes the nodes of one level of their children, and what they then contribute."""

    bias: np.ndarray
    """(W,): W is H, or 2 H before a gate."""
    gamma: np.ndarray | None
    """(W,): of a LayerNorm or RMSNorm; a BatchNorm is folded."""
    beta: np.ndarray | None
    residual: bool
    above: list[np.ndarray]
    """g arrays (H, W), the rows of the weight of the level above for each of its children, the oldest first."""
    head: np.ndarray | None
    """(H, V): what the head makes of these nodes, where it reads them."""
    head_bias: np.ndarray | None
    """(V,): what the head adds, at the top level."""


class _Nodes(NamedTuple):
    """The distinct nodes of one level: what they contribute further up."""

    products: list[np.ndarray]
    """For each child's place in the level above, (n, W)."""
    values: np.ndarray | None
    """(n, H): the nodes themselves, where a residual above needs them."""
    logits: np.ndarray | None
    """(n, V), where the head reads them."""


class _Depth(NamedTuple):
    """The nodes of one level at one depth of the strings."""

    ids: np.ndarray
    """(beginnings,): which node each distinct beginning of that depth has."""
    nodes: _Nodes


@dataclass(frozen=True)
class State(Position):
    """Where many strings stand, and what they need to go on: each distinct beginning once."""

    _beginning_of: tuple[np.ndarray, ...]
    """For the last depths, newest last, (S,): which distinct beginning each string has."""
    _nodes: tuple[tuple[_Depth, ...], ...]
    """For the last depths, newest last, the nodes of each level."""
    _beginnings: int
    _depth: int
    """How many characters the next state's beginnings have."""
    _strings: int
    """How many strings there were at the start."""

    def rearranged(self, places: np.ndarray) -> "State":
        strings = self.strings[places]
        beginning_of = tuple(beginning_of[strings] for beginning_of in self._beginning_of)
        return replace(super().rearranged(places), _beginning_of=beginning_of, _strings=len(places))


class Engine:
    """A WaveNet as a `Predictor`, in NumPy. Holds weights and nothing that changes: safe between threads."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self.vocabulary_size = len(weights["embedding.weight"])
        folded = [folded_linear(weights, f"levels.{i}", g) for i, (g, _) in enumerate(config.levels)]
        head, head_bias = folded_linear(weights, "head", len(folded) if config.skip else 1)  # of (H, V), (V,)
        read: list[np.ndarray | None] = [*head] if config.skip else [*[None] * (len(folded) - 1), *head]
        lower = config.residual and len(folded) > 1 and self.vocabulary_size <= config.hidden
        if lower:
            # What the top level's residual adds, the head may read one level lower: fewer nodes, and narrower sums.
            read[-2] = head[-1] if (below := read[-2]) is None else below + head[-1]
        channels = config.embedding
        self._levels: list[_Level] = []
        for i, (_, bias) in enumerate(folded):
            gamma, beta = (None if config.norm == "batch" else weights.get(f"levels.{i}.norm.{n}") for n in _NORM)
            top = i + 1 == len(folded)
            residual = config.residual and channels == config.hidden and not (top and lower)
            above, at_top = ([], head_bias) if top else (folded[i + 1][0], None)
            self._levels.append(_Level(bias, gamma, beta, residual, above, read[i], at_top))
            channels = config.hidden
        # The characters are the nodes of level 0, and what they contribute is the same at every depth.
        embedding = weights["embedding.weight"]  # (V, E)
        self._characters = _Nodes([product(embedding, piece) for piece in folded[0][0]], embedding, None)

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst, when no two share a node: what later steps look back to at
        every level, logits and weights."""
        nodes = 0
        for level, above in zip(self._levels, [*self._levels[1:], None], strict=True):
            numbers = sum(piece.shape[1] for piece in level.above)
            if above is not None and above.residual:
                numbers += self.config.hidden  # the node itself
            nodes += 4 * (numbers + (self.vocabulary_size if level.head is not None else 0)) + 16
        return self.config.context * nodes + 40 * self.vocabulary_size

    @property
    def work(self) -> int:
        heads = [level.head for level in self._levels if level.head is not None]
        return sum(piece.size for level in self._levels for piece in (*level.above, *heads))

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        chunks = Chunks.of(strings, vocabulary, self.config.groups, self.config.cycles)
        for part, logits in self.chunk_logits(chunks):
            yield predictions_of(chunks, part, logits)

    def chunk_logits(self, chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
        """The (n, V) float32 logits of the distinct contexts, in slices of some thousand rows, each with its slice."""
        characters = chunks.characters
        products = [part[characters] for part in self._characters.products]
        assert self._characters.values is not None
        nodes = [_Nodes(products, self._characters.values[characters], None)]
        for i, branch in enumerate(chunks.branches[:-1]):
            nodes.append(self._nodes(i, nodes[-1], branch.children, chunks.branches[i + 1].reach))
            nodes[-2] = nodes[-2]._replace(products=[])  # not needed any more
        top = chunks.branches[-1].children
        rows = max(256, _LOGITS_AT_ONCE // self.vocabulary_size)
        for start in range(0, top.shape[1], rows):
            part = slice(start, start + rows)
            logits = self._nodes(len(self._levels) - 1, nodes[-1], top[:, part]).logits
            assert logits is not None  # the head reads the top level
            newest = top[-1, part]
            for i in range(len(nodes) - 1, 0, -1):
                if (skipped := nodes[i].logits) is not None:
                    _add(logits, skipped, newest)
                newest = chunks.branches[i - 1].children[-1][newest]
            yield part, logits

    def start(self, strings: int) -> State:
        everyone = np.arange(strings)
        nothing = np.zeros(strings, dtype=np.int64)
        empty = State(everyone, nothing, np.empty((0, self.vocabulary_size), np.float32), (), (), 1, 0, strings)
        return self._advanced(empty, everyone, nothing, np.array([BOUNDARY]), np.zeros(1, dtype=np.int64))

    def step(self, state: State, going_on: np.ndarray, characters: np.ndarray) -> State:
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
        nodes: list[_Depth] = [_Depth(last, self._characters)]
        depths: list[Sequence[_Depth]] = [*state._nodes, nodes]  # the newest's upper levels read its lower ones
        where, reached = np.arange(len(last)), 1
        for i, (g, dilation) in enumerate(self.config.levels):
            # The j-th oldest child lies (g - 1 - j) * dilation characters back; before the string all is padding, as at
            # its first depth.
            places = [max(len(history) - 1 - (g - 1 - j) * dilation, 0) for j in range(g)]
            children = [depths[place][i] for place in places]
            rows = [child.ids[history[place][examples]] for child, place in zip(children, places, strict=True)]
            products = [child.nodes.products[j] for j, child in enumerate(children)]
            reached += (g - 1) * dilation
            if state._depth <= reached:  # the chunk holds the whole beginning: no two are equal
                where = ids = np.arange(len(last))
            else:
                where, ids = distinct(joined(rows, [len(part) for part in products]), None)
                rows = [row[where] for row in rows]
            nodes.append(_Depth(ids, self._nodes(i, _Nodes(products, children[-1].nodes.values, None), rows)))
        logits = nodes[-1].nodes.logits
        assert logits is not None  # the head reads the top level
        for depth in nodes[-2:0:-1]:  # in the order of `chunk_logits`, so that both round alike
            if depth.nodes.logits is not None:
                logits = logits + depth.nodes.logits[depth.ids[where]]
        kept = self.config.context  # depths that a later one can still look back to, the very first among them
        return State(
            strings,
            nodes[-1].ids[beginning],
            logits,
            history[-kept:],
            (*state._nodes, tuple(nodes))[-kept:],
            len(last),
            state._depth + 1,
            state._strings,
        )

    def _nodes(
        self, i: int, below: _Nodes, children: Sequence[np.ndarray] | np.ndarray, reach: Sequence[int] | None = None
    ) -> _Nodes:
        """The nodes of level i, which have these children below, (g, n), the oldest first. For each place in the level
        above `reach` says how many of them stand there; without it, all may.

        Some thousand rows at once go through all of it, so that what is in the making stays in the cache."""
        n, level = len(children[0]), self._levels[i]
        reach = reach or [n] * len(level.above)
        above = i + 1 < len(self._levels) and self._levels[i + 1].residual
        values = np.empty((n, self.config.hidden), np.float32) if above else None
        products = [np.empty((m, piece.shape[1]), np.float32) for m, piece in zip(reach, level.above, strict=True)]
        logits = None if level.head is None else np.empty((n, self.vocabulary_size), np.float32)

        @np.errstate(
            over="ignore", invalid="ignore"
        )  # logits that are too large are refused; threads do not inherit it
        def work(start: int) -> None:
            part = slice(start, start + _ROWS_AT_ONCE)
            y = below.products[0].take(children[0][part], axis=0)  # (rows, W)
            for child, row in zip(below.products[1:], children[1:], strict=True):
                y += child.take(row[part], axis=0)
            y += level.bias
            y = activated(y, self.config, level.gamma, level.beta)  # (rows, H)
            if level.residual and below.values is not None:
                y += below.values.take(children[-1][part], axis=0)
            if values is not None:
                values[part] = y
            for out, piece in zip(products, level.above, strict=True):
                product(y[: max(0, len(out) - start)], piece, out[part])
            if logits is not None and level.head is not None:
                product(y, level.head, logits[part])
                if level.head_bias is not None:
                    logits[part] += level.head_bias

        side_by_side(work, range(0, n, _ROWS_AT_ONCE))
        return _Nodes(products, values, logits)


def _add(logits: np.ndarray, skipped: np.ndarray, newest: np.ndarray) -> None:
    """Add to each row of (n, V) what the head has read from a node further down, whose number `newest` has, (n,)."""

    def work(start: int) -> None:
        part = slice(start, start + _ROWS_AT_ONCE)
        logits[part] += skipped.take(newest[part], axis=0)

    side_by_side(work, range(0, len(newest), _ROWS_AT_ONCE))


def predictions_of(chunks: Chunks, part: slice, logits: np.ndarray) -> Predictions:
    """The predictions whose distinct context is in the slice, of which these are the logits."""
    if part.start == 0 and len(logits) == chunks.branches[-1].children.shape[1]:  # all of them
        return Predictions(np.arange(len(chunks.contexts)), chunks.contexts, logits, chunks.answers)
    rows = np.flatnonzero((chunks.contexts >= part.start) & (chunks.contexts < part.stop))
    return Predictions(rows, chunks.contexts[rows] - part.start, logits, chunks.answers[rows])
