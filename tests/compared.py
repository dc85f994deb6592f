"""What the tests of comparisons share: small recipes, and what a comparison found and kept."""

import json
from pathlib import Path
from typing import Any

from wavemore.comparison.folder import RECORDS
from wavemore.comparison.results import Comparison

TINY = """
[model]
groups = [2, 2]
embedding = 4
hidden = 8
[train]
steps = 30
batch = 32
evaluate_every = 10
"""
WILD = '[model]\ngroups = [2, 2]\n[train]\nform = "windowed"\noptimizer = "sgd"\nrate = 1e9\nsteps = 20\n'
LECTURE = {"data.split": "lecture"}


def losses(comparison: Comparison) -> list[list[Any]]:
    """Everything but seconds."""
    return [[(run.seed, run.parameters, run.losses) for run in result.runs] for result in comparison.results]


def kept() -> list[dict[str, Any]]:
    """The records in the folder "kept"."""
    return [json.loads(line) for line in (Path("kept") / RECORDS).read_text().removesuffix("\n").split("\n")]
