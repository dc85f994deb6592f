"""What sampling, scoring and evaluating need of a model, whatever its kind."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import numpy as np

from wavemore.conventions import brief
from wavemore.errors import ModelFileError
from wavemore.lists.labelled import Labelled
from wavemore.lists.vocabulary import Encoded, Vocabulary, lengths_of
from wavemore.threads import side_by_side

__all__ = [
    "Distribution",
    "Position",
    "Predictions",
    "Predictor",
    "finite",
    "log_probabilities",
    "log_softmax",
    "log_sum_exp",
    "portions",
]


_ROWS_AT_ONCE = 4096
_PREDICTIONS_AT_ONCE = 1 << 15
_STRINGS_AT_ONCE = 1 << 16
_CHARACTERS_AT_ONCE = 1 << 18
_IDS_AT_ONCE = 1 << 17  # of strings that come as ids: `Scorer` has sorted them, so that neighbours share contexts


class Predictions(NamedTuple):
    """Some of the predictions of a list, numbered string after string: each character, and the boundary at its end."""

    __repr__ = brief

    rows: np.ndarray
    """(k,): their numbers."""
    context_of: np.ndarray
    """(k,): for each the row of `logits` that is its own."""
    logits: np.ndarray
    """(n, V) float32: of what follows, for each distinct context."""
    answers: np.ndarray
    """(k,): the ids that do follow."""


@dataclass(frozen=True)
class Position:
    """Where many strings stand after the same number of characters, each distinct context once. A predictor's own kind
    adds what it needs to go on.

    Strings are numbered as at the start. Some may have ended; a position knows the ones that go on.
    """

    strings: np.ndarray
    """(alive,): the numbers of the strings that go on."""
    context_of: np.ndarray
    """(alive,): for each of them the row of `logits` that is its own."""
    logits: np.ndarray
    """(n, V) float32: of what follows, for each distinct context."""

    def rearranged(self, places: np.ndarray) -> Self:
        """The position of as many strings as there are `places`: string i, numbered anew from 0, goes on from where the
        string at place places[i] of `strings` stands. Places may repeat, and be left out."""
        return replace(self, strings=np.arange(len(places)), context_of=self.context_of[places])


State = TypeVar("State", bound=Position)


class Predictor(Protocol[State]):
    """Says what follows. It holds weights and nothing that changes: decoding state is passed in and returned."""

    @property
    def vocabulary_size(self) -> int:
        """How many ids there are, V, the boundary included."""
        ...

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst."""
        ...

    @property
    def work(self) -> int:
        """Multiplications that one more context takes, about."""
        ...

    def start(self, strings: int) -> State:
        """The state of this many strings before their first character."""
        ...

    def step(self, state: State, going_on: np.ndarray, characters: np.ndarray) -> State:
        """The state one character later. `going_on` numbers places of `state.strings`; each of these strings takes the
        id that stands in `characters` (none of them the boundary)."""
        ...

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        """What the model says of every character and of the boundary at each end, given what stands before, in portions
        of bounded size. Raises `UnknownCharacterError`."""
        ...


class Distribution(NamedTuple):
    """A distribution over strings: what predicts, and the characters that its ids stand for."""

    __repr__ = brief

    predictor: Predictor[Any]
    vocabulary: Vocabulary

    def predictions(self, strings: Sequence[str]) -> Iterator[Predictions]:
        """What the predictor says of these strings; see `Predictor.predictions`."""
        return self.predictor.predictions(strings, self.vocabulary)


def portions(strings: Iterable[str]) -> Iterator[Sequence[str]]:
    """The strings in portions that are limited in number and in characters. Labels stay with their strings."""
    if isinstance(strings, Labelled):
        start = 0
        for part in portions(strings.strings):
            yield strings[start : start + len(part)]
            start += len(part)
        return
    if isinstance(strings, Encoded):
        ends, start = np.cumsum(strings.lengths + 1), 0
        while start < len(strings):
            most = _IDS_AT_ONCE + (ends[start - 1] if start else 0)
            stop = max(start + 1, int(np.searchsorted(ends, most, side="right")))
            yield strings[start:stop]
            start = stop
        return
    rest = iter(strings)
    held: list[str] = []
    while portion := [*held, *islice(rest, _STRINGS_AT_ONCE - len(held))]:
        ends = np.cumsum(np.fromiter(map(len, portion), dtype=np.int64, count=len(portion)) + 1)
        count = max(1, int(np.searchsorted(ends, _CHARACTERS_AT_ONCE, side="right")))
        held = portion[count:]
        yield portion[:count]


def log_probabilities(distribution: Distribution, strings: Sequence[str]) -> np.ndarray:
    """The log-probability of every character and of the boundary at each end: float64, (N,), string after string.
    Raises `UnknownCharacterError`, and `ModelFileError` as `finite` does."""
    out = np.empty(int(lengths_of(strings).sum()) + len(strings))
    with np.errstate(over="ignore", invalid="ignore"):  # numbers too large are refused
        for predictions in distribution.predictions(strings):
            _look_up(predictions, out)
    return out


def _look_up(predictions: Predictions, out: np.ndarray) -> None:
    """Write the log-probability of each answer to its place in `out`, (N,)."""
    rows, context_of, logits, answers = predictions
    size = logits.shape[1]
    flat, normaliser = finite(logits).reshape(-1), log_sum_exp(logits)

    def work(start: int) -> None:
        part = slice(start, start + _PREDICTIONS_AT_ONCE)
        contexts = context_of[part]
        out[rows[part]] = flat.take(contexts * size + answers[part]) - normaliser.take(contexts)

    side_by_side(work, range(0, len(rows), _PREDICTIONS_AT_ONCE))


def finite(logits: np.ndarray) -> np.ndarray:
    """The logits of a model. Raises `ModelFileError` where one of them is no number: sound weights may overflow."""
    if logits.size and not (np.isfinite(logits.min()) and np.isfinite(logits.max())):  # NaN is both
        raise ModelFileError("the model's numbers are too large to compute with; train it again")
    return logits


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(n, V) logits -> log-probabilities, float32. Each row's sum is its own, whatever rows stand beside it."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    with np.errstate(under="ignore"):
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    """The log of the sum of exponentials over the last axis of (n, V), float64 and without overflow: (n,)."""
    out = np.empty(len(logits))

    def work(start: int) -> None:
        part = logits[start : start + _ROWS_AT_ONCE].T.copy(order="C")  # NumPy is quicker over the first axis
        highest = part.max(axis=0)
        part -= highest
        with np.errstate(under="ignore"):
            total = np.exp(part, out=part).sum(axis=0, dtype=np.float64)
        out[start : start + _ROWS_AT_ONCE] = highest + np.log(total)

    side_by_side(work, range(0, len(logits), _ROWS_AT_ONCE))
    return out
