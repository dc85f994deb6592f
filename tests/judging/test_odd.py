"""The odd rows of a column from Python, and of tables of every format."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from faults import names, planted

import wavemore
from wavemore.errors import CorpusError, UsageError
from wavemore.judging import odd as module
from wavemore.judging.odd import odd, odd_table
from wavemore.judging.usual import Usual
from wavemore.lists.layout import Layout


@pytest.fixture(scope="module")
def column() -> list[str]:
    return planted(names(1500), 5)[0]


def written(found) -> list[list[str]]:
    """The cells of the table that is written, head included."""
    file = io.BytesIO()
    found.write(file)
    return [line.split("\t") for line in file.getvalue().decode().splitlines()]


def test_scores_are_in_the_order_of_the_strings(column):
    found = wavemore.odd(column)
    assert found.scores.dtype == np.float64
    assert found.scores.shape == found.one_in.shape == (len(column),)
    assert np.array_equal(found.scores, Usual(column).oddness(column))
    back = wavemore.odd(iter(column[::-1]))
    assert back.scores == pytest.approx(found.scores[::-1])
    assert found.oddest(3) == np.argsort(-found.scores)[:3].tolist()


def test_the_oddest_rows_have_reasons_and_the_others_none(column):
    found = odd(column)
    oddest = set(found.oddest(50))
    assert {i for i, reasons in enumerate(found.reasons) if reasons} == oddest
    assert max(found.one_in) == len(column)


def test_groups_go_with_the_strings(column):
    with pytest.raises(UsageError, match="there are 1500 strings and 2 groups; each string must have one group"):
        odd(column, groups=["a", "b"])
    assert np.isfinite(odd(column, groups=[str(i // 3) for i in range(len(column))]).scores).all()


def test_too_few_strings_are_refused():
    with pytest.raises(CorpusError, match="the column has 2 strings, too few to tell what is usual"):
        odd(["a", "b"])


def test_of_many_rows_a_sample_is_learned_and_all_are_scored(column, monkeypatch):
    monkeypatch.setattr(module, "_SAMPLE", 600)
    found = odd(column)
    assert len(found.usual.lengths) == 600
    assert found.scores.shape == (len(column),)
    sample = module._Sample()
    for start in range(0, len(column), 100):
        sample.add(column[start : start + 100])
    usual, learned = sample.learned()
    assert (np.diff(learned) > 0).all()
    assert sorted(column[i] for i in learned) == sorted(usual._holders.elements())
    assert np.array_equal(usual.oddness(column[:9]), found.usual.oddness(column[:9]))  # whatever the portions
    apart = [module._among(start, 100, learned) for start in range(0, len(column), 100)]
    assert np.flatnonzero(np.concatenate(apart)).tolist() == learned.tolist()


def test_each_row_is_as_likely_to_be_in_the_sample(monkeypatch):
    monkeypatch.setattr(module, "_SAMPLE", 500)
    sample = module._Sample()
    for start in range(0, 10_000, 1000):
        sample.add([str(i) for i in range(start, start + 1000)])
    _, learned = sample.learned()
    tenths = np.bincount(learned // 1000, minlength=10)
    assert len(learned) == 500
    assert ((tenths - 50) ** 2 / 50).sum() < 21.7  # chi-square of nine degrees, 1 %


def test_a_table_has_the_scores_of_its_column(column, tmp_path: Path):
    found = odd(column)
    path = tmp_path / "list.txt"
    path.write_text("\n".join(column) + "\n")
    with odd_table(path) as table:
        head, *rows = written(table)
    assert head == ["oddness", "one_in", "reasons", "string"]
    assert [row[3] for row in rows] == column
    assert [float(row[0]) for row in rows] == pytest.approx(found.scores, rel=1e-5)
    assert [float(row[1]) for row in rows] == pytest.approx(found.one_in.round(), rel=1e-5)
    assert [row[2] for row in rows] == found.reasons
    with odd_table(path, most=70) as table:
        _, *rows = written(table)
    assert [row[3] for row in rows] == [column[i] for i in found.oddest(70)]
    assert all(row[2] for row in rows)


def test_rows_without_a_string_have_no_values_and_vouch_for_nobody(column, tmp_path: Path):
    path = tmp_path / "list.jsonl"
    path.write_text("".join(json.dumps({"name": name}) + "\n{}\n" for name in column))
    with odd_table(path, layout=Layout(column="name")) as table:
        file = io.BytesIO()
        table.write(file, json=True)
    rows = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [row["string"] for row in rows[::2]] == column
    assert {row["oddness"] for row in rows[1::2]} == {None}
    assert [row["oddness"] for row in rows[::2]] == pytest.approx(odd(column).scores, rel=1e-5)
    assert table.tally.without.counts.total() == len(column)


def test_groups_are_read_from_a_column(column, tmp_path: Path):
    groups = [str(i // 3) for i in range(len(column))]
    path = tmp_path / "table.csv"
    path.write_text(
        "id,name,customer\n" + "".join(f"{i},{s},{g}\n" for i, (s, g) in enumerate(zip(column, groups, strict=True)))
    )
    with odd_table(path, layout=Layout(column="name"), group="customer") as table:
        file = io.BytesIO()
        table.write(file)
    rows = [line.split(",") for line in file.getvalue().decode().splitlines()[1:]]
    expected = odd(column, groups=groups)
    assert [float(row[3]) for row in rows] == pytest.approx(expected.scores, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"most": 0}, "the number of rows is 0; it must be a whole number of 1 or more"),
        ({"layout": Layout(column="nme")}, 'table.csv has no column "nme"'),
        ({"layout": Layout(column="name"), "group": "custmer"}, 'table.csv has no column "custmer"'),
    ],
)
def test_what_is_refused(options, sentence, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text("name,customer\n" + "anna,1\n" * 30)
    with pytest.raises(UsageError) as caught, odd_table("table.csv", **options):
        pass
    assert str(caught.value).startswith(sentence)


def test_groups_from_standard_input_are_refused():
    with (
        pytest.raises(UsageError, match="standard input is read once, and groups need a second reading"),
        odd_table("-", group="customer"),
    ):
        pass


def test_rows_that_are_shown_have_reasons_however_many_are_as_odd(column, tmp_path: Path):
    (tmp_path / "list.txt").write_text("\n".join([*column, *["qzxjvv#"] * 100]) + "\n")
    for most in (5, 60):
        with odd_table(tmp_path / "list.txt", most=most) as table:
            rows = written(table)[1:]
        assert len(rows) == most
        assert all(row[2] for row in rows)
    found = odd([*column, *["qzxjvv#"] * 100])
    assert all(found.reasons[place] for place in found.oddest(50))


def test_a_header_that_is_found_is_one_for_the_groups_too(tmp_path: Path):
    """Read by its number, the column of the groups alone would seem to have none."""
    path = tmp_path / "table.csv"
    rows = [(f"k{i // 4}", name) for i, name in enumerate(names(200))]
    path.write_text("kunde,vorname\n" + "".join(f"{group},{name}\n" for group, name in rows))
    with odd_table(path, layout=Layout(column="vorname"), group="1") as table:
        file = io.BytesIO()
        table.write(file)
    found = [float(line.split(",")[2]) for line in file.getvalue().decode().splitlines()[1:]]
    assert found == pytest.approx(odd([name for _, name in rows], groups=[group for group, _ in rows]).scores, rel=1e-5)


def test_no_group_vouches_for_itself(column):
    """Neither where there are few groups, nor for rows that were not learned."""
    strange = [*column[:200], "qzxjvvk"]
    alone = odd(strange).scores[-1]
    few = odd(strange, groups=[*(str(i % 3) for i in range(200)), "3"]).scores[-1]
    assert few == pytest.approx(alone, rel=0.1)
    with pytest.raises(UsageError, match="all rows are of one group, which do not vouch for each other"):
        odd(strange, groups=["a"] * 201)
    usual = Usual([*column, *["xqzvk"] * 5], [*map(str, range(len(column))), *["bad"] * 5])
    scores = [usual.oddness(["xqzvk"], ["bad"], learned=np.array([learned]))[0] for learned in (True, False)]
    assert scores[0] == scores[1]
    assert usual.oddness(["xqzvk"], ["good"], learned=np.array([False]))[0] < scores[0]


def test_counted_lines_are_refused(tmp_path: Path):
    (tmp_path / "counted.txt").write_text("".join(f"{i:7} name{i}\n" for i in range(30)))
    with (
        pytest.raises(UsageError, match="counted lines have each value once"),
        odd_table(tmp_path / "counted.txt", layout=Layout(format="counted")),
    ):
        pass


@pytest.mark.parametrize("groups", [False, True])
def test_missing_strings_stay_in_their_places(column, groups):
    names = [f"g{i % 40}" for i in range(len(column))] if groups else None
    whole = odd(column, groups=names)
    given: list[str | None] = [None, *column[:700], float("nan"), *column[700:], None]  # type: ignore[list-item]
    named = None if names is None else ["x", *names[:700], "x", *names[700:], "x"]
    found = odd(given, groups=named)
    there = [i for i in range(len(given)) if i not in (0, 701, len(given) - 1)]
    assert np.array_equal(found.scores[there], whole.scores)
    assert np.array_equal(found.one_in[there], whole.one_in)
    assert np.isnan(np.delete(found.scores, there)).all()
    assert [found.reasons[i] for i in there] == whole.reasons
    assert found.reasons[0] == found.strings[0] == ""
    assert len(found.oddest(5000)) == len(column)


def test_groups_may_be_numbers_everywhere(column, tmp_path: Path):
    """And those that are missing are groups of their own."""
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    strings, numbers = [*column[:300], *["qwxzqwxz"] * 10], [*(i // 10 for i in range(300)), *[7777] * 10]
    expected = odd(strings, groups=[str(number) for number in numbers]).scores
    assert np.array_equal(odd(strings, groups=np.array(numbers)).scores, expected)
    rows = zip(strings, numbers, strict=True)
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"name": s, "g": g}) + "\n" for s, g in rows))
    pq.write_table(pyarrow.table({"name": strings, "g": numbers}), tmp_path / "t.parquet")
    for name in ("t.jsonl", "t.parquet"):
        with odd_table(tmp_path / name, layout=Layout(column="name"), group="g") as table:
            file = io.BytesIO()
            table.write(file, json=True)
        found = [json.loads(line)["oddness"] for line in file.getvalue().decode().splitlines()]
        assert found == pytest.approx(expected, rel=1e-5)
    alone = odd(strings, groups=[*numbers[:-10], *[None] * 10]).scores[-1]
    assert alone < expected[-1]
    with pytest.raises(UsageError, match="the groups are 'abc'; they must be a list"):
        odd(strings, groups="abc")


@pytest.mark.parametrize("n", [-1, 2.5, "3"])
def test_a_number_of_rows_that_is_none(column, n):
    with pytest.raises(UsageError, match="the number of rows is"):
        odd(column[:100]).oddest(n)
