"""A network with labels where a string's label is not known: the sum over labels, weighted by how often each occurs.

    P(string)  =  sum over labels of  P(label) P(string | label)

As a `Predictor` it says what follows character by character: each label has the weight that it still has after what was
read,

    P(c | beginning)  =  sum over labels of  P(label | beginning) P(c | beginning, label)

so what follows depends on the whole beginning, and each distinct beginning is a context of its own. The network reads
each string once under each label; the levels that labels leave as they are, it computes once for all of them.

Shapes in this file
    S  strings   N  predictions   n  distinct beginnings   K  labels   V  vocabulary, boundary id 0 included
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from wavemore.lists.labelled import Labelled
from wavemore.lists.vocabulary import Vocabulary, lengths_of
from wavemore.predict.chunks import distinct
from wavemore.predict.engine import Engine
from wavemore.predict.ensemble import Ensemble
from wavemore.predict.nodes import State
from wavemore.predict.predictor import Position, Predictions, finite, log_softmax

__all__ = ["AnyLabel", "LabelState"]

_NUMBERS_AT_ONCE = 1 << 23  # of logits under all labels; bounds the memory


@dataclass(frozen=True)
class LabelState(Position):
    """Where many strings stand: the network's state of each string under each label, string after string, and what is
    known of the labels after each distinct beginning."""

    network: State
    joint: np.ndarray
    """float64, (n, K): the log of the probability of each label and the beginning together, up to a number that all
    labels share."""

    def rearranged(self, places: np.ndarray) -> Self:
        labels = self.joint.shape[1]
        network = self.network.rearranged((places[:, None] * labels + np.arange(labels)).reshape(-1))
        return replace(super().rearranged(places), network=network)


class AnyLabel:
    """The mixture of a network's labels.

    labels     int64, (K,): those that are mixed
    weights    float64, (K,): how probable each is, above 0; they sum to 1
    """

    def __init__(self, network: Engine | Ensemble, labels: np.ndarray, weights: np.ndarray) -> None:
        self.network, self.labels, self.weights = network, labels, weights
        self._size = network.vocabulary_size

    @property
    def vocabulary_size(self) -> int:
        return self._size

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst: under each label its own, and what is mixed of them."""
        return len(self.labels) * (self.network.remembered + 12 * self._size + 8)

    @property
    def work(self) -> int:
        return self.network.work * len(self.labels)

    def start(self, strings: int) -> LabelState:
        network = self.network.start(strings * len(self.labels), np.tile(self.labels, strings))
        everyone = np.arange(strings)
        prior = np.log(self.weights)[None]
        return self._state(network, everyone, np.zeros(strings, dtype=np.int64), everyone[:1], prior)

    def step(self, state: LabelState, going_on: np.ndarray, characters: np.ndarray) -> LabelState:
        labels = len(self.labels)
        before = state.context_of[going_on]
        where, beginning = distinct(before * self._size + characters, len(state.logits) * self._size)
        # What each label said of the character that each distinct beginning took.
        places = going_on[where]
        rows = state.network.context_of[places[:, None] * labels + np.arange(labels)]  # (n, K)
        said = log_softmax(finite(state.network.logits))[rows, characters[where][:, None]]
        joint = state.joint[before[where]] + said
        joint -= joint.max(axis=1, keepdims=True)
        under_each = (going_on[:, None] * labels + np.arange(labels)).reshape(-1)
        network = self.network.step(state.network, under_each, np.repeat(characters, labels))
        return self._state(network, state.strings[going_on], beginning, where, joint)

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        first, start = 0, 0
        lengths = lengths_of(strings) + 1  # (S,)
        most = max(1, _NUMBERS_AT_ONCE // (len(self.labels) * self._size))  # predictions
        while start < len(strings):
            ends = np.cumsum(lengths[start : start + most])
            count = max(1, int(np.searchsorted(ends, most, side="right")))
            logits, answers = self._read(strings[start : start + count], lengths[start : start + count], vocabulary)
            everyone = np.arange(len(answers))
            yield Predictions(first + everyone, everyone, logits, answers)
            first, start = first + len(answers), start + count

    def joint(self, strings: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
        """The log of the probability of each label and string together, nats: float64, (S, K). Raises
        `UnknownCharacterError`."""
        found = np.zeros((len(strings), len(self.labels)))
        most = max(1, _NUMBERS_AT_ONCE // (16 * len(self.labels)))  # strings
        for start in range(0, len(strings), most):
            part = strings[start : start + most]
            lengths = lengths_of(part) + 1
            said = np.zeros(len(self.labels) * lengths.sum())
            for rows, context_of, logits, answers in self._under_each(part, vocabulary):
                said[rows] = log_softmax(finite(logits))[context_of, answers]
            starts = np.cumsum(lengths) - lengths
            sums = np.add.reduceat(said.reshape(len(self.labels), -1), starts, axis=1)  # (K, S)
            found[start : start + len(part)] = sums.T + np.log(self.weights)
        return found

    def _under_each(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        return self.network.predictions(Labelled.under_each(strings, self.labels.tolist()), vocabulary)

    def _read(
        self, strings: Sequence[str], lengths: np.ndarray, vocabulary: Vocabulary
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of each prediction the log-probabilities of what follows, (N, V) float32, and what does, (N,)."""
        labels, total = len(self.labels), int(lengths.sum())
        every = np.empty((labels * total, self._size), np.float32)
        answers = np.empty(labels * total, np.int64)
        for rows, context_of, logits, answers_of in self._under_each(strings, vocabulary):
            every[rows] = log_softmax(finite(logits))[context_of]
            answers[rows] = answers_of
        every, answers = every.reshape(labels, total, -1), answers[:total]
        said = every[:, np.arange(total), answers].astype(np.float64)  # (K, N)
        return _mixed(every.transpose(1, 0, 2), _so_far(said, lengths).T + np.log(self.weights)), answers

    def _state(
        self, network: State, strings: np.ndarray, beginning: np.ndarray, where: np.ndarray, joint: np.ndarray
    ) -> LabelState:
        """`beginning` says which distinct beginning each of `strings` has, (alive,), `where` at which of them each
        stands first, (n,)."""
        labels = len(self.labels)
        every = log_softmax(finite(network.logits))
        logits = np.empty((len(where), self._size), np.float32)
        at_once = max(1, _NUMBERS_AT_ONCE // (labels * self._size))
        for start in range(0, len(where), at_once):
            part = slice(start, start + at_once)
            rows = network.context_of[where[part, None] * labels + np.arange(labels)]  # (n, K)
            logits[part] = _mixed(every[rows], joint[part])
        return LabelState(strings, beginning, logits, network, joint)


def _so_far(said: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """What each label has said of a string before each prediction, (K, N), from what it says of each, (K, N), and how
    many predictions each string has, (S,). Added up string by string: a sum over all of them, less what stands before
    a string, would be rounded otherwise in other company."""
    sums = np.zeros_like(said)
    longest_first = np.argsort(-lengths, kind="stable")
    starts, ordered = (np.cumsum(lengths) - lengths)[longest_first], lengths[longest_first]
    for place in range(1, int(lengths.max(initial=0))):
        rows = starts[: np.searchsorted(-ordered, -place)] + place  # of the strings that are longer
        sums[:, rows] = sums[:, rows - 1] + said[:, rows - 1]
    return sums


def _mixed(every: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """The log-probabilities, (n, V) float32, of the mixture of (n, K, V), whose labels weigh exp(joint), (n, K)."""
    shares = np.exp(joint - joint.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", under="ignore"):
        weighed = every + np.log(shares).astype(np.float32)[:, :, None]
        highest = weighed.max(axis=1)
        return highest + np.log(np.exp(weighed - highest[:, None]).sum(axis=1))
