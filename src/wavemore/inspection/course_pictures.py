"""The pictures of a network's inside through its training, each with a sentence what to look for. Needs matplotlib.

What is drawn over steps has a point for each look; histograms are those of the first, the middle and the last.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wavemore.canvas import COLOURS, GREY, MARKS, Fill, legend_above, short
from wavemore.inspection.course import Course
from wavemore.inspection.findings import LARGE_STEPS, SATURATED, SCALED, SHIFTED
from wavemore.inspection.pictures import MOST_LINES, Picture, histogram_line, shade
from wavemore.runs.measures import DEAD

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["course_pictures"]

_DRAWN = 3  # looks whose histograms are drawn


def course_pictures(course: Course) -> list[Picture]:
    """All pictures that there are of a course."""
    pictures = [
        Picture(
            "steps",
            "How far each step moves the weights",
            "Look for lines near 0, whose weights are overwritten, and for lines far below the others, which hardly "
            "learn; the recipes' levels run between -1 and -2, and lower as the rate falls." + _of_head(course),
            (11, 6.6),
            _steps(course),
        ),
        Picture(
            "gradients",
            "How large gradients are",
            "Look for level 1 far below the others, where the gradient vanishes on its way down, and for leaps, where "
            "the rate is too high.",
            (11, 6.6),
            _gradients(course),
        ),
        *(_of_levels(course) if course.looks[0].levels else []),
        Picture(
            "gradient-sizes",
            "How gradients spread",
            "Look for humps that drift left from the head to level 1, or through training: they hardly learn any more.",
            (13, 6.0),
            _gradient_sizes(course),
        ),
    ]
    if course.looks[0].norms:
        look_for = (
            "Look for lines that stay off the dashed one: evaluation then uses statistics that batches do not have; at "
            "the start they are off by nature."
        )
        pictures.append(
            Picture("norms", "What BatchNorm remembers against each batch", look_for, (13, 5.6), _norms(course))
        )
    prefix = "teacher-" if course.about.get("role") == "teacher" else ""
    return [one._replace(name=prefix + one.name, title=f"{one.title}: {course.name}") for one in pictures]


def _of_head(course: Course) -> str:
    """What excuses the head of a WaveNet at the first step, unless it has a norm that starts small in its place."""
    first = course.looks[0]
    if not first.levels or first.step != 1 or any(p.name == "head.norm.gamma" for p in first.parameters):
        return ""
    return " At step 1 the head's ratio is large by design: it starts at a tenth."


def _of_levels(course: Course) -> list[Picture]:
    return [
        Picture(
            "levels",
            "What the levels hold",
            "Look for a level whose values are saturated from the start (weights too large) or ever more (rate too "
            "high), and for dead units that stay dead.",
            (13, 5.6),
            _levels(course),
        ),
        Picture(
            "activations",
            "What the activations are given and give",
            "Look for humps in the grey, where the activation is flat and learns nothing, and for levels that drift "
            "apart.",
            (13, 8.4),
            _activations(course),
        ),
    ]


def _over_steps(axes: "Axes", course: Course, label: str) -> None:
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    axes.xaxis.set_major_formatter(lambda value, _: short(value))
    axes.grid(color="0.92")
    if len(course.looks) == 1:  # a single point needs room
        axes.set_xlim(course.looks[0].step - 1, course.looks[0].step + 1)


def _curve(axes: "Axes", course: Course, values: Sequence[float | None], i: int, label: str, **style: Any) -> None:
    """A line with a mark at each look; the places of None are left out."""
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    style = {"linewidth": 2, "marker": MARKS[i % len(MARKS)], "markersize": 5, **style}
    axes.plot(course.steps, numbers, color=COLOURS[i % len(COLOURS)], label=label, **style)


def _some(count: int) -> list[int]:
    """At most as many numbers below `count` as there are colours, at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_LINES)).round().astype(int)).tolist()


def _steps(course: Course) -> Fill:
    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        matrices = course.looks[0].matrices
        for i, place in enumerate(_some(len(matrices))):
            ratios = [look.matrices[place].update_ratio for look in course.looks]
            _curve(axes, course, ratios, i, matrices[place].name)
        axes.axhline(-3, color=GREY, linestyle="--", label="-3, the lecture's rule of thumb")
        axes.axhline(LARGE_STEPS, color=GREY, linestyle=":", label=f"{LARGE_STEPS:g}: too large for most steps")
        _over_steps(axes, course, "log10 of (update / weight)\nroot mean squares, no unit")
        legend_above(axes, columns=3)

    return draw


def _gradients(course: Course) -> Fill:
    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        groups = list(course.looks[0].gradient_norms)
        for i, place in enumerate(_some(len(groups))):
            norms = [look.gradient_norms[groups[place]] or None for look in course.looks]
            _curve(axes, course, norms, i, groups[place])
        axes.set_yscale("log")
        for note in _zeros(course):
            axes.plot([], [], " ", label=note)
        _over_steps(axes, course, "gradient norm\nnats per unit of weight (log scale)")
        legend_above(axes, columns=4)

    return draw


def _zeros(course: Course) -> list[str]:
    """Where gradient norms are exactly 0, which a logarithmic axis cannot show: "0 from step 40 on: level 2"."""
    groups: dict[str, list[str]] = {}
    for group in course.looks[0].gradient_norms:
        steps = [look.step for look in course.looks if look.gradient_norms[group] == 0]
        if not steps:
            continue
        on = len(steps) > 1 and steps == course.steps[-len(steps) :].tolist()
        when = f"from step {steps[0]:,} on" if on else f"at step{'s' * (len(steps) > 1)} {', '.join(map(short, steps))}"
        groups.setdefault(when, []).append(group)
    return [f"0 {when}: {', '.join(names)}" for when, names in groups.items()]


def _levels(course: Course) -> Fill:
    def draw(figure: "Figure") -> None:
        spread, flat, dead = figure.subplots(1, 3)
        levels = course.looks[0].levels
        for i, place in enumerate(_some(len(levels))):
            seen = [look.levels[place] for look in course.looks]
            name = f"level {levels[place].level}"
            _curve(spread, course, [level.deviation for level in seen], i, name)
            for part, style in zip(levels[place].flat, ("-", ":"), strict=False):
                shares = [100 * level.flat[part] for level in seen]
                _curve(flat, course, shares, i, f"{name}, {part}", linestyle=style)
            _curve(dead, course, [100 * len(level.dead) / level.units for level in seen], i, name)
        flat.axhline(100 * SATURATED, color=GREY, linestyle="--", label=f"{SATURATED:.0%}: too many")
        _over_steps(spread, course, "standard deviation\nof activations, no unit")
        _over_steps(flat, course, "saturated values, %")
        _over_steps(dead, course, f"dead units, %\n(deviation below {DEAD:g})")
        spread.set_ylim(bottom=0)
        for axes in (flat, dead):
            top = max(10.0, 1.1 * axes.get_ylim()[1])
            axes.set_ylim(-top / 30, top)
        for axes in (spread, flat, dead):
            legend_above(axes, columns=2)

    return draw


def _activations(course: Course) -> Fill:
    def draw(figure: "Figure") -> None:
        looks = course.some(_DRAWN)
        grid = figure.subplots(2, len(looks), squeeze=False, sharey="row")
        for (given, gives), look in zip(grid.T, looks, strict=True):
            for i, place in enumerate(_some(len(look.levels))):
                level = look.levels[place]
                histogram_line(given, level.normed, COLOURS[i], f"level {level.level}")
                about = f"level {level.level}: mean {level.mean:.2f}, sd {level.deviation:.2f}"
                histogram_line(gives, level.activated, COLOURS[i], about)
            shade(given, look.levels[0].activation)
            given.set_title(f"step {look.step:,}", fontsize="medium")
            given.set_xlabel("value given to the activation\n(the ends hold all beyond)")
            gives.set_xlabel("value that it gives\n(before a residual)")
            gives.set_yscale("log")
            legend = given.legend(loc="upper right", fontsize="small", framealpha=0.9)
            legend.set_zorder(5)
            legend_above(gives)
            for axes in (given, gives):
                axes.grid(color="0.92")
        grid[1, 0].set_ylim(bottom=1e-2)  # of the whole row, and so after all its lines, whose top would be cut
        for axes in grid[:, 0]:
            axes.set_ylabel("share of values, % a bin")

    return draw


def _gradient_sizes(course: Course) -> Fill:
    def draw(figure: "Figure") -> None:
        looks = course.some(_DRAWN)
        panels = figure.subplots(1, len(looks), squeeze=False, sharex=True, sharey=True)[0]
        used = [-5.0, -2.0]
        for axes, look in zip(panels, looks, strict=True):
            for i, place in enumerate(_some(len(look.matrices))):
                sizes = look.matrices[place].magnitudes
                histogram_line(axes, sizes, COLOURS[i], look.matrices[place].name)
                used += sizes.edges[:-1][sizes.shares > 1e-3].tolist()
            axes.set_title(f"step {look.step:,}", fontsize="medium")
            axes.grid(color="0.92")
        panels[0].set_xlim(min(used) - 0.2, max(used) + 0.6)
        panels[0].set_ylabel("share of the tensor, % a bin")
        size = "log10 of a gradient's size,\nnats per unit of weight\n(the ends hold all beyond)"
        for axes in panels:
            axes.set_xlabel(size)
        legend_above(panels[0], columns=2, height=1.07)  # above the panel's title

    return draw


def _norms(course: Course) -> Fill:
    def draw(figure: "Figure") -> None:
        shift, scale = figure.subplots(1, 2)
        norms = course.looks[0].norms
        for i, place in enumerate(_some(len(norms))):
            _curve(shift, course, [look.norms[place].shift_size for look in course.looks], i, norms[place].name)
            _curve(scale, course, [look.norms[place].scale_size for look in course.looks], i, norms[place].name)
        shift.axhline(0, color=GREY, linestyle="--", label="0: they agree")
        scale.axhline(1, color=GREY, linestyle="--", label="1: they agree")
        shift.axhline(SHIFTED, color=GREY, linestyle=":", label=f"{SHIFTED:g}: stale")
        scale.axhline(SCALED, color=GREY, linestyle=":", label=f"{SCALED:g}: stale")
        _over_steps(shift, course, "running mean off the batch's,\nrunning standard deviations")
        _over_steps(scale, course, "running sd off the batch's, a factor")
        for axes in (shift, scale):
            legend_above(axes, columns=2)

    return draw
