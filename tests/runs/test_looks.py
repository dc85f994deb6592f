"""A look and its record: what is written is what is read."""

import pytest
from recorded import Fit

from wavemore.runs.looks import Look
from wavemore.settings.config import Recipe


@pytest.mark.parametrize("model", [{}, {"activation": "gated", "norm": "layer"}, {"kind": "gru"}])
def test_the_record_of_a_look_is_read_as_it_was_written(model, strings, tmp_path):
    tables = {"model": {"embedding": 4, "hidden": 8, **model}, "train": {"steps": 3, "batch": 30}}
    fit = Fit(Recipe.from_dict(tables), strings, tmp_path)
    fit()
    (run,) = fit.runs
    assert [record["step"] for record in run.inside] == [1, 3]
    for record in run.inside:
        assert Look.of(record).record() == record
        assert list(Look.of(record).record()) == list(record)
