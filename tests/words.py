"""Strings for the tests of what a model file keeps of its list."""

import random

SALT = bytes(range(16))
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(count: int, *, length: int = 9, seed: int = 0) -> list[str]:
    """Distinct strings that stand nowhere by accident."""
    draw = random.Random(seed)
    found = dict[str, None]()
    while len(found) < count:
        found["".join(draw.choices(LETTERS, k=length))] = None
    return list(found)
