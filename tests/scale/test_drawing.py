"""Batches of samples are the same whoever draws them, and one after the other what a model draws at once."""

import pytest

from wavemore.errors import UsageError
from wavemore.estimator import StringModel, load
from wavemore.scale.drawing import sampled

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def names() -> StringModel:
    return load()


def test_faithful_batches_are_the_models_own_samples_one_after_the_other(names):
    batches = [sampled(names, i, seed=5, size=2048).to_pylist() for i in (1, 0)]
    assert batches[1] + batches[0] == names.sample(4096, seed=5)
    assert sampled(names, 1, seed=5, size=2048, strings=300).to_pylist() == batches[0][:300]
    assert sampled(names, 0, seed=5, size=1024, strings=0).to_pylist() == []


def test_batches_of_labels_are_the_models_own_samples(labelled):
    batches = [sampled(labelled, i, seed=5, size=1024).to_pylist() for i in range(2)]
    assert batches[0] + batches[1] == labelled.sample(2048, seed=5)


def test_with_conditions_each_batch_has_a_seed_of_its_own(names):
    first, second = (sampled(names, i, seed=5, size=30, starts_with="an").to_pylist() for i in (0, 1))
    assert first == sampled(names, 0, seed=5, size=30, starts_with="an").to_pylist()
    assert first != second
    assert all(string.startswith("an") for string in first + second)
    plausible = sampled(names, 0, seed=5, size=30, faithful=False).to_pylist()
    assert len(plausible) == 30
    assert plausible != names.sample(30, seed=5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"size": 1000}, "the size of a batch is 1,000; it must be a multiple of 1,024"),
        ({"unique": True}, "unique looks at all batches together; draw them, and take out what comes twice"),
        ({"i": -1}, "the number of a batch is -1; it must be a whole number of 0 or more"),
    ],
)
def test_wrong_arguments_are_one_sentence(names, arguments, sentence):
    with pytest.raises(UsageError) as error:
        sampled(names, **{"i": 0, "seed": 1, **arguments})
    assert str(error.value) == sentence
