"""A comparison as a picture: validation loss against parameters and against seconds of training. Needs matplotlib."""

from collections.abc import Sequence
from itertools import product
from math import cos, radians, sin
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wavemore.comparison.results import Comparison, Result, Spread
from wavemore.errors import UsageError
from wavemore.runs.canvas import COLOURS, DPI, draw, log_across

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox, BboxBase

__all__ = ["draw_comparison", "unbeaten"]

_RINGS = (16, 28, 44, 62, 82, 104, 130, 160, 200)  # dots from its point to a name, the nearest free place first
_ANGLES = (0, 180, 90, 270, 45, 315, 135, 225, 20, 340, 160, 200)


def draw_comparison(comparison: Comparison, path: str | Path) -> None:
    """Write the picture as SVG or PNG, whole or not at all. Raises what `canvas.check_picture` raises, and `UsageError`
    where no row has a run."""
    results = sorted((result for result in comparison.results if result.runs), key=_height)
    if not results:
        raise UsageError("there is nothing to draw: every row failed")
    draw(path, 12, 5.6, lambda figure: _panels(figure, comparison, results))


def _panels(figure: "Figure", comparison: Comparison, results: Sequence[Result]) -> None:
    left, right = figure.subplots(1, 2, sharey=True)
    left.set_xlabel("parameters (log scale)")
    left.set_ylabel("validation loss, nats per character")
    right.set_xlabel("training, seconds (log scale)")
    figure.suptitle(f"What size and time buy: {comparison.list_name}, {comparison.split} split", parse_math=False)
    seeds = len(comparison.seeds)
    points = f"Points are medians over {seeds} seeds, bars reach from the lowest to the highest."
    timeless = any(result.seconds is None for result in results)
    caption = [
        "Lower is better, further left is cheaper. Look for rows on the grey line: no other one beats them in both.",
        f"{points if seeds > 1 else 'Each point is one run.'}{' A model file has no seconds.' if timeless else ''}",
    ]
    figure.supxlabel("\n".join(caption), fontsize="medium")
    costs: list[list[Spread | None]] = [
        [Spread.of([result.parameters]) for result in results],
        [result.seconds for result in results],
    ]
    for axes, spreads in zip((left, right), costs, strict=True):
        _panel(axes, results, spreads)
    figure.draw_without_rendering()  # from here on the layout stands
    figure.set_layout_engine("none")
    for axes, spreads in zip((left, right), costs, strict=True):
        _names(axes, results, spreads)


def _panel(axes: "Axes", results: Sequence[Result], costs: Sequence[Spread | None]) -> None:
    """One point a row, its loss over its cost, and a line through the rows that none beats in both."""
    axes.set_xscale("log")
    for i, (result, cost) in enumerate(zip(results, costs, strict=True)):
        loss = result.loss("validation")
        if cost is not None and loss is not None:
            axes.errorbar(
                [cost.median],
                [loss.median],
                xerr=_bars(cost),
                yerr=_bars(loss),
                color=COLOURS[i % len(COLOURS)],
                marker="o",
                markersize=7,
                capsize=3,
                zorder=3,
            )
    points = [(cost.median, _height(result)) for result, cost in zip(results, costs, strict=True) if cost is not None]
    best = unbeaten(points)
    axes.plot([cost for cost, _ in best], [loss for _, loss in best], color="0.75", zorder=0)
    axes.margins(0.15)
    log_across(axes)
    axes.grid(color="0.92")


def _names(axes: "Axes", results: Sequence[Result], costs: Sequence[Spread | None]) -> None:
    """The rows' names, each at the nearest place to its point where it covers no other name and no point."""
    inches = axes.figure.dpi_scale_trans  # dots differ between SVG and PNG
    under = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5}
    shown = [(result, cost) for result, cost in zip(results, costs, strict=True) if cost is not None]
    points = [axes.transData.transform((cost.median, _height(result))) for result, cost in shown]  # dots
    taken = [box for result, cost in shown for box in _bar_boxes(axes, cost, result.loss("validation"))]
    for (result, _), point in zip(shown, points, strict=True):
        colour = COLOURS[results.index(result) % len(COLOURS)]
        style = {"color": colour, "va": "bottom", "bbox": under, "zorder": 2}
        text = axes.text(0, 0, result.name, transform=inches, parse_math=False, **style)
        size = text.get_window_extent()
        others = [other for other in points if other is not point]
        box, far = _free_place(point, others, size.width, size.height, axes.bbox, taken)
        text.set_position((box.x0 / DPI, box.y0 / DPI))
        taken.append(box)
        if far:
            near = np.clip(point, box.min, box.max)
            axes.plot(*(np.stack([point, near], axis=1) / DPI), color=colour, linewidth=0.8, transform=inches, zorder=1)


def _bar_boxes(axes: "Axes", cost: Spread, loss: Spread | None) -> "list[Bbox]":
    """What a point and its two bars cover, in dots."""
    from matplotlib.transforms import Bbox

    assert loss is not None
    ends = [(cost.low, cost.high, loss.median, loss.median), (cost.median, cost.median, loss.low, loss.high)]
    corners = [axes.transData.transform([(left, low), (right, high)]) for left, right, low, high in ends]
    return [Bbox(np.array([low - 8, high + 8])) for low, high in corners]


def _free_place(
    point: np.ndarray,
    others: Sequence[np.ndarray],
    width: float,
    height: float,
    inside: "BboxBase",
    taken: "list[Bbox]",
) -> "tuple[Bbox, bool]":
    """The box of a name of this size near its point, all in dots, and whether it is so far off that it wants a line."""
    from matplotlib.transforms import Bbox

    def distance(box: Bbox, to: np.ndarray) -> float:
        return float(np.linalg.norm(np.clip(to, box.min, box.max) - to))

    places = []
    for ring, angle in product(_RINGS, _ANGLES):
        towards = np.array([cos(radians(angle)), sin(radians(angle))])
        corner = point + ring * towards - np.array([width, height]) * (1 - towards) / 2
        places.append((Bbox.from_bounds(corner[0], corner[1], width, height), ring > _RINGS[1]))
    free = [
        (box, far)
        for box, far in places
        if (box.min > inside.min).all()
        and (box.max < inside.max).all()
        and not any(box.overlaps(other) for other in taken)
    ]
    for box, far in free:
        if all(distance(box, other) > 1.2 * distance(box, point) for other in others):
            return box, far
    return (free[0][0], True) if free else places[0]


def _height(result: Result) -> float:
    loss = result.loss("validation")
    return float("inf") if loss is None else loss.median


def _bars(spread: Spread) -> np.ndarray:
    """How far the bars reach below and above the median, (2, 1)."""
    return np.array([[spread.median - spread.low], [spread.high - spread.median]])


def unbeaten(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points (cost, loss) that no other one beats in both, the cheapest first."""
    best: list[tuple[float, float]] = []
    for cost, loss in sorted(points):
        if not best or loss < best[-1][1]:
            best.append((cost, loss))
    return best
