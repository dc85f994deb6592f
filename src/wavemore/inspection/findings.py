"""What in the numbers wants attention, as plain sentences, by thresholds that stand here and nowhere else."""

from collections.abc import Iterator, Mapping, Sequence

from wavemore.runs.measures import DEAD, FLAT, FLAT_GELU, Layer, Norm, Parameter

__all__ = [
    "LARGE_STEP",
    "LARGE_STEPS",
    "SATURATED",
    "SCALED",
    "SHIFTED",
    "SMALL_STEP",
    "SMALL_STEPS",
    "VANISHING",
    "findings_of",
    "flatness",
    "named_units",
    "of_norm",
]

SATURATED = 0.5
"""A level is called saturated from this share of flat values: of a standard normal a tanh has 0.04, a GELU 0.01."""
VANISHING = 0.01
"""The lowest level's gradient is called vanishing below this share of the highest level's; above its inverse, the
gradient explodes on the way down."""
SHIFTED = 0.5
"""Running means are stale where they lie this many running standard deviations off the batch's (root mean square)."""
SCALED = 1.5
"""Running deviations are stale where they differ from the batch's by this factor, up or down."""
LARGE_STEP = 0.0
"""log10 of update over weight at which a step is as large as the matrix itself. (Muon's own steps come near -1.)"""
SMALL_STEP = -6.0
"""log10 of update over weight below which a matrix hardly moves: float32 keeps about seven digits."""
LARGE_STEPS = -0.75
"""log10 of update over weight that is too large where most of a run's steps are beyond it: the recipes' matrices have a
median of -1.0 at most, with a rate 30 times too high -0.5."""
SMALL_STEPS = -5.0
"""log10 of update over weight that is too small for most of a run's steps: the recipes' matrices have -4 at least."""
_MOST_UNITS = 20
_FLAT = {
    "tanh": f"|tanh| above {FLAT:g}",
    "sigmoid": f"within {(1 - FLAT) / 2:g} of 0 or 1",
    "gelu": f"given less than {FLAT_GELU:g}",
}


def findings_of(
    layers: Sequence[Layer],
    parameters: Sequence[Parameter],
    norms: Sequence[Norm],
    gradient_norms: Mapping[str, float],
) -> list[str]:
    """One sentence for each thing found; empty for a sound model."""
    return [
        *(sentence for layer in layers for sentence in _of_layer(layer)),
        *_of_gradients(gradient_norms),
        *_of_steps(parameters),
        *(sentence for norm in norms for sentence in of_norm(norm)),
    ]


def _of_layer(layer: Layer) -> Iterator[str]:
    dead, count = layer.dead, len(layer.spread)
    if dead:
        yield (
            f"level {layer.level}: {len(dead)} of {count} units {'is' if len(dead) == 1 else 'are'} dead "
            f"(standard deviation below {DEAD:g}): {named_units(dead)}"
        )
    for part, share in layer.flat.items():
        if share > SATURATED:
            yield f"level {layer.level}: {share:.0%} of its {part} values are saturated ({flatness(part)})"


def named_units(units: Sequence[int]) -> str:
    """Their numbers; of very many the first."""
    return ", ".join(map(str, units[:_MOST_UNITS])) + (", ..." if len(units) > _MOST_UNITS else "")


def flatness(part: str) -> str:
    """Where a part of an activation is flat, in words."""
    return _FLAT[part]


def _of_gradients(gradient_norms: Mapping[str, float]) -> Iterator[str]:
    levels = [norm for group, norm in gradient_norms.items() if group.startswith("level ")]
    if len(levels) < 2:
        return
    lowest, highest = levels[0], levels[-1]
    if highest == 0:
        yield "no gradient reaches the levels at all"
    elif (ratio := lowest / highest) < VANISHING:
        yield f"the gradient vanishes on its way down: level 1 has {ratio:.2g} of level {len(levels)}'s gradient norm"
    elif ratio > 1 / VANISHING:
        top = f"level {len(levels)}'s"
        yield f"the gradient explodes on its way down: level 1 has {ratio:.2g} times {top} gradient norm"


def _of_steps(parameters: Sequence[Parameter]) -> Iterator[str]:
    for parameter in parameters:
        ratio = parameter.update_ratio
        if len(parameter.shape) < 2:
            continue  # the few numbers of a norm or a bias may rightly start at zero
        if ratio is not None and ratio > LARGE_STEP:
            yield f"{parameter.name}: one step at the full learning rate is {10**ratio:.1f} times the tensor itself"
        elif parameter.weight and (ratio is None or ratio < SMALL_STEP):
            size = "0" if ratio is None else f"10^{ratio:.1f}"
            yield f"{parameter.name}: one step at the full learning rate hardly moves it ({size} of its size)"


def of_norm(norm: Norm) -> Iterator[str]:
    """What is stale about a BatchNorm's running statistics."""
    if norm.shift_size > SHIFTED:
        yield (
            f"{norm.name}: the running mean is stale, {norm.shift_size:.2f} running standard deviations off the batch's"
        )
    if norm.scale_size > SCALED:
        yield (
            f"{norm.name}: the running variance is stale, its deviation off the batch's by a factor of "
            f"{norm.scale_size:.2f}"
        )
