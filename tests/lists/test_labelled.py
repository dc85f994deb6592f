"""Labels of strings: kinds, values, numbers, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from wavemore.errors import CorpusError, UsageError
from wavemore.lists.corpus import read_corpus, split
from wavemore.lists.labelled import Labelled, Labels, checked_labels
from wavemore.settings.config import DataConfig

COLUMNS = {"language": ["it", "fr", "it", "de"], "gender": ["f", "m", "f", "m"]}
LABELS = Labels.of(COLUMNS)
COUNTED = LABELS.counted(LABELS.numbers(COLUMNS))


def test_combinations_are_numbered_the_last_kind_fastest():
    assert LABELS.kinds == {"language": ("de", "fr", "it"), "gender": ("f", "m")}
    assert LABELS.numbers(COLUMNS).tolist() == [4, 3, 4, 1]
    assert COUNTED.counts.tolist() == [0, 1, 0, 1, 2, 0]
    assert [COUNTED.name(number) for number in COUNTED.occurring] == ["de, m", "fr, m", "it, f"]


@pytest.mark.parametrize(
    ("label", "counts"),
    [
        ("it", [0, 0, 0, 0, 2, 0]),
        ("language=it", [0, 0, 0, 0, 2, 0]),
        ("m", [0, 1, 0, 1, 0, 0]),
        ({"gender": "m", "language": "fr"}, [0, 0, 0, 1, 0, 0]),
        (["it", "gender=m"], [0, 0, 0, 0, 0, 1]),  # a combination that the list does not have
    ],
)
def test_a_label_is_told_in_part_or_in_full(label, counts):
    assert COUNTED.chosen(label).counts.tolist() == counts


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("itt", r"there is no label 'itt' \(did you mean \"it\"\?\); the model has language: de, fr, it; gender: f, m"),
        ("sex=f", "there is no kind of label 'sex'; the model has language, gender"),
        ("language=es", "language 'es', which the model does not have.*it has de, fr, it"),
        (["it", "fr"], "language is both 'it' and 'fr'; a string has one language"),
        ([], "no label is told; name one of language, gender"),
        (3, "the label is 3; it must be a text"),
        ([3], "the label is 3; it must be a text"),
        ({"language": 3}, "language 3, which the model does not have"),
    ],
)
def test_what_is_no_label_is_refused(label, message):
    with pytest.raises(UsageError, match=message):
        COUNTED.chosen(label)


def test_a_value_of_two_kinds_is_told_with_its_kind():
    labels = Labels.of({"from": ["it", "fr"], "to": ["fr", "it"]})
    with pytest.raises(UsageError, match="'it' may be from or to; write from=it"):
        labels.counted(np.array([1, 2])).chosen("it")


def test_labels_that_the_list_did_not_have_are_told():
    with pytest.raises(UsageError, match="string 2 has language 'es', which the model does not have"):
        LABELS.numbers({"language": ["it", "es"], "gender": ["f", "f"]})
    with pytest.raises(UsageError, match="the labels are of country; they must be of language, gender"):
        LABELS.numbers({"country": ["it"]})


def test_a_column_that_is_none_of_labels_is_refused():
    with pytest.raises(UsageError, match="there are 1,001 of name, and a model has at most 1,000 combinations"):
        Labels.of({"name": [str(number) for number in range(1_001)]})


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["it"], "there are 2 strings and 1 labels"),
        (["it", " "], "the label of string 2 is ' '; it must be a text that is not blank and can be printed"),
        (["it", None], "the label of string 2 is None"),
        (["it", "a\x1b[31m"], "the label of string 2 is .* can be printed"),
        ({"e\u0301": ["it", "fr"], "\u00e9": ["f", "m"]}, "two kinds of label are called 'é'"),
        (["it", 1.5], "the label of string 2 is 1.5"),
        ("it", "the labels are 'it'; give one for each string"),
        ({}, "there are no labels"),
    ],
)
def test_labels_that_are_none_are_refused(labels, message):
    with pytest.raises(UsageError, match=message):
        checked_labels(labels, 2)


def test_a_column_of_a_data_frame_is_a_list_of_labels():
    table = pd.DataFrame({"language": ["it", "fr"], "gender": ["f", "m"]})
    assert checked_labels(table["language"], 2) == {"label": ["it", "fr"]}
    assert checked_labels(table, 2) == {"language": ["it", "fr"], "gender": ["f", "m"]}


def test_kinds_are_told_apart():
    with pytest.raises(UsageError, match="the b 'y, z' holds a comma and a blank"):
        Labels.of({"a": ["x", "w"], "b": ["y, z", "y"]})


def test_they_are_kept_through_a_file():
    told = COUNTED.to_dict()
    assert Labels.from_dict(told).to_dict() == told


@pytest.mark.parametrize(
    "change",
    [
        {"counts": [1]},
        {"counts": [0] * 6},
        {"counts": [1 << 61] * 6},
        {"kinds": [{"name": "language", "values": "abc"}, {"name": "gender", "values": ["f", "m"]}]},
        {"counts": [True] * 6},
        {"counts": [-1, 1, 1, 1, 1, 1]},
        {"kinds": []},
        {"kinds": [{"name": "language"}]},
        {"kinds": 3},
        {"kinds": [{"name": "a", "values": ["c", "b"]}, {"name": "d", "values": ["e", "f", "g"]}]},
        {"kinds": [{"name": "a", "values": ["b", "c"]}, {"name": "a", "values": ["e", "f", "g"]}]},
    ],
)
def test_unsound_ones_are_refused(change):
    with pytest.raises(UsageError, match="its labels are not sound"):
        Labels.from_dict({**COUNTED.to_dict(), **change})


def test_slices_keep_their_labels():
    strings = Labelled(["a", "b", "c"], np.array([2, 0, 1]))
    assert [*strings[1:]] == ["b", "c"]
    assert strings[1:].labels.tolist() == [0, 1]
    assert strings.of([2, 0]).labels.tolist() == [1, 2]
    assert strings[1] == "b"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", "name,language\n" + "anna,it\nemma, it \nbob,\nTom,en\n"),
        ("list.tsv", "name\tlanguage\n" + "anna\tit\nemma\tit\nbob\t\nTom\ten\n"),
        (
            "list.jsonl",
            '{"name":"anna","language":"it"}\n{"name":"emma","language":"it"}\n{"name":"bob","language":null}\n'
            '{"name":"Tom","language":"en"}\n',
        ),
        (
            "list.json",
            '[{"name":"anna","language":"it"},{"name":"emma","language":"it"},{"name":"bob"},'
            '{"name":"Tom","language":"en"}]',
        ),
    ],
)
def test_a_column_of_labels_is_read_and_rows_without_one_are_counted(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    corpus = read_corpus(tmp_path / name, column="name", labels=("language",))
    assert corpus.strings == ["anna", "emma", "Tom"]
    assert corpus.labels == {"language": ["it", "it", "en"]}
    assert "1 without a label" in str(corpus.skipped)


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl"])
def test_a_missing_column_is_told(tmp_path, name):
    text = "name,language\nanna,it\n" if name.endswith("csv") else '{"name":"anna","language":"it"}\n'
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=r'has no (column|key) "langage"'):
        read_corpus(tmp_path / name, column="name", labels=("langage",))
    with pytest.raises(UsageError, match="either counts or labels"):
        read_corpus(tmp_path / name, column="name", labels=("language",), counts="n")


def test_a_string_of_two_labels_falls_into_one_part():
    strings = [f"name{number}" for number in range(50)] * 2
    corpus = read_corpus(strings).with_labels({"language": ["it"] * 50 + ["fr"] * 50})
    parts = split(corpus, DataConfig())
    assert sum(map(len, parts)) == 100
    for part in parts:
        assert sorted({*part}) == sorted(part[: len(part) // 2])
        assert isinstance(part, Labelled)
        assert part.labels.tolist() == [1] * (len(part) // 2) + [0] * (len(part) // 2)
    assert corpus.labelling != read_corpus(strings).labelling == ""
    with pytest.raises(CorpusError, match=r'data\.split = "lecture" keeps no labels'):
        split(corpus, DataConfig(split="lecture"))
