"""Many strings side by side, character by character: State in, State out, for one network or several of one shape.

Which nodes there are, and which are their children, depends on the strings and the shape alone: it is worked out once,
and each network fills in its own numbers. Of each level a state keeps as many depths as the level above looks back: one
with dilation 1, two with dilation 2.

Shapes in this file
    S  strings   n  distinct chunks   V  vocabulary, boundary id 0 included   H  channels of a level
"""

from collections.abc import Iterable, Sequence
from functools import partial, reduce
from itertools import accumulate

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY
from wavemore.predict.chunks import distinct, joined
from wavemore.predict.network import Network, taken
from wavemore.predict.nodes import Depth, NodeCache, Nodes, State

__all__ = ["Steps", "mean"]

_CODES = 1 << 62  # codes of chunks stay below
_FEW = 256  # strings share too little for a cache to be worth its time
_CACHED_CHUNKS = 1 << 20  # a level with more possible chunks has no cache: its table would take longer to make
_MANY = 1 << 14  # strings, for which such a table is worth it
_CACHED_CHUNKS_OF_MANY = 1 << 24
_CACHED_NODES = 1 << 17  # at most, in each cache


class Steps:
    """How these networks, which have one shape and one vocabulary, go along strings."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self.networks = tuple(networks)
        first = self.networks[0]
        self._levels, self._hidden = first.config.levels, first.config.hidden
        self._vocabulary_size, self._unshifted = first.vocabulary_size, first.config.unshifted
        # The code of a chunk has the ids of its characters as digits. Of each level: how many codes there are.
        self._back = [(g - 1) * dilation for g, dilation in self._levels]  # how far a level looks back
        self._chunks = [self._vocabulary_size**length for length in accumulate(self._back, initial=1)][1:]
        self._codes = max((chunks for chunks in self._chunks if chunks <= _CODES), default=1)

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst, when no two share a node: what later steps look back to at
        every level, what caches hold beyond that, logits and weights."""
        numbers, places = 0, max(self._back)
        for i, (chunks, back) in enumerate(zip(self._chunks[:-1], self._back[1:], strict=True)):
            places += back
            if chunks > _CACHED_CHUNKS_OF_MANY:
                numbers += back * self._hidden
            else:
                level, above = (self.networks[0].levels[k] for k in (i, i + 1))
                products = sum(piece.shape[1] for piece in above.weights) if chunks <= _CACHED_CHUNKS else 0
                head = 0 if level.head is None else self._vocabulary_size
                numbers += self._depths_cached * (products + self._hidden + head)
        networks = len(self.networks)
        return 4 * networks * numbers + 8 * places + (36 + 4 * networks) * self._vocabulary_size + 64

    @property
    def _depths_cached(self) -> int:
        """How many depths a cache has room for, if no two strings share a node."""
        return max(1, self.networks[0].config.context // 4)

    def start(self, strings: int, labels: np.ndarray | None = None) -> State:
        """The state of this many strings before their first character. Networks with labels need those of the strings,
        (strings,): beginnings of different labels are then different."""
        everyone = np.arange(strings)
        nothing = np.zeros(strings, dtype=np.int64)
        caches = tuple(NodeCache(chunks, partial(self._room, i)) for i, chunks in enumerate(self._chunks[:-1]))
        where, beginning = (np.zeros(1, dtype=np.int64), nothing) if labels is None else distinct(labels, None)
        labels = None if labels is None else labels[where]
        codes = np.full(len(where), BOUNDARY)
        logits = np.empty((0, self._vocabulary_size), np.float32)
        empty = State(everyone, nothing, logits, (), ((),) * len(self._levels), caches, codes, labels, 0, strings)
        return self._advanced(empty, everyone, beginning, codes, where, codes, labels)

    def step(self, state: State, going_on: np.ndarray, characters: np.ndarray) -> State:
        strings = state.strings[going_on]
        before = state._beginning_of[-1][strings]
        # A beginning is the beginning one character earlier, and one more character.
        where, beginning = distinct(
            before * self._vocabulary_size + characters, len(state._codes) * self._vocabulary_size
        )
        last = characters[where]
        most = max(1, self._codes // self._vocabulary_size)
        codes = state._codes[before[where]] % most * self._vocabulary_size + last
        labels = None if state._labels is None else state._labels[before[where]]
        return self._advanced(state, strings, beginning, last, strings[where], codes, labels)

    def _advanced(
        self,
        state: State,
        strings: np.ndarray,
        beginning: np.ndarray,
        last: np.ndarray,
        examples: np.ndarray,
        codes: np.ndarray,
        labels: np.ndarray | None,
    ) -> State:
        """`beginning` says which distinct beginning each of `strings` has; of each of these `last` is the last
        character, `examples` a string that has it, `codes` the code, and `labels` the label, where there are any."""
        beginning_of = np.empty(state._strings, dtype=np.int64)
        beginning_of[strings] = beginning
        history = (*state._beginning_of, beginning_of)
        newest = Depth(last, tuple(network.characters for network in self.networks))
        kept, every = [], [newest]
        where, reached, cached = np.arange(len(last)), 1, _cached_chunks(state._strings)
        for i, ((g, dilation), chunks) in enumerate(zip(self._levels, self._chunks, strict=True)):
            # The j-th oldest child lies (g - 1 - j) * dilation characters back; before the string all is padding, as at
            # its first depth.
            depths = (*state._nodes[i], newest.without_logits())
            kept.append(depths[len(depths) - min(len(depths), self._back[i]) :])
            backs = [(g - 1 - j) * dilation for j in range(g)]
            children = [depths[max(len(depths) - 1 - back, 0)] for back in backs]
            strings_at = [history[max(len(history) - 1 - back, 0)] for back in backs]
            reached += self._back[i]
            shifted = labels if i >= self._unshifted else None
            if i < len(state._caches) and chunks <= cached and shifted is None:
                most = min(_CACHED_NODES, self._depths_cached * state._strings)
                fill = partial(self._fill_some, i, children, strings_at, examples)
                newest = Depth(*state._caches[i].find(codes % chunks, most, fill))
            else:
                whole = state._depth <= reached and (labels is None or shifted is not None)
                where, ids, rows = self._numbered(i, children, strings_at, examples, codes, shifted, whole)
                rooms = tuple(network.room(i, len(where)) for network in self.networks)
                newest = Depth(ids, self._fill(i, rooms, children, rows, None if shifted is None else shifted[where]))
            every.append(newest)
        logits = mean([self._logits(k, every, where) for k in range(len(self.networks))])
        longest = max(self._back)  # depths that a later one can still look back to
        return State(
            strings,
            newest.ids[beginning],
            logits,
            history[len(history) - min(len(history), max(longest, 1)) :],
            tuple(kept),
            state._caches,
            codes,
            labels,
            state._depth + 1,
            state._strings,
        )

    def _numbered(
        self,
        i: int,
        children: Sequence[Depth],
        strings_at: Sequence[np.ndarray],
        examples: np.ndarray,
        codes: np.ndarray,
        labels: np.ndarray | None,
        whole: bool,
    ) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
        """The distinct chunks of level i: the beginning at which each stands first, which of them each beginning has,
        and the rows of their children; `labels` are those of the beginnings, at a level that they shift. A chunk that
        holds the whole beginning has no equal."""
        everyone = np.arange(len(examples))
        if whole:
            return everyone, everyone, _rows(children, strings_at, examples)
        if self._chunks[i] <= self._codes:
            keys = codes % self._chunks[i]
            if labels is not None:
                keys = joined([keys, labels], [self._chunks[i], int(labels.max()) + 1])
            where, ids = distinct(keys, None)
            return where, ids, _rows(children, strings_at, examples[where])
        rows = _rows(children, strings_at, examples)
        told, counts = ([], []) if labels is None else ([labels], [int(labels.max()) + 1])
        where, ids = distinct(joined([*rows, *told], [*(_count(child) for child in children), *counts]), None)
        return where, ids, [row[where] for row in rows]

    def _logits(self, network: int, every: Sequence[Depth], where: np.ndarray) -> np.ndarray:
        """Those of a network, (n, V), from the nodes of all levels."""
        logits = every[-1].nodes[network].logits
        assert logits is not None  # the head reads the top level
        for depth in every[-2:0:-1]:  # in the order of `chunk_logits`, so that both round alike
            if (skipped := depth.nodes[network].logits) is not None:
                logits = logits + skipped[depth.ids[where]]
        return logits

    def _room(self, i: int, n: int) -> tuple[Nodes, ...]:
        """For a cache. Where there are very many chunks few nodes come so often that their products are worth it."""
        products = self._chunks[i] <= _CACHED_CHUNKS
        return tuple(network.room_for_all(i, n) if products else network.room(i, n) for network in self.networks)

    def _fill_some(
        self,
        i: int,
        children: Sequence[Depth],
        strings_at: Sequence[np.ndarray],
        examples: np.ndarray,
        rooms: tuple[Nodes, ...],
        places: np.ndarray,
    ) -> None:
        """Compute the nodes of level i of the beginnings at these places."""
        self._fill(i, rooms, children, _rows(children, strings_at, examples[places]))

    def _fill(
        self,
        i: int,
        rooms: tuple[Nodes, ...],
        children: Sequence[Depth],
        rows: Sequence[np.ndarray],
        labels: np.ndarray | None = None,
    ) -> tuple[Nodes, ...]:
        """Compute nodes of level i by each network, with these labels where they shift it."""
        which = [taken(row, child.nodes[0]) for row, child in zip(rows, children, strict=True)]
        for k, (network, room) in enumerate(zip(self.networks, rooms, strict=True)):
            given = [(depth.nodes[k], child) for depth, child in zip(children, which, strict=True)]
            network.fill(i, room, given, labels)
        return rooms


def mean(logits: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of (n, V) arrays, of which the first may be written to."""
    return logits[0] if len(logits) == 1 else reduce(np.add, logits) / np.float32(len(logits))


def _count(depth: Depth) -> int:
    """How many nodes there are, the others among them included."""
    values = depth.nodes[0].values
    assert values is not None  # only the top level has none
    return len(values)


def _cached_chunks(strings: int) -> int:
    """How many different chunks a level may have at most, so that it has a cache for this many strings."""
    if strings < _FEW:
        return 0
    return _CACHED_CHUNKS if strings < _MANY else _CACHED_CHUNKS_OF_MANY


def _rows(children: Sequence[Depth], beginning_of: Sequence[np.ndarray], examples: np.ndarray) -> list[np.ndarray]:
    """The rows of the nodes that these strings have as children at these depths."""
    return [child.ids[beginnings[examples]] for child, beginnings in zip(children, beginning_of, strict=True)]
