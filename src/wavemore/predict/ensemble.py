"""Several networks that vote: their logits are averaged, that is, their probabilities' geometric mean is taken.

Networks that were trained alike but for their seed err differently, so the mean errs less than each of them. With
averaged logits an ensemble is one more network, whose levels stand side by side and meet in the head.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks
from wavemore.predict.engine import Engine, State, predictions_of
from wavemore.predict.predictor import Predictions

__all__ = ["Ensemble", "EnsembleState"]


@dataclass(frozen=True)
class EnsembleState:
    """Where many strings stand: a state of each member, and the mean of their logits."""

    members: tuple[State, ...]
    logits: np.ndarray
    """(n, V) float32."""

    @property
    def strings(self) -> np.ndarray:
        """(alive,): the numbers of the strings that go on."""
        return self.members[0].strings

    @property
    def context_of(self) -> np.ndarray:
        """(alive,): for each of them the row of `logits` that is its own. Members of one shape number them alike."""
        return self.members[0].context_of


class Ensemble:
    """Engines of one shape and one vocabulary, used as one."""

    def __init__(self, members: Iterable[Engine]) -> None:
        self.members = tuple(members)
        self.config, self.vocabulary_size = self.members[0].config, self.members[0].vocabulary_size

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst."""
        return sum(member.remembered for member in self.members)

    def start(self, strings: int) -> EnsembleState:
        """The state of so many strings before their first character."""
        return _state([member.start(strings) for member in self.members])

    def step(self, state: EnsembleState, going_on: np.ndarray, characters: np.ndarray) -> EnsembleState:
        """The state one character later; see `Engine.step`."""
        pairs = zip(self.members, state.members, strict=True)
        return _state([member.step(before, going_on, characters) for member, before in pairs])

    def rearranged(self, state: EnsembleState, places: np.ndarray) -> EnsembleState:
        """The state of other strings that go on from where these stand; see `Predictor.rearranged`."""
        pairs = zip(self.members, state.members, strict=True)
        return EnsembleState(tuple(member.rearranged(before, places) for member, before in pairs), state.logits)

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        """What the members together say of every character of the strings; see `Predictor.predictions`."""
        chunks = Chunks.of(strings, vocabulary, self.config.groups, self.config.cycles)
        for portions in zip(*(member.chunk_logits(chunks) for member in self.members), strict=True):
            yield predictions_of(chunks, portions[0][0], _mean([logits for _, logits in portions]))


def _state(members: list[State]) -> EnsembleState:
    return EnsembleState(tuple(members), _mean([member.logits for member in members]))


def _mean(logits: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of (n, V) arrays."""
    return reduce(np.add, logits) / np.float32(len(logits))
