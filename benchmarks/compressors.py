"""What a compressor says of strings: how much longer its text is with them, after the training part."""

import math
import random
from collections.abc import Callable, Iterable, Sequence

Compress = Callable[[bytes], bytes]
Encode = Callable[[Iterable[str]], bytes]


def predictions(strings: Sequence[str]) -> int:
    """How many characters are predicted, each string's end among them."""
    return sum(map(len, strings)) + len(strings)


def byte_code(characters: str) -> Encode:
    """Strings with a newline after each, as bytes: one for each character, ASCII's its own, where there are at most 255
    of them and no newline; else UTF-8."""
    other = [character for character in sorted(set(characters)) if ord(character) > 127]
    free = [value for value in range(255, -1, -1) if value != 10 and chr(value) not in characters][: len(other)]
    if "\n" in characters:
        raise ValueError("a newline ends each string, so none may have one inside")
    if len(free) < len(other):
        return lambda strings: "".join(string + "\n" for string in strings).encode()
    code = str.maketrans({character: chr(value) for character, value in zip(other, free, strict=True)})
    return lambda strings: "".join(string + "\n" for string in strings).translate(code).encode("latin-1")


def added_nats(compress: Compress, before: bytes, after: bytes) -> float:
    """How much longer the compressed text is with what comes after, nats."""
    return 8 * math.log(2) * (len(compress(before + after)) - len(compress(before)))


def in_a_row(compress: Compress, encode: Encode, train: Sequence[str], strings: Sequence[str]) -> float:
    """Nats per character of strings that are read in a row after the training part, so that the compressor learns from
    those before too."""
    return added_nats(compress, encode(train), encode(strings)) / predictions(strings)


def one_by_one(compress: Compress, encode: Encode, train: Sequence[str], strings: Sequence[str], seed: int) -> float:
    """Nats per character of strings each of which is read alone after the training part. That is in another order each
    time, so that whole bytes are rounded up as often as down."""
    shuffler, order, total = random.Random(seed), list(train), 0.0
    for string in strings:
        shuffler.shuffle(order)
        total += added_nats(compress, encode(order), encode([string]))
    return total / predictions(strings)
