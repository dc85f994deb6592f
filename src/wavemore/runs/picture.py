"""Runs as a picture: losses, learning rate, gradient norm and speed over their steps. Needs matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from wavemore.errors import UsageError
from wavemore.runs.canvas import COLOURS, draw, short
from wavemore.runs.curves import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Over", "draw_curves"]

Over = Literal["step", "passes", "seconds"]
_OVER = {"step": "step", "passes": "passes over the training part", "seconds": "seconds since the start"}
_PANELS = {
    "rate": "learning rate",
    "gradient_norm": "gradient norm\n(log scale)",
    "steps_per_second": "steps a second",
}
_DIVERGED = 30  # the highest loss over the lowest from which on the scale is logarithmic
_MARKED = 40  # evaluations up to which each has a dot
_RAW: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.3}
_SMOOTH: dict[str, Any] = {"linewidth": 2.2}
_HELD_OUT: dict[str, Any] = {"linewidth": 1.6, "linestyle": (0, (4, 1.5)), "marker": "o", "markersize": 4}
_CAPTION = (
    "Where the dashed line stops falling and the thick one goes on, the run begins to learn its list by heart;\n"
    "where both still fall at the end, more steps help; where the gradient norm leaps, try a lower learning rate."
)
_TAUGHT = "\nThe batch loss of a taught run is that against what its teacher expects, not against the characters."


def draw_curves(curves: Sequence[Curve], path: str | Path, *, over: Over = "step") -> None:
    """Write the picture as SVG or PNG, whole or not at all. Raises what `canvas.check_picture` raises, and `UsageError`
    where there are more runs than colours."""
    runs = len({curve.run for curve in curves})
    if runs > len(COLOURS):
        raise UsageError(f"there are {runs} runs, and a picture shows {len(COLOURS)} at most; draw fewer of them")
    draw(path, 12, 7.2, lambda figure: _panels(figure, curves, over))


def _panels(figure: "Figure", curves: Sequence[Curve], over: Over) -> None:
    runs = list(dict.fromkeys(curve.run for curve in curves))
    colours = dict(zip(runs, COLOURS, strict=False))
    names = runs[0] if len(runs) == 1 else f"{len(runs)} runs"
    figure.suptitle(f"How training went: {names}", parse_math=False)
    taught = any(curve.taught for curve in curves)
    figure.supxlabel(_CAPTION + (_TAUGHT if taught else ""), fontsize="medium")
    grid = figure.add_gridspec(len(_PANELS), 2, width_ratios=(1.5, 1))
    losses = figure.add_subplot(grid[:, 0])
    _losses(losses, curves, colours, over)
    _legend(losses, curves, colours)
    for row, (name, label) in enumerate(_PANELS.items()):
        axes = figure.add_subplot(grid[row, 1], sharex=losses)
        _numbers(axes, curves, colours, name, over)
        ensemble = name == "steps_per_second" and any(curve.network is not None for curve in curves)
        axes.set_ylabel(f"{label}\nof each network" if ensemble else label)
        axes.tick_params(labelbottom=row == len(_PANELS) - 1)
    for axes in (losses, figure.axes[-1]):
        axes.set_xlabel(_OVER[over])
        axes.xaxis.set_major_formatter(lambda value, _: short(value))


def _losses(axes: "Axes", curves: Sequence[Curve], colours: Mapping[str, str], over: Over) -> None:
    """Batch losses, raw and smoothed, and the validation loss, all in nats per character."""
    for curve in curves:
        colour = colours[curve.run]
        _line(axes, curve.points("batch_loss", over), color=colour, **_RAW, zorder=1)
        _line(axes, curve.points("smooth_loss", over), color=colour, **_SMOOTH, zorder=2)
        _line(axes, curve.points("validation_loss", over), color=colour, **_HELD_OUT, zorder=3)
    axes.set_ylabel("loss, nats per character")
    low, high = _range(curves)
    if high > _DIVERGED * low > 0:
        axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.grid(color="0.92")


def _numbers(axes: "Axes", curves: Sequence[Curve], colours: Mapping[str, str], name: str, over: Over) -> None:
    """One figure of each curve."""
    from matplotlib.ticker import LogLocator, NullFormatter

    shown = []
    for curve in curves:
        where, values = curve.points(name, over)
        if name == "gradient_norm":  # which a log scale cannot show where it is 0
            where, values = where[values > 0], values[values > 0]
        _line(axes, (where, values), color=colours[curve.run], linewidth=1.2)
        shown += [*values]
    if name == "gradient_norm" and shown:
        decades = np.log10(max(shown) / min(shown))
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(
            LogLocator(subs=(1,) if decades > 3 else (1, 3) if decades > 0.7 else (1, 1.5, 2, 3, 5, 7))
        )
        axes.yaxis.set_major_formatter(lambda value, _: short(value))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(bottom=0)
    axes.grid(color="0.92")


def _line(axes: "Axes", points: tuple[np.ndarray, np.ndarray], **style: Any) -> None:
    """A line through the points; where there are very few, they are marked, and where there are many, not."""
    if len(points[0]) < 3:
        style |= {"marker": "o", "markersize": 4}
    elif len(points[0]) > _MARKED:
        style["marker"] = ""
    axes.plot(*points, **style)


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    """From the lowest to the highest loss to show: the first steps, which start far above all others, may run out of
    the picture, and so may single batches."""
    tops, bottoms = [], []
    for curve in curves:
        smooth = curve.points("smooth_loss")[1]
        raw = curve.points("batch_loss")[1]
        held_out = curve.points("validation_loss")[1]
        tops += [np.quantile(raw, 0.9), *smooth[len(smooth) // 20 :][:1], *held_out[-1:]]
        bottoms += [np.quantile(raw, 0.1), smooth.min(), *([held_out.min()] if len(held_out) else [])]
    low, high = float(min(bottoms)), float(max(tops))
    if high > _DIVERGED * low > 0:
        return low / 1.2, high * 1.2
    room = 0.05 * (high - low) or 0.1
    return low - room, high + room


def _legend(axes: "Axes", curves: Sequence[Curve], colours: Mapping[str, str]) -> None:
    """The runs by their colours, where there are several, and what the kinds of lines are."""
    from matplotlib.lines import Line2D

    several = len(colours) > 1
    grey = "0.3" if several else next(iter(colours.values()))
    entries = [(run, Line2D([], [], color=colour, linewidth=5)) for run, colour in colours.items()] if several else []
    kinds = [("batch loss", _RAW), ("batch loss, smoothed", _SMOOTH), ("validation loss", _HELD_OUT)]
    if not any(np.isfinite(curve.columns["validation_loss"]).any() for curve in curves):
        kinds.pop()
    entries += [(label, Line2D([], [], color=grey, **style)) for label, style in kinds]
    legend = axes.legend([line for _, line in entries], ["-"] * len(entries), loc="upper right", framealpha=0.9)
    for (label, _), text in zip(entries, legend.get_texts(), strict=True):
        text.set_parse_math(False)
        text.set_text(label)  # not before: a name that begins with an underscore would be left out
