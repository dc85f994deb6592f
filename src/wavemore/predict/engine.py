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
from functools import partial
from itertools import accumulate

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY, Vocabulary
from wavemore.predict.activation import activated
from wavemore.predict.chunks import Chunks, distinct, joined
from wavemore.predict.folding import Level, folded_linear, product
from wavemore.predict.nodes import Depth, NodeCache, Nodes, State
from wavemore.predict.predictor import Predictions
from wavemore.settings.config import ModelConfig
from wavemore.threads import side_by_side

__all__ = ["Engine", "predictions_of"]

_NORM = ("gamma", "beta")
_ROWS_AT_ONCE = 2048  # from the children to what the nodes contribute; with fewer, threads wait for each other
_LOGITS_AT_ONCE = 1 << 21  # bounds the memory of the top level
_CODES = 1 << 62  # codes of chunks stay below
_FEW = 256  # strings share too little for a cache to be worth its time
_CACHED_CHUNKS = 1 << 20  # a level with more possible chunks has no cache: its table would take longer to make
_MANY = 4096  # strings, for which such a table is worth it
_CACHED_CHUNKS_OF_MANY = 1 << 23
_CACHED_NODES = 1 << 16  # at most, in each cache


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
        self._levels: list[Level] = []
        for i in range(len(folded)):
            gamma, beta = (None if config.norm == "batch" else weights.get(f"levels.{i}.norm.{n}") for n in _NORM)
            top = i + 1 == len(folded)
            residual = config.residual and channels == config.hidden and not (top and lower)
            (above, bias), at_top = (([], None), head_bias) if top else (folded[i + 1], None)
            self._levels.append(Level(gamma, beta, residual, above, bias, read[i], at_top))
            channels = config.hidden
        # The characters are the nodes of level 0, and what they contribute is the same at every depth.
        embedding = weights["embedding.weight"]  # (V, E)
        self._characters = Nodes([product(embedding, piece) for piece in folded[0][0]], embedding, None)
        self._characters.products[0][:] += folded[0][1]

        # The code of a chunk has the ids of its characters as digits. Of each level: how many codes there are.
        lengths = accumulate(((g - 1) * dilation for g, dilation in config.levels), initial=1)
        self._chunks = [self.vocabulary_size**length for length in lengths][1:]
        self._codes = max((chunks for chunks in self._chunks if chunks <= _CODES), default=1)

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst, when no two share a node: what later steps look back to at
        every level, what caches hold beyond that, logits and weights."""
        nodes = 0
        for level, above in zip(self._levels, [*self._levels[1:], None], strict=True):
            numbers = sum(piece.shape[1] for piece in level.above)
            if above is not None and above.residual:
                numbers += self.config.hidden  # the node itself
            nodes += 4 * (numbers + (self.vocabulary_size if level.head is not None else 0)) + 16
        return (self.config.context + self._depths_cached) * nodes + 40 * self.vocabulary_size + 16

    @property
    def _depths_cached(self) -> int:
        """How many depths a cache has room for, if no two strings share a node."""
        return max(1, self.config.context // 4)

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
        every = self._characters
        assert every.values is not None
        nodes = [Nodes([part[characters] for part in every.products], every.values[characters], None)]
        for i, branch in enumerate(chunks.branches[:-1]):
            room = self._room(i, branch.children.shape[1], chunks.branches[i + 1].reach)
            nodes.append(self._fill(i, room, nodes[-1], branch.children))
            nodes[-2] = nodes[-2]._replace(products=[])  # not needed any more
        top = chunks.branches[-1].children
        rows = max(256, _LOGITS_AT_ONCE // self.vocabulary_size)
        for start in range(0, top.shape[1], rows):
            part = slice(start, start + rows)
            some = top[:, part]
            logits = self._fill(len(nodes) - 1, self._room(len(nodes) - 1, some.shape[1]), nodes[-1], some).logits
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
        caches = tuple(NodeCache(chunks, partial(self._room, i)) for i, chunks in enumerate(self._chunks[:-1]))
        code = np.full(1, BOUNDARY)
        logits = np.empty((0, self.vocabulary_size), np.float32)
        empty = State(everyone, nothing, logits, (), (), caches, code, 0, strings)
        return self._advanced(empty, everyone, nothing, code, np.zeros(1, dtype=np.int64), code)

    def step(self, state: State, going_on: np.ndarray, characters: np.ndarray) -> State:
        strings = state.strings[going_on]
        before = state._beginning_of[-1][strings]
        # A beginning is the beginning one character earlier, and one more character.
        where, beginning = distinct(
            before * self.vocabulary_size + characters, len(state._codes) * self.vocabulary_size
        )
        last = characters[where]
        codes = state._codes[before[where]] % max(1, self._codes // self.vocabulary_size) * self.vocabulary_size + last
        return self._advanced(state, strings, beginning, last, strings[where], codes)

    def _advanced(
        self,
        state: State,
        strings: np.ndarray,
        beginning: np.ndarray,
        last: np.ndarray,
        examples: np.ndarray,
        codes: np.ndarray,
    ) -> State:
        """`beginning` says which distinct beginning each of `strings` has; of each of these `last` is the last
        character, `examples` a string that has it, and `codes` the code."""
        beginning_of = np.empty(state._strings, dtype=np.int64)
        beginning_of[strings] = beginning
        history = (*state._beginning_of, beginning_of)
        nodes: list[Depth] = [Depth(last, self._characters)]
        depths: list[Sequence[Depth]] = [*state._nodes, nodes]  # the newest's upper levels read its lower ones
        where, reached, cached = np.arange(len(last)), 1, _cached_chunks(state._strings)
        for i, ((g, dilation), chunks) in enumerate(zip(self.config.levels, self._chunks, strict=True)):
            # The j-th oldest child lies (g - 1 - j) * dilation characters back; before the string all is padding, as at
            # its first depth.
            places = [max(len(history) - 1 - (g - 1 - j) * dilation, 0) for j in range(g)]
            children = [depths[place][i] for place in places]
            products = [child.nodes.products[j] for j, child in enumerate(children)]
            below = Nodes(products, children[-1].nodes.values, None)

            strings_at = [history[place] for place in places]
            reached += (g - 1) * dilation
            if i < len(state._caches) and chunks <= cached:
                most = min(_CACHED_NODES, self._depths_cached * state._strings)
                fill = partial(self._fill_some, i, below, children, strings_at, examples)
                nodes.append(Depth(*state._caches[i].find(codes % chunks, most, fill)))
                continue
            where = np.arange(len(last))
            if state._depth <= reached:  # the chunk holds the whole beginning: no two are equal
                ids, rows = where, _rows(children, strings_at, examples[where])
            elif chunks <= self._codes:
                where, ids = distinct(codes % chunks, None)
                rows = _rows(children, strings_at, examples[where])
            else:
                rows = _rows(children, strings_at, examples[where])
                where, ids = distinct(joined(rows, [len(part) for part in products]), None)
                rows = [row[where] for row in rows]
            nodes.append(Depth(ids, self._fill(i, self._room(i, len(where)), below, rows)))
        logits = nodes[-1].nodes.logits
        assert logits is not None  # the head reads the top level
        for depth in nodes[-2:0:-1]:  # in the order of `chunk_logits`, so that both round alike
            if (skipped := depth.nodes.logits) is not None:
                logits = logits + skipped[depth.ids[where]]
        kept = self.config.context  # depths that a later one can still look back to, the very first among them
        return State(
            strings,
            nodes[-1].ids[beginning],
            logits,
            history[-kept:],
            (*state._nodes, tuple(nodes))[-kept:],
            state._caches,
            codes,
            state._depth + 1,
            state._strings,
        )

    def _fill_some(
        self,
        i: int,
        below: Nodes,
        children: Sequence[Depth],
        strings_at: Sequence[np.ndarray],
        examples: np.ndarray,
        room: Nodes,
        places: np.ndarray,
    ) -> None:
        """Compute the nodes of level i of the beginnings at these places."""
        self._fill(i, room, below, _rows(children, strings_at, examples[places]))

    def _room(self, i: int, n: int, reach: Sequence[int] | None = None) -> Nodes:
        """Arrays for n nodes of level i. For each place in the level above `reach` says how many of them stand there;
        without it, all may."""
        level = self._levels[i]
        above = i + 1 < len(self._levels) and self._levels[i + 1].residual
        values = np.empty((n, self.config.hidden), np.float32) if above else None
        reach = reach or [n] * len(level.above)
        products = [np.empty((m, piece.shape[1]), np.float32) for m, piece in zip(reach, level.above, strict=True)]
        return Nodes(products, values, None if level.head is None else np.empty((n, self.vocabulary_size), np.float32))

    def _fill(self, i: int, room: Nodes, below: Nodes, children: Sequence[np.ndarray] | np.ndarray) -> Nodes:
        """Compute the nodes of level i, which have these children below, (g, n), the oldest first.

        Some thousand rows at once go through all of it, so that what is in the making stays in the cache."""
        n, level, (products, values, logits) = len(children[0]), self._levels[i], room

        @np.errstate(
            over="ignore", invalid="ignore"
        )  # logits that are too large are refused; threads do not inherit it
        def work(start: int) -> None:
            part = slice(start, start + _ROWS_AT_ONCE)
            y = below.products[0].take(children[0][part], axis=0)  # (rows, W)
            for child, row in zip(below.products[1:], children[1:], strict=True):
                y += child.take(row[part], axis=0)
            y = activated(y, self.config, level.gamma, level.beta)  # (rows, H)
            if level.residual and below.values is not None:
                y += below.values.take(children[-1][part], axis=0)
            if values is not None:
                values[part] = y
            for out, piece in zip(products, level.above, strict=True):
                product(y[: max(0, len(out) - start)], piece, out[part])
            if level.bias is not None:
                products[0][part] += level.bias
            if logits is not None and level.head is not None:
                product(y, level.head, logits[part])
                if level.head_bias is not None:
                    logits[part] += level.head_bias

        side_by_side(work, range(0, n, _ROWS_AT_ONCE))
        return room


def _add(logits: np.ndarray, skipped: np.ndarray, newest: np.ndarray) -> None:
    """Add to each row of (n, V) what the head has read from a node further down, whose number `newest` has, (n,)."""

    def work(start: int) -> None:
        part = slice(start, start + _ROWS_AT_ONCE)
        logits[part] += skipped.take(newest[part], axis=0)

    side_by_side(work, range(0, len(newest), _ROWS_AT_ONCE))


def _cached_chunks(strings: int) -> int:
    """How many different chunks a level may have at most, so that it has a cache for this many strings."""
    if strings < _FEW:
        return 0
    return _CACHED_CHUNKS if strings < _MANY else _CACHED_CHUNKS_OF_MANY


def _rows(children: Sequence[Depth], beginning_of: Sequence[np.ndarray], examples: np.ndarray) -> list[np.ndarray]:
    """The rows of the nodes that these strings have as children at these depths."""
    return [child.ids[beginnings[examples]] for child, beginnings in zip(children, beginning_of, strict=True)]


def predictions_of(chunks: Chunks, part: slice, logits: np.ndarray) -> Predictions:
    """The predictions whose distinct context is in the slice, of which these are the logits."""
    if part.start == 0 and len(logits) == chunks.branches[-1].children.shape[1]:  # all of them
        return Predictions(np.arange(len(chunks.contexts)), chunks.contexts, logits, chunks.answers)
    rows = np.flatnonzero((chunks.contexts >= part.start) & (chunks.contexts < part.stop))
    return Predictions(rows, chunks.contexts[rows] - part.start, logits, chunks.answers[rows])
