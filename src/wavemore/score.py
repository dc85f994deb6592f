"""How well strings fit: the log-likelihood of each, in nats, all its characters and the boundary at its end."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from wavemore.chunks import Chunks
from wavemore.engine import Engine, log_sum_exp
from wavemore.vocabulary import Vocabulary, normalise

__all__ = ["log_likelihoods", "stream_log_likelihoods"]

_STRINGS_AT_ONCE = 32768
_CHARACTERS_AT_ONCE = 1 << 18


def log_likelihoods(engine: Engine, vocabulary: Vocabulary, strings: Iterable[str]) -> np.ndarray:
    """The natural log of each string's probability, float64 of shape (strings,).

    Over all strings, the empty one included, the probabilities sum to one. A string with a character that the model
    does not know has probability zero: its log-likelihood is minus infinity. Strings are brought to NFC first.
    """
    parts = [scores for _, scores in stream_log_likelihoods(engine, vocabulary, strings)]
    return np.concatenate(parts) if parts else np.zeros(0)


def stream_log_likelihoods(
    engine: Engine, vocabulary: Vocabulary, strings: Iterable[str]
) -> Iterator[tuple[list[str], np.ndarray]]:
    """The same for any number of strings in bounded memory: some thousand strings, in NFC, and their scores at once."""
    for part in _portions(strings):
        text = [normalise(string) for string in part]
        scores = np.full(len(text), -np.inf)
        known = _known(vocabulary, text)
        if len(known):
            chunks = Chunks.of([text[i] for i in known], vocabulary, engine.config.groups)
            scores[known] = np.add.reduceat(_per_character(engine, chunks), chunks.starts)
        yield text, scores


def _portions(strings: Iterable[str]) -> Iterator[list[str]]:
    """The strings in portions that are limited in number and in characters."""
    rest = iter(strings)
    held: list[str] = []
    while portion := [*held, *islice(rest, _STRINGS_AT_ONCE - len(held))]:
        ends = np.cumsum([len(string) + 1 for string in portion])
        count = max(1, int(np.searchsorted(ends, _CHARACTERS_AT_ONCE, side="right")))
        held = portion[count:]
        yield portion[:count]


def _known(vocabulary: Vocabulary, strings: list[str]) -> np.ndarray:
    """The places of the strings that hold no unknown character."""
    unknown = vocabulary.encode_known("".join(strings)) < 0  # (characters,)
    if not unknown.any():
        return np.arange(len(strings))
    return np.array(
        [i for i, string in enumerate(strings) if (vocabulary.encode_known(string) >= 0).all()], dtype=np.int64
    )


def _per_character(engine: Engine, chunks: Chunks) -> np.ndarray:
    """The log-probability of each answer, given its context: float64, (N,)."""
    by_context = np.argsort(chunks.contexts)  # so that the predictions of a slice of contexts are a slice too
    ends = np.cumsum(np.bincount(chunks.contexts))
    out = np.empty(len(chunks.contexts))
    for part, logits in engine.chunk_logits(chunks):
        begin = ends[part.start - 1] if part.start else 0
        rows = by_context[begin : ends[min(part.stop, len(ends)) - 1]]  # predictions with these contexts
        context = chunks.contexts[rows] - part.start
        out[rows] = logits[context, chunks.answers[rows]] - log_sum_exp(logits)[context]
    return out
