"""How a batch lies in memory for the baselines that read a string from its beginning, and what a layer of theirs is.

Strings differ in length, and padding costs as much as characters do: of 256 names 1,838 positions are real, while as
many rows of the longest have some 3,300. So a batch is *packed*: the first position of every string, then the second of
every string that has one, and so on, the longest strings first. The rows that have a position are then always the first
rows of the position before.

    position    0     1     2     3     4     5
    emily       .     e     m     i     l     y
    emma        .     e     m     m     a
    olin        .     o     l     i     n
    ava         .     a     v     a
    ids         ....  eeoa  mmlv  imia  lan   y
    counts      4     4     4     4     3     1

Shapes in this file
    S  strings of a list     N  predictions: every character and the boundary at each end     C, H  channels
    B  strings of a batch    L  positions of the longest one, its boundary included           n  rows of one step
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import laid_out

__all__ = ["Packed", "Packing", "SequenceLayer", "Strings"]


class Packing(NamedTuple):
    """Where the positions of a batch stand."""

    counts: tuple[int, ...]
    """(L,): how many strings have each position; never rising."""
    places: Tensor
    """int64, (N,): the place of each packed row among the L * B of the padded batch, position after position."""

    @classmethod
    def of(cls, lengths: Sequence[int] | np.ndarray) -> Self:
        """The packing of strings of these lengths in positions, the longest first."""
        lengths = np.asarray(lengths, dtype=np.int64)  # (B,)
        there = np.arange(lengths.max(initial=0))[:, None] < lengths  # (L, B)
        return cls(tuple(there.sum(1).tolist()), torch.from_numpy(np.flatnonzero(there)))

    @property
    def rows(self) -> int:
        """How many strings the batch has, B."""
        return self.counts[0] if self.counts else 0

    @property
    def positions(self) -> Tensor:
        """The position of each packed row: (N,)."""
        return self.places // max(1, self.rows)

    def padded(self, x: Tensor) -> Tensor:
        """(N, C) -> (L, B, C), zeros where a string has ended."""
        size = len(self.counts) * self.rows
        if len(x) == size:
            return x.view(len(self.counts), self.rows, x.shape[1])
        y = x.new_zeros((size, x.shape[1])).index_copy(0, self.places, x)  # (L * B, C)
        return y.view(len(self.counts), self.rows, x.shape[1])

    def packed(self, x: Tensor) -> Tensor:
        """(L, B, C) -> (N, C), the reverse."""
        x = x.reshape(-1, x.shape[2])  # (L * B, C)
        return x if len(x) == len(self.places) else x.index_select(0, self.places)


class SequenceLayer(nn.Module, ABC):
    """One layer of a model that reads from the beginning, in two forms that agree.

    What a layer makes of a position depends on that position and the earlier ones. It holds weights and nothing that
    changes: what it remembers of the earlier ones while a string is made is passed in and returned.
    """

    @abstractmethod
    def forward(self, x: Tensor, packing: Packing) -> Tensor:
        """All positions of a batch: (N, C) -> (N, H)."""

    @abstractmethod
    def begin(self, rows: int) -> Tensor:
        """What it remembers before the first position: (n, ...), a row for each string."""

    @abstractmethod
    def step(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One position of n strings, all at the same one: (n, C) -> (n, H), and the memory after it."""

    @abstractmethod
    def matrices(self) -> list[nn.Parameter]:
        """Its weight matrices, (fan_in, fan_out) each."""


class Packed(NamedTuple):
    """Some strings of a list, packed."""

    ids: Tensor
    """int64, (N,): the newest id before each prediction."""
    answers: Tensor
    """int64, (N,): the id that follows."""
    packing: Packing
    numbers: np.ndarray
    """(N,): the number of each prediction in the list, string after string."""

    def to(self, device: torch.device) -> "Packed":
        """The same on this device."""
        packing = self.packing._replace(places=self.packing.places.to(device))
        return Packed(self.ids.to(device), self.answers.to(device), packing, self.numbers)


@dataclass(frozen=True)
class Strings:
    """The strings of a list as ids, end to end with one boundary between: prediction p reads on from ids[p], and its
    answer is ids[p + 1]."""

    ids: np.ndarray
    """int64, (N + 1,)."""
    lengths: np.ndarray
    """int64, (S,): how many predictions each string has, one more than characters."""

    @classmethod
    def of(cls, strings: Sequence[str], vocabulary: Vocabulary) -> Self:
        """Raises `UnknownCharacterError` for a character that the vocabulary lacks."""
        return cls(*laid_out(strings, vocabulary))

    def packed(self, strings: np.ndarray) -> Packed:
        """The strings of these numbers, (B,)."""
        strings = strings[np.argsort(-self.lengths[strings], kind="stable")]  # the longest first
        packing = Packing.of(self.lengths[strings])
        position, row = np.divmod(packing.places.numpy(), max(1, len(strings)))  # (N,), (N,)
        starts = np.cumsum(self.lengths) - self.lengths  # (S,) the first prediction of each string
        numbers = starts[strings[row]] + position
        ids, answers = torch.from_numpy(self.ids[numbers]), torch.from_numpy(self.ids[numbers + 1])
        return Packed(ids, answers, packing, numbers)

    def portions(self, most: int) -> Iterator[np.ndarray]:
        """The numbers of all strings, the longest first, in portions of at most `most` positions with padding; a
        longer string makes a portion by itself."""
        order = np.argsort(-self.lengths, kind="stable")  # (S,)
        start = 0
        while start < len(order):
            end = start + max(1, most // int(self.lengths[order[start]]))
            yield order[start:end]
            start = end
