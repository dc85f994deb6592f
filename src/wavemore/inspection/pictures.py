"""Which pictures there are of an inspection, in the order of a lesson, and what to look for in each."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from wavemore.inspection import drawing, node_drawing
from wavemore.inspection.inspection import Inspection
from wavemore.runs.canvas import Fill

__all__ = ["Picture", "pictures_of"]


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
    """All pictures that there are of an inspection."""
    prefix = "teacher-" if seen.about.get("role") == "teacher" else ""
    pictures = [*(_of_levels(seen) if seen.looks[0].levels else ()), *_of_steps(seen), *_of_a_model(seen)]
    return [one._replace(name=prefix + one.name, title=f"{one.title}: {seen.name}") for one in pictures]


def _of_levels(seen: Inspection) -> Iterator[Picture]:
    yield Picture(
        "levels",
        "What the levels hold",
        "Look for a level whose values are saturated, from the start (weights too large) or ever more (rate too high), "
        "and for dead units that stay dead.",
        (13, 5.6),
        partial(drawing.levels, seen),
    )
    activation = {"gelu": "a GELU", "quick_gelu": "a quick GELU", "tanh": "a tanh", "gated": "the tanh of a gate"}[
        seen.looks[0].levels[0].activation
    ]
    units = ", and for units below the dotted line, which are dead" if seen.looks[0].levels[0].spread.size else ""
    yield Picture(
        "activations",
        "What the activations are given and give",
        f"Look for humps in the grey, where {activation} is flat and learns nothing, and for levels that drift apart"
        f"{units}.",
        (13, 5.4 if seen.alone else 8.4),
        partial(drawing.activations, seen),
    )


def _of_steps(seen: Inspection) -> Iterator[Picture]:
    first = seen.looks[0]
    leaps = "" if seen.alone else ", and for leaps, where the rate is too high"
    yield Picture(
        "gradients",
        "How large gradients are",
        f"Look for level 1 far below the others, where the gradient vanishes on its way down{leaps}.",
        (11, 2.4 + 0.4 * len(first.gradient_norms)) if seen.alone else (11, 6.6),
        partial(drawing.gradients, seen),
    )
    yield Picture(
        "gradient-sizes",
        "How gradients spread",
        "Look for humps that drift left from the head to level 1, or through training: they hardly learn any more.",
        (13, 6.0),
        partial(drawing.gradient_sizes, seen),
    )
    # The head of a WaveNet is excused at the first step, unless it has a norm that starts small in its place.
    small_head = first.levels and first.step == 1 and not any(p.name == "head.norm.gamma" for p in first.parameters)
    head = " At step 1 the head's ratio is large by design: it starts at a tenth." if small_head else ""
    yield Picture(
        "steps",
        "How far a step moves the weights",
        "Look for weights near 0, which are overwritten, and for weights far below the others, which hardly learn; the "
        f"recipes' levels run between -1 and -2, and lower as the rate falls.{head}",
        (11, 2.9 + 0.28 * len(first.matrices)) if seen.alone else (11, 6.6),
        partial(drawing.steps, seen),
    )
    if first.norms:
        off = "points outside of the grey box" if first.norms[0].shift.size else "what stays off the dashed line"
        start = "" if seen.alone else "; at the start they are off by nature"
        yield Picture(
            "norms",
            "What BatchNorm remembers against what it is given",
            f"Look for {off}: evaluation then uses statistics that the data does not have{start}.",
            (9, 6.6) if first.norms[0].shift.size else (13, 5.6),
            partial(drawing.channels if first.norms[0].shift.size else drawing.norms, seen),
        )


def _of_a_model(seen: Inspection) -> Iterator[Picture]:
    """What only a model at hand has."""
    if seen.embedding is not None:
        look_for = "Look for groups: characters that stand together are used alike, as vowels often are."
        embedding = partial(node_drawing.embedding, seen.embedding, seen.characters)
        yield Picture("embedding", "The embedding as a map", look_for, (9, 7.4), embedding)
    if seen.neighbourhoods:
        look_for = "Look for what neighbours share: low levels go by characters, high ones by what may follow."
        size = (min(22.0, max(8.0, 4.4 * len(seen.neighbourhoods))), 5.0)
        neighbours = partial(node_drawing.neighbours, seen.neighbourhoods)
        yield Picture("neighbours", "Nearest chunks, level by level", look_for, size, neighbours)
    if seen.tree is not None:
        look_for = "Look along a column: each node mixes those below it, and nodes with equal text are equal strips."
        title = f'What the model does after "{seen.tree.before}"'
        yield Picture("tree", title, look_for, node_drawing.tree_size(seen.tree), partial(node_drawing.tree, seen.tree))
