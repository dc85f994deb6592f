"""Which strings look right: those that surprise the model itself no more than most held-out strings do.

A string is plausible if its characters, its end counted as one, surprise on average no more than those of nine in ten
held-out strings, and none of them more than the most surprising character of 19 in 20. Drawing strings until one is
plausible leaves the model's own distribution as it is, on that condition. Conditions may ask for what is surprising
anyway, such as a rare beginning. So of eight strings in a row that are not plausible the least surprising one is taken:
where seven in ten are plausible that happens to one string in ten thousand.

Shapes in this file
    S  strings   N  their predictions, every character and the boundary at each end
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from wavemore.errors import ModelFileError
from wavemore.lists.labelled import Labelled, at
from wavemore.mixtures.any_label import AnyLabel
from wavemore.models.fingerprints import SURPRISE
from wavemore.predict.predictor import Distribution, log_probabilities, portions

__all__ = ["Choice", "Plausible"]

_MEAN, _WORST = 0.9, 0.95  # the shares of held-out strings that keep to the limits
_FEWEST = 40  # held-out strings; of fewer, less than four would be above the first limit
_IN_A_ROW = 8


class Plausible(NamedTuple):
    """How surprising a plausible string may be, nats."""

    mean: float
    """On average over its characters and its end."""
    worst: float
    """The most surprising one of them."""

    @classmethod
    def of(cls, distribution: Distribution, strings: Sequence[str], fewest: int = _FEWEST) -> "Plausible | None":
        """As these strings have it, without those of unknown characters; None of too few of them."""
        known = at(strings, np.flatnonzero([distribution.vocabulary.knows(string) for string in strings]))
        if len(known) < fewest:
            return None
        means, worst = _surprises(distribution, known)
        limits = np.array([np.quantile(means, _MEAN), np.quantile(worst, _WORST)], dtype=np.float32)
        return cls(*np.maximum(limits, np.finfo(np.float32).tiny).tolist())  # above 0, since it is divided by them

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], model: str) -> "Plausible | None":
        """As a model file has it, None where it does not. `model` names it. Raises `ModelFileError`."""
        if (array := arrays.get(SURPRISE)) is None:
            return None
        if array.dtype != np.float32 or array.shape != (2,) or not (np.isfinite(array).all() and (array > 0).all()):
            raise ModelFileError(
                f"{model} holds {SURPRISE} as {array.dtype} of shape {array.shape}; it must be two finite numbers "
                "above 0, float32; train it or copy it again"
            )
        return cls(*array.tolist())

    def array(self) -> np.ndarray:
        """As a model file holds it: (2,) float32."""
        return np.array(self, dtype=np.float32)

    def excess(self, distribution: Distribution, strings: Sequence[str]) -> np.ndarray:
        """How surprising each string is, measured by the limit that it is nearest to or furthest above: up to 1 it is
        plausible. (S,) float64. A string with a label surprises under that one, and one without under the label that
        it most probably has, where the model has labels."""
        means, worst = _surprises(distribution, strings)
        return np.maximum(means / self.mean, worst / self.worst)


@dataclass
class Choice:
    """Of strings as they come those that are plausible, and where too many in a row are not, the least surprising."""

    distribution: Distribution
    plausible: Plausible
    keeps: bool = False
    """Whether strings that are passed over are kept for `rest`: none of them will come again."""
    implausible: int = 0
    """How many strings were taken that are not plausible."""
    _row: list[tuple[float, str]] = field(default_factory=list)
    _passed_over: list[tuple[float, str]] = field(default_factory=list)

    def __call__(self, strings: Sequence[str], most: int) -> list[str]:
        """Those of the next strings that are taken, in their order, up to so many."""
        taken: list[str] = []
        for string, excess in zip(strings, self.plausible.excess(self.distribution, strings).tolist(), strict=True):
            if excess > 1:
                self._row.append((excess, string))
                if len(self._row) < _IN_A_ROW:
                    continue
                self._row.sort()
                string = self._row.pop(0)[1]  # noqa: PLW2901
                self.implausible += 1
            taken.append(string)
            if self.keeps:
                self._passed_over += self._row
            self._row.clear()
            if len(taken) == most:
                break
        return taken

    def rest(self, most: int) -> list[str]:
        """Up to so many of those that were passed over, where there are no others: the least surprising first."""
        rest = [string for _, string in sorted([*self._passed_over, *self._row])][:most]
        self.implausible += len(rest)
        self._passed_over, self._row = [], []
        return rest


def _under_labels(distribution: Distribution, strings: Sequence[str]) -> tuple[Distribution, Sequence[str]]:
    """Of a mixture of labels its network, and the strings with a label each: their own, or the most probable one."""
    mixture, vocabulary = distribution.predictor, distribution.vocabulary
    if not isinstance(mixture, AnyLabel):
        return distribution, strings
    if not isinstance(strings, Labelled):
        best = mixture.joint(strings, vocabulary).argmax(axis=1)
        strings = Labelled(strings, mixture.labels[best])
    return Distribution(mixture.network, vocabulary), strings


def _surprises(distribution: Distribution, strings: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The mean surprise of each string's predictions, and the highest, nats: two (S,) float64. Raises
    `UnknownCharacterError`."""
    distribution, strings = _under_labels(distribution, strings)
    means, worst, start = np.zeros(len(strings)), np.zeros(len(strings)), 0
    for part in portions(strings):
        nats = -log_probabilities(distribution, part)  # (N,)
        predictions = np.fromiter(map(len, part), dtype=np.int64, count=len(part)) + 1
        starts, rows = np.cumsum(predictions) - predictions, slice(start, start + len(part))
        means[rows], worst[rows] = np.add.reduceat(nats, starts) / predictions, np.maximum.reduceat(nats, starts)
        start = rows.stop
    return means, worst
