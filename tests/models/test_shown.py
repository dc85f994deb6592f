"""A model file is shown in a line."""

from dataclasses import replace

import pytest
from modelfiles import a_model

from wavemore.estimator import load


def test_the_model_in_the_package():
    assert repr(load().file_) == "<ModelFile of 'names', 17,154 strings, wavenet, 76,579 parameters>"


@pytest.mark.parametrize(
    ("provenance", "shows"),
    [
        ({"data": {"name": "towns", "strings": 2000}}, "of 'towns', 2,000 strings, "),
        ({"data": {"name": "", "strings": 3}}, "3 strings, "),
        ({"data": {"name": "x" * 10_000}}, f"of '{'x' * 40}', "),
        ({"data": {"name": "\x1b\n"}}, r"of '\x1b\n', "),
        ({"data": []}, ""),
        ({}, ""),
    ],
)
def test_others(provenance, shows):
    shown = repr(replace(a_model(), provenance=provenance))
    assert shown == f"<ModelFile {shows}wavenet, {a_model().parameter_count} parameters>"
    assert len(shown) < 200
