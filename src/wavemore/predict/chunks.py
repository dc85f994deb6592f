"""The distinct chunks of a list, level by level: each needs computing only once.

A chunk of level l is the run of characters that one node of level l depends on: with groups (2, 2, 2) the last 2, 4, 8
characters before a prediction. Of many predictions few chunks are distinct, and a chunk is made of g chunks of the
level below, its children. So a list is a small tree of distinct chunks and, for each prediction, the number of its
context. The strings "emma" and "emily" have 11 predictions; as windows they need 44 nodes of 2 characters:

    level 1, 2 characters    ..  .e  em  mm  ma  mi  il  ly                           8 distinct ones of 44
    level 2, 4 characters    ....  ...e  ..em  .emm  emma  .emi  emil  mily           8 of 22
    level 3, 8 characters    the same 8 with padding before them                      8 of 11
    contexts                 0 1 2 3 4 for emma, 0 1 2 5 6 7 for emily

Work grows with the number of characters times the children of a node at each level; with levels of two that is the
logarithm of the context. Memory grows with the characters alone, some hundred bytes each. A context is never written
out: the child that lies d characters back belongs to the prediction d places before, or, where that is outside the
string, to the string's first prediction, whose context is all padding.

Shapes in this file
    S  strings      N  predictions      n  distinct chunks of a level      g  the group of a level
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY, Vocabulary

__all__ = ["Branch", "Chunks", "Condition", "distinct", "joined", "laid_out"]


class Branch(NamedTuple):
    """The distinct chunks of one level, as their children in the level below."""

    children: np.ndarray
    """int64, (g, n): row j has the j-th oldest child of each chunk; at level 1 a child is an index of `characters`."""
    reach: tuple[int, ...]
    """(g,): the children in row j are among the first reach[j] chunks of the level below."""
    labels: np.ndarray | None = None
    """int64, (n,): the label of each chunk, at a level that a label shifts."""


class Condition(NamedTuple):
    """Global conditioning: the label of each string, which shifts some levels."""

    labels: np.ndarray
    """int64, (S,): the label of each string."""
    levels: int
    """How many levels it shifts, from the top."""


@dataclass(frozen=True)
class Chunks:
    """The distinct chunks of some predictions. Older children come first at each level, so that the chunks that are a
    j-th oldest child are a prefix of their level: a matrix product for that child needs those rows alone."""

    characters: np.ndarray
    """int64, (n,): the distinct ids that stand at the bottom, the boundary as padding included."""
    branches: tuple[Branch, ...]
    """From the bottom up."""
    contexts: np.ndarray
    """int64, (N,): for each prediction the chunk of the top level that is its context."""
    answers: np.ndarray
    """int32, (N,): the id that follows."""
    starts: np.ndarray
    """int64, (S,): the index of each string's first prediction."""

    @classmethod
    def of(
        cls,
        strings: Sequence[str],
        vocabulary: Vocabulary,
        groups: Sequence[int],
        cycles: int = 1,
        condition: Condition | None = None,
    ) -> Self:
        """The chunks of all predictions of all strings, for a model of these settings (see `ModelConfig`). At levels
        that a `condition` shifts, chunks are distinct by their label, too. Raises `UnknownCharacterError`."""
        laid, lengths = laid_out(strings, vocabulary)
        starts = np.cumsum(lengths) - lengths  # (S,)
        place = np.arange(len(laid) - 1) - np.repeat(starts, lengths)  # (N,) of each prediction in its string
        answers = laid[1:].astype(np.int32)
        ids, count, size = laid[:-1], len(vocabulary), 1  # size: the dilation
        first = np.repeat(starts, lengths)  # (N,) of each prediction the first of its string
        label, unshifted = np.zeros(0, dtype=np.int64), len(groups) * cycles
        if condition is not None:
            label, unshifted = np.repeat(condition.labels, lengths), unshifted - condition.levels  # (N,)
        children, labels = [], []  # of each level, (g, n) and (n,)
        for i, g in enumerate([*groups] * cycles):
            size = 1 if i % len(groups) == 0 else size
            # The j-th oldest child lies (g - 1 - j) * size characters back.
            rows = [_earlier(ids, place, first, (g - 1 - j) * size) for j in range(g)]
            shifted, keys, counts = i >= unshifted, rows, [count] * g
            if shifted:
                keys, counts = [*rows, label], [*counts, int(label.max(initial=0)) + 1]
            where, numbers = distinct(joined(keys, counts), None)
            children.append(np.stack([row[where] for row in rows]))
            labels.append(label[where] if shifted else None)
            ids, count, size = numbers, len(where), size * g
        return cls._ordered(len(vocabulary), children, (np.arange(count), ids), answers, starts, labels)

    @classmethod
    def of_windows(
        cls,
        contexts: np.ndarray,
        answers: np.ndarray,
        starts: np.ndarray,
        vocabulary_size: int,
        groups: Sequence[int],
    ) -> Self:
        """The chunks of windows that are written out, (N, T) with T the product of the groups: slower than `of`, and
        for windows of any kind, such as ones whose positions have changed places. `answers` is (N,), `starts` (S,)."""
        nodes, count = contexts.astype(np.int64), vocabulary_size  # nodes: (N, T), then (N, T/g) and so on
        children = []  # of each level, (g, n)
        for g in groups:
            columns = [nodes[:, j::g].reshape(-1) for j in range(g)]  # the j-th oldest child of each node
            where, numbers = distinct(joined(columns, [count] * g), None)
            children.append(np.stack([column[where] for column in columns]))
            nodes, count = numbers.reshape(len(contexts), -1), len(where)
        return cls._ordered(vocabulary_size, children, (np.arange(count), nodes[:, 0]), answers, starts)

    def __len__(self) -> int:
        """How many strings they are of."""
        return len(self.starts)

    def part(self, strings: np.ndarray) -> Self:
        """The chunks of some strings, named by their numbers, in that order."""
        rows = self.rows(strings)
        lengths = self._lengths(strings)
        starts = np.cumsum(lengths) - lengths
        children = [branch.children for branch in self.branches]
        tops = self.contexts[rows]
        where, contexts = distinct(tops, self.branches[-1].children.shape[1])
        labels = [branch.labels for branch in self.branches]
        part = self._ordered(
            len(self.characters), children, (tops[where], contexts), self.answers[rows], starts, labels
        )
        return type(self)(self.characters[part.characters], part.branches, part.contexts, part.answers, part.starts)

    def rows(self, strings: np.ndarray) -> np.ndarray:
        """The numbers of the predictions of some strings, string after string."""
        lengths = self._lengths(strings)
        starts = np.cumsum(lengths) - lengths
        return np.repeat(self.starts[strings] - starts, lengths) + np.arange(lengths.sum())

    def _lengths(self, strings: np.ndarray) -> np.ndarray:
        """How many predictions each of some strings has."""
        return np.append(self.starts[1:], len(self.answers))[strings] - self.starts[strings]

    def uses(self) -> list[np.ndarray]:
        """For each level how often the windows of all predictions use each chunk: float64, (n,).

        A window of T characters has T / 2 nodes of 2 characters, and so on: these are the weights with which distinct
        chunks stand for all nodes of the windowed form.
        """
        uses = [np.bincount(self.contexts, minlength=self.branches[-1].children.shape[1]).astype(np.float64)]
        for branch, below in zip(self.branches[:0:-1], self.branches[-2::-1], strict=True):
            count = below.children.shape[1]
            times = [np.bincount(row, uses[-1], minlength=count) for row in branch.children]
            uses.append(np.sum(times, axis=0))
        return uses[::-1]

    @classmethod
    def _ordered(
        cls,
        characters: int,
        children: list[np.ndarray],
        tops: tuple[np.ndarray, np.ndarray],
        answers: np.ndarray,
        starts: np.ndarray,
        labels: Sequence[np.ndarray | None] = (),
    ) -> Self:
        """What the given chunks of the last level need of all levels, from the top down, older children first. `tops`
        are these chunks and, for each prediction, which of them is its context; `labels` are those of each level."""
        wanted, contexts = tops
        branches = []
        below = [characters, *(level.shape[1] for level in children[:-1])]
        labels = labels or [None] * len(children)
        for level, count, label in zip(reversed(children), reversed(below), reversed(labels), strict=True):
            picked = level[:, wanted]  # (g, n)
            where, numbers = distinct(picked.reshape(-1), count)  # row after row, so the oldest come first
            numbers = numbers.reshape(picked.shape)
            reach = np.maximum.accumulate(numbers.max(axis=1, initial=-1) + 1)
            branches.append(Branch(numbers, tuple(reach.tolist()), None if label is None else label[wanted]))
            wanted = picked.reshape(-1)[where]
        return cls(wanted, tuple(reversed(branches)), contexts, answers, starts)


def laid_out(strings: Sequence[str], vocabulary: Vocabulary) -> tuple[np.ndarray, np.ndarray]:
    """The ids of all strings end to end with one boundary before, between and after them, int64, (N + 1,): prediction p
    reads on from ids[p], and its answer is ids[p + 1]. And how many predictions each string has, one more than
    characters: int64, (S,). Raises `UnknownCharacterError`."""
    characters, lengths = vocabulary.encode_all(strings)
    lengths += 1
    inside = np.ones(lengths.sum() + 1, dtype=bool)
    inside[0] = False
    inside[np.cumsum(lengths)] = False
    ids = np.full(len(inside), BOUNDARY, dtype=np.int64)
    ids[inside] = characters
    return ids, lengths


def _earlier(ids: np.ndarray, place: np.ndarray, first: np.ndarray, d: int) -> np.ndarray:
    """For each prediction the id d places before, or, where its string has none there, that of its string's beginning,
    (N,). `place` is where in its string each one stands, `first` the prediction with which that begins."""
    if d == 0:
        return ids
    before = ids[first]
    np.copyto(before[d:], ids[:-d], where=place[d:] >= d)
    return before


def distinct(keys: np.ndarray, domain: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct key, int64, stands first, and for each key which of them it is, numbered in that order.

    `domain` is a number above all keys, where one is known; no key is negative. Time grows with their count alone.
    """
    n = len(keys)
    if n == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if domain is None:
        domain = int(keys.max()) + 1
    first = _first_by_table(keys, domain) if domain <= 16 * n + (1 << 16) else _first_by_hash(keys)
    where = np.flatnonzero(first == np.arange(n))
    numbers = np.empty(n, dtype=np.int64)
    numbers[where] = np.arange(len(where))
    return where, numbers[first]


def _first_by_table(keys: np.ndarray, domain: int) -> np.ndarray:
    """For each key the place of its first occurrence: (n,)."""
    table = np.empty(domain, dtype=np.int64)
    table[keys[::-1]] = np.arange(len(keys))[::-1]  # of equal keys the last to be written stays, the first of all
    return table[keys]


def _first_by_hash(keys: np.ndarray) -> np.ndarray:
    """The same for keys from a large domain: tables again, of hashed keys, until no two different keys collide."""
    multiplier = 0x9E3779B97F4A7C15  # odd, near 2**64 over the golden ratio (Knuth's multiplicative hashing)
    bits = (2 * len(keys)).bit_length()
    first = _first_by_table(_hashed(keys, multiplier, bits), 1 << bits)
    missed = np.flatnonzero(keys[first] != keys)  # where another key with this hash came first
    while len(missed):
        multiplier = (multiplier * 0xD1342543DE82EF95 + 2) % 2**64 | 1
        left = keys[missed]
        first[missed] = missed[_first_by_table(_hashed(left, multiplier, bits), 1 << bits)]
        missed = missed[keys[first[missed]] != left]
    return first


def _hashed(keys: np.ndarray, multiplier: int, bits: int) -> np.ndarray:
    hashes = keys.view(np.uint64) * np.uint64(multiplier)
    hashes >>= np.uint64(64 - bits)
    return hashes.view(np.int64)


def joined(rows: Iterable[np.ndarray], counts: Sequence[int]) -> np.ndarray:
    """One key for each column of `rows`, of which row j has entries below counts[j]: equal for equal columns."""
    keys, domain = np.zeros(1, dtype=np.int64), 1
    for row, count in zip(rows, counts, strict=True):
        entries = count
        if domain > (1 << 62) // count:  # number the keys anew before they overflow, and the row too if need be
            where, keys = distinct(keys, None)
            domain = len(where)
            if domain > (1 << 62) // count:
                where, row = distinct(row, None)  # noqa: PLW2901
                entries = len(where)
        keys = keys * entries + row
        domain *= entries
    return keys
