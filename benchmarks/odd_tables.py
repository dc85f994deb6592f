"""Columns of made-up people and firms, with planted faults of five kinds; made with Faker."""

import random
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from faker import Faker  # pyright: ignore[reportMissingImports]  # of the extra "bench"

MIXED = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "nl_NL", "pt_BR")
OTHERS = ("fi_FI", "tr_TR", "hu_HU", "id_ID")
KINDS = ("swapped letters", "random letters", "another language", "another column", "broken encoding")


class Plan(NamedTuple):
    """What a table holds, and where its faults come from."""

    column: str
    another: str
    """The column whose values are planted."""
    locales: Sequence[str] = MIXED
    languages: Sequence[str] = OTHERS
    """Locales whose values are planted."""

    @property
    def name(self) -> str:
        return f"{self.column}, {self.locales[0] if len(self.locales) == 1 else f'{len(self.locales)} locales'}"


PLANS = (
    Plan("name", "city"),
    Plan("name", "street_address"),
    Plan("last_name", "city"),
    Plan("company", "name"),
    Plan("street_address", "company"),
    Plan("city", "last_name"),
    Plan("name", "city", ("en_US",), ("pl_PL",)),
    Plan("name", "street_address", ("de_DE",), ("tr_TR",)),
    Plan("company", "name", ("fr_FR",), ("de_DE",)),
    Plan("street_address", "name", ("it_IT",), ("cs_CZ",)),
)


class Table(NamedTuple):
    """A column, and the kind of fault in each of its rows, "" for none."""

    values: list[str]
    faults: list[str]


def table(plan: Plan, rows: int, seed: int, share: float = 0.005) -> Table:
    """A table of a plan: `share` of its rows are faults, a fifth of each kind, none of which is a value of the column
    too."""
    draw = random.Random(seed)
    each = int(rows * share / len(KINDS))
    values = _made(plan.column, plan.locales, rows, seed * 100)
    foreign = _made(plan.column, plan.languages, 3 * each, seed * 100 + 50)
    other = _made(plan.another, plan.locales, 3 * each, seed * 100 + 70)
    makers: dict[str, Callable[[str], str]] = dict(
        zip(
            KINDS,
            (
                lambda value: _swapped(value, draw),
                lambda value: "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=len(value))).capitalize(),
                lambda value: foreign.pop(),
                lambda value: other.pop(),
                lambda value: _misread(value, draw),
            ),
            strict=True,
        )
    )
    known, faults, places = set(values), [""] * rows, draw.sample(range(rows), rows)
    for kind, make in makers.items():
        made = 0
        while made < each:
            place = places.pop()
            fault = make(values[place])
            if fault and fault not in known:
                values[place], faults[place] = fault, kind
                made += 1
    return Table(values, faults)


def _made(column: str, locales: Sequence[str], count: int, seed: int) -> list[str]:
    """Values of a column, as many of each locale, mixed."""
    values = []
    for number, locale in enumerate(locales):
        fake = Faker(locale)
        fake.seed_instance(seed + number)
        make = getattr(fake, column)
        values += [make().replace("\n", " ") for _ in range(-(-count // len(locales)))]
    random.Random(seed).shuffle(values)
    return values[:count]


def _swapped(value: str, draw: random.Random) -> str:
    """With two small letters side by side exchanged, not the first of the value; "" where there are none."""
    pairs = [
        i for i, (one, next_) in enumerate(pairwise(value)) if i and one.islower() and next_.islower() and one != next_
    ]
    if not pairs:
        return ""
    i = draw.choice(pairs)
    return value[:i] + value[i + 1] + value[i] + value[i + 2 :]


def _misread(value: str, draw: random.Random) -> str:
    """Its UTF-8 read as Windows-1252; a value of ASCII gets an accent first."""
    vowels = [i for i, c in enumerate(value) if c in "aeiouAEIOU"]
    if value.isascii() and not vowels:
        return ""
    if value.isascii():
        i = draw.choice(vowels)
        accented = unicodedata.normalize("NFC", value[i] + draw.choice("\u0301\u0300\u0308"))
        value = value[:i] + accented + value[i + 1 :]
    return value.encode().decode("cp1252", "replace").replace("\ufffd", "?")
