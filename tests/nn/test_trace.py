import pytest

from wavemore.errors import UsageError
from wavemore.nn.trace import flattening, trace
from wavemore.settings.config import ModelConfig, load_recipe


def test_the_notes_listing():
    steps = trace(load_recipe("notes").wavenet, 27, 32)
    assert [(step.layer, step.shape) for step in steps] == [
        ("Embedding", (32, 8, 10)),
        ("FlattenConsecutive(2)", (32, 4, 20)),
        ("Linear", (32, 4, 100)),
        ("BatchNorm1d", (32, 4, 100)),
        ("Tanh", (32, 4, 100)),
        ("FlattenConsecutive(2)", (32, 2, 200)),
        ("Linear", (32, 2, 100)),
        ("BatchNorm1d", (32, 2, 100)),
        ("Tanh", (32, 2, 100)),
        ("FlattenConsecutive(2)", (32, 200)),
        ("Linear", (32, 100)),
        ("BatchNorm1d", (32, 100)),
        ("Tanh", (32, 100)),
        ("Linear", (32, 27)),
        ("BatchNorm1d", (32, 27)),
    ]


def test_one_row_can_be_traced():
    assert trace(ModelConfig(), 27, 1)[-1].shape == (1, 27)


def test_flattening_alone():
    assert flattening(ModelConfig(embedding=10)) == [(8, 10), (4, 20), (2, 40), (80,)]
    assert flattening(ModelConfig(groups=(8,), embedding=10)) == [(8, 10), (80,)]


def test_sizes_that_make_no_sense():
    with pytest.raises(UsageError, match="the batch is 0; it must be from 1 to 1000000"):
        trace(ModelConfig(), 27, 0)
