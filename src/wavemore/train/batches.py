"""Where a run's batches come from: strings in an order that is new in each pass, and what a step learns from them.

Shapes in this file
    n  distinct chunks of a level     V  vocabulary, boundary id 0 included     B  strings of a batch
"""

from collections.abc import Iterator, Mapping, Sequence
from heapq import nlargest
from typing import Any, NamedTuple, Protocol

import numpy as np

from wavemore.lists.labelled import at
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks
from wavemore.predict.conditioning import condition_of
from wavemore.predict.predictor import Distribution, log_sum_exp
from wavemore.settings.config import ModelConfig
from wavemore.threads import Later, Team
from wavemore.train.gradients import Branch, Labels, Scatter
from wavemore.train.learner import Learner

__all__ = [
    "Batch",
    "Batches",
    "Listed",
    "Passes",
    "SharedBatches",
    "Taught",
    "Tree",
    "batch_of",
    "loss_of",
    "taught",
    "tree_of",
]

_PREDICTIONS_AT_ONCE = 1 << 18
_STRINGS_AT_ONCE = 1 << 15  # of an evaluation
_TAUGHT_AT_ONCE = 4096


class Batches(Protocol):
    """One part of a list, as a run needs it."""

    def __len__(self) -> int:
        """How many items there are to draw batches from: windows or strings."""
        ...

    def draw(self, batch: int) -> Any:
        """What the next step learns from."""
        ...

    def loss(self, learners: Sequence[Learner]) -> float:
        """The mean loss over everything, nats per character, in evaluation mode; of several networks, which vote, that
        of the mean of their logits."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """What the next batches depend on."""
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up what `state` gave. Raises `ValueError` for what it cannot have given."""
        ...


class Tree(NamedTuple):
    """The distinct chunks of many windows."""

    characters: np.ndarray
    """int64, (n,): the distinct ids at the bottom."""
    branches: tuple[Branch, ...]
    """From the bottom up."""


class Batch(NamedTuple):
    """What a step learns from."""

    tree: Tree
    counts: np.ndarray
    """(n, V): how often each id follows each distinct context, or is expected to."""


class Passes:
    """What batches of whole strings share: none is drawn twice in a pass, each pass has a new order, and a rest too
    small for a batch waits."""

    def __init__(self, strings: int, seed: int) -> None:
        self._strings, self._seed = strings, seed
        self._pass, self._next = -1, strings
        self._order = np.zeros(0, dtype=np.int64)  # of this pass

    def __len__(self) -> int:
        return self._strings

    def state(self) -> dict[str, np.ndarray]:
        return {"pass": np.asarray(self._pass), "next": np.asarray(self._next)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        number, following = int(state["pass"]), int(state["next"])
        if number < -1 or not 0 <= following <= self._strings or (number == -1 and following < self._strings):
            raise ValueError(f"string {following} of pass {number} is none of {self._strings} strings")
        self._begin(number)
        self._next = following

    def _drawn(self, batch: int) -> np.ndarray:
        """The numbers of the next strings, (B,); all strings where there are fewer."""
        batch = min(batch, self._strings)
        if self._next + batch > self._strings:
            self._begin(self._pass + 1)
            self._next = 0
        strings = self._order[self._next : self._next + batch]
        self._next += batch
        return strings

    def _begin(self, number: int) -> None:
        """A pass has the order of its number, whatever was drawn before."""
        self._pass = number
        if number >= 0:
            self._order = np.random.default_rng((self._seed, number)).permutation(self._strings)


class Source(Protocol):
    """Strings of which the chunks of any few can be had."""

    def __len__(self) -> int:
        """How many strings there are."""
        ...

    def part(self, strings: np.ndarray) -> Chunks:
        """The chunks of the strings of these numbers, in that order."""
        ...


class Listed(NamedTuple):
    """Strings of a list, for a model of these settings. Nothing is kept of their chunks: those of a batch are found
    faster from its strings than from the chunks of all."""

    strings: Sequence[str]
    vocabulary: Vocabulary
    config: ModelConfig

    def __len__(self) -> int:
        return len(self.strings)

    def longest(self, batch: int) -> int:
        """How many predictions a batch of this many strings has at most."""
        return sum(nlargest(batch, map(len, self.strings))) + batch

    def part(self, strings: np.ndarray) -> Chunks:
        """Raises `UnknownCharacterError` for a character that the vocabulary lacks."""
        named = at(self.strings, strings)
        condition = condition_of(named, self.config)
        return Chunks.of(named, self.vocabulary, self.config.groups, self.config.cycles, condition)


class SharedBatches(Passes):
    """Batches of whole strings, of which each distinct chunk is computed once."""

    def __init__(
        self,
        source: Source,
        vocabulary_size: int,
        seed: int = 0,
        teacher: "Taught | None" = None,
        team: Team | None = None,
    ) -> None:
        """`seed` makes the order. A second thread of the team prepares each batch while the one before is learned."""
        super().__init__(len(source), seed)
        self._source, self._vocabulary_size, self.teacher = source, vocabulary_size, teacher
        self._team = team or Team(1)
        self._following: Later[Batch] | None = None  # the next batch, whose strings are drawn already
        self._before = super().state()  # where its strings begin

    def draw(self, batch: int) -> Batch:
        following = self._following or self._prepared(batch)
        self._following = self._prepared(batch)
        return following.result()

    def state(self) -> dict[str, np.ndarray]:
        return self._before if self._following is not None else super().state()

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        super().restore(state)
        self._following = None

    def _prepared(self, batch: int) -> Later[Batch]:
        """The batch of the next strings."""
        self._before = super().state()
        strings = self._drawn(batch)
        return self._team.later(lambda: self._batch_of(strings))

    def _batch_of(self, strings: np.ndarray) -> Batch:
        """The batch of the strings of these numbers."""
        drawn = batch_of(part := self._source.part(strings), self._vocabulary_size)
        return drawn if self.teacher is None else self.teacher.instead(drawn, part, strings)

    def loss(self, learners: Sequence[Learner]) -> float:
        total, predictions = 0.0, 0
        for start in range(0, len(self), _STRINGS_AT_ONCE):
            part = self._source.part(np.arange(start, min(start + _STRINGS_AT_ONCE, len(self))))
            total += loss_of(learners, part) * len(part.answers)
            predictions += len(part.answers)
        return total / predictions


class Taught:
    """What a teacher expects, in place of the ids that follow. In distillation (Hinton et al. 2015) a small model
    learns a better one's predictions in place of the characters."""

    def __init__(self, expected: np.ndarray, chunks: Chunks) -> None:
        """`chunks` are those of all strings, `expected` is of each of their contexts: (n, V); see `taught`."""
        self.expected, self._chunks = expected, chunks

    def instead(self, batch: Batch, part: Chunks, strings: np.ndarray) -> Batch:
        """The batch of these strings with what the teacher expects after each context. `part` has its chunks."""
        contexts = np.empty(len(batch.counts), dtype=np.int64)  # of all strings, for each of the part's
        contexts[part.contexts] = self._chunks.contexts[self._chunks.rows(strings)]
        return batch._replace(counts=batch.counts.sum(axis=1, keepdims=True) * self.expected[contexts])


def batch_of(chunks: Chunks, vocabulary_size: int, dtype: type = np.float32) -> Batch:
    """What a step learns from all predictions of these chunks."""
    count = chunks.branches[-1].children.shape[1]
    cells = chunks.contexts * vocabulary_size + chunks.answers
    counts = np.bincount(cells, minlength=count * vocabulary_size).astype(dtype).reshape(count, -1)
    return Batch(tree_of(chunks, dtype), counts)


def tree_of(chunks: Chunks, dtype: type = np.float32) -> Tree:
    """The distinct chunks as a network takes them."""
    branches = []
    for branch, uses in zip(chunks.branches, chunks.uses(), strict=True):
        scatters = tuple(Scatter(row, reach) for row, reach in zip(branch.children, branch.reach, strict=True))
        labels = None
        if branch.labels is not None:
            labels = Labels(branch.labels, Scatter(branch.labels, int(branch.labels.max(initial=0)) + 1))
        branches.append(Branch(branch.children, branch.reach, uses.astype(dtype), scatters, labels))
    return Tree(chunks.characters, tuple(branches))


def loss_of(learners: Sequence[Learner], chunks: Chunks) -> float:
    """The mean loss of all predictions, nats, in evaluation mode: infinite or NaN where numbers are too large."""
    total = 0.0
    with np.errstate(all="ignore"):
        for part, logits in _voted(learners, chunks):
            total += _total(chunks, part, logits)
    return total / len(chunks.answers)


def _voted(learners: Sequence[Learner], chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
    """The mean of the learners' logits, portion by portion."""
    for portions in zip(*(learner.chunk_logits(chunks) for learner in learners), strict=True):
        part, logits = portions[0]
        for _, others in portions[1:]:
            logits += others
        yield part, logits if len(learners) == 1 else logits / logits.dtype.type(len(learners))


def _total(chunks: Chunks, part: slice, logits: np.ndarray) -> float:
    """The sum of the losses of the predictions whose context is in this part, nats."""
    normaliser, size = log_sum_exp(logits), logits.shape[1]
    total, flat = 0.0, logits.reshape(-1)
    for start in range(0, len(chunks.contexts), _PREDICTIONS_AT_ONCE):
        contexts = chunks.contexts[start : start + _PREDICTIONS_AT_ONCE]
        answers = chunks.answers[start : start + _PREDICTIONS_AT_ONCE]
        if len(logits) < chunks.branches[-1].children.shape[1]:
            inside = np.flatnonzero((contexts >= part.start) & (contexts < part.start + len(logits)))
            contexts, answers = contexts[inside] - part.start, answers[inside]
        total += float((normaliser[contexts] - flat[contexts * size + answers]).sum())
    return total


def taught(teacher: Distribution, strings: Sequence[str], chunks: Chunks) -> np.ndarray:
    """What a teacher expects after each distinct context of the strings: float32 probabilities, (n, V).

    `chunks` are those of the strings. A teacher that looks further back may expect different characters after the same
    context; then it is the mean over the predictions that share it.
    """
    count = chunks.branches[-1].children.shape[1]
    sums = np.zeros((count, len(teacher.vocabulary)), dtype=np.float32)
    for start in range(0, len(strings), _TAUGHT_AT_ONCE):
        first = chunks.starts[start]
        for rows, context_of, logits, _ in teacher.predictions(strings[start : start + _TAUGHT_AT_ONCE]):
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities = weights / weights.sum(axis=1, keepdims=True)  # (contexts of the teacher, V)
            np.add.at(sums, chunks.contexts[first + rows], probabilities[context_of])
    uses = np.bincount(chunks.contexts, minlength=count).astype(np.float32)
    return sums / uses[:, None]
