"""Regular expressions over a, b and c, drawn at random."""

from random import Random

PIECES = ["[ab]", "[^a]", "[a-b]", ".", "[^bc]", r"\w", "[ac]", r"\D", r"\d", "[^c]", r"[\db]", "", "a", "b", "c"]
COUNTS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}", "{0,2}", "{,2}?"]
GROUPS = ["(%s)", "(?:%s)", "(?i:%s)"]


def pattern(rng: Random, depth: int = 4) -> str:
    """A pattern, one in two with an anchor somewhere."""
    inner = _inner(rng, depth)
    anchored = {0: f"^{inner}", 1: f"{inner}$", 2: rf"(?:^a|{inner})", 3: rf"\A{inner}\Z", 4: rf"(?:{inner}|b$)c?"}
    return anchored.get(rng.randrange(10), inner)


def _inner(rng: Random, depth: int) -> str:
    kind = rng.randrange(10 if depth else 4)
    if kind < 3:
        return rng.choice("abc")
    if kind == 3:
        return rng.choice(PIECES)
    if kind < 7:
        return "".join(_inner(rng, depth - 1) for _ in range(rng.randint(2, 3)))
    if kind < 9:
        return rng.choice(GROUPS) % "|".join(_inner(rng, depth - 1) for _ in range(rng.randint(1, 3)))
    return f"(?:{_inner(rng, depth - 1)}){rng.choice(COUNTS)}"
