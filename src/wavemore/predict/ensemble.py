"""Several networks that vote: their logits are averaged, that is, their probabilities' geometric mean is taken.

Networks that were trained alike but for their seed err differently, so their mean errs by less than each of them. With
averaged logits an ensemble is one more network, whose levels stand side by side and meet in the head.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks
from wavemore.predict.conditioning import condition_of
from wavemore.predict.engine import Engine, predictions_of
from wavemore.predict.nodes import State
from wavemore.predict.predictor import Predictions
from wavemore.predict.steps import Steps, mean

__all__ = ["Ensemble"]


class Ensemble:
    """Engines of one shape and one vocabulary as one `Predictor`. Chunks are numbered once for all of them."""

    def __init__(self, members: Iterable[Engine]) -> None:
        self.members = tuple(members)
        self.config, self.vocabulary_size = self.members[0].config, self.members[0].vocabulary_size
        self._steps = Steps(member.network for member in self.members)

    @property
    def remembered(self) -> int:
        return self._steps.remembered

    @property
    def work(self) -> int:
        return sum(member.work for member in self.members)

    def start(self, strings: int, labels: np.ndarray | None = None) -> State:
        """As of any predictor; with labels, (strings,), those of the strings."""
        return self._steps.start(strings, labels)

    def step(self, state: State, going_on: np.ndarray, characters: np.ndarray) -> State:
        return self._steps.step(state, going_on, characters)

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        chunks = Chunks.of(
            strings, vocabulary, self.config.groups, self.config.cycles, condition_of(strings, self.config)
        )
        for portions in zip(*(member.chunk_logits(chunks) for member in self.members), strict=True):
            yield predictions_of(chunks, portions[0][0], mean([logits for _, logits in portions]))
