"""Where a run's batches come from, in either form: random windows, as taught, or strings and their distinct chunks."""

from collections.abc import Callable
from typing import Protocol, Self, TypeVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from wavemore.nn import Branch, Ensemble, SequenceModel, Tree, WaveNet, evaluation_mode, shared_cross_entropy
from wavemore.nn.wavenet import Passed
from wavemore.predict.chunks import Chunks
from wavemore.predict.windows import Windows

__all__ = ["Batches", "Passes", "SharedBatches", "WindowedBatches", "answer_counts", "tree_of"]

_WINDOWS_AT_ONCE = 16384  # of an evaluation
_NUMBERS_AT_ONCE = 1 << 26
_PREDICTIONS_AT_ONCE = 1 << 18
_COUNTS_AT_ONCE = 1 << 23  # answers counted, predictions times vocabulary


Model = TypeVar("Model", contravariant=True)


class Batches(Protocol[Model]):
    """One part of a list, as a run needs it, for one kind of model."""

    @property
    def network(self) -> Callable[..., WaveNet | SequenceModel]:
        """The class of that model."""
        ...

    def __len__(self) -> int:
        """How many items there are to draw batches from: windows or strings."""
        ...

    def draw(self, model: Model, batch: int, generator: torch.Generator, seen: list[Passed] | None = None) -> Tensor:
        """The model's mean loss on the next batch, nats per character: a scalar. What goes through each level of a
        WaveNet is added to `seen`."""
        ...

    def loss(self, model: Model) -> float:
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

    network = WaveNet

    def __init__(self, windows: Windows) -> None:
        self._ids = torch.from_numpy(windows.ids)
        self._windows = self._ids.unfold(0, windows.context, 1)  # (ids - T + 1, T), a view
        self._positions = torch.from_numpy(windows.positions)  # (N,)
        self._context = windows.context

    def __len__(self) -> int:
        return len(self._positions)

    def draw(self, model: WaveNet, batch: int, generator: torch.Generator, seen: list[Passed] | None = None) -> Tensor:
        rows = torch.randint(0, len(self), (batch,), generator=generator)  # (B,)
        contexts, answers = self._at(rows)
        return F.cross_entropy(model(contexts, seen), answers)

    def loss(self, model: WaveNet | Ensemble) -> float:
        total = 0.0
        with evaluation_mode(model):
            for rows in torch.arange(len(self)).split(_windows_at_once(model)):
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


class Passes:
    """What batches of whole strings share: none is drawn twice in a pass, each pass has a new order, and a rest too
    small for a batch waits."""

    def __init__(self, strings: int) -> None:
        self._strings = strings
        self._order = torch.zeros(0, dtype=torch.long)  # of this pass
        self._next = 0

    def __len__(self) -> int:
        return self._strings

    def state(self) -> dict[str, Tensor]:
        return {"order": self._order, "next": torch.tensor(self._next)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self._order, self._next = state["order"], int(state["next"])

    def _drawn(self, batch: int, generator: torch.Generator) -> np.ndarray:
        """The numbers of the next strings, (B,); all strings where there are fewer."""
        batch = min(batch, self._strings)
        if self._next + batch > len(self._order):
            self._order, self._next = torch.randperm(self._strings, generator=generator), 0
        strings = self._order[self._next : self._next + batch].numpy()
        self._next += batch
        return strings


def _windows_at_once(model: WaveNet | Ensemble) -> int:
    """How many windows an evaluation takes at once, so that the widest tensor is bounded."""
    one = cast(WaveNet, model.members[0] if isinstance(model, Ensemble) else model)
    widest = one.config.leaves * max(2 * one.config.hidden, one.config.embedding)
    return max(1, min(_WINDOWS_AT_ONCE, _NUMBERS_AT_ONCE // widest))


class SharedBatches(Passes):
    """Batches of whole strings, of which each distinct chunk is computed once."""

    network = WaveNet

    def __init__(self, chunks: Chunks, vocabulary_size: int, expected: Tensor | None = None) -> None:
        """`expected` is what a teacher expects after each distinct context, (n, V) probabilities."""
        super().__init__(len(chunks.starts))
        self.chunks = chunks
        self._vocabulary_size = vocabulary_size
        self._expected = expected

    def taught_by(self, expected: Tensor) -> Self:
        """The same part, whose batches have what a teacher expects in place of the ids that follow."""
        return type(self)(self.chunks, self._vocabulary_size, expected)

    def draw(self, model: WaveNet, batch: int, generator: torch.Generator, seen: list[Passed] | None = None) -> Tensor:
        strings = self._drawn(batch, generator)
        part = self.chunks.part(strings)
        counts = answer_counts(part, self._vocabulary_size)  # (n, V)
        if self._expected is not None:
            contexts = np.empty(len(counts), dtype=np.int64)  # of all strings, for each of the part's
            contexts[part.contexts] = self.chunks.contexts[self.chunks.rows(strings)]
            counts = counts.sum(1, keepdim=True) * self._expected[torch.from_numpy(contexts)]
        return shared_cross_entropy(model.shared(tree_of(part), seen), counts)

    def loss(self, model: WaveNet | Ensemble) -> float:
        total = 0.0
        with evaluation_mode(model):
            for strings in self._portions():
                part = self.chunks.part(strings)
                counts = answer_counts(part, self._vocabulary_size)
                total += shared_cross_entropy(model.shared(tree_of(part)), counts).item() * len(part.answers)
        return total / len(self.chunks.answers)

    def _portions(self) -> list[np.ndarray]:
        """The numbers of all strings, in portions that bound the memory of an evaluation."""
        most = max(1, min(_PREDICTIONS_AT_ONCE, _COUNTS_AT_ONCE // self._vocabulary_size))
        portion = self.chunks.starts // most  # strings that begin in the same stretch of predictions
        return np.split(np.arange(len(self)), np.flatnonzero(np.diff(portion)) + 1)


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
