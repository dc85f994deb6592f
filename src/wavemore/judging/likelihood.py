"""How well strings fit: the log-likelihood of each, in nats, all its characters and the boundary at its end."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from wavemore.errors import UnknownCharacterError
from wavemore.lists.labelled import Labelled, at
from wavemore.lists.vocabulary import CHARACTERS, Encoded, Vocabulary, lengths_of, normalise
from wavemore.models.modelfile import ModelFile
from wavemore.predict.predictor import Distribution, log_probabilities, portions

__all__ = [
    "UNSEEN",
    "Surprises",
    "Unseen",
    "blended",
    "floored_log_likelihoods",
    "log_floor",
    "log_likelihoods",
    "scores_of",
    "stream_log_likelihoods",
    "surprise",
    "surprises",
]

Unseen: TypeAlias = Literal["zero", "floor"]
"""The probability of a character that a model does not know."""
UNSEEN: tuple[Unseen, ...] = get_args(Unseen)

WORST = 3


def log_likelihoods(distribution: Distribution, strings: Iterable[str]) -> np.ndarray:
    """The natural log of each string's probability, float64 of shape (strings,).

    Over all strings of known characters, the empty one included, the probabilities sum to one. A string with another
    character is brought to NFC, the form that training strings have; if that does not help, its probability is zero
    and its log-likelihood minus infinity. Raises `ModelFileError` where the model's numbers overflow.
    """
    parts = [scores for _, scores in stream_log_likelihoods(distribution, strings)]
    return np.concatenate(parts) if parts else np.zeros(0)


def stream_log_likelihoods(
    distribution: Distribution, strings: Iterable[str]
) -> Iterator[tuple[Sequence[str], np.ndarray]]:
    """The same for any number of strings in bounded memory: some thousand strings and their scores at once."""
    vocabulary = distribution.vocabulary
    for part in portions(strings):
        try:
            scores = _scores(distribution, part)
        except UnknownCharacterError:
            brought = [string if vocabulary.knows(string) else normalise(string) for string in part]
            part = replace(part, strings=brought) if isinstance(part, Labelled) else brought  # noqa: PLW2901
            scores = np.full(len(part), -np.inf)
            known = np.flatnonzero([vocabulary.knows(string) for string in part])
            if len(known):
                scores[known] = _scores(distribution, at(part, known))
        yield part, scores


def floored_log_likelihoods(distribution: Distribution, strings: Sequence[str], share: float) -> np.ndarray:
    """The same, float64 of shape (strings,), where a character that the model does not know has a probability above
    zero.

    share    u, how many predictions are such characters, above 0 and below 1 (`unseen_share`)

    At each place the next thing is with probability u one of the characters that the vocabulary lacks, each as likely
    as the others, and else what the model says, which does not see such characters. Of a string with k of them among n
    + k predictions, where Unicode has room for U characters and the model knows V:

        log P(string)  =  log P_model(string without them)  +  n log(1 - u)  +  k log(u / (U - V))

    Over all strings of Unicode these probabilities sum to one. Raises `ModelFileError` as `log_likelihoods` does.
    """
    vocabulary = distribution.vocabulary
    brought, known = strings, strings
    if not isinstance(strings, Encoded):  # of which all are known
        brought = [string if vocabulary.knows(string) else normalise(string) for string in strings]
        known = [string if vocabulary.knows(string) else vocabulary.known_part(string) for string in brought]
    lengths = lengths_of(known)  # (strings,)
    unseen = lengths_of(brought) - lengths
    floor = log_floor(vocabulary, share)
    return log_likelihoods(distribution, known) + (lengths + 1) * np.log1p(-share) + unseen * floor


def log_floor(vocabulary: Vocabulary, share: float) -> float:
    """The log-probability, nats, of each character that a vocabulary lacks, which have this share of all predictions
    together."""
    return float(np.log(share) - np.log(CHARACTERS - len(vocabulary.characters)))


def scores_of(
    file: ModelFile, distribution: Distribution, strings: Sequence[str], unseen: Unseen = "zero"
) -> np.ndarray:
    """The log-likelihoods of strings by a model file's distribution, float64 of shape (strings,)."""
    if unseen == "zero":
        return log_likelihoods(distribution, strings)
    return floored_log_likelihoods(distribution, strings, file.unseen_share)


def _scores(distribution: Distribution, strings: Sequence[str]) -> np.ndarray:
    """The log-likelihoods of strings without unknown characters: (strings,). Raises `UnknownCharacterError`."""
    predictions = lengths_of(strings) + 1
    return np.add.reduceat(log_probabilities(distribution, strings), np.cumsum(predictions) - predictions)


def surprise(distribution: Distribution, strings: Sequence[str], unseen: float = np.inf) -> np.ndarray:
    """How surprising each string is, whatever its length: bits, float64 of shape (strings,).

    It is the geometric mean of its three most surprising predictions (weight 2/3) and of all (weight 1/3). One wrong
    letter shows in the first, a wrong language in the second.

    unseen    how surprising a character is that the model does not know, bits
    """
    vocabulary = distribution.vocabulary
    known = [string if vocabulary.knows(string) else vocabulary.known_part(string) for string in strings]
    found = surprises(distribution, known)
    predictions = np.fromiter(map(len, known), dtype=np.int64, count=len(known)) + 1  # (strings,)
    new = np.fromiter(map(len, strings), dtype=np.int64, count=len(known)) + 1 - predictions
    worst, mean = found.worst(), found.total / np.log(2) / predictions
    for place in np.flatnonzero(new).tolist():
        among = min(int(new[place]), WORST)
        known_ones = found.top[WORST - among - 1, place] if among < WORST else 0.0
        worst[place] = (among * unseen + known_ones) / min(WORST, predictions[place] + new[place])
        mean[place] = (predictions[place] * mean[place] + new[place] * unseen) / (predictions[place] + new[place])
    return blended(worst, mean)


def blended(worst: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The geometric mean of the most surprising predictions (weight 2/3) and of all (weight 1/3)."""
    return np.cbrt(np.square(worst) * mean)


class Surprises(NamedTuple):
    """What strings surprise by."""

    total: np.ndarray
    """(strings,): minus the log-likelihood, nats."""
    top: np.ndarray
    """(3, strings): the sums of the one, two and three most surprising predictions, bits, or of all there are."""
    predictions: np.ndarray
    """(strings,): how many there are."""

    def worst(self) -> np.ndarray:
        """The mean of the three most surprising predictions, bits: (strings,)."""
        return self.top[-1] / np.minimum(WORST, self.predictions)


def surprises(distribution: Distribution, strings: Sequence[str]) -> Surprises:
    """Of each string the sum over its predictions and over the most surprising ones. Raises `UnknownCharacterError`."""
    predictions = lengths_of(strings) + 1
    total, top, start = np.zeros(len(strings)), np.zeros((WORST, len(strings))), 0
    for part in portions(strings):
        rows = slice(start, start + len(part))
        nats = -log_probabilities(distribution, part)  # (predictions,)
        ends = np.cumsum(predictions[rows])
        starts, own = ends - predictions[rows], np.repeat(np.arange(len(part)), predictions[rows])
        total[rows], start = np.add.reduceat(nats, starts), rows.stop
        for i in range(WORST):
            highest = np.maximum.reduceat(nats, starts)
            top[i:, rows] += highest / np.log(2)
            places = np.flatnonzero(nats == highest[own])
            nats[places[np.unique(own[places], return_index=True)[1]]] = 0  # the first of each string
    return Surprises(total, top, predictions)
