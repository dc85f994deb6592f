"""New strings: drawn one character at a time from the model's own distribution, many strings side by side.

Strings that have begun alike share one evaluation and then draw separately, so the samples are exact and independent,
and the more are asked for, the less each costs. The draws of string i depend on the seed and on i alone, and so does
the string: a seed gives the same strings however many are asked for and however they are batched.
"""

import os
from collections.abc import Iterator
from math import prod

import numpy as np

from wavemore.engine import Engine
from wavemore.errors import UsageError
from wavemore.vocabulary import BOUNDARY, Vocabulary, normalise

__all__ = ["sample_strings"]

_BLOCK = 1024  # strings that share one random generator
_BATCH_BYTES = 1 << 28  # of the nodes that a batch of strings may have to remember
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
    entropy = int.from_bytes(os.urandom(8)) if seed is None else int(seed)
    batches = _batches(engine, int(n), prefix, temperature, longest, entropy)
    return (string for ids in batches for string in vocabulary.decode_rows(ids))


def _batches(
    engine: Engine, n: int, prefix: np.ndarray, temperature: float, longest: int, entropy: int
) -> Iterator[np.ndarray]:
    """The ids of the strings, some thousand at once: (strings, length of the longest), boundaries behind each."""
    config = engine.config
    remembered = config.hidden * 4 * prod(config.groups)  # bytes for each string, at worst
    size = max(_BLOCK, _BATCH_BYTES // remembered // _BLOCK * _BLOCK)
    for start in range(0, n, size):
        blocks = range(start // _BLOCK, -(-min(start + size, n) // _BLOCK))
        generators = [
            np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy, spawn_key=(block,))))
            for block in blocks
        ]
        yield _sample(engine, min(size, n - start), prefix, temperature, longest, generators)


def _sample(
    engine: Engine,
    strings: int,
    prefix: np.ndarray,
    temperature: float,
    longest: int,
    generators: list[np.random.Generator],
) -> np.ndarray:
    """Every step draws for whole blocks, so that a string's draws do not depend on how many strings there are."""
    state = engine.start(strings)
    columns = []
    for character in prefix:
        columns.append(np.full(strings, character, dtype=np.int32))
        state = engine.step(state, np.arange(strings), columns[-1])
    while len(columns) < longest:
        uniform = np.concatenate([generator.random(_BLOCK) for generator in generators])[state.strings]  # (alive,)
        table = _cumulated(state.logits, temperature, may_end=len(columns) > 0)
        following = _draw(table, state.context_of, uniform)  # (alive,)
        columns.append(np.full(strings, BOUNDARY, dtype=np.int32))
        columns[-1][state.strings] = following
        going_on = np.flatnonzero(following != BOUNDARY)
        if not len(going_on):
            break
        if len(columns) < longest:
            state = engine.step(state, going_on, following[going_on])
    return np.stack(columns, axis=1)


def _cumulated(logits: np.ndarray, temperature: float, *, may_end: bool) -> np.ndarray:
    """(n, V) logits -> (n, W) float64 cumulated weights, W a power of two, infinity behind the V-th."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    if temperature != 1.0:
        with np.errstate(over="ignore"):  # a tiny temperature gives minus infinity, and that is right
            shifted = shifted.astype(np.float64) / temperature
    weights = np.exp(shifted, out=shifted)
    if not may_end:
        weights[:, BOUNDARY] = 0.0  # no string is empty
    width = 1 << (logits.shape[1] - 1).bit_length()
    table = np.full((len(logits), width), np.inf)
    np.cumsum(weights, axis=1, dtype=np.float64, out=table[:, : logits.shape[1]])
    return table


def _draw(table: np.ndarray, rows: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """One id for each uniform draw, by inversion: how many cumulated weights of its row are not above the draw."""
    width = table.shape[1]
    flat = table.reshape(-1)
    size = np.isfinite(table).sum(axis=1).max(initial=0)  # V, the same in every row
    base = rows * width
    threshold = uniform * flat[base + size - 1]
    found = base.copy()
    half = width >> 1
    while half:
        found += half * (flat[found + half - 1] <= threshold)
        half >>= 1
    found += (flat[found] <= threshold) & (found < base + size - 1)  # a draw that rounds to the sum stays inside
    return np.minimum(found - base, size - 1)
