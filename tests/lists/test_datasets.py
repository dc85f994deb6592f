import csv
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from rows import texts

from wavemore.estimator import load
from wavemore.lists.corpus import read_corpus
from wavemore.lists.embedded import embedded, embedded_lists
from wavemore.models.modelfile import pretrained_path

FEWEST = {"names": 17_000, "towns": 2_000, "dinosaurs": 1_000, "stars": 500, "plants": 1_300, "drinks": 500}
FEWEST.update({"brands": 800, "people": 12_000, "surnames": 12_000, "places": 14_000})
PLAIN_ASCII = {"names", "towns", "dinosaurs"}
WITH_ACCENTS = {"people", "surnames", "places", "drinks", "stars"}
SIGNS = {**dict.fromkeys(FEWEST, " -'."), **dict.fromkeys(["names", "dinosaurs", "plants"], "")}
SIGNS.update(people=" -'", surnames=" -'", brands=" &")
"""The characters beside letters that each list may have."""
LONGEST = 30  # characters
FEWEST_OF_A_LABEL = {"people": 200, "surnames": 150, "places": 90}
LABELS = {
    "people": ("cs da de en es fr id it nl no pl pt sv", "female male"),
    "surnames": ("cs da de en es fr it nl no pl pt sv",),
    "places": ("AT BE BR CH CL CO CZ DE DK ES FR GB NL NO PL PT SE US",),
}


def rows_of(name: str) -> list[list[str]]:
    with embedded(name).path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def faults_of(strings: list[str], signs: str, *, capitals: bool = True) -> list[str]:
    """The strings that no list of the package may have: with blanks at their ends or two in a row, not in NFC, too
    short or long, without a capital, or with other characters than Latin letters and these signs."""
    return [
        string
        for string in strings
        if " ".join(string.split()) != string
        or unicodedata.normalize("NFC", string) != string
        or not 1 < len(string) <= LONGEST
        or (capitals and not any(character.isupper() for character in string))
        or any(not is_latin(character) and character not in signs for character in string)
    ]


def is_latin(character: str) -> bool:
    return character.isalpha() and unicodedata.name(character).startswith("LATIN ")


@pytest.mark.parametrize("name", FEWEST)
def test_embedded_lists_are_clean_sorted_and_distinct(name: str):
    corpus = read_corpus(name)
    assert len(corpus.strings) >= FEWEST[name]
    assert not corpus.skipped.counts
    assert not corpus.notes
    assert corpus.strings == sorted(corpus.strings)
    assert not faults_of(corpus.strings, SIGNS[name], capitals=name != "names")
    assert name not in PLAIN_ASCII or "".join(corpus.strings).isascii()
    assert name not in WITH_ACCENTS or not "".join(corpus.strings).isascii()
    if embedded(name).column is None:
        assert len(set(corpus.strings)) == len(corpus.strings)


def test_faults_are_found():
    faulty = [" Anna", "Anna ", "An  na", "Zoe\u0308", "X" * 31, "A", "anna", "Anna2", "Anna (f)", "Анна", "Ann/e"]
    assert faults_of([*faulty, "Zoë", "d'Arc"], SIGNS["people"]) == faulty


@pytest.mark.parametrize("name", LABELS)
def test_tables_have_labels_of_which_each_has_enough_distinct_strings(name: str):
    list_ = embedded(name)
    header, *rows = rows_of(name)
    assert header == [list_.column, *list_.labels]
    assert rows == sorted(rows)
    assert len(set(map(tuple, rows))) == len(rows)
    for place, labels in enumerate(LABELS[name], start=1):
        assert {row[place] for row in rows} == set(labels.split())
    assert min(Counter(tuple(row[1:]) for row in rows).values()) >= FEWEST_OF_A_LABEL[name]


def test_the_names_of_a_table_are_read_by_themselves_and_another_column_by_its_name():
    header, *rows = rows_of("people")
    assert texts("people") == [row[0] for row in rows]
    assert texts("people", column="gender") == [row[header.index("gender")] for row in rows]
    assert texts("people", format="text")[:2] == ["name,language,gender", ",".join(rows[0])]


def test_every_list_has_a_line_on_its_origin_with_its_size_and_one_in_the_docs():
    origins = (pretrained_path().parents[2] / "lists" / "datasets" / "README.md").read_text(encoding="utf-8")
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "learn-a-list.md").read_text(encoding="utf-8")
    assert set(embedded_lists()) == set(FEWEST)
    for name in embedded_lists():
        size, labels = len(read_corpus(name).strings), embedded(name).labels
        assert f"| {name} | {size:,} | {', '.join(labels)}" in origins
        line = next(line for line in page.split("\n") if line.startswith(f"| `{name}` | {size:,} "))
        assert all(f"`{label}`" in line for label in labels)


def test_the_model_in_the_package_was_trained_on_the_embedded_names():
    model = load()
    assert model.file_.provenance["data"]["sha256"] == read_corpus("names").fingerprint
    assert len(set(model.sample(100, seed=1))) > 90
    assert model.score(["emma", "anna"]) > model.score(["xqzt", "qqkk"]) + 5
