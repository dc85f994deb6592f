"""An inspection of a network through its training: the looks that a run's history holds."""

from pathlib import Path
from typing import Any

from wavemore.errors import FileError
from wavemore.inspection.inspection import Inspection
from wavemore.runs.history import PastRun, read_history
from wavemore.runs.looks import Look

__all__ = ["inspect_history"]

_SETTLED = 30  # steps after which running statistics with a momentum of 0.1 have forgotten where they began


def inspect_history(path: str | Path) -> list[Inspection]:
    """Look into a network through its training: one inspection for each run of the history that training left at
    `path`, that of a teacher before that of its pupil. The run may still go on. Of an ensemble it is the first network.

    Raises `FileError` for a file that is not the history of a run, cannot be read, or says nothing of the inside.
    """
    name = Path(path).name.removesuffix(".history.jsonl")
    runs = read_history(path)
    for run in runs:
        if type(members := run.about.get("members", 1)) is not int:
            raise FileError(f'a run in {path} has the members "{members}", which is no whole number; mend its record')
    found = [_inspection(run, name, path) for run in runs if run.inside]
    if not found:
        raise FileError(
            f"the history {path} has no record of the inside yet; look again when its run has taken a step, or train "
            "the model again if an earlier version wrote it"
        )
    return found


def _inspection(run: PastRun, name: str, path: str | Path) -> Inspection:
    looks = _looks(run, path)
    own = name if run.role == "model" else f"{name}, {run.role}"
    planned, last, members = run.about.get("steps"), looks[-1].step, run.about.get("members", 1)
    steps = f"{last:,} step{'s' * (last > 1)}"
    if isinstance(planned, int) and planned > last:
        steps += f" so far, of {planned:,}"
    count = f"{len(looks)} looks inside, each" if len(looks) > 1 else "one look inside,"
    note = f"the first of {members} networks" if members > 1 else ""
    heading = f"{own}: {steps}, {count} at a step of training and on its batch"
    return Inspection(
        name=own,
        title=f"Inside through training: {own}",
        heading=(f"{heading} ({note})" if note else heading,),
        about={"name": own, "role": run.role, "note": note, "list": run.about.get("list"), "steps": planned},
        looks=looks,
        settled=last >= _SETTLED,
    )


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
