"""The folded form: the same weights in NumPy alone, always in evaluation mode, each distinct chunk computed once.

    level 2      tanh( P[em] + Q[ma] + b )            P and Q: what a child contributes as the older and as the newer
                      |       |                       one, computed once for each distinct child and added wherever a
    level 1   P[e] + Q[m]   P[m] + Q[a]               chunk has that child
                |     |       |     |
                e     m       m     a                 (tanh stands for whatever norm and activation the model has)

In evaluation mode a BatchNorm is an affine map of each channel, so it folds into the Linear before it:

    gamma * (x @ W + b - mean) / sqrt(var + eps) + beta  =  x @ (W * s) + (b - mean) * s + beta
    with s = gamma / sqrt(var + eps)

A LayerNorm's subtraction of the mean is linear too, and folds as well. A Linear over g flattened neighbours is the sum
of g products, one for each neighbour's rows of the weight; where many parents share a child its product is made once
(`network.py`). A residual adds the newest child itself, and with skip connections each node contributes to the logits
too; the top level's residual is computed as such a skip where logits are narrower than nodes. Two ways through it:

    chunk_logits    many given strings at once, level by level (`chunks.py`), for scoring and evaluating
    start, step     many strings side by side, character by character, for sampling (`steps.py`): State in, State out

`nn.WaveNet` in evaluation mode is the oracle for both.

Shapes in this file
    S  strings   n  distinct chunks   T  context length   V  vocabulary, boundary id 0 included   H  channels of a level
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import Chunks
from wavemore.predict.conditioning import condition_of
from wavemore.predict.network import ROWS_AT_ONCE, Child, Network, worth_sharing
from wavemore.predict.nodes import Nodes, State
from wavemore.predict.predictor import Predictions
from wavemore.predict.steps import Steps
from wavemore.settings.config import ModelConfig
from wavemore.threads import side_by_side

__all__ = ["Engine", "predictions_of"]

_LOGITS_AT_ONCE = 1 << 21  # bounds the memory of the top level


class Engine:
    """A WaveNet as a `Predictor`, in NumPy. Holds weights and nothing that changes: safe between threads."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> None:
        self.config = config
        self.network = Network(config, weights)
        self.vocabulary_size = self.network.vocabulary_size
        self._steps = Steps([self.network])

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst; see `Steps.remembered`."""
        return self._steps.remembered

    @property
    def work(self) -> int:
        levels = self.network.levels
        heads = [level.head for level in levels if level.head is not None]
        return sum(piece.size for piece in [*heads, *(piece for level in levels[1:] for piece in level.weights)])

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        chunks = Chunks.of(
            strings, vocabulary, self.config.groups, self.config.cycles, condition_of(strings, self.config)
        )
        for part, logits in self.chunk_logits(chunks):
            yield predictions_of(chunks, part, logits)

    def start(self, strings: int, labels: np.ndarray | None = None) -> State:
        """As of any predictor; with labels, (strings,), those of the strings."""
        return self._steps.start(strings, labels)

    def step(self, state: State, going_on: np.ndarray, characters: np.ndarray) -> State:
        return self._steps.step(state, going_on, characters)

    def chunk_logits(self, chunks: Chunks) -> Iterator[tuple[slice, np.ndarray]]:
        """The (n, V) float32 logits of the distinct contexts, in slices of some thousand rows, each with its slice."""
        network, top = self.network, chunks.branches[-1].children
        nodes = network.characters
        assert nodes.values is not None
        nodes = Nodes([part[chunks.characters] for part in nodes.products], nodes.values[chunks.characters], None)
        skipped: list[np.ndarray | None] = []  # what the head reads of each level but the top one
        rooms = _Rooms(network, chunks)
        for i, branch in enumerate(chunks.branches[:-1]):
            children = [(nodes, Child(row)) for row in branch.children]
            nodes = network.fill(i, rooms.of_level(i), children, branch.labels)
            skipped.append(nodes.logits)
        rows = max(256, _LOGITS_AT_ONCE // self.vocabulary_size)
        for start in range(0, top.shape[1], rows):
            part = slice(start, start + rows)
            some = top[:, part]
            room = network.room(len(skipped), some.shape[1])
            labels = chunks.branches[-1].labels
            labels = None if labels is None else labels[part]
            logits = network.fill(len(skipped), room, [(nodes, Child(row)) for row in some], labels).logits
            assert logits is not None  # the head reads the top level
            newest = top[-1, part]
            for i in range(len(skipped) - 1, -1, -1):
                if (read := skipped[i]) is not None:
                    _add(logits, read, newest)
                newest = chunks.branches[i].children[-1][newest]
            yield part, logits


class _Rooms:
    """Arrays for the nodes of the levels of some chunks. Two levels are at work at a time, so each level has those of
    the level before the last again: fresh memory takes as long to get as a pass over it."""

    def __init__(self, network: Network, chunks: Chunks) -> None:
        self._network = network
        self._counts = [branch.children.shape[1] for branch in chunks.branches]
        self._reaches = [
            [reach if worth_sharing(above.children.shape[1], reach) else 0 for reach in above.reach]
            for above in chunks.branches[1:]
        ]  # of each level: how many of its nodes have products for each place in the level above
        hidden = network.config.hidden
        self._sizes = [
            count * hidden + sum(reach * piece.shape[1] for reach, piece in zip(reaches, above.weights, strict=True))
            for count, reaches, above in zip(self._counts, self._reaches, network.levels[1:], strict=False)
        ]
        self._arrays = [np.empty(max(self._sizes[i::2], default=0), np.float32) for i in range(2)]

    def of_level(self, i: int) -> Nodes:
        """For the nodes of this level."""
        rest, arrays = self._arrays[i % 2], []
        widths = [self._network.config.hidden, *(piece.shape[1] for piece in self._network.levels[i + 1].weights)]
        for n, width in zip([self._counts[i], *self._reaches[i]], widths, strict=True):
            arrays.append(rest[: n * width].reshape(n, width))
            rest = rest[n * width :]
        return Nodes(arrays[1:], arrays[0], self._network.logits(i, self._counts[i]))


def _add(logits: np.ndarray, skipped: np.ndarray, newest: np.ndarray) -> None:
    """Add to each row of (n, V) what the head has read from a node further down, whose number `newest` has, (n,)."""

    def work(start: int) -> None:
        part = slice(start, start + ROWS_AT_ONCE)
        logits[part] += skipped.take(newest[part], axis=0)

    side_by_side(work, range(0, len(newest), ROWS_AT_ONCE))


def predictions_of(chunks: Chunks, part: slice, logits: np.ndarray) -> Predictions:
    """The predictions whose distinct context is in the slice, of which these are the logits."""
    if part.start == 0 and len(logits) == chunks.branches[-1].children.shape[1]:  # all of them
        return Predictions(np.arange(len(chunks.contexts)), chunks.contexts, logits, chunks.answers)
    rows = np.flatnonzero((chunks.contexts >= part.start) & (chunks.contexts < part.stop))
    return Predictions(rows, chunks.contexts[rows] - part.start, logits, chunks.answers[rows])
