"""A network and an n-gram model as one: of each character the weighted mean of the two probabilities.

    P(c)  =  (1 - w) P_network(c)  +  w P_ngram(c)

They err differently: a network says something sensible of contexts that it has never seen, and counts know by heart
what follows those that stand on the list, more than a network learns of them in seconds. The weight w is one for all
contexts: the one that makes strings likeliest that neither model has learned (`best_weight`).

The two look back differently far, the network at 8 characters, say, and an n-gram of order 6 at 5. So what follows
depends on a pair of contexts, and each distinct pair is mixed once.

Shapes in this file
    N  predictions   n  distinct pairs of contexts   V  vocabulary, boundary id 0 included
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.chunks import distinct, joined
from wavemore.predict.ngram import Ngram, NgramState
from wavemore.predict.predictor import Position, Predictions, Predictor, log_softmax

__all__ = ["Mixture", "MixtureState", "best_weight", "mixed"]

_PRIOR_WEIGHT = 0.35
_PRIOR_PREDICTIONS = 15.0
_LOGITS_AT_ONCE = 1 << 18  # bounds the memory of predictions
_HALVINGS = 40  # of the interval that holds the weight


@dataclass(frozen=True)
class MixtureState(Position):
    """Where many strings stand: a state of each model, and log-probabilities of what follows each distinct pair of
    their contexts."""

    network: Position
    ngram: NgramState

    def rearranged(self, places: np.ndarray) -> Self:
        network, ngram = self.network.rearranged(places), self.ngram.rearranged(places)
        return replace(super().rearranged(places), network=network, ngram=ngram)


class Mixture:
    """A network and an n-gram model over one vocabulary as a `Predictor`.

    weight    of the n-gram model, from 0 to 1
    """

    def __init__(self, network: Predictor[Any], ngram: Ngram, weight: float) -> None:
        self.network, self.ngram, self.weight = network, ngram, weight
        self.vocabulary_size = network.vocabulary_size

    @property
    def remembered(self) -> int:
        """Bytes that a string in the making takes at worst: what both models need, and rows that are being mixed."""
        return self.network.remembered + self.ngram.remembered

    @property
    def work(self) -> int:
        return self.network.work + self.ngram.work

    def start(self, strings: int) -> MixtureState:
        return self._state(self.network.start(strings), self.ngram.start(strings))

    def step(self, state: MixtureState, going_on: np.ndarray, characters: np.ndarray) -> MixtureState:
        network = self.network.step(state.network, going_on, characters)
        return self._state(network, self.ngram.step(state.ngram, going_on, characters))

    def predictions(self, strings: Sequence[str], vocabulary: Vocabulary) -> Iterator[Predictions]:
        _, seen = self.ngram.contexts(strings, vocabulary)  # (N,)
        at_once = max(256, _LOGITS_AT_ONCE // self.vocabulary_size)
        for rows, context_of, logits, answers in self.network.predictions(strings, vocabulary):
            network = log_softmax(logits)
            where, pair_of = _pairs(context_of, len(logits), seen[rows], self.ngram.parameters + 1)
            for start in range(0, len(where), at_once):
                these = where[start : start + at_once]  # predictions that stand for these pairs
                of_these = np.flatnonzero((pair_of >= start) & (pair_of < start + at_once))
                first, ngram_of = distinct(seen[rows[these]], None)
                ngram = self.ngram.following(seen[rows[these[first]]])
                both = mixed(network[context_of[these]], ngram[ngram_of], self.weight)
                yield Predictions(rows[of_these], pair_of[of_these] - start, both, answers[of_these])

    def _state(self, network: Position, ngram: NgramState) -> MixtureState:
        where, pair_of = _pairs(network.context_of, len(network.logits), ngram.context_of, len(ngram.logits))
        rows = log_softmax(network.logits)[network.context_of[where]]  # (n, V)
        logits = mixed(rows, ngram.logits[ngram.context_of[where]], self.weight)
        return MixtureState(network.strings, pair_of, logits, network, ngram)


def mixed(network: np.ndarray, ngram: np.ndarray, weight: float) -> np.ndarray:
    """The log-probabilities of a mixture from those of its two parts: arrays of one shape and type, and so is this."""
    with np.errstate(divide="ignore"):  # a model of weight 0 adds minus infinity
        network = network + np.log1p(-weight).astype(network.dtype)
        ngram = ngram + np.log(weight).astype(ngram.dtype)
    # log(exp(a) + exp(b)), far quicker than np.logaddexp
    rest = np.abs(network - ngram)
    np.negative(rest, out=rest)
    with np.errstate(under="ignore"):
        np.log1p(np.exp(rest, out=rest), out=rest)
    return np.add(np.maximum(network, ngram), rest, out=rest)


def best_weight(network: np.ndarray, ngram: np.ndarray) -> float:
    """The weight of the n-gram model that makes held-out predictions likeliest, above 0 and below 1.

    network    (N,): the log-probability of each prediction by the network alone
    ngram      (N,): by the n-gram model alone

    A short list's few predictions could push the weight to an end by chance. So 15 more are made up, of which one model
    alone holds the answer possible, the n-gram model for 35 % of them: with no others the weight is 0.35, and among
    thousands these do not count. Both numbers were the best of those tried on parts of 50 and 500 strings of the
    embedded lists.

    The logarithm of the likelihood is concave in the weight: its derivative falls, and bisection finds where it is 0.
    """
    # (r - 1) / (1 + w (r - 1)) is the derivative for one prediction with r = P_ngram / P_network; above 1 that is
    # written with 1 / r, so that it does not overflow.
    likelier = ngram > network
    with np.errstate(under="ignore"):
        ratio = np.exp(-np.abs(ngram - network))  # (N,)
    gain = np.where(likelier, 1 - ratio, ratio - 1)
    base = np.where(likelier, ratio, 1.0)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        weight = (low + high) / 2
        prior = _PRIOR_PREDICTIONS * (_PRIOR_WEIGHT / weight - (1 - _PRIOR_WEIGHT) / (1 - weight))
        if (gain / (base + weight * gain)).sum() + prior > 0:
            low = weight
        else:
            high = weight
    return (low + high) / 2


def _pairs(network_of: np.ndarray, networks: int, ngram_of: np.ndarray, ngrams: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct pair of a network's context and an n-gram stands first, and for each pair which it is."""
    return distinct(joined((network_of, ngram_of), (networks, ngrams)), networks * ngrams)
