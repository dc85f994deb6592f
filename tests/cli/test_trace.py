"""`wavemore trace`: the shape after every layer."""

import re

from command_line import records

from wavemore.models.modelfile import ModelFile

NOTES = """\
layer                  shape         parameters
Embedding              (32, 8, 10)          270
FlattenConsecutive(2)  (32, 4, 20)
Linear                 (32, 4, 100)       2,000
BatchNorm1d            (32, 4, 100)         200
Tanh                   (32, 4, 100)
FlattenConsecutive(2)  (32, 2, 200)
Linear                 (32, 2, 100)      20,000
BatchNorm1d            (32, 2, 100)         200
Tanh                   (32, 2, 100)
FlattenConsecutive(2)  (32, 200)
Linear                 (32, 100)         20,000
BatchNorm1d            (32, 100)            200
Tanh                   (32, 100)
Linear                 (32, 27)           2,700
BatchNorm1d            (32, 27)              54
sum                                      45,624

flattening alone: (8, 10) -> (4, 20) -> (2, 40) -> (80)
"""


def test_trace_of_the_notes(answer):
    assert answer("trace --recipe notes") == (NOTES, "")


def test_trace_takes_batch_vocabulary_and_settings(answer):
    out, _ = answer("trace --recipe notes --batch 5 --vocabulary 7 --set model.groups=[4,2] --set model.bias=true")
    shapes = re.findall(r"\(\d+(?:, \d+)+\)", out)
    assert shapes[:2] == ["(5, 8, 10)", "(5, 2, 40)"]
    assert "(5, 7)" in shapes
    assert out.endswith("\nflattening alone: (8, 10) -> (2, 40) -> (80)\n")


def test_trace_of_a_model(answer, tiny_path):
    out, _ = answer("trace tiny.safetensors --json --batch 3")
    steps = records(out)
    assert steps[0] == {"layer": "Embedding", "shape": [3, 4, 4], "parameters": 32}
    assert steps[-1]["shape"] == [3, 8]
    assert sum(step["parameters"] for step in steps) == ModelFile.load(tiny_path).parameter_count
