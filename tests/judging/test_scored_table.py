"""Tables with the scores of their rows: rows without a string, rows that are left out, and the order of rows."""

import io

import numpy as np
import pytest
from listed import Listed

from wavemore.errors import UnknownCharacterError, UsageError
from wavemore.estimator import StringModel
from wavemore.judging.row_scores import Judge, RowScores
from wavemore.judging.scored_table import Order, Tally, scored, scored_table


@pytest.fixture(scope="module")
def judge(tiny_model: StringModel) -> Judge:
    return Judge("tiny", tiny_model.file_, tiny_model.distribution_)


def test_rows_without_a_string_are_kept_without_values(judge):
    tally = Tally()
    table = Listed(["ba", None, "x"], [None])
    first, second = scored(table, table.portions(), RowScores([judge]), tally)
    assert first.kept == ["ba", None, "x"]
    assert np.isnan(first.columns["log_likelihood"]).tolist() == [False, True, False]
    assert first.columns["unknown"] == ["", "", "x"]
    assert np.isnan(second.columns["bits_per_character"]).all()
    assert str(tally.without) == "skipped 2: 2 blank (lines 2, 4)"
    assert tally.unknown == 1


def test_rows_with_unknown_characters_are_left_out(judge, tiny_model):
    table = Listed([None, "ax", "ba", "x", "kolo"])
    tally = Tally()
    (part,) = scored(table, table.portions(), RowScores([judge], "drop"), tally)
    assert part.kept == [None, "ba", "kolo"]
    assert part.texts == ["", "ba", "kolo"]
    assert part.columns["log_likelihood"][1:] == pytest.approx(tiny_model.score_samples(["ba", "kolo"]))
    assert tally.unknown == 2


def test_the_first_unknown_character_stops(judge):
    table = Listed(["ba"], [None, "kolo", "ax"])
    with pytest.raises(UnknownCharacterError) as caught:
        list(scored(table, table.portions(), RowScores([judge], "error"), Tally()))
    assert str(caught.value) == (
        "line 4 of the list: 'x' (U+0078) in 'ax' is not among the 7 characters that the model knows: abdeklo"
    )


def test_from_python_as_from_the_command_line(tiny_model):
    """The strings themselves as the table, into any file."""
    file = io.BytesIO()
    with scored_table(["dede", "x", "kolo"], tiny_model.row_scores(), Order(sort="log_likelihood")) as found:
        found.write(file)
    _, *rows = (line.split("\t") for line in file.getvalue().decode().splitlines())
    low, high = sorted(["dede", "kolo"], key=lambda string: tiny_model.score([string]))
    assert [row[3] for row in rows] == ["x", low, high]
    assert float(rows[2][0]) == pytest.approx(tiny_model.score([high]), abs=1e-6)
    assert found.tally.unknown == 1


def test_a_column_to_sort_by_that_is_not_there(tiny_model):
    with (
        pytest.raises(UsageError) as caught,
        scored_table(["a"], tiny_model.row_scores(), Order(sort="log_liklihood")),
    ):
        pass
    assert str(caught.value) == (
        'there is no added column "log_liklihood" to sort by (did you mean "log_likelihood"?); '
        "there are log_likelihood, bits_per_character, unknown"
    )
