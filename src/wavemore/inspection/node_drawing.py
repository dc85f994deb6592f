"""The pictures of single nodes: the embedding's characters on a map, a string's tree with the values of every node,
and a chunk's neighbours. Needs matplotlib."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from wavemore.inspection.nodes import Neighbourhood, Node, StringTree
from wavemore.runs.canvas import COLOURS, legend_above
from wavemore.runs.measures import Map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["embedding", "neighbours", "tree", "tree_size"]

_MOST_BARS = 12
_MOST_LABELS = 150  # characters of a map
_MOST_LEVELS = 5  # of neighbours side by side


def embedding(places: Map, characters: str, figure: "Figure") -> None:
    """Each character at its place on the map."""
    axes = figure.subplots()
    rows = places.places
    axes.scatter(rows[1:, 0], rows[1:, 1], s=240, color="0.93", label="a character")
    axes.scatter(rows[:1, 0], rows[:1, 1], s=70, marker="s", color=COLOURS[1], label="start, end and padding")
    for character, (x, y) in zip(characters[:_MOST_LABELS], rows[1:], strict=False):
        axes.text(x, y, _name(character), color=COLOURS[0], fontsize=15, ha="center", va="center", parse_math=False)
    first, second = places.explained
    axes.set_xlabel(f"first principal component, no unit ({first:.0%} of the variance)")
    axes.set_ylabel(f"second principal component, no unit ({second:.0%})")
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid(color="0.92")
    legend_above(axes, columns=2)


def tree_size(tree: StringTree) -> tuple[float, float]:
    """Inches that the picture of a tree takes."""
    leaves = sum(node.level == 0 for node in tree.nodes)
    return max(11.0, min(40.0, 1.5 * leaves)), 2.6 + 1.45 * (1 + max(node.level for node in tree.nodes))


def tree(found: StringTree, figure: "Figure") -> None:
    """Level above level, each node as wide as the leaves below it, and at the right the probabilities."""
    top = max(node.level for node in found.nodes)
    leaves = sum(node.level == 0 for node in found.nodes)
    grid = figure.add_gridspec(top + 1, leaves + 2, width_ratios=[1.0] * leaves + [0.15, max(2.0, leaves / 4)])
    strips = []
    for level in range(top, -1, -1):
        nodes = [node for node in found.nodes if node.level == level]
        wide = leaves // len(nodes)
        limit = max(*(float(np.abs(node.values).max()) for node in nodes), 1e-30)
        for node in nodes:
            axes = figure.add_subplot(grid[top - level, node.place * wide : (node.place + 1) * wide])
            strips.append((axes, _strip(axes, node, limit)))
        name = f"level {level}" if level else "embedding"
        strips[-len(nodes)][0].set_ylabel(f"{name}\n±{limit:.1f}", rotation=0, ha="right", va="center")
    bar = figure.colorbar(strips[0][1], ax=figure.axes, location="bottom", aspect=60, pad=0.02, shrink=0.5)
    bar.set_ticks([-1, 0, 1], labels=["lowest", "0", "highest"])
    bar.set_label(
        "value of each unit, units from left to right by number; ± at the left: how far the colours of a row reach"
    )
    _probabilities(figure.add_subplot(grid[:, leaves + 1]), found)


def _strip(axes: "Axes", node: Node, limit: float):  # noqa: ANN202 - matplotlib's own type
    """A node's values as a row of colours, its units from left to right; its text above."""
    image = axes.imshow(node.values[None] / limit, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1, interpolation="none")
    axes.set_title(node.text, parse_math=False, fontsize=15, family="monospace", pad=3)
    axes.set_yticks([])
    axes.set_xticks([0, len(node.values) - 1] if node.level or node.place == 0 else [])
    axes.tick_params(labelsize=8, length=2)
    for side in axes.spines.values():
        side.set_visible(True)
        side.set_color("0.6")
    return image


def _probabilities(axes: "Axes", tree: StringTree) -> None:
    shown = tree.probabilities[:_MOST_BARS]
    names = [_name(character) for character, _ in shown]
    colours = [COLOURS[1] if character == tree.following else COLOURS[0] for character, _ in shown]
    bars = axes.barh(range(len(shown)), [100 * p for _, p in shown], color=colours, height=0.7)
    axes.bar_label(bars, [f"{p:.1%}" for _, p in shown], padding=3, fontsize=10)
    axes.set_yticks(range(len(shown)), names, family="monospace", parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(0, 100 * shown[0][1] * 1.6)
    axes.set_xlabel("probability of what\nfollows, %")
    axes.set_title(f"orange: {_name(tree.following)} follows", fontsize=11, parse_math=False)


def neighbours(found: Sequence[Neighbourhood], figure: "Figure") -> None:
    """For each level bars of cosine distances, the nearest first."""
    places = np.unique(np.linspace(0, len(found) - 1, min(len(found), _MOST_LEVELS)).round())
    chosen = [found[int(i)] for i in places]
    for axes, near in zip(figure.subplots(1, len(chosen), squeeze=False)[0], chosen, strict=True):
        rows = range(len(near.neighbours))
        bars = axes.barh(rows, [distance for _, distance in near.neighbours], color=COLOURS[0], height=0.65)
        axes.bar_label(bars, [f"{distance:.2f}" for _, distance in near.neighbours], padding=3, fontsize=10)
        axes.set_yticks(rows, [text[-16:] for text, _ in near.neighbours], family="monospace", parse_math=False)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.25 * max([distance for _, distance in near.neighbours], default=1.0) + 1e-3)
        axes.set_xlabel("cosine distance, no unit")
        title = f"level {near.level}: nearest to {near.chunk[-16:]}\nof {near.chunks:,} chunks"
        axes.set_title(title, parse_math=False, fontsize=12)


def _name(character: str) -> str:
    if not character:
        return "end"
    return character if character.isprintable() and character.strip() else f"U+{ord(character):04X}"
