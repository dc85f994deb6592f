"""Jobs on a cluster of Ray: each part is a task of one CPU, and a task whose worker dies is done again elsewhere.

Every worker must see the job's folder and files under the same paths.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from wavemore.scale.parts import Part, Runner
from wavemore.tasks.task import Engine

__all__ = ["runner_on"]


def runner_on(engine: Engine) -> Runner:
    """A `Runner` whose parts are an engine's tasks."""

    def run(parts: Sequence[Part], folder: str) -> Iterator[int]:
        if not parts:
            return
        shared = parts[0].shared, os.path.abspath(folder)  # noqa: PTH100
        # The model goes once to each machine, and not with each part.
        bare: list[Any] = list(parts)
        for finished in engine(_written, shared, (replace(part, shared=None) for part in bare)):
            yield finished.result()

    return run


def _written(shared: tuple[Any, str], part: Any) -> int:
    """What a worker does."""
    model, folder = shared
    return replace(part, shared=model).write(folder)
