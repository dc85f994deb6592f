"""The inside of a network through its training: what a run's history says of the steps that were looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from wavemore.errors import FileError
from wavemore.inspection.course_findings import course_findings
from wavemore.runs.history import PastRun, read_history
from wavemore.runs.looks import Look

__all__ = ["Course", "inspect_history"]


@dataclass(frozen=True)
class Course:
    """One network's way through training, at the steps that were looked at."""

    name: str
    """The run's name, with its role where it is a teacher."""
    about: Mapping[str, Any]
    """What the run is, as its history says."""
    looks: tuple[Look, ...]
    """In the order of their steps; one at least."""

    @property
    def note(self) -> str:
        """Which network of the model it is, where there are several."""
        members = self.about.get("members", 1)
        return f"the first of {members} networks" if members > 1 else ""

    @property
    def steps(self) -> np.ndarray:
        """(k,): the steps that were looked at."""
        return np.array([look.step for look in self.looks])

    def some(self, count: int) -> list[Look]:
        """So many looks at even distances, the first and the last among them; all where there are no more."""
        places = np.linspace(0, len(self.looks) - 1, min(count, len(self.looks))).round().astype(int)
        return [self.looks[i] for i in places]

    @cached_property
    def findings(self) -> list[str]:
        """What wants attention, a sentence each; empty for a sound run."""
        return course_findings(self.looks)


def inspect_history(path: str | Path) -> list[Course]:
    """Look into a network through its training: one course for each run of the history that training left at `path`,
    that of a teacher before that of its pupil. The run may still go on. Of an ensemble it is the first network.

    Raises `FileError` for a file that is not the history of a run, cannot be read, or says nothing of the inside.
    """
    name = Path(path).name.removesuffix(".history.jsonl")
    runs = read_history(path)
    for run in runs:
        if type(members := run.about.get("members", 1)) is not int:
            raise FileError(f'a run in {path} has the members "{members}", which is no whole number; mend its record')
    courses = [
        Course(name if run.role == "model" else f"{name}, {run.role}", run.about, _looks(run, path))
        for run in runs
        if run.inside
    ]
    if not courses:
        raise FileError(
            f"the history {path} has no record of the inside yet; look again when its run has taken a step, or train "
            "the model again if an earlier version wrote it"
        )
    return courses


def _looks(run: PastRun, path: str | Path) -> tuple[Look, ...]:
    looks = []
    for record in run.inside:
        try:
            looks.append(Look.of(record))
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            step = record["step"]
            raise FileError(
                f"the record of the inside at step {step} of {path} is not sound; remove its line"
            ) from error
    if len({_kind(look) for look in looks}) > 1:
        raise FileError(f"the records of the inside in {path} are of different networks; remove the odd ones")
    return tuple(sorted(looks, key=lambda look: look.step))


def _kind(look: Look) -> tuple[Any, ...]:
    """What is the same at all looks into one network."""
    return (
        tuple((parameter.name, parameter.group, parameter.shape) for parameter in look.parameters),
        tuple((level.level, level.activation, level.units) for level in look.levels),
        tuple(norm.name for norm in look.norms),
    )
