"""The rows of a table in another order."""

import math
from itertools import count

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from listed import Listed

from wavemore.tables.columns import Part
from wavemore.tables.ranking import ranked

numbers = st.sampled_from([-math.inf, -2.0, -1.0, 0.5, math.inf, math.nan])


@given(st.lists(st.lists(numbers, min_size=1, max_size=5), max_size=5), st.integers(1, 8), st.booleans())
def test_the_lowest_rows_are_those_of_a_full_sort(portions, most, reverse):
    """In any portions; equal rows stay in their order, and rows without a value come last or not at all."""
    table = Listed()
    names = count()
    parts = []
    for values in portions:
        kept = [str(next(names)) for _ in values]
        parts.append(Part(kept, kept, {"log_likelihood": np.array(values), "unknown": kept}, range(len(kept))))
    rows = [
        (name, value) for part in parts for name, value in zip(part.kept, part.columns["log_likelihood"], strict=True)
    ]
    with_value = [row for row in rows if not math.isnan(row[1])]
    with_value.sort(key=lambda row: -row[1] if reverse else row[1])
    without = [row for row in rows if math.isnan(row[1])]

    def names_of(most: int | None) -> list[str]:
        out = list(ranked(table, parts, "log_likelihood", most=most, reverse=reverse))
        kept = [name for part in out for name in part.kept]
        assert kept == [name for part in out for name in part.texts]
        assert kept == [name for part in out for name in part.columns["unknown"]]
        return kept

    assert names_of(None) == [name for name, _ in (*with_value, *without)]
    assert names_of(most) == [name for name, _ in with_value[:most]]


def test_no_more_rows_than_wanted_and_a_portion_are_held(monkeypatch):
    table = Listed()
    joined = []
    join = table.join
    monkeypatch.setattr(table, "join", lambda kept: joined.append(sum(map(len, kept))) or join(kept))
    parts = [Part([*"abcdefghij"], [*"abcdefghij"], {"log_likelihood": np.arange(10.0)}, range(10)) for _ in range(20)]
    (part,) = ranked(table, iter(parts), "log_likelihood", most=3)
    assert part.kept == ["a", "a", "a"]
    assert max(joined) == 6


def test_rows_by_text():
    table = Listed()
    part = Part([1, 2, 3], ["", "", ""], {"best": ["b", "a", "b"]}, [1, 2, 3])
    assert [p.kept for p in ranked(table, [part], "best")] == [[2, 1, 3]]
    assert [p.kept for p in ranked(table, [part], "best", reverse=True)] == [[1, 3, 2]]
