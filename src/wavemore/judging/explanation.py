"""Why a string is likely or odd: what the model expected before each of its characters, and how much it got instead."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, inf, log
from typing import Any, NamedTuple

import numpy as np

from wavemore.conventions import brief
from wavemore.lists.vocabulary import BOUNDARY, Vocabulary, normalise
from wavemore.predict.predictor import Distribution, finite, log_sum_exp, portions
from wavemore.settings.strict import whole_number

__all__ = ["Alternative", "Explanation", "Prediction", "explain"]

_Found = tuple[float, int, "tuple[Alternative, ...]"]  # log-probability, rank and alternatives


class Alternative(NamedTuple):
    """Something that the model thought could follow."""

    character: str
    """Empty for the end of the string."""
    probability: float


@dataclass(frozen=True)
class Prediction:
    """One character of a string, or its end, and what the model expected there."""

    __repr__ = brief

    character: str
    """Empty for the end of the string."""
    log_probability: float
    """In nats; minus infinity where the model does not know the character."""
    rank: int | None
    """Its place among all that could follow, the end included: 1 is the most likely. None of an unknown character."""
    alternatives: tuple[Alternative, ...]
    """What could follow, the most likely first; the character itself may be among them."""

    @property
    def probability(self) -> float:
        """Between 0 and 1."""
        return exp(self.log_probability)

    @property
    def bits(self) -> float:
        """The surprise: 0 of what was certain, one more with every halving of the probability."""
        return -self.log_probability / log(2)

    def to_dict(self) -> dict[str, Any]:
        """For JSON, which has no infinity: the log-probability and the surprise of an unknown character are None."""
        known = self.rank is not None
        return {
            "character": self.character,
            "probability": self.probability,
            "log_probability": self.log_probability if known else None,
            "bits": self.bits if known else None,
            "rank": self.rank,
            "alternatives": [alternative._asdict() for alternative in self.alternatives],
        }


@dataclass(frozen=True)
class Explanation:
    """What a model says of one string, character by character."""

    __repr__ = brief

    string: str
    """As it was given; in NFC, the form that training strings have, if the model did not know a character of it."""
    predictions: tuple[Prediction, ...]
    """Of each character and of the end. The first character that the model does not know is the last one here: what
    follows it has no probability, since the model cannot read that character."""
    vocabulary_size: int
    """How many things could follow, the end included. Blind guessing would cost the log of it each time."""

    @property
    def log_likelihood(self) -> float:
        """The sum over the predictions, in nats: the string's score; minus infinity with an unknown character."""
        return sum(prediction.log_probability for prediction in self.predictions)

    @property
    def bits_per_character(self) -> float:
        """The mean surprise of a prediction, the end included; infinite with an unknown character."""
        return -self.log_likelihood / len(self.predictions) / log(2)

    @property
    def unknown(self) -> str:
        """The first character that the model does not know; empty where it knows them all."""
        return self.predictions[-1].character

    @property
    def not_predicted(self) -> str:
        """What follows the unknown character."""
        return self.string[len(self.predictions) :]

    def to_dict(self) -> dict[str, Any]:
        """For JSON, which has no infinity: with an unknown character the sums are None."""
        known = not self.unknown
        return {
            "string": self.string,
            "log_likelihood": self.log_likelihood if known else None,
            "bits_per_character": self.bits_per_character if known else None,
            "unknown": self.unknown or None,
            "not_predicted": self.not_predicted,
            "predictions": [prediction.to_dict() for prediction in self.predictions],
        }


def explain(distribution: Distribution, strings: Iterable[str], *, alternatives: int = 5) -> list[Explanation]:
    """What the model says of each string.

    alternatives    how many of the most likely characters to name at each place; all, where there are fewer

    Raises `UsageError` for a number of alternatives below 0, and `ModelFileError` where the model's numbers
    overflow.
    """
    alternatives = whole_number("the number of alternatives", alternatives, 0)
    vocabulary = distribution.vocabulary
    explained: list[Explanation] = []
    for part in portions(strings):
        texts = [string if vocabulary.knows(string) else normalise(string) for string in part]
        readable = [_readable(text, vocabulary) for text in texts]
        found = _found(distribution, readable, alternatives)
        start = 0
        for text, known in zip(texts, readable, strict=True):
            end = start + len(known) + 1
            predictions = _predictions(text, known, found[start:end])
            explained.append(Explanation(text, predictions, len(vocabulary)))
            start = end
    return explained


def _readable(string: str, vocabulary: Vocabulary) -> str:
    """The string as far as the model knows its characters."""
    unknown = np.flatnonzero(vocabulary.encode_known(string) < 0)
    return string[: int(unknown[0])] if len(unknown) else string


def _predictions(string: str, known: str, found: Sequence[_Found]) -> tuple[Prediction, ...]:
    """Of what was found for `known`, the beginning of the string or all of it, and for the end of it: where an unknown
    character follows instead, the model expected there what it expects beside the end."""
    *inside, (log_probability, rank, expected) = found
    predictions = [Prediction(character, *of) for character, of in zip(known, inside, strict=True)]
    if len(known) == len(string):
        return (*predictions, Prediction("", log_probability, rank, expected))
    return (*predictions, Prediction(string[len(known)], -inf, None, expected))


def _found(distribution: Distribution, strings: Sequence[str], most: int) -> list[_Found]:
    """For each prediction, string after string: its log-probability, its rank, and at most `most` alternatives."""
    found: list[_Found] = [(0.0, 0, ())] * (sum(map(len, strings)) + len(strings))
    with np.errstate(over="ignore", invalid="ignore"):  # numbers too large are refused
        for rows, context_of, logits, answers in distribution.predictions(strings):
            log_p = finite(logits) - log_sum_exp(logits)[:, None]  # (n, V)
            order = np.argsort(-log_p, axis=1, kind="stable")  # (n, V), the most likely id first
            ranks = np.empty_like(order)
            np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None], axis=1)
            first = order[:, :most]
            expected = _named(first, np.take_along_axis(log_p, first, axis=1), distribution.vocabulary)
            for row, context, answer in zip(rows.tolist(), context_of.tolist(), answers.tolist(), strict=True):
                found[row] = (float(log_p[context, answer]), int(ranks[context, answer]), expected[context])
    return found


def _named(ids: np.ndarray, log_p: np.ndarray, vocabulary: Vocabulary) -> list[tuple[Alternative, ...]]:
    """One tuple for each row of (n, k) ids and their log-probabilities."""
    return [
        tuple(
            Alternative("" if i == BOUNDARY else vocabulary.characters[i - 1], exp(p))
            for i, p in zip(row, row_p, strict=True)
        )
        for row, row_p in zip(ids.tolist(), log_p.tolist(), strict=True)
    ]
