"""A model with labels."""

import pytest
from tiny import tiny_strings

from wavemore.estimator import StringModel


@pytest.fixture(scope="session")
def labelled() -> StringModel:
    """Of two labels, quickly learned."""
    strings = [*tiny_strings(), "adam", "eve", "mable"]
    settings = {"model.groups": [2, 2], "model.embedding": 4, "model.hidden": 8, "train.steps": 20, "train.batch": 32}
    labels = ["even" if len(string) % 2 == 0 else "odd" for string in strings]
    return StringModel("fast", settings=settings).fit(strings, labels={"length": labels})
