"""The charts of a study. Needs matplotlib; where it is absent the report has their numbers as tables."""

from functools import partial
from typing import TYPE_CHECKING

from wavemore.runs.canvas import COLOURS, MARKS, drawn, log_across
from wavemore.study.claims import Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["chart_drawn"]

_MOST_TICKS = 10


def chart_drawn(chart: Chart, kind: str = "svg") -> bytes:
    """The chart as "svg" or "png". Raises `MissingExtraError`."""
    return drawn(kind, 8.3, 4.8, partial(_fill, chart), salt=chart.title)


def _fill(chart: Chart, figure: "Figure") -> None:
    axes = figure.subplots()
    for i, line in enumerate(chart.lines):
        bars = None
        if line.low is not None and line.high is not None:
            bars = [
                [y - low for y, low in zip(line.y, line.low, strict=True)],
                [high - y for y, high in zip(line.y, line.high, strict=True)],
            ]
        style = {"color": COLOURS[i % len(COLOURS)], "marker": MARKS[i % len(MARKS)], "markersize": 5, "linewidth": 1.4}
        axes.errorbar(list(line.x), list(line.y), yerr=bars, label=line.name, capsize=3, **style)
    places = sorted({float(x) for line in chart.lines for x in line.x})
    if chart.log_across:
        log_across(axes)
    elif len(places) <= _MOST_TICKS and all(place.is_integer() for place in places):
        axes.set_xticks(places)
    if chart.log_up:
        axes.set_yscale("log")
    axes.set_title(chart.title, loc="left", fontsize="medium", parse_math=False)
    axes.set_xlabel(chart.across + (" (log scale)" if chart.log_across else ""))
    axes.set_ylabel(chart.up + (" (log scale)" if chart.log_up else ""))
    axes.grid(color="0.92")
    if chart.lines:
        figure.legend(loc="outside right upper", frameon=False, fontsize="small")
