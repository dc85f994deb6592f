"""Columns with planted faults, for the tests of odd rows."""

import random

from wavemore.lists.corpus import read_corpus


def towns(count: int, seed: int = 1) -> list[str]:
    """Towns drawn with replacement, so that most values repeat where there are many rows."""
    return random.Random(seed).choices(read_corpus("towns").strings, k=count)


def names(count: int, seed: int = 1) -> list[str]:
    """Distinct names."""
    return random.Random(seed).sample(read_corpus("names").strings, count)


def planted(column: list[str], each: int, seed: int = 2) -> tuple[list[str], list[bool]]:
    """The column with `each` faults of three kinds, and which rows they are: two letters exchanged, random letters, and
    UTF-8 read as Windows-1252."""
    draw, column, known = random.Random(seed), list(column), set(column)
    faulty = [False] * len(column)
    free = draw.sample(range(len(column)), len(column))
    for make in (_swapped, _random, _misread):
        made = 0
        while made < each:
            place = free.pop()
            fault = make(column[place], draw)
            if fault and fault not in known:
                column[place], faulty[place] = fault, True
                made += 1
    return column, faulty


def _swapped(string: str, draw: random.Random) -> str:
    places = [i for i in range(len(string) - 1) if string[i] != string[i + 1]]
    if not places:
        return ""
    i = draw.choice(places)
    return string[:i] + string[i + 1] + string[i] + string[i + 2 :]


def _random(string: str, draw: random.Random) -> str:
    return "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=len(string)))


def _misread(string: str, draw: random.Random) -> str:
    i = draw.randrange(len(string))
    return (string[:i] + draw.choice("éöñ") + string[i + 1 :]).encode().decode("cp1252")
