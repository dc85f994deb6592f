"""The windows of a list: each predicted character with the context before it, as positions in one flat array.

Shapes in this file
    S  strings      N  predictions: every character of every string and the boundary after it      T  context length
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from wavemore.lists.vocabulary import BOUNDARY, Vocabulary

__all__ = ["Windows"]


@dataclass(frozen=True)
class Windows:
    """The strings laid end to end, T boundary ids before each and after the last.

    So the context of the prediction at position p is `ids[p - T : p]`, padded as it must be, and its answer `ids[p]`;
    no window is copied until it is asked for.
    """

    ids: np.ndarray
    """int32, (characters + T * (S + 1),)."""
    positions: np.ndarray
    """int64, (N,): where the answers stand, in the order of the strings."""
    starts: np.ndarray
    """int64, (S,): the index of each string's first prediction."""
    context: int

    @classmethod
    def of(cls, strings: Sequence[str], vocabulary: Vocabulary, context: int) -> Self:
        """Raises `UnknownCharacterError` for a character that the vocabulary lacks."""
        characters, lengths = vocabulary.encode_all(strings)  # (characters,), (S,)
        before = np.cumsum(lengths) - lengths  # (S,) characters in earlier strings
        string = np.arange(len(strings))  # (S,)
        ids = np.full(len(characters) + context * (len(strings) + 1), BOUNDARY, dtype=np.int32)
        ids[np.arange(len(characters)) + context * (np.repeat(string, lengths) + 1)] = characters
        # Prediction k of string s is the k-th of all; T padding ids a string, without the one that is its boundary.
        answers = np.arange(len(characters) + len(strings))  # (N,)
        positions = answers + context + (context - 1) * np.repeat(string, lengths + 1)
        return cls(ids, positions, before + string, context)

    def __len__(self) -> int:
        """How many predictions there are."""
        return len(self.positions)

    def contexts(self, part: slice = slice(None)) -> np.ndarray:
        """The contexts of some predictions: int32, (rows, T)."""
        windows = np.lib.stride_tricks.sliding_window_view(self.ids, self.context)
        return windows[self.positions[part] - self.context]

    def answers(self, part: slice = slice(None)) -> np.ndarray:
        """The ids that follow those contexts: int32, (rows,)."""
        return self.ids[self.positions[part]]
