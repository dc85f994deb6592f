"""The inside of a network through its training as text and as records."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from wavemore.inspection.course import Course
from wavemore.inspection.report import histogram_record, parameter_record
from wavemore.runs.looks import Look
from wavemore.tables.printed import aligned

__all__ = ["course_records", "course_text"]

_COLUMNS = 6  # looks that a table shows where all are wider than
_WIDTH = 120


def course_text(course: Course) -> Iterator[str]:
    """One table of looks side by side, and findings, line by line."""
    planned, last = course.about.get("steps", 0), course.looks[-1].step
    so_far = f" so far, of {planned:,}" if isinstance(planned, int) and planned > last else ""
    note = f" ({course.note})" if course.note else ""
    count = len(course.looks)
    looks = f"{count} looks" if count > 1 else "one look"
    table, shown = aligned(list(_rows(course.looks))), ""
    if count > _COLUMNS and max(map(len, table)) > _WIDTH:
        table, shown = aligned(list(_rows(course.some(_COLUMNS)))), f"; {_COLUMNS} of {count} shown, --json has all"
    about = f"{last:,} steps{so_far}, {looks} inside, each at a step of training and on its batch{note}"
    yield f"{course.name}: {about}{shown}"
    yield ""
    yield from table
    yield ""
    yield from course.findings or [_sound(course.looks[0])]


def _sound(look: Look) -> str:
    """That nothing was found, of all that can be looked at in such a model."""
    if not look.levels:
        return (
            "nothing wants attention: no odd steps; dead units, saturation and gradients are looked at in levels alone"
        )
    gradient = ", no vanishing gradient" if len(look.levels) > 1 else ""
    return f"nothing wants attention: no dead units, no saturated level{gradient}, no odd steps"


def _rows(looks: Sequence[Look]) -> Iterator[tuple[str, ...]]:
    def rows(name: str, cell: Callable[[Look], str]) -> tuple[str, ...]:
        return (f"  {name}", *map(cell, looks))

    def heading(name: str) -> tuple[str, ...]:
        return (name, *("" for _ in looks))

    yield ("step", *(f"{look.step:,}" for look in looks))
    levels = looks[0].levels
    if levels:
        yield heading("saturated")
        for i, level in enumerate(levels):
            for part in level.flat:
                yield rows(
                    f"level {level.level}, {part}", lambda look, i=i, part=part: f"{look.levels[i].flat[part]:.1%}"
                )
        yield heading("dead units")
        for i, level in enumerate(levels):
            yield rows(f"level {level.level}, of {level.units:,}", lambda look, i=i: str(len(look.levels[i].dead)))
        yield heading("standard deviation of activations")
        for i, level in enumerate(levels):
            yield rows(f"level {level.level}", lambda look, i=i: f"{look.levels[i].deviation:.3f}")
    yield heading("log10 update / weight")
    for i, parameter in enumerate(looks[0].matrices):
        yield rows(parameter.name, lambda look, i=i: _ratio(look.matrices[i].update_ratio))
    yield heading("gradient norm")
    for group in looks[0].gradient_norms:
        yield rows(group, lambda look, group=group: f"{look.gradient_norms[group]:.2g}")
    if looks[0].norms:
        yield heading("running mean off the batch's, in deviations")
        for i, norm in enumerate(looks[0].norms):
            yield rows(norm.name, lambda look, i=i: f"{look.norms[i].shift_size:.3f}")


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def course_records(course: Course) -> Iterator[dict[str, Any]]:
    """One record for the run, one for each level, parameter and norm at each look, and one for the findings, ready for
    JSON. "what" says which it is."""
    yield {
        "what": "run",
        "name": course.name,
        "note": course.note,
        "list": course.about.get("list"),
        "steps": course.about.get("steps"),
        "looks": course.steps.tolist(),
    }
    for look in course.looks:
        yield from _look_records(look)
    yield {"what": "findings", "findings": course.findings}


def _look_records(look: Look) -> Iterator[dict[str, Any]]:
    for level in look.levels:
        yield {
            "what": "activations",
            "step": look.step,
            "level": level.level,
            "mean": level.mean,
            "deviation": level.deviation,
            "saturated": dict(level.flat),
            "dead": list(level.dead),
            "normed": histogram_record(level.normed),
            "activated": histogram_record(level.activated),
        }
    for parameter in look.parameters:
        yield {"what": "parameter", "step": look.step, **parameter_record(parameter)}
    for norm in look.norms:
        yield {
            "what": "norm",
            "step": look.step,
            "name": norm.name,
            "shift": norm.shift_size,
            "scale": norm.scale_size,
        }
