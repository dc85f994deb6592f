"""How well strings fit: the log-likelihood of each, in nats, all its characters and the boundary at its end."""

from collections.abc import Iterator, Sequence

import numpy as np

from wavemore.engine import Engine, log_softmax
from wavemore.vocabulary import Vocabulary, normalise
from wavemore.windows import Windows

__all__ = ["log_likelihoods"]

_STRINGS_AT_ONCE = 4096
_PREDICTIONS_AT_ONCE = 8192


def log_likelihoods(engine: Engine, vocabulary: Vocabulary, strings: Sequence[str]) -> np.ndarray:
    """The natural log of each string's probability, float64 of shape (len(strings),).

    Over all strings, the empty one included, the probabilities sum to one. A string with a character that the model
    does not know has probability zero: its log-likelihood is minus infinity. Strings are brought to NFC first.
    """
    out = np.full(len(strings), -np.inf)
    for start in range(0, len(strings), _STRINGS_AT_ONCE):
        part = [normalise(string) for string in strings[start : start + _STRINGS_AT_ONCE]]
        known = [i for i, string in enumerate(part) if (vocabulary.encode_known(string) >= 0).all()]
        if known:
            windows = Windows.of([part[i] for i in known], vocabulary, engine.config.context)
            per_character = np.concatenate(list(_per_character(engine, windows)))
            out[start + np.array(known)] = np.add.reduceat(per_character, windows.starts)
    return out


def _per_character(engine: Engine, windows: Windows) -> Iterator[np.ndarray]:
    """The log-probability of each answer, given its context."""
    for start in range(0, len(windows), _PREDICTIONS_AT_ONCE):
        part = slice(start, start + _PREDICTIONS_AT_ONCE)
        log_p = log_softmax(engine.logits(windows.contexts(part)))  # (rows, V)
        yield np.take_along_axis(log_p, windows.answers(part)[:, None], axis=1)[:, 0]
