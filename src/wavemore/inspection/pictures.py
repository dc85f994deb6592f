"""The pictures of an inspection's numbers. Each says in one sentence what to look for. Needs matplotlib."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from wavemore.canvas import COLOURS, GREY, MARKS, Fill, legend_above
from wavemore.inspection.findings import SCALED, SHIFTED, VANISHING
from wavemore.inspection.inspecting import Inspection
from wavemore.inspection.tree_picture import neighbour_picture, tree_picture, tree_size
from wavemore.runs.measures import DEAD, FLAT, FLAT_GELU, Histogram, Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_LINES", "Picture", "histogram_line", "pictures_of", "shade"]

MOST_LINES = len(COLOURS)
_MOST_LABELS = 150  # characters of a map
_FACTORS = (0.1, 0.2, 0.4, 0.67, 0.8, 1, 1.25, 1.5, 2.5, 5, 10)  # ticks


class Picture(NamedTuple):
    """One picture that is to be drawn."""

    name: str
    """For its file."""
    title: str
    look_for: str
    """One sentence: what to look for."""
    size: tuple[float, float]
    """In inches."""
    draw: Fill


def pictures_of(seen: Inspection) -> list[Picture]:
    """All pictures that there are of an inspection, in the order of a lesson."""
    pictures = [
        Picture(
            "activations",
            f"What the levels hold: {seen.list_name}",
            _look_for_flat(seen),
            (13, 5.4),
            _activations(seen),
        ),
        Picture(
            "gradients",
            f"How gradients reach the levels: {seen.batch:,} strings of {seen.list_name}",
            "Look for humps that drift left from the head to level 1: they mean that lower levels hardly learn.",
            (13, 5.4),
            _gradients(seen),
        ),
        Picture(
            "steps",
            f"What one step changes: {seen.optimizer}, rate {seen.rate:g}",
            "Look for bars far apart: a short one hardly learns, one beyond 0 is overwritten; -3 is the lecture's rule "
            "of thumb for a run under way.",
            (13, 1.9 + 0.28 * sum(len(p.shape) > 1 for p in seen.parameters) + 1.2),
            _steps(seen),
        ),
    ]
    if seen.norms:
        look = "Look for points outside of the grey box: evaluation then uses statistics that the data does not have."
        pictures.append(Picture("norms", "What BatchNorm remembers against the list", look, (9, 6.6), _norms(seen)))
    look = "Look for groups: characters that stand together are used alike, as vowels often are."
    pictures.append(Picture("embedding", "The embedding as a map", look, (9, 7.4), _embedding(seen)))
    if seen.neighbourhoods:
        look = "Look for what neighbours share: low levels go by characters, high ones by what may follow."
        size = (min(22.0, max(8.0, 4.4 * len(seen.neighbourhoods))), 5.0)
        pictures.append(
            Picture("neighbours", "Nearest chunks, level by level", look, size, neighbour_picture(seen.neighbourhoods))
        )
    if seen.tree is not None:
        look = "Look along a column: each node mixes those below it, and nodes with equal text are equal strips."
        title = f'What the model does behind "{seen.tree.before}"'
        pictures.append(Picture("tree", title, look, tree_size(seen.tree), tree_picture(seen.tree)))
    return pictures


def _look_for_flat(seen: Inspection) -> str:
    name = {"gelu": "a GELU", "tanh": "a tanh", "gated": "the tanh of a gate"}[seen.layers[0].activation]
    return (
        f"Look for humps in the grey, where {name} is flat and learns nothing, and for units below the dotted line, "
        "which are dead."
    )


def _some(layers: Sequence[Layer]) -> list[Layer]:
    """At most as many levels as there are colours, from bottom to top."""
    places = np.unique(np.linspace(0, len(layers) - 1, min(len(layers), MOST_LINES)).round().astype(int))
    return [layers[i] for i in places]


def _activations(seen: Inspection) -> Fill:
    def draw(figure: "Figure") -> None:
        before, behind, units = figure.subplots(1, 3)
        for colour, layer in zip(COLOURS, _some(seen.layers), strict=False):
            flat = ", ".join(f"{part} {share:.1%}" for part, share in layer.flat.items())
            histogram_line(before, layer.normed, colour, f"level {layer.level}: {flat} flat")
            about = f"level {layer.level}: mean {layer.mean:.2f}, sd {layer.deviation:.2f}"
            histogram_line(behind, layer.activated, colour, about)
            places = np.linspace(0, 100, len(layer.spread))
            label = f"level {layer.level}: {len(layer.dead)} of {len(layer.spread)} dead"
            units.plot(places, np.maximum(np.sort(layer.spread), DEAD / 100), color=colour, linewidth=2, label=label)
        shade(before, seen.layers[0].activation)
        before.set_xlabel("value given to the activation\n(the ends hold all beyond)")
        before.set_ylabel("share of values, % a bin")
        behind.set_xlabel("value that it gives\n(before a residual)")
        behind.set_ylabel("share of values, % a bin")
        behind.set_yscale("log")
        behind.set_ylim(bottom=1e-3)
        units.set_yscale("log")
        units.axhline(DEAD, color=GREY, linestyle=":", label=f"dead below {DEAD:g}")
        units.set_xlabel("units of a level, sorted, %")
        units.set_ylabel("standard deviation of a unit (log scale)")
        for axes in (before, behind, units):
            axes.grid(color="0.92")
            legend_above(axes)

    return draw


def shade(axes: "Axes", activation: str) -> None:
    """Grey where the activation is flat."""
    low, high = axes.get_xlim()
    if activation == "gelu":
        axes.axvspan(low, FLAT_GELU, color="0.9", zorder=0, label="flat")
    else:
        bound = float(np.arctanh(FLAT))
        axes.axvspan(low, -bound, color="0.9", zorder=0, label="flat (tanh)")
        axes.axvspan(bound, high, color="0.9", zorder=0)
    axes.set_xlim(low, high)


def histogram_line(axes: "Axes", histogram: Histogram, colour: str, label: str) -> None:
    """A histogram as a line through its bins' middles, in percent."""
    centres = (histogram.edges[1:] + histogram.edges[:-1]) / 2
    axes.plot(centres, 100 * histogram.shares, color=colour, linewidth=2, label=label)


def _gradients(seen: Inspection) -> Fill:
    def draw(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
        matrices = [parameter for parameter in seen.parameters if len(parameter.shape) > 1]
        places = np.unique(np.linspace(0, len(matrices) - 1, min(len(matrices), MOST_LINES)).round().astype(int))
        for colour, i in zip(COLOURS, places, strict=False):
            parameter = matrices[i]
            zeros = f", {parameter.zeros:.0%} zero" if parameter.zeros else ""
            ratio = "" if parameter.gradient_ratio is None else f", gradient / weight {parameter.gradient_ratio:.1g}"
            histogram_line(left, parameter.magnitudes, colour, f"{parameter.name}{ratio}{zeros}")
        left.set_xlabel("log10 of a gradient's size, nats per unit of weight")
        left.set_ylabel("share of the tensor, % a bin")
        shown = [p.magnitudes.edges[:-1][p.magnitudes.shares > 1e-4] for p in matrices]
        used = np.concatenate([*shown, [-5.0, -2.0]])
        left.set_xlim(used.min() - 0.2, used.max() + 0.4)
        left.grid(color="0.92")
        legend_above(left)
        names, sizes = list(seen.gradient_norms), np.array(list(seen.gradient_norms.values()))
        floor = max(float(sizes.max()), 1e-30) * 1e-6
        right.barh(names, np.maximum(sizes, floor), color=COLOURS[0], height=0.6, label="gradient norm")
        highest = [size for name, size in seen.gradient_norms.items() if name.startswith("level ")][-1]
        if len(seen.layers) > 1:
            label = f"level 1 left of this: vanishing ({VANISHING:g} of the top level's)"
            right.axvline(max(VANISHING * highest, floor), color=GREY, linestyle=":", label=label)
        right.set_xscale("log")
        right.set_xlabel("gradient norm, nats per unit of weight (log scale)")
        right.grid(color="0.92", axis="x")
        right.set_axisbelow(True)
        legend_above(right)

    return draw


def _steps(seen: Inspection) -> Fill:
    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        rows = [p for p in seen.parameters if len(p.shape) > 1 and p.update_ratio is not None]
        ratios = [p.update_ratio or 0.0 for p in rows]
        low = min([-4.0, *ratios]) - 0.3
        bars = axes.barh([p.name for p in rows], [r - low for r in ratios], left=low, color=COLOURS[0], height=0.6)
        bars.set_label("this step")
        axes.bar_label(bars, [f"{ratio:.2f}" for ratio in ratios], padding=4)
        axes.axvline(-3, color=GREY, linestyle="--", label="-3, a rule of thumb")
        axes.axvline(0, color=COLOURS[1], linestyle=":", label="0: as large as the weights")
        axes.set_xlim(low, max([0.2, *ratios]) + 0.3)
        axes.set_xlabel("log10 of (update / weight), root mean squares, no unit")
        axes.invert_yaxis()
        axes.grid(color="0.92", axis="x")
        axes.set_axisbelow(True)
        legend_above(axes, columns=3)

    return draw


def _norms(seen: Inspection) -> Fill:
    def draw(figure: "Figure") -> None:
        from matplotlib.patches import Rectangle
        from matplotlib.ticker import FuncFormatter, NullFormatter

        axes = figure.subplots()
        box = Rectangle((-SHIFTED, 1 / SCALED), 2 * SHIFTED, SCALED - 1 / SCALED, color="0.92", zorder=0)
        box.set_label("what a level's mean may be off by")
        axes.add_patch(box)
        norms = seen.norms[:MOST_LINES]
        for colour, marker, norm in zip(COLOURS, MARKS, norms, strict=False):
            label = f"{norm.name}: {norm.shift_size:.3f} sd, factor {norm.scale_size:.3f}"
            style = {"s": 22, "marker": marker, "color": colour, "alpha": 0.65, "linewidths": 0}
            axes.scatter(norm.shift, norm.scale, label=label, **style)
        shift = max(1.3 * SHIFTED, *(1.1 * float(np.abs(norm.shift).max()) for norm in norms))
        scale = max(1.2 * SCALED, *(1.1 * float(np.maximum(norm.scale, 1 / norm.scale).max()) for norm in norms))
        axes.set_xlim(-shift, shift)
        axes.set_yscale("log", base=2)
        axes.set_ylim(1 / scale, scale)
        axes.set_yticks([tick for tick in _FACTORS if 1 / scale <= tick <= scale])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("batch mean less running mean, in running standard deviations")
        axes.set_ylabel("batch sd over running sd (log scale)")
        axes.grid(color="0.85")
        legend_above(axes)

    return draw


def _embedding(seen: Inspection) -> Fill:
    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        places = seen.embedding.places
        axes.scatter(places[1:, 0], places[1:, 1], s=240, color="0.93", label="a character")
        axes.scatter(places[:1, 0], places[:1, 1], s=70, marker="s", color=COLOURS[1], label="start, end and padding")
        for character, (x, y) in zip(seen.characters[:_MOST_LABELS], places[1:], strict=False):
            text = character if character.isprintable() and character.strip() else f"U+{ord(character):04X}"
            axes.text(x, y, text, color=COLOURS[0], fontsize=15, ha="center", va="center", parse_math=False)
        first, second = seen.embedding.explained
        axes.set_xlabel(f"first principal component, no unit ({first:.0%} of the variance)")
        axes.set_ylabel(f"second principal component, no unit ({second:.0%})")
        axes.set_aspect("equal", adjustable="datalim")
        axes.grid(color="0.92")
        legend_above(axes, columns=2)

    return draw
