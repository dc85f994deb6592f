"""New strings: drawn one character at a time from the model's own distribution, many strings side by side.

The draws of string i depend on the seed and on i alone. So a seed gives the same strings however many are asked for
and however they are batched: `sample(7)` is the beginning of `sample(1000)`.
"""

import secrets
from collections.abc import Iterator

import numpy as np

from wavemore.engine import Engine, log_softmax
from wavemore.errors import UsageError
from wavemore.vocabulary import BOUNDARY, Vocabulary, normalise

__all__ = ["sample_strings"]

_BLOCK = 1024  # strings that share one random generator
_LONGEST = 1000  # where the caller names no maximum length


def sample_strings(
    engine: Engine,
    vocabulary: Vocabulary,
    n: int,
    *,
    starts_with: str = "",
    temperature: float = 1.0,
    max_length: int | None = None,
    seed: int | None = None,
) -> Iterator[str]:
    """`n` independent strings, none of them empty, as an iterator.

    starts_with    the beginning of every string; the rest is drawn given it
    temperature    divides the logits: below 1 likelier strings, above 1 stranger ones
    max_length     a string this long ends there (where None, 1000 characters)
    seed           a whole number for the same strings again; where None, strings differ from call to call

    Raises `UsageError` for arguments that make no sense, at once and not at the first string.
    """
    if not isinstance(n, int | np.integer) or n < 0:
        raise UsageError(f"the number of strings is {n!r}, and it is a whole number of 0 or more")
    if not 0 < temperature < float("inf"):
        raise UsageError(f"the temperature is {temperature!r}, and it is a number above 0; 1 is the model's own")
    if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
        raise UsageError(f"the seed is {seed!r}, and it is a whole number of 0 or more")
    prefix = vocabulary.encode(normalise(starts_with))
    longest = max(_LONGEST, len(prefix)) if max_length is None else max_length
    if longest < max(1, len(prefix)):
        raise UsageError(
            f"the maximum length is {max_length}, and it is at least 1 and at least the length of the beginning "
            f"{starts_with!r}, {len(prefix)}"
        )
    entropy = secrets.randbits(63) if seed is None else int(seed)
    return _sample(engine, vocabulary, int(n), prefix, temperature, longest, entropy)


def _sample(
    engine: Engine, vocabulary: Vocabulary, n: int, prefix: np.ndarray, temperature: float, longest: int, entropy: int
) -> Iterator[str]:
    for block in range(-(-n // _BLOCK)):
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy, spawn_key=(block,))))
        count = min(_BLOCK, n - block * _BLOCK)
        for ids in _sample_block(engine, count, prefix, temperature, longest, generator):
            yield normalise(vocabulary.decode(ids))


def _sample_block(
    engine: Engine, count: int, prefix: np.ndarray, temperature: float, longest: int, generator: np.random.Generator
) -> list[np.ndarray]:
    """The ids of `count` strings. Every step draws for a whole block, so the draws do not depend on `count`."""
    context = engine.config.context
    drawn = [np.tile(prefix, (count, 1))]  # columns of ids, (count, length so far)
    window = np.full((count, context), BOUNDARY, dtype=np.int32)  # (count, T), the last ids of each string
    if used := min(len(prefix), context):
        window[:, context - used :] = prefix[-used:]
    alive = np.arange(count)  # the strings that have not ended
    for length in range(len(prefix), longest):
        uniform = generator.random(_BLOCK)[alive]  # (alive,)
        log_p = log_softmax(engine.logits(window[alive]) / temperature)  # (alive, V)
        if length == 0:
            log_p[:, BOUNDARY] = -np.inf  # no string is empty
        following = _draw(log_p, uniform)  # (alive,)
        column = np.full(count, BOUNDARY, dtype=np.int32)
        column[alive] = following
        drawn.append(column[:, None])
        window = np.concatenate([window[:, 1:], column[:, None]], axis=1)
        alive = alive[following != BOUNDARY]
        if not len(alive):
            break
    ids = np.concatenate(drawn, axis=1)
    lengths = (ids != BOUNDARY).sum(axis=1)  # boundaries come only at the end
    return [row[:length] for row, length in zip(ids, lengths, strict=True)]


def _draw(log_p: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """One id for each row by inversion: the first whose cumulated probability exceeds the row's uniform draw."""
    cumulated = np.cumsum(np.exp(log_p), axis=1)  # (rows, V)
    threshold = uniform * cumulated[:, -1]  # the last sum is 1 but for rounding
    following = (cumulated <= threshold[:, None]).sum(axis=1)  # (rows,)
    return np.minimum(following, cumulated.shape[1] - 1).astype(np.int32)
