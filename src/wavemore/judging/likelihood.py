"""How well strings fit: the log-likelihood of each, in nats, all its characters and the boundary at its end."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from wavemore.errors import UnknownCharacterError
from wavemore.lists.vocabulary import normalise
from wavemore.predict.predictor import Distribution, log_probabilities

__all__ = ["log_likelihoods", "portions", "stream_log_likelihoods", "surprises"]

_STRINGS_AT_ONCE = 1 << 16
_CHARACTERS_AT_ONCE = 1 << 18
_WORST = 3


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
) -> Iterator[tuple[list[str], np.ndarray]]:
    """The same for any number of strings in bounded memory: some thousand strings and their scores at once."""
    vocabulary = distribution.vocabulary
    for part in portions(strings):
        try:
            scores = _scores(distribution, part)
        except UnknownCharacterError:
            part = [string if vocabulary.knows(string) else normalise(string) for string in part]  # noqa: PLW2901
            scores = np.full(len(part), -np.inf)
            known = [i for i, string in enumerate(part) if vocabulary.knows(string)]
            if known:
                scores[known] = _scores(distribution, [part[i] for i in known])
        yield part, scores


def portions(strings: Iterable[str]) -> Iterator[list[str]]:
    """The strings in portions that are limited in number and in characters."""
    rest = iter(strings)
    held: list[str] = []
    while portion := [*held, *islice(rest, _STRINGS_AT_ONCE - len(held))]:
        ends = np.cumsum(np.fromiter(map(len, portion), dtype=np.int64, count=len(portion)) + 1)
        count = max(1, int(np.searchsorted(ends, _CHARACTERS_AT_ONCE, side="right")))
        held = portion[count:]
        yield portion[:count]


def _scores(distribution: Distribution, strings: list[str]) -> np.ndarray:
    """The log-likelihoods of strings without unknown characters: (strings,). Raises `UnknownCharacterError`."""
    predictions = np.fromiter(map(len, strings), dtype=np.int64, count=len(strings)) + 1
    return np.add.reduceat(log_probabilities(distribution, strings), np.cumsum(predictions) - predictions)


def surprises(distribution: Distribution, strings: Sequence[str]) -> np.ndarray:
    """Of at least one string each: minus its log-likelihood in nats, the mean surprise of its three most surprising
    predictions, and the mean of all, both in bits: (3, strings). Raises `UnknownCharacterError`."""
    predictions = np.fromiter(map(len, strings), dtype=np.int64, count=len(strings)) + 1
    starts = np.cumsum(predictions) - predictions
    nats = -log_probabilities(distribution, strings)  # (predictions,)
    total = np.add.reduceat(nats, starts)
    worst, own = np.zeros(len(strings)), np.repeat(np.arange(len(strings)), predictions)
    for _ in range(_WORST):
        highest = np.maximum.reduceat(nats, starts)
        worst += highest
        places = np.flatnonzero(nats == highest[own])
        nats[places[np.unique(own[places], return_index=True)[1]]] = 0  # the first of each string
    return np.stack([total, worst / np.minimum(_WORST, predictions) / np.log(2), total / predictions / np.log(2)])
