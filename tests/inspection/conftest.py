"""A model with planted troubles, and a small run through training."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import inspected
import numpy as np
import pytest

from wavemore.estimator import StringModel
from wavemore.inspection import Inspection, inspect


@pytest.fixture
def planted(tiny_model: StringModel, strings: list[str]) -> Callable[..., Inspection]:
    """The tiny model inspected after its weights, as float32 arrays by name, were changed."""

    def planted(change: Callable[[dict[str, np.ndarray]], None] = lambda weights: None) -> Inspection:
        weights = {name: array.copy() for name, array in tiny_model.file_.weights.items()}
        change(weights)
        return inspect(replace(tiny_model.file_, weights=weights), strings)

    return planted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.history.jsonl"


@pytest.fixture
def trained(path: Path, strings: list[str]) -> Callable[..., Inspection]:
    """Train a small run whose history is at `path`."""
    return partial(inspected.trained, path, strings)


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory, strings: list[str]) -> Inspection:
    """A sound run through training."""
    return inspected.trained(tmp_path_factory.mktemp("course") / "m.history.jsonl", strings)
