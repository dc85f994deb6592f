"""Cleaning, of which nothing is silent, and splitting, by which no duplicate falls into two parts."""

import io
import random
import sys
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.corpus import Corpus, Parts, Skipped, read_corpus, split
from wavemore.lists.vocabulary import Vocabulary
from wavemore.predict.windows import Windows
from wavemore.settings.config import DataConfig

NAMES = [f"name{i}" for i in range(200)]

lists = st.lists(st.text(min_size=1, max_size=3), min_size=20, max_size=60).filter(
    lambda strings: len(set(strings)) > 2
)


def corpus(strings: Iterable[str]) -> Corpus:
    return Corpus("strings", list(strings), Skipped())


def random_split(strings: Iterable[str], seed: int = 42) -> Parts:
    return split(corpus(strings), DataConfig(seed=seed))


def lecture_split(strings: Iterable[str]) -> Parts:
    return split(corpus(strings), DataConfig(split="lecture"))


# --- cleaning


def test_strings_keep_their_order_and_duplicates(tmp_path: Path):
    path = tmp_path / "people.txt"
    path.write_text("bob\nanna\nbob\n")
    found = read_corpus(path)
    assert (found.name, found.strings, str(found.skipped)) == ("people", ["bob", "anna", "bob"], "")


def test_what_is_skipped_is_counted_with_its_line_numbers(tmp_path: Path):
    path = tmp_path / "list.txt"
    lines = [b"anna", b"", b"b\xffb", b"cleo", b" \t ", b"d" * 11, b"e\re", b"f" * 5000, b"g" * 10]
    path.write_bytes(b"\n".join(lines))
    found = read_corpus(path, max_length=10)
    assert found.strings == ["anna", "cleo", "g" * 10]
    assert found.skipped.counts == {"blank": 2, "too long": 2, "unreadable": 1, "with a line break": 1}
    assert str(found.skipped) == (
        "skipped 6: 2 blank (lines 2, 5), 2 too long (lines 6, 8), 1 unreadable (line 3), 1 with a line break (line 7)"
    )


def test_white_space_alone_is_blank_in_an_iterable_too():
    found = read_corpus(["", "anna", " \t", "\u2003"])
    assert (found.strings, str(found.skipped)) == (["anna"], "skipped 3: 3 blank (lines 1, 3, 4)")


def test_of_many_skipped_rows_the_first_five_are_named():
    found = read_corpus(["a", *[""] * 1200])
    assert str(found.skipped) == "skipped 1,200: 1,200 blank (lines 2, 3, 4, 5, 6, ...)"


def test_a_cell_over_two_lines_is_skipped_and_said(tmp_path: Path):
    path = tmp_path / "list.csv"
    path.write_text('id,name\n1,"an\nna"\n2,bob\n')
    found = read_corpus(path, column="name")
    assert found.strings == ["bob"]
    assert str(found.skipped) == "skipped 1: 1 with a line break (line 3)"


def test_strings_are_brought_to_nfc(tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_text("Jose\u0301\nJos\u00e9\n", encoding="utf-8")
    assert read_corpus(path).strings == read_corpus(["Jose\u0301", "Jos\u00e9"]).strings == ["Jos\u00e9"] * 2


def test_the_options_of_files_are_passed_on(tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_text("id,name\n1,José\n", encoding="utf-16")
    found = read_corpus(path, column="name", encoding="utf-16", format="csv")
    assert found.strings == ["José"]


def test_standard_input(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"anna\n\nbob\n")))
    found = read_corpus("-")
    assert (found.name, found.strings, str(found.skipped)) == ("stdin", ["anna", "bob"], "skipped 1: 1 blank (line 2)")


@pytest.mark.parametrize(
    "make",
    [list, tuple, iter, dict.fromkeys, np.array, lambda strings: (string for string in strings)],
    ids=["list", "tuple", "iterator", "dictionary", "array", "generator"],
)
def test_any_iterable_of_strings(make: Callable[[list[str]], Iterable[str]]):
    found = read_corpus(make(["anna", "bob"]))
    assert (found.name, found.strings) == ("strings", ["anna", "bob"])
    assert {type(string) for string in found.strings} == {str}


def test_strings_of_an_iterable_are_taken_as_they_are():
    assert read_corpus([" anna ", "bob\f"]).strings == [" anna ", "bob\f"]


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (3, "3, of type int; it must be a string"),
        (["bob"], "['bob'], of type list; it must be a string; give one flat list of them"),
        (b"bob", "b'bob', of type bytes; it must be a string; decode it, such as item.decode(\"utf-8\")"),
    ],
)
def test_an_item_that_is_no_string_is_named(item: object, shown: str):
    with pytest.raises(UsageError) as caught:
        read_corpus(["anna", item])  # pyright: ignore[reportArgumentType]
    assert str(caught.value) == f"item 2 of the list is {shown}"


def test_a_lone_surrogate_is_an_error_in_a_list_and_skipped_in_a_file(tmp_path: Path):
    with pytest.raises(CorpusError) as caught:
        read_corpus(["anna", "b\ud800b"])
    assert str(caught.value) == (
        "item 2 of the list holds a lone surrogate, which no text may: 'b\\ud800b'; mend or remove it"
    )
    path = tmp_path / "list.jsonl"
    path.write_text('{"name": "anna"}\n{"name": "b\\ud800b"}\n')
    found = read_corpus(path, column="name")
    assert (found.strings, str(found.skipped)) == (["anna"], "skipped 1: 1 unreadable (line 2)")


def test_json_lines_say_why_they_are_skipped(tmp_path: Path):
    path = tmp_path / "list.jsonl"
    path.write_text('{"name": "anna"}\n{"name": null}\n{"name": 3}\n{"id": 1}\n{"name": ""}\n{\n')
    found = read_corpus(path, column="name")
    assert found.strings == ["anna"]
    assert str(found.skipped) == (
        "skipped 5: 1 blank (line 5), 2 missing (lines 2, 4), 1 not a string (line 3), 1 unreadable (line 6)"
    )


def test_a_list_without_strings_is_an_error(tmp_path: Path):
    path = tmp_path / "list.txt"
    for content, why in (("", ""), ("\n\n", " (skipped 2: 2 blank (lines 1, 2))")):
        path.write_text(content)
        with pytest.raises(CorpusError) as caught:
            read_corpus(path)
        assert str(caught.value) == f"{path} holds no strings{why}; give one string a line"


def test_standard_input_without_strings_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(CorpusError) as caught:
        read_corpus("-")
    assert str(caught.value) == "standard input holds no strings; give one string a line"


def test_more_unreadable_rows_than_strings_are_an_error(tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"anna\n\xff\nbob\n\xff\n")
    assert read_corpus(path).strings == ["anna", "bob"]
    path.write_bytes(b"anna\n\xff\n\xff\n")
    with pytest.raises(CorpusError) as caught:
        read_corpus(path)
    assert str(caught.value) == (
        f"2 rows of {path} cannot be read (the first is line 2); it looks like Latin-1: --encoding latin-1"
    )


def test_the_fingerprint_is_of_the_strings_and_their_order_alone(tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_bytes("\ufeffJose\u0301\r\n\r\nbob".encode())
    fingerprint = read_corpus(path).fingerprint
    assert fingerprint == sha256("José\nbob\n".encode()).hexdigest()
    assert fingerprint == read_corpus(["José", "bob"]).fingerprint
    assert fingerprint != read_corpus(["bob", "José"]).fingerprint


# --- the random split


@settings(deadline=None)
@given(lists, st.integers(0, 2**63 - 1))
def test_a_split_loses_nothing_and_no_duplicate_falls_into_two_parts(strings: list[str], seed: int):
    parts = random_split(strings, seed)
    assert sorted([*parts.train, *parts.validation, *parts.test]) == sorted(strings)
    train, validation, test = map(set, parts)
    assert len(train | validation | test) == len(train) + len(validation) + len(test)
    assert all(parts)


@settings(deadline=None)
@given(st.lists(st.text("abc0123", min_size=1), min_size=20, max_size=200, unique=True))
def test_a_split_of_distinct_strings_is_80_10_10(strings: list[str]):
    distinct = len(strings)
    train, validation, test = (len(set(part)) for part in random_split(strings))
    assert validation == test == max(1, round(0.1 * distinct))
    assert train == distinct - 2 * test


def test_each_part_keeps_the_order_of_the_list():
    for part in random_split(NAMES):
        assert part == [name for name in NAMES if name in set(part)]


@settings(deadline=None)
@given(lists, st.randoms(use_true_random=False))
def test_a_split_does_not_depend_on_the_order(strings: list[str], shuffler: random.Random):
    shuffled = list(strings)
    shuffler.shuffle(shuffled)
    assert [sorted(part) for part in random_split(shuffled)] == [sorted(part) for part in random_split(strings)]


def test_the_seed_chooses_the_split():
    assert random_split(NAMES, seed=1) == random_split(NAMES, seed=1)
    assert len({tuple(random_split(NAMES, seed).test) for seed in range(20)}) == 20


def test_a_split_stays_what_it_was():
    """The parts of models in the world must not move."""
    parts = random_split(NAMES[:20])
    assert (parts.validation, parts.test) == (["name5", "name6"], ["name12", "name17"])


@pytest.mark.parametrize("kind", ["random", "lecture"])
def test_from_5_strings_up_a_list_is_split(kind: str):
    config = DataConfig(split=kind)  # pyright: ignore[reportArgumentType]
    assert [len(part) for part in split(corpus(NAMES[:20]), config)] == [16, 2, 2]
    assert [len(part) for part in split(corpus(NAMES[:5]), config)] == [3, 1, 1]
    for names, count in ((NAMES[:4], "4 strings"), (NAMES[:1], "1 string")):
        with pytest.raises(CorpusError) as caught:
            split(corpus(names), config)
        assert str(caught.value) == (
            f"strings has {count}, and a split needs at least 5; add strings, or give a validation list of its own"
        )


def test_a_split_needs_three_distinct_strings():
    assert sorted(len(set(part)) for part in random_split(["a"] * 18 + ["b", "c"])) == [1, 1, 1]
    for strings, count in ((["a"] * 19 + ["b"], "2 distinct strings"), (["a"] * 20, "1 distinct string")):
        with pytest.raises(CorpusError) as caught:
            random_split(strings)
        assert str(caught.value) == (
            f"strings has {count}, and a split into three parts needs at least 3 distinct strings; "
            "add strings, or give a validation list of its own"
        )


# --- the lecture's split


@settings(deadline=None)
@given(lists)
def test_the_lecture_split_is_the_lectures_code(strings: list[str]):
    words = list(strings)
    state = random.getstate()
    random.seed(42)
    random.shuffle(words)
    random.setstate(state)
    n1 = int(0.8 * len(words))
    n2 = int(0.9 * len(words))
    assert lecture_split(strings) == (words[:n1], words[n1:n2], words[n2:])


def test_the_lecture_split_leaves_the_global_generator_and_the_list_alone():
    listed, state = corpus(NAMES), random.getstate()
    split(listed, DataConfig(split="lecture"))
    assert random.getstate() == state
    assert listed.strings == NAMES


def test_split_k_of_names_txt(names_txt: Path):
    found = read_corpus(names_txt)
    parts = split(found, DataConfig(split="lecture"))
    vocabulary = Vocabulary.of(found.strings)
    assert str(found.skipped) == ""
    assert (len(found.strings), len(set(found.strings)), len(vocabulary)) == (32_033, 29_494, 27)
    assert [len(part) for part in parts] == [25_626, 3_203, 3_204]
    assert [len(Windows.of(part, vocabulary, 8)) for part in parts] == [182_625, 22_655, 22_866]
