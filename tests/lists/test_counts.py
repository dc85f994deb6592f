"""Counts and weights become repeats, exactly where they are counts."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavemore.errors import UsageError
from wavemore.lists.corpus import read_corpus
from wavemore.lists.counts import repeated


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20).filter(any))
def test_counts_are_exact(counts: list[int]):
    strings = [f"s{i}" for i in range(len(counts))]
    found = Counter(repeated(strings, counts))
    assert [found[string] for string in strings] == counts


def test_a_counter_is_a_list_with_repeats():
    counted = Counter({"password": 3, "letmein": 1, "cafe\u0301": 2})
    assert read_corpus(counted).strings == ["password"] * 3 + ["letmein"] + ["caf\u00e9"] * 2


def test_weights_keep_their_ratios():
    found = Counter(repeated(["a", "b", "c"], np.array([0.5, 1.5, 0.0])))
    assert found == {"a": 15, "b": 45}


def test_counts_beyond_two_million_keep_their_shares():
    counts = [3_000_000_000, 1_000_000_000, *[1_000_000] * 1000]
    found = Counter(repeated([f"s{i}" for i in range(len(counts))], counts))
    assert found.total() == 2_000_000
    assert found["s0"] == pytest.approx(3 * found["s1"], abs=3)
    assert [found[f"s{i}"] for i in range(2, 1002)] == pytest.approx([400] * 1000, abs=1)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "there are 2 strings and 1 weights; give one for each string"),
        ([1.0, -2.0], "the weight of string 2, 'b', is -2; it must be 0 or more"),
        ([1.0, float("nan")], "the weight of string 2, 'b', is nan; it must be 0 or more"),
        ([0, 0], "the weights of the 2 strings add up to 0; that must be above 0 and below 1e300"),
        (["x", 1], "the weights of the strings must be numbers, one for each string"),
        ([1e308, 1e308], "the weights of the 2 strings add up to inf; that must be above 0 and below 1e300"),
    ],
)
def test_what_is_no_weight_is_refused(weights: list, message: str):
    with pytest.raises(UsageError) as caught:
        repeated(["a", "b"], weights)
    assert str(caught.value) == message


TABLES = {
    "table.csv": "name,count\nanna,3\nbob,1\ncleo,0\n",
    "table.tsv": "count\tname\n3\tanna\n1\tbob\n",
    "semicolons.csv": "name;count\nanna;3\nbob;1.0\n",
    "lines.jsonl": '{"name": "anna", "count": 3}\n{"name": "bob", "count": "1"}\n',
    "array.json": '[{"count": 3, "name": "anna"}, {"name": "bob", "count": 1}]',
}


@pytest.mark.parametrize("name", TABLES)
def test_a_column_has_the_counts(name: str, tmp_path: Path):
    (tmp_path / name).write_text(TABLES[name])
    found = read_corpus(tmp_path / name, column="name", counts="count")
    assert found.strings == ["anna"] * 3 + ["bob"]
    assert (str(found.skipped), found.notes[1:]) == ("", ())


def test_counts_by_the_number_of_their_column(tmp_path: Path):
    (tmp_path / "table.csv").write_text("anna,3\nbob,2\n")
    assert read_corpus(tmp_path / "table.csv", column="1", counts="2").strings == ["anna"] * 3 + ["bob"] * 2


def test_shares_are_counts_too(tmp_path: Path):
    (tmp_path / "table.csv").write_text("name,share\nanna,0.5\nbob,1.5\n")
    found = read_corpus(tmp_path / "table.csv", column="name", counts="share")
    assert Counter(found.strings) == {"anna": 10, "bob": 30}
    assert found.notes == ("its counts add up to 2 and are scaled to 40 rows",)


def test_rows_without_a_count_are_left_out_and_named(tmp_path: Path):
    rows = ["anna,2", "bob,many", "cleo,-1", "dora,nan", "emma,", "finn", "gina,1e999", ",7"]
    (tmp_path / "table.csv").write_text("name,count\n" + "\n".join(rows))
    found = read_corpus(tmp_path / "table.csv", column="name", counts="count")
    assert found.strings == ["anna"] * 2
    assert str(found.skipped) == "skipped 7: 1 blank (line 9), 6 without a count (lines 3, 4, 5, 6, 7, ...)"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "t.csv",
            "name,count\nanna,3\n",
            't.csv has no column "cnt" (did you mean "count"?); its columns are name, count',
        ),
        ("t.csv", "name,cnt\nanna,0\n", "the counts of t.csv add up to 0; that must be above 0 and below 1e300"),
        ("t.jsonl", '{"name": "anna", "n": 3}\n', 't.jsonl has no key "cnt"; its keys are name, n'),
        (
            "t.txt",
            "anna\n",
            "a column (name) was named, but t.txt is read as plain text; name the format csv, tsv or jsonl",
        ),
    ],
)
def test_counts_that_are_not_there(name: str, text: str, message: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    with pytest.raises(UsageError) as caught:
        read_corpus(name, column="name", counts="cnt")
    assert str(caught.value) == message


def test_two_columns_of_one_name_are_refused(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("name,name,n\nanna,bob,2\n")
    with pytest.raises(UsageError) as caught:
        read_corpus("t.csv", column="name")
    assert str(caught.value) == '2 columns of t.csv are called "name"; name one by its number'
    assert read_corpus("t.csv", column="2", header=True).strings == ["bob"]


def test_strings_that_vanish_beside_huge_counts_are_told(tmp_path: Path):
    (tmp_path / "t.csv").write_text("name,n\nanna,1\nbob,2\n" + "".join(f"z{i},1000000000\n" for i in range(3)))
    found = read_corpus(tmp_path / "t.csv", column="name", counts="n")
    assert found.notes == (
        "its counts add up to 3e+09 and are scaled to 2,000,000 rows, in which 2 of 5 strings have less than a row "
        "and are left out",
    )


def test_digits_with_underscores_are_no_count(tmp_path: Path):
    (tmp_path / "t.csv").write_text("name,n\nanna,1_000\nbob,2\n")
    found = read_corpus(tmp_path / "t.csv", column="name", counts="n")
    assert (found.strings, str(found.skipped)) == (["bob"] * 2, "skipped 1: 1 without a count (line 2)")


def test_weights_that_are_all_alike_are_none():
    strings = ["a", "b", "c"]
    assert repeated(strings, [0.5, 0.5, 0.5]) == strings
    assert repeated(strings, [0.25, 0, 0.25]) == ["a", "c"]
    assert repeated(strings, [3, 3, 3]) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3


def test_a_count_beyond_any_number_is_refused():
    with pytest.raises(UsageError, match="the weights of the strings must be numbers"):
        repeated(["a", "b"], [1, 10**400])


def test_a_blank_key_of_a_mapping_is_one_item_and_its_count_nothing():
    found = read_corpus({"anna": 3, " ": 500, "bob": 1}, strip=True)
    assert found.strings == ["anna"] * 3 + ["bob"]
    assert str(found.skipped) == "skipped 1: 1 blank (line 2)"
