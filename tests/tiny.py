"""A tiny list that is quickly learned."""

import random


def tiny_strings(count: int = 60) -> list[str]:
    """Strings with a pattern: syllables of a consonant and a vowel."""
    draw = random.Random(7)
    return ["".join(draw.choice("bdkl") + draw.choice("aeo") for _ in range(draw.randint(1, 4))) for _ in range(count)]
