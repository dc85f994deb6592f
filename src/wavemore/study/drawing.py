"""The charts of a study, as SVG or PNG. Needs matplotlib; where it is absent the report has its tables alone."""

import io
import warnings
from typing import Any

from wavemore.errors import MissingExtraError
from wavemore.study.claims import Chart

__all__ = ["drawn"]

_COLOURS = ("#0072b2", "#b34700", "#00795a", "#a8447f", "#4a4a4a", "#806000")
_MARKS = ("o", "s", "^", "D", "v", "P")
_DPI = 110
_MOST_TICKS = 10


def drawn(chart: Chart, kind: str = "svg") -> bytes:
    """The chart as "svg" or "png". Raises `MissingExtraError` where matplotlib is absent."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("drawing a chart", "matplotlib", "plot") from error
    style: dict[Any, Any] = {
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "svg.fonttype": "none",  # words stay words
        "svg.hashsalt": chart.title,  # the same chart is the same bytes, and several in one page share no names
    }
    data = io.BytesIO()
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a list may have characters that the font lacks
        figure = Figure(figsize=(7.6, 4.4), dpi=_DPI, layout="constrained")
        _fill(figure, chart)
        figure.savefig(data, format=kind, metadata={"Date": None} if kind == "svg" else {"Software": None})
    return data.getvalue()


def _fill(figure: Any, chart: Chart) -> None:
    axes = figure.subplots()
    places = sorted({float(x) for line in chart.lines for x in line.x})
    whole = all(place.is_integer() for place in places)
    for i, line in enumerate(chart.lines):
        colour, mark = _COLOURS[i % len(_COLOURS)], _MARKS[i % len(_MARKS)]
        bars = None
        if line.low is not None and line.high is not None:
            bars = [
                [y - low for y, low in zip(line.y, line.low, strict=True)],
                [high - y for y, high in zip(line.y, line.high, strict=True)],
            ]
        style = {"color": colour, "marker": mark, "markersize": 5, "capsize": 3, "linewidth": 1.4}
        axes.errorbar(list(line.x), list(line.y), yerr=bars, label=line.name, **style)
    if chart.log_across:
        _log_across(axes)
    elif whole and len(places) <= _MOST_TICKS:
        axes.set_xticks(places)
    if chart.log_up:
        axes.set_yscale("log")
    axes.set_title(chart.title, loc="left", fontsize="medium", parse_math=False)
    axes.set_xlabel(chart.across + (" (log scale)" if chart.log_across else ""))
    axes.set_ylabel(chart.up + (" (log scale)" if chart.log_up else ""))
    axes.grid(color="0.92")
    if chart.lines:
        figure.legend(loc="outside right upper", frameon=False, fontsize="small")


def _log_across(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    """A tick: 0.5, 20k, 2M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
