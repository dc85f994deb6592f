"""New strings: drawn one character at a time from the model's own distribution, many strings side by side.

Strings that have begun alike share one evaluation and then draw separately, so the samples are exact and independent,
and the more are asked for, the less each costs. The draws of string i depend on the seed and on i alone, and so does
the string: a seed gives the same strings however many are asked for and however they are batched.
"""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from wavemore.errors import UsageError
from wavemore.predictor import Predictor, finite
from wavemore.vocabulary import BOUNDARY, Vocabulary, normalise

__all__ = ["sample_strings"]

_BLOCK = 1024  # strings that share one random generator
_BATCH_BYTES = 3 << 28  # that a batch of strings may need, at worst: if no two of them begin alike
_BATCH_STRINGS = 1 << 18  # at most: more share hardly more
_LONGEST = 1000  # where the caller names no maximum length


def sample_strings(
    engine: Predictor[Any],
    vocabulary: Vocabulary,
    n: int,
    *,
    starts_with: str = "",
    temperature: float = 1.0,
    max_length: int | None = None,
    seed: int | None = None,
) -> Iterator[str]:
    """`n` independent strings, none of them empty (they follow the model's distribution given that), as an iterator.

    starts_with    the beginning of every string; the rest is drawn given it
    temperature    divides the logits: below 1 likelier strings, above 1 stranger ones
    max_length     a string this long ends there (where None, 1000 characters)
    seed           a whole number for the same strings again; where None, strings differ from call to call

    Raises `UsageError` for arguments that make no sense, at once and not at the first string; the strings
    `ModelFileError` where the model's numbers overflow.
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise UsageError(f"the number of strings is {n!r}, and it is a whole number of 0 or more")
    if not isinstance(temperature, int | float | np.number) or not 0 < temperature < float("inf"):
        raise UsageError(f"the temperature is {temperature!r}, and it is a finite number above 0; 1 is the model's own")
    if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
        raise UsageError(f"the seed is {seed!r}, and it is a whole number of 0 or more")
    if max_length is not None and (isinstance(max_length, bool) or not isinstance(max_length, int | np.integer)):
        raise UsageError(f"the maximum length is {max_length!r}, and it is a whole number")
    if not isinstance(starts_with, str):
        raise UsageError(f"the beginning is {starts_with!r}, of type {type(starts_with).__name__}, and it is a string")
    prefix = vocabulary.encode(starts_with if vocabulary.knows(starts_with) else normalise(starts_with))
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
    engine: Predictor[Any], n: int, prefix: np.ndarray, temperature: float, longest: int, entropy: int
) -> Iterator[np.ndarray]:
    """The ids of the strings, some thousand at once: (strings, length of the longest), boundaries behind each."""
    start, size = 0, _batch(engine.remembered)
    while start < n:
        strings = min(size, n - start)
        blocks = range(start // _BLOCK, -(-(start + strings) // _BLOCK))
        generators = [
            np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy, spawn_key=(block,))))
            for block in blocks
        ]
        with np.errstate(over="ignore", invalid="ignore"):  # numbers too large are refused
            ids, contexts = _sample(engine, strings, prefix, temperature, longest, generators)
        yield ids
        start += strings
        size = _batch(engine.remembered * contexts / strings)  # the more strings begin alike, the more fit


def _batch(remembered: float) -> int:
    """How many strings to draw at once, whole blocks, if each takes so many bytes."""
    return max(_BLOCK, min(_BATCH_STRINGS, int(_BATCH_BYTES / remembered)) // _BLOCK * _BLOCK)


def _sample(
    engine: Predictor[Any],
    strings: int,
    prefix: np.ndarray,
    temperature: float,
    longest: int,
    generators: list[np.random.Generator],
) -> tuple[np.ndarray, int]:
    """The ids of the strings, and the most distinct contexts at which they stood.

    Every step draws for whole blocks, so that a string's draws do not depend on how many strings there are."""
    state = engine.start(strings)
    columns, contexts = [], 1
    for character in prefix:
        columns.append(np.full(strings, character, dtype=np.int32))
        state = engine.step(state, np.arange(strings), columns[-1])
    while len(columns) < longest:
        contexts = max(contexts, len(state.logits))
        uniform = np.concatenate([generator.random(_BLOCK) for generator in generators])[state.strings]  # (alive,)
        cumulated = _cumulated(finite(state.logits), temperature, may_end=len(columns) > 0)  # (n, V)
        following = _draw(cumulated, state.context_of, uniform)  # (alive,)
        columns.append(np.full(strings, BOUNDARY, dtype=np.int32))
        columns[-1][state.strings] = following
        going_on = np.flatnonzero(following != BOUNDARY)
        if not len(going_on):
            break
        if len(columns) < longest:
            state = engine.step(state, going_on, following[going_on])
    return np.stack(columns, axis=1), contexts


def _cumulated(logits: np.ndarray, temperature: float, *, may_end: bool) -> np.ndarray:
    """(n, V) logits -> (n, V) float64 cumulated weights."""
    if not may_end:
        logits = logits.copy()
        logits[:, BOUNDARY] = -np.inf  # no string is empty
    shifted = logits - logits.max(axis=1, keepdims=True)
    if temperature != 1.0:
        shifted = shifted.astype(np.float64) / temperature  # minus infinity for a tiny one, and that is right
    return np.cumsum(np.exp(shifted, out=shifted), axis=1, dtype=np.float64)


def _draw(cumulated: np.ndarray, rows: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """One id for each uniform draw, by inversion: how many cumulated weights of its row are not above the draw.

    Found by bisection over a table whose width is a power of two, infinity behind the V-th weight.
    """
    n, size = cumulated.shape
    width = 1 << (size - 1).bit_length()
    table = np.full((n, width), np.inf)
    table[:, :size] = cumulated
    flat = table.reshape(-1)
    base = rows * width
    threshold = uniform * flat[base + size - 1]
    found = base.copy()
    half = width >> 1
    while half:
        found += half * (flat[found + half - 1] <= threshold)
        half >>= 1
    return np.minimum(found - base, size - 1)  # a draw that rounds to the sum of all weights stays inside
