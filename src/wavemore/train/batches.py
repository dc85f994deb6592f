"""Where a run's batches come from, in either form: random windows, as taught, or strings and their distinct chunks."""

from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from wavemore.chunks import Chunks
from wavemore.nn import Branch, Tree, WaveNet, evaluation_mode, shared_cross_entropy
from wavemore.windows import Windows

__all__ = ["Batches", "SharedBatches", "WindowedBatches", "answer_counts", "tree_of"]

_WINDOWS_AT_ONCE = 16384  # of an evaluation
_PREDICTIONS_AT_ONCE = 1 << 18
_COUNTS_AT_ONCE = 1 << 23  # answers counted, predictions times vocabulary


class Batches(Protocol):
    """One part of a list, as a run needs it."""

    def __len__(self) -> int:
        """How many items there are to draw batches from: windows or strings."""
        ...

    def draw(self, model: WaveNet, batch: int, generator: torch.Generator) -> Tensor:
        """The model's mean loss on the next batch, nats per character."""
        ...

    def loss(self, model: WaveNet) -> float:
        """The mean loss over everything, in evaluation mode, nats per character."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What the next batches depend on beside the generator."""
        ...

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what `state` gave."""
        ...


class WindowedBatches:
    """Batches of windows drawn with replacement, as in the lecture. The windows are cut when a batch asks for them."""

    def __init__(self, windows: Windows) -> None:
        self._ids = torch.from_numpy(windows.ids)
        self._windows = self._ids.unfold(0, windows.context, 1)  # (ids - T + 1, T), a view
        self._positions = torch.from_numpy(windows.positions)  # (N,)
        self._context = windows.context

    def __len__(self) -> int:
        return len(self._positions)

    def draw(self, model: WaveNet, batch: int, generator: torch.Generator) -> Tensor:
        rows = torch.randint(0, len(self), (batch,), generator=generator)  # (B,)
        contexts, answers = self._at(rows)
        return F.cross_entropy(model(contexts), answers)

    def loss(self, model: WaveNet) -> float:
        total = 0.0
        with evaluation_mode(model):
            for rows in torch.arange(len(self)).split(_WINDOWS_AT_ONCE):
                contexts, answers = self._at(rows)
                total += F.cross_entropy(model(contexts), answers, reduction="sum").item()
        return total / len(self)

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        pass

    def _at(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(B,) numbers of predictions -> (B, T) contexts and (B,) answers."""
        positions = self._positions[rows]
        return self._windows[positions - self._context], self._ids[positions].long()


class SharedBatches:
    """Batches of whole strings, none twice in a pass, in a new order each time; a rest too small for a batch waits."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self._order = torch.zeros(0, dtype=torch.long)  # of this pass
        self._next = 0

    def __len__(self) -> int:
        return len(self._chunks.starts)

    def draw(self, model: WaveNet, batch: int, generator: torch.Generator) -> Tensor:
        batch = min(batch, len(self))
        if self._next + batch > len(self._order):
            self._order, self._next = torch.randperm(len(self), generator=generator), 0
        strings = self._order[self._next : self._next + batch].numpy()
        self._next += batch
        return self._shared_loss(model, self._chunks.part(strings))

    def loss(self, model: WaveNet) -> float:
        total = 0.0
        with evaluation_mode(model):
            for strings in self._portions(len(model.embedding.weight)):
                part = self._chunks.part(strings)
                total += self._shared_loss(model, part).item() * len(part.answers)
        return total / len(self._chunks.answers)

    def state(self) -> dict[str, Tensor]:
        return {"order": self._order, "next": torch.tensor(self._next)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self._order, self._next = state["order"], int(state["next"])

    def _portions(self, vocabulary_size: int) -> list[np.ndarray]:
        """The numbers of all strings, in portions that bound the memory of an evaluation."""
        most = max(1, min(_PREDICTIONS_AT_ONCE, _COUNTS_AT_ONCE // vocabulary_size))
        portion = self._chunks.starts // most  # strings that begin in the same stretch of predictions
        return np.split(np.arange(len(self)), np.flatnonzero(np.diff(portion)) + 1)

    @staticmethod
    def _shared_loss(model: WaveNet, chunks: Chunks) -> Tensor:
        vocabulary_size = len(model.embedding.weight)
        return shared_cross_entropy(model.shared(tree_of(chunks)), answer_counts(chunks, vocabulary_size))


def tree_of(chunks: Chunks, dtype: torch.dtype = torch.float32) -> Tree:
    """The distinct chunks as tensors."""
    branches = [
        Branch(torch.from_numpy(branch.children), branch.reach, torch.from_numpy(uses).to(dtype))
        for branch, uses in zip(chunks.branches, chunks.uses(), strict=True)
    ]
    return Tree(torch.from_numpy(chunks.characters), branches)


def answer_counts(chunks: Chunks, vocabulary_size: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """How often each id follows each distinct context: (n, V)."""
    count = chunks.branches[-1].children.shape[1]
    cells = chunks.contexts * vocabulary_size + chunks.answers
    return torch.from_numpy(np.bincount(cells, minlength=count * vocabulary_size)).to(dtype).view(count, -1)
