"""The lists of the package that come from other packages: people, surnames and places, written into it again.

    pip install faker==40.63.0 mimesis==22.2.0
    PYTHONPATH=src python benchmarks/package_lists.py

Both packages are MIT. Of each language or country the sources are taken in the order below, each of them in a fixed
random order, up to as many strings as are set here. Lists of Faker's that name Wikipedia or Wiktionary as what they
were taken from are not used. Rows of languages and countries that are not named here were written for wavemore; they
stay as they are.
"""

import argparse
import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

from wavemore.lists.embedded import Embedded, embedded

Row = tuple[str, ...]

PEOPLE = {
    "cs": "mimesis:cs",
    "da": "faker:da_DK",
    "de": "faker:de_AT faker:de_LI",
    "en": "faker:en_US faker:en_GB faker:en_NZ",
    "es": "faker:es_ES faker:es_MX faker:es_CL",
    "fr": "faker:fr_FR faker:fr_CH faker:fr_CA faker:fr_BE",
    "id": "faker:id_ID",
    "nl": "faker:nl_NL mimesis:nl",
    "no": "faker:no_NO mimesis:no",
    "pl": "faker:pl_PL mimesis:pl",
    "pt": "faker:pt_PT faker:pt_BR mimesis:pt",
    "sv": "faker:sv_SE",
}
"""Given names: by language, packages and their locales."""

SURNAMES = {
    "cs": "mimesis:cs",
    "da": "faker:da_DK mimesis:da",
    "de": "faker:de_DE mimesis:de-at",
    "en": "faker:en_US faker:en_GB faker:en_NZ",
    "es": "faker:es_ES faker:es_MX faker:es_CL faker:es_CO",
    "fr": "faker:fr_FR faker:fr_CH mimesis:fr",
    "it": "mimesis:it",
    "nl": "faker:nl_NL",
    "no": "faker:no_NO mimesis:no",
    "pl": "faker:pl_PL mimesis:pl",
    "pt": "faker:pt_PT faker:pt_BR mimesis:pt",
    "sv": "faker:sv_SE mimesis:sv",
}

PLACES = {
    "AT": "mimesis:de-at",
    "BE": "faker:nl_BE",
    "BR": "mimesis:pt-br",
    "CH": "mimesis:de-ch",
    "CL": "faker:es_CL:communes",
    "CO": "faker:es_CO:municipalities",
    "CZ": "faker:cs_CZ",
    "DE": "mimesis:de faker:de_DE",
    "DK": "faker:da_DK",
    "FR": "mimesis:fr",
    "GB": "mimesis:en-gb",
    "NL": "faker:nl_NL",
    "NO": "mimesis:no",
    "PL": "mimesis:pl",
    "PT": "mimesis:pt",
    "SE": "mimesis:sv",
    "US": "mimesis:en",
}
"""Towns: by country; after a locale the attribute of Faker's provider, where it is not `cities`."""

GENDERS = ("female", "male")
MOST_PEOPLE, MOST_SURNAMES, MOST_PLACES = 600, 1500, 1500  # of a gender and language, a language, a country
SHORTEST, LONGEST = 2, 30  # characters
PARTICLES = {"d'", "da", "das", "de", "del", "den", "der", "di", "do", "dos", "la", "las", "los", "te", "ten", "ter"}
PARTICLES |= {"'t", "het", "in", "op", "van", "von", "zu", "e", "y", "a", "an", "am", "auf", "bei", "im", "upon", "by"}
LEFT_OUT = {
    "cs": "[wqWQæÆ']|ova$|dís$|[aA]o|^(Callum|Chuck|Tiffany)$",  # foreign, or without its accent
    "de": "^(Da|Lg|Ne)$|^auch ",
    "en": "^Mc[a-z]",  # without its second capital
    "fr": "^Ly$",
    "id": "Ciaobella",
    "nl": "^d' |rada$|aidis$|trud$|ensis$|[^ ]+(ië|ingen|Wessex)$|Hunerik",  # of the nobility of the Middle Ages
    "no": "[öä]|son$",  # Swedish
    "pt": "^(Hélmut|Inoi|Io|Kévim|Nói|Pégui|Rói)$",
    "sv": "^Namn$",
    "DK": " ([A-ZØ]|Øst|Vest|Nord|Syd|Thy|Fyn|Sj|NV|SV|SØ|NØ)$",  # a part of the town, or its region
    "NL": r"gem\.| (Gld|Ut|NH|ZH|Gn|Ov|Fr|Lb|NB|Dr|Zld|Nb|L|Ub|Zh|Nh|OV|FR|GN|LB|UT|DR)$",  # its province
    "SE": " och |tätort|kyrkby",  # two towns that statistics count as one, or a part
}
"""By label, a pattern that is found in strings that are not taken."""
OWN_NAMES = {
    "CH": {"Geneva": "Genève"},
    "DE": {"Munich": "München"},
    "FR": {"Dunkirk": "Dunkerque"},
    "PT": {"Lisbon": "Lisboa"},
}
"""Of towns that a source calls by their English name."""
UMLAUTS_MAY_GO = {"de"}
"""Of these, Bar and Bär are two names. Elsewhere a name without its accents is taken to be badly written."""


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    people = {(language, gender): source for language, source in PEOPLE.items() for gender in GENDERS}
    surnames = {(language,): source for language, source in SURNAMES.items()}
    places = {(country,): source for country, source in PLACES.items()}
    rebuilt("people", {key: _strings(_people(key[1], s), MOST_PEOPLE, key[0]) for key, s in people.items()})
    rebuilt("surnames", {key: _strings(_surnames(s), MOST_SURNAMES, key[0]) for key, s in surnames.items()})
    rebuilt("places", {key: _strings(_places(s), MOST_PLACES, key[0]) for key, s in places.items()})


def rebuilt(name: str, found: dict[Row, list[str]]) -> None:
    """Write the list again: these strings by their labels, and the rows whose labels are not among them."""
    there: Embedded = embedded(name)
    rows = [(string, *key) for key, strings in found.items() for string in strings]
    if there.path.exists():
        with there.path.open(encoding="utf-8", newline="") as file:
            made = {key[0] for key in found}
            rows += [tuple(row) for row in csv.reader(file) if row[1] not in {*made, there.labels[0]}]
    with there.path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([(there.column, *there.labels), *sorted(rows)])
    print(f"{name}: {len(rows):,} rows, {there.path.stat().st_size:,} bytes")


def _people(gender: str, sources: str) -> Iterator[list[str]]:
    for package, locale, _ in _split(sources):
        if package == "faker":
            yield list(_provider("person", locale, f"first_names_{gender}"))
        else:
            yield _mimesis(locale, "person")["names"][gender]


def _surnames(sources: str) -> Iterator[list[str]]:
    for package, locale, _ in _split(sources):
        if package == "faker":
            more = ["unisex_last_names", "male_last_names"] if locale == "pl_PL" else ["last_names"]
            yield [name for kind in more for name in _provider("person", locale, kind)]
        else:
            names = _mimesis(locale, "person")["surnames"]
            yield [name for kind in names.values() for name in kind] if isinstance(names, dict) else names


def _places(sources: str) -> Iterator[list[str]]:
    for package, locale, field in _split(sources):
        if package == "mimesis":
            yield _mimesis(locale, "address")["city"]
            continue
        towns = _provider("address", locale, field or "cities")
        towns = towns.values() if isinstance(towns, dict) else towns
        yield [town if isinstance(town, str) else town[1] for town in towns]  # of Colombia, code and town


def _split(sources: str) -> list[tuple[str, str, str]]:
    """Package, locale and attribute ("" where none is named) of each source."""
    parts = [source.split(":") for source in sources.split()]
    return [(part[0], part[1], part[2] if len(part) > 2 else "") for part in parts]


def _provider(kind: str, locale: str, field: str) -> Iterable[str]:
    return getattr(import_module(f"faker.providers.{kind}.{locale}").Provider, field)


def _mimesis(locale: str, kind: str) -> dict:
    folder = Path(str(import_module("mimesis").__file__)).parent / "datasets" / locale
    return json.loads((folder / f"{kind}.json").read_text(encoding="utf-8"))


def _strings(sources: Iterable[Iterable[str]], most: int, label: str) -> list[str]:
    """The clean strings, distinct and sorted; where there are more than `most`, those of the first sources."""
    kept = dict[str, None]()
    for source in sources:
        tidied = (OWN_NAMES.get(label, {}).get(string, string) for string in map(_tidied, source))
        clean = {string for string in tidied if _is_clean(string, label)}
        kept.update(dict.fromkeys(sorted(clean, key=lambda string: blake2b(string.encode()).digest())))
    if label not in UMLAUTS_MAY_GO:
        accented = {_plain(string) for string in kept if not string.isascii()}
        kept = {string: None for string in kept if not (string.isascii() and string in accented)}
    return sorted(list(kept)[:most])


def _tidied(string: str) -> str:
    return " ".join(unicodedata.normalize("NFC", string).replace("’", "'").split())


def _plain(string: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", string) if not unicodedata.combining(c))


def _is_clean(string: str, label: str) -> bool:
    """Whether this is a name: words of Latin letters, with capitals where names have them."""
    words = re.split("[ -]", string)
    if not SHORTEST <= len(string) <= LONGEST or len(words) > 6:
        return False
    if any(not (c.isalpha() and "LATIN" in unicodedata.name(c)) and c not in " -'." for c in string):
        return False
    if label.islower() and "." in string:  # St. is for towns
        return False
    if words[-1] in PARTICLES or string.endswith(".") or re.search(LEFT_OUT.get(label, "^$"), string):
        return False
    return all(_is_word(word) for word in words) and any(word[:1].isupper() for word in words)


def _is_word(word: str) -> bool:
    bare = word.split("'")[-1]
    return bool(word) and (word in PARTICLES or word.islower() or not bare.isupper() or len(bare) == 1)


if __name__ == "__main__":
    main()
