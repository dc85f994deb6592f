"""Several networks that vote: their logits are averaged, that is, their probabilities' geometric mean is taken.

Networks that were trained alike but for their seed err differently, so their mean errs by less than each of them. With
averaged logits an ensemble is one more network, whose levels stand side by side and meet in the head.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Self

import numpy as np

from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks
from wavemore.predict.engine import Engine, predictions_of
from wavemore.predict.nodes import State
from wavemore.predict.predictor import Position, Predictions

__all__ = ["Ensemble", "EnsembleState"]


@dataclass(frozen=True)
class EnsembleState(Position):
    """Where many strings stand: a state of each member, and the mean of their logits. Members of one shape number
    contexts alike."""

    members: tuple[State, ...]

    @classmethod
    def of(cls, members: Iterable[State]) -> Self:
        """From the members' states."""
        members = tuple(members)
        first = members[0]
        return cls(first.strings, first.context_of, _mean([member.logits for member in members]), members)

    def rearranged(self, places: np.ndarray) -> Self:
        members = tuple(member.rearranged(places) for member in self.members)
        return replace(self, strings=members[0].strings, context_of=members[0].context_of, members=members)


class Ensemble:
    """Engines of one shape and one vocabulary as one `Predictor`."""

    def __init__(self, members: Iterable[Engine]) -> None:
        self.members = tuple(members)
        self.config, self.vocabulary_size = self.members[0].config, self.members[0].vocabulary_size

    @property
    def remembered(self) -> int:
        return sum(member.remembered for member in self.members)

    @property
    def work(self) -> int:
        return sum(member.work for member in self.members)

    def start(self, strings: int) -> EnsembleState:
        return EnsembleState.of(member.start(strings) for member in self.members)

    def step(self, state: EnsembleState, going_on: np.ndarray, characters: np.ndarray) -> EnsembleState:
        pairs = zip(self.members, state.members, strict=True)
        return EnsembleState.of(member.step(before, going_on, characters) for member, before in pairs)

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        chunks = Chunks.of(strings, vocabulary, self.config.groups, self.config.cycles)
        for portions in zip(*(member.chunk_logits(chunks) for member in self.members), strict=True):
            yield predictions_of(chunks, portions[0][0], _mean([logits for _, logits in portions]))


def _mean(logits: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of (n, V) arrays."""
    return reduce(np.add, logits) / np.float32(len(logits))
