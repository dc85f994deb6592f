"""The pictures of an inspection's numbers. Needs matplotlib.

Numbers of several looks are lines over their steps with a point for each, those of a single look points in rows.
Histograms are those of the first, the middle and the last look.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wavemore.inspection.findings import LARGE_STEP, LARGE_STEPS, SATURATED, SCALED, SHIFTED, VANISHING
from wavemore.inspection.inspection import Inspection
from wavemore.runs.canvas import COLOURS, GREY, MARKS, legend_above, short
from wavemore.runs.looks import Look
from wavemore.runs.measures import DEAD, FLAT, FLAT_GELU, GELUS, Histogram, Parameter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["activations", "channels", "gradient_sizes", "gradients", "levels", "norms", "steps"]

_DRAWN = 3  # looks whose histograms are drawn
_FACTORS = (0.1, 0.2, 0.4, 0.67, 0.8, 1, 1.25, 1.5, 2.5, 5, 10)  # ticks


class _Line(NamedTuple):
    """One number of each look; None where there is none."""

    name: str
    values: Sequence[float | None]
    colour: int
    style: str = "-"


class _Bound(NamedTuple):
    """A line across all numbers."""

    value: float
    style: str
    name: str


def _draw(
    axes: "Axes",
    seen: Inspection,
    label: str,
    lines: Sequence[_Line],
    bounds: Sequence[_Bound] = (),
    *,
    columns: int = 2,
    notes: Sequence[str] = (),
) -> None:
    """The numbers of the looks, with a legend above them; `notes` are lines of the legend without a line drawn."""
    for name, values, i, line in lines:
        numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        style: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)], "marker": MARKS[i % len(MARKS)], "linestyle": line}
        if not seen.alone:
            axes.plot(seen.steps, numbers, label=name, linewidth=2, markersize=5, **style)
        else:
            axes.plot(numbers, [name], markersize=9, **style)
            if values[0] is not None:
                place: dict[str, Any] = {"xytext": (9, 0), "textcoords": "offset points", "va": "center"}
                axes.annotate(f"{values[0]:.3g}", (values[0], name), **place)  # pyright: ignore[reportArgumentType]
    for value, line, name in bounds:
        (axes.axvline if seen.alone else axes.axhline)(value, color=GREY, linestyle=line, label=name)
    for note in notes:
        axes.plot([], [], " ", label=note)
    if seen.alone:
        axes.set_xlabel(label)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.margins(x=0.15)
    else:
        axes.set_xlabel("step")
        axes.set_ylabel(label)
        axes.xaxis.set_major_formatter(lambda value, _: short(value))
    axes.grid(color="0.92")
    if axes.get_legend_handles_labels()[0]:
        legend_above(axes, columns=columns)


def _some(count: int) -> list[int]:
    """At most as many numbers below `count` as there are colours, at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, len(COLOURS))).round().astype(int)).tolist()


def _lines(seen: Inspection, names: Sequence[str], number: Callable[[Look, int], float | None]) -> list[_Line]:
    """A line for each name, of several looks for some; `number` takes the place of a name."""
    places = range(len(names)) if seen.alone else _some(len(names))
    return [
        _Line(names[place], [number(look, place) for look in seen.looks], 0 if seen.alone else i)
        for i, place in enumerate(places)
    ]


def steps(seen: Inspection, figure: "Figure") -> None:
    """How far each matrix moved."""
    names = [matrix.name for matrix in seen.looks[0].matrices]
    lines = _lines(seen, names, lambda look, i: look.matrices[i].update_ratio)
    large = (
        _Bound(LARGE_STEP, ":", f"{LARGE_STEP:g}: as large as the weights")
        if seen.alone
        else _Bound(LARGE_STEPS, ":", f"{LARGE_STEPS:g}: too large for most steps")
    )
    bounds = [_Bound(-3, "--", "-3, the lecture's rule of thumb"), large]
    _draw(figure.subplots(), seen, "log10 of (update / weight)\nroot mean squares, no unit", lines, bounds, columns=3)


def gradients(seen: Inspection, figure: "Figure") -> None:
    """The length of the gradient of each part of the model."""
    axes, first = figure.subplots(), seen.looks[0]
    groups = list(first.gradient_norms)
    lines = _lines(seen, groups, lambda look, i: look.gradient_norms[groups[i]] or None)
    highest = first.gradient_norms.get(f"level {len(first.levels)}", 0.0) if seen.alone else 0.0
    name = f"level 1 left of this: vanishing ({VANISHING:g} of the top level's)"
    bounds = [_Bound(VANISHING * highest, ":", name)] if highest and len(first.levels) > 1 else []
    (axes.set_xscale if seen.alone else axes.set_yscale)("log")
    label = "gradient norm\nnats per unit of weight (log scale)"
    _draw(axes, seen, label, lines, bounds, columns=4, notes=_zeros(seen))


def _zeros(seen: Inspection) -> list[str]:
    """Where gradient norms are exactly 0, which a logarithmic axis cannot show: "0 from step 40 on: level 2"."""
    groups: dict[str, list[str]] = {}
    for group in seen.looks[0].gradient_norms:
        found = [look.step for look in seen.looks if look.gradient_norms[group] == 0]
        if not found:
            continue
        on = len(found) > 1 and found == seen.steps[-len(found) :].tolist()
        when = f"at step{'s' * (len(found) > 1)} {', '.join(map(short, found))}"
        when = "" if seen.alone else f" from step {found[0]:,} on" if on else f" {when}"
        groups.setdefault(when, []).append(group)
    return [f"0{when}: {', '.join(names)}" for when, names in groups.items()]


def levels(seen: Inspection, figure: "Figure") -> None:
    """What becomes of each level's activations: how they spread, what share is saturated, how many units are dead."""
    axes, first = figure.subplots(1, 3), seen.looks[0].levels
    names = [f"level {level.level}" for level in first]
    spread = _lines(seen, names, lambda look, i: look.levels[i].deviation)
    dead = _lines(seen, names, lambda look, i: 100 * len(look.levels[i].dead) / look.levels[i].units)
    flat = [
        line._replace(name=f"{line.name}, {part}", style=style)
        for part, style in zip(first[0].flat, ("-", ":"), strict=False)
        for line in _lines(seen, names, lambda look, i, part=part: 100 * look.levels[i].flat[part])
    ]
    _draw(axes[0], seen, "standard deviation\nof activations, no unit", spread)
    bound = _Bound(100 * SATURATED, "--", f"{SATURATED:.0%}: too many")
    _draw(axes[1], seen, "saturated values, %", flat, [bound])
    _draw(axes[2], seen, f"dead units, %\n(deviation below {DEAD:g})", dead)
    for one, least in zip(axes, (0.0, 10.0, 10.0), strict=True):
        _, high = one.get_xlim() if seen.alone else one.get_ylim()
        top = max(least, (1.1 if least else 1.0) * high)
        (one.set_xlim if seen.alone else one.set_ylim)(-top / 30 if least else 0, top)


def activations(seen: Inspection, figure: "Figure") -> None:
    """What the activations are given and give; of a model at hand also how each unit spreads."""
    looks = seen.some(_DRAWN)
    spread = bool(looks[0].levels[0].spread.size)
    if seen.alone:
        panels = figure.subplots(1, 2 + spread)
        grid = np.array([panels[:1], panels[1:2]])
        if spread:
            _units(panels[2], looks[0])
    else:
        grid = figure.subplots(2, len(looks), squeeze=False, sharey="row")
    for (given, gives), look in zip(grid.T, looks, strict=True):
        for i, place in enumerate(_some(len(look.levels))):
            level = look.levels[place]
            flat = ", ".join(f"{part} {share:.1%}" for part, share in level.flat.items())
            _histogram(given, level.normed, i, f"level {level.level}" + (f": {flat} flat" if seen.alone else ""))
            about = f"level {level.level}: mean {level.mean:.2f}, sd {level.deviation:.2f}"
            _histogram(gives, level.activated, i, about)
        _shade(given, look.levels[0].activation)
        given.set_xlabel("value given to the activation\n(the ends hold all beyond)")
        gives.set_xlabel("value that it gives\n(before a residual)")
        gives.set_yscale("log")
        if seen.alone:
            legend_above(given)
        else:
            given.set_title(f"step {look.step:,}", fontsize="medium")
            given.legend(loc="upper right", fontsize="small", framealpha=0.9).set_zorder(5)
        legend_above(gives)
        for axes in (given, gives):
            axes.grid(color="0.92")
    grid[1, 0].set_ylim(bottom=1e-3 if seen.alone else 1e-2)  # of the whole row: after all its lines, or tops are cut
    for axes in grid[:, 0]:
        axes.set_ylabel("share of values, % a bin")


def _units(axes: "Axes", look: Look) -> None:
    for i, place in enumerate(_some(len(look.levels))):
        level = look.levels[place]
        deviations = np.maximum(np.sort(level.spread), DEAD / 100)
        label = f"level {level.level}: {len(level.dead)} of {level.units} dead"
        axes.plot(np.linspace(0, 100, level.units), deviations, color=COLOURS[i], linewidth=2, label=label)
    axes.set_yscale("log")
    axes.axhline(DEAD, color=GREY, linestyle=":", label=f"dead below {DEAD:g}")
    axes.set_xlabel("units of a level, sorted, %")
    axes.set_ylabel("standard deviation of a unit (log scale)")
    axes.grid(color="0.92")
    legend_above(axes)


def _histogram(axes: "Axes", histogram: Histogram, colour: int, label: str) -> None:
    """A histogram as a line through its bins' middles, in percent."""
    centres = (histogram.edges[1:] + histogram.edges[:-1]) / 2
    axes.plot(centres, 100 * histogram.shares, color=COLOURS[colour], linewidth=2, label=label)


def _shade(axes: "Axes", activation: str) -> None:
    """Grey where the activation is flat."""
    low, high = axes.get_xlim()
    if activation in GELUS:
        axes.axvspan(low, FLAT_GELU, color="0.9", zorder=0, label="flat")
    else:
        bound = float(np.arctanh(FLAT))
        axes.axvspan(low, -bound, color="0.9", zorder=0, label="flat (tanh)")
        axes.axvspan(bound, high, color="0.9", zorder=0)
    axes.set_xlim(low, high)


def gradient_sizes(seen: Inspection, figure: "Figure") -> None:
    """How the gradients of each matrix spread."""
    looks = seen.some(_DRAWN)
    panels = figure.subplots(1, len(looks), squeeze=False, sharex=True, sharey=True)[0]
    used = [-5.0, -2.0]
    for axes, look in zip(panels, looks, strict=True):
        for i, place in enumerate(_some(len(look.matrices))):
            matrix = look.matrices[place]
            _histogram(axes, matrix.magnitudes, i, _about(matrix) if seen.alone else matrix.name)
            used += matrix.magnitudes.edges[:-1][matrix.magnitudes.shares > 1e-3].tolist()
        if not seen.alone:
            axes.set_title(f"step {look.step:,}", fontsize="medium")
        axes.grid(color="0.92")
        axes.set_xlabel("log10 of a gradient's size,\nnats per unit of weight\n(the ends hold all beyond)")
    panels[0].set_xlim(min(used) - 0.2, max(used) + 0.6)
    panels[0].set_ylabel("share of the tensor, % a bin")
    legend_above(panels[0], columns=2, height=1.01 if seen.alone else 1.07)  # above the panel's title


def _about(matrix: Parameter) -> str:
    ratio = "" if matrix.gradient_ratio is None else f", gradient / weight {matrix.gradient_ratio:.1g}"
    return f"{matrix.name}{ratio}" + (f", {matrix.zeros:.0%} zero" if matrix.zeros else "")


def norms(seen: Inspection, figure: "Figure") -> None:
    """How far running statistics lie off the batch's, over all channels."""
    names = [norm.name for norm in seen.looks[0].norms]
    shift, scale = figure.subplots(1, 2)
    lines = _lines(seen, names, lambda look, i: look.norms[i].shift_size)
    bounds = [_Bound(0, "--", "0: they agree"), _Bound(SHIFTED, ":", f"{SHIFTED:g}: stale")]
    _draw(shift, seen, "running mean off the batch's,\nrunning standard deviations", lines, bounds)
    lines = _lines(seen, names, lambda look, i: look.norms[i].scale_size)
    bounds = [_Bound(1, "--", "1: they agree"), _Bound(SCALED, ":", f"{SCALED:g}: stale")]
    _draw(scale, seen, "running sd off the batch's, a factor", lines, bounds)


def channels(seen: Inspection, figure: "Figure") -> None:
    """The same channel by channel, of a model at hand."""
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes = figure.subplots()
    box = Rectangle((-SHIFTED, 1 / SCALED), 2 * SHIFTED, SCALED - 1 / SCALED, color="0.92", zorder=0)
    box.set_label("what a level's mean may be off by")
    axes.add_patch(box)
    found = seen.looks[0].norms[: len(COLOURS)]
    for colour, marker, norm in zip(COLOURS, MARKS, found, strict=False):
        label = f"{norm.name}: {norm.shift_size:.3f} sd, factor {norm.scale_size:.3f}"
        style: dict[str, Any] = {"s": 22, "marker": marker, "color": colour, "alpha": 0.65, "linewidths": 0}
        axes.scatter(norm.shift, norm.scale, label=label, **style)
    shift = max(1.3 * SHIFTED, *(1.1 * float(np.abs(norm.shift).max()) for norm in found))
    scale = max(1.2 * SCALED, *(1.1 * float(np.maximum(norm.scale, 1 / norm.scale).max()) for norm in found))
    axes.set_xlim(-shift, shift)
    axes.set_yscale("log", base=2)
    axes.set_ylim(1 / scale, scale)
    axes.set_yticks([tick for tick in _FACTORS if 1 / scale <= tick <= scale])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("batch mean minus running mean, in running standard deviations")
    axes.set_ylabel("batch sd over running sd (log scale)")
    axes.grid(color="0.85")
    legend_above(axes)
